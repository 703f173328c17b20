"""How far a run is, from the files it has left so far: what runs, how far labels, trainings and MD are, and what the dynamics
say already. Nothing is written, and jobs may write meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dlmd.base.files import read_json
from dlmd.base.units import FS_PER_PS
from dlmd.config import routes
from dlmd.config.run_config import RunConfig
from dlmd.md.production import FAILED
from dlmd.process import ownership
from dlmd.run import same_name, targets, tree
from dlmd.run.results import RunResults
from dlmd.training.input import WORK

PS_PER_NS = 1000.0
SECONDS_PER_DAY = 86400.0
# tqdm's text in the logs of labels, see `dlmd.base.progress`
COUNTER = re.compile(r"(\d+)/(\d+) \[")
TAIL_BYTES = 4096


@dataclass(frozen=True)
class Active:
    """A folder that a job owns: relative to the run, who owns it ('alive', 'dead', ...), and how far its work is, in words."""

    folder: str
    owner: dict
    progress: str


@dataclass(frozen=True)
class Production:
    """One production run: picoseconds done and asked for, speed where a segment is being computed, and what ended it, if so."""

    level: str
    temperature_k: float
    replica: int
    done_ps: float
    asked_ps: float
    ns_per_day: float | None
    failed: str | None
    name: str = ""

    @property
    def hours_left(self) -> float | None:
        """At the speed of the running segment."""
        if not self.ns_per_day:
            return None
        return (self.asked_ps - self.done_ps) / PS_PER_NS / self.ns_per_day * 24


def find_config(given: str) -> str:
    """The config file meant by `given`: itself, or the one of the run whose folder it is.

    Raises
    ------
    DlmdError
        as `dlmd.run.same_name.config_of`.
    """
    return given if Path(given).suffix in (".yaml", ".yml") else same_name.config_of(given)


def active(run: Path, cfg: RunConfig) -> list[Active]:
    """Every folder with an owner, and how far it is."""
    found = []
    for path in sorted(run.rglob(ownership.OWNER)):
        owner = ownership.look(path)
        # it may have ended between the two
        if owner is not None:
            found.append(Active(str(path.parent.relative_to(run)), owner, _progress(run, path.parent, cfg)))
    return found


def _progress(run: Path, folder: Path, cfg: RunConfig) -> str:
    place = folder.relative_to(run)
    for rule, pattern in (("relax", tree.RELAX), ("aimd", tree.AIMD)):
        if (found := tree.wildcards(pattern, place)) is not None:
            return _counted(tree.path(run, tree.log(rule), **found))
    if (folder / WORK).is_dir():
        return _training(folder)
    if any(tree.wildcards(runs, place) is not None for runs in (tree.PRODUCTION, tree.SIZE_RUN)):
        running = _running_segment(folder, cfg)
        if running:
            done, asked = running[0] - running[1], cfg.md.steps(cfg.md.segment_ps * FS_PER_PS)
            return f"step {done} of {asked} of its segment"
    return ""


def _counted(log: Path) -> str:
    counts = COUNTER.findall(_tail(log))
    return f"step {counts[-1][0]} of {counts[-1][1]}" if counts else ""


def _training(folder: Path) -> str:
    """Step and current RMSE of forces, from dp's learning curve."""
    text = _tail(folder / WORK / "lcurve.out")
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    steps = read_json(folder / "input.json")["training"]["numb_steps"]
    header = (folder / WORK / "lcurve.out").open().readline().lstrip("#").split() if rows else []
    # the first line of the tail may be half a line
    whole = [row for row in rows if len(row) == len(header)]
    if not whole:
        return f"step 0 of {steps}"
    last = dict(zip(header, whole[-1], strict=True))
    force = last.get("rmse_f_val") or last.get("rmse_f_trn")
    return f"step {last['step']} of {steps}" + (
        f", force RMSE {1000 * float(force):.0f} meV/Å" if force else ""
    )


def dynamics(run: Path, cfg: RunConfig) -> list[Production]:
    """All production runs of all levels, those of a second cell last."""
    size = cfg.md.size_check
    runs = [
        (tree.PRODUCTION, t, k)
        for t in cfg.md.temperatures_k
        for k in range(len(targets.production_runs(cfg)))
    ]
    runs += [(tree.SIZE_RUN, t, k) for t in size.temperatures_k for k in range(size.replicas)] if size else []
    return [_dynamics(run, cfg, level, *one) for level in routes.answering(cfg) for one in runs]


