"""Sample files: every accepted layout, and an error with file, tensor and remedy for everything else."""

from __future__ import annotations

import io
import pickle
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgeq.calibrate.load import load_samples
from edgeq.calibrate.samples import Samples, Spec
from edgeq.calibrate.synthetic import random_samples, samples_of
from edgeq.errors import CalibrationError
from edgeq.quant.qparams import Range

FLOAT = np.dtype(np.float32)
IMAGE = {"x": ((1, 2, 3), FLOAT)}
TWO = {"a": ((1, 2), FLOAT), "a_b": ((3,), FLOAT)}
DATA = np.arange(30, dtype=np.float32).reshape(5, 2, 3)


def values(samples: Samples, size: int = 2) -> dict[str, np.ndarray]:
    """All samples, gathered from batches whose sizes are checked."""
    batches = list(samples.batches(size))
    for batch in batches[:-1]:
        assert all(len(array) == size for array in batch.values())
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npz(tmp_path: Path, save: object, order: str) -> None:
    save(tmp_path / "s.npz", x=np.array(DATA, order=order), labels=np.arange(5))  # type: ignore[operator]
    samples = load_samples(tmp_path / "s.npz", IMAGE)
    assert len(samples) == 5
    np.testing.assert_array_equal(values(samples)["x"], DATA[:, np.newaxis])
    np.testing.assert_array_equal(samples.labels, np.arange(5))


@pytest.mark.parametrize(
    ("array", "shape", "count"),
    [
        ((5, 2, 3), (1, 2, 3), 5),
        ((5, 1, 2, 3), (1, 2, 3), 5),
        ((2, 3), (1, 2, 3), 1),
        ((1, 2, 3), (1, 2, 3), 1),
        ((4, 3), (3,), 4),
        ((3,), (3,), 1),
        ((3, 3), (3, 3), 1),
        ((3, 3, 3), (3, 3), 3),
        ((7,), (1,), 7),
    ],
)
def test_sample_axis(tmp_path: Path, array: tuple[int, ...], shape: tuple[int, ...], count: int) -> None:
    data = np.arange(np.prod(array), dtype=np.float32).reshape(array)
    np.savez(tmp_path / "s.npz", x=data)
    samples = load_samples(tmp_path / "s.npz", {"x": (shape, FLOAT)})
    assert len(samples) == count
    np.testing.assert_array_equal(values(samples, 3)["x"], data.reshape(count, *shape))


def test_folder_of_single_samples_in_order_of_names(tmp_path: Path) -> None:
    for number, row in enumerate(DATA):
        np.save(tmp_path / f"img{number}.npy", row)
    np.save(tmp_path / "labels.npy", np.arange(5))
    (tmp_path / "README.txt").write_text("not a sample")
    samples = load_samples(tmp_path, IMAGE)
    np.testing.assert_array_equal(values(samples)["x"], DATA[:, np.newaxis])
    assert samples.labels is not None and len(samples.labels) == 5


def test_folder_of_parts_and_mixed_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "0.npz", x=DATA[:3], labels=[7, 8, 9])
    np.save(tmp_path / "1.npy", DATA[3:])
    np.savez(tmp_path / "2.npz", labels=[1, 2])
    samples = load_samples(tmp_path, IMAGE)
    np.testing.assert_array_equal(values(samples)["x"][:, 0], DATA)
    assert samples.labels is not None and samples.labels.tolist() == [7, 8, 9, 1, 2]


def test_folder_for_several_inputs_matches_the_longest_name(tmp_path: Path) -> None:
    for number in range(3):
        np.save(tmp_path / f"a_{number}.npy", np.full(2, number, np.float32))
        np.save(tmp_path / f"a_b_{number}.npy", np.full(3, 10 + number, np.float32))
    found = values(load_samples(tmp_path, TWO))
    assert found["a"][:, 0, 0].tolist() == [0, 1, 2] and found["a_b"][:, 0].tolist() == [10, 11, 12]


