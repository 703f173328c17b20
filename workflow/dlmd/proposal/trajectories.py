"""Which trajectories are labelled: hotter than production, strained, of several orderings; one is held out, in another cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import floor

SHORT_STEPS = 100  # of the one that the learning loop is judged by
STRAIN = 0.01
FEWEST = 3  # trajectories to train on


@dataclass(frozen=True)
class Cells:
    """Names of the cells that labels are made in: two ways to fill one cell (the second may be absent), and production's."""

    occupancy: str
    first: str
    second: str | None
    held_out: tuple[str, str]  # occupancy and cell
    orderings: int


@dataclass(frozen=True)
class Group:
    """Trajectories of one ordering, as the config has them."""

    occupancy: str
    cell: str
    ordering: int
    temperatures_k: tuple[int, ...]
    split: str
    strain: float = 0.0
    steps: int | None = None

    def line(self) -> str:
        """The group as a map of YAML."""
        parts = [
            f'occupancy: "{self.occupancy}"',
            f'cell: "{self.cell}"',
            f"orderings: [{self.ordering}]",
            f"temperatures_k: [{', '.join(map(str, self.temperatures_k))}]",
        ]
        if self.strain:
            parts.append(f"strains: [{self.strain:g}]")
        parts.append(f"split: {self.split}")
        if self.steps:
            parts.append(f"steps: {self.steps}")
        return "{" + ", ".join(parts) + "}"


def groups(cells: Cells, *, labels_k: Sequence[int], rdf_k: int, share: float = 1.0) -> list[Group]:
    """All groups; what is held out is in no other. Of those to train on a share is kept, three at least."""
    held = Group(
        *cells.held_out, cells.orderings - 1 if cells.held_out[1] == cells.first else 0, (rdf_k,), "test"
    )
    wanted = [held, *_others(cells, labels_k)]
    seen: set[tuple[str, str, int, int, float]] = set()
    found = []
    for group in wanted:
        keys = {
            t: (group.occupancy, group.cell, group.ordering, t, group.strain) for t in group.temperatures_k
        }
        temperatures = tuple(t for t, key in keys.items() if key not in seen)
        if temperatures:
            seen |= {keys[t] for t in temperatures}
            found.append(replace(group, temperatures_k=temperatures))
    return [*_thinned(found[1:], share), found[0]]


def _thinned(found: Sequence[Group], share: float) -> list[Group]:
    """The groups with a share of the training trajectories: the hottest one, and others of all cells and strains."""
    runs = [(i, t) for i, group in enumerate(found) if group.split == "train" for t in group.temperatures_k]
    most = max(FEWEST, floor(share * len(runs) + 1e-9))
    if most >= len(runs):
        return list(found)
    hottest = max(runs, key=lambda run: run[1])
    others = [run for run in runs if run != hottest]
    spread = [round(k * (len(others) - 1) / (most - 2)) for k in range(most - 1)]
    kept = {hottest, *(others[k] for k in spread)}
    thinned = [
        replace(group, temperatures_k=tuple(t for t in group.temperatures_k if (i, t) in kept))
        if group.split == "train"
        else group
        for i, group in enumerate(found)
    ]
    return [group for group in thinned if group.temperatures_k]


def _others(cells: Cells, labels_k: Sequence[int]) -> Iterator[Group]:
    low, high, hotter = labels_k[0], labels_k[-2], labels_k[-1]
    middle = labels_k[len(labels_k) // 2 - 1]
    other, n = (cells.second, 0) if cells.second else (cells.first, min(1, cells.orderings - 1))
    last = min(n + 1, cells.orderings - 1)
    between = (middle + high) // 20 * 10
    # the one that judges comes before those that would take its place where there is a single ordering
    yield Group(cells.occupancy, other, last, (between,), "valid", steps=SHORT_STEPS)
    yield Group(cells.occupancy, cells.first, 0, (low, middle, high), "train")
    yield Group(cells.occupancy, cells.first, 0, (middle,), "train", STRAIN)
    yield Group(cells.occupancy, cells.first, 0, (high,), "train", -STRAIN)
    yield Group(cells.occupancy, other, n, (high, hotter), "train")
    yield Group(cells.occupancy, other, last, (high,), "train", -STRAIN)
    yield Group(cells.occupancy, other, last, (middle,), "train", STRAIN)
