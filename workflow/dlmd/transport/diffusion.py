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
from dlmd.transport import extra_scatter as scatter
from dlmd.transport import spectrum
from dlmd.transport.msd import Displacements, MsdCurves
from dlmd.transport.onset import Relaxation

VERSION = 2

# The fit window ends at this multiple of the onset.
WINDOW = 3.0
# and ends no later than at this part of the run.
LONGEST = 0.7
# Chance, before the data are seen, that motion goes on slowing down beyond the onset, and the mean of ln D(t*) / D then.
_SLOWING, _SLOWED = 0.5, 0.3


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


def few_lags(run: Displacements, start_ps: float, end_ps: float, *, most: int = 5) -> np.ndarray:
    """(lags,) up to `most` lags of the window, in frames of the thinned positions."""
    interval = run.stride * run.frame_interval_ps
    first = max(1, round(start_ps / interval))
    last = max(first + 1, round(end_ps / interval))
    return np.unique(np.round(np.linspace(first, last, most)).astype(int))


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
    from scipy.integrate import trapezoid

    total, variance = sum(spans), 0.0
    for span in spans:
        shift = np.linspace(0.0, min(span, float(lags.max())), 200)
        seen = (span - shift) * _brownian_covariance(shift, lags, weights)
        variance += 2.0 / total**2 * float(trapezoid(seen, shift))
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
    points = 5
    blocks = []
    for batch, span in zip(values, spans, strict=True):
        times = (np.arange(len(batch) * points) + 0.5) * span / (len(batch) * points)
        full = _brownian_covariance(np.abs(times[:, None] - times), lags, weights)
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
    start_ps: float
    end_ps: float

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
    lags = few_lags(runs[0], start_ps, end_ps)
    weights = slope_weights(lags * interval)
    means, spans = [], []
    for run in runs:
        origins = run.thinned.shape[2] - int(lags.max())
        bins = _batches(origins * interval, start_ps, len(runs))
        means.append(origin_means(run, lags, weights, bins))
        spans.append(float(origins))
    return SlopeSeries(means, spans, lags, weights, start_ps, end_ps)


def onset_ps(relaxation: Relaxation | None, curves: MsdCurves) -> float | None:
    """The diffusive onset t* in ps, or None where three times t* exceeds 0.7 of the run.

    It is that of the relaxation, but no earlier than 6 D t reaches half the offset of the MSD line, which is
    what ions rattling in their cages add.
    """
    if relaxation is None:
        return None
    start = relaxation.onset_ps
    if WINDOW * start >= LONGEST * curves.lags_ps[-1]:
        return None
    d_self = np.trace(window_slope(curves, start_ps=start, end_ps=WINDOW * start)) / 3
    if d_self <= 0:
        return None
    inside = _inside(curves.lags_ps, start, WINDOW * start)
    trace = np.trace(curves.self_[inside], axis1=1, axis2=2)
    offset = np.mean(trace - 6 * d_self * curves.lags_ps[inside])
    start = max(start, offset / (12 * d_self))
    return None if WINDOW * start >= LONGEST * curves.lags_ps[-1] else float(start)


def hop_time_ps(curves: MsdCurves, *, from_ps: float, length_ps: float, hop_length_a: float) -> float | None:
    """The lag t, `from_ps` or later, at which 6 D_self t of the window [t, 3 t] reaches one hop squared; None where the
    window would exceed 0.7 of the run.

    Until an ion has moved on by a hop, on average, no spectrum can tell that it has forgotten the last one.
    """
    t = from_ps
    while WINDOW * t < LONGEST * length_ps:
        d_self = np.trace(window_slope(curves, start_ps=t, end_ps=WINDOW * t)) / 3
        if 6 * d_self * t >= hop_length_a**2:
            return t
        t *= 1.1
    return None


