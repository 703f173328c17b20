"""Arrangements that keep all distances, found by integer programming where random swaps do not find one.

One variable per position and species, at most one filled in every clique of positions that exclude each other, the counts of
every site exact. A random objective makes the arrangement differ from seed to seed. Large cells start from a smaller one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dlmd.structures import molecules

TIME_LIMIT_S = 60.0
FIRST_FOUND_GAP = 0.5  # relative: the objective is random, so that any arrangement serves


class Exclusions(Protocol):
    """What `distances.Exclusions` has of forbidden contents: neighbours of each position in compressed rows."""

    start: list[int]
    neighbour: np.ndarray
    pair: np.ndarray
    forbidden: np.ndarray
    groups: molecules.Counts | None


@dataclass(frozen=True)
class Outcome:
    """What was found: an arrangement, a proof that there is none, or neither in time.

    Attributes
    ----------
    content
        (positions,) or None.
    fitting
        How many of the `wanted` atoms fit at most, where it is proven that not all do.
    """

    content: np.ndarray | None
    impossible: bool = False
    fitting: int = 0
    wanted: int = 0


Row = tuple[Sequence[int], Sequence[float], float, float]  # variables, weights, least and largest sum


class Packing:
    """The integer programme of the movable positions, everything else as it is in `content`."""

    def __init__(
        self,
        content: np.ndarray,
        groups: Sequence[np.ndarray],
        exclusions: Exclusions,
        *,
        wanted: Sequence[Mapping[int, int]] | None = None,
    ):
        self.base = content.copy()
        owner = np.full(len(content), -1)
        for k, positions in enumerate(groups):
            owner[positions] = k
            self.base[positions] = 0
        n_contents = exclusions.forbidden.shape[1] if len(exclusions.forbidden) else int(content.max()) + 1
        if exclusions.groups is not None:
            n_contents = exclusions.groups.is_centre.shape[1]
        # variables: (position, species) for what the position's site holds
        self.number = np.full((len(content), n_contents), -1)
        self.targets: list[tuple[np.ndarray, int]] = []  # variables, how many of them are filled
        places, kinds = [], []
        n = 0
        for positions, counts in zip(groups, wanted or [counted(content[p]) for p in groups], strict=True):
            for species, count in counts.items():
                self.number[positions, species] = np.arange(n, n + len(positions))
                self.targets.append((np.arange(n, n + len(positions)), count))
                places.append(positions)
                kinds.append(np.full(len(positions), species))
                n += len(positions)
        self.place = np.concatenate(places) if places else np.zeros(0, int)
        self.kind = np.concatenate(kinds) if kinds else np.zeros(0, int)
        self.closed = np.zeros(n, dtype=bool)
        self.neighbours: list[set[int]] = [set() for _ in range(n)]
        self._link(exclusions)
        self.rows = self._grouped(exclusions.groups) if exclusions.groups is not None else []

    def _grouped(self, groups: molecules.Counts) -> list[Row]:
        """The numbers of ligands: fewest * centre <= ligands <= most * centre, and the most without a centre."""
        rows: list[Row] = []
        for n, (fewest, most, alone) in enumerate(groups.bounds):
            kind, at, places = groups.kind[n], groups.centre[n], groups.places[n]
            free = [int(k) for p in places for k in self.number[p][groups.is_ligand[kind]] if k >= 0]
            fixed = int(sum(groups.is_ligand[kind, self.base[p]] for p in places))
            here = [int(k) for k in self.number[at][groups.is_centre[kind]] if k >= 0]
            there = int(groups.is_centre[kind, self.base[at]])
            # most * centre + alone * (1 - centre), and the least
            low, high = fewest * there - fixed, alone + (most - alone) * there - fixed
            if free:
                members = [*free, *here]
                rows.append((members, [1.0] * len(free) + [-float(fewest)] * len(here), low, np.inf))
                rows.append((members, [1.0] * len(free) + [float(alone - most)] * len(here), -np.inf, high))
        return rows

    def _link(self, exclusions: Exclusions) -> None:
        first = np.repeat(np.arange(len(self.base)), np.diff(exclusions.start))
        second, forbidden = exclusions.neighbour, exclusions.forbidden[exclusions.pair]
        n_contents = self.number.shape[1]
        for a in range(1, n_contents):
            here = self.number[first, a]
            # a neighbour that stays as it is
            fixed = (self.number[second] < 0).all(axis=1) & (here >= 0)
            shut = fixed & forbidden[np.arange(len(first)), a, self.base[second]]
            self.closed[here[shut]] = True
            for b in range(1, n_contents):
                there = self.number[second, b]
                both = (here >= 0) & (there >= 0) & forbidden[:, a, b]
                for i, j in zip(here[both].tolist(), there[both].tolist(), strict=True):
                    if i == j:  # its own image
                        self.closed[i] = True
                    else:
                        self.neighbours[i].add(j)
                        self.neighbours[j].add(i)
        for numbers in self.number[(self.number >= 0).sum(axis=1) > 1].tolist():  # one species per position
            here_all = [k for k in numbers if k >= 0]
            for i in here_all:
                self.neighbours[i].update(k for k in here_all if k != i)

    def cliques(self) -> list[list[int]]:
        """Cliques that cover every exclusion; large ones make the programme easy."""
        found: list[list[int]] = []
        covered: set[tuple[int, int]] = set()
        for i, near in enumerate(self.neighbours):
            for j in sorted(near):
                if j < i or (i, j) in covered:
                    continue
                members = [i, j]
                common = self.neighbours[i] & self.neighbours[j]
                while common:
                    k = min(common)
                    members.append(k)
                    common &= self.neighbours[k]
                members.sort()
                covered.update((a, b) for x, a in enumerate(members) for b in members[x + 1 :])
                found.append(members)
        return found

    def solve(self, rng: np.random.Generator, *, time_limit_s: float = TIME_LIMIT_S) -> Outcome:
        """An arrangement of the counts, or how many atoms fit at most."""
        n, wanted = len(self.place), sum(k for _, k in self.targets)
        cliques = self.cliques()
        bounds = [_sum(members, -np.inf, 1.0) for members in cliques]
        exact = [_sum(variables.tolist(), float(k), float(k)) for variables, k in self.targets]
        rows = [*bounds, *exact, *self.rows]
        found = _milp(n, rng.random(n), rows, self.closed, time_limit_s, gap=FIRST_FOUND_GAP)
        if found.x is not None:
            return Outcome(self._filled(found.x), fitting=wanted, wanted=wanted)
        if found.status != 2:
            return Outcome(None, wanted=wanted)
        most = self._most(-np.ones(n), cliques, time_limit_s)
        fitting = round(-most.fun) if most.x is not None else 0
        return Outcome(None, impossible=True, fitting=fitting, wanted=wanted)

    def most(self, rng: np.random.Generator, *, time_limit_s: float = TIME_LIMIT_S) -> np.ndarray | None:
        """(positions,) an arrangement of as many of the wanted atoms as fit, None where the time is too short for one."""
        n = len(self.place)
        found = self._most(-1.0 - 0.1 / max(n, 1) * rng.random(n), self.cliques(), time_limit_s)
        return None if found.x is None else self._filled(found.x)

    def _most(self, cost: np.ndarray, cliques: Sequence[Sequence[int]], time_limit_s: float) -> Any:
        rows = [_sum(members, -np.inf, 1.0) for members in cliques]
        rows += [_sum(variables.tolist(), -np.inf, float(k)) for variables, k in self.targets]
        rows += self.rows
        return _milp(len(cost), cost, rows, self.closed, time_limit_s, gap=0.0)

    def _filled(self, x: np.ndarray) -> np.ndarray:
        content = self.base.copy()
        filled = np.flatnonzero(x > 0.5)
        content[self.place[filled]] = self.kind[filled]
        return content


def _sum(members: Sequence[int], least: float, largest: float) -> Row:
    return members, [1.0] * len(members), least, largest


def counted(content: np.ndarray) -> dict[int, int]:
    """Species -> atoms in a content (positions,)."""
    found, counts = np.unique(content[content > 0], return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _milp(
    n: int,
    cost: np.ndarray,
    rows: Iterable[Row],
    closed: np.ndarray,
    time_limit_s: float,
    *,
    gap: float,
) -> Any:
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    kept = list(rows)
    lengths = [len(members) for members, _, _, _ in kept]
    columns = np.concatenate([np.zeros(0, int), *(np.asarray(members, int) for members, _, _, _ in kept)])
    weights = np.concatenate([np.zeros(0), *(np.asarray(weights) for _, weights, _, _ in kept)])
    matrix = csr_array((weights, (np.repeat(np.arange(len(kept)), lengths), columns)), shape=(len(kept), n))
    return milp(
        cost,
        integrality=np.ones(n),
        bounds=Bounds(0, np.where(closed, 0.0, 1.0)),
        constraints=LinearConstraint(matrix, [low for *_, low, _ in kept], [high for *_, high in kept]),
        options={"mip_rel_gap": gap, "time_limit": time_limit_s},
    )
