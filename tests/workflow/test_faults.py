"""A short seeded part of benchmarks/faults: damaged files of a finished run, and a kill. Nothing is lost or silently wrong."""

import json
import random
import sys

import pytest

from running import ROOT

pytestmark = pytest.mark.toy
# quick ones that read JSON, extended XYZ, XTC, CSV and folders
RULES = ("md_cell", "accept", "lattice_at", "training_input", "expansion")


@pytest.fixture
def faults(monkeypatch):
    """The modules of benchmarks/faults."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks/faults"))
    # before the forks, which then take milliseconds
    import ase.io
    import chemfiles
    import damaged
    import kills
    import own_files
    import pymatgen.core

    from dlmd.run import binding

    assert ase.io and chemfiles and pymatgen.core
    for rule in RULES:
        binding.JOBS[rule].function()

    return {"damaged": damaged, "kills": kills, "own": own_files}


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("records", [True, False])
def test_damaged_files_of_a_run(toy_run, tmp_path, faults, records):
    workdir = faults["damaged"].copy_of(toy_run, tmp_path)
    # without its checksum a text that is as valid as before cannot be told from the right one
    kinds = ["cut", "empty", "zeros", "foreign", *(["bit", "digit", "cut_at_a_line"] if records else [])]
    out = tmp_path / "rows.jsonl"
    faults["damaged"].trials(
        workdir,
        "config/toy.yaml",
        seed=1,
        rules=list(RULES),
        kinds=kinds,
        records=records,
        most_s=60.0,
        out=out,
    )
    found = rows(out)
    assert len(found) > 20 and {row["rule"] for row in found} == set(RULES)
    assert [row for row in found if row["verdict"] not in ("recovered", "refused")] == []
    if records:
        assert {row["verdict"] for row in found if row["file"].startswith("results/")} == {"refused"}


def test_damaged_trajectories_of_other_programs(tmp_path, faults):
    out = tmp_path / "rows.jsonl"
    faults["own"].trials(tmp_path / "own", seed=1, count=1, out=out)
    found = rows(out)
    assert len({row["file"] for row in found}) >= 8
    assert [row for row in found if row["verdict"] not in ("recovered", "refused")] == []


def test_a_killed_segment_recovers_to_the_bit(toy_run, tmp_path, faults, monkeypatch):
    monkeypatch.setattr(faults["kills"], "VICTIMS", ("everything",))
    row = faults["kills"].kill(toy_run, tmp_path / "killed", "MD", random.Random(1), longest_s=0.5)
    assert row["hit"] and row["verdict"] == "recovered", row


def test_the_tests_rng_is_seeded(faults):
    """The same seed damages in the same way."""
    import damage

    data = bytes(range(256)) * 4
    for kind in damage.KINDS.values():
        assert kind(data, random.Random(3)) == kind(data, random.Random(3)) != data
    assert "damage" in sys.modules
