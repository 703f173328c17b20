"""dp's input says what the settings say, and what dp would stumble over is refused."""

import json

import pytest

from dlmd.base.errors import DlmdError
from dlmd.config.model import Training
from dlmd.training.input import WORK, make_input, write_input

BASIC = {"species": ["Li", "Cl"], "train": ["../a"], "valid": [], "seed": 3}


def test_defaults_are_the_papers():
    made = make_input(Training(), **BASIC)
    descriptor, fitting = made["model"]["descriptor"], made["model"]["fitting_net"]
    assert descriptor["type"] == "se_e2_a" and descriptor["rcut"] == 7.0
    assert descriptor["neuron"] == [32, 64, 128] and fitting["neuron"] == [256, 256, 256]
    assert descriptor["activation_function"] == fitting["activation_function"] == "tanh"
    rate = made["learning_rate"]
    assert (rate["start_lr"], rate["stop_lr"], rate["decay_steps"]) == (1e-3, 1e-8, 5000)
    assert made["training"]["numb_steps"] == 10_000
    assert made["model"]["type_map"] == ["Li", "Cl"]
    assert "validation_data" not in made["training"]


def test_settings_arrive():
    settings = Training(
        cutoff_angstrom=6.5,
        axis_neurons=8,
        energy_prefactor=(0.1, 2.0),
        force_prefactor=(500.0, 5.0),
        virial_prefactor=(0.01, 0.3),
        precision="float32",
        batch_size=4,
    )
    made = make_input(settings, **BASIC | {"valid": ["../v"]}, sel=[20, 40], type_one_side=False)
    assert made["model"]["descriptor"]["rcut"] == 6.5
    assert made["model"]["descriptor"]["sel"] == [20, 40]
    assert made["model"]["descriptor"]["axis_neuron"] == 8
    assert made["model"]["descriptor"]["type_one_side"] is False
    assert made["model"]["descriptor"]["precision"] == made["model"]["fitting_net"]["precision"] == "float32"
    loss = made["loss"]
    assert (loss["start_pref_e"], loss["limit_pref_e"]) == (0.1, 2.0)
    assert (loss["start_pref_f"], loss["limit_pref_f"]) == (500.0, 5.0)
    assert (loss["start_pref_v"], loss["limit_pref_v"]) == (0.01, 0.3)
    assert made["training"]["training_data"]["batch_size"] == 4
    assert made["training"]["validation_data"]["systems"] == ["../v"]


@pytest.mark.parametrize(("steps", "save"), [(14_000, 1000), (10_000, 1000), (60, 30), (7, 7), (900, 450)])
def test_a_checkpoint_falls_on_the_last_step(steps, save):
    made = make_input(Training(steps=steps, save_steps=save), **BASIC)["training"]
    assert made["numb_steps"] % made["save_freq"] == 0
    assert made["save_freq"] % made["disp_freq"] == 0


def test_refuses_steps_that_would_not_be_saved():
    with pytest.raises(DlmdError, match=r"no multiple of save_steps.*(\n.*)*use 2000 steps"):
        make_input(Training(steps=2345, save_steps=1000), **BASIC)
    with pytest.raises(DlmdError, match="no training systems"):
        make_input(Training(), **BASIC | {"train": []})


def test_input_names_the_systems_from_where_dp_runs(tmp_path):
    for name in ("b", "a"):
        (tmp_path / "data" / "train" / name).mkdir(parents=True)
        (tmp_path / "data" / "train" / name / "type.raw").write_text("0\n1\n")
    (tmp_path / "data" / "valid").mkdir()
    (tmp_path / "out").mkdir()
    write_input(
        tmp_path / "out" / "input.json",
        train=tmp_path / "data" / "train",
        valid=tmp_path / "data" / "valid",
        settings={"steps": 100, "save_steps": 50},
        species=["Li", "Cl"],
        seed=1,
    )
    made = json.loads((tmp_path / "out" / "input.json").read_text())
    listed = made["training"]["training_data"]["systems"]
    assert listed == ["../../data/train/a", "../../data/train/b"]
    work = tmp_path / "out" / WORK
    work.mkdir()
    assert all((work / name / "type.raw").exists() for name in listed)
