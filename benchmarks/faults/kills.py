"""Trials of kills and of what surrounds a run: a stage of a finished run is made again, and disturbed at a random moment.

Each trial starts in a copy of the run without the outputs of one job. Snakemake makes them in a session of its own, the fault
comes, and then Snakemake is started again as a user would. What is there in the end is compared with what the finished run has.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import run_jobs

PROFILE = run_jobs.ROOT / "profiles/default"
SNAKEMAKE = Path(sys.executable).parent / "snakemake"
LIMIT_S = 900.0
# three records: counters, two lines of title, number of atoms
_DCD_HEADER = (84 + 8) + (164 + 8) + (4 + 8)
# whom a kill hits: every process as in a power cut, Snakemake alone as by the out-of-memory killer, or the program of the job
VICTIMS = ("everything", "snakemake", "program")


@dataclass(frozen=True)
class Stage:
    """A job to disturb: the file that is asked for, what is deleted with it, and what is compared in the end.

    Parameters
    ----------
    program
        Part of the command line of what does the work.
    compared
        Files that must come out bit for bit; where there are none, `finished` files must be there (training and the engine's
        dynamics go on from a checkpoint with other rounding).
    """

    target: str
    program: str
    deleted: tuple[str, ...]
    compared: tuple[str, ...] = ()


ORDERING = "0.750/80/0"
STAGES = {
    "label MD": Stage(
        f"labels/chgnet/aimd/{ORDERING}/400K/+0.000/frames.extxyz",
        "job.py",
        (f"labels/chgnet/aimd/{ORDERING}/400K",),
        (f"labels/chgnet/aimd/{ORDERING}/400K/+0.000/frames.extxyz",),
    ),
    "relaxation": Stage(
        f"labels/chgnet/relax/{ORDERING}/relaxed.extxyz",
        "job.py",
        (f"labels/chgnet/relax/{ORDERING}",),
        (f"labels/chgnet/relax/{ORDERING}/relaxed.extxyz",),
    ),
    "training": Stage(
        "training/chgnet/0/compressed.pb",
        "dp",
        ("training/chgnet/0/compressed.pb", "training/chgnet/0/model.pb", "training/chgnet/0/lcurve.csv"),
    ),
    "equilibration": Stage(
        "md/chgnet/500K/r0/0000.restart",
        "start_lammps.py",
        tuple(f"md/chgnet/500K/r0/0000.{kind}" for kind in ("restart", "json", "xtc", "thermo.csv")),
        tuple(f"md/chgnet/500K/r0/0000.{kind}" for kind in ("xtc", "thermo.csv")),
    ),
    "MD": Stage(
        "md/chgnet/500K/r0/0002.json",
        "start_lammps.py",
        tuple(
            f"md/chgnet/500K/r0/0002.{kind}"
            for kind in ("json", "dcd", "xtc", "host.txt", "thermo.csv", "restart")
        ),
        tuple(f"md/chgnet/500K/r0/0002.{kind}" for kind in ("dcd", "xtc", "host.txt", "thermo.csv")),
    ),
    "NPT": Stage(
        "md/chgnet/500K/npt0/0002.json",
        "start_lammps.py",
        tuple(
            f"md/chgnet/500K/npt0/0002.{kind}"
            for kind in ("json", "dcd", "host.txt", "xtc", "thermo.csv", "restart")
        ),
        tuple(f"md/chgnet/500K/npt0/0002.{kind}" for kind in ("xtc", "thermo.csv")),
    ),
    "band": Stage(
        "barriers/chgnet/101/0.json",
        "job.py",
        ("barriers/chgnet/101/0.json", "barriers/chgnet/101/0.extxyz"),
        ("barriers/chgnet/101/0.extxyz",),
    ),
    "transport": Stage(
        "transport/chgnet/500K.json",
        "job.py",
        ("transport/chgnet/500K.json", "transport/chgnet/500K.csv"),
        ("transport/chgnet/500K.json",),
    ),
}


class Trial:
    """A copy of a finished run in which one stage is made again."""

    def __init__(self, run: Path, workdir: Path, stage: str):
        self.stage, self.workdir = STAGES[stage], workdir
        shutil.rmtree(workdir, ignore_errors=True)
        shutil.copytree(run, workdir, symlinks=True)
        self.home = workdir / "results/toy"
        self.expected = {name: (run / "results/toy" / name).read_bytes() for name in self.stage.compared}
        for name in self.stage.deleted:
            path = self.home / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def start(self, *options: str, prefix: tuple[str, ...] = ()) -> subprocess.Popen:
        """Snakemake on the stage, in a session of its own."""
        args = [
            f"results/toy/{self.stage.target}",
            "--snakefile",
            run_jobs.ROOT / "Snakefile",
            "--directory",
            self.workdir,
        ]
        args += ["--workflow-profile", PROFILE, "--configfile", "config/toy.yaml", "--cores", "1", "--nolock"]
        args += ["--rerun-triggers", "input", *options]
        log = (self.workdir / "console.txt").open("ab")
        env = {**os.environ, "PYTHONPATH": str(run_jobs.ROOT / "workflow")}
        return subprocess.Popen(
            [*prefix, *map(str, [SNAKEMAKE, *args])],
            cwd=self.workdir,
            env=env,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def console(self) -> str:
        """All that Snakemake and the logs it shows have said."""
        return (self.workdir / "console.txt").read_text(errors="replace")

    def again(self, *options: str) -> int:
        """Snakemake once more, to its end; its exit code."""
        process = self.start(*options)
        try:
            return process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            end(session(process.pid))
            return -1

    def verdict(self, code: int) -> str:
        """What came of it."""
        if code:
            said = re.findall(r"^.*\n *in: .*\n *fix: .*$", self.console(), re.MULTILINE)
            return "refused" if said else "failed"
        there = all((self.home / name).is_file() for name in (self.stage.target, *self.stage.compared))
        if not there:
            return "lost"
        same = all(
            _content(name, (self.home / name).read_bytes()) == _content(name, data)
            for name, data in self.expected.items()
        )
        return "recovered" if same else "silently wrong"


def _content(name: str, data: bytes) -> bytes:
    """A file without what is the time's own: the header of a DCD has the time at which it was written."""
    return data[_DCD_HEADER:] if name.endswith(".dcd") else data


