"""What the firmware's compiler must be set to, so that compiled kernels link with its objects."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.targets.target import Target

_ARCHITECTURES = {"thumb": "__arm__", "riscv": "__riscv", "x86_64": "__x86_64__", "aarch64": "__aarch64__"}


@dataclass(frozen=True)
class RequiredAbi:
    """A check for the preprocessor: it knows the compiler's flags exactly, whatever the build system.

    Attributes:
        condition: True where objects of this compiler link with the kernels.
        message: What the developer reads where it is false.
    """

    condition: str
    message: str


def required_abi(target: Target, float_abi: str) -> RequiredAbi | None:
    """The check for kernels compiled for `target`; None where nothing can be checked.

    Args:
        float_abi: `hard`, `soft`, or empty where the target has no such choice. With either, no floating point is
            used, but the linker refuses to mix them.
    """
    conditions = [f"defined({macro})" for prefix, macro in _ARCHITECTURES.items() if target.triple.startswith(prefix)]
    message = f"the kernels were compiled for {target.name}"
    if float_abi:
        conditions.append("defined(__ARM_PCS_VFP)" if float_abi == "hard" else "!defined(__ARM_PCS_VFP)")
        message += f" and the {float_abi}-float ABI: set the compiler to it, or compile with another --float-abi"
    return RequiredAbi(" && ".join(conditions), message) if conditions else None
