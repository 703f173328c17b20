"""The lock of algorithms: which code the numbers of each rule come from, so that no change of it passes unnoticed.

Snakemake compares the params of a rule, not its code (`profiles/default`), so a result of changed code becomes stale only
if somebody raises a `VERSION` that is a param (`algorithm`) of its rule. `workflow/algorithms.lock` holds a hash of the
code of each rule and the versions of that time. A test compares it with the tree. Where the code has changed, either a
version has been raised as well, or somebody has written down why the numbers stay (`workflow/algorithms.waivers`).

What the code of a rule is says `dlmd.run.closures`.

    python -m dlmd.run.algorithm_lock                      refresh the lock after a version was raised (make lock)
    python -m dlmd.run.algorithm_lock --waive "reason"     refresh it although none was (make lock WAIVE="reason")
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dlmd.base.files import read_json, write_text
from dlmd.run.closures import WORKFLOW, closure, digest, module_hash

LOCK = WORKFLOW / "algorithms.lock"
WAIVERS = WORKFLOW / "algorithms.waivers"

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
        code = digest(part, *(f"{name} {module_hash(name)}" for name in sorted(reached)))
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
    try:
        registry = importlib.import_module("dlmd.run.binding").JOBS
        return {rule: job.target for rule, job in registry.items()}
    except ModuleNotFoundError:
        pass  # the scripts say it
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
    for module, function in calls:
        if module in imported:
            return f"{imported[module]}:{function}"
    # a function that is imported by its name
    return next(
        f"{path.rpartition('.')[0]}:{name}" for name, path in imported.items() if f"    {name}(" in text
    )


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
        for block in re.split(r"^(?=(?:rule|checkpoint|use rule) )", text, flags=re.M)[1:]:
            # up to the next line that is not indented
            block = re.split(r"\n(?=[^\s#])", block)[0]
            head = re.match(r"(?:use rule (?P<base>\w+) as|rule|checkpoint) (?P<name>\w+)", block)
            if head:
                found[head["name"]] = block
                uses[head["name"]] = head["base"]
    return {name: text + "\n" + found.get(uses[name] or "", "") for name, text in found.items()}


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
