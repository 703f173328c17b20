"""The section launch: its old places are refused with the block that takes their place."""

import copy

import pytest
import yaml

from dlmd.base.errors import DlmdError
from dlmd.config.reading import parse
from running import ROOT

TOY = yaml.load((ROOT / "config/toy.yaml").read_text(), yaml.BaseLoader)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"accelerator": "cuda"}, "launch: {accelerator: cuda}"),
        ({"md": {"ranks": 2, "command": "srun lmp"}}, "launch: {lammps: {command: srun lmp, ranks: 2}}"),
        ({"levels": {"chgnet": {"cores": 4}}}, "launch: {levels: {chgnet: {cores: 4}}}"),
    ],
)
def test_keys_that_moved_are_told_with_their_new_place(change, words):
    data = copy.deepcopy(TOY)
    for section, keys in change.items():
        if isinstance(keys, dict):
            for key, value in keys.items():
                data[section][key] = data[section][key] | value if isinstance(value, dict) else value
        else:
            data[section] = keys
    with pytest.raises(DlmdError) as caught:
        parse(data, file="my.yaml")
    assert words in str(caught.value) and "my.yaml" in str(caught.value)


def test_launch_of_a_level_that_is_not_there_is_refused():
    with pytest.raises(DlmdError, match="there is no level chgnt"):
        parse(TOY | {"launch": {"levels": {"chgnt": {"cores": 2}}}})


def test_local_vasp_needs_a_command():
    levels = {"u4": {"engine": "vasp"}}
    with pytest.raises(DlmdError, match=r"launch.levels.u4.command"):
        parse(TOY | {"levels": levels})
    parse(TOY | {"levels": levels, "launch": {"levels": {"u4": {"command": "srun vasp_std"}}}})
    parse(TOY | {"levels": {"u4": {"engine": "vasp", "run": "external"}}})
