"""All atoms at some frames of a trajectory: what distribution functions and mean places of the host need."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class AtomSample:
    """All atoms at some frames.

    Attributes
    ----------
    positions
        (frames, atoms, 3), Å, unwrapped, in the laboratory frame of the trajectory's (mean) cell.
    symbols
        (atoms,) elements.
    frames
        (frames,) their numbers in the trajectory.
    mobile
        (ions,) indices of the mobile ions.
    """

    positions: np.ndarray
    symbols: list[str]
    frames: np.ndarray
    mobile: np.ndarray

    def in_cell(self, to_mean_cell: np.ndarray) -> AtomSample:
        """The same in another cell, by a (3, 3) linear map from the right."""
        return replace(self, positions=(self.positions @ to_mean_cell).astype(np.float32))

    def between(self, first: int, stop: int) -> AtomSample | None:
        """The same of frames [first, stop) of the trajectory, numbered from `first`; None where none of them is there."""
        kept = (self.frames >= first) & (self.frames < stop)
        if not kept.any():
            return None
        return replace(self, positions=self.positions[kept], frames=self.frames[kept] - first)
