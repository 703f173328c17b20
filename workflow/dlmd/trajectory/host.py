"""How still the host stays: all atoms that are not of the mobile species."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

# An atom whose mean position moved further than this (Å) has left its place: vibrations are smaller, distances of sites larger.
HOST_HOP_A = 1.0


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
    """

    msd_a2: dict[str, float]
    drift_a: float
    median_shift_a: dict[str, float] = field(default_factory=dict)
    hopped: dict[str, int] = field(default_factory=dict)


def host_health(positions: np.ndarray, centre: np.ndarray, species: Sequence[str]) -> HostHealth:
    """Health of a host from its unwrapped positions (frames, atoms, 3) in Å, centre of mass (frames, 3) and species (atoms,)."""
    relative = np.asarray(positions, dtype=np.float64) - np.asarray(centre, dtype=np.float64)[:, None]
    fifth = max(1, len(relative) // 5)
    shift = ((relative[-fifth:].mean(axis=0) - relative[:fifth].mean(axis=0)) ** 2).sum(axis=1)
    names = np.asarray(species)
    kinds = sorted(set(species))
    return HostHealth(
        msd_a2={kind: float(shift[names == kind].mean()) for kind in kinds},
        drift_a=float(np.linalg.norm(centre[-1] - centre[0])),
        median_shift_a={kind: float(np.median(shift[names == kind]) ** 0.5) for kind in kinds},
        hopped={kind: int((shift[names == kind] > HOST_HOP_A**2).sum()) for kind in kinds},
    )
