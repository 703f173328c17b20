"""Trials of what surrounds a run: full and read-only disks, two runs at once, wrong clocks, a moved folder, other ranks.

A full or read-only disk is a file system in memory that is mounted for the trial, which takes root; elsewhere these are left out.
"""

import json
import os
import random
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kills import LIMIT_S, STAGES, Trial, end, session, undisturbed, working

DAY_S = 86_400


@contextmanager
def mounted(folder: Path, *, mb: int = 400) -> Iterator[Path]:
    """A file system in memory.

    Raises
    ------
    PermissionError
        where this user may not mount one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if _mount("-t", "tmpfs", "-o", f"size={mb}m", "tmpfs", str(folder)):
        raise PermissionError
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def _mount(*args: str) -> int:
    return subprocess.run(["mount", *args], capture_output=True, check=False).returncode


def _at_work(trial: Trial, *options: str) -> subprocess.Popen:
    """Snakemake, whose job has begun."""
    process = trial.start(*options)
    begin = time.monotonic()
    while process.poll() is None and working(process.pid, trial.stage.program) is None:
        time.sleep(0.1)
        if time.monotonic() - begin > LIMIT_S:
            break
    return process


def _killed(run: Path, scratch: Path, stage: str, rng: random.Random, *, least_s: float = 0) -> Trial:
    """A trial whose scheduler and job were killed within eight seconds of the job's beginning."""
    trial = Trial(run, scratch / "around", stage)
    process = _at_work(trial)
    time.sleep(rng.uniform(least_s, 8))
    end(session(process.pid))
    return trial


def _wait(process: subprocess.Popen) -> int:
    try:
        return process.wait(LIMIT_S)
    except subprocess.TimeoutExpired:
        end(session(process.pid))
        return -1


def full(run: Path, scratch: Path, stage: str, rng: random.Random) -> tuple[Trial, int]:
    """The disk is full from a random size on; then there is room again."""
    with mounted(scratch / "memory") as folder:
        trial = Trial(run, folder / "run", stage)
        used = shutil.disk_usage(folder).used // 1024
        _mount("-o", f"remount,size={used + rng.randrange(8, 200)}k", str(folder))
        _wait(trial.start())
        _mount("-o", "remount,size=400m", str(folder))
        return _out_of(trial, scratch, trial.again())


def read_only(run: Path, scratch: Path, stage: str, rng: random.Random) -> tuple[Trial, int]:
    """The file system becomes read-only at a random moment; then it can be written again."""
    with mounted(scratch / "memory") as folder:
        trial = Trial(run, folder / "run", stage)
        process = _at_work(trial)
        time.sleep(rng.uniform(0, 8))
        # files that are open for writing keep a remount from becoming read-only: as on a cluster, everything ends then
        if _mount("-o", "remount,ro", str(folder)):
            end(session(process.pid))
            _mount("-o", "remount,ro", str(folder))
        _wait(process)
        _mount("-o", "remount,rw", str(folder))
        return _out_of(trial, scratch, trial.again())


def _out_of(trial: Trial, scratch: Path, code: int) -> tuple[Trial, int]:
    """The trial with its files where they stay."""
    kept = scratch / "kept"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(trial.workdir, kept, symlinks=True)
    trial.workdir, trial.home = kept, kept / "results/toy"
    return trial, code


def two_at_once(run: Path, scratch: Path, stage: str, rng: random.Random) -> tuple[Trial, int]:
    """A second scheduler begins the same job while the first is at it."""
    trial = Trial(run, scratch / "around", stage)
    first = _at_work(trial)
    time.sleep(rng.uniform(0, 5))
    second = trial.start()
    _wait(first)
    _wait(second)
    return trial, trial.again()


def clock(run: Path, scratch: Path, stage: str, rng: random.Random) -> tuple[Trial, int]:
    """After a kill the clock is a day ahead or behind: what was written so far is of tomorrow, or of yesterday.

    Files of tomorrow are refused; the command that the refusal gives is followed.
    """
    trial = _killed(run, scratch, stage, rng)
    shift = rng.choice([-DAY_S, DAY_S])
    for path in trial.home.rglob("*"):
        if path.is_file():
            there = path.stat().st_mtime
            os.utime(path, (there + shift, there + shift))
    code = trial.again()
    remedy = re.search(r"files back: (find .*)$", trial.console(), re.MULTILINE)
    if code and remedy:
        subprocess.run(shlex.split(remedy[1]), check=True, cwd=trial.workdir)
        code = trial.again()
    return trial, code


def moved(run: Path, scratch: Path, stage: str, rng: random.Random) -> tuple[Trial, int]:
    """After a kill the working directory is moved."""
    trial = _killed(run, scratch, stage, rng)
    there = scratch / "moved elsewhere"
    shutil.rmtree(there, ignore_errors=True)
    trial.workdir.rename(there)
    trial.workdir, trial.home = there, there / "results/toy"
    return trial, trial.again()


def other_ranks(run: Path, scratch: Path, stage: str, rng: random.Random) -> tuple[Trial, int]:
    """A run that was killed goes on with two ranks of LAMMPS, whose sums have another order: whole, but not to the bit."""
    trial = _killed(run, scratch, stage, rng, least_s=2)
    code = trial.again("--config", "launch={lammps: {ranks: 2}}")
    trial.expected = (
        {name: (trial.home / name).read_bytes() for name in trial.stage.compared} if not code else {}
    )
    if not code:
        from dlmd.trajectory.segments import join

        # checks counts, steps, checksums and the frame that two segments share
        folder = (trial.home / trial.stage.target).parent
        join([folder / "0001.json", folder / "0002.json"])
    return trial, code


FAULTS = {
    "full disk": (full, ("MD", "label MD", "training", "transport")),
    "read-only disk": (read_only, ("MD", "label MD", "training")),
    "two runs at once": (two_at_once, ("MD", "label MD", "training")),
    "clock off by a day": (clock, ("MD", "training")),
    "moved folder": (moved, ("MD", "label MD", "training")),
    "other number of ranks": (other_ranks, ("MD",)),
}


def trials(run: Path, scratch: Path, *, seed: int, count: int, faults: list[str], out: Path) -> None:
    """`count` trials of each fault at each of its stages, one line of `out` each."""
    made: dict[str, dict[str, bytes]] = {}
    with out.open("a") as file:
        for number in range(count):
            for name in faults or FAULTS:
                fault, stages = FAULTS[name]
                for stage in stages:
                    rng = random.Random(f"{seed} {name} {stage} {number}")
                    if stage not in made:
                        made[stage] = undisturbed(run, scratch / "undisturbed", stage)
                    try:
                        trial, code = fault(run, scratch, stage, rng)
                    except PermissionError:
                        print(f"{name}: left out, this user may not mount a file system", flush=True)
                        break
                    if fault is not other_ranks:
                        trial.expected = made[stage]
                    row = {"stage": stage, "fault": name, "verdict": trial.verdict(code)}
                    print(row, flush=True)
                    file.write(json.dumps(row | {"message": trial.console()[-1500:]}) + "\n")
                    file.flush()


assert all(stage in STAGES for _, stages in FAULTS.values() for stage in stages)
