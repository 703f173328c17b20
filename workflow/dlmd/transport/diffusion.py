"""Diffusion coefficients with error bars: D_self, D_total, D_distinct and the Haven ratio.

D_self is the least-squares slope of MSD_self over lags [t*, 3 t*] and 1/(2d). Its error is that of the mean
of a correlated time series: the same linear combination of squared displacements, as a function of the time
origin, averaged in batches. Ions are never taken as independent of each other. D_total comes from the current
spectrum (`dlmd.transport.spectrum`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.base.intervals import Estimate, difference, positive_interval, ratio
from dlmd.transport import spectrum
from dlmd.transport.msd import Displacements, MsdCurves
from dlmd.transport.onset import Relaxation

VERSION = 1

# The fit window ends at this multiple of the onset.
WINDOW = 3.0


@dataclass(frozen=True)
class Diffusivities:
    """Diffusion coefficients in Å²/ps: keys self, total, distinct, haven; scalar, along each axis, and as (3, 3) tensors."""

    scalar: dict[str, Estimate | None]
    axes: dict[str, dict[str, Estimate | None]]
    self_tensor: np.ndarray
    total_tensor: np.ndarray


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
    inside = _inside(curves.lags_ps, start_ps, end_ps)
    return 0.5 * np.einsum("m,mab->ab", slope_weights(curves.lags_ps[inside]), curves.self_[inside])


def _inside(lags_ps: np.ndarray, start_ps: float, end_ps: float) -> slice:
    interval = lags_ps[1]
    first = max(1, round(start_ps / interval))
    last = min(len(lags_ps) - 1, max(round(end_ps / interval), first + 1))
    return slice(first, last + 1)


def _few_lags(run: Displacements, start_ps: float, end_ps: float) -> np.ndarray:
    """Up to five lags of the window, in frames of the thinned positions."""
    interval = run.stride * run.frame_interval_ps
    first = max(1, round(start_ps / interval))
    last = max(first + 1, round(end_ps / interval))
    return np.unique(np.round(np.linspace(first, last, 5)).astype(int))


def origin_means(run: Displacements, lags: np.ndarray, weights: np.ndarray, n_bins: int) -> np.ndarray:
    """(n_bins, 3, 3) Å²/ps: half of sum_m w_m <u u^T> over ions and time origins, in equal bins of time.

    Origins a quarter of the shortest lag apart are as good as all.
    """
    n_origins = run.thinned.shape[2] - int(lags.max())
    step = max(1, int(lags.min()) // 4)
    edges = np.linspace(0, n_origins, n_bins + 1).round().astype(int)
    means = np.zeros((n_bins, 3, 3))
    for b in range(n_bins):
        origins = np.arange(edges[b], edges[b + 1], step)
        here = run.thinned[:, :, origins]
        for lag, weight in zip(lags, weights, strict=True):
            u = run.thinned[:, :, origins + lag] - here
            means[b] += 0.5 * weight * np.einsum("iat,ibt->ab", u, u) / (len(origins) * run.n_ions)
    return means


def _brownian_covariance(times: np.ndarray, lags: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Covariance between origins of sum_m w_m u(m)² for Brownian motion, up to a factor.

    For one pair of windows it is their overlap, squared.
    """
    shift = np.abs(times[:, None] - times[None, :])
    covariance = np.zeros_like(shift)
    for lag, weight in zip(lags, weights, strict=True):
        for other, other_weight in zip(lags, weights, strict=True):
            # windows [0, lag] and [shift, shift + other], and with the shift's sign reversed
            for one, two in ((lag, other), (other, lag)):
                overlap = np.clip(np.minimum(one, shift + two) - shift, 0.0, None)
                covariance += 0.5 * weight * other_weight * overlap**2
    return covariance


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
    points = 5
    blocks = []
    for batch, span in zip(values, spans, strict=True):
        times = (np.arange(len(batch) * points) + 0.5) * span / (len(batch) * points)
        full = _brownian_covariance(times, lags, weights)
        blocks.append(full.reshape(len(batch), points, len(batch), points).mean(axis=(1, 3)))
    from scipy.linalg import block_diag

    covariance = block_diag(*blocks)
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
    """Diffusion tensors from batches of time origins of each run, (n_bins, 3, 3) Å²/ps, and what their errors need."""

    means: list[np.ndarray]
    spans: list[float]
    lags: np.ndarray
    weights: np.ndarray

    def error(self, direction: np.ndarray | None = None) -> MeanError:
        """Error of the mean of the trace / 3, or along a unit vector."""
        values = [
            np.trace(mean, axis1=1, axis2=2) / 3 if direction is None else mean @ direction @ direction
            for mean in self.means
        ]
        return mean_error(values, self.spans, lags=self.lags, weights=self.weights)


