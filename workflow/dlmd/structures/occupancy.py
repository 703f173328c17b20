"""Integer atom counts for a supercell: neutral, of exact composition, nearest to the occupancies asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.structures import distances, refusals, site_charges
from dlmd.structures.apportioning import ROUNDING, Problem, isotropic_shape
from dlmd.structures.crystal import OCCUPANCY_ROUNDING, Crystal, read_cif
from dlmd.structures.distances import MinDistance

__all__ = ["ROUNDING", "Apportionment", "apportion", "isotropic_shape", "nearest"]

Occupancies = Mapping[str, float | Mapping[str, float]]


@dataclass(frozen=True)
class Apportionment:
    """How many atoms of each species go on each site of a supercell.

    Attributes
    ----------
    species
        The fixed element order, that of `charges`.
    charges
        Mean charge (e) of every species. Those of mixed valence (a fraction) are what makes the cell neutral.
    charges_by_site
        (site label, species) -> charge (e), those of a species alike unless stated otherwise.
    counts, requested, realised
        Site label -> species -> number of atoms, requested and realised occupancy.
    limits
        (s + 1, s + 1) smallest distances in Å that the counts were bounded by; see `distances.limits`.
    """

    crystal: Crystal
    repeat: tuple[int, int, int]
    charges: Mapping[str, float]
    tolerance: float
    species: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]
    requested: Mapping[str, Mapping[str, float]]
    realised: Mapping[str, Mapping[str, float]]
    limits: np.ndarray
    charges_by_site: Mapping[tuple[str, str], float] = field(default_factory=dict)
    stated_charges: Mapping[str, float] = field(default_factory=dict)

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
        return round(sum(self.charges[s] * n for s, n in self.composition.items()), 6) + 0.0

    @property
    def composition_difference(self) -> str:
        """Species whose number is not the requested one, to a thousandth, as 'Na 24 for 23.68'; empty where all agree."""
        asked, made = self.requested_composition, self.composition
        return ", ".join(
            f"{s} {made[s]} for {asked[s]:.4g}"
            for s in self.species
            if abs(made[s] - asked[s]) > max(1e-3 * asked[s], ROUNDING * self.n_atoms)
        )

    @property
    def charge_shift(self) -> str:
        """Mean charges of mixed valence as they make the cell neutral, as 'Co 3.25 for 3.26'; empty where as stated."""
        return ", ".join(
            f"{s} {self.charges[s]:.4g} for {q:.4g}"
            for s, q in self.stated_charges.items()
            if s in self.charges and abs(self.charges[s] - q) > 1e-6
        )

    @property
    def requested_composition(self) -> dict[str, float]:
        """Number of atoms of each species that the requested occupancies ask for; no whole numbers."""
        cells = prod(self.repeat)
        return {
            s: sum(self.requested[site.label].get(s, 0.0) * site.multiplicity for site in self.crystal.sites)
            * cells
            for s in self.species
        }

    @property
    def occupancies(self) -> dict[str, float | dict[str, float]]:
        """The realised occupancies of all sites that are not full, as `apportion` and a config take them."""
        found: dict[str, float | dict[str, float]] = {}
        for site in self.crystal.sites:
            row = {s: round(x, 6) for s, x in self.realised[site.label].items()}
            if set(row) == set(site.occupancy) and len(row) == 1:
                (x,) = row.values()
                if x != 1 or site.occupancy != {s: 1.0 for s in row}:
                    found[site.label] = x
            elif row != dict(site.occupancy):
                found[site.label] = row
        return found

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
    min_distance_angstrom: MinDistance = distances.DEFAULT_A,
    mobile: str | None = None,
) -> Apportionment:
    """Integer counts for a supercell of `repeat` conventional cells.

    Among all neutral choices that positions which exclude each other allow, the one with the fewest atoms too many or too
    few is taken: first in the total of each species, then on each site. No species is lost.

    Parameters
    ----------
    occupancies
        Overrides of the CIF, by atom-site label or Wyckoff label; a number for a site with one species, else
        species -> number, which then is the whole content of the site. 0 empties the site.
    charges
        Formal charge (e) of every species; their order is the element order of all structures made of this. A fraction is
        a mean over mixed valence and may be off by 0.05 e. 'Fe on Fe1' is that of Fe on one site.
    tolerance
        Largest accepted difference between a realised and a requested occupancy. The default is half a unit
        of the third digit, so that a printed 0.063 may mean 1/16.
    min_distance_angstrom
        Å; one number, or pair -> number as in {'Li-Li': 2.0}. Like ions of pairs not named keep what the crystal shows
        beyond that.
    mobile
        The species whose number may be changed rather than that of others, where a refusal names the nearest possible.

    Raises
    ------
    DlmdError
        An unknown site or species, an occupancy outside [0, 1], a species without a charge, occupancies that
        are not neutral or cannot be realised in this supercell: the nearest possible ones are named, and the
        smallest supercell that realises the request.
    """
    problem, species = _problem(crystal, repeat, occupancies, charges, min_distance_angstrom)
    counts = problem.solve(tolerance)
    if counts is None:
        refusals.refuse(problem, tolerance, mobile=mobile)
    return _made(problem, species, counts, tolerance)


def of_cif(
    cif: str | Path,
    *,
    repeat: Sequence[int],
    occupancies: Occupancies,
    charges: Mapping[str, float],
    tolerance: float,
    min_distance_angstrom: MinDistance,
) -> Apportionment:
    """`apportion` of a CIF's crystal, as the jobs of a run have it; the crystal is the result's."""
    return apportion(
        read_cif(cif),
        repeat=repeat,
        occupancies=occupancies,
        charges=charges,
        tolerance=tolerance,
        min_distance_angstrom=min_distance_angstrom,
    )


def nearest(
    crystal: Crystal,
    *,
    repeat: Sequence[int],
    occupancies: Occupancies | None = None,
    charges: Mapping[str, float],
    min_distance_angstrom: MinDistance = distances.DEFAULT_A,
    mobile: str | None = None,
) -> Apportionment:
    """The neutral counts nearest to the request, however far: its `requested_composition` and `composition` tell how far.

    Arguments are those of `apportion`. The numbers of all species but `mobile` are kept as far as possible.

    Raises
    ------
    DlmdError
        where no choice of counts is neutral.
    """
    problem, species = _problem(crystal, repeat, occupancies, charges, min_distance_angstrom)
    counts = problem.solve(1.0, mobile=mobile, keep_full=True)
    if counts is None:
        refusals.refuse(problem, 1.0, mobile=mobile)
    made = _made(problem, species, counts, 1.0)
    return replace(made, tolerance=made.largest_error)


def _problem(
    crystal: Crystal,
    repeat: Sequence[int],
    occupancies: Occupancies | None,
    charges: Mapping[str, float],
    min_distance_angstrom: MinDistance,
) -> tuple[Problem, tuple[str, ...]]:
    """The counts to be found, and the species in their order."""
    shape = _checked_repeat(repeat)
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
    limits = distances.of_crystal(min_distance_angstrom, crystal, requested, charges=charges, species=species)
    return Problem(crystal, shape, requested, charges, species, limits), species


@lru_cache(maxsize=8)
def of_unit_cell(crystal: Crystal, charges: tuple[tuple[str, float], ...]) -> Problem:
    """The problem of the CIF's own occupancies, to be solved for many numbers of cells. Raises DlmdError as `apportion`."""
    return _problem(crystal, (1, 1, 1), None, dict(charges), distances.DEFAULT_A)[0]


def _made(
    problem: Problem, species: tuple[str, ...], counts: Mapping[str, Mapping[str, int]], tolerance: float
) -> Apportionment:
    by_site = problem.neutral_charges(counts)
    return Apportionment(
        crystal=problem.crystal,
        repeat=problem.repeat,
        charges=_means(problem, counts, by_site),
        tolerance=tolerance,
        species=species,
        counts=counts,
        requested=problem.requested,
        realised=problem.occupancies(counts),
        limits=problem.limits,
        charges_by_site=by_site,
        stated_charges={s: q for s, q in problem.charges.items() if s in species},
    )


def _means(
    problem: Problem, counts: Mapping[str, Mapping[str, int]], by_site: Mapping[tuple[str, str], float]
) -> dict[str, float]:
    """Mean charge of every species; of those that are not there, what is stated."""
    means: dict[str, float] = {s: q for s, q in problem.charges.items() if site_charges.split(s)[1] is None}
    for species, stated in means.items():
        here = {label: row[species] for label, row in counts.items() if row.get(species)}
        if here and any(by_site[label, species] != stated for label in here):
            total = sum(n * by_site[label, species] for label, n in here.items())
            means[species] = total / sum(here.values())
    return means


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
