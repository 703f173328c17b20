"""Diffusion coefficients with error bars: D_self, D_total, D_distinct and the Haven ratio.

D_self is the least-squares slope of MSD_self over lags [t*, 3 t*] and 1/(2d). Its error is that of the mean
of a correlated time series: the same linear combination of squared displacements, as a function of the time
origin, averaged in batches. Ions are never taken as independent of each other. D_total comes from the current
spectrum (`dlmd.transport.spectrum`).

Ions may be quick along some directions and slow, or bounded, along others. Each slow one has windows of its own
(`dlmd.transport.directions`), since what ions remember along it the quick ones do not show; the mean is put together from all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.base.intervals import Estimate, difference, ratio
from dlmd.transport import directions, onset, spectrum, window_slopes
from dlmd.transport import extra_scatter as scatter
from dlmd.transport.directions import Part
from dlmd.transport.msd import Displacements, MsdCurves, shortest_ps
from dlmd.transport.onset import Relaxation
from dlmd.transport.self_diffusion import SelfDiffusion, self_diffusion, several_hops_ps
from dlmd.transport.window_slopes import along

VERSION = 11


@dataclass(frozen=True)
class Diffusivities:
    """Diffusion coefficients in Å²/ps: keys self, total, distinct, haven; scalar, along each axis, and as (3, 3) tensors.

    `swing_ps` is the period of a swing of all ions as one, where the spectrum of their sum shows one.
    """

    scalar: dict[str, Estimate | None]
    axes: dict[str, dict[str, Estimate | None]]
    self_tensor: np.ndarray
    total_tensor: np.ndarray
    swing_ps: float | None = None


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


def _between_runs(levels: Sequence[spectrum.Level | None], few: float) -> scatter.Extra:
    """Scatter of D_total between runs beyond that of their spectra and of few moves."""
    found = np.log([level.quantiles((0.16, 0.5, 0.84)) for level in levels if level is not None])
    if len(found) < 2:
        return scatter.NONE
    return scatter.between(found[:, 1], np.sqrt(((found[:, 2] - found[:, 0]) / 2) ** 2 + few))


def unseen(
    runs: Sequence[Displacements], *, hop_length_a: float, confidence: float, dimensions: int
) -> float:
    """D in Å²/ps of ions that hop so seldom that runs show no hop with a chance of 1 - confidence: no bound is lower."""
    ion_time = sum(run.n_ions * (run.n_frames - 1) * run.frame_interval_ps for run in runs)
    return float(-np.log(1 - confidence) / ion_time * hop_length_a**2 / (2 * dimensions))


class _Coefficients:
    """What `estimate` was given, and the coefficients of any part of the motion."""

    def __init__(
        self,
        runs: Sequence[Displacements],
        own: SelfDiffusion,
        *,
        relaxation: Relaxation | None,
        hop_time_ps: float | None,
        hop_length_a: float,
        log_variance: float,
        confidence: float,
    ):
        self.hop_time_ps = hop_time_ps
        self.runs, self.own, self.confidence = runs, own, confidence
        self.start_ps = own.early.start_ps
        self.hop_length_a, self.log_variance = hop_length_a, log_variance
        self.swing_ps = spectrum.swing_ps(runs, onset_ps=self.start_ps, relaxation=relaxation)
        self.fits = self._spectra(self.start_ps, relaxation)

    def _spectra(self, onset_ps: float, relaxation: Relaxation | None) -> list[spectrum.SpectralFit]:
        """The low spectrum of all runs together and, where there are several, of each."""
        each = [self.runs, *([run] for run in self.runs if len(self.runs) > 1)]
        return [
            spectrum.fit(
                some,
                onset_ps=onset_ps,
                relaxation=relaxation,
                swing_ps=self.swing_ps,
                hop_time_ps=self.hop_time_ps,
            )
            for some in each
        ]

    def _spectra_of(self, part: Part) -> list[spectrum.SpectralFit]:
        """Along a slow direction with the relaxation of single ions along it, which is slower too."""
        if part.is_plane or part.own is self.own or not part.moves:
            return self.fits
        relaxation = onset.find(self.runs, part.direction)
        found = relaxation.onset_ps if relaxation else (part.own.late or part.own.early).start_ps
        return self._spectra(max(found, self.start_ps), relaxation)

    def of(self, part: Part) -> tuple[Estimate, Estimate]:
        """D_self and D_total of a part of the motion."""
        direction, mine = part.direction, part.own
        least = unseen(
            self.runs,
            hop_length_a=self.hop_length_a,
            confidence=self.confidence,
            dimensions=1 if direction is not None and direction.ndim == 1 else 3,
        )
        given = scatter.NONE.plus(self.log_variance)
        differing = mine.between_runs(direction).plus(self.log_variance) if len(self.runs) > 1 else given
        single = (
            mine.interval(self.confidence, direction, differing)
            if part.moves
            else mine.bound(self.confidence, direction)
        ).no_lower(least)
        common = self.log_variance + mine.slowing_variance(direction) + mine.single_ions_variance(direction)
        few, dof = scatter.few_moves(self.runs, onset_ps=self.start_ps, direction=direction)
        pace = mine.pace_variance(direction)
        if pace > few:
            few, dof = pace, mine.early.lasting_error(direction).dof
        together, *each = self._spectra_of(part)
        of_sum = scatter.NONE
        if each:
            of_sum = _between_runs([one.level(direction) for one in each], few * len(each))
        total = together.interval(self.confidence, direction, extra=of_sum.plus(few, dof).plus(common))
        if not part.moves:
            # <|sum u|²> <= N sum <u²>
            total = Estimate(0.0, 0.0, min(total.high, self.runs[0].n_ions * single.high), bound=True)
        elif single.bound:
            # ions that may not move carry a current that may be none
            total = Estimate(0.0, 0.0, total.high, bound=True)
        return single, total.no_lower(least)


def _all_four(single: Estimate, total: Estimate) -> dict[str, Estimate | None]:
    return {
        "self": single,
        "total": total,
        "distinct": difference(total, single),
        "haven": ratio(single, total),
    }


def _mean(found: Sequence[tuple[Part, Estimate]], *, independent: bool) -> Estimate:
    """Mean over the three directions from that of the quick ones and those of the others; a bound adds to the upper end only.
    What makes one part quick at times may make all, so that errors add up unless they are `independent`."""
    parts = [one if part.is_plane else one.scaled(1 / 3) for part, one in found]
    value = sum(one.value for one in parts)
    order = 2 if independent else 1
    down = float(np.linalg.norm([one.value - one.low for one in parts], order))
    up = float(np.linalg.norm([one.high - one.value for one in parts], order))
    return Estimate(value, value - down, value + up, bound=not value > 0)


def _tensor(found: Sequence[tuple[Part, Estimate]], tensor: np.ndarray) -> np.ndarray:
    """(3, 3): a tensor, stretched or shrunk along each part's directions so that it has the part's value there."""
    stretch = np.zeros((3, 3))
    for part, one in found:
        rows = np.eye(3) if part.direction is None else np.atleast_2d(part.direction)
        before = along(tensor, part.direction)
        if before > 0:
            stretch += rows.T @ rows * np.sqrt(one.value / before)
    return stretch @ tensor @ stretch


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
    several = several_hops_ps(
        curves,
        a_hop_ps=hop_time_ps,
        from_ps=early.start_ps,
        length_ps=shortest_ps(runs),
        hop_length_a=hop_length_a,
    )
    own = self_diffusion(runs, curves, early, hop_time_ps, several)
    coefficients = _Coefficients(
        runs,
        own,
        relaxation=relaxation,
        hop_time_ps=hop_time_ps,
        hop_length_a=hop_length_a,
        log_variance=log_variance,
        confidence=confidence,
    )
    found = [
        (part, *coefficients.of(part))
        for part in directions.parts(runs, curves, own, hop_length_a=hop_length_a)
    ]
    tensors = own.early_tensor, coefficients.fits[0].tensor()
    if len(found) == 1:
        ((_, single, total),) = found
        if single.value > 0 and np.trace(tensors[0]) > 0:
            tensors = tensors[0] * (3 * single.value / np.trace(tensors[0])), tensors[1]
    else:
        of_self, of_total = ([(part, each[k]) for part, *each in found] for k in (0, 1))
        single, total = _mean(of_self, independent=False), _mean(of_total, independent=True)
        tensors = _tensor(of_self, tensors[0]), _tensor(of_total, tensors[1])
    of_axes = {
        name: coefficients.of(directions.along_axis(runs, curves, own, axis, hop_length_a=hop_length_a))
        for name, axis in axes.items()
    }
    return Diffusivities(
        scalar=_all_four(single, total),
        axes={name: _all_four(*each) for name, each in of_axes.items()},
        self_tensor=tensors[0],
        total_tensor=tensors[1],
        swing_ps=coefficients.swing_ps,
    )
