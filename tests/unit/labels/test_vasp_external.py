"""run.sh goes on until every step is done by the measure of collecting, and lends the POTCAR only while VASP runs."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from itertools import pairwise

import pytest

from dlmd.base.errors import DlmdError
from dlmd.labels.vasp import collect, manifest, stage
from vasp_bench import FAKE, crystal, library, settings


def relaxation(home, **relax):
    s = settings(library(home / "lib"), run="external", relax=relax)
    stage.stage_relax(crystal(), home / "job", settings=s, level="u4", cell="toy", source="o_toy_0")
    return home / "job"


def dynamics(home, steps=12):
    s = settings(library(home / "lib"), run="external", aimd={"chunk_steps": 12})
    stage.stage_aimd(
        crystal(), home / "job", settings=s, level="u4", cell="toy", source="o_toy_0", temperature_k=300.0,
        strain=0.0, steps=steps, time_step_fs=1.0, seed=5,
    )  # fmt: skip
    return home / "job"


def run(job, vasp=f"{sys.executable} {FAKE}", **tricks):
    environment = os.environ | {"VASP": vasp, "FAKE_VASP": json.dumps(tricks)}
    return subprocess.run([job / "run.sh"], env=environment, capture_output=True, text=True, check=False)


def states(job):
    return list(manifest.entry(job)["steps"].values())


def gathered(job):
    return collect.collect_aimd(
        job, stride=1, max_rejected_fraction=0.1, frames=job / "f.extxyz", record=job / "f.json"
    )


def test_a_relaxation_out_of_steps_goes_on_from_its_contcar(tmp_path):
    job = relaxation(tmp_path, max_steps=8, restarts=0)
    done = run(job)
    while done.returncode:  # four runs at a time
        assert "start run.sh again to go on" in done.stderr and states(job)[0] == "unfinished"
        done = run(job)
    runs = sorted((job / "1-relax").glob("run*"))
    assert len(runs) > 1 and states(job) == ["done", "done"]
    for before, after in pairwise(runs):
        assert (before / "CONTCAR").read_text() == (after / "POSCAR").read_text()
    assert collect.collect_relax(job)[1]["converged"]


def test_dynamics_ended_by_a_stopcar_goes_on_and_has_all_its_steps(tmp_path):
    job = dynamics(tmp_path)
    done = run(job, only="run00", stop_after=5)
    assert done.returncode == 1 and "stopped by a STOPCAR; start run.sh again" in done.stderr
    assert states(job) == ["unfinished"]
    assert run(job).returncode == 0 and states(job) == ["done"]
    assert "NSW = 7\n" in (job / "seg000/run01/INCAR").read_text()
    told = gathered(job)
    assert (told["steps"], told["frames_kept"]) == (12, 12)


@pytest.mark.parametrize(
    ("kept", "packer"),
    [
        (("OUTCAR", "CONTCAR"), "gzip"),
        (("vasprun.xml", "CONTCAR"), "gzip"),
        (("OUTCAR",), "bzip2"),
        (("OUTCAR",), "xz"),
    ],
)
def test_what_is_finished_stays_finished_after_packing(tmp_path, kept, packer):
    job = relaxation(tmp_path, restarts=0)
    assert run(job).returncode == 0
    for folder in job.glob("*/run00"):
        for path in folder.iterdir():
            if path.name in kept:
                subprocess.run([packer, path], check=True)
            elif path.name in ("OUTCAR", "vasprun.xml"):
                path.unlink()
    assert run(job, vasp="false").returncode == 0
    assert states(job) == ["done", "done"] and not list(job.glob("*/run01"))


def test_a_gzipped_contcar_is_gone_on_from(tmp_path):
    job = dynamics(tmp_path)
    run(job, only="run00", stop_after=4)
    subprocess.run(["gzip", *(job / "seg000/run00").glob("*C*R")], check=True)
    assert run(job).returncode == 0 and gathered(job)["frames_kept"] == 12


def test_an_aborted_single_point_is_run_again(tmp_path):
    job = relaxation(tmp_path, restarts=0)
    done = run(job, only="2-static/run00", labort=1)
    assert done.returncode == 0, done.stderr
    assert (job / "2-static/run01/OUTCAR").exists() and states(job) == ["done", "done"]
    # 1 would mean dynamics to VASP, because IBRION is not set
    assert "NSW = 0\n" in (job / "2-static/run01/INCAR").read_text()


def test_a_cut_contcar_is_not_gone_on_from(tmp_path):
    job = dynamics(tmp_path)
    run(job, only="run00", kill_after=4)
    path = job / "seg000/run00/CONTCAR"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:20]))
    assert run(job).returncode == 0
    assert (job / "seg000/run01/POSCAR").read_text() == (job / "seg000/inputs/POSCAR").read_text()


def test_vasp_that_does_nothing_ends_the_script(tmp_path):
    job = dynamics(tmp_path)
    done = run(job, vasp="true")
    assert done.returncode == 1 and "VASP did not finish" in done.stderr
    assert len(list(job.glob("seg000/run*"))) == 1


def test_results_of_a_changed_level_are_not_gone_on_from(tmp_path):
    job = relaxation(tmp_path, restarts=0)
    assert run(job).returncode == 0
    relaxation(tmp_path, restarts=0, ediff_ev=1e-8)
    done = run(job)
    assert done.returncode == 1 and "made with other settings than are staged now" in done.stderr
    assert states(job)[0] == "of other settings (EDIFF is 1e-06, staged 1e-08)"


def potcars(job):
    return sorted(str(path.relative_to(job)) for path in job.rglob("POTCAR"))


def test_potcars_are_private_and_lent_for_a_run_alone(tmp_path):
    job = dynamics(tmp_path)
    assert stat.S_IMODE((job / "POTCAR").stat().st_mode) == 0o600
    modes = tmp_path / "modes"
    assert run(job, vasp=f"stat -c %a POTCAR >> {modes}; {sys.executable} {FAKE}").returncode == 0
    assert modes.read_text().split() == ["600"] and potcars(job) == ["POTCAR"]
    gathered(job)
    assert potcars(job) == []
    # nothing is left to run, so none is asked for
    assert run(job, vasp="false").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_no_potcar_and_no_vasp(tmp_path, number):
    job = dynamics(tmp_path)
    environment = os.environ | {"VASP": "exec sleep 60"}
    # tests that run in the background, or under nohup, ignore two of these signals, and so would the script
    script = ["env", "--default-signal", job / "run.sh"]
    shell = subprocess.Popen(script, env=environment, start_new_session=True)
    lent = job / "seg000/run00/POTCAR"
    wait(lambda: lent.exists() and (job / "seg000/run00/vasp.out").exists())
    shell.send_signal(number)
    assert shell.wait(timeout=60) == 128 + number
    assert not lent.exists()
    wait(lambda: not alive(shell.pid))


def alive(session):
    """Whether a process of the session runs."""
    found = subprocess.run(
        ["ps", "-o", "stat=", "-s", str(session)], capture_output=True, text=True, check=False
    )
    return any(not line.startswith("Z") for line in found.stdout.split())


def wait(what, seconds=20.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_what_a_lost_node_left_is_swept_at_the_next_start(tmp_path):
    job = dynamics(tmp_path)
    run(job, only="run00", kill_after=3)
    (job / "seg000/run00/POTCAR").write_text("left behind")
    assert run(job).returncode == 0 and potcars(job) == ["POTCAR"]


@pytest.mark.parametrize(
    ("tricks", "wanted", "unwanted"),
    [
        ({"unconverged": [2, 3]}, "raise NELM", "damaged"),
        ({"overflow": [2, 3]}, "damaged there, or a number overflowed", "NELM"),
    ],
)
def test_the_remedy_is_for_the_reason(tmp_path, tricks, wanted, unwanted):
    job = dynamics(tmp_path)
    assert run(job, **tricks).returncode == 0
    with pytest.raises(DlmdError, match="2 frames are rejected") as refused:
        gathered(job)
    assert wanted in refused.value.remedy and unwanted not in refused.value.remedy


def test_an_aborted_step_is_no_label_and_the_trajectory_goes_on(tmp_path):
    job = dynamics(tmp_path)
    done = run(job, only="run00", labort=5)
    assert done.returncode == 0, done.stderr
    assert len(list(job.glob("seg000/run*"))) == 2
    told = gathered(job)
    assert told["rejected_reasons"] == {"electrons stopped early": 1} and told["frames_kept"] == 11
