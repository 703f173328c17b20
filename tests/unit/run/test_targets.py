"""Targets of the learning loop and of production with several potentials."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from dlmd.base.errors import DlmdError
from dlmd.config import routes
from dlmd.config.reading import load
from dlmd.run import targets

ROOT = Path(__file__).parents[3]
LOOP = {
    "iterations": 2,
    "explore": [
        {
            "occupancy": "0.750",
            "cell": "80",
            "orderings": [0, 1],
            "temperatures_k": [700],
            "strains": [0.0, 0.02],
        }
    ],
    "explore_ps": 0.4,
    "frame_interval_ps": 0.02,
    "max_frames": 3,
    "steps": 100,
}


@pytest.fixture
def config(tmp_path):
    """A function that loads the toy config with a loop and a committee, changed by section."""

    def make(learning=LOOP, **changes):
        data = yaml.safe_load((ROOT / "config/toy.yaml").read_text()) | {"learning": learning}
        data["structures"]["occupancies"] = {"0.750": {"2a": 0.75, "4g": 0.125}}  # YAML's 0.750 is a number
        data["training"]["potentials"] = 2
        for section, values in changes.items():
            data[section] |= values
        path = tmp_path / "run.yaml"
        path.write_text(yaml.safe_dump(data))
        return load(path)

    return make


def test_runs_count_orderings_first(config):
    cfg = config(md={"replicas": 2, "potentials": 2})
    assert targets.production_runs(cfg) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    # as many as without a committee, and with the same names
    assert targets.production_runs(config(md={"replicas": 2})) == [(0, 0), (0, 1)]


def test_explorations_and_their_cells(config):
    cfg = config()
    assert [s.folder for s in targets.explorations(cfg)] == [
        "0.750/80/0/700K/+0.000",
        "0.750/80/0/700K/+0.020",
        "0.750/80/1/700K/+0.000",
        "0.750/80/1/700K/+0.020",
    ]
    assert {s.steps for s in targets.explorations(cfg)} == {200}
    assert targets.explored_cells(cfg) == [("0.750", "80", 0), ("0.750", "80", 1)]
    assert ("0.750", "80", 1) in targets.relaxed_cells(cfg)


def test_jobs_label_as_many_frames_as_their_engine_is_cheap(config):
    def slots(engine="chgnet", **loop):
        cfg = config(learning=LOOP | loop)
        # only the engine's name counts
        levels = {"level": SimpleNamespace(engine=engine)}
        return targets.label_slots(cfg.model_copy(update={"levels": levels}), "level")

    assert slots() == {"000": [0, 1, 2]}
    assert slots("gpaw") == slots("vasp") == {"000": [0], "001": [1], "002": [2]}
    assert slots("gpaw", frames_per_job=2) == slots(frames_per_job=2) == {"000": [0, 1], "001": [2]}
    assert slots("vasp", frames_per_job=2) == slots("vasp")
    many = slots("vasp", max_frames=1200)
    assert list(many)[-1] == "1199"
    assert [n for numbers in slots(max_frames=1210).values() for n in numbers] == list(range(1210))


def test_frames_of_the_loop_have_paths_and_ids_of_their_own(config):
    cfg = config()
    before = targets.data_sources(cfg, "chgnet", 0)
    assert [source.id for source in before] == [source.id for source in targets.aimd_sources(cfg)]
    found = targets.data_sources(cfg, "chgnet", 2)[len(before) :]
    assert (found[0].id, found[0].path) == (
        "learned0_0.750_80_0",
        "learning/chgnet/0/frames/0.750/80/0.extxyz",
    )
    assert len(found) == len({source.id for source in found}) == 4
    assert {(source.split, source.optional) for source in found} == {("train", True)}
    assert not any(source.optional for source in before)


STARTED = {"few": {"engine": "gpaw", "start_from": "chgnet"}}
HELD_OUT = {"occupancy": "0.750", "cell": "80", "orderings": [1], "temperatures_k": [600], "split": "test"}
FEW_LOOP = LOOP | {"explore": [LOOP["explore"][0] | {"orderings": [0]}, HELD_OUT]}


def test_a_level_that_starts_from_another_has_single_points_alone(config):
    cfg = config(learning=FEW_LOOP, levels=STARTED)
    assert routes.answering(cfg) == ["few"] and routes.serving(cfg) == ["chgnet"]
    assert not routes.loops(cfg, "chgnet") and routes.loops(cfg, "few")
    found = {source.id: source.split for source in targets.data_sources(cfg, "few", 2)}
    # what is held out is explored and labelled in the first round alone
    assert found == {
        "learned0_0.750_80_0": "train",
        "learned0_0.750_80_1": "test",
        "learned1_0.750_80_0": "train",
    }
    assert [s.ordering for s in targets.explored_in(cfg, "few", 0)] == [0, 0, 1]
    assert [s.ordering for s in targets.explored_in(cfg, "few", 1)] == [0, 0]
    assert targets.trial_cell(cfg, "few") == ("0.750", "80", 0)


def test_given_labels_are_all_that_a_level_has(config):
    frames = [{"file": "a.extxyz", "level": "few"}, {"file": "b.extxyz", "split": "test"}]
    cfg = config(learning=None, levels=STARTED, labels={"frames": frames})
    found = [(s.id, s.optional) for s in targets.data_sources(cfg, "few", 0)]
    assert found == [
        ("given0_train", True),
        ("given0_valid", True),
        ("given0_test", True),
        ("given1_test", False),
    ]
    assert not routes.uses_engine(cfg, "few") and routes.own_dynamics(cfg, "chgnet")


def test_without_a_loop_nothing_is_explored(config):
    cfg = config(learning=None)
    assert targets.explorations(cfg) == targets.explored_cells(cfg) == []


def test_trial_starts_from_the_cell_of_the_rdfs_or_the_first_held_out_one(config):
    assert targets.trial_source(config()).temperature_k == 600
    cfg = config(validation={"rdf_temperature_k": None})
    assert targets.trial_source(cfg).split == "test"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training": {"potentials": 1}}, "at least two potentials"),
        ({"md": {"potentials": 3}}, "production with 3 potentials, but 2 are trained"),
        ({"learning": LOOP | {"deviation_ev_per_angstrom": [0.4, 0.1]}}, "lower bound 0.4 is not below"),
        ({"learning": LOOP | {"steps": 150}}, "no multiple of training.save_steps"),
        ({"learning": LOOP | {"frame_interval_ps": 0.0331}}, "no whole number of steps"),
        ({"learning": LOOP | {"explore_ps": 0.01}}, "hold no frame"),
        ({"learning": LOOP | {"explore": LOOP["explore"] * 2}}, "is named twice"),
    ],
)
def test_mistakes_are_named(config, changes, message):
    with pytest.raises(DlmdError, match=message):
        config(**changes)


@pytest.mark.parametrize("strain", [0.0, -0.0, 0.01, 0.0125, -0.0004, 0.0104, 1e-7, 1 / 30, -0.1999])
def test_a_strain_is_read_back_from_its_path_as_it_was(strain):
    name = targets.strain_name(strain)
    assert float(name) == strain and re.fullmatch(r"[+-]\d+\.\d{3,}", name)


@pytest.mark.parametrize("temperature", [300, 300.0, 298.15, 1234.5678, 0.001, 1e5 / 3])
def test_a_temperature_is_read_back_from_its_path_as_it_was(temperature):
    name = targets.temperature_name(temperature)
    assert float(name) == temperature and re.fullmatch(r"\d+(\.\d+)?", name)


def test_paths_of_before_are_the_same():
    assert [targets.strain_name(s) for s in (0.0, 0.02, -0.01)] == ["+0.000", "+0.020", "-0.010"]
    assert [targets.temperature_name(t) for t in (450, 450.0, 298.15)] == ["450", "450", "298.15"]