def session(leader: int) -> list[int]:
    """Processes of a session and of the sessions and groups that its processes have begun."""
    parents, sessions = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)], sessions[int(stat.parent.name)] = int(fields[1]), int(fields[3])
    found = {leader} | {pid for pid, number in sessions.items() if number == leader}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found)


def end(pids: list[int]) -> None:
    """Kill these processes."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def working(leader: int, program: str) -> int | None:
    """The process of a session that does the work."""
    for pid in reversed(session(leader)):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        names = [word.decode(errors="replace") for word in words[:3]]
        if any(program in name.rsplit("/", 1)[-1] for name in names):
            return pid
    return None


def undisturbed(run: Path, workdir: Path, stage: str) -> dict[str, bytes]:
    """What a stage gives when it is made again by this version of the code, which need not be the one that made the run."""
    trial = Trial(run, workdir, stage)
    if code := trial.again():
        raise RuntimeError(f"{stage}: undisturbed, Snakemake ends with {code}; see {workdir}/console.txt")
    return {name: (trial.home / name).read_bytes() for name in trial.stage.compared}


def kill(
    run: Path,
    workdir: Path,
    stage: str,
    rng: random.Random,
    *,
    longest_s: float = 12.0,
    expected: dict[str, bytes] | None = None,
) -> dict:
    """Kill a victim at a random moment of the job, within `longest_s` of its beginning, and start again.

    What comes of it is compared with `expected`, by default with what the run has.
    """
    trial, victim = Trial(run, workdir, stage), rng.choice(VICTIMS)
    trial.expected = trial.expected if expected is None else expected
    process = trial.start()
    begin = time.monotonic()
    while process.poll() is None and working(process.pid, trial.stage.program) is None:
        time.sleep(0.1)
        if time.monotonic() - begin > LIMIT_S:
            break
    wait = rng.uniform(0.0, longest_s)
    time.sleep(wait)
    hit = process.poll() is None
    everyone = session(process.pid)
    if victim == "everything":
        end(everyone)
    elif victim == "snakemake":
        end([process.pid])
    elif (pid := working(process.pid, trial.stage.program)) is not None:
        end([pid])
    if victim == "program":
        process.wait(LIMIT_S)
    time.sleep(1.0)
    code = trial.again()
    if code and victim == "snakemake":
        # the job of the killed scheduler may still be at work, which the message says: wait for it, then once more
        first = trial.verdict(code)
        deadline = time.monotonic() + LIMIT_S
        while any(Path(f"/proc/{pid}").exists() for pid in everyone if pid != process.pid):
            if time.monotonic() > deadline:
                break
            time.sleep(0.5)
        code = trial.again()
    else:
        first = None
    row = {"stage": stage, "fault": f"kill of {victim}", "after_s": round(wait, 1), "hit": hit}
    return row | {"first": first, "verdict": trial.verdict(code), "message": trial.console()[-1500:]}


def trials(run: Path, scratch: Path, *, seed: int, count: int, stages: list[str], out: Path) -> None:
    """`count` kills of each stage, one line of `out` each."""
    made: dict[str, dict[str, bytes]] = {}
    with out.open("a") as file:
        for number in range(count):
            for stage in stages or STAGES:
                rng = random.Random(f"{seed} {stage} {number}")
                if stage not in made:
                    made[stage] = undisturbed(run, scratch / "undisturbed", stage)
                row = kill(run, scratch / "killed", stage, rng, expected=made[stage])
                print({key: value for key, value in row.items() if key != "message"}, flush=True)
                file.write(json.dumps(row) + "\n")
                file.flush()
