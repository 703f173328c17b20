"""How much of everything a budget of core hours buys: labels and training first, the rest is time of production.

The prices are those of `dlmd plan` (`dlmd.run.estimates`): right within a factor of three.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

from dlmd.config import routes
from dlmd.config.levels import PRETRAINED
from dlmd.config.run_config import RunConfig
from dlmd.run import estimates, targets

HOUR_S = 3600.0
PRODUCTION_SHARE = 0.5  # of the budget at least, where labels and training can do with less
LONGEST_PS, SHORTEST_PS = 10_000.0, 20.0
SHORTEST_REPLICA_PS = 250.0  # several orderings are worth more than one long run where each has this much
SEGMENT_H = 4.0  # wall time of a segment
NPT_SHORTEST_PS, NPT_LONGEST_PS, NPT_SEGMENTS = 20.0, 200.0, 2
FRAMES = 20_000  # stored positions of one temperature
RESTARTS_PS = (50.0, 10.0, 5.0)


@dataclass(frozen=True)
class Recipe:
    """What is labelled and trained before production."""

    label_steps: int
    train_steps: int
    loop_frames: int  # 0: no learning loop
    loop_steps: int = 0
    explore_ps: float = 0.0
    potentials: int = 1
    iterations: int = 1

    @property
    def single_points(self) -> int:
        """Frames that the learning loop labels in all its rounds."""
        return self.iterations * self.loop_frames


# the measured recipes: docs/potential.md (a loop of one round), less of it, the demo, and less of that
RECIPES = (
    Recipe(300, 12_000, 1200, 24_000, 12.0, 2),
    Recipe(300, 12_000, 400, 12_000, 6.0, 2),
    Recipe(300, 12_000, 0),
    Recipe(200, 6_000, 0),
)


# single points of a recipe with one round of a learning loop
ONE_ROUND = 50


def few_labels(single_points: int) -> tuple[Recipe, ...]:
    """Recipes of a level that starts from another: so many single points, in rounds where there are enough."""
    rounds = 3 if single_points >= 150 else 2 if single_points >= 60 else 1
    each = max(1, single_points // rounds)
    return tuple(
        Recipe(300, train, each, train, explore, 2, rounds)
        for train, explore in ((12_000, 12.0), (6_000, 6.0))
    )


@dataclass(frozen=True)
class Production:
    """Segments of `segment_ps` at each temperature, and how often positions are stored."""

    segment_ps: float
    segments: int
    position_interval_fs: float
    all_atom_interval_ps: float
    restart_interval_ps: float
    npt_segment_ps: float = 0.0  # 0: at the relaxed lattice
    replicas: int = 1  # runs of that length at each temperature, of an ordering each

    @property
    def length_ps(self) -> float:
        """One run at one temperature."""
        return self.segment_ps * self.segments


@dataclass(frozen=True)
class Lengths:
    """The recipe, production, and the hours that both take."""

    recipe: Recipe
    production: Production
    hours_before: float
    hours_of_production: float
    notes: tuple[str, ...] = ()


SHORT = Production(10.0, 2, 20.0, 0.1, 5.0)


def choose(
    draft: Callable[[Recipe, Production], RunConfig],
    *,
    budget_hours: float,
    recipes: Sequence[Recipe] = RECIPES,
    orderings: int = 1,
) -> Lengths:
    """The best recipe that leaves production its share of the budget, and as long a production as the rest allows.

    `draft` makes a config of both. Single points of DFT are not part of the budget. Each of the `orderings` is run where the
    runs are not too short then.
    """
    for replicas in dict.fromkeys((orderings, 1)):
        short = replace(SHORT, replicas=replicas)
        for recipe in recipes:
            cfg = draft(recipe, short)
            before = before_production_h(cfg)
            if before <= (1 - PRODUCTION_SHARE) * budget_hours:
                break
        # of all runs together
        ps_h = production_h(cfg) / SHORT.length_ps
        rest = (budget_hours - before) / ps_h
        if rest >= SHORTEST_REPLICA_PS:
            break
    notes: tuple[str, ...] = ()
    if rest < SHORTEST_PS:
        takes = before + SHORTEST_PS * ps_h
        notes = (
            f"{budget_hours:g} h are too few: labels and training take {before:.1f} h, and with {SHORTEST_PS:g} ps of production "
            f"at each temperature it is {takes:.1f} h",
        )
    rest = min(max(rest, SHORTEST_PS), LONGEST_PS)
    # the lattice of each temperature takes a twentieth of production, where it is long enough to spare it
    npt = (
        min(max(NPT_SHORTEST_PS, round(rest / 40, -1)), NPT_LONGEST_PS)
        if rest >= 7 * NPT_SHORTEST_PS
        else 0.0
    )
    production = cut(rest - NPT_SEGMENTS * npt, ps_h / len(cfg.md.temperatures_k) / replicas)
    production = replace(production, npt_segment_ps=npt, replicas=replicas)
    before += NPT_SEGMENTS * npt * ps_h / replicas
    return Lengths(recipe, production, before, production.length_ps * ps_h, notes)


def cut(length_ps: float, hours_of_ps: float) -> Production:
    """A run of about `length_ps`, cut into segments of at most SEGMENT_H hours, all intervals multiples of each other."""
    segments = max(2, ceil(length_ps * hours_of_ps / SEGMENT_H))
    restart = next((r for r in RESTARTS_PS if length_ps / segments >= 2 * r), RESTARTS_PS[-1])
    segment = max(restart, floor(length_ps / segments / restart) * restart)
    total = segment * segments
    position = next((fs for fs in (20.0, 50.0, 100.0, 200.0) if total * 1e3 / fs <= FRAMES), 500.0)
    everything = next((ps for ps in (0.1, 0.2, 0.5, 1.0, 2.5) if total / ps <= FRAMES / 20), 5.0)
    return Production(segment, segments, position, everything, restart)


def before_production_h(cfg: RunConfig) -> float:
    """Core (and GPU) hours of relaxations, labels, training and the learning loop, without single points of DFT."""
    atoms = {pair: sum(counts.values()) for pair, counts in estimates.compositions(cfg).items()}
    sources, loops = targets.aimd_sources(cfg), targets.explorations(cfg)
    typical = round(sum(atoms[s.occupancy, s.cell] for s in sources) / len(sources))
    costs = []
    for level in cfg.levels:
        first = estimates.training(cfg, atoms=typical, level=level)
        costs += [first] * cfg.training.potentials
        if routes.own_dynamics(cfg, level):
            costs += [
                estimates.relax(cfg, level, atoms=atoms[o, c]) for o, c, _ in targets.relaxed_cells(cfg)
            ]
            costs += [estimates.aimd(cfg, level, s, atoms=atoms[s.occupancy, s.cell]) for s in sources]
        if cfg.learning is None or not routes.loops(cfg, level):
            continue
        rounds = cfg.learning.iterations
        later = estimates.training(cfg, atoms=typical, first=False, level=level)
        costs += [later] * cfg.training.potentials * rounds
        costs += [estimates.explore(cfg, s, atoms=atoms[s.occupancy, s.cell]) for s in loops] * rounds
        if cfg.levels[level].engine in PRETRAINED:
            frames = cfg.learning.max_frames * rounds
            costs.append(estimates.learned_labels(cfg, level, atoms=typical, frames=frames))
    return sum(cost.wall_s * max(cost.cores, cost.gpus) for cost in costs) / HOUR_S


def single_points_h(cfg: RunConfig) -> float:
    """Core hours of the learning loop's single points by DFT; 0 without."""
    if cfg.learning is None:
        return 0.0
    source = targets.explorations(cfg)[0]
    counts = estimates.compositions(cfg, [(source.occupancy, source.cell)])
    atoms = sum(counts[source.occupancy, source.cell].values())
    frames = cfg.learning.max_frames * cfg.learning.iterations
    costs = [
        estimates.learned_labels(cfg, level, atoms=atoms, frames=frames)
        for level in cfg.levels
        if routes.loops(cfg, level) and cfg.levels[level].engine not in PRETRAINED
    ]
    return sum(cost.wall_s * cost.cores for cost in costs) / HOUR_S


def production_h(cfg: RunConfig) -> float:
    """Core (and GPU) hours of all segments."""
    counts = estimates.compositions(cfg, [(cfg.md.occupancy, cfg.md.cell)])[cfg.md.occupancy, cfg.md.cell]
    steps = cfg.md.steps(1e3 * cfg.md.segment_ps * cfg.md.segments)
    one = estimates.md(
        cfg, atoms=sum(counts.values()), mobile=sum(counts[s] for s in cfg.material.carriers), steps=steps
    )
    runs = len(routes.answering(cfg)) * len(cfg.md.temperatures_k) * len(targets.production_runs(cfg))
    return runs * one.wall_s * max(one.cores, one.gpus) / HOUR_S
