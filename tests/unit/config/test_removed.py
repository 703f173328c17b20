"""A key that the config no longer has is an error that says what became of it."""

from pathlib import Path

import pytest
import yaml

from dlmd.base.errors import DlmdError
from dlmd.config.reading import parse
from dlmd.config.removed import REMOVED

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("key", REMOVED)
def test_a_removed_key_says_what_became_of_it(key):
    data = yaml.safe_load((ROOT / "config/toy.yaml").read_text())
    *sections, last = key.split(".")
    if sections[0] == "levels":
        sections[1] = sections[1].strip("<>")
        data["levels"] = {sections[1]: {"engine": sections[1]}}
        # the same key of another level says nothing
        data["levels"]["other"] = {"engine": "chgnet"}
    place = data
    for section in sections:
        if not isinstance(place.get(section), dict):
            place[section] = {}
        place = place[section]
    place[last] = 1
    with pytest.raises(DlmdError) as caught:
        parse(data, file="run.yaml")
    assert f"'{last}'" in caught.value.what and caught.value.remedy == REMOVED[key]
    assert ".".join([*sections, last]) in caught.value.where
    # a remedy that names a constant names one that is there
    for constant, module in _constants(REMOVED[key]):
        assert f"\n{constant} = " in (ROOT / "workflow" / module).read_text()


def _constants(remedy):
    if "(" in remedy and " in dlmd/" in remedy:
        constant, module = remedy.rpartition("(")[2].rstrip(")").split(" in ")
        yield constant, module
