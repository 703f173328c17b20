"""What a run consists of: the config expanded into trajectories, cells, runs and segments.

The rules, `dlmd plan` and the report all take their lists from here, so that they cannot disagree.
Where the files of each are is in `dlmd.run.tree`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from dlmd.config import routes
from dlmd.config.levels import PRETRAINED
from dlmd.config.run_config import RunConfig
from dlmd.dataset.frames import GIVEN
from dlmd.run import tree

PAIR = tuple[str, str, int]
# a pretrained potential takes longer to load than to label a frame
PRETRAINED_FRAMES_PER_JOB = 25


def temperature_name(temperature_k: float) -> str:
    """A temperature as part of a path. The job reads it back from there, so that no digit may be lost."""
    return np.format_float_positional(temperature_k, trim="-")


def strain_name(strain: float) -> str:
    """A strain as part of a path, with three decimals or more: all that it has, as the job reads it back from there."""
    return np.format_float_positional(strain + 0.0, sign=True, min_digits=3)


@dataclass(frozen=True)
class AimdSource:
    """One trajectory of labels."""

    occupancy: str
    cell: str
    ordering: int
    temperature_k: float
    strain: float
    split: str
    steps: int

    @property
    def id(self) -> str:
        """Name of the source in the dataset, made of its wildcards."""
        names = self.wildcards
        return f"{self.occupancy}_{self.cell}_{self.ordering}_{names['aimd_T']}K_{names['strain']}"

    @property
    def folder(self) -> str:
        """Folder below labels/<level>/aimd/; `source_folder` gives it from wildcards."""
        return tree.fill(tree.SOURCE, **self.wildcards)

    @property
    def wildcards(self) -> dict[str, str | int]:
        """Values of the wildcards that name the source in the result tree."""
        return {
            "occupancy": self.occupancy,
            "cell": self.cell,
            "n": self.ordering,
            "aimd_T": temperature_name(self.temperature_k),
            "strain": strain_name(self.strain),
        }


def aimd_sources(cfg: RunConfig) -> list[AimdSource]:
    """All label trajectories, in the order of the config."""
    return [
        AimdSource(g.occupancy, g.cell, n, t, strain, g.split, g.steps or cfg.labels.aimd.steps)
        for g in cfg.labels.aimd.trajectories
        for n in g.orderings
        for t in g.temperatures_k
        for strain in g.strains
    ]


def explorations(cfg: RunConfig) -> list[AimdSource]:
    """The explorations of the learning loop, in the order of the config; none without a loop."""
    if cfg.learning is None:
        return []
    steps = round(cfg.learning.explore_ps * 1000 / cfg.md.time_step_fs)
    return [
        AimdSource(g.occupancy, g.cell, n, t, strain, g.split, steps)
        for g in cfg.learning.explore
        for n in g.orderings
        for t in g.temperatures_k
        for strain in g.strains
    ]


def explored_cells(cfg: RunConfig) -> list[PAIR]:
    """(occupancy, cell, ordering) that the learning loop explores, each once."""
    return list(dict.fromkeys((s.occupancy, s.cell, s.ordering) for s in explorations(cfg)))


def explored_in(cfg: RunConfig, level: str, i: int) -> list[AimdSource]:
    """The explorations of round `i` of a level. What is held out is explored once, by a level that starts from another."""
    held_out = routes.start_of(cfg, level) is not None and i == 0
    return [source for source in explorations(cfg) if held_out or source.split == "train"]


@dataclass(frozen=True)
class DataSource:
    """Frames of a dataset: their name, their file in the run, their part, and whether the file may be empty."""

    id: str
    path: str
    split: str
    optional: bool


def data_sources(cfg: RunConfig, level: str, rounds: int) -> list[DataSource]:
    """All frames that a level has after `rounds` rounds of the learning loop."""
    found = [
        DataSource(s.id, tree.fill(tree.AIMD_FRAMES, level=level, **s.wildcards), s.split, False)
        for s in (aimd_sources(cfg) if routes.own_dynamics(cfg, level) else ())
    ]
    for g, given in enumerate(routes.given_frames(cfg, level)):
        for split in (given.split,) if given.split else ("train", "valid", "test"):
            path = tree.fill(tree.GIVEN_FRAMES, level=level, g=g, split=split)
            found.append(DataSource(f"{GIVEN}{g}_{split}", path, split, given.split is None))
    splits = {(s.occupancy, s.cell, s.ordering): s.split for s in explorations(cfg)}
    for i in range(rounds):
        known = {(s.occupancy, s.cell, s.ordering) for s in explored_in(cfg, level, i)}
        for o, c, n in explored_cells(cfg):
            if (o, c, n) in known:
                path = tree.fill(tree.LEARNED_FRAMES, level=level, i=i, occupancy=o, cell=c, n=n)
                found.append(DataSource(f"learned{i}_{o}_{c}_{n}", path, splits[o, c, n], True))
    return found


def single_points(cfg: RunConfig) -> list[str]:
    """What levels that start from another ask of their engine, in words; nothing where there are none."""
    lines = []
    for name in routes.answering(cfg):
        start = routes.start_of(cfg, name)
        if start is None or not routes.loops(cfg, name) or cfg.learning is None:
            continue
        most, rounds = cfg.learning.max_frames, cfg.learning.iterations
        judged = any(source.split == "test" for source in explorations(cfg))
        held_out = round(most * cfg.learning.held_out) if judged else 0
        lines.append(
            f"{name}: at most {most * rounds} single points, {most} in each of {rounds} rounds, {held_out} of them held out; "
            f"relaxations and dynamics are those of {start} and of the potential"
        )
    return lines


def label_slots(cfg: RunConfig, level: str) -> dict[str, list[int]]:
    """{name: numbers of the selected frames} of the jobs that label one round of the learning loop."""
    most = cfg.learning.max_frames
    each = frames_per_job(cfg, level)
    starts = range(0, most, each)
    return {f"{k:03d}": list(range(n, min(n + each, most))) for k, n in enumerate(starts)}


def frames_per_job(cfg: RunConfig, level: str) -> int:
    """Frames of the learning loop that one job of this level labels; VASP is staged frame by frame."""
    engine = cfg.levels[level].engine
    if engine == "vasp":
        return 1
    return cfg.learning.frames_per_job or (PRETRAINED_FRAMES_PER_JOB if engine in PRETRAINED else 1)


def source_folder(w: Mapping[str, str]) -> str:
    """`AimdSource.folder` of the trajectory with these wildcards (occupancy, cell, n, aimd_T, strain)."""
    return tree.fill(tree.SOURCE, **w)


def table_cells(cfg: RunConfig) -> list[PAIR]:
    """(occupancy, cell, ordering) of the lattice table."""
    return [(s.occupancy, s.cell, n) for s in cfg.labels.relax.cells for n in s.orderings]


def lattice_cells(cfg: RunConfig, replica: int) -> list[PAIR]:
    """The relaxed cells that give production replica `replica` its lattice: the ones named, or its own ordering."""
    source = cfg.md.lattice_from
    if source is None:
        return [(cfg.md.occupancy, cfg.md.cell, replica)]
    return [(source.occupancy, source.cell, n) for n in source.orderings]


def relaxed_cells(cfg: RunConfig) -> list[PAIR]:
    """Every cell that has to be relaxed, for the table, for AIMD or for production, each once."""
    wanted = table_cells(cfg) + [(s.occupancy, s.cell, s.ordering) for s in aimd_sources(cfg)]
    wanted += explored_cells(cfg)
    for replica in range(cfg.md.replicas):
        wanted += lattice_cells(cfg, replica)
    wanted += barrier_cells(cfg)
    return list(dict.fromkeys(wanted))


def barrier_cells(cfg: RunConfig) -> list[PAIR]:
    """The relaxed cells whose hops are looked at: the ones named, or those that production takes its lattice from."""
    if cfg.barriers is None:
        return []
    named = [(s.occupancy, s.cell, n) for s in cfg.barriers.cells for n in s.orderings]
    production = [pair for replica in range(cfg.md.replicas) for pair in lattice_cells(cfg, replica)]
    return list(dict.fromkeys(named or production))


def production_runs(cfg: RunConfig) -> list[tuple[int, int]]:
    """(potential, ordering) of the production runs r0, r1, ... of one temperature: all orderings with the first potential,
    then all with the next."""
    return [(m, n) for m in range(cfg.md.potentials) for n in range(cfg.md.replicas)]


def segment_numbers(cfg: RunConfig) -> list[str]:
    """Numbers of the production segments, from 0001."""
    return [f"{n:04d}" for n in range(1, cfg.md.segments + 1)]


def rdf_sources(cfg: RunConfig) -> list[AimdSource]:
    """Unstrained label trajectories at the temperature of the RDF comparison, all of one occupancy and cell.

    Those of the production cell where there are any, else those held out for testing, else the first.
    """
    t = cfg.validation.rdf_temperature_k
    found = [s for s in aimd_sources(cfg) if s.temperature_k == t and s.strain == 0.0]
    production = [s for s in found if (s.occupancy, s.cell) == (cfg.md.occupancy, cfg.md.cell)]
    chosen = production or [s for s in found if s.split == "test"] or found
    return [s for s in chosen if (s.occupancy, s.cell) == (chosen[0].occupancy, chosen[0].cell)]


def trial_source(cfg: RunConfig) -> AimdSource:
    """The label trajectory whose relaxed cell a trial run starts from: that of the RDF comparison, or the first held-out one."""
    if cfg.validation.rdf_temperature_k is not None:
        return rdf_sources(cfg)[0]
    return next(s for s in aimd_sources(cfg) if s.split == "test")


def trial_cell(cfg: RunConfig, level: str) -> PAIR:
    """The relaxed cell that a trial run starts from: of the labels, or of production where the engine ran no trajectories."""
    if routes.own_dynamics(cfg, level):
        source = trial_source(cfg)
        return (source.occupancy, source.cell, source.ordering)
    return lattice_cells(cfg, 0)[0]


def derived_seed(cfg: RunConfig, *names: object) -> int:
    """A seed for one job from the run's seed and the job's names: stable across versions and orders of execution."""
    text = "/".join(map(str, (cfg.seed, *names)))
    # LAMMPS and DeePMD want a positive 31-bit integer
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % (2**31 - 2) + 1


def built_cells(cfg: RunConfig) -> list[tuple[str, str]]:
    """(occupancy, cell) of every supercell that the run builds."""
    pairs = [(occupancy, cell) for occupancy, cell, _ in relaxed_cells(cfg)]
    produced = [cfg.md.cell] + ([cfg.md.size_check.cell] if cfg.md.size_check else [])
    return list(dict.fromkeys([*pairs, *((cfg.md.occupancy, cell) for cell in produced)]))


def powder_cells(cfg: RunConfig) -> dict[str, str]:
    """Occupancy -> its smallest built cell: the pattern depends on the occupancies, its price on the atoms."""
    cells = cfg.structures.cells
    smallest: dict[str, str] = {}
    for occupancy, cell in sorted(built_cells(cfg), key=lambda pair: prod(cells[pair[1]])):
        smallest.setdefault(occupancy, cell)
    return smallest
