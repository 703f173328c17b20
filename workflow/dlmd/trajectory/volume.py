"""The volume of the material of a trajectory: that of the cell, or less where this holds vacuum."""

from __future__ import annotations

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.trajectory.ion_store import IonStore

# Widest space in Å without any atom in a crystal: layers of two-dimensional materials lie closer, vacuum of slabs is wider.
_WIDEST_GAP_A = 8.0
# A volume that is given may be rounded, and less than what atoms span that leave a porous or curved surface.
_ROUNDED, _LEAST_OF_OCCUPIED = 0.02, 0.4


def volume_of(
    store: IonStore, found: float | None, given: float | None, label: str, *, trust: bool
) -> float | None:
    """The volume in Å³ to count with, where it is not the cell's.

    Parameters
    ----------
    found
        That of the mean cell, of a cell that changes.
    given
        The user's.

    Raises
    ------
    DlmdError
        for a slab whose volume is not given, and for a volume that no material in this cell has.
    """
    gap, axis = store.empty.widest()
    if given is not None:
        if not trust:
            _check_volume(
                given, found or float(abs(np.linalg.det(store.cell))), store.empty.occupied(), label
            )
        return given
    if gap > _WIDEST_GAP_A and store.n_host:
        raise DlmdError(
            f"no atom of the host is ever found in {gap:.1f} Å of the cell along {'abc'[axis]}: a slab, "
            "whose vacuum is no conductor",
            where=label,
            remedy="give the volume of the material in Å³: --volume A3 (Python: volume_a3)",
        )
    return found


def _check_volume(given: float, cell_a3: float, occupied: float, label: str) -> None:
    """Raises DlmdError for a volume of the material that is larger than its cell, or much smaller than what its atoms span."""
    least = _LEAST_OF_OCCUPIED * occupied * cell_a3
    if least <= given <= (1 + _ROUNDED) * cell_a3:
        return
    raise DlmdError(
        f"--volume {given:.6g} Å³, but the cell has {cell_a3:.6g} Å³, of which the atoms span {occupied * cell_a3:.3g} Å³",
        where=label,
        remedy="give the volume of the material in Å³ (1 nm³ = 1000 Å³), without its vacuum; or --trust-options",
    )
