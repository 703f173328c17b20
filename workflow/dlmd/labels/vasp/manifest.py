"""Jobs that wait for results computed elsewhere: what to run, where results are expected, what is still missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dlmd.base.errors import DlmdError
from dlmd.base.files import write_json
from dlmd.labels.vasp import as_staged, continuation
from dlmd.labels.vasp.stage import JOB, load_job


def entry(folder: Path) -> dict:
    """One staged job: what it is, what to run, and the state of every step ('done', 'unfinished', 'missing', ...)."""
    job = load_job(folder)
    states = {}
    for step in job["run_steps"]:
        here = folder / step["name"]
        try:
            runs = continuation.read_runs(here)
            wrong = [text for run in runs for text in as_staged.setting_mismatches(run, job, step)]
            if wrong:
                states[step["name"]] = f"of other settings ({wrong[0]})"
                continue
            if runs and step is job["run_steps"][0]:
                as_staged.require_start(runs[0], job)
            done = continuation.done(step, runs)
            states[step["name"]] = "done" if done else "unfinished" if runs else "missing"
        except DlmdError as error:
            states[step["name"]] = f"no results: {error.what}"
    return {
        "folder": str(folder),
        "source": job["source"],
        "level": job["level"],
        "kind": job["kind"],
        "atoms": sum(job["counts"]),
        "k_mesh": job["kpoints"]["mesh"],
        "ionic_steps": sum(int(s["tags"].get("NSW", 0)) for s in job["run_steps"]),
        "potentials": job["potcar"]["names"],
        "potentials_missing": job["potcar"]["missing"],
        "run": 'VASP="srun vasp_std" ./run.sh',
        "expected": [f"{s['name']}/run00/OUTCAR or vasprun.xml (or .gz), CONTCAR" for s in job["run_steps"]],
        "steps": states,
    }


def write(labels: str | Path, levels: Sequence[str]) -> list[dict]:
    """Write labels/<level>/manifest.json for every level, and return the jobs that still lack results.

    Parameters
    ----------
    labels
        results/<run>/labels.
    levels
        Names of the levels computed elsewhere.
    """
    waiting = []
    for level in levels:
        home = Path(labels) / level
        jobs = [entry(path.parent) for path in sorted(home.rglob(JOB))]
        if not jobs:
            continue
        write_json(home / "manifest.json", {"format": "dlmd-vasp-manifest", "version": 1, "jobs": jobs})
        waiting += [job for job in jobs if set(job["steps"].values()) != {"done"}]
    return waiting


def message(waiting: Sequence[dict]) -> str:
    """All jobs without results in one message, or '' if none waits."""
    if not waiting:
        return ""
    lines = [f"{len(waiting)} VASP jobs wait for results computed elsewhere:"]
    for job in waiting:
        counts = ", ".join(f"{step} {state}" for step, state in job["steps"].items() if state != "done")
        lines.append(f"  {job['folder']}: {counts}")
    lacking = sorted({name for job in waiting for name in job["potentials_missing"]})
    if lacking:
        lines.append(f"  POTCARs to add before running: {', '.join(lacking)} (names in */inputs/POTCAR.spec)")
    lines.append(
        "  fix: copy each folder to where VASP runs, start run.sh in it, bring it back, and run snakemake "
        "again"
    )
    return "\n".join(lines) + "\n"
