"""Which places around a centre two hydrogens of one molecule do not fill together: H2O, NH2, NH3 and H3O have their angles.

Eight places on the corners of a cube around an oxygen hold any two hydrogens of a water molecule by their number; 71° and 180°
are no water, 109° is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

# between two hydrogens of a centre with so many, in degrees: H2O 104.5, NH2 103 to 106, NH3 107, H3O 112
ANGLE = {("O", 2): 104.5, ("N", 2): 104.5, ("O", 3): 110.0, ("N", 3): 109.0}
NEAR = 6.0  # looked for first; the corners of a cube have 109.5
WIDER = ((95.0, 121.0), (80.0, 130.0))  # then; an octahedron's places have 90 and 180
MOST_PLACES = 48  # around one centre, for its shape to be looked for
SAME_SHARE = 1e-3  # hydrogens to a centre


def wrong(
    bonds: np.ndarray, sites: Sequence[str], held: Sequence[float], centre: str, numbers: tuple[int, int]
) -> np.ndarray | None:
    """(n, n) pairs of places at no angle of the molecule; None where the places leave no choice.

    Parameters
    ----------
    bonds
        (n, 3) from the centre to its places.
    sites, held
        Of every place: its site, and the hydrogen on it where the centre is there.
    centre, numbers
        The centre's species, and the fewest and most hydrogens that it has.
    """
    wanted = ANGLE.get((centre, numbers[1]))
    if wanted is None or not numbers[1] <= len(bonds) <= MOST_PLACES:
        return None
    unit = bonds / np.linalg.norm(bonds, axis=1)[:, None]
    angle = np.degrees(np.arccos(np.clip(unit @ unit.T, -1, 1)))
    for low, high in ((wanted - NEAR, wanted + NEAR), *WIDER):
        fits = (angle > low) & (angle < high)
        if _can_be_filled(fits, sites, held, numbers):
            out = ~fits
            np.fill_diagonal(out, False)
            return out if out.any() else None
    return None


def _can_be_filled(
    fits: np.ndarray, sites: Sequence[str], held: Sequence[float], numbers: tuple[int, int]
) -> bool:
    """Whether molecules of fitting places alone give every site its share of the hydrogen."""
    from scipy.optimize import linprog

    names = sorted(set(sites))
    row = [names.index(s) for s in sites]
    share = np.bincount(row, weights=held, minlength=len(names))
    kinds = {
        tuple(np.bincount([row[k] for k in chosen], minlength=len(names)).tolist())
        for number in range(numbers[0], numbers[1] + 1)
        for chosen in combinations(range(len(sites)), number)
        if all(fits[a, b] for a, b in combinations(chosen, 2))
    }
    if not any(sum(kind) == numbers[1] for kind in kinds):
        return False
    # parts of the centres with each kind of molecule, and how far the shares are off, both ways
    n, off = len(kinds), len(names)
    sums = np.hstack([np.array(sorted(kinds), float).T, np.eye(off), -np.eye(off)])
    whole = np.r_[np.ones(n), np.zeros(2 * off)]
    cost = np.r_[np.zeros(n), np.ones(2 * off)]
    found = linprog(cost, A_eq=np.vstack([sums, whole]), b_eq=np.r_[share, 1.0])
    return bool(found.status == 0 and found.fun < SAME_SHARE)
