"""dp's input says what the settings say, traps are refused, and the learning curve survives restarts."""

import json

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.process import programs
from dlmd.training import deepmd

BASIC = {"species": ["Li", "Cl"], "train": ["../a"], "valid": [], "seed": 3}
LCURVE = """\
#  step      rmse_val    rmse_trn    rmse_e_val  rmse_e_trn    rmse_f_val  rmse_f_trn         lr
# If there is no available reference data, rmse_*_{val,trn} will print nan
      0      2.0e+00    1.0e+00      2.0e-01    1.0e-01      4.0e-01    3.0e-01    1.0e-03
    100      2.0e+00    1.0e+00      2.1e-01    1.1e-01      4.1e-01    3.1e-01    1.0e-03
    200      2.0e+00    1.0e+00      9.9e-01    9.9e-01      9.9e-01    9.9e-01    1.0e-03
    300      2.0e+00    1.0
#  step      rmse_val    rmse_trn    rmse_e_val  rmse_e_trn    rmse_f_val  rmse_f_trn         lr
    200      2.0e+00    1.0e+00      2.2e-01    1.2e-01      4.2e-01    3.2e-01    5.0e-04
    300      2.0e+00    1.0e+00      2.3e-01    1.3e-01      4.3e-01    3.3e-01    5.0e-04
"""


def test_defaults_are_the_papers():
    made = deepmd.make_input(**BASIC)
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
    made = deepmd.make_input(
        **BASIC | {"valid": ["../v"]},
        cutoff_angstrom=6.5,
        sel=[20, 40],
        axis_neurons=8,
        type_one_side=False,
        energy_prefactor=(0.1, 2.0),
        force_prefactor=(500.0, 5.0),
        virial_prefactor=(0.01, 0.3),
        precision="float32",
        batch_size=4,
    )
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
    made = deepmd.make_input(**BASIC, steps=steps, save_steps=save)["training"]
    assert made["numb_steps"] % made["save_freq"] == 0
    assert made["save_freq"] % made["disp_freq"] == 0


def test_refuses_steps_that_would_not_be_saved():
    with pytest.raises(DlmdError, match=r"no multiple of save_steps.*(\n.*)*use 2000 steps"):
        deepmd.make_input(**BASIC, steps=2345, save_steps=1000)
    with pytest.raises(DlmdError, match="no training systems"):
        deepmd.make_input(**BASIC | {"train": []})


def system(folder, energies=(1.0, 2.0)):
    (folder / "set.000").mkdir(parents=True)
    (folder / "type.raw").write_text("0\n1\n")
    np.save(folder / "set.000" / "energy.npy", np.array(energies))


