"""Diffusion coefficients with error bars: D_self, D_total, D_distinct and the Haven ratio.

D_self is the least-squares slope of MSD_self over lags [t*, 3 t*] and 1/(2d). Its error is that of the mean
of a correlated time series: the same linear combination of squared displacements, as a function of the time
origin, averaged in batches. Ions are never taken as independent of each other. D_total comes from the current
spectrum (`dlmd.transport.spectrum`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dlmd.base.intervals import Estimate, difference, ratio
from dlmd.transport import extra_scatter as scatter
from dlmd.transport import spectrum, window_slopes
from dlmd.transport.msd import Displacements, MsdCurves
from dlmd.transport.onset import Relaxation

VERSION = 6

# Chance, before the data are seen, that motion goes on slowing down beyond the onset, and the mean of ln D(t*) / D then; and
# the same of motion that becomes quicker, as where moves go on the same way.
_SLOWING, _SLOWED = 0.5, 0.3
_QUICKENING, _QUICKENED = 0.05, 0.1
# An axis carries diffusion once 6 D t along it is this part of a hop squared: less is what ions do within their sites.
_MOVED_ON = 0.25
# Where D along an axis falls below this part of D of the first window, that one holds mostly vibration.
_MOSTLY_VIBRATION = 0.3
# Least noise of what two windows differ by, in parts of D.
_SHARPEST = 1e-4


@dataclass(frozen=True)
class Diffusivities:
    """Diffusion coefficients in Å²/ps: keys self, total, distinct, haven; scalar, along each axis, and as (3, 3) tensors."""

    scalar: dict[str, Estimate | None]
    axes: dict[str, dict[str, Estimate | None]]
    self_tensor: np.ndarray
    total_tensor: np.ndarray


def onset_ps(relaxation: Relaxation | None, curves: MsdCurves) -> float | None:
    """The diffusive onset t* in ps, or None where three times t* exceeds 0.7 of the run.

    It is that of the relaxation, but no earlier than 6 D t reaches half the offset of the MSD line, which is
    what ions rattling in their cages add.
    """
    if relaxation is None:
        return None
    start = relaxation.onset_ps
    if window_slopes.WINDOW * start >= window_slopes.LONGEST * curves.lags_ps[-1]:
        return None
    d_self = (
        np.trace(window_slopes.window_slope(curves, start_ps=start, end_ps=window_slopes.WINDOW * start)) / 3
    )
    if d_self <= 0:
        return None
    window = window_slopes.inside(curves.lags_ps, start, window_slopes.WINDOW * start)
    trace = np.trace(curves.self_[window], axis1=1, axis2=2)
    offset = np.mean(trace - 6 * d_self * curves.lags_ps[window])
    start = max(start, offset / (12 * d_self))
    return (
        None if window_slopes.WINDOW * start >= window_slopes.LONGEST * curves.lags_ps[-1] else float(start)
    )


def hop_time_ps(
    curves: MsdCurves,
    *,
    from_ps: float,
    length_ps: float,
    hop_length_a: float,
    direction: np.ndarray | None = None,
    share: float = 1.0,
) -> float | None:
    """The lag t, `from_ps` or later, at which 6 D_self t of the window [t, 3 t] reaches one hop squared, or `share` of it; None
    where no window from `from_ps` on that ends within 0.7 of the run has it.

    Until an ion has moved on by a hop, on average, no spectrum can tell that it has forgotten the last one. Along a unit vector
    (3,) D is that along it: where ions are quick along another axis, the window of all axes together may be so early that along
    this one it holds nothing but their vibration.
    """
    t = from_ps
    while True:
        tensor = window_slopes.window_slope(curves, start_ps=t, end_ps=window_slopes.WINDOW * t)
        if 6 * _along(tensor, direction) * t >= share * hop_length_a**2:
            return t
        t *= 1.1
        if window_slopes.WINDOW * t >= window_slopes.LONGEST * length_ps:
            return None


@dataclass(frozen=True)
class SelfDiffusion:
    """D_self of the window [t*, 3 t*], and what a later one says of it.

    An ion may remember its last hop until the next one, longer than the spectrum shows. Then D of the window is too high, by a
    factor exp(b). The window [t, 3 t] whose t is the time of a hop is free of it, and three times as noisy or more. What both
    say together is the posterior of b: positive with a chance of one half beforehand, negative with one of a twentieth, else 0.
    """

    early: window_slopes.SlopeSeries
    late: window_slopes.SlopeSeries | None
    fall: window_slopes.SlopeSeries | None
    early_tensor: np.ndarray
    late_tensor: np.ndarray | None

    def interval(self, confidence: float, direction: np.ndarray | None, extra: scatter.Extra) -> Estimate:
        """Value and interval in Å²/ps, of the scalar or along a unit vector (3,)."""
        value = _along(self.early_tensor, direction)
        error = self.early.lasting_error(direction)
        # the gates have seen that the ions move on, but not along which axis
        if not value > error.error * (_reach(error.dof, confidence) if direction is not None else 1.0):
            return self.bound(confidence, direction)
        relative = error.error / value
        slowing, weight = self._slowing(direction, value, relative)
        return _mixture(value, relative, error.dof, slowing, weight, confidence, extra)

    def bound(self, confidence: float, direction: np.ndarray | None) -> Estimate:
        """Upper bound in Å²/ps of what may be 0, of the scalar or along a unit vector (3,)."""
        error = self.early.lasting_error(direction)
        most = max(_along(self.early_tensor, direction), 0.0) + _reach(error.dof, confidence) * error.error
        return Estimate(0.0, 0.0, most, bound=True)

    def slowing_variance(self, direction: np.ndarray | None) -> float:
        """Posterior variance of b, of the scalar or along a unit vector (3,), which D_total shares as far as it is known."""
        value = _along(self.early_tensor, direction)
        if value <= 0:
            return 0.0
        b, weight = self._slowing(direction, value, self.early.lasting_error(direction).error / value)
        return float(weight @ b**2 - (weight @ b) ** 2)

    def single_ions_variance(self, direction: np.ndarray | None) -> float:
        """Variance of ln D from which ions happen to be quick in these runs, which no spectrum of their sum shows; of the scalar
        or along a unit vector (3,)."""
        value = _along(self.early_tensor, direction)
        return (self.early.single_ions_error(direction) / value) ** 2 if value > 0 else 0.0

    def between_runs(self, direction: np.ndarray | None) -> scatter.Extra:
        """Scatter between the runs beyond their own errors, of the scalar or along a unit vector (3,)."""
        own = np.array([_along(mean.mean(axis=0), direction) for mean in self.early.means])
        error = self.early.lasting_error(direction)
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
        noise = self._noise_of_fall(direction, value, relative)
        # in D itself: the logarithm of a noisy late slope is skewed, and may not exist
        seen = _along(self.late_tensor, direction) / value
        slower, quicker = np.linspace(0.01, 2.5, 125), np.linspace(0.01, 0.5, 50)
        b = np.concatenate([-quicker, [0.0], slower])
        prior = np.concatenate(
            [
                _QUICKENING * _exponential(quicker, _QUICKENED),
                [1 - _SLOWING - _QUICKENING],
                _SLOWING * _exponential(slower, _SLOWED),
            ]
        )
        weight = prior * np.exp(-0.5 * ((seen - np.exp(-b)) / noise) ** 2)
        return b, weight / weight.sum()

    def _noise_of_fall(self, direction: np.ndarray | None, value: float, relative: float) -> float:
        """Standard deviation of what the late window has less than the early one, in parts of D: the early one's error scaled as
        for Brownian motion, or the most that the scatter of their difference allows (but for one case in four)."""
        from scipy.special import chdtri

        assert self.late is not None and self.fall is not None
        ratio_of_variances = window_slopes.brownian_variance(
            self.late.spans, self.late.lags, self.late.weights
        ) / window_slopes.brownian_variance(self.early.spans, self.early.lags, self.early.weights)
        scaled = relative * np.sqrt(max(ratio_of_variances - 1.0, 0.1))
        seen = self.fall.error(direction)
        allowed = seen.error / value * np.sqrt(seen.dof / chdtri(seen.dof, 0.75))
        return float(max(min(scaled, allowed), _SHARPEST))


def _between_runs(levels: Sequence[spectrum.Level | None], few: float) -> scatter.Extra:
    """Scatter of D_total between runs beyond that of their spectra and of few moves."""
    found = np.log([level.quantiles((0.16, 0.5, 0.84)) for level in levels if level is not None])
    if len(found) < 2:
        return scatter.NONE
    return scatter.between(found[:, 1], np.sqrt(((found[:, 2] - found[:, 0]) / 2) ** 2 + few))


def _exponential(b: np.ndarray, mean: float) -> np.ndarray:
    """Probabilities of (n,) evenly spaced values of an exponential distribution."""
    density = np.exp(-b / mean)
    return density / density.sum()


def _reach(dof: float, confidence: float) -> float:
    """Quantile of Student's distribution for a two-sided interval."""
    from scipy.special import stdtrit

    return float(stdtrit(dof, 0.5 + confidence / 2))


