"""Slopes of MSD_self over a window of lags, and their errors.

The error is that of the mean of a correlated time series: the same linear combination of squared displacements, as a function of
the time origin, averaged in batches. Ions are never taken as independent of each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlmd.transport.msd import Displacements, MsdCurves

# A fit window ends at this multiple of its start
WINDOW = 3.0
# and no later than at this part of the run.
LONGEST = 0.7
# Ions handled at once: their displacements should stay in the cache.
_IONS_AT_ONCE = 64
# Joined batches are at least this many, and their scatter counts where chance gives as much in this share of cases.
_FEWEST_JOINED, _BY_CHANCE = 4, 0.2
# Degrees of freedom of an error that is known.
_SURE = 100.0


@dataclass(frozen=True)
class MeanError:
    """Standard error of a mean over time origins, and the degrees of freedom it rests on."""

    error: float
    dof: float


def slope_weights(lags_ps: np.ndarray) -> np.ndarray:
    """(lags,) weights w with sum_m w_m MSD(t_m) = least-squares slope."""
    centred = lags_ps - lags_ps.mean()
    return centred / np.sum(centred**2)


def window_slope(curves: MsdCurves, *, start_ps: float, end_ps: float) -> np.ndarray:
    """(3, 3) diffusion tensor in Å²/ps: half the least-squares slope of MSD_self over all lags in [start, end]."""
    window = inside(curves.lags_ps, start_ps, end_ps)
    return 0.5 * np.einsum("m,mab->ab", slope_weights(curves.lags_ps[window]), curves.self_[window])


def inside(lags_ps: np.ndarray, start_ps: float, end_ps: float) -> slice:
    """Indices of (lags,) in a window, two at least."""
    interval = lags_ps[1]
    first = max(1, round(start_ps / interval))
    last = min(len(lags_ps) - 1, max(round(end_ps / interval), first + 1))
    return slice(first, last + 1)


def few_lags(run: Displacements, start_ps: float, end_ps: float, *, most: int = 5) -> np.ndarray:
    """(lags,) up to `most` lags of the window, in frames of the thinned positions."""
    interval = run.stride * run.frame_interval_ps
    first = max(1, round(start_ps / interval))
    last = max(first + 1, round(end_ps / interval))
    return np.unique(np.round(np.linspace(first, last, most)).astype(int))


def ion_means(
    run: Displacements, lags: np.ndarray, weights: np.ndarray, n_bins: int, *, shortest: int | None = None
) -> np.ndarray:
    """(ions, n_bins, 3, 3) Å²/ps: half of sum_m w_m <u u^T> over time origins in equal bins of time, for each ion.

    Origins a quarter of the shortest lag apart, or of `shortest` frames, are as good as all.
    """
    n_origins = run.thinned.shape[2] - int(lags.max())
    step = max(1, int(shortest or lags.min()) // 4)
    edges = np.linspace(0, n_origins, n_bins + 1).round().astype(int)
    means = np.zeros((run.n_ions, n_bins, 3, 3))
    for b in range(n_bins):
        count = len(range(edges[b], edges[b + 1], step))
        for first in range(0, run.n_ions, _IONS_AT_ONCE):
            positions = run.thinned[first : first + _IONS_AT_ONCE]
            here = positions[:, :, edges[b] : edges[b + 1] : step]
            for lag, weight in zip(lags, weights, strict=True):
                u = positions[:, :, edges[b] + lag : edges[b + 1] + lag : step] - here
                # products of each ion's components, by the library for matrices
                means[first : first + _IONS_AT_ONCE, b] += 0.5 * weight / count * (u @ u.transpose(0, 2, 1))
    return means


def _quarters(means: np.ndarray) -> np.ndarray:
    """(ions, 4, 3, 3): means of each ion over quarters of the origins, or over halves where there are fewer bins, from (ions,
    bins, 3, 3)."""
    parts = np.array_split(np.arange(means.shape[1]), min(4, means.shape[1] // 2 * 2))
    return np.stack([means[:, part].mean(axis=1) for part in parts], axis=1)


def _brownian_covariance(shift: np.ndarray, lags: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Covariance of sum_m w_m u(m)² between origins that are `shift` >= 0 apart, for Brownian motion, up to a factor.

    For one pair of windows it is their overlap, squared.
    """
    covariance = np.zeros_like(shift)
    for lag, weight in zip(lags, weights, strict=True):
        for other, other_weight in zip(lags, weights, strict=True):
            # windows [0, lag] and [shift, shift + other], and with the shift's sign reversed
            for one, two in ((lag, other), (other, lag)):
                overlap = np.clip(np.minimum(one, shift + two) - shift, 0.0, None)
                covariance += 0.5 * weight * other_weight * overlap**2
    return covariance


