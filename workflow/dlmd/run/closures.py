"""The code behind a rule: its job (a function), what the job uses in its own module, and all modules of `dlmd` that these
import, at the top or inside a function.

Not counted are comments, docstrings, formatting, annotations (except the fields of classes), asserts, the texts of errors,
the order of functions, imports that nothing uses, and the modules of `NO_NUMBERS`.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from dlmd.base.errors import DlmdError

WORKFLOW = Path(__file__).resolve().parents[2]

# modules that cannot change a number of a result, with the reason
NO_NUMBERS = {
    "dlmd.base.errors": "texts of errors",
    "dlmd.base.formatting": "how numbers are written in texts and figures; results hold them in full",
    "dlmd.base.plot_style": "look of figures",
    "dlmd.base.progress": "lines in the log",
    "dlmd.base.provenance": "records what ran, computes nothing",
    "dlmd.process.ownership": "one writer per folder",
    "dlmd.process.programs": "starting and ending programs",
    "dlmd.process.walltime": "when a job ends itself; it goes on later from the same state",
}
# a module of this name only draws what is saved
DRAWS = re.compile(r"\.(\w+_)?plots$")


def closure(job: str) -> tuple[str, set[str]]:
    """The hash of a job's part of its own module, and the modules of dlmd whose code can decide its numbers."""
    name, function = job.split(":")
    module = Module.of(name)
    part = module.used_by(function)
    reached: set[str] = set()
    waiting = _imports(part, name)
    while waiting:
        found = waiting.pop()
        if found in reached or found in NO_NUMBERS or DRAWS.search(found):
            continue
        reached.add(found)
        waiting |= _imports(Module.of(found).code, found) - reached
    return digest(*sorted(map(_canonical, part))), reached - {name}


def module_hash(name: str) -> str:
    """The hash of a module's code."""
    return Module.of(name).hash


@dataclass(frozen=True)
class Module:
    """A module's statements, without what cannot change numbers."""

    name: str
    code: list[ast.stmt]
    hash: str

    @staticmethod
    @cache
    def of(name: str) -> Module:
        path = path_of(name)
        if path is None:
            raise DlmdError(
                f"no module {name}", where="the jobs of the rules", remedy="mend the registry of jobs"
            )
        code = strip(path.read_text(encoding="utf-8"))
        return Module(name, code, digest(*in_fixed_order(code)))

    def used_by(self, function: str) -> list[ast.stmt]:
        """The statements at the top of the module that `function` needs, itself included."""
        by_name: dict[str, list[ast.stmt]] = {}
        for statement in self.code:
            for name in _binds(statement):
                by_name.setdefault(name, []).append(statement)
        if function not in by_name:
            raise DlmdError(f"no function {function}", where=self.name, remedy="mend the registry of jobs")
        wanted, seen = [function], set()
        part: list[ast.stmt] = []
        while wanted:
            name = wanted.pop()
            if name in seen or name not in by_name:
                continue
            seen.add(name)
            for statement in by_name[name]:
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    names = [a for a in statement.names if (a.asname or a.name.split(".")[0]) == name]
                    one = copy.copy(statement)
                    one.names = names
                    part.append(one)
                elif statement not in part:
                    part.append(statement)
                    wanted += sorted(_names(statement))
        # neither definition nor import: runs whenever the module is loaded
        return part + [s for s in self.code if not _binds(s)]


def path_of(name: str) -> Path | None:
    """The file of a module of the library, the `__init__` of a package; None where there is no such module."""
    base = WORKFLOW / name.replace(".", "/")
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.exists():
            return path
    return None


def _imports(statements: Sequence[ast.stmt], module: str) -> set[str]:
    """The modules of dlmd that these statements of `module` import. A name that a package only passes on is looked up
    where it is defined. A package that loads modules by name may load any of its own."""
    found = set()
    for node in (n for s in statements for n in ast.walk(s)):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.split(".")[0] == "dlmd"}
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(node, module)
            if source.split(".")[0] == "dlmd":
                found |= {_home(source, alias.name) for alias in node.names}
        elif isinstance(node, ast.Attribute | ast.Name) and "import_module" in (
            getattr(node, "attr", ""),
            getattr(node, "id", ""),
        ):
            path = path_of(module)
            assert path is not None
            found |= {f"{module}.{p.stem}" for p in path.parent.glob("[a-z]*.py")}
    return found


