"""Model text made safe for C: identifiers and comments.

Names in an ONNX file are any UTF-8 text, chosen by whoever made the file. What reaches the code is built from a list of
allowed characters, never by escaping what is known to be bad.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from edgeq.errors import VerificationError

MAX_IDENTIFIER = 40
MAX_COMMENT = 80

_KEYWORDS = """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class co_await
    co_return co_yield compl complex concept const const_cast consteval constexpr constinit continue decltype default
    delete do double dynamic_cast else enum explicit export extern false float for friend goto if imaginary inline int
    long module mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register
    reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast struct switch
    template this thread_local throw true try typedef typeid typename typeof typeof_unqual union unsigned using virtual
    void volatile wchar_t while xor xor_eq final override import
"""
# Macros of compilers and headers in lower case, and names that a program already has.
_TAKEN = """
    main linux unix i386 arm near far huge interrupt pascal cdecl errno assert stdin stdout stderr offsetof null
    int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t size_t ptrdiff_t intptr_t uintptr_t
"""
RESERVED = frozenset((_KEYWORDS + _TAKEN).split())

# A program of such a name would put `string.h` or `libm.a` into the firmware's search path, or take one of CMake's
# targets.
_FILES = """
    complex ctype fenv inttypes iso646 limits locale malloc math memory setjmp signal stdalign stdarg stdatomic stdbool
    stdckdint stdbit stddef stdint stdio stdlib stdnoreturn string strings tgmath threads time uchar unistd wchar wctype
    c m g gcc nosys pthread rt dl
    all help install preinstall clean edit_cache rebuild_cache test package package_source
"""
PROGRAM_RESERVED = RESERVED | frozenset(_FILES.split())

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
# The places where a space must part two characters: end and start of a comment, and trigraphs.
_PART = re.compile(r"(?<=\*)(?=/)|(?<=/)(?=\*)|(?<=\?)(?=\?)")


def program_name(text: str) -> str:
    """The identifier that prefixes every symbol, macro and file of a package, from the user's name for the model."""
    return _unique(_fold(text) or "model", PROGRAM_RESERVED)


def identifiers(texts: Iterable[str], fallback: str) -> tuple[str, ...]:
    """One C and C++ identifier per text: `[a-z][a-z0-9_]*`, at most 40 characters, unique, not reserved.

    Accents are folded to ASCII, other characters become single underscores.

    Args:
        fallback: Identifier for a text of which nothing remains.
    """
    taken = set(RESERVED)
    names = []
    for text in texts:
        name = _unique(_fold(text) or fallback, taken)
        taken.add(name)
        names.append(name)
    return tuple(names)


def require_identifier(text: str) -> str:
    """Returns `text`; raises `VerificationError` if it is not an identifier that may stand in generated code."""
    if not _IDENTIFIER.fullmatch(text) or "__" in text or text in RESERVED:
        raise VerificationError(f"{text!r} may not be a symbol of generated code")
    return text


def comment(text: str) -> str:
    """Text that may stand inside `/* ... */`, set off by spaces: printable ASCII on one line, at most 80 characters."""
    plain = re.sub(r"[^ -~]|\\", "_", text)
    if len(plain) > MAX_COMMENT:
        plain = plain[: MAX_COMMENT - 3] + "..."
    return _PART.sub(" ", plain)


def _fold(text: str) -> str:
    """Lower-case ASCII letters, digits and single underscores; starts with a letter; empty if nothing remains."""
    ascii_text = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode("ascii")
    name = re.sub(r"[^a-z0-9]+", "_", ascii_text.lower()).strip("_")
    if name and (name[0].isdigit() or name.startswith("edgeq")):
        name = f"n_{name}"
    return name[:MAX_IDENTIFIER].rstrip("_")


def _unique(name: str, taken: AbstractSet[str]) -> str:
    """`name`, or the first of name_2, name_3, ... that is free."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        suffix = f"_{number}"
        candidate = name[: MAX_IDENTIFIER - len(suffix)].rstrip("_") + suffix
    return candidate
