"""Integer atom counts for a supercell: neutral, of exact composition, nearest to the occupancies asked for."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NoReturn

import numpy as np

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.structures.crystal import OCCUPANCY_ROUNDING, Crystal, Site

ROUNDING = 5e-4  # occupancies are printed with three digits
COMPOSITION_WEIGHT = 10.0  # an atom too many in the whole crystal counts as ten on the wrong site
LARGEST_SEARCH_CELLS = 2000
LONGEST_TO_SHORTEST = 3.0  # supercells longer than this are not proposed

Occupancies = Mapping[str, float | Mapping[str, float]]


@dataclass(frozen=True)
class Apportionment:
    """How many atoms of each species go on each site of a supercell.

    Attributes
    ----------
    species
        The fixed element order, that of `charges`.
    counts, requested, realised
        Site label -> species -> number of atoms, requested and realised occupancy.
    """

    crystal: Crystal
    repeat: tuple[int, int, int]
    charges: Mapping[str, float]
    tolerance: float
    species: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]
    requested: Mapping[str, Mapping[str, float]]
    realised: Mapping[str, Mapping[str, float]]

    @property
    def composition(self) -> dict[str, int]:
        """Number of atoms of each species, in the fixed element order."""
        return {s: sum(site.get(s, 0) for site in self.counts.values()) for s in self.species}

    @property
    def n_atoms(self) -> int:
        return sum(self.composition.values())

    @property
    def charge(self) -> float:
        """Total charge in e; zero by construction."""
        return sum(self.charges[s] * n for s, n in self.composition.items())

    @property
    def largest_error(self) -> float:
        """The largest difference between a realised and a requested occupancy."""
        return max(
            (abs(self.realised[s][p] - x) for s, row in self.requested.items() for p, x in row.items()),
            default=0.0,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: one row per site and species, with the rounding error."""
        rows = [
            {
                "site": site.label,
                "wyckoff": site.wyckoff,
                "species": species,
                "positions": site.multiplicity * prod(self.repeat),
                "atoms": self.counts[site.label][species],
                "requested_occupancy": requested,
                "realised_occupancy": self.realised[site.label][species],
                "rounding_error": self.realised[site.label][species] - requested,
            }
            for site in self.crystal.sites
            for species, requested in self.requested[site.label].items()
        ]
        return {
            "crystal": self.crystal.name,
            "repeat": list(self.repeat),
            "n_atoms": self.n_atoms,
            "composition": self.composition,
            "charges_e": {s: self.charges[s] for s in self.species},
            "charge_e": self.charge,
            "tolerance": self.tolerance,
            "largest_rounding_error": self.largest_error,
            "sites": rows,
        }


def apportion(
    crystal: Crystal,
    *,
    repeat: Sequence[int] = (2, 2, 2),
    occupancies: Occupancies | None = None,
    charges: Mapping[str, float],
    tolerance: float = ROUNDING,
) -> Apportionment:
    """Integer counts for a supercell of `repeat` conventional cells.

    Among all neutral choices the one with the fewest atoms too many or too few is taken: first in the total
    of each species, then on each site.

    Parameters
    ----------
    occupancies
        Overrides of the CIF, by atom-site label or Wyckoff label; a number for a site with one species, else
        species -> number, which then is the whole content of the site. 0 empties the site.
    charges
        Formal charge (e) of every species; their order is the element order of all structures made of this.
    tolerance
        Largest accepted difference between a realised and a requested occupancy. The default is half a unit
        of the third digit, so that a printed 0.063 may mean 1/16.

    Raises
    ------
    DlmdError
        An unknown site or species, an occupancy outside [0, 1], a species without a charge, occupancies that
        are not neutral or cannot be realised in this supercell: the nearest possible ones are named, and the
        smallest supercell that realises the request.
    """
    repeat = _checked_repeat(repeat)
    requested = _requested(crystal, occupancies or {})
    present = [s for s in dict.fromkeys(s for row in requested.values() for s in row)]
    for name in present:
        if name not in charges:
            raise DlmdError(
                f"no charge given for {name}",
                where="charges",
                remedy=f"add {name}; {did_you_mean(name, charges)}",
            )
    species = tuple(s for s in charges if s in present)

    problem = _Problem(crystal, requested, charges)
    counts = problem.solve(prod(repeat), tolerance)
    if counts is None:
        _refuse(problem, repeat, tolerance)
    return Apportionment(
        crystal=crystal,
        repeat=repeat,
        charges=dict(charges),
        tolerance=tolerance,
        species=species,
        counts=counts,
        requested=requested,
        realised=problem.occupancies(counts, prod(repeat)),
    )


