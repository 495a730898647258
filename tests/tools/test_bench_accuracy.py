"""The accuracy benchmark's statistics and tables, on outputs made by hand: no network runs here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bench_accuracy.cells import CONFIGS, TOOLS, Cell, Selection, all_cells, float_cell
from bench_accuracy.markdown import best_peer, markdown, read_csv
from bench_accuracy.pairs import Pairs, changed_answers, count_pairs, error_rank_correlation, sqnr_db
from bench_accuracy.store import Store
from bench_accuracy.table import PairRow, RunRow, noise_pairs, pair_row, read_rows, run_row, write_csv

CLASSES = 10
OURS = Cell("resnet8", "w4a8", "edgeq", "best")
PEER = Cell("resnet8", "w4a8", "esp-ppq", "lsq")


def scores(classes: np.ndarray) -> np.ndarray:
    """Outputs, (samples, CLASSES), whose largest value is at `classes`."""
    return np.eye(CLASSES, dtype=np.float32)[classes]


def keep(store: Store, cell: Cell, output: np.ndarray) -> None:
    np.savez(store.result_file(cell), output=output, seconds=1.234, cpu_seconds=2.0, peak_mib=99.6)


@pytest.fixture
def labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Labels of a zoo of one model with 40 samples."""
    labels = np.arange(40) % CLASSES
    folder = tmp_path / "zoo/resnet8"
    folder.mkdir(parents=True)
    np.savez(folder / "eval.npz", input=np.ones((40, 4), np.float32), labels=labels)
    monkeypatch.setenv("EDGEQ_ZOO", str(tmp_path / "zoo"))
    return labels


@pytest.fixture
def store(tmp_path: Path, labels: np.ndarray) -> Store:
    """The float model is right everywhere, ours wrong on sample 0, the peer on samples 1 to 12."""
    store = Store(tmp_path)
    ours, peer = labels.copy(), labels.copy()
    ours[:1] += 1
    peer[1:13] = (peer[1:13] + 1) % CLASSES
    for cell, classes in ((float_cell("resnet8"), labels), (OURS, ours), (PEER, peer)):
        keep(store, cell, scores(classes))
    return store


@pytest.mark.parametrize(("won", "lost", "p"), [(0, 0, 1.0), (5, 5, 1.0), (10, 2, 158 / 4096), (0, 6, 2 / 64)])
def test_mcnemar_is_the_exact_two_sided_binomial(won: int, lost: int, p: float) -> None:
    assert Pairs(won, lost).p == pytest.approx(p)
    assert Pairs(lost, won).p == pytest.approx(p)


def test_pairs_count_only_samples_that_one_model_has_right() -> None:
    labels = np.array([0, 0, 0, 0, 0])
    first, second = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 2, 0, 2])
    assert count_pairs(first, second, labels) == Pairs(won=2, lost=1)


def test_changed_answers_need_no_labels() -> None:
    assert changed_answers(scores(np.array([1, 2, 3])), scores(np.array([1, 3, 2]))) == 2


def test_sqnr_of_a_tenth_of_the_amplitude_is_20_db() -> None:
    reference = np.ones((4, 3), np.float32)
    assert sqnr_db(reference, reference * 1.1) == pytest.approx(20, abs=1e-4)
    assert sqnr_db(reference, reference) == float("inf")


def test_rank_correlation_sees_a_reversed_ranking_of_reconstruction_errors() -> None:
    inputs = np.zeros((3, 2))
    errors = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    assert error_rank_correlation(inputs, errors, 10 * errors) == pytest.approx(1)
    assert error_rank_correlation(inputs, errors, errors[::-1]) == pytest.approx(-1)


def test_cells_are_distinct_and_spare_resnet_large_what_takes_many_minutes() -> None:
    cells = list(all_cells())
    assert len({cell.key for cell in cells}) == len(cells)
    assert Cell("resnet8", "w4a8", "esp-ppq", "lsq") in cells
    assert Cell("resnet_large", "w4a8", "esp-ppq", "lsq") not in cells
    assert {cell.config for cell in cells} == set(CONFIGS)


