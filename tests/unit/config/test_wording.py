"""Values of another form than the key takes: the error says the form, and what the key means."""

from pathlib import Path

import pytest
import yaml

from dlmd.base.errors import DlmdError
from dlmd.config.reading import _Loader, parse

TOY = (Path(__file__).parents[3] / "config/toy.yaml").read_text()

THREE, LIST, NAMED, SECTION = (
    "3 whole numbers in brackets",
    "a list in brackets",
    "{name: value}",
    "a section of keys",
)
FORMS = {
    "structures.cells.80": [([2, 1], THREE), ([2, 1, 2, 2], THREE), (2, THREE)],
    "structures.cells": [([2, 1, 2], NAMED)],
    "structures.occupancies": [([0.75], NAMED)],
    "structures.occupancies.0+750.2a": [("high", "a number or names")],
    "material.charges": [([1, 3, -1], NAMED)],
    "material.species": [("Li", LIST)],
    "training.force_prefactor": [(1000, "2 numbers in brackets"), ([1, 2, 3], "2 numbers in brackets")],
    "training.embedding": [(16, LIST)],
    "md.temperatures_k": [(500, LIST), ({"a": 1}, LIST)],
    "labels.aimd.trajectories.0": [(5, SECTION)],
    "levels.chgnet": [("chgnet", SECTION)],
    "md": [(None, SECTION), ([], SECTION)],
    "md.segments": [("two", "a whole number"), (1.5, "a whole number")],
    "barriers.hops": [({"name": "101"}, LIST)],
    "run": [(["a"], "text")],
}


def toy():
    return yaml.load(TOY, Loader=_Loader)


@pytest.mark.parametrize(
    ("key", "value", "form"), [(k, *pair) for k, pairs in FORMS.items() for pair in pairs]
)
def test_the_form_is_said(key, value, form):
    data = toy()
    place = data
    *above, last = [int(p) if p.isdigit() and p != "80" else p.replace("+", ".") for p in key.split(".")]
    for part in above:
        place = place[part]
    place[last] = value
    with pytest.raises(DlmdError) as error:
        parse(data)
    assert f"{key.replace('+', '.')} is " in error.value.what and "it takes" in error.value.what
    assert form in error.value.what and "pydantic" not in str(error.value)
    assert "config/README.md" in error.value.remedy


def test_the_key_is_the_configs_not_the_validators():
    """Kinds of values and engines of levels are no part of it."""
    data = toy()
    data["structures"]["min_distance_angstrom"] = [1]
    with pytest.raises(DlmdError, match=r"key structures.min_distance_angstrom\n"):
        parse(data)
    data = toy() | {"levels": {"u4": {"engine": "vasp", "encut_ev": "high"}}}
    with pytest.raises(DlmdError, match=r"levels.u4.encut_ev is 'high': it takes a number"):
        parse(data)


def test_a_word_near_another():
    data = toy()
    data["md"]["lattice"] = "termal"
    with pytest.raises(DlmdError, match="did you mean 'thermal'"):
        parse(data)