def _checked_repeat(repeat: Sequence[int]) -> tuple[int, int, int]:
    values = list(repeat)
    if len(values) != 3 or any(int(n) != n or n < 1 for n in values):
        raise DlmdError(
            f"repeat is {values}", where="repeat", remedy="give three whole numbers above 0: [2, 2, 2]"
        )
    return int(values[0]), int(values[1]), int(values[2])


def _requested(crystal: Crystal, occupancies: Occupancies) -> dict[str, dict[str, float]]:
    """Site label -> species -> occupancy: the CIF's, with the overrides put in."""
    requested = {site.label: dict(site.occupancy) for site in crystal.sites}
    for key, value in occupancies.items():
        where = f"occupancies: {key}"
        site = crystal.site(str(key), where=where)
        if isinstance(value, Mapping):
            content = {str(s): float(x) for s, x in value.items()}
        elif len(site.occupancy) == 1:
            content = {next(iter(site.occupancy)): float(value)}
        else:
            raise DlmdError(
                f"{value} for site {site.label}, which holds {' and '.join(site.occupancy)}",
                where=where,
                remedy=f"name the species: {{{', '.join(f'{s}: ...' for s in site.occupancy)}}}",
            )
        for name, x in content.items():
            if not 0 <= x <= 1:
                raise DlmdError(f"occupancy {x:g} of {name}", where=where, remedy="give a number from 0 to 1")
        if sum(content.values()) > 1 + OCCUPANCY_ROUNDING:
            raise DlmdError(
                f"occupancies add up to {sum(content.values()):g}",
                where=where,
                remedy="keep their sum at most 1",
            )
        requested[site.label] = content
    return requested