def test_a_selection_takes_all_where_nothing_is_asked() -> None:
    assert OURS in Selection()
    assert OURS in Selection(models=["resnet8"], methods=["best"])
    assert OURS not in Selection(tools=["esp-ppq"])


def test_rows_tell_accuracy_and_changes(store: Store) -> None:
    row = run_row(PEER, store)
    assert (row.samples, row.float_top1, row.top1, row.changed) == (40, 100.0, 70.0, 12)
    assert (row.seconds, row.cpu_seconds, row.peak_mib, row.error) == (1.23, 2.0, 100.0, None)


def test_a_failed_run_keeps_its_reason_and_no_figures(store: Store) -> None:
    store.fail(PEER, "ValueError: no such width")
    row = run_row(PEER, store)
    assert (row.error, row.top1, row.seconds) == ("ValueError: no such width", None, None)
    assert pair_row(OURS, PEER, store) is None


def test_pairs_of_two_runs(store: Store) -> None:
    row = pair_row(OURS, PEER, store)
    assert row is not None
    assert (row.won, row.lost) == (12, 1)
    assert row.p == pytest.approx(2 * 14 / 2**13, rel=1e-2)
    assert row.sqnr_gain_db > 0


def test_the_tables_come_back_as_markdown(store: Store, tmp_path: Path) -> None:
    runs, pairs = tmp_path / "runs.csv", tmp_path / "pairs.csv"
    pair = pair_row(OURS, PEER, store)
    assert pair is not None
    write_csv(runs, [run_row(cell, store) for cell in (OURS, PEER)], RunRow, ["command", "costs"])
    write_csv(pairs, [pair], PairRow, ["command"])
    assert runs.read_text(encoding="utf-8").startswith("# command\n# costs\nmodel,")
    (line,) = markdown(read_csv(runs), read_csv(pairs)).splitlines()[2:]
    assert line == "| resnet8 | w4a8 | 100.0 | 70.0 esp-ppq lsq |  |  |  | 97.5 + |"


def test_rows_of_runs_that_are_not_kept_come_back_as_they_were(store: Store, tmp_path: Path) -> None:
    runs, pairs, copy = tmp_path / "runs.csv", tmp_path / "pairs.csv", tmp_path / "copy.csv"
    pair = pair_row(OURS, PEER, store)
    assert pair is not None
    for file, rows, kind in ((runs, [run_row(OURS, store)], RunRow), (pairs, [pair], PairRow)):
        write_csv(file, rows, kind, [])
        write_csv(copy, read_rows(file, kind), kind, [])
        assert copy.read_bytes() == file.read_bytes()
    assert [row.cell for row in read_rows(runs, RunRow)] == [OURS]
    assert [row.cells for row in read_rows(pairs, PairRow)] == [(OURS, PEER)]
    assert read_rows(tmp_path / "none.csv", RunRow) == []


def test_without_labels_rows_are_enough_for_pairs() -> None:
    ours, peer = (
        RunRow("vww", "w4a8", *tool, sqnr_db=db) for tool, db in ((("edgeq", "best"), 20.5), (("a", "b"), 18))
    )
    labelled = RunRow("dscnn", "w4a8", "edgeq", "best", sqnr_db=20.0, top1=90.0)
    other = RunRow("vww", "w4a4", "a", "b", sqnr_db=18.0)
    (pair,) = noise_pairs([ours, peer, labelled, other])
    assert (pair.method, pair.peer, pair.p, pair.sqnr_gain_db) == ("best", "a", None, 2.5)


def test_the_best_peer_is_judged_by_top1_and_then_by_sqnr() -> None:
    rows = [
        {"tool": "edgeq", "top1": "99.0", "sqnr_db": "30"},
        {"tool": "esp-ppq", "top1": "80.0", "sqnr_db": "10"},
        {"tool": "aimet-onnx", "top1": "80.0", "sqnr_db": "12"},
    ]
    best = best_peer(rows)
    assert best is not None
    assert best["tool"] == "aimet-onnx"


def test_every_tool_has_a_worker(repo_root: Path) -> None:
    for tool in TOOLS.values():
        assert (repo_root / "tools/lib/bench_accuracy" / f"{tool.module}.py").is_file()