def brownian_variance(spans: Sequence[float], lags: np.ndarray, weights: np.ndarray) -> float:
    """Variance of the mean over all origins for Brownian motion of sum_m w_m u(m)², from (lags,) lags and weights, up to the
    factor of `_brownian_covariance`."""
    total, variance = sum(spans), 0.0
    for span in spans:
        shift = np.linspace(0.0, min(span, float(lags.max())), 200)
        seen = (span - shift) * _brownian_covariance(shift, lags, weights)
        variance += 2.0 / total**2 * float(np.trapezoid(seen, shift))
    return variance


def mean_error(
    values: Sequence[np.ndarray], spans: Sequence[float], *, lags: np.ndarray, weights: np.ndarray
) -> MeanError:
    """Error of the mean over origins, from batch means.

    Batches next to each other share displacements. What this does to the scatter of their means, to the error
    of the overall mean and to the degrees of freedom is computed exactly for Brownian motion, and taken as
    the correction.

    Parameters
    ----------
    values
        Batch means (n_bins,) of each run.
    spans
        Time covered by the origins of each run, in the unit of `lags`.
    """
    points, done = 5, 0
    covariance = np.zeros((sum(map(len, values)),) * 2)
    for batch, span in zip(values, spans, strict=True):
        times = (np.arange(len(batch) * points) + 0.5) * span / (len(batch) * points)
        full = _brownian_covariance(np.abs(times[:, None] - times), lags, weights)
        block = slice(done, done + len(batch))
        covariance[block, block] = full.reshape(len(batch), points, len(batch), points).mean(axis=(1, 3))
        done += len(batch)
    share = np.concatenate([np.full(len(v), s / len(v)) for v, s in zip(values, spans, strict=True)])
    share /= share.sum()
    x = np.concatenate(values)
    centring = np.eye(len(x)) - share
    scatter = centring.T @ (share[:, None] * centring)
    product = scatter @ covariance
    expected = np.trace(product)
    return MeanError(
        error=float(np.sqrt(x @ scatter @ x * (share @ covariance @ share) / expected)),
        dof=float(expected**2 / np.trace(product @ product)),
    )


