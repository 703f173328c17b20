"""What a cell of whole atoms makes of a crystal: counts nearest to its occupancies, neutral, and how far they are from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from dlmd.base import carriers
from dlmd.structures.crystal import Crystal
from dlmd.structures.occupancy import of_unit_cell

NEARLY_FULL = 0.95  # a refined site that is fuller is a full one with its error


@dataclass(frozen=True)
class Filling:
    """Whole, neutral counts in a supercell."""

    crystal: Crystal
    repeat: tuple[int, int, int]
    counts: Mapping[str, Mapping[str, int]]

    @cached_property
    def occupancies(self) -> dict[str, dict[str, float]]:
        """Site label -> species -> realised occupancy."""
        cells = prod(self.repeat)
        return {
            site.label: {s: n / (site.multiplicity * cells) for s, n in self.counts[site.label].items()}
            for site in self.crystal.sites
        }

    @cached_property
    def composition(self) -> dict[str, int]:
        """Atoms of every element."""
        found: dict[str, int] = {}
        for row in self.counts.values():
            for species, n in row.items():
                found[species] = found.get(species, 0) + n
        return found

    @property
    def n_atoms(self) -> int:
        """All atoms."""
        return sum(self.composition.values())

    @cached_property
    def occupancy_error(self) -> float:
        """Largest difference of an occupancy from the CIF's."""
        return max(
            abs(self.occupancies[site.label].get(s, 0.0) - x)
            for site in self.crystal.sites
            for s, x in site.occupancy.items()
        )

    @cached_property
    def changes(self) -> dict[str, float]:
        """Element -> atoms per cell of the CIF that are more or fewer than its occupancies make."""
        cells = prod(self.repeat)
        return {s: self.composition.get(s, 0) / cells - n for s, n in self.crystal.composition.items()}

    @property
    def shares(self) -> dict[str, float]:
        """Element -> the same as a part of the element's atoms."""
        atoms = self.crystal.composition
        return {s: change / atoms[s] for s, change in self.changes.items() if atoms[s] > 0}

    @cached_property
    def composition_error(self) -> float:
        """Largest of these."""
        return max(abs(share) for share in self.shares.values())

    @property
    def lost(self) -> list[str]:
        """Elements of the CIF that this cell has none of."""
        return [s for s, n in self.crystal.composition.items() if n > 0 and not self.composition.get(s)]

    @cached_property
    def emptied(self) -> dict[str, float]:
        """Label -> occupancy in the CIF of sites that it fills in part and this cell not at all."""
        return {
            site.label: sum(site.occupancy.values())
            for site in self.crystal.sites
            if 0 < sum(site.occupancy.values()) and not any(self.counts[site.label].values())
        }

    @cached_property
    def filled(self) -> dict[str, float]:
        """Label -> occupancy in the CIF of sites that it leaves empty in part and this cell fills."""
        cells = prod(self.repeat)
        return {
            site.label: x
            for site in self.crystal.sites
            if (x := sum(site.occupancy.values())) < NEARLY_FULL
            and sum(self.counts[site.label].values()) == site.multiplicity * cells
        }

    @property
    def disordered(self) -> bool:
        """Whether any site holds more than one kind of content."""
        cells = prod(self.repeat)
        return any(
            max(self.counts[site.label].values(), default=0) < site.multiplicity * cells
            and any(self.counts[site.label].values())
            for site in self.crystal.sites
        )

    def overrides(self) -> dict[str, Any]:
        """What the config says of partly filled sites: label -> occupancy, or {element: occupancy}."""
        found: dict[str, Any] = {}
        for site in self.crystal.sites:
            row = self.occupancies[site.label]
            if all(x in (0.0, 1.0) for x in (*site.occupancy.values(), *row.values())):
                continue
            found[site.label] = (
                {s: round(x, 6) for s, x in row.items()}
                if len(site.occupancy) > 1
                else round(next(iter(row.values())), 6)
            )
        return found


def nearest(
    crystal: Crystal, repeat: Sequence[int], *, charges: Mapping[str, float], mobile: str
) -> Filling | None:
    """The neutral filling of a supercell with the fewest atoms too many or too few, None where there is none."""
    shape = (repeat[0], repeat[1], repeat[2])
    problem = of_unit_cell(crystal, tuple(charges.items()))
    counts = problem.solve(1.0, cells=prod(shape), mobile=mobile, keep_full=True)
    return None if counts is None else Filling(crystal, shape, counts)


def ions(composition: Mapping[str, float], mobile: str) -> float:
    """How many of the atoms are mobile."""
    return sum(composition.get(s, 0) for s in carriers.elements(mobile))


def widths(lattice: np.ndarray) -> np.ndarray:
    """(3,) distances (Å) between opposite faces of a cell."""
    return 1.0 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
