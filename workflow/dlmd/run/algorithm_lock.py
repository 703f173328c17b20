"""The lock of algorithms: which code the numbers of each rule come from, so that no change of it passes unnoticed.

Snakemake compares the params of a rule, not its code (`profiles/default`), so a result of changed code becomes stale only
if somebody raises a `VERSION` that is a param (`algorithm`) of its rule. `workflow/algorithms.lock` holds a hash of the
code of each rule and the versions of that time. A test compares it with the tree. Where the code has changed, either a
version has been raised as well, or somebody has written down why the numbers stay (`workflow/algorithms.waivers`).

The code of a rule is its job (a function), what the job uses in its own module, and all modules of `dlmd` that these import,
at the top or inside a function. Not counted are comments, docstrings, formatting, annotations (except the fields of
classes), asserts, the texts of errors, the order of functions, imports that nothing uses, and the modules of `NO_NUMBERS`.

    python -m dlmd.run.algorithm_lock                      refresh the lock after a version was raised (make lock)
    python -m dlmd.run.algorithm_lock --waive "reason"     refresh it although none was (make lock WAIVE="reason")
"""

from __future__ import annotations

import argparse
import ast
import copy
import datetime
import importlib
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json, write_text

WORKFLOW = Path(__file__).resolve().parents[2]
LOCK = WORKFLOW / "algorithms.lock"
WAIVERS = WORKFLOW / "algorithms.waivers"

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

# rules whose outputs nobody computes with: figures and pages of numbers that are saved elsewhere
SHOWS = {
    "costs": "a table of the time that jobs took",
    "plot_deviation": "a figure",
    "plot_layers": "a figure",
    "plot_mechanism": "figures",
    "plot_msd": "a figure",
    "plot_potential": "figures",
    "plot_powder": "a figure",
    "report": "the page; it is made anew whenever one of its many inputs is",
}


@dataclass(frozen=True)
class Locked:
    """What the lock says of one rule."""

    job: str  # module:function
    code: str  # hash of the job's part of its module, and of the modules it imports
    versions: Mapping[str, int]  # of the modules in the rule's param `algorithm`


@dataclass(frozen=True)
class Lock:
    """What the lock holds."""

    rules: Mapping[str, Locked]
    jobs: Mapping[str, str]  # hash of the job's part of its module, by module:function
    modules: Mapping[str, str]  # hash by module

    def to_text(self) -> str:
        """JSON, a line for each rule, job and module, so that a change reads well in a diff."""

        def lines(entries: Mapping[str, Any]) -> str:
            return ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(entries.items()))

        rules = {name: asdict(rule) for name, rule in self.rules.items()}
        parts = {"rules": rules, "jobs": self.jobs, "modules": self.modules}
        return "{\n" + ",\n".join(f' "{k}": {{\n{lines(v)}\n }}' for k, v in parts.items()) + "\n}\n"


def read(path: Path = LOCK) -> Lock:
    """The lock that is committed; empty where there is none."""
    if not path.exists():
        return Lock({}, {}, {})
    data = read_json(path, remedy="restore it with git, then run: make lock")
    return Lock({k: Locked(**v) for k, v in data["rules"].items()}, data["jobs"], data["modules"])


def now() -> Lock:
    """What the lock would hold for the code as it is."""
    rules: dict[str, Locked] = {}
    jobs: dict[str, str] = {}
    modules: dict[str, str] = {}
    versions = versions_of_rules()
    for rule, job in jobs_of_rules().items():
        if rule in SHOWS:
            continue
        part, reached = closure(job)
        jobs[job] = part
        modules |= {name: module_hash(name) for name in reached}
        code = _hash(part, *(f"{name} {module_hash(name)}" for name in sorted(reached)))
        rules[rule] = Locked(job, code, versions.get(rule, {}))
    return Lock(rules, jobs, modules)


def changes(old: Lock, new: Lock) -> dict[str, list[str]]:
    """Rules whose code has changed, with the modules and jobs that did."""
    found = {}
    for name, rule in new.rules.items():
        if name in old.rules and old.rules[name].code != rule.code:
            part, reached = closure(rule.job)
            which = [m for m in sorted(reached) if old.modules.get(m) != new.modules[m]]
            if old.jobs.get(rule.job) != part:
                which.insert(0, rule.job)
            found[name] = which or ["a module that it imports no more"]
    return found


def unanswered(old: Lock, new: Lock) -> dict[str, list[str]]:
    """Rules whose code has changed while their versions have not."""
    return {r: w for r, w in changes(old, new).items() if old.rules[r].versions == new.rules[r].versions}


def message(old: Lock, new: Lock) -> str | None:
    """What is to be done about the differences of the lock from the code; None where there are none."""
    if old == new:
        return None
    open_rules = unanswered(old, new)
    if not open_rules:
        return "workflow/algorithms.lock is out of date. Run: make lock"
    lines = ["The code behind these rules has changed since workflow/algorithms.lock was made:"]
    for modules in dict.fromkeys(map(tuple, open_rules.values())):
        rules = [r for r, which in open_rules.items() if tuple(which) == modules]
        lines += ["", f"  changed: {', '.join(modules)}"]
        for rule in rules:
            known = ", ".join(f"{m} {v}" for m, v in new.rules[rule].versions.items())
            lines.append(f"    rule {rule}; versions in its params: {known or 'none'}")
    lines += [
        "",
        "Do numbers in results change by it? Then raise VERSION in the module where they do (it has to be in the rule's",
        "param `algorithm`; workflow/README.md says how to add one), and run: make lock",
        'Do they stay? Then say why: make lock WAIVE="reason"',
    ]
    return "\n".join(lines)


# which job and which versions a rule has


