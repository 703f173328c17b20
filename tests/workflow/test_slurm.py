"""The toy run on a real Slurm: through the profile as users start it, and under all that happens to jobs on a cluster."""

import csv
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import needs
import slurm_cluster
from dlmd.config.reading import load as load_config
from dlmd.md.inputs import Strides
from dlmd.md.parts import resume_point
from running import ROOT, SNAKEMAKE, jobs, snakemake

if slurm_cluster.missing():
    needs.give_up(f"no Slurm: {slurm_cluster.missing()}")

PROFILE = [
    *("--profile", ROOT / "slurm"),
    # a test cluster has no accounting, and need not be spared
    *(
        "--slurm-status-command",
        "squeue",
        "--slurm-init-seconds-before-status-checks",
        "5",
        "--latency-wait",
        "5",
    ),
]
LEVEL = "results/toy/md/chgnet"
# every rule has its jobs with one temperature, too
ONE_TEMPERATURE = ("temperatures_k: [500, 550, 600]", "temperatures_k: [600]")
LONG = {
    # production alone is disturbed: the runs at constant pressure before it would be slowed down as well
    "  lattice: thermal": "  lattice: relaxed",
    "segment_ps: 0.8": "segment_ps: 24.0",
    "segments: 2": "segments: 1",
    "restart_interval_ps: 0.4": "restart_interval_ps: 1.2",
    "temperatures_k: [500, 550, 600]": "temperatures_k: [300, 330, 360]",
    "rdf_temperature_k: 600": "rdf_temperature_k: null",
}
# LAMMPS that computes a tenth of the time until the file `release` is there: a cluster must have time to do its worst before a
# segment is over. How LAMMPS is started is no param, so that it makes nothing stale.
SLOW = """
import ctypes, os, signal, subprocess, sys, time
from dlmd.process import programs
child = subprocess.Popen(
    [*programs.command("lmp"), *sys.argv[1:]],
    preexec_fn=lambda: ctypes.CDLL(None).prctl(programs.PR_SET_PDEATHSIG, signal.SIGKILL),
)
begun, positions = time.time(), sys.argv[2].replace(".in", ".dcd")
release = os.path.join(os.path.dirname(__file__), "release")
while child.poll() is None:
    running = os.path.exists(positions) and os.path.getmtime(positions) > begun
    if running and not os.path.exists(release):
        child.send_signal(signal.SIGSTOP)
        time.sleep(0.6)
        child.send_signal(signal.SIGCONT)
    time.sleep(0.05)
sys.exit(child.returncode)
"""
SEGMENTS = {t: f"{LEVEL}/{t}K/r0/0001.json" for t in (300, 330, 360)}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with slurm_cluster.Cluster(tmp_path_factory.mktemp("slurm") / "c") as running:
        yield running


class Submission:
    """A Snakemake that submits to the cluster, and the jobs seen in the queue meanwhile."""

    def __init__(self, cluster, workdir, *args):
        self.cluster, self.log = cluster, workdir / "snakemake.log"
        command = [SNAKEMAKE, "--snakefile", ROOT / "Snakefile", "--directory", workdir, *args, *PROFILE]
        env = {k: v for k, v in cluster.environment().items() if not k.startswith("SNAKEMAKE")}
        with self.log.open("a") as out:
            self.process = subprocess.Popen(
                list(map(str, command)), cwd=workdir, env=env, stdout=out, stderr=subprocess.STDOUT
            )

    def until(self, ready, what, seconds=900):
        """Poll until `ready()` gives something true, and return it."""
        for _ in range(seconds * 4):
            found = ready()
            if found:
                return found
            assert self.process.poll() is None, f"Snakemake ended before {what}\n{self.tail()}"
            time.sleep(0.25)
        raise AssertionError(f"no {what} after {seconds} s\n{self.tail()}")

    def finish(self, seconds=1500):
        code = self.process.wait(seconds)
        assert code == 0, self.tail()

    def tail(self):
        return self.log.read_text(errors="replace")[-6000:]

    def running(self, rule, words=""):
        """Id of a running job of this rule whose wildcards contain `words`."""
        for number, (state, comment) in self.cluster.jobs().items():
            if state == "RUNNING" and f"rule_{rule}" in comment and words in comment:
                return number
        return None


