"""Every file that a rule makes lies where the result tree says."""

import pytest

from dlmd.run import tree
from running import ROOT
from workflow_rules import rules

PATTERNS = [
    pattern + ending
    for name, pattern in vars(tree).items()
    if name.isupper() and isinstance(pattern, str)
    for ending in (tree.FIGURE if name.endswith("_FIGURE") else ("",))
]


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "config").glob("*.yaml")))
def test_outputs_logs_and_benchmarks(make_workdir, name):
    if name == "few":  # its labels are made by a program that the lock does not have
        pytest.importorskip("gpaw")
    found = rules(make_workdir("tree"), f"config/{name}.yaml")
    home = f"{tree.home(name)}/"
    assert len(found) > 40
    for rule, files in found.items():
        assert all(path.startswith(home) for path in files["output"])
        strange = [p for p in files["output"] if not _known(p.removeprefix(home))]
        assert not strange, f"{rule} writes {strange}, which dlmd.run.tree does not name"
        if rule != "all":
            assert files["log"] == [home + tree.log(rule)]
            assert files["benchmark"] == home + tree.benchmark(rule)


def _known(path):
    """As a pattern, or a path with some of its wildcards filled in."""
    path = path.replace("{", "").replace("}", "")
    return any(tree.wildcards(pattern, path) is not None for pattern in PATTERNS)
