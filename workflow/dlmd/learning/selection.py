"""Which frames of an exploration are worth a label, and when exploring has found all it will find.

As in DP-GEN (Zhang et al., Phys. Rev. Mater. 3, 023804 (2019)) the committee's largest force deviation sorts frames: below the
lower bound the potentials agree, above the upper one the frame is too strange to trust its geometry, between them it is a
candidate. Candidates are thinned by farthest-point sampling on their descriptors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

VERSION = 2

# Atoms vibrate faster than frames follow each other: in Li3TiCl6 at 450 to 900 K, mean descriptors 50 fs apart are already 0.8 of
# the distance of those 6 ps apart. With 1 nine of ten independent frames would pass for copies of others.
NEAR_DUPLICATE = 0.5
# The loop has settled when both hold: at most this share of the frames lies above the lower bound of the deviation, and the
# force RMSE on the validation split changed by at most this part in a round. 2 % of some hundred frames are a handful, as many
# as disagree by chance. In the RMSE another seed alone makes 1 to 2 % (benchmarks/potentials, benchmarks/learning).
SETTLED_SHARE = 0.02
SETTLED_CHANGE = 0.05


@dataclass(frozen=True)
class Classes:
    """Indices of frames by class."""

    accurate: np.ndarray
    candidate: np.ndarray
    failed: np.ndarray

    @property
    def failing_share(self) -> float:
        """Part of the frames that are not accurate; 0 where there are no frames."""
        bad = len(self.candidate) + len(self.failed)
        return bad / (bad + len(self.accurate)) if bad else 0.0


def classify(deviation: np.ndarray, *, low: float, high: float) -> Classes:
    """Sort frames by their largest deviation (frames,): candidates have low <= deviation < high; NaN has failed."""
    deviation = np.asarray(deviation, dtype=float)
    accurate = deviation < low
    candidate = (deviation >= low) & (deviation < high)
    return Classes(*(np.flatnonzero(chosen) for chosen in (accurate, candidate, ~(accurate | candidate))))


def mean_descriptors(descriptors: np.ndarray, types: Sequence[int] | np.ndarray, n_types: int) -> np.ndarray:
    """(frames, n_types * features): mean descriptor of each element's atoms, from (frames, atoms, features)."""
    types = np.asarray(types)
    zero = np.zeros((len(descriptors), descriptors.shape[2]))
    means = [descriptors[:, types == t].mean(axis=1) if (types == t).any() else zero for t in range(n_types)]
    return np.concatenate(means, axis=1)


def duplicate_distance(runs: Sequence[np.ndarray]) -> float:
    """Distance below which two frames are near-duplicates: `NEAR_DUPLICATE` times the median distance of those
    that follow each other in a run, (frames, features) each; 0 for no pair."""
    steps = [np.linalg.norm(np.diff(run, axis=0), axis=1) for run in runs if len(run) > 1]
    return NEAR_DUPLICATE * float(np.median(np.concatenate(steps))) if steps else 0.0


def spread_out(points: np.ndarray, priority: np.ndarray, *, most: int, distance: float) -> list[int]:
    """Indices of at most `most` points, no two nearer than `distance`.

    Farthest-point sampling (Gonzalez, Theor. Comput. Sci. 38, 293 (1985)) from the point of highest `priority` (points,): each
    next one is the farthest from all chosen.
    """
    if not len(points) or most < 1:
        return []
    chosen = [int(np.argmax(priority))]
    nearest = np.linalg.norm(points - points[chosen[0]], axis=1)
    while len(chosen) < most:
        following = int(np.argmax(nearest))
        if nearest[following] <= distance:
            break
        chosen.append(following)
        nearest = np.minimum(nearest, np.linalg.norm(points - points[following], axis=1))
    return chosen


def settled(
    *,
    failing_share: float,
    error: float,
    previous_error: float | None,
    max_share: float,
    max_change: float,
) -> bool:
    """Whether another iteration would change little: few frames fail, and the held-out error has stopped to change.

    The first iteration has no error to compare with and never settles.
    """
    if previous_error is None or failing_share > max_share:
        return False
    return abs(error / previous_error - 1) <= max_change
