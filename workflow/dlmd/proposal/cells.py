"""The supercells of a run: one for the labels, as small as the cutoff allows, and one for production, with ions enough.

A cell is judged by its price, its atoms, and by how far its whole atoms are from the CIF's occupancies and composition. A cell
twice as large is taken where it halves an error of a tenth, and not for less.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil, inf, log, prod
from typing import NoReturn

import numpy as np

from dlmd.base import carriers
from dlmd.base.errors import DlmdError
from dlmd.proposal import faithful
from dlmd.proposal.filling import Filling, ions, nearest, widths
from dlmd.structures import occupancy
from dlmd.structures.crystal import Crystal

# what an error of 1 in an occupancy, or in the composition, is worth in logarithms of the atoms
LABEL_WEIGHTS = (8.0, 15.0)
PRODUCTION_WEIGHTS = (40.0, 60.0)
LOST = 2.0  # an element that a cell has none of
NOTHING_LEFT = 0.35  # a partly filled site that a cell empties or fills: 1.4 times the atoms
MOST_SHAPES = 60
LARGER = 8.0  # cells of up to so many times the smallest one's atoms are looked at
WIDEST_TO_NARROWEST = 2.5
# a single step or a single point of a larger cell is out of most users' reach
LARGE_LABEL_CELL = 300


@dataclass(frozen=True)
class Wanted:
    """What a cell must have: width (Å) along every direction, mobile ions, and the most atoms that may be spent on it.

    Atoms beyond `dear_atoms` cost twice.
    """

    width_angstrom: float
    mobile_ions: int = 1
    most_atoms: int = 100_000
    weights: tuple[float, float] = LABEL_WEIGHTS
    dear_atoms: float = inf


def choose(crystal: Crystal, charges: Mapping[str, float], mobile: str, wanted: Wanted) -> Filling:
    """The cheapest good filling of what is wanted.

    Raises
    ------
    DlmdError
        where no cell that was looked at has a neutral filling with mobile ions.
    """
    best: tuple[float, Filling] | None = None
    for shape in itertools.islice(_shapes(crystal, mobile, wanted), MOST_SHAPES):
        floor = log(sum(crystal.composition.values()) * prod(shape))
        if best is not None and floor - 0.05 > best[0]:
            break
        filling = nearest(crystal, shape, charges=charges, mobile=mobile)
        if filling is None or not ions(filling.composition, mobile):
            continue
        price = _price(filling, wanted)
        if best is None or price < best[0]:
            best = (price, filling)
    if best is None:
        _refuse(crystal, charges, mobile, wanted)
    return best[1]


def _refuse(crystal: Crystal, charges: Mapping[str, float], mobile: str, wanted: Wanted) -> NoReturn:
    """Why the smallest shape cannot be filled."""
    shape = next(_shapes(crystal, mobile, wanted))
    why = faithful.crowded(crystal, charges)
    if why:
        raise DlmdError(
            f"no neutral cell keeps the compound of {crystal.name}: {why[0]}",
            where=f"{crystal.source}, occupancies",
            remedy=faithful.way_out(crystal, charges, mobile),
        )
    made = occupancy.nearest(crystal, repeat=shape, charges=charges, mobile=mobile)
    raise DlmdError(
        f"no cell of {crystal.name} that is wide enough holds any {carriers.spoken(mobile)}",
        where=f"{crystal.source}, occupancies",
        remedy=f"correct the occupancies: {'x'.join(map(str, shape))} cells have {made.composition}",
    )


def _price(filling: Filling, wanted: Wanted) -> float:
    occupancy, composition = wanted.weights
    return (
        log(filling.n_atoms)
        + log(max(1.0, filling.n_atoms / wanted.dear_atoms))
        + occupancy * filling.occupancy_error
        + composition * min(filling.composition_error, 0.2)
        + LOST * len(filling.lost)
        + NOTHING_LEFT * (len(filling.emptied) + len(filling.filled))
    )


def _shapes(crystal: Crystal, mobile: str, wanted: Wanted) -> Iterator[tuple[int, int, int]]:
    """Shapes that are wide enough and hold ions enough, by their number of cells."""
    unit = widths(crystal.lattice)
    atoms = crystal.composition
    least = [max(1, ceil(wanted.width_angstrom / w - 1e-3)) for w in unit]
    fewest = max(prod(least), ceil(wanted.mobile_ions / max(ions(atoms, mobile), 1e-9) - 1e-9))
    most = max(LARGER * prod(least), 2 * fewest)
    most = max(min(most, wanted.most_atoms / sum(atoms.values())), prod(least), 1)
    smallest = max(unit[i] * least[i] for i in range(3)) / min(unit[i] * least[i] for i in range(3))
    longest_share = max(WIDEST_TO_NARROWEST, smallest)
    # no edge of so much volume is longer, where it is no more than so many times the others: rare ions need many cells
    longest = longest_share ** (2 / 3) * (most * prod(unit)) ** (1 / 3)
    ranges = [
        range(n, max(n + 1, int(min(most * n / prod(least), longest / w + 1e-6)) + 1))
        for n, w in zip(least, unit, strict=True)
    ]
    found = []
    for shape in itertools.product(*ranges):
        edges = unit * shape
        if prod(shape) > most + 1e-9 or max(edges) / min(edges) > longest_share:
            continue
        i, j, k = shape
        found.append((prod(shape), round(float(max(edges) / min(edges)), 2), (i, j, k)))
    enough = [entry for entry in found if entry[0] >= min(fewest, most)]
    for _, _, shape in sorted(enough or found):
        yield shape


def narrowest(filling: Filling) -> float:
    """Smallest distance (Å) between opposite faces of a supercell."""
    return float((widths(filling.crystal.lattice) * np.array(filling.repeat)).min())