def test_input_names_the_systems_from_where_dp_runs(tmp_path):
    system(tmp_path / "data" / "train" / "b")
    system(tmp_path / "data" / "train" / "a")
    (tmp_path / "data" / "valid").mkdir()
    (tmp_path / "out").mkdir()
    deepmd.write_input(
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
    work = tmp_path / "out" / deepmd.WORK
    work.mkdir()
    assert all((work / name / "type.raw").exists() for name in listed)


def test_the_mark_of_a_training_sees_input_and_data(tmp_path):
    system(tmp_path / "a")
    settings = deepmd.make_input(**BASIC)
    mark = deepmd.training_mark(settings, tmp_path / "work")
    assert deepmd.training_mark(settings, tmp_path / "work") == mark
    other = deepmd.make_input(**BASIC | {"seed": 4})
    assert deepmd.training_mark(other, tmp_path / "work") != mark
    np.save(tmp_path / "a" / "set.000" / "energy.npy", np.array([1.0, 2.5]))
    assert deepmd.training_mark(settings, tmp_path / "work") != mark


def test_last_checkpoint(tmp_path):
    assert deepmd.last_checkpoint(tmp_path) == 0
    (tmp_path / "checkpoint").write_text(
        'model_checkpoint_path: "model.ckpt-3000"\nall_model_checkpoint_paths: "model.ckpt-2000"\n'
    )
    assert deepmd.last_checkpoint(tmp_path) == 3000


def test_curve_joins_restarts_without_repeats(tmp_path):
    rows = deepmd.parse_lcurve(LCURVE)
    assert [row["step"] for row in rows] == [0, 100, 200, 300]
    # the killed run's step 200 and its half line do not count
    assert rows[2]["energy_rmse_valid_ev_per_atom"] == 0.22
    assert rows[3]["force_rmse_train_ev_per_a"] == 0.33


def test_curve_without_validation_and_without_rows():
    text = "#  step      rmse_trn    rmse_e_trn   rmse_f_trn         lr\n      0      2.0e+00   2.0e-01   4.0e-01    1.0e-03\n"
    assert deepmd.parse_lcurve(text)[0] == {
        "step": 0,
        "energy_rmse_train_ev_per_atom": 0.2,
        "force_rmse_train_ev_per_a": 0.4,
        "learning_rate": 1e-3,
    }
    with pytest.raises(DlmdError, match="learning curve is empty"):
        deepmd.parse_lcurve("#  step rmse lr\n")


class FakeDp:
    """Stands in for `dp`: leaves what it would leave, and dies once after the checkpoint of `dies_at`."""

    def __init__(self, dies_at=None):
        self.dies_at, self.calls = dies_at, []

    def __call__(self, args, *, cwd, log, threads, timeout_s=None):
        command = args[args.index("--tf") + 1 :]
        self.calls.append(command)
        if command[0] == "train":
            start = deepmd.last_checkpoint(cwd)
            assert ("--restart" in command) == (start > 0)
            steps = json.loads((cwd.parent / "input.json").read_text())["training"]["numb_steps"]
            end = self.dies_at or steps
            header = "#  step      rmse_e_trn  rmse_f_trn  lr\n"
            with (cwd / "lcurve.out").open("a") as curve:
                curve.write(header + "".join(f"{s} 0.1 0.2 1e-3\n" for s in range(start, end + 1, 10)))
            (cwd / "checkpoint").write_text(f'model_checkpoint_path: "model.ckpt-{end}"\n')
            if self.dies_at:
                self.dies_at = None
                raise DlmdError("dp ended with exit code -9")
        elif command[0] == "freeze":
            (cwd / command[command.index("-o") + 1]).write_text("model")
        elif command[0] == "compress":
            assert (cwd / command[command.index("-i") + 1]).read_text() == "model"
            (cwd / command[command.index("-o") + 1]).write_text("compressed")
        return True


@pytest.fixture
def job(tmp_path, monkeypatch):
    system(tmp_path / "data" / "train" / "a")
    (tmp_path / "data" / "valid").mkdir()
    folder = tmp_path / "0"
    folder.mkdir()

    def prepare(**settings):
        deepmd.write_input(
            folder / "input.json",
            train=tmp_path / "data" / "train",
            valid=tmp_path / "data" / "valid",
            settings={"steps": 100, "save_steps": 50} | settings,
            species=["Li", "Cl"],
            seed=1,
        )

    def run(dp):
        monkeypatch.setattr(programs, "run", dp)
        monkeypatch.setattr(programs, "locate", lambda name: tmp_path / "bin" / name)
        deepmd.train(
            folder / "input.json",
            model=folder / "model.pb",
            compressed=folder / "compressed.pb",
            lcurve=folder / "lcurve.csv",
            threads=1,
            log=tmp_path / "log",
        )

    prepare()
    return folder, prepare, run


def test_the_walltime_ends_training_in_good_order(job, monkeypatch):
    folder, _, run = job
    monkeypatch.setattr(deepmd.walltime, "usable_s", lambda: 100.0)
    dp = FakeDp()
    given = []

    def ended(args, **settings):
        given.append(settings["timeout_s"])
        dp.dies_at = 50
        with pytest.raises(DlmdError):
            dp(args, **settings)
        return False

    with pytest.raises(DlmdError, match="walltime came before the end: training is at step 50 of 100"):
        run(ended)
    assert given == [100.0]
    run(dp)
    assert "--restart" in dp.calls[1] and (folder / "model.pb").exists()


def test_killed_training_goes_on(job):
    folder, _, run = job
    dp = FakeDp(dies_at=50)
    with pytest.raises(DlmdError):
        run(dp)
    assert not (folder / "model.pb").exists()
    run(dp)
    assert [call[0] for call in dp.calls] == ["train", "train", "freeze", "compress"]
    assert "--restart" in dp.calls[1]
    assert (folder / "compressed.pb").read_text() == "compressed"
    steps = [line.split(",")[0] for line in (folder / "lcurve.csv").read_text().splitlines()[1:]]
    assert steps == [str(s) for s in range(0, 101, 10)]
    assert sorted(p.name for p in folder.iterdir()) == [
        "compressed.pb",
        "input.json",
        "lcurve.csv",
        "model.pb",
    ]


def test_changed_input_starts_afresh(job):
    _, prepare, run = job
    dp = FakeDp(dies_at=50)
    with pytest.raises(DlmdError):
        run(dp)
    prepare(start_lr=5e-3)
    run(dp)
    assert "--restart" not in dp.calls[1]
