"""Symmetry operations on fractional coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

Keys = frozenset[tuple[int, ...]]  # operations as a set that compares
METRIC_TOLERANCE = 0.02  # relative; a cell that an operation distorts by more does not have it


@dataclass(frozen=True)
class Symmetry:
    """Operations on fractional coordinates, and the words that they come from.

    Attributes
    ----------
    rotations, translations
        (n, 3, 3) and (n, 3).
    """

    name: str
    rotations: np.ndarray
    translations: np.ndarray

    def __len__(self) -> int:
        return len(self.rotations)

    @cached_property
    def keys(self) -> Keys:
        """The operations as a set that compares: rotation and translation in 1/1000 of the cell."""
        shifts = np.round(self.translations % 1.0 * 240).astype(int) % 240
        turns = np.round(self.rotations).astype(int).reshape(len(self), 9)
        return frozenset(map(tuple, np.hstack([turns, shifts]).tolist()))

    def fits(self, lattice: np.ndarray) -> bool:
        """Whether the operations leave the lengths and angles of the cell (3, 3) as they are."""
        metric = lattice @ lattice.T
        turned = np.einsum("nji,jk,nkl->nil", self.rotations, metric, self.rotations)
        scale = np.sqrt(np.outer(np.diag(metric), np.diag(metric)))
        return bool((np.abs(turned - metric) / scale).max() < METRIC_TOLERANCE)
