"""A target as data: what a chip is, what its compiler is told, and where an emulated board of it is found."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Memory:
    """A region of the address space, in bytes."""

    origin: int
    length: int


@dataclass(frozen=True)
class Emulator:
    """How QEMU runs this target.

    Attributes:
        command: Program and machine arguments; the runner appends semihosting, icount and the kernel.
        flash, ram: Where code and data go on the emulated board.
        counter: Name of the instruction counter that the startup code knows (`cmsdk-timer`, `sse300-counter`,
            `rv-minstret`, `none`).
    """

    command: tuple[str, ...]
    flash: Memory
    ram: Memory
    counter: str


@dataclass(frozen=True)
class Target:
    """One compilable device family member, read from `boards/<name>.toml`.

    Attributes:
        name: Canonical name, as in `--target`.
        aliases: Other names for it.
        description: One line for `edgeq targets`.
        family: Folder of kernels that this target prefers (`portable` is always the fallback).
        features: What kernels may rely on: `dsp`, `mve`, `long-multiply`, `divide`, ...
        triple, cpu: For LLVM.
        float_abis: Those offered (`soft`, `hard`), the default first; empty where the ISA has no such choice.
        gcc: The cross compiler's command, and gcc_flags what selects this CPU in it.
        packages: Debian packages that bring the compiler and the emulator.
        emulator: None where QEMU has no board for it.
    """

    name: str
    description: str
    family: str
    triple: str
    cpu: str
    aliases: tuple[str, ...] = ()
    features: frozenset[str] = frozenset()
    float_abis: tuple[str, ...] = ()
    llvm_features: tuple[str, ...] = ()
    llvm_abi: str = ""
    gcc: str = ""
    gcc_flags: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    emulator: Emulator | None = None
    memories: dict[str, Memory] = field(default_factory=dict)
