"""All that would stop a run, found at once: besides the config, this machine's programs, the profile and the disk."""

import os
import shutil
import stat
from collections import namedtuple
from pathlib import Path

import pytest

from dlmd.cli import main
from dlmd.config.reading import load
from dlmd.run import readiness

ROOT = Path(__file__).parents[3]
PROFILE = "executor: slurm\ndefault-resources:\n  - slurm_partition=cpu\nset-resources:\n  train:\n    slurm_partition: gpu\n"


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    """A folder with the repository's inputs and a profile `mine`, without Slurm on the PATH."""
    for name in ("structures", "config", "Snakefile", "workflow"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/config.v9+.yaml").write_text(PROFILE)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin").mkdir()
    # some library asks for it
    (tmp_path / "bin/which").symlink_to(shutil.which("which"))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin")
    return tmp_path


def program(workdir, name, prints="", code=0):
    path = workdir / "bin" / name
    path.write_text(f"#!/bin/sh\nprintf '%b' '{prints}'\nexit {code}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def found(profile=None, overrides=None):
    cfg = load("config/toy.yaml", overrides)
    return list(readiness.findings(cfg, file="config/toy.yaml", profile=profile, snakefile=Path("Snakefile")))


def wrong(findings):
    return {f.subject: f"{f.text} | {f.remedy}" for f in findings if f.state == "problem"}


def test_the_toy_is_ready(workdir):
    findings = found()
    assert wrong(findings) == {}
    assert {"packages", "crystal", "level chgnet", "dp", "lmp", "disk"} <= {f.subject for f in findings}


def test_all_problems_are_told_not_only_the_first(workdir):
    changes = {
        "material": {"reference": "config/reference/Li3TiCl.yaml"},
        "structures": {"occupancies": {"0.750": {"2a": 0.71, "4g": 0.145}}},
    }
    problems = wrong(found("nobody", changes))
    assert set(problems) == {"crystal", "reference", "profile"}
    assert "did you mean 'Li3TiCl6.yaml'?" in problems["reference"]


def test_a_cluster_that_is_as_the_profile_says(workdir):
    program(workdir, "sbatch")
    program(workdir, "sinfo", prints="cpu\\ngpu\\n")
    program(workdir, "sacct")
    assert wrong(found("mine")) == {}


def test_the_shipped_profile_names_rules_that_are_there(workdir):
    # one of them, learning_train, is made from another rule
    program(workdir, "sbatch")
    program(workdir, "sinfo", prints="cpu\\ngpu\\n")
    program(workdir, "sacct")
    assert wrong(found(str(ROOT / "profiles/slurm"))) == {}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("=cpu", "=cpuu", "there is no partition 'cpuu' | did you mean 'cpu'?"),
        ("train:", "tarin:", "'tarin', which is no rule: it would be ignored | did you mean 'train'?"),
        ("slurm\n", "slurmm\n", "the executor 'slurmm' is not installed"),
        (PROFILE, "- executor", "a profile is a mapping"),
        (PROFILE, "a: [", "not valid YAML"),
    ],
)
def test_mistakes_in_a_profile(workdir, old, new, told):
    program(workdir, "sbatch")
    program(workdir, "sinfo", prints="cpu\\ngpu\\n")
    program(workdir, "sacct")
    path = workdir / "mine/config.v9+.yaml"
    path.write_text(PROFILE.replace(old, new, 1))
    assert told in " ".join(wrong(found("mine")).values())


def test_a_cluster_without_accounting_needs_squeue(workdir):
    program(workdir, "sbatch")
    program(workdir, "sinfo", prints="cpu\\ngpu\\n")
    program(workdir, "sacct", code=1)
    assert "wait for ever" in wrong(found("mine"))["slurm"]
    path = workdir / "mine/config.v9+.yaml"
    path.write_text(PROFILE + "slurm-status-command: squeue\n")
    assert wrong(found("mine")) == {}


def test_no_scheduler_here(workdir):
    assert "login node" in wrong(found("mine"))["slurm"]
    program(workdir, "sbatch")
    program(workdir, "sinfo", code=1)
    assert "does not answer" in wrong(found("mine"))["slurm"]


def test_a_disk_without_room(workdir, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(readiness.shutil, "disk_usage", lambda path: usage(10, 10, 1000))
    assert "1e-06 GB free" in wrong(found())["disk"]
    # what the run has left already needs no room
    (workdir / "results/toy").mkdir(parents=True)
    with (workdir / "results/toy/any").open("wb") as file:
        os.truncate(file.fileno(), 10**9)
    assert "disk" not in wrong(found())


def test_commands_and_gpus_that_only_the_jobs_have(workdir):
    findings = found(
        overrides={"launch": {"lammps": {"command": "srun -n {ranks} lmp"}, "accelerator": "cuda"}}
    )
    assert next(f for f in findings if f.subject == "lmp").state == "note"
    assert set(wrong(findings)) == {"GPU"}


def test_vasp_without_potentials(workdir, monkeypatch):
    from pymatgen.core import SETTINGS

    monkeypatch.delitem(SETTINGS, "PMG_VASP_PSP_DIR", raising=False)
    findings = list(
        readiness.findings(
            load("config/li3ticl6.yaml"), file="any", profile=None, snakefile=Path("Snakefile")
        )
    )
    assert {"POTCAR u0", "POTCAR u4"} <= set(wrong(findings))


def test_the_command(workdir, capsys):
    assert main.main(["check", "config/toy.yaml"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "ready to start"
    assert main.main(["check", "config/toy.yaml", "--profile", "minne"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "1 problem" and any("did you mean 'mine'?" in line for line in lines)
    assert main.main(["check", "config/toyy.yaml"]) == 1
    assert "did you mean 'toy.yaml'?" in capsys.readouterr().err
    assert main.main(["check", "config/toy.yaml", "--resolved"]) == 0
    assert "max_relative_force_rmse" in capsys.readouterr().out