def _dynamics(run: Path, cfg: RunConfig, level: str, pattern: str, t: float, k: int) -> Production:
    folder = tree.path(run, pattern, level=level, T=t, k=k)
    done = len(_finished(folder, cfg)) * cfg.md.segment_ps
    running = _running_segment(folder, cfg)
    speed = None
    if running:
        step, first, begun_step, seconds = running
        ps = cfg.md.time_step_fs / FS_PER_PS
        done += (step - first) * ps
        if seconds > 0:
            speed = (step - begun_step) * ps / PS_PER_NS / seconds * SECONDS_PER_DAY
    failed = next(iter([*folder.glob(FAILED), *folder.glob(f"*.parts/{FAILED}")]), None)
    return Production(
        level=level,
        temperature_k=t,
        replica=k,
        done_ps=done,
        asked_ps=cfg.md.segments * cfg.md.segment_ps,
        ns_per_day=speed or None,
        failed=failed.read_text().strip() if failed else None,
        name=folder.name,
    )


def _finished(folder: Path, cfg: RunConfig) -> list[Path]:
    """Sidecars of the segments that are whole, from the first on without a gap."""
    sidecars = []
    for number in targets.segment_numbers(cfg):
        path = folder / f"{number}.json"
        if not path.exists():
            break
        sidecars.append(path)
    return sidecars


def _running_segment(folder: Path, cfg: RunConfig) -> tuple[int, int, int, float] | None:
    """Of the segment being computed: last stored step, the segment's first step, the step where this attempt began, and the
    seconds from its first input to the last row; None where there is none."""
    tables = sorted(folder.glob("[0-9]*.parts/[0-9]*.thermo.csv"))
    if not tables:
        return None
    table = tables[-1]
    # whole lines only: the first of the tail may lack its start, the last its end
    whole = _tail(table).rpartition("\n")[0].splitlines()[1:]
    steps = [int(line.split(",")[0]) for line in whole if line.split(",")[0].isdigit()]
    if not steps:
        return None
    begun = table.with_name(table.name.replace(".thermo.csv", ".in"))
    seconds = table.stat().st_mtime - begun.stat().st_mtime if begun.exists() else 0.0
    number = int(table.parent.name.split(".")[0])
    first = (number - 1) * cfg.md.steps(cfg.md.segment_ps * FS_PER_PS)
    return steps[-1], first, int(table.name.split(".")[0]), seconds


def estimates(run: Path, cfg: RunConfig) -> Iterator[dict]:
    """For each level and temperature: the result (`final`), or, from the segments that are whole, a preliminary one.

    Yields
    ------
    dict
        level, temperature_k, final, segments (whole ones of all replicas) and result, as in transport/<level>/<T>K.json;
        result is None without a whole segment.
    """
    count, results = len(targets.production_runs(cfg)), RunResults(run)
    for level in routes.answering(cfg):
        for t in cfg.md.temperatures_k:
            folders = [tree.path(run, tree.PRODUCTION, level=level, T=t, k=k) for k in range(count)]
            chains = [found for folder in folders if (found := _finished(folder, cfg))]
            final = results.level(level).transport(t)
            yield {
                "level": level,
                "temperature_k": t,
                "final": bool(final),
                "segments": sum(map(len, chains)),
                "result": final
                or (_preliminary(chains, cfg, _lattice(run, cfg, level, t)) if chains else None),
            }


def _lattice(run: Path, cfg: RunConfig, level: str, t: float) -> Path | None:
    """What says of production's cell that it is not the relaxed one, where it is not and that is known."""
    path = tree.path(run, tree.LATTICE_AT, level=level, T=t)
    return path if cfg.md.lattice != "relaxed" and path.exists() else None


def _preliminary(chains: list[list[Path]], cfg: RunConfig, lattice: Path | None) -> dict:
    from dlmd.trajectory.segments import join
    from dlmd.transport.jobs import analysed, judged_pressure

    runs = [join(chain) for chain in chains]
    _, broken = judged_pressure(runs, lattice, confidence=cfg.transport.confidence)
    return analysed(
        runs, charge=cfg.material.mobile_charge, settings=cfg.transport.model_dump(), further=[broken]
    )


def _tail(path: Path) -> str:
    """The last `TAIL_BYTES` of a text file; nothing where it is not there."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
