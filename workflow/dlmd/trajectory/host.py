"""How still the host stays: all atoms that are not of the mobile species."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

# An atom whose mean position moved further than this (Å) has left its place: vibrations are smaller, distances of sites larger.
HOST_HOP_A = 1.0
# An atom whose mean position moved less than this (Å) rests.
HOST_SHIFT_A = 0.5
# Two atoms are bonded up to this many times the sum of their covalent radii.
BOND_SHARE = 1.25
# A bond that was ever longer than this many times what it was at the start has been broken.
BOND_STRETCH = 1.35
# Of a bond that is kept, the median over any fifth of the run differs from that at the start by no more than this share of it.
BOND_CHANGE = 0.1
# An atom whose next bond is, by covalent radii, longer by no more than this share links two atoms of a network: it is no group's.
BRIDGE = 0.05
_PARTS = 5


@dataclass(frozen=True)
class HostHealth:
    """How still the host (all non-mobile atoms) stayed.

    Attributes
    ----------
    msd_a2
        By species, mean over its atoms of |r_late - r_early|² relative to the host's centre of mass, where r_early and r_late
        are the atom's mean positions over the first and the last fifth of the run. Averaging removes the vibration: a solid
        stays near zero, a molten or hopping host grows with time.
    drift_a
        Distance in Å which the host's centre of mass travelled from the first to the last frame (removed from all positions).
    median_shift_a
        By species, median over its atoms of |r_late - r_early|: a change of structure takes half of them along, a single hop
        does not.
    hopped
        By species, number of atoms with |r_late - r_early| above `HOST_HOP_A`.
    turned
        By species, number of atoms that left their places only by turning about the one atom of the host that they are bonded to
        and that rests (PS4, BH4, SO4): a group that turns is no melt, so that the other numbers have the central atom's
        displacement in place of theirs.
    """

    msd_a2: dict[str, float]
    drift_a: float
    median_shift_a: dict[str, float] = field(default_factory=dict)
    hopped: dict[str, int] = field(default_factory=dict)
    turned: dict[str, int] = field(default_factory=dict)


def host_health(
    positions: np.ndarray, centre: np.ndarray, species: Sequence[str], *, cell: np.ndarray | None = None
) -> HostHealth:
    """Health of a host from its unwrapped positions (frames, atoms, 3) in Å, centre of mass (frames, 3) and species (atoms,).

    With the (3, 3) `cell`, atoms that turn about another of the host are told from those that leave.
    """
    relative = np.asarray(positions, dtype=np.float64) - np.asarray(centre, dtype=np.float64)[:, None]
    fifth = max(1, len(relative) // 5)
    shift = ((relative[-fifth:].mean(axis=0) - relative[:fifth].mean(axis=0)) ** 2).sum(axis=1)
    names = np.asarray(species)
    kinds = sorted(set(species))
    turned = np.zeros(len(names), dtype=bool)
    if cell is not None:
        turned, shift = _without_turns(relative, shift, names, np.asarray(cell, dtype=np.float64))
    return HostHealth(
        msd_a2={kind: float(shift[names == kind].mean()) for kind in kinds},
        drift_a=float(np.linalg.norm(centre[-1] - centre[0])),
        median_shift_a={kind: float(np.median(shift[names == kind]) ** 0.5) for kind in kinds},
        hopped={kind: int((shift[names == kind] > HOST_HOP_A**2).sum()) for kind in kinds},
        turned={kind: int(turned[names == kind].sum()) for kind in kinds if turned[names == kind].any()},
    )


def _without_turns(
    relative: np.ndarray, shift: np.ndarray, names: np.ndarray, cell: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which atoms turn about one that rests, and the squared shifts with the central atom's in place of theirs.

    An atom turns where it is out of place, but has kept its one bond to an atom of another species that is in its place.
    """
    turned, out = np.zeros(len(names), dtype=bool), shift.copy()
    inverse, radius = np.linalg.inv(cell), _radii(names)
    resting = shift <= HOST_SHIFT_A**2
    for atom in np.flatnonzero(~resting):
        others = np.flatnonzero(resting & (names != names[atom]))
        apart = relative[0, others] - relative[0, atom]
        images = np.round(apart @ inverse) @ cell
        bond = radius[others] + radius[atom]
        near = np.linalg.norm(apart - images, axis=1) <= BOND_SHARE * BOND_STRETCH * bond
        if near.any():
            ways = relative[:, others[near]] - relative[:, atom, None] - images[near]
            centre = _kept_bond(np.linalg.norm(ways, axis=2), bond[near])
            if centre is not None:
                turned[atom], out[atom] = True, shift[others[near][centre]]
    return turned, out


def _kept_bond(length: np.ndarray, bond: np.ndarray) -> int | None:
    """Which of the distances (frames, n) in Å is the atom's only bond and is kept all along; None where there is no such one.

    `bond` has the sums of covalent radii. A new distance that stays is no bond kept, however steady it is.
    """
    parts = np.array([np.median(part, axis=0) for part in np.array_split(length, min(_PARTS, len(length)))])
    share = parts[0] / bond
    first = int(share.argmin())
    at_start = parts[0, first]
    bonded = share[first] <= BOND_SHARE and int((share <= (1 + BRIDGE) * share[first]).sum()) == 1
    kept = length[:, first].max() <= BOND_STRETCH * at_start
    same = np.abs(parts[:, first] / at_start - 1).max() <= BOND_CHANGE
    return first if bonded and kept and same else None


def _radii(names: np.ndarray) -> np.ndarray:
    """Covalent radii (Å) of the atoms; of what is no element, not a number: it has no bonds."""
    from ase.data import atomic_numbers, covalent_radii

    return np.array(
        [covalent_radii[atomic_numbers[name]] if name in atomic_numbers else np.nan for name in names]
    )
