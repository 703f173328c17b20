"""Are frames in the order of time? Ions that travel are near their places of one frame before, and far from those of another one.

No time or step is needed: where neighbours in the file are as far apart as any two frames, while a path through all frames exists
whose steps are much shorter, the frames were shuffled. Ions that rattle, or flip between two sites, do not travel far enough to
tell; and where many ions have been everywhere, all pairs of frames are equally far apart.
"""

from __future__ import annotations

import numpy as np

from dlmd.base.errors import DlmdError

# Fewer frames or ions have short paths by chance.
_FEWEST_FRAMES, _FEWEST_IONS = 16, 8
# All ions need not be looked at.
_IONS = 200
# Mean square displacement in Å² over ions and pairs of frames, from which on ions have travelled: flips over 3.5 Å give 6.
_TRAVELLED_A2 = 8.0
# Neighbours in the file over all pairs: 1 in random order; edges of the shortest tree over neighbours in the file.
_AS_FAR, _MUCH_NEARER = 0.7, 0.4


def require_order(frames: np.ndarray, mobile: np.ndarray, cell: np.ndarray, where: str) -> None:
    """Raises DlmdError where frames jump back and forth in time.

    Parameters
    ----------
    frames
        (frames, atoms, 3), Å: of all atoms in the order of the file, in any images of the mobile ones.
    mobile
        (ions,) which atoms are mobile; the mean of all others is at rest.
    cell
        (3, 3), Å.
    """
    if len(frames) < _FEWEST_FRAMES or len(mobile) < _FEWEST_IONS:
        return
    ions = frames[:, mobile].astype(np.float64)
    if len(mobile) < frames.shape[1]:
        ions -= np.delete(frames, mobile, axis=1).mean(axis=1, keepdims=True, dtype=np.float64)
    apart = _apart_a2(ions[:, :: max(1, ions.shape[1] // _IONS)], cell)
    every = float(apart[np.triu_indices(len(apart), 1)].mean())
    stored = float(apart.diagonal(1).mean())
    if every < _TRAVELLED_A2 or stored < _AS_FAR * every:
        return
    shortest = _tree_a2(apart)
    if shortest > _MUCH_NEARER * stored:
        return
    raise DlmdError(
        f"the frames are in no order of time: the ions move by {stored**0.5:.2g} Å (rms) from one frame to the next of "
        f"those looked at, by {every**0.5:.2g} Å between any two, and by {shortest**0.5:.2g} Å between those that are "
        "nearest to each other",
        where=where,
        remedy="give the frames in the order of the run (sorted by step or time), or --trust-options if they are",
    )


def _apart_a2(ions: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """(frames, frames) mean square distance in Å² of the ions between two frames, by minimum image."""
    fractional = ions @ np.linalg.inv(cell)
    out = np.zeros((len(ions), len(ions)))
    for i, frame in enumerate(fractional):
        moved = fractional[i + 1 :] - frame
        moved -= np.round(moved)
        if len(moved):
            out[i, i + 1 :] = ((moved @ cell) ** 2).sum(axis=2).mean(axis=1)
    return out + out.T


def _tree_a2(apart: np.ndarray) -> float:
    """Mean edge of the shortest tree that joins all frames (Prim), of (frames, frames) distances."""
    nearest, total = apart[0].copy(), 0.0
    outside = np.ones(len(apart), dtype=bool)
    outside[0] = False
    for _ in range(len(apart) - 1):
        new = int(np.where(outside, nearest, np.inf).argmin())
        total += float(nearest[new])
        outside[new] = False
        nearest = np.minimum(nearest, apart[new])
    return total / (len(apart) - 1)
