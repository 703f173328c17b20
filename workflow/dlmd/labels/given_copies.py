"""Given frames that are held out and trained on as well: moved, turned, in another order of atoms, or nearly the same.

Positions and cells are in Å.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms

# RMS distance of atoms, with the rigid shift taken off, below which two frames are one: what atoms of a hot crystal move in about
# five femtoseconds. Independent frames are 0.3 Å and more apart at 300 K. Cells may differ by as much in any component
NEAR = 0.05
# the same of cells with fewer than LEAST_ATOMS, whose few atoms say less: what digits of files differ by
EQUAL = 5e-4
# Distances of an atom to so many neighbours, whose RMS difference is no more than this where atoms are that near
NEIGHBOURS, ALIKE = 16, 0.08
# energies per atom (eV) and forces (eV/Å, sorted sizes of each element) that are equal, in files of few digits too, whatever the
# choice of axes; of as many atoms and forces as are never equal by chance
SAME_ENERGY, SAME_FORCE, LEAST_ATOMS, LEAST_FORCE = 1e-5, 1e-3, 8, 0.05


class Copy(NamedTuple):
    """Numbers of two frames, the held-out one first, and how they are alike."""

    held_out: int
    other: int
    how: str


class _Frame(NamedTuple):
    """Fractional coordinates sorted by element, their cell whatever its orientation, and the atoms of the rarest element."""

    places: np.ndarray
    cell: np.ndarray
    elements: list[slice]
    around: np.ndarray


def held_out_again(frames: Sequence[Atoms], held_out: Sequence[bool]) -> Iterator[Copy]:
    """Frames that are held out although another frame has their structure, or nearly."""
    groups: dict[bytes, list[int]] = {}
    for i, atoms in enumerate(frames):
        groups.setdefault(np.sort(atoms.numbers).tobytes(), []).append(i)
    for members in groups.values():
        ours = [i for i in members if held_out[i]]
        others = [i for i in members if not held_out[i]]
        if ours and others:
            yield from _same_labels(frames, ours, others)
            yield from _near(frames, ours, others)


def _same_labels(frames: Sequence[Atoms], ours: Sequence[int], others: Sequence[int]) -> Iterator[Copy]:
    """Frames whose energies and forces are the same but for directions and the order of atoms."""
    from scipy.spatial import cKDTree

    def told(i: int) -> np.ndarray:
        results = frames[i].calc.results
        sizes = np.linalg.norm(np.asarray(results["forces"], float), axis=1)
        energy = float(results["energy"]) / len(sizes) * SAME_FORCE / SAME_ENERGY
        return np.append(sizes[np.lexsort((sizes, frames[i].numbers))], energy)

    if len(frames[ours[0]]) < LEAST_ATOMS:
        return
    tree = cKDTree([told(i) for i in others])
    for i in ours:
        values = told(i)
        if values[:-1].max() >= LEAST_FORCE:
            for found in sorted(tree.query_ball_point(values, SAME_FORCE, p=np.inf)):
                yield Copy(
                    i, others[found], "the same energy and forces, whatever the axes and the order of atoms"
                )


def _near(frames: Sequence[Atoms], ours: Sequence[int], others: Sequence[int]) -> Iterator[Copy]:
    """Frames that lie on one another once they are shifted."""
    from scipy.spatial import cKDTree

    seen = {i: _frame(frames[i]) for i in (*ours, *others)}
    owner = [i for i in others for _ in seen[i].around]
    atom = [k for i in others for k in range(len(seen[i].around))]
    tree = cKDTree(np.vstack([seen[i].around for i in others]))
    radius = ALIKE * np.sqrt(tree.m)
    for i in ours:
        candidates: dict[int, list[np.ndarray]] = {}
        for found in tree.query_ball_point(seen[i].around[0], radius, return_sorted=True):
            shift = seen[owner[found]].places[atom[found]] - seen[i].places[0]
            candidates.setdefault(owner[found], []).append(shift)
        for j, shifts in candidates.items():
            if np.abs(seen[i].cell - seen[j].cell).max() > NEAR:
                continue
            apart = _apart(seen[i], seen[j], np.array(shifts))
            if apart < (NEAR if len(frames[i]) >= LEAST_ATOMS else EQUAL):
                yield Copy(i, j, f"atoms {apart:.3f} Å apart (RMS, without a rigid shift)")


def _frame(atoms: Atoms) -> _Frame:
    counts = {number: int(n) for number, n in zip(*np.unique(atoms.numbers, return_counts=True), strict=True)}
    rarest_first = sorted(counts, key=lambda number: (counts[number], number))
    order = np.concatenate([np.flatnonzero(atoms.numbers == number) for number in rarest_first])
    # the cell with its first vector along x and its second in the plane of x and y: the same however the crystal is turned
    cell = np.linalg.cholesky(atoms.cell.array @ atoms.cell.array.T)
    places = atoms.get_scaled_positions(wrap=True)[order]
    stops = np.cumsum([0, *(counts[number] for number in rarest_first)])
    elements = [slice(int(a), int(b)) for a, b in pairwise(stops)]
    between = _lengths(places[None] - places[elements[0], None], cell)
    nearest = np.sort(between, axis=1)[:, 1 : 1 + NEIGHBOURS]
    return _Frame(places, cell, elements, nearest if nearest.size else np.zeros((len(between), 1)))


def _apart(one: _Frame, two: _Frame, shifts: np.ndarray) -> float:
    """RMS distance of atoms at the best of the shifts, its mean taken off; infinite where it is far beyond what is near."""
    most = NEAR**2 * len(one.places)  # of any of the atoms about their own mean, too
    moved = np.zeros((len(shifts), 0, 3))
    few = [(slice(k, min(k + 8, s.stop)), s) for s in one.elements for k in range(s.start, s.stop, 8)]
    for some, element in few:
        between = two.places[None, None, element] - one.places[None, some, None] - shifts[:, None, None]
        between = (between - np.round(between)) @ one.cell
        best = (between**2).sum(axis=-1).argmin(axis=2)
        nearest = np.take_along_axis(between, best[:, :, None, None], axis=2)[:, :, 0]
        moved = np.concatenate([moved, nearest], axis=1)
        squares = ((moved - moved.mean(axis=1, keepdims=True)) ** 2).sum(axis=(1, 2))
        kept = squares < most
        if not kept.any():
            return np.inf
        moved, shifts, squares = moved[kept], shifts[kept], squares[kept]
    return float(np.sqrt(squares.min() / len(one.places)))


def _lengths(fractional: np.ndarray, cell: np.ndarray) -> np.ndarray:
    return np.linalg.norm((fractional - np.round(fractional)) @ cell, axis=-1)