def jobs_of_rules() -> dict[str, str]:
    """The job of each rule that has one, as module:function."""
    found = {}
    for rule, text in _rules().items():
        script = re.search(r'script:\s+"\.\./scripts/(\w+)\.py"', text)
        if script:
            found[rule] = _job_of_script(script[1])
    return found


@cache
def _job_of_script(name: str) -> str:
    text = (WORKFLOW / "scripts" / f"{name}.py").read_text(encoding="utf-8")
    imported = {
        m[2]: f"{m[1]}.{m[2]}" for m in re.finditer(r"^    from (dlmd[\w.]*) import (\w+)$", text, re.M)
    }
    calls = re.findall(r"^    (\w+)\.(\w+)\(", text, re.M)
    return next(f"{imported[module]}:{function}" for module, function in calls if module in imported)


def versions_of_rules() -> dict[str, dict[str, int]]:
    """The modules in the param `algorithm` of each rule that has one, with their versions."""
    space: dict[str, Any] = {}
    for text in _files():
        for module, name, alias in re.findall(r"^from (dlmd[\w.]*) import (\w+)(?: as (\w+))?$", text, re.M):
            try:
                space[alias or name] = _Versioned(importlib.import_module(f"{module}.{name}"))
            except ModuleNotFoundError:
                pass  # a function or a class
    for text in _files():
        for name, value in re.findall(r"^(\w+_VERSIONS) = (.+)$", text, re.M):
            space[name] = eval(value, dict(space))
    found = {}
    for rule, text in _rules().items():
        value = re.search(r"^        algorithm=(.+),$", text, re.M)
        if value:
            versions = eval(value[1], dict(space))
            found[rule] = dict(versions if isinstance(versions, list) else [versions])
    return found


class _Versioned:
    """Stands for a module in the rules, so that a version comes with the name of its module."""

    def __init__(self, module: Any):
        self._module = module

    @property
    def VERSION(self) -> tuple[str, int]:
        return self._module.__name__.removeprefix("dlmd."), self._module.VERSION

    @property
    def MODULES(self) -> list[_Versioned]:
        return [_Versioned(module) for module in self._module.MODULES]


@cache
def _files() -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted((WORKFLOW / "rules").glob("*.smk"))]


@cache
def _rules() -> dict[str, str]:
    """The text of each rule. What `use rule ... as ... with` does not say comes from the rule it uses."""
    found, uses = {}, {}
    for text in _files():
        for block in re.split(r"^(?=(?:rule|use rule) )", text, flags=re.M)[1:]:
            # up to the next line that is not indented
            block = re.split(r"\n(?=[^\s#])", block)[0]
            head = re.match(r"(?:use rule (?P<base>\w+) as|rule) (?P<name>\w+)", block)
            if head:
                found[head["name"]] = block
                uses[head["name"]] = head["base"]
    return {name: text + "\n" + found.get(uses[name] or "", "") for name, text in found.items()}


# which code a job reaches


def closure(job: str) -> tuple[str, set[str]]:
    """The hash of a job's part of its own module, and the modules of dlmd whose code can decide its numbers."""
    name, function = job.split(":")
    module = _Module.of(name)
    part = module.used_by(function)
    reached: set[str] = set()
    waiting = _imports(part, name)
    while waiting:
        found = waiting.pop()
        if found in reached or found in NO_NUMBERS or DRAWS.search(found):
            continue
        reached.add(found)
        waiting |= _imports(_Module.of(found).code, found) - reached
    return _hash(*sorted(map(_canonical, part))), reached - {name}


def module_hash(name: str) -> str:
    """The hash of a module's code."""
    return _Module.of(name).hash


@dataclass(frozen=True)
class _Module:
    """A module's statements, without what cannot change numbers."""

    name: str
    code: list[ast.stmt]
    hash: str

    @staticmethod
    @cache
    def of(name: str) -> _Module:
        path = _path(name)
        if path is None:
            raise DlmdError(
                f"no module {name}", where="the jobs of the rules", remedy="mend the registry of jobs"
            )
        code = strip(path.read_text(encoding="utf-8"))
        return _Module(name, code, _hash(*_in_fixed_order(code)))

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


def _path(name: str) -> Path | None:
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
            path = _path(module)
            assert path is not None
            found |= {f"{module}.{p.stem}" for p in path.parent.glob("[a-z]*.py")}
    return found


def _home(source: str, name: str) -> str:
    """The module that defines what `from source import name` gives."""
    if _path(f"{source}.{name}"):
        return f"{source}.{name}"
    path = _path(source)
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
    path = _path(module)
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


def _in_fixed_order(code: Sequence[ast.stmt]) -> list[str]:
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


def _hash(*texts: str) -> str:
    return sha256("\n".join(texts).encode()).hexdigest()[:12]


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh the lock; refuse to where code has changed without a version or a reason."""
    parser = argparse.ArgumentParser(prog="make lock", description=main.__doc__)
    parser.add_argument("--waive", metavar="REASON", default="", help="why the numbers stay the same")
    reason = " ".join(parser.parse_args(arguments).waive.split())
    old, new = read(), now()
    open_rules = unanswered(old, new)
    if open_rules and not reason:
        print(message(old, new), file=sys.stderr)
        return 1
    if open_rules:
        date = datetime.date.today().isoformat()
        which = "all rules" if open_rules.keys() >= new.rules.keys() else ", ".join(sorted(open_rules))
        with WAIVERS.open("a", encoding="utf-8") as file:
            file.write(f"{date}  {reason}\n            {which}\n")
    write_text(LOCK, new.to_text())
    print(f"{LOCK.name}: {len(new.rules)} rules, {len(changes(old, new))} with changed code")
    return 0


if __name__ == "__main__":
    sys.exit(main())
