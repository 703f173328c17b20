"""What a run has cost, from Snakemake's benchmark files: time per stage, throughput of the dynamics, and how much cheaper
the potential's dynamics is than the label engine's, per atom and picosecond (Fig. 1f-g of the reference study).

A benchmark is that of the attempt that succeeded: what earlier attempts did before they were stopped is not in it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from dlmd.config.run_config import RunConfig

# first folder or file name under benchmarks/ -> stage of the report
STAGES = {
    "structures": "structures",
    "relax": "labels: relaxation",
    "aimd": "labels: molecular dynamics",
    "labels": "labels: tables",
    "dataset": "dataset",
    "learning": "learning loop",
    "training": "training",
    "validation": "validation",
    "md": "production MD",
    "transport": "transport",
    "mechanism": "mechanism",
    "barriers": "barriers",
    "report": "report",
}
# rules whose time is that of molecular dynamics
LABEL_RULES, MD_RULES = ("aimd", "vasp_run_aimd"), ("md_segment",)
THROUGHPUT_COLUMNS = (
    *(
        "level",
        "dynamics",
        "jobs",
        "atoms",
        "cores",
        "gpus",
        "ns_per_day",
        "atom_steps_per_s",
        "core_s_per_atom_ps",
    ),
    "times_cheaper_than_labels",
)
SECONDS_PER_HOUR, SECONDS_PER_DAY, PS_PER_NS = 3600.0, 86400.0, 1000.0


@dataclass(frozen=True)
class Record:
    """One job: its stage, rule and wildcards, cores and GPUs it held, wall and CPU time (s), peak memory (MB)."""

    stage: str
    rule: str | None
    wildcards: Mapping[str, str]
    cores: int
    gpus: int
    wall_s: float
    cpu_s: float
    memory_mb: float


def records(folder: Path) -> list[Record]:
    """All jobs with a benchmark file below results/<run>/benchmarks.

    Rule, cores and GPUs are in files written with `benchmark-extended`, as the profiles do; a job without counts as one core.
    """
    found = []
    for path in sorted(folder.rglob("*.jsonl")):
        parts = path.relative_to(folder).parts
        key = next((p for p in parts if p in ("relax", "aimd")), Path(parts[0]).stem)
        for line in path.read_text(errors="replace").splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                # the disk was full, or the scheduler was killed, while it was written: its time is lost, not the run
                print(f"{path}: a line that is cut short is left out of the costs", file=sys.stderr)
                continue
            if not isinstance(record, dict):
                continue
            resources = record.get("resources", {})
            found.append(
                Record(
                    stage=STAGES.get(key, key),
                    rule=record.get("rule_name"),
                    wildcards=record.get("wildcards", {}),
                    cores=max(record.get("threads", 1), resources.get("tasks", 1)),
                    gpus=int(resources.get("gpu") or 0),
                    wall_s=float(record.get("s") or 0),
                    cpu_s=float(record.get("cpu_time") or 0),
                    memory_mb=float(record.get("max_rss") or 0),
                )
            )
    return found


def stage_costs(jobs: Sequence[Record]) -> list[dict]:
    """One row per stage in the order of the chain: jobs, wall time of all together and CPU time (s), core and GPU hours,
    largest memory (MB)."""
    order = list(STAGES.values())
    stages = sorted(
        {job.stage for job in jobs}, key=lambda s: (order.index(s) if s in order else len(order), s)
    )
    rows = []
    for stage in stages:
        own = [job for job in jobs if job.stage == stage]
        rows.append(
            {
                "stage": stage,
                "jobs": len(own),
                "wall_s": sum(job.wall_s for job in own),
                "cpu_s": sum(job.cpu_s for job in own),
                "core_hours": sum(job.wall_s * job.cores for job in own) / SECONDS_PER_HOUR,
                "gpu_hours": sum(job.wall_s * job.gpus for job in own) / SECONDS_PER_HOUR,
                "max_memory_mb": max(job.memory_mb for job in own),
            }
        )
    return rows


def throughput(jobs: Sequence[Record], cfg: RunConfig, compositions: Mapping) -> list[dict]:
    """One row per level and kind of dynamics: atoms (mean), cores, GPUs, ns/day of one job, atom-steps/s, and core seconds
    per atom and ps; for the potential's also how many times cheaper than the label engine's that is.

    Start-up is part of a job's time, so that short jobs look slower than long ones.
    """
    from dlmd.run import targets

    sources = {source.folder: source for source in targets.aimd_sources(cfg)}
    rows = []
    for level in cfg.levels:
        label = _dynamics(
            [_label_job(job, cfg, compositions, sources) for job in jobs if _is(job, LABEL_RULES, level)],
            kind="labels",
            level=level,
        )
        composition = compositions[cfg.md.occupancy, cfg.md.cell]
        steps = cfg.md.steps(1000 * cfg.md.segment_ps)
        production = _dynamics(
            [
                (job, sum(composition.values()), steps, cfg.md.segment_ps)
                for job in jobs
                if _is(job, MD_RULES, level)
            ],
            kind="production",
            level=level,
        )
        if label and production:
            production["times_cheaper_than_labels"] = (
                label["core_s_per_atom_ps"] / production["core_s_per_atom_ps"]
            )
        rows += [row for row in (label, production) if row]
    return rows


def _is(job: Record, rules: Sequence[str], level: str) -> bool:
    return job.rule in rules and job.wildcards.get("level") == level


def _label_job(
    job: Record, cfg: RunConfig, compositions: Mapping, sources: Mapping
) -> tuple[Record, int, float, float]:
    """A job of label dynamics with its atoms, steps and ps; of one of VASP's segments, its share of the trajectory."""
    from dlmd.labels.vasp.incar import aimd_plan
    from dlmd.run import targets

    w = job.wildcards
    atoms = sum(compositions[w["occupancy"], w["cell"]].values())
    source = sources[targets.source_folder(w)]
    steps = float(source.steps)
    if "step" in w:
        plan = aimd_plan(
            cast(Any, cfg.levels[w["level"]]), temperature_k=source.temperature_k, steps=source.steps
        )
        steps /= len(plan)
    return job, atoms, steps, steps * cfg.labels.aimd.time_step_fs / 1000


def _dynamics(jobs: Sequence[tuple[Record, int, float, float]], *, kind: str, level: str) -> dict | None:
    if not jobs:
        return None
    wall = np.array([job.wall_s for job, *_ in jobs])
    cores = np.array([job.cores for job, *_ in jobs])
    atoms, steps, ps = (np.array(values, float) for values in list(zip(*jobs, strict=True))[1:])
    return {
        "level": level,
        "dynamics": kind,
        "jobs": len(jobs),
        "atoms": float(atoms.mean()),
        "cores": int(cores.max()),
        "gpus": max(job.gpus for job, *_ in jobs),
        "ns_per_day": float(ps.sum() / PS_PER_NS / wall.sum() * SECONDS_PER_DAY),
        "atom_steps_per_s": float((atoms * steps).sum() / wall.sum()),
        "core_s_per_atom_ps": float((wall * cores).sum() / (atoms * ps).sum()),
    }