def unseen(
    runs: Sequence[Displacements], *, hop_length_a: float, confidence: float, dimensions: int
) -> float:
    """D in Å²/ps of ions that hop so seldom that runs show no hop with a chance of 1 - confidence: no bound is lower."""
    ion_time = sum(run.n_ions * (run.n_frames - 1) * run.frame_interval_ps for run in runs)
    return float(-np.log(1 - confidence) / ion_time * hop_length_a**2 / (2 * dimensions))


def _along_axis(
    runs: Sequence[Displacements],
    curves: MsdCurves,
    own: SelfDiffusion,
    direction: np.ndarray,
    hop_length_a: float,
) -> tuple[SelfDiffusion, bool]:
    """D_self along a unit vector (3,), from windows in which ions move on along it, and whether there are such."""
    length_ps = min((run.n_frames - 1) * run.frame_interval_ps for run in runs)
    longest = window_slopes.LONGEST * length_ps
    start = own.early.start_ps
    asked = start if own.late is None else own.late.start_ps
    moving = hop_time_ps(
        curves,
        from_ps=asked,
        length_ps=length_ps,
        hop_length_a=hop_length_a,
        direction=direction,
        share=_MOVED_ON,
    )
    if moving == asked:
        return own, True
    # the latest window there is, where ions do not move on
    from_ps = moving or max(start, longest / window_slopes.WINDOW)
    if moving:
        both = _self_diffusion(runs, curves, own.early, moving)
        assert both.late_tensor is not None
        if _along(both.late_tensor, direction) > _MOSTLY_VIBRATION * _along(own.early_tensor, direction):
            return both, True
    end = min(window_slopes.WINDOW * from_ps, longest)
    later = window_slopes.slope_series(runs, start_ps=from_ps, end_ps=end)
    return _self_diffusion(runs, curves, later, None), moving is not None


