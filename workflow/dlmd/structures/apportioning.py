"""The integer programme behind `occupancy.apportion`, and what its refusals say."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import cached_property
from math import prod

import numpy as np

from dlmd.base.carriers import elements
from dlmd.structures import exclusion, site_charges
from dlmd.structures.crystal import OCCUPANCY_ROUNDING, Crystal, Site

ROUNDING = 5e-4  # occupancies are printed with three digits
COMPOSITION_WEIGHT = 10.0  # an atom too many in the whole crystal counts as ten on the wrong site
# where the request cannot be kept: what is nearest keeps the composition, whatever sites it takes
HOST_WEIGHT = 60.0
MOBILE_WEIGHT = 12.0  # the ions that move can be fewer or more: that is a doped crystal, not another one
VACANCY_WEIGHT = 60.0  # of a mixed site that the request fills
# of an occupancy's change, the more the further: what gives way is spread over the sites, and empties none where it need not
SPREAD_BEYOND, SPREAD_WEIGHT = (0.05, 0.1, 0.2, 0.35), 0.05
SPREAD_BEYOND_SHARE = 0.5  # of what is there, or of what is free
MIXED_VALENCE_E = 0.05  # a mean charge that is a fraction may be off by this much
LARGEST_SEARCH_CELLS = 2000
GOLDEN = (5**0.5 - 1) / 2  # whose multiples, modulo 1, fill an interval evenly
LONGEST_TO_SHORTEST = 3.0  # supercells longer than this are not proposed

Counts = dict[str, dict[str, int]]


class Problem:
    """Neutral counts for `repeat` unit cells, or for any other number of them, as near as can be to `requested`.

    `limits` (s + 1, s + 1) are the smallest distances (Å) of the species.
    """

    def __init__(
        self,
        crystal: Crystal,
        repeat: tuple[int, int, int],
        requested: Mapping[str, Mapping[str, float]],
        charges: Mapping[str, float],
        species: Sequence[str],
        limits: np.ndarray,
    ):
        self.crystal, self.repeat, self.requested, self.charges = crystal, repeat, requested, charges
        self.limits = limits
        self.entries = [(site, s, x) for site in crystal.sites for s, x in requested[site.label].items()]
        self.target = np.array([x for _, _, x in self.entries])
        self.multiplicity = np.array([site.multiplicity for site, _, _ in self.entries])
        own = site_charges.by_site(charges, crystal)
        self.charge = np.array([float(own.get((site.label, s), charges[s])) for site, s, _ in self.entries])
        self.species = list(dict.fromkeys(s for _, s, _ in self.entries))
        # A full or an empty site stays as it is, whatever the other sites need.
        self.fixed = np.array([x in (0.0, 1.0) for _, _, x in self.entries])
        self.mixed = np.array([not q.is_integer() for q in self.charge.tolist()])
        pairs = {(a, b): limits[i + 1, j + 1] for i, a in enumerate(species) for j, b in enumerate(species)}
        around = exclusion.Surroundings(crystal, requested, float(limits.max()))
        self.cliques = around.cliques(pairs)

    @property
    def cells(self) -> int:
        return prod(self.repeat)

    @property
    def charge_per_cell(self) -> float:
        return float(self.charge @ (self.target * self.multiplicity))

    @property
    def mixed_per_cell(self) -> float:
        """Ions of mixed valence in a unit cell."""
        return float((self.target * self.multiplicity)[self.mixed].sum())

    @cached_property
    def bounds(self) -> np.ndarray:
        """(bounds, entries): the sum of n / multiplicity over a clique is at most the number of cells."""
        index = {(site.label, s): k for k, (site, s, _) in enumerate(self.entries)}
        rows = exclusion.rows_of(self.cliques)
        table = np.zeros((len(rows), len(self.entries)))
        for i, row in enumerate(rows):
            for key, n in row.items():
                table[i, index[key]] = n / self.multiplicity[index[key]]
        return table

    @cached_property
    def crowded(self) -> list[exclusion.Clique]:
        """Positions that exclude each other and would hold more than the one atom that has room, the fullest first."""
        over = [c for c in self.cliques if c.filled(self.requested) > 1 + exclusion.SLACK]
        return sorted(over, key=lambda c: -c.filled(self.requested))

    @cached_property
    def filled(self) -> np.ndarray:
        """(entries,) whether an entry's site is mixed, full, and not so near to others that they have no room."""
        crowded = {s for c in self.crowded for s in c.sites}
        return np.array(
            [
                len(row := self.requested[site.label]) > 1
                and sum(row.values()) > 1 - OCCUPANCY_ROUNDING
                and site.label not in crowded
                for site, _, _ in self.entries
            ]
        )

    def solve(
        self,
        tolerance: float,
        *,
        cells: int | None = None,
        mobile: str | None = None,
        bounded: bool = True,
        keep_full: bool = False,
    ) -> Counts | None:
        """The best neutral counts with every occupancy within `tolerance` of the request, or None.

        With `mobile` the numbers of other ions are kept before its own, and both before the sites. With `keep_full` mixed
        sites that the request fills stay full where they have room.
        """
        from scipy.optimize import Bounds, LinearConstraint, milp

        cells = cells or self.cells
        capacity = self.multiplicity * cells
        wanted = self.target * capacity
        low, high = self._range(wanted, capacity, tolerance)
        if np.any(low > high):
            return None

        # variables: counts n; |n - wanted| per entry; |total - wanted total| per species; what differences are too large by
        n, p = len(self.entries), len(self.species)
        totals, per_site = self._sums
        room = np.array([site.multiplicity * cells for site in self.crystal.sites])
        least = np.where(totals @ wanted > 0, 1.0, 0.0)  # no species is lost

        spread = self._spread(capacity) if keep_full else np.zeros((0, n))
        k = spread.size

        def row(counts: np.ndarray, each: np.ndarray, total: np.ndarray) -> np.ndarray:
            return np.hstack([counts, each, total, np.zeros((len(counts), k))])

        def of_counts(counts: np.ndarray) -> np.ndarray:
            return row(counts, np.zeros((len(counts), n)), np.zeros((len(counts), p)))

        no_total, eye, off = np.zeros((n, p)), np.eye(n), MIXED_VALENCE_E * self.mixed_per_cell * cells
        constraints = [
            LinearConstraint(of_counts(self.charge[None]), -off, off),
            LinearConstraint(of_counts(per_site), -np.inf, room),
            LinearConstraint(row(eye, -eye, no_total), -np.inf, wanted),
            LinearConstraint(row(-eye, -eye, no_total), -np.inf, -wanted),
            LinearConstraint(row(totals, np.zeros((p, n)), -np.eye(p)), -np.inf, totals @ wanted),
            LinearConstraint(row(-totals, np.zeros((p, n)), -np.eye(p)), -np.inf, -(totals @ wanted)),
        ]
        if (least > totals @ low).any():
            constraints.append(LinearConstraint(of_counts(totals), least, np.inf))
        if bounded and len(self.bounds):
            constraints.append(LinearConstraint(of_counts(self.bounds), -np.inf, cells + 1e-9))
        if k:
            each = np.tile(eye, (len(spread), 1))
            beyond = np.hstack([np.zeros((k, n)), each, np.zeros((k, p)), -np.eye(k)])
            constraints.append(LinearConstraint(beyond, -np.inf, spread.ravel()))
        rest = np.zeros(n + p + k)
        found = milp(
            np.concatenate([self._cost(mobile, keep_full), np.full(k, SPREAD_WEIGHT)]),
            integrality=np.concatenate([np.ones(n), rest]),
            bounds=Bounds(np.concatenate([low, rest]), np.concatenate([high, rest + np.inf])),
            constraints=constraints,
            options={"mip_rel_gap": 0.0},
        )
        return self._by_site(np.rint(found.x[:n]).astype(int)) if found.success else None

    @cached_property
    def _sums(self) -> tuple[np.ndarray, np.ndarray]:
        """(species, entries) and (sites, entries): which entries add up to the atoms of each species, and of each site."""
        totals = [[s == name for _, s, _ in self.entries] for name in self.species]
        per_site = [[site is other for site, _, _ in self.entries] for other in self.crystal.sites]
        return np.array(totals, float), np.array(per_site, float)

    def _range(
        self, wanted: np.ndarray, capacity: np.ndarray, tolerance: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """(entries,) fewest and most atoms within the tolerance; more than the most where no whole number is."""
        slack = np.where(self.fixed, 0.0, tolerance * capacity) + 1e-6
        return np.clip(np.ceil(wanted - slack), 0, capacity), np.clip(np.floor(wanted + slack), 0, capacity)

    def _spread(self, capacity: np.ndarray) -> np.ndarray:
        """(steps, entries) differences in atoms beyond which each further one costs more."""
        share = SPREAD_BEYOND_SHARE * np.minimum(self.target, 1 - self.target)
        return np.array([*(np.full(len(capacity), x) for x in SPREAD_BEYOND), share]) * capacity

    def _cost(self, mobile: str | None, keep_full: bool) -> np.ndarray:
        """(2 entries + species,) what a unit of each variable costs: counts, their differences, those of the totals."""
        n = len(self.entries)
        # A small slope decides between equally good sites: the first listed is filled. Where a config is proposed, sites that are
        # alike are taken here and there in the list: that of a P 1 cell begins with one half of it.
        order = np.arange(n) if mobile is None else self._scattered
        slope = -1e-4 * (n - order) / n - VACANCY_WEIGHT * (keep_full & self.filled)
        host = COMPOSITION_WEIGHT if mobile is None else HOST_WEIGHT
        weight = np.array([MOBILE_WEIGHT if s in elements(mobile) else host for s in self.species])
        return np.concatenate([slope, np.ones(n), weight])

    @cached_property
    def _scattered(self) -> np.ndarray:
        """(entries,) the place of each in the list, those of one species, multiplicity and occupancy evenly mixed."""
        alike: dict[tuple[str, int, float], list[int]] = {}
        for k, (site, s, x) in enumerate(self.entries):
            alike.setdefault((s, site.multiplicity, x), []).append(k)
        order = np.arange(len(self.entries))
        for places in alike.values():
            order[places] = np.array(places)[np.argsort(np.argsort(np.arange(len(places)) * GOLDEN % 1))]
        return order

    def _by_site(self, values: np.ndarray) -> Counts:
        counts: Counts = {site.label: {} for site in self.crystal.sites}
        for (site, name, _), value in zip(self.entries, values, strict=True):
            counts[site.label][name] = int(value)
        return counts

    def occupancies(self, counts: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, float]]:
        return {
            site.label: {s: n / (site.multiplicity * self.cells) for s, n in counts[site.label].items()}
            for site in self.crystal.sites
        }

    def totals(self, counts: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
        return {s: sum(row.get(s, 0) for row in counts.values()) for s in self.species}

    def neutral_charges(self, counts: Mapping[str, Mapping[str, int]]) -> dict[tuple[str, str], float]:
        """(site label, species) -> charge, those of mixed valence moved by what makes the counts neutral."""
        atoms = np.array([counts[site.label].get(s, 0) for site, s, _ in self.entries])
        rest, ions = float(self.charge @ atoms), int(atoms[self.mixed].sum())
        moved = rest / ions if ions and abs(rest) >= 1e-9 else 0.0
        return {
            (site.label, s): float(q - moved if mixed else q)
            for (site, s, _), q, mixed in zip(self.entries, self.charge, self.mixed, strict=True)
        }

    def smallest_supercell(self, tolerance: float, *, least: int = 1) -> tuple[int, int, int] | None:
        """The smallest supercell of at least `least` cells, not too long in one direction, that realises the request."""
        lengths = self.crystal.cell_parameters[:3]
        for cells in range(least, LARGEST_SEARCH_CELLS + 1):
            shape = isotropic_shape(cells, lengths)
            if elongation(shape, lengths) <= LONGEST_TO_SHORTEST and self.solve(tolerance, cells=cells):
                return shape
        return None

    def partial(self) -> list[tuple[Site, str, float]]:
        return [entry for entry, fixed in zip(self.entries, self.fixed, strict=True) if not fixed]


def elongation(shape: Sequence[int], lengths: Sequence[float]) -> float:
    """Longest over shortest edge of a supercell, to one digit (cells alike but for rounding are alike)."""
    edges = [n * length for n, length in zip(shape, lengths, strict=True)]
    return round(max(edges) / min(edges), 1)


def isotropic_shape(cells: int, lengths: Sequence[float]) -> tuple[int, int, int]:
    """The supercell of `cells` unit cells whose edges are most alike; the first in order of several."""
    divisors = [n for n in range(1, cells + 1) if cells % n == 0]
    shapes = [
        (i, j, cells // (i * j)) for i, j in itertools.product(divisors, repeat=2) if cells % (i * j) == 0
    ]
    return min(shapes, key=lambda shape: (elongation(shape, lengths), shape))
