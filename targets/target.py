"""A target as data: what a chip is, what its compiler is told, and where an emulated board of it is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FEATURES = frozenset({"dsp", "mve", "long-multiply", "divide", "avx2", "vnni", "neon", "dotprod", "i8mm", "rvv"})
"""What kernels of edgeq's own families ask about; those of a plug-in may ask about more."""

FloatAbi = Literal["hard", "soft"]
Libc = Literal["", "newlib", "picolibc", "libc", "libc-aarch64", "libc-riscv64"]
Startup = Literal["arm_m", "riscv"]
Counter = Literal["mps2_timer", "iotkit_timer", "sse300_counter", "minstret"]


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
        startup: File of the board support that holds the entry point (`edgeq/run/board/<startup>.c`).
        counter: Kind of instruction counter, and the board support file that reads it; `edgeq/run/counters.py`
            knows what its readings mean.
        flash, ram: Where code and data go on the emulated board.
        vectors: Where the processor starts, if that is not the first byte of the flash.
        core: The processor of the emulated board, if it is not the target's own but one that runs its programs, too.
    """

    command: tuple[str, ...]
    startup: Startup
    counter: Counter
    flash: Memory
    ram: Memory
    vectors: Memory | None = None
    core: str = ""


@dataclass(frozen=True)
class Linux:
    """How Linux programs for this target run.

    Attributes:
        emulator: QEMU's user-mode program and its CPU; empty where QEMU does not have the instructions.
        cpu_flags: What /proc/cpuinfo lists where they run as they are; empty where none of our computers does that.
    """

    emulator: tuple[str, ...] = ()
    cpu_flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fpga:
    """A programmable device.

    Attributes:
        part: As its vendor's tools call it.
        clock_mhz: The clock that designs are made for.
        dsp, bram18: DSP slices, and block RAMs of 18 Kbit.
    """

    part: str
    clock_mhz: int
    dsp: int
    bram18: int


@dataclass(frozen=True)
class Sections:
    """Linker sections for a package's data, where a device has several memories; empty for the compiler's own choice.

    Attributes:
        weights: Of packed weights, most of the flash: external flash, perhaps.
        constants: Of biases, multipliers and tables.
        arena: Of working memory: tightly coupled memory, perhaps. Best one that is not initialized at start
            (`.bss.dtcm`, `.noinit`).
    """

    weights: str = ""
    constants: str = ""
    arena: str = ""


@dataclass(frozen=True)
class Target:
    """One compilable device family member, read from `boards/<name>.toml`.

    Attributes:
        name: Canonical name, as in `--target`: that of the file.
        description: One line for `edgeq targets`.
        family: Folder of kernels that this target prefers (`portable` is always the fallback).
        triple, cpu: For LLVM; empty for programmable devices.
        aliases: Other names for it.
        features: What kernels may rely on, of `FEATURES`, or what a plug-in's family knows.
        float_abis: Those offered (`soft`, `hard`), the default first; empty where the ISA has no such choice.
        llvm_features, llvm_abi: For LLVM, where triple and cpu do not say it all.
        gcc: The cross compiler's command, and gcc_flags what selects this CPU in it. Empty for the host.
        libc: The C library that firmware for it links: a tool of `edgeq/run/toolchain.py`.
        sections: Where the linker puts data.
        emulator: None where QEMU has no board for it.
        linux: How its programs run, where it is a computer with Linux.
        fpga: What a programmable device has; None for processors.
    """

    name: str
    description: str
    family: str
    triple: str
    cpu: str
    aliases: tuple[str, ...] = ()
    features: frozenset[str] = frozenset()
    float_abis: tuple[FloatAbi, ...] = ()
    llvm_features: tuple[str, ...] = ()
    llvm_abi: str = ""
    gcc: str = ""
    gcc_flags: tuple[str, ...] = ()
    libc: Libc = ""
    sections: Sections = Sections()
    emulator: Emulator | None = None
    linux: Linux | None = None
    fpga: Fpga | None = None
