"""The cells of a run at constant pressure: equivalent descriptions, their mean, and how far they change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Relative change of the cell that is rounding of the file (XTC keeps seven digits) and not constant pressure.
TOLERANCE = 1e-4


def differs(cell: np.ndarray, other: np.ndarray) -> bool:
    """Whether two (3, 3) cells differ by more than a file's rounding."""
    return bool(np.abs(cell - other).max() > TOLERANCE * np.abs(other).max())


def same_lattice(cell: np.ndarray, before: np.ndarray) -> np.ndarray:
    """The (3, 3) `cell`, or the vectors of the same lattice that follow on from `before`.

    LAMMPS flips a tilt that has grown beyond half a cell: the vectors jump by whole lattice vectors, the lattice stays.
    """
    change = np.round(cell @ np.linalg.inv(before))
    if np.array_equal(change, np.eye(3)) or abs(round(np.linalg.det(change))) != 1:
        return cell
    return np.linalg.inv(change) @ cell


@dataclass(frozen=True)
class CellChange:
    """How the cell changed during a run.

    Attributes
    ----------
    mean
        (3, 3), Å: mean of the vectors.
    mean_volume_a3
        Mean of the volumes.
    trend
        Largest principal strain of the mean cell of the last fifth from that of the first.
    spread
        Largest standard deviation of a length, as a fraction of it.
    """

    mean: np.ndarray
    mean_volume_a3: float
    trend: float
    spread: float


def change_of(cells: np.ndarray) -> CellChange:
    """How (frames, 3, 3) cells change."""
    mean = cells.mean(axis=0)
    fifth = max(1, len(cells) // 5)
    first, last = cells[:fifth].mean(axis=0), cells[-fifth:].mean(axis=0)
    strain = np.linalg.inv(first) @ last - np.eye(3)
    lengths = np.linalg.norm(cells, axis=2)
    return CellChange(
        mean=mean,
        mean_volume_a3=float(np.abs(np.linalg.det(cells)).mean()),
        trend=float(np.abs(np.linalg.eigvalsh(0.5 * (strain + strain.T))).max()),
        spread=float((lengths.std(axis=0) / lengths.mean(axis=0)).max()),
    )


# Bins along a cell vector in which atoms are looked for.
_BINS = 200


# Between layers of a crystal there is no atom for so much, Å.
_USUAL_GAP_A = 4.0


class EmptySpace:
    """Where along each cell vector no atom is ever found: a slab's vacuum is such a gap, and no part of the crystal."""

    def __init__(self, cell: np.ndarray):
        self._inverse = np.linalg.inv(cell)
        # distance of the planes that each vector connects
        self._widths = 1.0 / np.linalg.norm(self._inverse, axis=0)
        self._taken = np.zeros((3, _BINS), dtype=bool)

    def add(self, positions: np.ndarray) -> None:
        """Add a frame (atoms, 3)."""
        fractional = self._inverse.T @ positions.T
        bins = np.minimum(((fractional - np.floor(fractional)) * _BINS).astype(int), _BINS - 1)
        for axis in range(3):
            self._taken[axis, bins[axis]] = True

    def occupied(self) -> float:
        """Share of the cell that the atoms span: less its widest gap along each vector, where it is wider than usual ones."""
        share = 1.0
        for axis in range(3):
            share *= 1.0 - max(0.0, self._gap(axis) - _USUAL_GAP_A) / self._widths[axis]
        return float(share)

    def _gap(self, axis: int) -> float:
        """Width in Å of the widest gap along a cell vector."""
        taken = np.flatnonzero(self._taken[axis])
        between = np.diff(np.r_[taken, taken[0] + _BINS]) - 1 if len(taken) else np.array([_BINS])
        return float(between.max()) / _BINS * float(self._widths[axis])

    def widest(self) -> tuple[float, int]:
        """Width in Å of the widest gap, and the cell vector along which it lies."""
        gaps = [self._gap(axis) for axis in range(3)]
        axis = int(np.argmax(gaps))
        return gaps[axis], axis