def _home(source: str, name: str) -> str:
    """The module that defines what `from source import name` gives."""
    if path_of(f"{source}.{name}"):
        return f"{source}.{name}"
    path = path_of(source)
    if path is not None and path.name == "__init__.py":
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and any((a.asname or a.name) == name for a in node.names):
                original = next(a.name for a in node.names if (a.asname or a.name) == name)
                return _home(_absolute(node, source), original)
            # dlmd.base.lazy: exports(__name__, {"name": "module" or "module:name there"})
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "exports":
                listed: dict[str, str] = ast.literal_eval(node.args[1])
                if name in listed:
                    module, _, other = listed[name].partition(":")
                    return _home(f"{source}.{module}", other or name)
    return source


def _absolute(node: ast.ImportFrom, module: str) -> str:
    if not node.level:
        return node.module or ""
    path = path_of(module)
    package = module if path is not None and path.name == "__init__.py" else module.rpartition(".")[0]
    for _ in range(node.level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{node.module}" if node.module else package


# what of the code counts


def strip(text: str) -> list[ast.stmt]:
    """The statements of a module without docstrings, annotations, asserts, texts of errors, descriptions of fields and the
    imports that nothing uses then."""
    tree = _Stripped().visit(ast.parse(text))
    used = {name for s in tree.body for name in _names(s)}
    return [s for s in _Used(used).visit(tree).body]


class _Stripped(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        if "TYPE_CHECKING" in (getattr(node.test, "id", ""), getattr(node.test, "attr", "")):
            return None
        return self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        return None

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
            argument.annotation = None
        for rest in (node.args.vararg, node.args.kwarg):
            if rest:
                rest.annotation = None
        self.generic_visit(node)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        # here an annotation makes a field
        body: list[ast.stmt] = []
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign):
                self.generic_visit(statement)
                body.append(statement)
            elif (visited := self.visit(statement)) is not None:
                body.append(visited)
        node.body = body
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if node.value is None:
            return None
        return ast.Assign(targets=[node.target], value=self.visit(node.value))

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call):
            node.exc = node.exc.func
        self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        called = getattr(node.func, "id", "")
        if called == "cast" and len(node.args) == 2:
            return node.args[1]
        if called == "Field":
            node.keywords = [k for k in node.keywords if k.arg not in ("description", "title", "examples")]
        return node


class _Used(ast.NodeTransformer):
    def __init__(self, names: set[str]):
        self.names = names

    def _kept(self, node: ast.Import | ast.ImportFrom) -> ast.AST | None:
        node.names = [a for a in node.names if (a.asname or a.name.split(".")[0]) in self.names]
        return node if node.names else None

    visit_Import = visit_ImportFrom = _kept


def _names(node: ast.AST) -> Iterator[str]:
    return (n.id for n in ast.walk(node) if isinstance(n, ast.Name))


def _binds(statement: ast.stmt) -> set[str]:
    """The names that a statement at the top of a module defines."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {a.asname or a.name.split(".")[0] for a in statement.names}
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def in_fixed_order(code: Sequence[ast.stmt]) -> list[str]:
    """Functions and imports by name, everything else as it stands: moving a function changes nothing."""
    free = (ast.FunctionDef, ast.Import, ast.ImportFrom)
    return sorted(_canonical(s) for s in code if isinstance(s, free)) + [
        _canonical(s) for s in code if not isinstance(s, free)
    ]


def _canonical(node: Any) -> str:
    """A text of the syntax tree that is the same for all versions of Python."""
    if isinstance(node, list):
        return "[" + ",".join(map(_canonical, node)) + "]"
    if isinstance(node, ast.AST):
        fields = (
            f"{name}={_canonical(value)}"
            for name, value in ast.iter_fields(node)
            if value not in (None, []) and name not in ("ctx", "kind", "type_comment", "type_params")
        )
        return f"{type(node).__name__}({','.join(fields)})"
    return repr(node)


def digest(*texts: str) -> str:
    """A short hash of all texts."""
    return sha256("\n".join(texts).encode()).hexdigest()[:12]
