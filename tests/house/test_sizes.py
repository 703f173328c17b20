"""No function or module of the library is so long that nobody reads it as one thing."""

import ast
from pathlib import Path

import pytest

import dlmd

LIBRARY = Path(dlmd.__file__).parent
# of lines, without the docstring
FUNCTION, MODULE = 60, 400
# "package/module.py:function" -> why it has to be longer
EXCEPTIONS: dict[str, str] = {}


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the signature to the end, without the docstring."""
    first = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    return (
        function.end_lineno - function.lineno + 1 - (first.end_lineno - first.lineno + 1 if documented else 0)
    )


def functions() -> dict[str, int]:
    found = {}
    for path in sorted(LIBRARY.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{path.relative_to(LIBRARY)}:{node.name}"
                found[name] = max(found.get(name, 0), lines_of(node))
    return found


def test_no_function_is_long():
    long = {name: n for name, n in functions().items() if n > FUNCTION}
    assert not {name: n for name, n in long.items() if name not in EXCEPTIONS}, (
        "split them into steps that each say one thing"
    )
    assert set(EXCEPTIONS) <= set(long), "these need no exception any more"


def test_no_module_is_long():
    long = {
        str(path.relative_to(LIBRARY)): n
        for path in LIBRARY.rglob("*.py")
        if (n := len(path.read_text().splitlines())) > MODULE
    }
    assert not long, "split them along their ideas"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("def f():\n    return 1\n", 2),
        ('def f():\n    """One.\n\n    Two."""\n    return 1\n', 2),
        ('def f(\n    a,\n):\n    """One."""\n\n    return a\n', 5),
        ("async def f():\n    'one'\n", 1),
    ],
)
def test_lines_are_counted_without_the_docstring(text, lines):
    assert lines_of(ast.parse(text).body[0]) == lines
