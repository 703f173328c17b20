"""A training that is killed goes on from its last checkpoint, with the same input and data only."""

import json

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.config.model import Training
from dlmd.process import programs
from dlmd.training import run as training
from dlmd.training.input import make_input, write_input

BASIC = {"species": ["Li", "Cl"], "train": ["../a"], "valid": [], "seed": 3}


def system(folder, energies=(1.0, 2.0)):
    (folder / "set.000").mkdir(parents=True)
    (folder / "type.raw").write_text("0\n1\n")
    np.save(folder / "set.000" / "energy.npy", np.array(energies))


def test_fingerprint_sees_input_and_data(tmp_path):
    system(tmp_path / "a")
    settings = make_input(Training(), **BASIC)
    mark = training.training_mark(settings, tmp_path / "work")
    assert training.training_mark(settings, tmp_path / "work") == mark
    other = make_input(Training(), **BASIC | {"seed": 4})
    assert training.training_mark(other, tmp_path / "work") != mark
    np.save(tmp_path / "a" / "set.000" / "energy.npy", np.array([1.0, 2.5]))
    assert training.training_mark(settings, tmp_path / "work") != mark


def save_checkpoint(work, step, *, without=()):
    """Leave in `work` what TensorFlow leaves of a checkpoint, except for the parts in `without`."""
    for part in ("data-00000-of-00001", "index", "meta"):
        if part.partition("-")[0] not in without:
            (work / f"model.ckpt-{step}.{part}").touch()
    (work / "checkpoint").write_text(f'model_checkpoint_path: "model.ckpt-{step}"\n')


def test_last_checkpoint(tmp_path):
    assert training.last_checkpoint(tmp_path) == 0
    save_checkpoint(tmp_path, 2000)
    save_checkpoint(tmp_path, 10000)
    assert training.last_checkpoint(tmp_path) == 10000


@pytest.mark.parametrize("missing", ["data", "index", "meta"])
def test_a_checkpoint_in_parts_is_none(tmp_path, missing):
    save_checkpoint(tmp_path, 3000, without=[missing])
    assert training.last_checkpoint(tmp_path) == 0
    save_checkpoint(tmp_path, 2000)
    assert training.last_checkpoint(tmp_path) == 2000


class FakeDp:
    """Stands in for `dp`: leaves what it would leave, and dies once after the checkpoint of `dies_at`."""

    def __init__(self, dies_at=None, damaged=()):
        self.dies_at, self.damaged, self.calls = dies_at, damaged, []

    def __call__(self, args, *, cwd, log, threads, timeout_s=None):
        command = args[args.index("--tf") + 1 :]
        self.calls.append(command)
        if command[0] == "train":
            start = training.last_checkpoint(cwd)
            assert ("--restart" in command) == (start > 0)
            assert not start or command[-1] == f"model.ckpt-{start}"
            if start in self.damaged:
                with log.open("a") as text:
                    text.write(
                        "tensorflow.python.framework.errors_impl.DataLossError: Checksum does not match\n"
                    )
                raise DlmdError("dp ended with exit code 1")
            steps = json.loads((cwd.parent / "input.json").read_text())["training"]["numb_steps"]
            end = self.dies_at or steps
            header = "#  step      rmse_e_trn  rmse_f_trn  lr\n"
            with (cwd / "lcurve.out").open("a") as curve:
                curve.write(header + "".join(f"{s} 0.1 0.2 1e-3\n" for s in range(start, end + 1, 10)))
            save_checkpoint(cwd, end)
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
        write_input(
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
        training.train(
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
    monkeypatch.setattr(training.walltime, "usable_s", lambda: 100.0)
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


def test_training_killed_within_a_checkpoint_goes_on_from_the_one_before(job):
    folder, _, run = job
    dp = FakeDp(dies_at=50)
    with pytest.raises(DlmdError):
        run(dp)
    # named in TensorFlow's list, and its graph not yet written
    save_checkpoint(folder / "work", 75, without=["meta"])
    run(dp)
    assert dp.calls[1][-2:] == ["--restart", "model.ckpt-50"]


@pytest.mark.parametrize(
    ("whole", "starts"), [([50], ["model.ckpt-75", "model.ckpt-50"]), ([], ["model.ckpt-75", None])]
)
def test_a_damaged_checkpoint_is_passed_over(job, whole, starts, capsys):
    folder, prepare, run = job
    prepare(save_steps=25)
    dp = FakeDp(dies_at=75, damaged=[75])
    with pytest.raises(DlmdError):
        run(dp)
    for step in whole:
        save_checkpoint(folder / "work", step)
    run(dp)
    found = [call[-1] if "--restart" in call else None for call in dp.calls if call[0] == "train"]
    assert found[1:] == starts
    assert "the checkpoint of step 75 is damaged" in capsys.readouterr().err
    assert (folder / "model.pb").exists()


def test_another_error_drops_no_checkpoint(job):
    folder, _, run = job
    dp = FakeDp(dies_at=50)
    for _ in range(2):
        with pytest.raises(DlmdError):
            run(dp)
        dp.dies_at = 50
    assert training.last_checkpoint(folder / "work") == 50


def test_changed_input_starts_afresh(job):
    _, prepare, run = job
    dp = FakeDp(dies_at=50)
    with pytest.raises(DlmdError):
        run(dp)
    prepare(start_lr=5e-3)
    run(dp)
    assert "--restart" not in dp.calls[1]
