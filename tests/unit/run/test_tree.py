"""The result tree: patterns and paths lead into each other."""

import re
from pathlib import Path

import pytest

from dlmd.run import tree
from workflow_rules import RULE

ROOT = Path(__file__).parents[3]
VALUES = {
    **{"level": "u4", "occupancy": "0.750", "cell": "80", "n": "3", "aimd_T": "600", "strain": "+0.010"},
    **{"m": "1", "i": "0", "slot": "002", "T": "500", "k": "2", "segment": "0007", "step": "seg001"},
    **{"hop": "101", "number": "4", "g": "0", "split": "train", "share": "0.25"},
}


def patterns():
    """Everything in the module that is the pattern of a path."""
    return {
        name: value
        for name, value in vars(tree).items()
        if name.isupper() and isinstance(value, str) and name not in ("EQUILIBRATION",)
    }


@pytest.mark.parametrize("name", sorted(patterns()))
def test_a_filled_pattern_gives_its_wildcards_back(name):
    pattern = patterns()[name]
    wanted = {w: VALUES[w] for w in re.findall(r"\{(\w+)\}", pattern)}
    assert tree.wildcards(pattern, tree.fill(pattern, **VALUES)) == wanted


def test_what_is_not_known_stays_a_wildcard():
    assert tree.fill(tree.TRANSPORT, level="u4") == "transport/u4/{T}K.json"
    assert tree.fill(tree.TRANSPORT, level="u4", T=500.0, k=1) == "transport/u4/500K.json"
    with pytest.raises(ValueError, match="has no value: transport/u4"):
        tree.path("results/toy", tree.TRANSPORT, level="u4")


def test_a_path_of_another_pattern_has_no_wildcards_of_this_one():
    assert tree.wildcards(tree.RELAX, "labels/u4/relax/0.750/80/0/vasp") is None
    assert tree.wildcards(tree.BAND, "barriers/u4/engine/101/0.json") is None


def test_names_of_files_are_different():
    files = {name: p for name, p in patterns().items() if "." in Path(p).name and "}" not in Path(p).suffix}
    assert len(set(files.values())) == len(files)


def test_every_rule_has_its_log():
    rules = {
        name
        for path in [ROOT / "Snakefile", *(ROOT / "workflow/rules").glob("*.smk")]
        for name in re.findall(rf"^ *{RULE}", path.read_text(), flags=re.MULTILINE)
    }
    assert rules - {"all"} == set(tree.JOBS)