def _no_lower(estimate: Estimate, least: float) -> Estimate:
    """An upper bound is at least what the runs can tell."""
    return replace(estimate, high=max(estimate.high, least)) if estimate.bound else estimate


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
    x = np.linspace(-slowing.max() - 1.5 * reach * scale, 1.5 * reach * scale - slowing.min(), 2000)
    below = stdtr(dof, (x[:, None] + slowing) / scale) @ weight
    low, middle, high = np.exp(np.interp((tail, 0.5, 1 - tail), below, x))
    return Estimate(value * float(middle), value * float(low), value * float(high))


def _self_diffusion(
    runs: Sequence[Displacements],
    curves: MsdCurves,
    early: window_slopes.SlopeSeries,
    hop_time_ps: float | None,
) -> SelfDiffusion:
    start, end = early.start_ps, early.end_ps
    late = (
        None
        if hop_time_ps is None or hop_time_ps <= start
        else (hop_time_ps, window_slopes.WINDOW * hop_time_ps)
    )
    later = window_slopes.slope_series(runs, start_ps=late[0], end_ps=late[1]) if late else None
    return SelfDiffusion(
        early=early,
        late=later,
        fall=window_slopes.fall_series(runs, early, later) if later else None,
        early_tensor=window_slopes.window_slope(curves, start_ps=start, end_ps=end),
        late_tensor=window_slopes.window_slope(curves, start_ps=late[0], end_ps=late[1]) if late else None,
    )