def test_check_sees_the_cluster_before_anything_is_submitted(cluster, make_workdir):
    def check(profile):
        command = [
            sys.executable,
            "-m",
            "dlmd.cli.main",
            "check",
            "config/toy.yaml",
            "--snakefile",
            ROOT / "Snakefile",
        ]
        return subprocess.run(
            [*command, "--profile", profile],
            cwd=workdir,
            env=cluster.environment(),
            capture_output=True,
            text=True,
        )

    workdir = make_workdir("check")
    done = check(ROOT / "slurm")
    problems = [line for line in done.stdout.splitlines() if line.startswith("problem")]
    # the partitions of the shipped profile are there, accounting is not
    assert done.returncode == 1 and len(problems) == 1 and "sacct fails" in problems[0], (
        done.stdout + done.stderr
    )
    text = (ROOT / "slurm/config.v9+.yaml").read_text(encoding="utf-8")
    mine = workdir / "mine.v9+.yaml"
    mine.write_text(text.replace("# slurm-status-command", "slurm-status-command"), encoding="utf-8")
    done = check(mine)
    assert done.returncode == 0 and "partitions cpu, gpu" in done.stdout, done.stdout + done.stderr
    mine.write_text(
        mine.read_text(encoding="utf-8").replace("slurm_partition: gpu", "slurm_partition: gpus"),
        encoding="utf-8",
    )
    assert "there is no partition 'gpus'" in check(mine).stdout