def slope_series(runs: Sequence[Displacements], *, start_ps: float, end_ps: float) -> SlopeSeries:
    """Batches of the window slope of MSD_self, from the thinned positions; no lag is shorter than their interval."""
    interval = runs[0].stride * runs[0].frame_interval_ps
    lags = _few_lags(runs[0], start_ps, end_ps)
    weights = slope_weights(lags * interval)
    means, spans = [], []
    for run in runs:
        origins = run.thinned.shape[2] - int(lags.max())
        bins = _batches(origins * interval, start_ps, len(runs))
        means.append(origin_means(run, lags, weights, bins))
        spans.append(float(origins))
    return SlopeSeries(means, spans, lags, weights)


def onset_ps(relaxation: Relaxation | None, curves: MsdCurves) -> float | None:
    """The diffusive onset t* in ps, or None where three times t* exceeds 0.7 of the run.

    It is that of the relaxation, but no earlier than 6 D t reaches half the offset of the MSD line, which is
    what ions rattling in their cages add.
    """
    if relaxation is None:
        return None
    start = relaxation.onset_ps
    if WINDOW * start >= 0.7 * curves.lags_ps[-1]:
        return None
    d_self = np.trace(window_slope(curves, start_ps=start, end_ps=WINDOW * start)) / 3
    if d_self <= 0:
        return None
    inside = _inside(curves.lags_ps, start, WINDOW * start)
    trace = np.trace(curves.self_[inside], axis1=1, axis2=2)
    offset = np.mean(trace - 6 * d_self * curves.lags_ps[inside])
    start = max(start, offset / (12 * d_self))
    return None if WINDOW * start >= 0.7 * curves.lags_ps[-1] else float(start)


def estimate(
    runs: Sequence[Displacements],
    curves: MsdCurves,
    *,
    window: tuple[float, float],
    relaxation: Relaxation | None,
    axes: dict[str, np.ndarray],
    confidence: float = 0.95,
) -> Diffusivities:
    """All coefficients with intervals, for a fit window (t*, end) in ps.

    The intervals of D_self and D_total are symmetric in the logarithm; those of their difference and ratio
    follow from them by the method of variance estimates recovery (Zou and Donner, Stat. Med. 27, 1693
    (2008)), D_self and D_total taken as independent.
    """
    start, end = window
    self_tensor = window_slope(curves, start_ps=start, end_ps=end)
    series = slope_series(runs, start_ps=start, end_ps=end)
    fit = spectrum.fit(runs, onset_ps=start, relaxation=relaxation)

    def all_of(direction: np.ndarray | None) -> dict[str, Estimate | None]:
        error = series.error(direction)
        value = np.trace(self_tensor) / 3 if direction is None else self_tensor @ direction @ direction
        own = positive_interval(float(value), error.error, error.dof, confidence)
        total = fit.interval(confidence, direction)
        return {"self": own, "total": total, "distinct": difference(total, own), "haven": ratio(own, total)}

    return Diffusivities(
        scalar=all_of(None),
        axes={name: all_of(direction) for name, direction in axes.items()},
        self_tensor=self_tensor,
        total_tensor=fit.tensor,
    )
