"""Are lengths in Å? Room per atom and distances of neighbours that no solid has tell nm, m or Bohr that were not converted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.geometry import NEAREST_OVER_RADII, nearest_over_radii

# Å³ per atom: diamond has 5.7; a tenfold length is a thousandfold volume, and cells with vacuum or dilute models are in between.
VOLUME_PER_ATOM_A3 = (4.0, 2500.0)
# Usual distance in Å to the nearest atom: 0.74 in H2.
_NEAREST_A = 0.5
# Atoms whose neighbours are looked for.
_ATOMS = 200
_BOHR_A = 0.529177
# Å³ per atom: CsI and RbI have 49.
_WIDEST_SOLID_A3 = 60.0


def check_lengths(positions: np.ndarray, cell: np.ndarray, *, volume_a3: float | None, where: str) -> None:
    """Raises DlmdError where atoms have too little or too much room to be in Å.

    Parameters
    ----------
    positions, cell
        (atoms, 3) and (3, 3) of one frame.
    volume_a3
        Volume that the user gives; None for the cell's.
    """
    low, high = VOLUME_PER_ATOM_A3
    cell_a3 = float(abs(np.linalg.det(cell))) / len(positions)
    # a slab whose volume is given may lie in any vacuum
    rooms = [("", cell_a3)] if volume_a3 is None else [("", min(cell_a3, high))]
    if volume_a3 is not None:
        rooms.append(("--volume: ", volume_a3 / len(positions)))
    for option, room in rooms:
        if not low <= room <= high:
            raise DlmdError(
                f"{option}{room:.3g} Å³ per atom: no solid has that; are these nm?",
                where=where,
                remedy="give lengths in Å (1 nm = 10 Å) and volumes in Å³ (1 nm³ = 1000 Å³); or --trust-options",
            )
    if len(positions) < 2:
        return
    nearest = _nearest(positions, cell)
    if nearest < _NEAREST_A:
        raise DlmdError(
            f"atoms are {nearest:.2g} Å from their nearest neighbours (median): are these nm?",
            where=where,
            remedy="give positions in Å (1 nm = 10 Å); or --trust-options",
        )


def check_bohr(positions: np.ndarray, cell: np.ndarray, symbols: Sequence[str], *, where: str) -> list[str]:
    """Notes on atoms too far apart to touch. Raises DlmdError where they would make a solid if lengths are in Bohr.

    Parameters
    ----------
    positions, cell, symbols
        (atoms, 3), (3, 3) and (atoms,) of one frame with mobile ions and a host: ions alone may be as far apart as they like.
    """
    shares, distances = nearest_over_radii(
        positions, cell, symbols, range(0, len(positions), max(1, len(positions) // _ATOMS))
    )
    share = float(np.median(shares))
    if share <= NEAREST_OVER_RADII[1]:
        return []
    room = float(abs(np.linalg.det(cell))) / len(positions)
    what = (
        f"atoms are {float(np.median(distances)):.2f} Å from their nearest neighbours, {share:.2f} times the sum of their radii "
        f"(medians), at {room:.3g} Å³ per atom"
    )
    if share * _BOHR_A <= NEAREST_OVER_RADII[1] and room * _BOHR_A**3 <= _WIDEST_SOLID_A3:
        raise DlmdError(
            f"{what}: are these Bohr?",
            where=where,
            remedy=f"give positions and cell in Å (1 Bohr = {_BOHR_A} Å); or --trust-options",
        )
    return [f"{what}: no solid is as sparse; check that positions and cell are in Å (1 Bohr = {_BOHR_A} Å)"]


def _nearest(positions: np.ndarray, cell: np.ndarray) -> float:
    """Median over some atoms of the distance to the nearest one."""
    fractional = positions @ np.linalg.inv(cell)
    found = []
    for atom in range(0, len(positions), max(1, len(positions) // _ATOMS)):
        apart = np.delete(fractional - fractional[atom], atom, axis=0)
        apart -= np.round(apart)
        found.append(float(((apart @ cell) ** 2).sum(axis=1).min()))
    return float(np.median(found)) ** 0.5
