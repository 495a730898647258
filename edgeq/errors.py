"""The errors a user can meet. Each says what is wrong, where, and what to do next."""

from __future__ import annotations


class EdgeqError(Exception):
    """Base of every error that edgeq raises on purpose.

    Args:
        what: What is wrong, one sentence without a final full stop.
        file: The file it is in.
        node: The ONNX node (its name, or its operator and output where unnamed).
        tensor: The tensor concerned.
        fix: What the user can do next.
    """

    exit_code = 1

    def __init__(
        self,
        what: str,
        *,
        file: object = None,
        node: str | None = None,
        tensor: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.what = what
        self.file = None if file is None else str(file)
        self.node = node
        self.tensor = tensor
        self.fix = fix
        super().__init__(str(self))

    def __str__(self) -> str:
        places = [
            f"{label} {value!r}"
            for label, value in (("file", self.file), ("node", self.node), ("tensor", self.tensor))
            if value
        ]
        text = self.what + (f" ({', '.join(places)})" if places else "")
        return text + (f"\n  try: {self.fix}" if self.fix else "")


class ModelError(EdgeqError):
    """The model file is broken, hostile, or not what ONNX allows."""


class UnsupportedError(EdgeqError):
    """The model is valid ONNX, but holds something that edgeq cannot compile."""


class CalibrationError(EdgeqError):
    """A data file (calibration, evaluation, inputs) does not fit the model."""


class VerificationError(EdgeqError):
    """An internal check failed, or two runners gave different bytes."""


class ToolMissingError(EdgeqError):
    """A program outside edgeq (compiler, emulator) is needed and not installed."""


class FirmwareError(EdgeqError):
    """Firmware could not be built, or failed or hung on its emulated board."""


class UsageError(EdgeqError):
    """The request itself is wrong: unknown target, bad option value, bad configuration file."""

    exit_code = 2


class GateError(EdgeqError):
    """A budget or accuracy gate that the user set is not met.

    Args:
        report: Of the compilation that missed it, as report.json would have had it.
    """

    exit_code = 3

    def __init__(self, what: str, *, fix: str | None = None, report: dict[str, object] | None = None) -> None:
        super().__init__(what, fix=fix)
        self.report = report or {}