def test_the_toy_run_with_training_cancelled_half_way(cluster, make_workdir, toy_run):
    workdir = make_workdir("slurm_toy")
    config = workdir / "config/toy.yaml"
    assert ONE_TEMPERATURE[0] in config.read_text()
    config.write_text(config.read_text().replace(*ONE_TEMPERATURE))
    run = Submission(
        cluster, workdir, "--configfile", "config/toy.yaml", "--config", "launch={accelerator: cuda}"
    )
    checkpoint = workdir / "results/toy/training/chgnet/0/work/checkpoint"
    run.until(lambda: checkpoint.exists() and "-200" in checkpoint.read_text(), "checkpoint of step 200")
    training = run.running("train")
    shown = cluster.run("scontrol", "show", "job", training)
    cluster.run("scancel", training)
    run.finish()

    # GPUs, cores, memory and walltime are those of the rule, the partition that of the profile
    assert "gres:gpu:1" in shown or "gres/gpu=1" in shown, shown
    assert re.search(r"Partition=gpu\b", shown) and re.search(r"TimeLimit=01:00:00", shown)
    assert (workdir / "results/toy/report.html").exists()
    frames = sorted(p.relative_to(toy_run) for p in toy_run.glob("results/toy/labels/**/frames.extxyz"))
    assert frames and all((workdir / p).read_bytes() == (toy_run / p).read_bytes() for p in frames)
    curve, undisturbed = (
        list(csv.DictReader((f / "results/toy/training/chgnet/0/lcurve.csv").open()))
        for f in (workdir, toy_run)
    )
    assert [row["step"] for row in curve] == [row["step"] for row in undisturbed]
    # up to the checkpoint it is the same training, after it one with other batches
    same = [
        a["force_rmse_train_ev_per_a"] == b["force_rmse_train_ev_per_a"]
        for a, b in zip(curve, undisturbed, strict=True)
    ]
    assert all(same[: len(same) // 4])
    again = snakemake(
        workdir, "-n", "--configfile", "config/toy.yaml", "--config", "launch={accelerator: cuda}"
    )
    assert jobs(again.stdout) == {}, again.stdout[-3000:]


@pytest.fixture(scope="module")
def long_run(toy_run, tmp_path_factory):
    """A function that makes a working directory where only production MD is left to do, in longer segments."""

    def make(name, *, slow=False):
        workdir = tmp_path_factory.mktemp(name)
        shutil.copytree(
            toy_run, workdir, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".snakemake", "transport")
        )
        shutil.copytree(toy_run / ".snakemake/metadata", workdir / ".snakemake/metadata")
        for folder in (workdir / LEVEL).glob("*K"):
            shutil.rmtree(folder)
        text = (workdir / "config/toy.yaml").read_text()
        for old, new in LONG.items():
            assert old in text
            text = text.replace(old, new)
        if slow:
            program = workdir / "slow_lmp.py"
            program.write_text(SLOW)
            text = text + f"\nlaunch:\n  lammps:\n    command: {sys.executable} {program}\n"
            assert "command" in text
        (workdir / "config/long.yaml").write_text(text)
        return workdir

    return make


def resumable(workdir, temperature):
    """Step from which the unfinished segment would go on if it were killed now; 0 where it would start afresh. That a restart
    file is there is not enough: the frames before it may still be in LAMMPS' buffers."""
    md = load_config(workdir / "config/long.yaml").md
    parts = workdir / LEVEL / f"{temperature}K/r0/0001.parts"
    return (resume_point(parts, Strides.of(md), md.steps(md.segment_ps * 1000)) or (0,))[0]


def disturb(cluster, workdir, *arguments):
    """Let the run meet all of it until it is through; what its second submission said."""
    # 250 MB is too little for LAMMPS with a potential
    memory = "md_segment:mem_mb=250 if wildcards.T in ['300'] and attempt < 2 else 2000"
    args = [
        *arguments, "--retries", "12",
        "--set-resources", memory, "md_segment:slurm_partition=cpu",
    ]  # fmt: skip
    first = Submission(cluster, workdir, *args)
    first.until(lambda: all(resumable(workdir, t) for t in SEGMENTS), "segments that can go on")
    orphans = [first.running("md_segment", f"_{t}_") or first.running("md_segment", str(t)) for t in SEGMENTS]
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    subprocess.run(
        [SNAKEMAKE, "--snakefile", ROOT / "Snakefile", "--directory", workdir, "--unlock", "--configfile", "config/long.yaml"],
        cwd=workdir, capture_output=True, check=True,
    )  # fmt: skip

    # submitted again while the first jobs live: refused, and nothing of theirs is touched
    second = Submission(cluster, workdir, *args)
    second.until(lambda: "another job writes here" in second.log.read_text(), "refusal of a second writer")
    for job in filter(None, orphans):
        cluster.run("scancel", job, check=False)

    timed_out = second.until(
        lambda: resumable(workdir, 330) and new_job(second, 330, orphans), "job at 330 K"
    )
    cluster.run("scontrol", "update", f"JobId={timed_out}", "EndTime=now+1")
    lost = second.until(lambda: resumable(workdir, 360) and new_job(second, 360, orphans), "job at 360 K")
    node = cluster.run("squeue", "-h", "-j", lost, "-o", "%N").strip()
    cluster.run("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
    time.sleep(3)
    # refused where the node has come back by itself
    cluster.run("scontrol", "update", f"NodeName={node}", "State=RESUME", check=False)
    # not before Slurm has seen that its time is up: a job that ends by itself after its end time counts as timed out all the
    # same, Snakemake deletes what it made, and the segment is made anew in one piece
    second.until(lambda: cluster.jobs().get(timed_out, ("gone",))[0] != "RUNNING", "end of the job at 330 K")
    (workdir / "release").touch()
    second.finish()
    return second.log.read_text()


def test_molecular_dynamics_survives_the_cluster(cluster, long_run):
    """Killed for memory, by the walltime, with its node, and with an orphan of a killed Snakemake still writing: the
    trajectories go on as those of a run that nothing happened to."""
    workdir, undisturbed = long_run("disturbed", slow=True), long_run("undisturbed")
    arguments = [*SEGMENTS.values(), "--configfile", "config/long.yaml"]
    # beside each other: the LAMMPS of the cluster stands still most of the time
    with ThreadPoolExecutor(1) as beside:
        whole = beside.submit(snakemake, undisturbed, *arguments, "--cores", "2", timeout=3000)
        told = disturb(cluster, workdir, *arguments)

    done = whole.result()
    assert done.returncode == 0, done.stderr[-3000:]
    for t, sidecar in SEGMENTS.items():
        record = json.loads((workdir / sidecar).read_text())
        ours, theirs = ((f / sidecar).parent for f in (workdir, undisturbed))
        assert record["attempts"] >= 2, t
        assert not (ours / "0001.parts").exists() and not (ours / "owner.json").exists()
        # no gap, no repeat, and the same to the last digit up to where the first attempt was cut
        a, b = (thermo(f) for f in (ours, theirs))
        assert (a[:, 0] == b[:, 0]).all()
        cut = record["attempt_first_steps"][1]
        assert (a[a[:, 0] <= cut] == b[b[:, 0] <= cut]).all(), t
        # LAMMPS begins a run with the temperature computed anew, whose last bit a few hundred steps then amplify; the state
        # of the thermostat goes on, or the conserved energy would jump
        near = (a[:, 0] > cut) & (a[:, 0] <= cut + 100)
        assert np.allclose(a[near], b[near], rtol=1e-6, atol=1e-4), t
        for rows in (a, b):
            assert np.ptp(rows[:, 5]) < 0.05, t
        sizes = [(f / "0001.dcd").stat().st_size for f in (ours, theirs)]
        assert sizes[0] == sizes[1] and len(host_rows(ours)) == len(host_rows(theirs)) == len(a), t
    # a killed job's folder was taken over, and that is said: in the log, which Snakemake shows where that job failed later
    for t in SEGMENTS:
        log = (workdir / f"results/toy/logs/md/chgnet/{t}K_r0_0001.log").read_text()
        assert re.search(rf"{t}K/r0: taking over from .*, which is dead", log + told), t


def new_job(run, temperature, orphans):
    job = run.running("md_segment", f"_{temperature}_")
    return job if job not in orphans else None


def thermo(folder):
    return np.loadtxt(folder / "0001.thermo.csv", delimiter=",", skiprows=1)


def host_rows(folder):
    return np.loadtxt(folder / "0001.host.txt")


def test_a_job_knows_how_long_it_may_run(cluster, tmp_path):
    code = "from dlmd.process import walltime; print(walltime.remaining_s())"
    script = tmp_path / "job.sh"
    script.write_text(f"#!/bin/sh\nsrun '{SNAKEMAKE.parent / 'python'}' -c '{code}'\n")
    cluster.run("sbatch", "--wait", "-p", "cpu", "-t", "10", "-o", tmp_path / "out", "-D", tmp_path, script)
    assert 500 < float((tmp_path / "out").read_text()) <= 600