def estimate(
    runs: Sequence[Displacements],
    curves: MsdCurves,
    *,
    early: window_slopes.SlopeSeries,
    relaxation: Relaxation | None,
    axes: dict[str, np.ndarray],
    hop_time_ps: float | None = None,
    hop_length_a: float = 3.0,
    log_variance: float = 0.0,
    confidence: float = 0.95,
) -> Diffusivities:
    """All coefficients with intervals; `early` is of the fit window, and `log_variance` of ln D comes from elsewhere.

    Where a coefficient may be zero it is an upper bound, no lower than what hops of `hop_length_a` would give of which the runs
    would show none with a chance of 1 - confidence. The intervals of D_self and D_total are symmetric in the logarithm; those
    of their difference and ratio follow from them by the method of variance estimates recovery (Zou and Donner, Stat. Med. 27,
    1693 (2008)), D_self and D_total taken as independent.
    """
    start, own = early.start_ps, _self_diffusion(runs, curves, early, hop_time_ps)
    fit = spectrum.fit(runs, onset_ps=start, relaxation=relaxation)
    fits = (
        [spectrum.fit([run], onset_ps=start, relaxation=relaxation) for run in runs] if len(runs) > 1 else []
    )
    given = scatter.NONE.plus(log_variance)

    def all_of(direction: np.ndarray | None) -> dict[str, Estimate | None]:
        least = unseen(
            runs, hop_length_a=hop_length_a, confidence=confidence, dimensions=3 if direction is None else 1
        )
        mine, moves = (
            (own, True) if direction is None else _along_axis(runs, curves, own, direction, hop_length_a)
        )
        differing = mine.between_runs(direction).plus(log_variance) if fits else given
        single = (
            mine.interval(confidence, direction, differing) if moves else mine.bound(confidence, direction)
        )
        single = _no_lower(single, least)
        common = log_variance + mine.slowing_variance(direction) + mine.single_ions_variance(direction)
        few, dof = scatter.few_moves(runs, onset_ps=start, direction=direction)
        of_sum = (
            _between_runs([one.level(direction) for one in fits], few * len(fits)) if fits else scatter.NONE
        )
        total = fit.interval(confidence, direction, extra=of_sum.plus(few, dof).plus(common))
        if not moves:
            # <|sum u|²> <= N sum <u²>
            total = Estimate(0.0, 0.0, min(total.high, runs[0].n_ions * single.high), bound=True)
        total = _no_lower(total, least)
        return {
            "self": single,
            "total": total,
            "distinct": difference(total, single),
            "haven": ratio(single, total),
        }

    scalar = all_of(None)
    single = scalar["self"]
    tensor = own.early_tensor
    if single is not None and single.value > 0 and np.trace(tensor) > 0:
        tensor = tensor * (3 * single.value / np.trace(tensor))
    return Diffusivities(
        scalar=scalar,
        axes={name: all_of(direction) for name, direction in axes.items()},
        self_tensor=tensor,
        total_tensor=fit.tensor(),
    )
