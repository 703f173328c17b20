"""Is there one diffusion coefficient? Not where it falls with the lag for as long as one looks, or with the time of the run.

Slope against lag
    D of the windows [t, 3 t], t from the time of a hop up, is D [1 - c ln(t / t_last)]: c = 0 for diffusion, 1 - alpha for an
    MSD as t^alpha. The windows share displacements; their covariance is that of Brownian motion, computed exactly, times the
    scatter found in the data.

Slope against time
    D of batches of time origins, against time and against its logarithm: a run that was not in equilibrium, or whose ions wait
    longer and longer, slows down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.transport import window_slopes
from dlmd.transport.msd import Displacements, MsdCurves, shortest_ps
from dlmd.transport.window_slopes import SlopeSeries

# Windows start at multiples of this factor, and are at most this many.
_APART, _MOST = 1.5, 8


@dataclass(frozen=True)
class Trend:
    """Relative change of D, per unit of the logarithm of the lag or over the run, and the probability of more by chance."""

    change: float
    chance: float


STEADY = Trend(0.0, 1.0)


def with_lag(
    runs: Sequence[Displacements],
    curves: MsdCurves,
    early: SlopeSeries,
    *,
    from_ps: float,
    direction: np.ndarray | None = None,
) -> Trend:
    """c of D against ln(lag), positive where motion goes on slowing down; of the mean, or along a unit vector (3,)."""
    from scipy.special import stdtr

    def slope(start_ps: float, end_ps: float) -> float:
        tensor = window_slopes.window_slope(curves, start_ps=start_ps, end_ps=end_ps)
        return float(window_slopes.along(tensor, direction))

    value = slope(early.start_ps, early.end_ps)
    error = early.error(direction)
    shortest = shortest_ps(runs)
    starts: list[float] = []
    t = from_ps
    while window_slopes.WINDOW * t <= window_slopes.LONGEST * shortest and len(starts) < _MOST:
        starts.append(t)
        t *= _APART
    if len(starts) < 2 or value <= 0:
        return STEADY
    found = np.array([slope(t, window_slopes.WINDOW * t) / value for t in starts])
    covariance = _covariance(runs, starts) * (
        (error.error / value) ** 2 / window_slopes.brownian_variance(early.spans, early.lags, early.weights)
    )
    design = np.stack([np.ones(len(starts)), np.log(np.array(starts) / starts[-1])], axis=1)
    # Weights by variance alone: those by the whole covariance would rest on small differences of nearly equal windows.
    weighted = design / np.diag(covariance)[:, None]
    solve = np.linalg.solve(design.T @ weighted, weighted.T)
    level, rise = solve @ found
    variance = float(solve[1] @ covariance @ solve[1])
    if level <= 0 or variance <= 0:
        return STEADY
    return Trend(float(-rise / level), float(stdtr(error.dof, rise / np.sqrt(variance))))


def _covariance(runs: Sequence[Displacements], starts: Sequence[float]) -> np.ndarray:
    """(windows, windows) of window slopes for Brownian motion, up to the factor of `window_slopes.brownian_variance`."""
    interval = runs[0].stride * runs[0].frame_interval_ps
    windows = []
    for t in starts:
        lags = window_slopes.few_lags(runs[0], t, window_slopes.WINDOW * t, most=3)
        windows.append((lags, window_slopes.slope_weights(lags * interval)))

    def variance(lags: np.ndarray, weights: np.ndarray) -> float:
        spans = [max(1.0, float(run.thinned.shape[2] - lags.max())) for run in runs]
        return window_slopes.brownian_variance(spans, lags, weights)

    own = [variance(*window) for window in windows]
    out = np.diag(own)
    for i, (lags, weights) in enumerate(windows):
        for j in range(i):
            joined = np.concatenate([lags, windows[j][0]]), np.concatenate([weights, windows[j][1]])
            out[i, j] = out[j, i] = 0.5 * (variance(*joined) - own[i] - own[j])
    return out


def with_time(series: SlopeSeries) -> Trend:
    """Change of D from the start of the runs to their end, in parts of its mean; the worse of two shapes."""
    return min((_regression(series, shape) for shape in (_linear, np.log)), key=lambda trend: trend.chance)


def _linear(x: np.ndarray) -> np.ndarray:
    return x


def _regression(series: SlopeSeries, shape: Callable[[np.ndarray], np.ndarray]) -> Trend:
    from scipy.special import stdtr

    x, y = [], []
    for means in series.means:
        values = np.trace(means, axis1=1, axis2=2) / 3
        at = shape((np.arange(len(values)) + 0.5) / len(values))
        x.append(at - at.mean())
        y.append(values - values.mean())
    centred, values = np.concatenate(x), np.concatenate(y)
    mean = np.concatenate([np.trace(m, axis1=1, axis2=2) / 3 for m in series.means]).mean()
    dof = series.error().dof - 1
    if dof < 2 or mean <= 0 or not values.any():
        return STEADY
    slope = centred @ values / (centred @ centred)
    residual = values - slope * centred
    # batches share displacements: their scatter understates the error of a mean by this factor, and that of a slope likewise
    n, runs = len(values), len(series.means)
    shared = series.error().error / max(np.sqrt(values @ values / (n - runs) / n), 1e-300)
    error = max(shared, 1.0) * np.sqrt(residual @ residual / max(n - runs - 1, 1) / (centred @ centred))
    if not error > 0:
        return STEADY
    reach = np.ptp(centred)
    return Trend(float(slope * reach / mean), float(2 * stdtr(dof, -abs(slope) / error)))
