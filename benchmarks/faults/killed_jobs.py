"""Trials of kills of every kind of job: at a random moment of its time, then once more as by Snakemake, its outputs compared."""

import json
import random
import time
from pathlib import Path

import damaged
import run_jobs


def trial(job: dict, workdir: Path, took_s: float, rng: random.Random, expected: dict) -> dict:
    """Kill the job's process (its programs end with it), and do the job again."""
    child, _ = run_jobs.begin(job, workdir)
    wait = rng.uniform(0.0, took_s)
    child.join(wait)
    hit = child.is_alive()
    child.kill()
    child.join()
    # what its programs take to notice
    time.sleep(0.5)
    outcome = run_jobs.do(job, workdir, timeout_s=20 * took_s + 60)
    same = outcome.done and damaged.made(job, workdir) == expected
    verdict = ("recovered" if same else "silently wrong") if outcome.done else "lost"
    return {
        "stage": job["rule"],
        "fault": "kill of the job",
        "after_s": round(wait, 2),
        "hit": hit,
        "verdict": verdict,
        "message": outcome.refused or (outcome.traceback or "")[-1500:],
    }


def trials(
    workdir: Path, config: str, *, seed: int, count: int, rules: list[str], most_s: float, out: Path
) -> None:
    """`count` kills of a job of every rule, or of `rules`, one line of `out` each."""
    jobs = run_jobs.listed(workdir, config)
    first = {job["rule"]: job for job in sorted(jobs, key=lambda job: str(job["outputs"]))}
    with out.open("a") as file:
        for rule in rules or sorted(first):
            job = first[rule]
            before = damaged.kept(job, workdir)
            expected, took_s = damaged.undisturbed(job, workdir, most_s)
            for number in range(count if expected is not None else 0):
                row = trial(job, workdir, took_s, random.Random(f"{seed} {rule} {number}"), expected)
                file.write(json.dumps(row) + "\n")
                file.flush()
            damaged.give_back(before)
