"""Trials of damaged files: a job of a finished run reads one, and what it makes is compared with what it made undisturbed."""

import contextlib
import json
import random
import re
import shutil
import time
from pathlib import Path

import damage
import run_jobs

from dlmd.run import checksums, tree

# Keys whose values say when, where or how fast something was made.
OF_ITS_OWN = re.compile(
    rb'"?(?:written|created|seconds|wall_s|cpu_s|sha256\w*|date\w*|command|bytes)"?\s*[:=]\s*[^,}\n]*'
)
SLOW_S = 2.0
# Damage that a reader can see. A text that was cut at the end of a line, or has another digit, is as valid as before: of files
# without a record, such as the user's own, nobody can tell.
VISIBLE = ("cut", "empty", "zeros", "foreign")
FIGURES = (".png", ".pdf", ".svg", ".html")


def made(job: dict, workdir: Path) -> dict[str, bytes]:
    """Contents of a job's outputs, without figures and what is the time's own."""
    found = {}
    for name in run_jobs.flat(job["outputs"]):
        path = workdir / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and file.suffix not in FIGURES:
                found[str(file.relative_to(workdir))] = OF_ITS_OWN.sub(b"", file.read_bytes())
    return found


def inputs(job: dict, workdir: Path, rng: random.Random) -> list[Path]:
    """One file for each name of the job's inputs, from a folder one that is not tiny."""
    found = []
    for value in job["inputs"].values():
        names = [value] if isinstance(value, str) else value
        if not names:
            continue
        path = workdir / rng.choice(names)
        if path.is_dir():
            files = sorted(f for f in path.rglob("*") if f.is_file() and f.stat().st_size)
            path = rng.choice(files) if files else path
        if path.is_file() and path.stat().st_size and path not in found:
            found.append(path)
    return found


def judge(outcome: run_jobs.Outcome, same: bool, path: Path) -> str:
    """What a trial was: `recovered`, `refused`, `silently wrong`, or what is wrong with the refusal."""
    if outcome.done:
        return "recovered" if same else "silently wrong"
    if outcome.traceback:
        return "traceback"
    lines = outcome.refused.splitlines()
    if len(lines) > 3 or "fix:" not in outcome.refused:
        return "no remedy"
    return "refused" if path.name in outcome.refused else "not named"


def trial(
    job: dict, workdir: Path, path: Path, kind: str, rng: random.Random, expected: dict, config: str
) -> dict:
    """Damage `path`, do the job, and mend the file again. A file of the user's is seen by the checks before all jobs first."""
    own = not path.is_relative_to(workdir / "results")
    before = damage.do(path, kind, rng)
    try:
        outcome = run_jobs.do(job, workdir, config=config if own else None)
        same = outcome.done and made(job, workdir) == expected
    finally:
        damage.write(path, before)
    return {
        "rule": job["rule"],
        "file": str(path.relative_to(workdir)),
        "damage": kind,
        "verdict": judge(outcome, same, path),
        "message": outcome.refused or (outcome.traceback or "")[-1500:],
    }


def trials(
    workdir: Path,
    config: str,
    *,
    seed: int,
    rules: list[str],
    kinds: list[str],
    records: bool,
    most_s: float,
    out: Path,
) -> None:
    """Trials of the inputs of every rule, or of `rules`, one line of `out` each.

    Parameters
    ----------
    records
        Whether the run has the checksums of its files; without them, as in runs of older versions, the readers are alone.
    most_s
        Longest time that a job may take undisturbed: longer ones are left to the kills.
    """
    jobs = run_jobs.listed(workdir, config)
    checksums.READ_AGAIN_S = (0.01,)  # this file system shows what is there
    home = Path(tree.home(jobs[0]["config"]["run"]))
    shutil.rmtree(workdir / home / tree.CHECKSUMS, ignore_errors=True)
    with contextlib.chdir(workdir):
        for job in jobs if records else ():
            checksums.remember(run_jobs.flat(job["outputs"]), home=home)
    first = {job["rule"]: job for job in sorted(jobs, key=lambda job: str(job["outputs"]))}
    with out.open("a") as file:
        for rule in rules or sorted(first):
            job = first[rule]
            before = kept(job, workdir)
            # a damaged input is refused before the job begins: what the run has made is enough to compare with
            expected, took_s = (made(job, workdir), 0.0) if records else undisturbed(job, workdir, most_s)
            rng = random.Random(f"{seed} {rule}")
            for path in inputs(job, workdir, rng) if expected is not None else ():
                visible = (
                    kinds
                    if records and _recorded(path, workdir, home)
                    else [k for k in kinds if k in VISIBLE]
                )
                # of slow jobs some kinds only
                for kind in visible if records or took_s < SLOW_S else rng.sample(visible, 2):
                    row = trial(job, workdir, path, kind, rng, expected, config) | {"records": records}
                    file.write(json.dumps(row) + "\n")
                    file.flush()
            give_back(before)
            with contextlib.chdir(workdir):
                checksums.remember(run_jobs.flat(job["outputs"]) if records else (), home=home)


def _recorded(path: Path, workdir: Path, home: Path) -> bool:
    """Whether a file, or the folder it lies in, has a record."""
    inside = path.relative_to(workdir)
    records = [checksums.record_of(p, home=home) for p in (inside, *inside.parents)]
    return any(record is not None and (workdir / record).is_file() for record in records)


def kept(job: dict, workdir: Path) -> dict[Path, bytes]:
    """What a job has made in the finished run, which the next jobs read."""
    found = {}
    for name in run_jobs.flat(job["outputs"]):
        path = workdir / name
        for file in path.rglob("*") if path.is_dir() else [path]:
            if file.is_file():
                found[file] = file.read_bytes()
    return found


def give_back(kept: dict[Path, bytes]) -> None:
    """Put files back as they were."""
    for path, data in kept.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(data)


def undisturbed(job: dict, workdir: Path, most_s: float) -> tuple[dict[str, bytes] | None, float]:
    """What a job makes, and the seconds it takes; None, with a line that says why, where it is slow or not the same twice."""
    begin = time.monotonic()
    first = run_jobs.do(job, workdir, timeout_s=most_s)
    took = time.monotonic() - begin
    expected = made(job, workdir)
    if not first.done:
        print(f"{job['rule']}: left out, {took:.1f} s, {first.refused or first.traceback}", flush=True)
        return None, took
    run_jobs.do(job, workdir)
    differ = [name for name, data in made(job, workdir).items() if expected.get(name) != data]
    print(f"{job['rule']}: {took:.1f} s" + (f", not the same twice: {differ}" if differ else ""), flush=True)
    return (None if differ else expected), took


def copy_of(run: Path, scratch: Path) -> Path:
    """A copy of a working directory with a finished run."""
    workdir = scratch / "damaged"
    shutil.rmtree(workdir, ignore_errors=True)
    shutil.copytree(run, workdir, symlinks=True)
    return workdir
