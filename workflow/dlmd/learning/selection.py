"""Which frames of an exploration are worth a label, and when exploring has found all it will find.

As in DP-GEN (Zhang et al., Phys. Rev. Mater. 3, 023804 (2019)) the committee's largest force deviation sorts frames: below the
lower bound the potentials agree, above the upper one the frame is too strange to trust its geometry, between them it is a
candidate. Candidates are thinned by farthest-point sampling on their descriptors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

VERSION = 3

# Atoms vibrate faster than frames follow each other: in Li3TiCl6 at 450 to 900 K, mean descriptors 50 fs apart are already 0.8 of
# the distance of those 6 ps apart. With 1 nine of ten independent frames would pass for copies of others.
NEAR_DUPLICATE = 0.5
# The loop has settled when both hold: at most this share of the frames lies above the lower bound of the deviation, and the
# force RMSE on the validation split changed by at most this part in a round. 2 % of some hundred frames are a handful, as many
# as disagree by chance. In the RMSE another seed alone makes 1 to 2 % (benchmarks/potentials, benchmarks/learning).
SETTLED_SHARE = 0.02
SETTLED_CHANGE = 0.05
# kinds of environments of an element, numbers that describe an atom, and most atoms that kinds are found from
KINDS, PROJECTED, MOST_CLUSTERED = 8, 16, 20_000


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


def projected(descriptors: np.ndarray) -> np.ndarray:
    """(frames, atoms, `PROJECTED`): descriptors by fixed random directions, which keep distances nearly and memory small."""
    features = descriptors.shape[2]
    directions = np.random.default_rng(features).normal(size=(features, PROJECTED)) / np.sqrt(PROJECTED)
    return (descriptors @ directions).astype(np.float32)


def environment_composition(
    runs: Sequence[np.ndarray], types: Sequence[np.ndarray], n_types: int, *, kinds: int = KINDS
) -> list[np.ndarray]:
    """Of which kinds of environments a frame is: per run (frames, n_types * kinds), roots of the parts of an element's atoms.

    Kinds are clusters (k-means) of the `projected` descriptors of all atoms of an element in all runs. Roots, because their
    Euclidean distance (Hellinger's) does not overlook what is rare.
    """
    from scipy.cluster.vq import kmeans2, vq

    found = [np.zeros((len(run), n_types * kinds)) for run in runs]
    for t in range(n_types):
        atoms = [run[:, kind == t].reshape(-1, run.shape[2]) for run, kind in zip(runs, types, strict=True)]
        every = np.concatenate(atoms).astype(float)
        if len(every) < kinds:
            continue
        scale = every.std(axis=0)
        scale[scale == 0] = 1.0
        drawn = np.random.default_rng(t).permutation(len(every))[:MOST_CLUSTERED]
        centres, _ = kmeans2(every[drawn] / scale, kinds, minit="++", rng=np.random.default_rng(t))
        for parts, run, own in zip(found, runs, atoms, strict=True):
            if not len(own):
                continue
            nearest = vq(own / scale, centres)[0].reshape(len(run), -1)
            share = (nearest[:, :, None] == np.arange(kinds)).mean(axis=1)
            parts[:, t * kinds : (t + 1) * kinds] = np.sqrt(share)
    return found


def together(runs: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Two descriptions of the same frames side by side, each in units of its spread over all frames."""
    spread = [np.linalg.norm(np.std(np.concatenate(part), axis=0)) or 1.0 for part in (runs, others)]
    return [
        np.concatenate([one / spread[0], other / spread[1]], axis=1)
        for one, other in zip(runs, others, strict=True)
    ]


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
    error: float | None,
    previous_error: float | None,
    max_share: float,
    max_change: float,
) -> bool:
    """Whether another iteration would change little: few frames fail, and the held-out error has stopped to change.

    The first iteration has no error to compare with and never settles, nor does one without held-out frames.
    """
    if error is None or previous_error is None or failing_share > max_share:
        return False
    return abs(error / previous_error - 1) <= max_change
