"""Frames that come again, to the digit, in files whose frames have no MD steps or times: restarts, and files given twice."""

from __future__ import annotations

import numpy as np

# Atoms of a frame that are compared, evenly over all of them.
_ATOMS = 256


class Overlaps:
    """Remembers all frames that were taken, and follows a run that goes over them again.

    Recurrence counts where most atoms move from frame to frame: ions that hop on a rigid lattice come back to the digit.
    """

    def __init__(self) -> None:
        self._number: dict[int, int] = {}
        self._expected: int | None = None
        self._begun = 0
        self._last: np.ndarray | None = None
        # whether most atoms moved between the last two frames that were taken
        self.moved = False

    def take(self, positions: np.ndarray, number: int) -> None:
        """Remember positions (atoms, 3) as those of frame `number`."""
        some = _some(positions)
        self._number.setdefault(hash(some.tobytes()), number)
        self.moved = self._last is not None and (some != self._last).any(axis=1).mean() >= 0.5
        self._last = some

    def repeats(self, positions: np.ndarray) -> bool:
        """Whether positions (atoms, 3) are the next of a repetition, or begin one."""
        some = _some(positions)
        number = self._number.get(hash(some.tobytes()))
        if self._expected is not None:
            if number != self._expected:
                return False
            self._expected += 1
            return True
        if number is None or self._last is None or (some != self._last).any(axis=1).mean() < 0.5:
            return False
        self._begun, self._expected = number, number + 1
        return True

    def end(self) -> tuple[int, int] | None:
        """Ends the repetition: the first frame that it repeated, and the one that should have come next; None without one."""
        if self._expected is None:
            return None
        found, self._expected = (self._begun, self._expected), None
        return found

    def cut(self, n_frames: int) -> None:
        """Forget all frames from number `n_frames` on."""
        self._number = {key: number for key, number in self._number.items() if number < n_frames}


def _some(positions: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(positions[:: max(1, len(positions) // _ATOMS)])