class _Problem:
    """The integer programme behind `apportion`, for any number of unit cells."""

    def __init__(
        self, crystal: Crystal, requested: Mapping[str, Mapping[str, float]], charges: Mapping[str, float]
    ):
        self.crystal, self.requested, self.charges = crystal, requested, charges
        self.entries = [(site, s, x) for site in crystal.sites for s, x in requested[site.label].items()]
        self.target = np.array([x for _, _, x in self.entries])
        self.multiplicity = np.array([site.multiplicity for site, _, _ in self.entries])
        self.charge = np.array([charges[s] for _, s, _ in self.entries])
        self.species = list(dict.fromkeys(s for _, s, _ in self.entries))
        # A full or an empty site stays as it is, whatever the other sites need.
        self.fixed = np.array([x in (0.0, 1.0) for _, _, x in self.entries])

    @property
    def charge_per_cell(self) -> float:
        return float(self.charge @ (self.target * self.multiplicity))

    def solve(self, cells: int, tolerance: float) -> dict[str, dict[str, int]] | None:
        """The best neutral counts with every occupancy within `tolerance` of the request, or None."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        capacity = self.multiplicity * cells
        wanted = self.target * capacity
        slack = np.where(self.fixed, 0.0, tolerance * capacity) + 1e-6
        low = np.clip(np.ceil(wanted - slack), 0, capacity)
        high = np.clip(np.floor(wanted + slack), 0, capacity)
        if np.any(low > high):
            return None

        # variables: counts n; |n - wanted| per entry; |total - wanted total| per species
        n, p = len(self.entries), len(self.species)
        totals = np.array([[s == name for _, s, _ in self.entries] for name in self.species], float)
        per_site = np.array(
            [[site is other for site, _, _ in self.entries] for other in self.crystal.sites], float
        )
        room = np.array([site.multiplicity * cells for site in self.crystal.sites])

        def row(counts: np.ndarray, each: np.ndarray, total: np.ndarray) -> np.ndarray:
            return np.hstack([counts, each, total])

        no_total, eye = np.zeros((n, p)), np.eye(n)
        constraints = [
            LinearConstraint(row(self.charge[None], np.zeros((1, n)), np.zeros((1, p))), 0, 0),
            LinearConstraint(
                row(per_site, np.zeros((len(room), n)), np.zeros((len(room), p))), -np.inf, room
            ),
            LinearConstraint(row(eye, -eye, no_total), -np.inf, wanted),
            LinearConstraint(row(-eye, -eye, no_total), -np.inf, -wanted),
            LinearConstraint(row(totals, np.zeros((p, n)), -np.eye(p)), -np.inf, totals @ wanted),
            LinearConstraint(row(-totals, np.zeros((p, n)), -np.eye(p)), -np.inf, -(totals @ wanted)),
        ]
        # A small slope decides between equally good sites: the first listed is filled.
        cost = np.concatenate([-1e-4 * np.arange(n, 0, -1) / n, np.ones(n), np.full(p, COMPOSITION_WEIGHT)])
        found = milp(
            cost,
            integrality=np.concatenate([np.ones(n), np.zeros(n + p)]),
            bounds=Bounds(
                np.concatenate([low, np.zeros(n + p)]), np.concatenate([high, np.full(n + p, np.inf)])
            ),
            constraints=constraints,
            options={"mip_rel_gap": 0.0},
        )
        if not found.success:
            return None
        counts: dict[str, dict[str, int]] = {site.label: {} for site in self.crystal.sites}
        for (site, name, _), value in zip(self.entries, np.rint(found.x[:n]).astype(int), strict=True):
            counts[site.label][name] = int(value)
        return counts

    def occupancies(self, counts: Mapping[str, Mapping[str, int]], cells: int) -> dict[str, dict[str, float]]:
        return {
            site.label: {s: n / (site.multiplicity * cells) for s, n in counts[site.label].items()}
            for site in self.crystal.sites
        }

    def smallest_supercell(self, tolerance: float) -> tuple[int, int, int] | None:
        """The smallest supercell, not too long in one direction, that realises the request."""
        lengths = self.crystal.cell_parameters[:3]
        for cells in range(1, LARGEST_SEARCH_CELLS + 1):
            shape = isotropic_shape(cells, lengths)
            if elongation(shape, lengths) <= LONGEST_TO_SHORTEST and self.solve(cells, tolerance) is not None:
                return shape
        return None

    def partial(self) -> list[tuple[Site, str, float]]:
        return [entry for entry, fixed in zip(self.entries, self.fixed, strict=True) if not fixed]


def _refuse(problem: _Problem, repeat: tuple[int, int, int], tolerance: float) -> NoReturn:
    cells = prod(repeat)
    partial = problem.partial()
    asked = (
        ", ".join(f"{s} {x:g} on {site.label} ({site.wyckoff})" for site, s, x in partial)
        or "full sites only"
    )
    nearest = problem.solve(cells, 1.0)
    neutral_within = float(np.abs(problem.charge * problem.multiplicity * ~problem.fixed).sum() * tolerance)
    size = "x".join(map(str, repeat))
    if nearest is None:
        raise DlmdError(
            f"no neutral filling of {size} cells: {asked} carries {problem.charge_per_cell:+.3g} e per cell",
            where="occupancies and charges",
            remedy="correct the charges, or make a site partial whose species can balance the charge",
        )
    realised = problem.occupancies(nearest, cells)
    n_atoms = sum(sum(row.values()) for row in nearest.values())
    near = ", ".join(
        f"{s} {realised[site.label][s]:.6g} on {site.label} ({nearest[site.label][s]} atoms)"
        for site, s, _ in partial
    )
    if abs(problem.charge_per_cell) > neutral_within + 1e-9:
        raise DlmdError(
            f"not neutral: {asked} carries {problem.charge_per_cell:+.4g} e per cell",
            where="occupancies and charges",
            remedy=f"correct them; nearest possible in {size}: {near}",
        )
    needed = ", ".join(f"{x * site.multiplicity * cells:.2f} {s} on {site.label}" for site, s, x in partial)
    larger = problem.smallest_supercell(tolerance)
    if larger is None:
        elsewhere = f"no supercell up to {LARGEST_SEARCH_CELLS} cells does it within {tolerance:g}"
    else:
        atoms = n_atoms * prod(larger) // cells
        elsewhere = f"smallest supercell that does it: {'x'.join(map(str, larger))} ({atoms} atoms)"
    raise DlmdError(
        f"{asked} cannot be realised in {size} ({n_atoms} atoms): it would take {needed}",
        where="occupancies",
        remedy=f"nearest possible: {near}; {elsewhere}; or accept more than {tolerance:g} by tolerance",
    )


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
