"""D_self of a window of lags, and what a later window says of it: its value with an interval.

The value is the slope of MSD_self over [t*, 3 t*], its error that of the mean of a correlated time series
(`dlmd.transport.window_slopes`). A second window, from the time of a hop or of several on, tells whether motion
slows down beyond the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.base.intervals import Estimate
from dlmd.transport import extra_scatter as scatter
from dlmd.transport import window_slopes
from dlmd.transport.msd import Displacements, MsdCurves
from dlmd.transport.window_slopes import along


@dataclass(frozen=True)
class _Beforehand:
    """Chance, before the data are seen, that motion goes on slowing down beyond the onset, and the mean of ln D(t*) / D then; and
    the same of motion that becomes quicker, as where moves go on the same way."""

    slowing: float
    slowed: float
    quickening: float
    quickened: float

    def prior(self, quicker: np.ndarray, slower: np.ndarray) -> np.ndarray:
        """Probabilities of b at -`quicker`, 0 and `slower`, in this order."""
        return np.concatenate(
            [
                self.quickening * _exponential(quicker, self.quickened),
                [1 - self.slowing - self.quickening],
                self.slowing * _exponential(slower, self.slowed),
            ]
        )


# Motion that becomes quicker is rare: it leaves the value alone, and the interval reaches to where it would for one in four.
_LIKELY = _Beforehand(slowing=0.5, slowed=0.3, quickening=0.05, quickened=0.1)
_POSSIBLE = _Beforehand(slowing=0.4, slowed=0.3, quickening=0.25, quickened=0.1)
# Where the first window begins after the time of a hop, memory of several hops (slow bonds among quick ones, crowded sites) is
# still in it: it leaves the value alone, and the lower end reaches to where a chance of one in four would, as seen from the time
# of this many hops squared on.
_NOTHING = _Beforehand(slowing=0.0, slowed=0.1, quickening=0.0, quickened=0.1)
_SEVERAL_HOPS = _Beforehand(slowing=0.25, slowed=0.1, quickening=0.0, quickened=0.1)
_HOPS_SQUARED = 4.0
# Least noise of what two windows differ by, in parts of D.
_SHARPEST = 1e-4


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
        if 6 * along(tensor, direction) * t >= share * hop_length_a**2:
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
    The interval reaches to where it would with one in four. Where the first window begins after the time of a hop, the second is
    that of several hops, and moves the lower end alone (`opinions` beforehand, of the value and of the interval).
    """

    early: window_slopes.SlopeSeries
    late: window_slopes.SlopeSeries | None
    fall: window_slopes.SlopeSeries | None
    early_tensor: np.ndarray
    late_tensor: np.ndarray | None
    opinions: tuple[_Beforehand, _Beforehand] = (_LIKELY, _POSSIBLE)

    @property
    def a_hop_ps(self) -> float:
        """Start of the window in which ions move on by a hop."""
        if self.late is None or self.opinions[0] is not _LIKELY:
            return self.early.start_ps
        return self.late.start_ps

    def interval(self, confidence: float, direction: np.ndarray | None, extra: scatter.Extra) -> Estimate:
        """Value and interval in Å²/ps, of the scalar or along a unit vector (3,)."""
        value = along(self.early_tensor, direction)
        error = self.early.lasting_error(direction)
        # the gates have seen that the ions move on, but not along which axis
        if not value > error.error * (_reach(error.dof, confidence) if direction is not None else 1.0):
            return self.bound(confidence, direction)
        relative = error.error / value
        slowing, weights = self._slowing(direction, value, relative)
        return _mixture(value, relative, error.dof, slowing, weights, confidence, extra)

    def bound(self, confidence: float, direction: np.ndarray | None) -> Estimate:
        """Upper bound in Å²/ps of what may be 0, of the scalar or along a unit vector (3,)."""
        error = self.early.lasting_error(direction)
        most = max(along(self.early_tensor, direction), 0.0) + _reach(error.dof, confidence) * error.error
        return Estimate(0.0, 0.0, most, bound=True)

    def slowing_variance(self, direction: np.ndarray | None) -> float:
        """Posterior variance of b, of the scalar or along a unit vector (3,), which D_total shares as far as it is known."""
        value = along(self.early_tensor, direction)
        if value <= 0:
            return 0.0
        b, (weight, _) = self._slowing(direction, value, self.early.lasting_error(direction).error / value)
        return float(weight @ b**2 - (weight @ b) ** 2)

    def single_ions_variance(self, direction: np.ndarray | None) -> float:
        """Variance of ln D from which ions happen to be quick in these runs, which no spectrum of their sum shows; of the scalar
        or along a unit vector (3,)."""
        value = along(self.early_tensor, direction)
        return (self.early.single_ions_error(direction) / value) ** 2 if value > 0 else 0.0

    def pace_variance(self, direction: np.ndarray | None) -> float:
        """Variance of ln D from all ions being quick and slow together, which their sum shares: the least that the stretches of
        time allow (but for one case in five) less that of independent ions; of the scalar or along a unit vector (3,)."""
        from scipy.special import chdtri

        value, lasting = along(self.early_tensor, direction), self.early.lasting_error(direction)
        if value <= 0:
            return 0.0
        least = lasting.error**2 * lasting.dof / chdtri(lasting.dof, 0.2)
        return float(max(0.0, least - self.early.independent_error(direction) ** 2) / value**2)

    def between_runs(self, direction: np.ndarray | None) -> scatter.Extra:
        """Scatter between the runs beyond their own errors, of the scalar or along a unit vector (3,)."""
        own = np.array([along(mean.mean(axis=0), direction) for mean in self.early.means])
        error = self.early.lasting_error(direction)
        if (own <= 0).any() or not error.error > 0:
            return scatter.NONE
        spans = np.array(self.early.spans)
        relative = error.error / along(self.early_tensor, direction)
        return scatter.between(np.log(own), relative * np.sqrt(spans.sum() / spans))

    def _slowing(
        self, direction: np.ndarray | None, value: float, relative: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """(n,) values of b, and (2, n) their posterior probabilities by what is likely and by what is possible."""
        if self.late is None or self.late_tensor is None:
            return np.zeros(1), np.ones((2, 1))
        noise = self._noise_of_fall(direction, value, relative)
        # in D itself: the logarithm of a noisy late slope is skewed, and may not exist
        seen = along(self.late_tensor, direction) / value
        slower, quicker = np.linspace(0.01, 2.5, 125), np.linspace(0.01, 1.0, 100)
        b = np.concatenate([-quicker, [0.0], slower])
        priors = np.array([before.prior(quicker, slower) for before in self.opinions])
        with np.errstate(divide="ignore"):
            log_weights = np.log(priors) - 0.5 * ((seen - np.exp(-b)) / noise) ** 2
        weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
        return b, weights / weights.sum(axis=1, keepdims=True)

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


def _exponential(b: np.ndarray, mean: float) -> np.ndarray:
    """Probabilities of (n,) evenly spaced values of an exponential distribution."""
    density = np.exp(-b / mean)
    return density / density.sum()


def _reach(dof: float, confidence: float) -> float:
    """Quantile of Student's distribution for a two-sided interval."""
    from scipy.special import stdtrit

    return float(stdtrit(dof, 0.5 + confidence / 2))


def _mixture(
    value: float,
    relative: float,
    dof: float,
    slowing: np.ndarray,
    weights: np.ndarray,
    confidence: float,
    extra: scatter.Extra,
) -> Estimate:
    """Median and quantiles of value * exp(-b + error), error of Student's distribution: the median by the first `weights` of b,
    (2, n), the quantiles by those that reach further."""
    from scipy.special import stdtr, stdtrit

    tail = (1 - confidence) / 2
    reach = float(stdtrit(dof, 1 - tail))
    scale = relative * extra.widening(reach * relative, confidence)
    x = np.linspace(-slowing.max() - 1.5 * reach * scale, 1.5 * reach * scale - slowing.min(), 2000)
    below = stdtr(dof, (x[:, None] + slowing) / scale) @ weights.T
    likely, possible = (np.exp(np.interp((tail, 0.5, 1 - tail), column, x)) for column in below.T)
    low, high = min(likely[0], possible[0]), max(likely[2], possible[2])
    return Estimate(value * float(likely[1]), value * float(low), value * float(high))


def self_diffusion(
    runs: Sequence[Displacements],
    curves: MsdCurves,
    early: window_slopes.SlopeSeries,
    hop_time_ps: float | None,
    several_hops_ps: float | None = None,
) -> SelfDiffusion:
    """D_self of the window of `early`, with a second window from `hop_time_ps` on where that is later, else from
    `several_hops_ps`."""
    start, end = early.start_ps, early.end_ps
    a_hop, several = (t if t is not None and t > start else None for t in (hop_time_ps, several_hops_ps))
    second = a_hop or several
    late = (second, window_slopes.WINDOW * second) if second else None
    later = window_slopes.slope_series(runs, start_ps=late[0], end_ps=late[1]) if late else None
    return SelfDiffusion(
        early=early,
        late=later,
        fall=window_slopes.fall_series(runs, early, later) if later else None,
        early_tensor=window_slopes.window_slope(curves, start_ps=start, end_ps=end),
        late_tensor=window_slopes.window_slope(curves, start_ps=late[0], end_ps=late[1]) if late else None,
        opinions=(_LIKELY, _POSSIBLE) if a_hop else (_NOTHING, _SEVERAL_HOPS),
    )


def several_hops_ps(
    curves: MsdCurves, *, a_hop_ps: float | None, from_ps: float, length_ps: float, hop_length_a: float
) -> float | None:
    """The lag at which 6 D t is several hops squared; None where no window has it, or where that from the time of a hop is later
    than `from_ps`."""
    if a_hop_ps is None or a_hop_ps > from_ps:
        return None
    return hop_time_ps(
        curves, from_ps=from_ps, length_ps=length_ps, hop_length_a=hop_length_a, share=_HOPS_SQUARED
    )