@dataclass(frozen=True)
class SelfDiffusion:
    """D_self of the window [t*, 3 t*], and what a later one says of it.

    An ion may remember its last hop until the next one, longer than the spectrum shows. Then D of the window is too high, by a
    factor exp(b). The window [t, 3 t] whose t is the time of a hop is free of it, and three times as noisy or more. What both
    say together is the posterior of b: zero with a chance of one half beforehand, else exponential.
    """

    early: SlopeSeries
    late: SlopeSeries | None
    early_tensor: np.ndarray
    late_tensor: np.ndarray | None

    def interval(self, confidence: float, direction: np.ndarray | None, extra: scatter.Extra) -> Estimate:
        """Value and interval in Å²/ps, of the scalar or along a unit vector (3,)."""
        value = _along(self.early_tensor, direction)
        error = self.early.error(direction)
        if value <= error.error:
            return positive_interval(value, error.error, error.dof, confidence)
        relative = error.error / value
        slowing, weight = self._slowing(direction, value, relative)
        return _mixture(value, relative, error.dof, slowing, weight, confidence, extra)

    def slowing_variance(self, direction: np.ndarray | None) -> float:
        """Posterior variance of b, of the scalar or along a unit vector (3,), which D_total shares as far as it is known."""
        value = _along(self.early_tensor, direction)
        if value <= 0:
            return 0.0
        b, weight = self._slowing(direction, value, self.early.error(direction).error / value)
        return float(weight @ b**2 - (weight @ b) ** 2)

    def between_runs(self, direction: np.ndarray | None) -> scatter.Extra:
        """Scatter between the runs beyond their own errors, of the scalar or along a unit vector (3,)."""
        own = np.array([_along(mean.mean(axis=0), direction) for mean in self.early.means])
        error = self.early.error(direction)
        if (own <= 0).any() or not error.error > 0:
            return scatter.NONE
        spans = np.array(self.early.spans)
        relative = error.error / _along(self.early_tensor, direction)
        return scatter.between(np.log(own), relative * np.sqrt(spans.sum() / spans))

    def _slowing(
        self, direction: np.ndarray | None, value: float, relative: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Values of b and their posterior probabilities."""
        if self.late is None or self.late_tensor is None:
            return np.zeros(1), np.ones(1)
        ratio_of_variances = brownian_variance(
            self.late.spans, self.late.lags, self.late.weights
        ) / brownian_variance(self.early.spans, self.early.lags, self.early.weights)
        noise = relative * np.sqrt(max(ratio_of_variances - 1.0, 0.1))
        # in D itself: the logarithm of a noisy late slope is skewed, and may not exist
        seen = _along(self.late_tensor, direction) / value
        b = np.concatenate([[0.0], np.linspace(0.01, 2.5, 125)])
        prior = np.concatenate([[1 - _SLOWING], _SLOWING * _prior_of_slowing(b[1:])])
        weight = prior * np.exp(-0.5 * ((seen - np.exp(-b)) / noise) ** 2)
        return b, weight / weight.sum()


def _between_runs(levels: Sequence[spectrum.Level | None], few: float) -> scatter.Extra:
    """Scatter of D_total between runs beyond that of their spectra and of few moves."""
    found = np.log([level.quantiles((0.16, 0.5, 0.84)) for level in levels if level is not None])
    if len(found) < 2:
        return scatter.NONE
    return scatter.between(found[:, 1], np.sqrt(((found[:, 2] - found[:, 0]) / 2) ** 2 + few))


def _prior_of_slowing(b: np.ndarray) -> np.ndarray:
    density = np.exp(-b / _SLOWED)
    return density / density.sum()


def _along(tensor: np.ndarray, direction: np.ndarray | None) -> float:
    """A third of the trace, or the component along a unit vector."""
    return float(np.trace(tensor) / 3 if direction is None else tensor @ direction @ direction)


def _mixture(
    value: float,
    relative: float,
    dof: float,
    slowing: np.ndarray,
    weight: np.ndarray,
    confidence: float,
    extra: scatter.Extra,
) -> Estimate:
    """Median and quantiles of value * exp(-b + error), error of Student's distribution."""
    from scipy.special import stdtr, stdtrit

    tail = (1 - confidence) / 2
    reach = float(stdtrit(dof, 1 - tail))
    scale = relative * extra.widening(reach * relative, confidence)
    x = np.linspace(-slowing.max() - 1.5 * reach * scale, 1.5 * reach * scale, 2000)
    below = stdtr(dof, (x[:, None] + slowing) / scale) @ weight
    low, middle, high = np.exp(np.interp((tail, 0.5, 1 - tail), below, x))
    return Estimate(value * float(middle), value * float(low), value * float(high))


def estimate(
    runs: Sequence[Displacements],
    curves: MsdCurves,
    *,
    window: tuple[float, float],
    relaxation: Relaxation | None,
    axes: dict[str, np.ndarray],
    hop_time_ps: float | None = None,
    log_variance: float = 0.0,
    confidence: float = 0.95,
) -> Diffusivities:
    """All coefficients with intervals, for a fit window (t*, end) in ps; `log_variance` of ln D comes from elsewhere.

    The intervals of D_self and D_total are symmetric in the logarithm; those of their difference and ratio
    follow from them by the method of variance estimates recovery (Zou and Donner, Stat. Med. 27, 1693
    (2008)), D_self and D_total taken as independent.
    """
    start, end = window
    late = None if hop_time_ps is None or hop_time_ps <= start else (hop_time_ps, WINDOW * hop_time_ps)
    own = SelfDiffusion(
        early=slope_series(runs, start_ps=start, end_ps=end),
        late=slope_series(runs, start_ps=late[0], end_ps=late[1]) if late else None,
        early_tensor=window_slope(curves, start_ps=start, end_ps=end),
        late_tensor=window_slope(curves, start_ps=late[0], end_ps=late[1]) if late else None,
    )
    fit = spectrum.fit(runs, onset_ps=start, relaxation=relaxation)
    fits = (
        [spectrum.fit([run], onset_ps=start, relaxation=relaxation) for run in runs] if len(runs) > 1 else []
    )
    given = scatter.NONE.plus(log_variance)

    def all_of(direction: np.ndarray | None) -> dict[str, Estimate | None]:
        differing = own.between_runs(direction).plus(log_variance) if fits else given
        single = own.interval(confidence, direction, differing)
        common = log_variance + own.slowing_variance(direction)
        few, dof = scatter.few_moves(runs, onset_ps=start, direction=direction)
        of_sum = (
            _between_runs([one.level(direction) for one in fits], few * len(fits)) if fits else scatter.NONE
        )
        total = fit.interval(confidence, direction, extra=of_sum.plus(few, dof).plus(common))
        return {
            "self": single,
            "total": total,
            "distinct": difference(total, single),
            "haven": ratio(single, total),
        }

    scalar = all_of(None)
    single = scalar["self"]
    tensor = own.early_tensor
    if single is not None and np.trace(tensor) > 0:
        tensor = tensor * (3 * single.value / np.trace(tensor))
    return Diffusivities(
        scalar=scalar,
        axes={name: all_of(direction) for name, direction in axes.items()},
        self_tensor=tensor,
        total_tensor=fit.tensor(),
    )
