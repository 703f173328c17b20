"""The config model: the shipped configs load, and every kind of mistake names file, line, key and remedy."""

from pathlib import Path

import pytest

from dlmd.base.errors import DlmdError
from dlmd.config.reading import load
from dlmd.run import targets
from dlmd.run.preflight import check_run

ROOT = Path(__file__).parents[3]
TOY = (ROOT / "config/toy.yaml").read_text()


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A function that loads and checks the toy config with text replaced, run from the repository's root."""
    monkeypatch.chdir(ROOT)

    def check(*replacements, overrides=None):
        text = TOY
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "run.yaml"
        path.write_text(text)
        cfg = load(path, overrides)
        check_run(cfg, file=str(path))
        return cfg

    return check


@pytest.mark.parametrize("name", ["demo", "pretrained", "toy", "toy_few", "li3ticl6", "li3incl6", "li3ycl6"])
def test_shipped_configs_pass_all_checks(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    cfg = load(f"config/{name}.yaml")
    check_run(cfg, file=name)
    assert cfg.run == name


def test_a_list_of_one_mobile_element_is_that_element(toy):
    one, listed = toy(), toy(("mobile: Li", "mobile: [Li]"))
    assert listed.material.model_dump() == one.material.model_dump()
    assert one.material.mobile == "Li" and one.material.mobile_charge == 1


def test_a_tolerance_accepts_occupancies_that_fit_no_cell(toy):
    wanted = ("0.750: {2a: 0.750, 4g: 0.125}", "0.750: {2a: 0.754, 4g: 0.123}")
    with pytest.raises(DlmdError, match=r"0\.754 on Ti1 .* cannot be realised in 2x1x2"):
        toy(wanted)
    assert toy(wanted, ("  orderings: 2", "  orderings: 2\n  tolerance: 0.01")).structures.tolerance == 0.01


def test_the_paper_at_full_scale(monkeypatch):
    monkeypatch.chdir(ROOT)
    cfg = load("config/li3ticl6.yaml")
    assert cfg.md.temperatures_k == [298, 313, 328, 333, 358, 373]
    assert cfg.md.segment_ps * cfg.md.segments == 5500
    assert cfg.structures.cells["20000"] == (10, 10, 10)
    assert (cfg.training.cutoff_angstrom, cfg.training.embedding, cfg.training.fitting) == (
        7.0,
        [32, 64, 128],
        [256] * 3,
    )
    assert cfg.levels["u4"].hubbard_u_ev == {"Ti": 4.0}


# what is changed in the toy config -> what the error must say
MISTAKES = {
    "misspelt key": (
        [("  steps: 400", "  stepps: 400")],
        ["unknown key 'stepps'", "training.stepps", "'steps'"],
    ),
    "misspelt section": ([("training:", "trainin:")], ["unknown key 'trainin'", "'training'"]),
    "misspelt key of a level": (
        [("engine: chgnet", "engine: chgnet\n    modell: 0.3.0")],
        ["'modell'", "'model'"],
    ),
    "unknown engine": ([("engine: chgnet", "engine: chgnett")], ["chgnett", "did you mean 'chgnet'"]),
    "wrong type": ([("  steps: 400", "  steps: many")], ["training.steps is 'many'", "whole number"]),
    "missing key": ([("run: toy\n", "")], ["'run' is missing"]),
    "key twice": ([("seed: 7", "seed: 7\nseed: 8")], ["'seed' is written twice", "line 7"]),
    "broken YAML": ([("material:", "material: [")], ["not valid YAML", "line"]),
    "missing CIF": (
        [("structures/Li3TiCl6.cif", "structures/Li3TiCl.cif")],
        ["no such file", "Li3TiCl6.cif"],
    ),
    "mobile species not listed": ([("mobile: Li", "mobile: Na")], ["'Na' is not among material.species"]),
    "mobile species of a list not listed": (
        [("mobile: Li", "mobile: [Li, Na]")],
        ["'Na' is not among material.species"],
    ),
    "charge of a site that is not there": (
        [("{Li: 1, Ti: 3, Cl: -1}", "{Li: 1, Ti: 3, Cl: -1, Ti on 9z: 3}")],
        ["charges: 'Ti on 9z'", "has no site '9z'"],
    ),
    "charge of an element on a site": (
        [("{Li: 1, Ti: 3, Cl: -1}", "{Li: 1, Ti: 3, Cl: -1, Na on 2a: 1}")],
        ["Na is not among material.species"],
    ),
    "mobile species twice": ([("mobile: Li", "mobile: [Li, Li]")], ["named twice"]),
    "mobile species of both signs": ([("mobile: Li", "mobile: [Li, Cl]")], ["both signs"]),
    "no ion of a hop": ([("mobile: Li", "mobile: [Li, Ti]")], ["makes the hop '101'"]),
    "ion of a hop not mobile": ([("[1, 0, 1]}", "[1, 0, 1], ion: Ti}")], ["'Ti' is not material.mobile"]),
    "mobile is a number": ([("mobile: Li", "mobile: [1, 2]")], ["material.mobile"]),
    "mobile species not in the CIF": (
        [
            ("mobile: Li", "mobile: Na"),
            ("{Li: 1, Ti: 3, Cl: -1}", "{Na: 1, Ti: 3, Cl: -1}"),
            ("[Li, Ti, Cl]", "[Na, Ti, Cl]"),
        ],
        ["the mobile species Na is not in structures/Li3TiCl6.cif"],
    ),
    "occupancy not realisable": (
        [("{2a: 0.750, 4g: 0.125}", "{2a: 0.71, 4g: 0.145}")],
        ["cell '80'", "fix:"],
    ),
    "not neutral": ([("{2a: 0.750, 4g: 0.125}", "{2a: 0.750, 4g: 0.25}")], ["neutral", "cell '80'"]),
    "unknown site": ([("{2a: 0.750, 4g: 0.125}", "{2a: 0.750, 4f: 0.125}")], ["4f", "4g"]),
    "temperatures out of order": (
        [("[500, 550, 600]", "[550, 500, 600]")],
        ["not in ascending order", "write [500, 550, 600]"],
    ),
    "temperature repeated": ([("[500, 550, 600]", "[500, 600, 600]")], ["a temperature is repeated"]),
    "run too short for the lags": (
        [("\ntransport:\n", "\ntransport:\n  lag_start_ps: 0.5\n  lag_end_ps: 5.0\n")],
        ["lags up to 5 ps are asked of a run of 1.6 ps", "md.segments"],
    ),
    "split missing": ([("split: test", "split: valid")], ["no trajectory is for 'test'"]),
    "trajectory in two splits": ([("temperatures_k: [500]", "temperatures_k: [800]")], ["is already in"]),
    "frames off the segment's end": ([("segment_ps: 0.8", "segment_ps: 0.9")], ["md.segment_ps", "multiple"]),
    "ordering that does not exist": (
        [("orderings: [0]}\n    fmax", "orderings: [2]}\n    fmax")],
        ["ordering 2 does not exist"],
    ),
    "guard on a deviation without a committee": (
        [("  segment_ps: 0.8", "  segment_ps: 0.8\n  max_deviation_ev_per_angstrom: 0.5")],
        ["md.max_deviation_ev_per_angstrom", "nothing to deviate from", "training.potentials"],
    ),
    "steps between checkpoints": ([("save_steps: 100", "save_steps: 150")], ["training.steps", "multiple"]),
    "RDF temperature without MD": (
        [("rdf_temperature_k: 600", "rdf_temperature_k: 610")],
        ["610 K is not among md.temperatures_k"],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_is_named_with_place_and_remedy(toy, mistake):
    replacements, expected = MISTAKES[mistake]
    with pytest.raises(DlmdError) as caught:
        toy(*replacements)
    text = str(caught.value)
    assert len(text.splitlines()) <= 3
    assert "fix:" in text and "in:" in text
    for part in expected:
        assert part in text, text


def test_missing_package_is_named_with_the_install_command(toy, monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "chgnet" else find(name))
    with pytest.raises(DlmdError, match=r"chgnet \(for level 'chgnet'\)") as caught:
        toy()
    assert "pip install" in str(caught.value)


def test_command_line_overrides_replace_single_keys(toy):
    cfg = toy(overrides={"md": {"segments": 5}})
    assert cfg.md.segments == 5 and cfg.md.cell == "80"


def test_targets_follow_the_config(toy):
    cfg = toy()
    sources = targets.aimd_sources(cfg)
    assert [s.split for s in sources] == ["train", "train", "valid", "test"]
    assert [s.steps for s in sources] == [30, 30, 9, 15]
    assert len({s.folder for s in sources}) == len(sources)
    assert targets.segment_numbers(cfg) == ["0001", "0002"]
    assert targets.relaxed_cells(cfg) == [("0.750", "80", 0)]


def test_rdfs_are_compared_with_the_production_cell_where_it_was_labelled(monkeypatch):
    monkeypatch.chdir(ROOT)
    small = targets.rdf_sources(load("config/pretrained.yaml"))  # has a smaller cell at this temperature, too
    assert {(s.occupancy, s.cell) for s in small} == {("0.750", "160")}
    paper = targets.rdf_sources(load("config/li3ticl6.yaml"))  # 20,000 atoms were not
    assert [(s.cell, s.ordering, s.split) for s in paper] == [("160", 2, "test")]


def test_seeds_of_jobs_differ_and_stay(toy):
    cfg = toy()
    assert targets.derived_seed(cfg, "velocities", "chgnet", 500, 0) == targets.derived_seed(
        cfg, "velocities", "chgnet", 500, 0
    )
    seeds = {
        targets.derived_seed(cfg, "velocities", "chgnet", t, k) for t in range(300, 400) for k in range(10)
    }
    assert len(seeds) == 1000 and min(seeds) > 0 and max(seeds) < 2**31