def test_first_samples(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", x=DATA, labels=np.arange(5))
    samples = load_samples(tmp_path / "s.npz", IMAGE).first(3)
    assert len(samples) == 3 and samples.labels is not None and samples.labels.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(values(samples)["x"][:, 0], DATA[:3])
    assert len(samples.first(99)) == 3


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float16", "float64", "bool"])
def test_types_that_convert_exactly(tmp_path: Path, dtype: str) -> None:
    np.savez(tmp_path / "s.npz", x=DATA.astype(dtype))
    found = values(load_samples(tmp_path / "s.npz", IMAGE))["x"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[:, 0], DATA.astype(dtype))


def zipped(**members: bytes) -> bytes:
    """A .npz with these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return stream.getvalue()


def stored(array: np.ndarray, *, pickled: bool = False) -> bytes:
    """The bytes of a .npy."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=pickled)
    return stream.getvalue()


def header(shape: tuple[int, ...], *, fortran: bool = False) -> bytes:
    """A .npy that promises a shape and holds nothing."""
    text = f"{{'descr': '<f4', 'fortran_order': {fortran}, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


GOOD = stored(DATA)
BAD = {
    "unknown name": (zipped(z=GOOD), IMAGE, "z", "no input"),
    "missing name": (zipped(a=stored(np.zeros((4, 2), np.float32))), TWO, "a_b", "missing"),
    "empty": (zipped(), IMAGE, "x", "missing"),
    "zero samples": (zipped(x=stored(DATA[:0])), IMAGE, "x", "no samples"),
    "shape": (zipped(x=stored(DATA.reshape(5, 3, 2))), IMAGE, "x", "shape"),
    "rank": (zipped(x=stored(np.float32(1).reshape(()))), IMAGE, "x", "shape"),
    "text": (zipped(x=stored(DATA.astype("U8"))), IMAGE, "x", "<U8"),
    "complex": (zipped(x=stored(DATA.astype(complex))), IMAGE, "x", "complex"),
    "float for integer": (zipped(x=GOOD), {"x": ((1, 2, 3), np.dtype(np.uint8))}, "x", "float32"),
    "large integers": (zipped(x=stored(np.full((5, 2, 3), 2**24 + 1))), IMAGE, "x", "cannot represent"),
    "NaN": (zipped(x=stored(np.where(DATA == 17, np.nan, DATA))), IMAGE, "x", "NaN"),
    "infinity": (zipped(x=stored(np.where(DATA == 17, np.inf, DATA))), IMAGE, "x", "infinity"),
    "beyond float32": (zipped(x=stored(DATA.astype(np.float64) * 1e39)), IMAGE, "x", "infinity"),
    "labels too few": (zipped(x=GOOD, labels=stored(np.arange(4))), IMAGE, None, "different numbers"),
    "labels not integers": (zipped(x=GOOD, labels=stored(np.zeros(5))), IMAGE, "labels", "float64"),
    "unequal counts": (
        zipped(a=stored(np.zeros((4, 2), np.float32)), a_b=stored(np.zeros((5, 3), np.float32))), TWO, None, "different"
    ),
    "pickle": (zipped(x=stored(np.array([{}, {}], object), pickled=True)), IMAGE, None, "Python objects"),
    "not an array": (zipped(x=b"hello"), IMAGE, None, "cannot read"),
    "truncated archive": (zipped(x=GOOD)[:-30], IMAGE, None, "cannot read"),
    "truncated array": (zipped(x=GOOD[:-4]), IMAGE, None, "shorter"),
    "header alone": (zipped(x=header((10**12, 2, 3))), IMAGE, None, "shorter"),
    "negative shape": (zipped(x=header((-5, 2, 3))), IMAGE, None, "negative"),
    "more columns than memory": (zipped(x=header((10**12, 2, 3), fortran=True)), IMAGE, None, "cannot read"),
    "text file": (b"x,y\n1,2\n", IMAGE, None, "cannot read"),
    "nothing": (b"", IMAGE, None, "cannot read"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_by_name(tmp_path: Path, case: str) -> None:
    data, inputs, tensor, message = BAD[case]
    path = tmp_path / "s.npz"
    path.write_bytes(data)
    with pytest.raises(CalibrationError, match=message) as error:
        load_samples(path, inputs)
    assert error.value.file == str(path) and error.value.tensor == tensor and error.value.fix


def test_bare_pickle_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(pickle.dumps(DATA))
    with pytest.raises(CalibrationError, match="cannot read"):
        load_samples(tmp_path, IMAGE)


@pytest.mark.parametrize("name", ["missing.npz", "."])
def test_missing_file_and_empty_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(CalibrationError) as error:
        load_samples(tmp_path / name, IMAGE)
    assert error.value.fix


@pytest.mark.parametrize("save", [np.savez_compressed, np.savez])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, save: object) -> None:
    data = np.zeros((8_000, 1000), np.float32)  # 32 MB
    save(tmp_path / "s.npz", x=data)  # type: ignore[operator]
    del data
    tracemalloc.start()
    samples = load_samples(tmp_path / "s.npz", {"x": ((1, 1000), FLOAT)})
    assert sum(len(batch["x"]) for batch in samples.batches(16)) == 8_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6


def test_random_samples_are_reproducible_and_in_range() -> None:
    inputs: dict[str, Spec] = {"x": ((1, 4, 4), FLOAT), "z": ((3,), FLOAT)}
    ranges = {"x": Range(0.0, 255.0), "z": Range(-1.0, 1.0)}
    samples = random_samples(inputs, ranges, seed=3, count=20)
    assert len(samples) == 20 and samples.labels is None
    found = values(samples)
    assert found["x"].shape == (20, 1, 4, 4) and found["z"].shape == (20, 3)
    for name, stated in ranges.items():
        assert stated.lo <= found[name].min() and found[name].max() <= stated.hi
    assert found["x"].max() > 200 and found["z"].min() < -0.5
    np.testing.assert_array_equal(found["x"], values(random_samples(inputs, ranges, seed=3, count=20))["x"])
    assert not np.array_equal(found["x"], values(random_samples(inputs, ranges, seed=4, count=20))["x"])


def test_arrays_in_memory_are_checked_alike() -> None:
    samples = samples_of({"x": DATA.astype(np.uint8), "labels": np.arange(5)}, IMAGE)
    np.testing.assert_array_equal(values(samples)["x"][:, 0], DATA)
    assert samples.labels is not None and samples.labels.tolist() == [0, 1, 2, 3, 4]
    for bad in ({"x": DATA[:, :1]}, {"x": DATA * np.nan}, {"z": DATA}, {}):
        with pytest.raises(CalibrationError) as error:
            samples_of(bad, IMAGE)
        assert error.value.fix and error.value.file is None
