"""Unwrap periodic coordinates by minimum image, and judge whether that was possible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.geometry import cell_widths

# Longest move per frame, as a fraction of the cell, at which the image of an ion is still certain: a move of more
# than one half is taken for a shorter one in the opposite direction, and moves have a spread.
MAX_STEP = 0.4
# Wrapped coordinates fill one cell; codes that wrap at updates of the neighbour list leave it by half its skin on each side.
WRAPPED_MARGIN_A = 1.5
# Mean squared move in one frame over the usual one, from which on frames are missing there or atoms have changed their order.
_BREAK = 3.0


def _largest(moves: np.ndarray) -> float:
    """Largest size of a component."""
    return max(float(moves.max()), -float(moves.min()))


@dataclass(frozen=True)
class Place:
    """Where a frame lies whose cell is not that of the first.

    Attributes
    ----------
    cell
        (3, 3), Å: vectors that follow on from those of the frames before.
    box
        (3, 3), Å: the vectors as written, which may describe the same lattice in another way.
    origin
        (3,), Å: corner of the box.
    """

    cell: np.ndarray
    box: np.ndarray
    origin: np.ndarray


class Unwrapper:
    """Follows all atoms from frame to frame through the periodic boundaries.

    A cell that changes (constant pressure) is followed in fractional coordinates: what comes out lies in the first cell, and one
    linear map takes all of it to the mean cell. An ion that stays in its place of a breathing crystal does not move.

    Parameters
    ----------
    cell
        (3, 3), Å, vectors in rows: of the first frame.
    origin
        (3,), Å: its corner; None for zero.
    wrapped
        True: coordinates are known to be wrapped; False: known to be unwrapped; None: judge from the coordinates.
    """

    def __init__(self, cell: np.ndarray, *, wrapped: bool | None, origin: np.ndarray | None = None):
        self._cell, self._inverse = cell, np.linalg.inv(cell)
        self._origin = np.zeros(3) if origin is None else origin
        # (3, 1) fractional corner; None for zero
        self._corner = (self._origin @ self._inverse)[:, None] if self._origin.any() else None
        self._wrapped = wrapped
        self._last: np.ndarray | None = None
        self._images: np.ndarray | None = None
        # (3, atoms): least and greatest of each atom
        self._low, self._high = np.zeros((3, 0)), np.zeros((3, 0))
        self.crossings = 0
        # mean squared move of an atom along an axis in each frame, fraction of the cell squared
        self._moves: list[float] = []
        # moves of coordinates that are said to be unwrapped: by half a cell or so, and by a whole one or so
        self._halves, self._wholes, self._first_whole = 0, 0, 0
        # longest move along a cell vector in one frame: fraction of the cell, frame, atom
        self.longest = (0.0, 0, 0)
        self._frames = 0

    def __call__(self, positions: np.ndarray, place: Place | None = None) -> np.ndarray:
        """Unwrapped positions (atoms, 3) of the next frame, in Å of the first cell; `place` where its cell is another one."""
        written = None if place is None else (positions - place.origin) @ np.linalg.inv(place.box)
        positions = self.in_first_cell(positions, place)
        # one row per axis: reductions run along memory
        fractional = self._inverse.T @ positions.T
        if written is None:
            extent = fractional if self._corner is None else fractional - self._corner
        else:
            extent = written.T
        if self._last is None:
            self._images = np.zeros_like(fractional)
        else:
            self._compare(fractional - self._last)
        self._last = fractional
        if self._frames == 0:
            self._low, self._high = extent.copy(), extent.copy()
        np.minimum(self._low, extent, out=self._low)
        np.maximum(self._high, extent, out=self._high)
        self._frames += 1
        return positions + (self._cell.T @ self._images).T if self.crossings else positions

    def _compare(self, moved: np.ndarray) -> None:
        """Take note of moves (3, atoms) since the frame before, as fractions of the cell."""
        longest = _largest(moved)
        if self._wrapped is not False and longest > 0.5:
            jump = np.round(moved)
            self._images -= jump
            self.crossings += int(np.count_nonzero(jump))
            moved = moved - jump
            longest = _largest(moved)
        elif longest > 0.5:
            self._count_wholes(moved)
        self._moves.append(float(np.vdot(moved, moved)) / moved.size)
        if longest > self.longest[0]:
            # the first atom of those that move so far, as it is counted atom by atom
            self.longest = (longest, self._frames, int(np.abs(moved).T.argmax()) // 3)

    def _count_wholes(self, moved: np.ndarray) -> None:
        """Take note of how many of the moves (3, atoms) are about half a cell, and about a whole one."""
        size = np.abs(moved)
        whole = int(np.count_nonzero(np.abs(size - 1.0) < 0.25))
        if whole and not self._wholes:
            self._first_whole = self._frames
        self._wholes += whole
        self._halves += int(np.count_nonzero(np.abs(size - 0.5) <= 0.25))

    def require_unwrapped(self, where: str) -> None:
        """Raises DlmdError where coordinates that are said to be unwrapped jump by whole cells.

        Long moves of unwrapped coordinates become fewer the longer they are; those of wrapped ones are about one cell.
        """
        if self._wholes > 2 * self._halves:
            frame = self._first_whole
            raise DlmdError(
                f"coordinates are said to be unwrapped, yet {self._wholes} moves per frame are those of a whole cell (first "
                f"between frames {frame - 1} and {frame}): they are wrapped",
                where=where,
                remedy="leave --wrapped no out, or give --wrapped yes; --trust-options if they are unwrapped",
            )

    def _breaks(self) -> bool:
        """Whether atoms move much further in the frame of the longest move than they usually do."""
        return self._moves[self.longest[1] - 1] > _BREAK * float(np.median(self._moves))

    def in_first_cell(self, positions: np.ndarray, place: Place | None) -> np.ndarray:
        """(atoms, 3) positions of a frame, at the same fractional coordinates of the first cell."""
        if place is None:
            return positions
        return (positions - place.origin) @ np.linalg.inv(place.cell) @ self._cell + self._origin

    def go_back(self, which: np.ndarray, unwrapped: np.ndarray) -> None:
        """Let the next frame follow an earlier one, in which atoms `which` were at `unwrapped` (in Å of the first cell).

        All others count as near where they are now.
        """
        assert self._last is not None and self._images is not None  # there was an earlier frame
        self._last, self._images = self._last + self._images, np.zeros_like(self._images)
        self._last[:, which] = (unwrapped @ self._inverse).T

    def separation(self, positions: np.ndarray, others: np.ndarray) -> float:
        """Root mean square distance in Å of (atoms, 3) positions from others, by minimum image in the first cell."""
        apart = (positions - others) @ self._inverse
        apart -= np.round(apart)
        return float(((apart @ self._cell) ** 2).sum(axis=1).mean() ** 0.5)

    def verdict(self, where: str, *, trust: bool = False) -> str:
        """One sentence on what was done; with `trust`, coordinates that are said to be unwrapped are.

        Raises
        ------
        DlmdError
            where the images are uncertain.
        """
        fraction, frame, atom = self.longest
        width = float(cell_widths(self._cell).min())
        longest = f"longest move per frame {100 * fraction:.0f} % of the cell"
        if self._wrapped is False:
            if not trust:
                self.require_unwrapped(where)
            return f"coordinates are unwrapped as given; {longest}"
        extents = self._high.max(axis=1) - self._low.min(axis=1)
        extent = float(extents.max())
        if self._wrapped is None and (extents > 1.0 + 2.0 * WRAPPED_MARGIN_A / cell_widths(self._cell)).any():
            if self.crossings:
                raise DlmdError(
                    f"coordinates reach over {extent:.1f} cells, so they are unwrapped, "
                    f"yet {self.crossings} moves per frame exceed half a cell: missing frames, shuffled atoms or an exploded run",
                    where=where,
                    remedy="write frames at shorter intervals, sorted by id; or say --wrapped yes or no if you know which",
                )
            return f"coordinates are unwrapped as given (they reach over {extent:.1f} cells); {longest}"
        if fraction > MAX_STEP and self._breaks():
            there, usual = (100 * float(x) ** 0.5 for x in (self._moves[frame - 1], np.median(self._moves)))
            raise DlmdError(
                f"atoms move {there:.2g} % of the cell (rms; {usual:.2g} % in other frames) between frames {frame - 1} and "
                f"{frame}, atom {atom + 1} moves {100 * fraction:.0f} %: frames missing or atoms reordered there",
                where=where,
                remedy=f"give all frames with the atoms in one order (sorted by id), or those before frame {frame}: --end PS",
            )
        if fraction > MAX_STEP:
            raise DlmdError(
                f"atom {atom + 1} moves {100 * fraction:.0f} % of the cell between frames {frame - 1} and {frame} (smallest "
                f"width {width:.1f} Å): above {100 * MAX_STEP:.0f} % the periodic image is uncertain (shuffled atoms look the "
                "same)",
                where=where,
                remedy="write frames at shorter intervals, or unwrapped coordinates (LAMMPS: xu yu zu, dump_modify unwrap yes)",
            )
        if self.crossings:
            return (
                f"wrapped coordinates were unwrapped by minimum image ({self.crossings} crossings); {longest}"
            )
        return f"no atom crosses a boundary, nothing to unwrap; {longest}"
