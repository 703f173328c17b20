"""How long this job may still run, as the scheduler has told it."""

from __future__ import annotations

import os
import subprocess
import time
from datetime import datetime

from dlmd.base.errors import DlmdError

# time kept for starting the program and ending in good order: the last restart file, joining a segment's parts
MARGIN_S = 180.0
# In a short allocation the reserve is no more than this share of it.
MARGIN_SHARE = 0.2


def remaining_s(env: dict[str, str] | None = None, now: float | None = None) -> float | None:
    """Seconds until this Slurm job is ended; None outside Slurm, or where the job has no limit.

    Slurm 23.02 and later set SLURM_JOB_END_TIME; of earlier ones squeue is asked.
    """
    env = dict(os.environ) if env is None else env
    now = time.time() if now is None else now
    job = env.get("SLURM_JOB_ID")
    if not job:
        return None
    if env.get("SLURM_JOB_END_TIME"):
        return float(env["SLURM_JOB_END_TIME"]) - now
    try:
        answer = subprocess.run(
            ["squeue", "--noheader", "--jobs", job, "--format", "%e"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout.split()
        return datetime.fromisoformat(answer[0]).timestamp() - now
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        # A job without a limit has the end 'NONE'. If squeue does not answer, Slurm ends the job at its limit, and the
        # next attempt goes on from there.
        return None


def usable_s() -> float | None:
    """`remaining_s` less a margin for ending in good order; None where there is no limit."""
    left = remaining_s()
    return None if left is None else left - min(MARGIN_S, MARGIN_SHARE * left)


def stopped(what: str, *, where: str) -> DlmdError:
    """The error of a job that has stopped itself before its walltime. Schedulers resubmit on it, and it goes on."""
    return DlmdError(
        f"the walltime came before the end: {what}",
        where=where,
        remedy="submit it again: it goes on from there (retries in the profile do it by themselves)",
    )
