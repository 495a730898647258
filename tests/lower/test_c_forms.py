"""Tables of what kernels ask LLVM for and how C writes it, for each family that has one."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest
from tvm import tirx

from edgeq.lower.c_dialect import Dialect, Form
from edgeq.targets.dsp import c_forms as dsp
from edgeq.targets.dsp import intrinsics as dsp_intrinsics
from edgeq.targets.mve import c_forms as mve
from edgeq.targets.mve import intrinsics as mve_intrinsics

FAMILIES = [(dsp.DIALECT, dsp_intrinsics), (mve.DIALECT, mve_intrinsics)]
FORMS = [(dialect, form) for dialect, _ in FAMILIES for form in dialect.forms]


@pytest.mark.parametrize(("dialect", "intrinsics"), FAMILIES, ids=["dsp", "mve"])
def test_every_intrinsic_of_the_family_has_a_form(dialect: Dialect, intrinsics: ModuleType) -> None:
    """A kernel that uses a new one cannot be printed until the table has its row."""
    names = {form.function.__name__ for form in dialect.forms}
    written = inspect.getmembers(intrinsics, lambda f: inspect.isfunction(f) and f.__module__ == intrinsics.__name__)
    asks_llvm = {name for name, function in written if "_intrin(" in inspect.getsource(function) and name[0] != "_"}
    assert asks_llvm
    assert asks_llvm <= names


@pytest.mark.parametrize(("dialect", "form"), FORMS, ids=lambda value: getattr(value, "name", value.__class__.__name__))
def test_form_is_found(dialect: Dialect, form: Form) -> None:
    """By itself, before all more general ones."""
    types = form.types or ("int32",) * len(form.pattern.parameters)
    arguments = [tirx.Var(name, dtype) for name, dtype in zip(form.pattern.parameters, types, strict=True)]
    assert dialect.find(form.function(*arguments)) == (form, arguments)
