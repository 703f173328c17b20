"""Params of rules and recorded levels of theory are spelt as they were: Snakemake would run everything again for another name."""

import json
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from dlmd.base.errors import DlmdError
from dlmd.config.levels import Level, recorded
from dlmd.config.levels.dft import RENAMED
from dlmd.config.levels.gpaw import GpawSettings
from dlmd.config.reading import _Loader, load
from dlmd.labels.engines import dft
from dlmd.labels.vasp.jobs import level_settings

ROOT = Path(__file__).resolve().parents[2]
BEFORE = json.loads((Path(__file__).parent / "data" / "levels_as_before.json").read_text())


def level(name: str):
    """A level of a shipped file, named 'file:level'."""
    file, _, key = name.partition(":")
    levels = yaml.load((ROOT / "config" / file).read_text(), Loader=_Loader)["levels"]
    return TypeAdapter(Level).validate_python(levels[key])


@pytest.mark.parametrize("name", BEFORE)
def test_levels_of_the_shipped_configs_are_handed_on_as_before(name):
    found = level(name)
    known = BEFORE[name]
    # as text, because the order of keys counts too
    handed = found.staging() if "staging" in known else recorded(found)
    assert json.dumps(handed) == json.dumps(known["staging" if "staging" in known else "dump"])
    theory = found.level_of_theory() if hasattr(found, "level_of_theory") else found.theory()
    assert json.dumps(theory) == json.dumps(known["theory"])


def test_jobs_read_what_rules_hand_on():
    vasp = level("li3ticl6.yaml:u4")
    again = level_settings(vasp.staging() | {"run": "external"})
    assert again.staging() | {"engine": "vasp"} == vasp.staging() | {"run": "external"}
    assert again.relax.fmax_ev_per_angstrom == vasp.relax.fmax_ev_per_angstrom
    gpaw = level("engines/gpaw.yaml:u4").model_copy(update={"kpoint_density_angstrom": 3.5})
    handed = {key: value for key, value in gpaw.model_dump(mode="json").items() if key != "engine"}
    assert dft.validated(GpawSettings, handed, engine="gpaw").kpoint_density_angstrom == 3.5


@pytest.mark.parametrize(
    ("where", "old"),
    [
        ("relax", {"fmax_ev_per_a": 0.02}),
        ("relax.kpoints", {"spacing_per_a": 0.3}),
        ("aimd.kpoints", {"spacing_per_a": 0.3}),
    ],
)
def test_the_old_spelling_in_a_config_names_the_new_one(where, old):
    given: dict = old
    for part in reversed(where.split(".")):
        given = {part: given}
    [key] = old
    with pytest.raises(DlmdError, match=f"'{key}' is no longer there") as caught:
        load(ROOT / "config" / "li3ticl6.yaml", {"levels": {"u4": given}})
    assert f"levels.u4.{where}.{key}" in caught.value.where
    assert caught.value.remedy == f"write {RENAMED[key]}"


def test_a_resolved_config_has_the_new_spelling(capsys):
    from dlmd.cli.main import main

    assert main(["check", str(ROOT / "config" / "li3ticl6.yaml"), "--resolved"]) in (0, None)
    shown = capsys.readouterr().out
    assert "fmax_ev_per_angstrom" in shown and "fmax_ev_per_a:" not in shown
