"""What is left of a run and what it will cost, before it is submitted: Snakemake's own list of jobs, with times from the jobs
of the same run that are done, or estimated from sizes where there are none."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.config.reading import load
from dlmd.config.run_config import RunConfig
from dlmd.labels.vasp.incar import aimd_plan, relax_plan
from dlmd.run import costs, estimates, targets, tree
from dlmd.run.estimates import JobCost
from dlmd.run.preflight import check_run
from dlmd.run.targets import AimdSource

DONE = "no update"
HOUR = 3600.0
# a job that reads, computes for seconds and writes
SMALL = JobCost(wall_s=60.0)
# what the rules of one kind of work are measured in
KINDS = {
    "relax": "relax",
    "vasp_run_relax": "relax",
    "aimd": "aimd",
    "vasp_run_aimd": "aimd",
    "train": "train",
    "learning_train": "train a round",
    "learning_part": "train a part",
    "explore": "explore",
    "learning_label": "label a frame",
    "learning_run_vasp": "label a frame",
    "md_swap": "swaps",
    "md_equilibrate": "md",
    "md_segment": "md",
    "npt_equilibrate": "constant pressure",
    "npt_segment": "constant pressure",
    "size_swap": "swaps",
    "size_equilibrate": "md",
    "size_segment": "md",
}
# kinds whose times are those of the label engine
LABELS = ("relax", "aimd", "label a frame")
# kinds whose jobs are segments of one folder
DYNAMICS = ("md", "constant pressure")
# what the paths of a kind, or of one rule of it, begin with
PLACES = {
    "relax": tree.RELAX,
    "aimd": tree.AIMD,
    "train": tree.TRAINING,
    "md": tree.PRODUCTION,
    "constant pressure": tree.NPT,
    "swaps": tree.CELLS_OF_LEVEL,
    "train a round": tree.ROUND_TRAINING,
    "train a part": tree.LEARNING_PART,
    "explore": tree.EXPLORED,
    "label a frame": tree.SLOT,
    "size_equilibrate": tree.SIZE_RUN,
    "size_segment": tree.SIZE_RUN,
}


@dataclass(frozen=True)
class Job:
    """A job of the DAG: its rule, one of its outputs, and whether it has to run."""

    rule: str
    output: str
    pending: bool


@dataclass(frozen=True)
class Row:
    """What one rule still needs."""

    rule: str
    done: int
    left: int
    core_hours: float
    gpu_hours: float
    disk_gb: float
    longest_h: float
    basis: str


def jobs(configfile: str, *, snakefile: str = "Snakefile", wanted: Sequence[str] = ()) -> list[Job]:
    """All jobs of the DAG, from Snakemake's dry run and summary; nothing is run.

    Raises
    ------
    DlmdError
        with Snakemake's own message where it refuses, and where it is not installed.
    """
    if not Path(snakefile).exists():
        raise DlmdError(
            f"no such file: {snakefile}", remedy="run it in the folder of the Snakefile, or give --snakefile"
        )

    if find_spec("snakemake") is None:
        raise DlmdError(
            "the jobs of a run are Snakemake's list, and Snakemake is not installed",
            remedy="install the pipeline: pip install '.[pipeline]'",
        )

    # the refusals of our own, in their own words, before Snakemake is asked
    check_run(load(configfile), file=configfile)
    with _waiting("asking Snakemake for the jobs of this run"), ThreadPoolExecutor() as both:
        ask = partial(_ask, configfile, snakefile, wanted)
        summary, dry_run = both.map(ask, ("--summary", "--dry-run"))
    return list_jobs(summary=summary, dry_run=dry_run)


def _ask(configfile: str, snakefile: str, wanted: Sequence[str], option: str) -> str:
    """What Snakemake prints with an option.

    Raises
    ------
    DlmdError
        with its last words where it refuses.
    """
    command = [sys.executable, "-m", "snakemake", *wanted, "--snakefile", snakefile, option, "--nolock"]
    # Asked twice: while the run is going on, a file may vanish during the dry run.
    for _ in range(2):
        answer = subprocess.run(
            [*command, "--configfile", configfile], capture_output=True, text=True, check=False
        )
        if not answer.returncode:
            return answer.stdout
    lines = f"{answer.stdout.strip()}\n{answer.stderr.strip()}".strip().splitlines()
    last = [line.strip() for line in lines if line.strip()][-4:]
    raise DlmdError(
        f"Snakemake refuses the run: {'; '.join(last) or 'it gives no reason'}",
        where=configfile,
        remedy=f"see all of it with: snakemake --dry-run --configfile {configfile}",
    )


@contextmanager
def _waiting(what: str) -> Iterator[None]:
    """A line with the seconds that have passed, where a person watches."""
    if not sys.stderr.isatty():
        yield
        return
    from tqdm import tqdm

    ended = threading.Event()
    with tqdm(desc=what, bar_format="{desc} ... {elapsed}", leave=False) as line:

        def tick() -> None:
            while not ended.wait(1.0):
                line.refresh()

        thread = threading.Thread(target=tick, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def list_jobs(*, summary: str, dry_run: str) -> list[Job]:
    """Jobs of a DAG from what `snakemake --summary` and `snakemake --dry-run` print.

    The summary lists outputs, several to a job; the dry run says how many jobs of each rule are due.
    """
    lines = summary.splitlines()
    header = next(n for n, line in enumerate(lines) if line.startswith("output_file\t"))
    columns = lines[header].split("\t")
    rows = [dict(zip(columns, line.split("\t"), strict=False)) for line in lines[header + 1 :]]
    rows = [row for row in rows if len(row) == len(columns)]
    table = dry_run.split("Job stats:", 1)[-1].split("total", 1)[0] if "Job stats:" in dry_run else ""
    due = {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)}

    found: list[Job] = []
    for rule in dict.fromkeys(row["rule"] for row in rows):
        own = [row for row in rows if row["rule"] == rule]
        left = sorted({_job_name(row) for row in own if row["plan"] != DONE})
        # For small rules only the number of jobs matters, not which outputs belong to which job.
        count = due.get(rule, 0)
        left = left if rule in KINDS else [own[0]["output_file"]] * count
        done = {row["log-file(s)"] for row in own if row["plan"] == DONE}
        found += [Job(rule, name, True) for name in left] + [Job(rule, name, False) for name in sorted(done)]
    return found


def _job_name(row: Mapping[str, str]) -> str:
    """What the outputs of one job of `KINDS` have in common."""
    path = Path(row["output_file"])
    kind = KINDS.get(row["rule"])
    if kind in ("explore", "train a part"):
        return str(path)
    return str(path.parent / (path.name.split(".")[0] if kind in (*DYNAMICS, "swaps") else "any"))


class CostModel:
    """Cost of a job: estimated from sizes, times what the run's own jobs of that kind have shown the estimate to be wrong by."""

    def __init__(
        self, cfg: RunConfig, records: Sequence[costs.Record], rates: estimates.GpuRates = estimates.GUESSED
    ):
        self.cfg = cfg
        self.rates = rates
        self.compositions = estimates.compositions(cfg)
        self.sources = {source.folder: source for source in targets.aimd_sources(cfg)}
        self.explorations = {source.folder: source for source in targets.explorations(cfg)}
        ratios: dict[tuple[str, str], list[float]] = {}
        small: dict[str, list[float]] = {}
        for record in records:
            if record.rule in KINDS:
                if not self._has(record.rule, record.wildcards):
                    continue
                expected = self._estimate(record.rule, record.wildcards).wall_s
                key = (KINDS[record.rule], record.wildcards.get("level", ""))
                ratios.setdefault(key, []).append(record.wall_s / expected)
            elif record.rule:
                small.setdefault(record.rule, []).append(record.wall_s)
        self.ratios = {key: float(np.median(values)) for key, values in ratios.items()}
        self.small = {rule: float(np.median(values)) for rule, values in small.items()}

    def cost(self, job: Job) -> tuple[JobCost, str]:
        """Cost of a job and what it rests on: 'measured', 'estimated' or 'assumed'."""
        if job.rule not in KINDS:
            wall = self.small.get(job.rule)
            return (SMALL, "estimated") if wall is None else (replace(SMALL, wall_s=wall), "measured")
        wildcards = self._wildcards(job)
        estimate = self._estimate(job.rule, wildcards)
        ratio = self.ratios.get((KINDS[job.rule], wildcards["level"]))
        if ratio is None:
            return estimate, "assumed" if estimate.assumed else "estimated"
        return replace(estimate, wall_s=ratio * estimate.wall_s), "measured"

    def _wildcards(self, job: Job) -> dict[str, str]:
        """Wildcards from the path of an output, which the result tree fixes."""
        place = PLACES.get(job.rule) or PLACES[KINDS[job.rule]]
        parts = Path(job.output).relative_to(tree.home(self.cfg.run)).parts
        return tree.wildcards(place, Path(*parts[: place.count("/") + 1]))

    def _has(self, rule: str, w: Mapping[str, str]) -> bool:
        """Whether the config still has what a finished job was for."""
        kind = KINDS[rule]
        if rule.startswith("size_"):
            return self.cfg.md.size_check is not None
        if kind in ("train a round", "label a frame"):
            return self.cfg.learning is not None
        if kind in ("explore", "aimd"):
            return targets.source_folder(w) in (self.explorations if kind == "explore" else self.sources)
        return kind != "relax" or (w["occupancy"], w["cell"]) in self.compositions

    def _mean_atoms(self, sources: Mapping[str, AimdSource]) -> int:
        pairs = [(s.occupancy, s.cell) for s in sources.values()] or [
            (self.cfg.md.occupancy, self.cfg.md.cell)
        ]
        atoms = [sum(self.compositions[pair].values()) for pair in pairs]
        return round(float(np.mean(atoms)))

    def _estimate(self, rule: str, w: Mapping[str, str]) -> JobCost:
        cfg, kind = self.cfg, KINDS[rule]
        size = cfg.md.size_check
        produced = self.compositions[
            cfg.md.occupancy, size.cell if size and rule.startswith("size_") else cfg.md.cell
        ]
        if kind in DYNAMICS:
            composition = produced
            lengths = dict.fromkeys(("md_segment", "size_segment"), cfg.md.segment_ps)
            lengths["npt_segment"] = cfg.md.npt.segment_ps
            ps = lengths.get(rule, cfg.md.equilibrate_ps)
            return estimates.md(
                cfg,
                atoms=sum(composition.values()),
                mobile=estimates.mobile_ions(cfg, composition),
                steps=cfg.md.steps(1000 * ps),
                rates=self.rates,
            )
        if kind == "swaps":
            return estimates.swaps(cfg, atoms=sum(produced.values()))
        if kind in ("train", "train a round", "train a part"):
            from_scratch = w.get("i") == "0" if rule == "learning_train" else cfg.learning is None
            return estimates.training(
                cfg,
                atoms=self._mean_atoms(self.sources),
                first=from_scratch,
                level=w["level"],
                rates=self.rates,
            )
        if kind == "label a frame":
            # How many frames a job had that was done with other settings is not known.
            frames = len(targets.label_slots(cfg, w["level"]).get(w["slot"], [0]))
            atoms = self._mean_atoms(self.explorations)
            return estimates.learned_labels(cfg, w["level"], atoms=atoms, frames=frames)
        atoms = sum(self.compositions[w["occupancy"], w["cell"]].values())
        level: Any = cfg.levels[w["level"]]
        if kind == "explore":
            source = self.explorations[targets.source_folder(w)]
            return estimates.explore(cfg, source, atoms=atoms, rates=self.rates)
        if kind == "relax":
            whole, steps = estimates.relax(cfg, w["level"], atoms=atoms), cast(Any, relax_plan)
        else:
            source = self.sources[targets.source_folder(w)]
            whole = estimates.aimd(cfg, w["level"], source, atoms=atoms)
            steps = partial(aimd_plan, temperature_k=source.temperature_k, steps=source.steps)
        if not rule.startswith("vasp_run"):
            return whole
        # VASP's jobs are steps of one relaxation or trajectory
        share = 1 / len(steps(level))
        return replace(whole, wall_s=share * whole.wall_s, disk_bytes=share * whole.disk_bytes)


def rows(all_jobs: Sequence[Job], model: CostModel) -> list[Row]:
    """One row per rule, in the order in which they first occur."""
    out = []
    for rule in dict.fromkeys(job.rule for job in all_jobs):
        own = [job for job in all_jobs if job.rule == rule]
        left = [job for job in own if job.pending]
        found = [model.cost(job) for job in left]
        out.append(
            Row(
                rule=rule,
                done=len(own) - len(left),
                left=len(left),
                core_hours=sum(e.wall_s * e.cores for e, _ in found) / HOUR,
                gpu_hours=sum(e.wall_s * e.gpus for e, _ in found) / HOUR,
                disk_gb=sum(e.disk_bytes for e, _ in found) / 1e9,
                longest_h=max((e.wall_s for e, _ in found), default=0.0) / HOUR,
                basis=", ".join(sorted({basis for _, basis in found})),
            )
        )
    return out
