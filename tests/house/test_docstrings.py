"""Public functions of the packages where numbers are made say what they take, give and raise (numpydoc)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from numpydoc.docscrape import NumpyDocString

LIBRARY = Path(__file__).resolve().parents[2] / "workflow" / "dlmd"
PACKAGES = ("base", "config", "structures", "trajectory", "transport")
# as in (frames, ions, 3) and (lags,)
SHAPE = re.compile(r"\(\w[\w *+]*,[^)]*\)|\bshape\b")


def public_functions() -> Iterator[tuple[str, ast.FunctionDef, str]]:
    """(where, function, its docstring and that of its class) of everything public that has a docstring."""
    for package in PACKAGES:
        for path in sorted((LIBRARY / package).rglob("*.py")):
            where = path.relative_to(LIBRARY).as_posix()
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                    yield f"{where}:{node.name}", node, ast.get_docstring(node) or ""
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    about = ast.get_docstring(node) or ""
                    for inner in node.body:
                        if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                            text = ast.get_docstring(inner) or ""
                            yield f"{where}:{node.name}.{inner.name}", inner, f"{text}\n{about}"


FUNCTIONS = list(public_functions())


def raises_directly(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and getattr(node.exc.func, "id", "") == "DlmdError"
        for node in ast.walk(function)
    )


def test_there_is_something_to_look_at():
    assert len(FUNCTIONS) > 150


def test_every_public_function_has_a_docstring():
    # a method that continues what a library began has the library's
    missing = [where for where, _, text in FUNCTIONS if not text.strip()]
    assert missing == []


def test_errors_that_a_function_raises_itself_are_in_its_docstring():
    missing = [
        where
        for where, function, text in FUNCTIONS
        if raises_directly(function)
        and not re.search(r"^Raises\n-+\n(?s:.*)DlmdError|Raises DlmdError", text, re.M)
    ]
    assert missing == []


def test_parameters_named_in_docstrings_exist():
    """A renamed parameter takes its description along."""
    wrong = []
    for where, function, _ in FUNCTIONS:
        arguments = function.args
        names = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
        names |= {"**" + arguments.kwarg.arg} if arguments.kwarg else set()
        names |= {"*" + arguments.vararg.arg} if arguments.vararg else set()
        for entry in NumpyDocString(ast.get_docstring(function) or "")["Parameters"]:
            wrong += [f"{where}: {n}" for n in re.split(r",\s*", entry.name) if n not in names]
    assert wrong == []


def test_arrays_that_come_in_or_go_out_have_a_shape():
    missing = []
    for where, function, text in FUNCTIONS:
        annotations = [
            ast.unparse(a.annotation)
            for a in (*function.args.args, *function.args.kwonlyargs)
            if a.annotation
        ]
        annotations += [ast.unparse(function.returns)] if function.returns else []
        if any(re.search(r"\b(np\.ndarray|ArrayLike)\b", a) for a in annotations) and not SHAPE.search(text):
            missing.append(where)
    assert missing == []


@pytest.mark.parametrize(
    "word", ["temperature", "length", "time_step", "distance", "energy", "wavelength", "spacing"]
)
def test_quantities_have_their_unit_in_the_name(word):
    bare = [
        f"{where}: {a.arg}"
        for where, function, _ in FUNCTIONS
        for a in (*function.args.args, *function.args.kwonlyargs)
        if a.annotation and "float" in ast.unparse(a.annotation) and a.arg == word
    ]
    assert bare == []
