"""A package on disk made runnable again: the integer program is rebuilt from the package's own QDQ model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from edgeq.errors import VerificationError
from edgeq.package.build import PROGRAM_TEXT
from edgeq.package.manifest import Manifest
from edgeq.package.read import Package, read_package
from edgeq.program.builder import Interface, build_program
from edgeq.program.builder.ports import InputType, Layout
from edgeq.program.printer import print_program
from edgeq.program.program import PortMemory, Program
from edgeq.program.rewrites import optimize, share_memory
from edgeq.program.rewrites.patches import patch
from edgeq.targets.load import load_target
from edgeq.targets.target import Target

if TYPE_CHECKING:
    import onnx_ir as ir

    from edgeq.lower.lowered import Lowered
    from edgeq.run.host import HostRunner


@dataclass(frozen=True)
class Artifact:
    """A package and the program that it was made from.

    Attributes:
        model: The package's QDQ model.
        program: The integer program, rewritten as the compiler does it.
    """

    package: Package
    model: ir.Model
    program: Program

    @cached_property
    def lowered(self) -> Lowered:
        """The program made ready for the package's target."""
        from edgeq.lower.select import for_c

        target = load_target(self.package.manifest.target)
        return self._lowered(for_c(target) if self.package.manifest.emit == "c" else target)

    @cached_property
    def host(self) -> HostRunner:
        """The program compiled for this computer."""
        from edgeq.run.host import HostRunner

        return HostRunner(self._lowered(load_target("host")))

    def _lowered(self, target: Target) -> Lowered:
        from edgeq.lower.lower import lower

        return lower(self.program, target)


def load_artifact(directory: Path) -> Artifact:
    """Opens a package and rebuilds its program.

    Raises:
        EdgeqError: It is not a sound package.
        VerificationError: This edgeq builds another program from the same model: another version made the package.
    """
    import onnx_ir as ir

    package = read_package(directory)
    manifest = package.manifest
    model = ir.load(package.qdq_model)
    interface = Interface(cast(Layout, manifest.io_layout), _input_type(model, manifest), cast(PortMemory, manifest.io))
    program = optimize(build_program(model, manifest.name, interface))
    if manifest.patches is not None:
        program = patch(program, manifest.patches)
    if load_target(manifest.target).fpga is None:
        program = share_memory(program)
    if print_program(program) != package.read(PROGRAM_TEXT).decode():
        raise VerificationError(
            f"the package was made by edgeq {manifest.edgeq}, which builds another program from this model",
            file=directory,
            fix="make the package again with `edgeq compile`",
        )
    return Artifact(package, model, program)


def _input_type(model: ir.Model, manifest: Manifest) -> InputType:
    """What was asked of the inputs: the type of those that are no tokens, whose type is their own."""
    import onnx_ir as ir

    real = {value.name for value in model.graph.inputs if value.dtype == ir.DataType.FLOAT}
    return cast(InputType, next((port.dtype for port in manifest.inputs if port.name in real), "int8"))