def _batches(span_ps: float, onset_ps: float, n_runs: int) -> int:
    """Batches per run: as many as last a fit window each, within limits."""
    fewest = max(2, -(-4 // n_runs))
    return int(np.clip(span_ps / (WINDOW * onset_ps), fewest, max(fewest, 20 // n_runs)))


@dataclass(frozen=True)
class SlopeSeries:
    """Diffusion tensors from batches of time origins of each run, (n_bins, 3, 3) Å²/ps, and what their errors need.

    `lags` and `spans` are in units of `interval_ps`; `quarters`, (ions, 4, 3, 3) of each run, are each ion's own means over
    quarters of the origins (halves, where batches are few).
    """

    means: list[np.ndarray]
    spans: list[float]
    lags: np.ndarray
    weights: np.ndarray
    start_ps: float
    end_ps: float
    quarters: list[np.ndarray]
    interval_ps: float

    def error(self, direction: np.ndarray | None = None) -> MeanError:
        """Error of the mean of what `along` gives for a direction."""
        return mean_error(self._values(direction), self.spans, lags=self.lags, weights=self.weights)

    def lasting_error(self, direction: np.ndarray | None = None) -> MeanError:
        """As `error`, but from batches joined by 2, 4 ... where those scatter by significantly more than batches without a memory
        would, because motion is quicker and slower for longer than a batch; and never below that of independent ions, which few
        batches may show by chance. The further below they are, the surer is that it is the least."""
        from scipy.special import chdtri

        values = self._values(direction)
        found = mean_error(values, self.spans, lags=self.lags, weights=self.weights)
        while min(map(len, values)) >= 4 and sum(map(len, values)) >= 2 * _FEWEST_JOINED:
            values = [_pairs(one) for one in values]
            joined = mean_error(values, self.spans, lags=self.lags, weights=self.weights)
            # the least error that these batches' scatter allows, but for one case in five
            least = joined.error * np.sqrt(joined.dof / chdtri(joined.dof, _BY_CHANCE))
            if least > found.error:
                found = MeanError(least, joined.dof)
        least = self.independent_error(direction)
        if found.error >= least:
            return found
        return MeanError(least, min(_SURE, found.dof * (least / max(found.error, 1e-300)) ** 2))

    def independent_error(self, direction: np.ndarray | None = None) -> float:
        """Error of the mean for independent ions: Brownian ones, or as they differ from part to part of a run."""
        return max(self._brownian_error(direction), self.single_ions_error(direction))

    def _brownian_error(self, direction: np.ndarray | None) -> float:
        """Error of the mean for independent ions in Brownian motion with this diffusion tensor; var(u²) is 2 <u²>²."""
        tensor = np.mean(np.concatenate(self.means), axis=0)
        rows = np.eye(3) if direction is None else np.atleast_2d(direction)
        size = np.linalg.norm(np.diag(rows @ tensor @ rows.T)) / (
            1 if direction is not None and direction.ndim == 1 else 3
        )
        relative = 2 * brownian_variance(self.spans, self.lags, self.weights) / len(self.quarters[0])
        return float(size * self.interval_ps * relative**0.5)

    def single_ions_error(self, direction: np.ndarray | None) -> float:
        """Error of the mean for independent ions, from how differently each moves from part to part of a run: ions that wait for
        long change from quick to slow so seldom that no batches show it."""
        share = np.array(self.spans) / np.sum(self.spans)
        variance = [
            s**2 * _of_single_ions(own) / len(own)
            for s, own in zip(share, (along(each, direction) for each in self.quarters), strict=True)
        ]
        return float(np.sum(variance) ** 0.5)

    def _values(self, direction: np.ndarray | None) -> list[np.ndarray]:
        return [along(each, direction) for each in self.means]


def _of_single_ions(values: np.ndarray) -> float:
    """Variance of an ion's mean, from (ions, parts) of a run.

    It is that of half the difference of the two halves, and their covariance, which tells how ions differ for longer than half of
    the run. As far as first and last parts of an ion differ by more than neighbours do (beyond one standard error), ions change
    places with each other, and another run would have others; what is left tells them apart for good and is no error.
    """
    own = values - values.mean(axis=0)
    middle = own.shape[1] // 2
    first, second = own[:, :middle].mean(axis=1), own[:, middle:].mean(axis=1)
    variance, common = float(np.var(second - first)) / 4, float(np.mean(first * second))
    near = float(np.mean(own[:, 1:] * own[:, :-1]))
    if own.shape[1] < 4 or near <= 0 or common <= 0:
        return variance
    apart = 0.5 * (own[:, -1] - own[:, 0]) ** 2 - 0.5 * np.mean(np.diff(own, axis=1) ** 2, axis=1)
    fades = float(apart.mean() - apart.std() / len(own) ** 0.5)
    return variance + common * float(np.clip(fades / near, 0.0, 1.0))


def along(tensor: np.ndarray, direction: np.ndarray | None) -> Any:
    """Of (..., 3, 3): a third of the trace, the component along a unit vector (3,), or a third of those along (k, 3)."""
    if direction is None:
        return np.trace(tensor, axis1=-2, axis2=-1) / 3
    if direction.ndim == 1:
        return tensor @ direction @ direction
    return np.trace(direction @ tensor @ direction.T, axis1=-2, axis2=-1) / 3


def _pairs(values: np.ndarray) -> np.ndarray:
    """Means of neighbours; of an odd number, the first three are one."""
    return np.array([part.mean() for part in np.array_split(values, len(values) // 2)])


def slope_series(runs: Sequence[Displacements], *, start_ps: float, end_ps: float) -> SlopeSeries:
    """Batches of the window slope of MSD_self, from the thinned positions; no lag is shorter than their interval."""
    interval = runs[0].stride * runs[0].frame_interval_ps
    lags = few_lags(runs[0], start_ps, end_ps)
    return _series(runs, lags, slope_weights(lags * interval), start_ps=start_ps, end_ps=end_ps)


def fall_series(runs: Sequence[Displacements], early: SlopeSeries, late: SlopeSeries) -> SlopeSeries:
    """Batches of the slope of the late window less that of the early one, from the same origins: what makes both fast or slow at
    times is not in their scatter."""
    lags = np.concatenate([late.lags, early.lags])
    weights = np.concatenate([late.weights, -early.weights])
    shortest = int(late.lags.min())
    return _series(runs, lags, weights, start_ps=late.start_ps, end_ps=late.end_ps, shortest=shortest)


def _series(
    runs: Sequence[Displacements],
    lags: np.ndarray,
    weights: np.ndarray,
    *,
    start_ps: float,
    end_ps: float,
    shortest: int | None = None,
) -> SlopeSeries:
    """Batches of the slopes with weights (lags,) of lags (lags,) in frames of the thinned positions."""
    interval = runs[0].stride * runs[0].frame_interval_ps
    means, quarters, spans = [], [], []
    for run in runs:
        origins = run.thinned.shape[2] - int(lags.max())
        bins = _batches(origins * interval, start_ps, len(runs))
        of_ions = ion_means(run, lags, weights, bins, shortest=shortest)
        means.append(of_ions.mean(axis=0))
        quarters.append(_quarters(of_ions))
        spans.append(float(origins))
    return SlopeSeries(means, spans, lags, weights, start_ps, end_ps, quarters, interval)
