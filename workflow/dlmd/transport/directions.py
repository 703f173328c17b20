"""Directions along which ions move on more slowly than along others, or not at all: D along each from windows of its own.

Where ions are quick along one direction, the window of the mean over all is early. Along a slow direction it then holds their
vibration, hops that are still remembered, or motion between walls. So D along it is asked from when 6 D t along it is a hop
squared; where D along it goes on falling with the lag, up to the longest, or ions do not move on, there is an upper bound.

Which directions are slow the tensor of the latest window tells: they need be no axes of the cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.transport import steadiness, window_slopes
from dlmd.transport.msd import Displacements, MsdCurves
from dlmd.transport.self_diffusion import SelfDiffusion, hop_time_ps, self_diffusion
from dlmd.transport.window_slopes import along

# An axis carries diffusion once 6 D t along it is this part of a hop squared: less is what ions do within their sites.
_MOVED_ON = 0.25
# A direction is slow where its hop takes this many times as long as that of all together.
_SLOWER = 2.0
# Where D along an axis falls below this part of D of the first window, that one holds mostly vibration.
_MOSTLY_VIBRATION = 0.3
# D falls with the lag where it does so by this much per unit of ln(lag), and chance gives more less often than this: along an
# axis that was given, and along one that was chosen for being slow.
_FALL, _BY_CHANCE, _CHOSEN_BY_CHANCE = 0.05, 0.01, 0.0025


@dataclass(frozen=True)
class Part:
    """A part of the motion, and whether ions move on in it: all of it (`direction` None), along a unit vector (3,), or along k
    vectors (k, 3), of which D is a third of the trace."""

    direction: np.ndarray | None
    own: SelfDiffusion
    moves: bool

    @property
    def is_plane(self) -> bool:
        return self.direction is None or self.direction.ndim == 2


def parts(
    runs: Sequence[Displacements], curves: MsdCurves, own: SelfDiffusion, *, hop_length_a: float
) -> list[Part]:
    """All motion in one, with the windows `own`; or, where directions are slow, that of the quick ones and of each slow one."""
    start, end = _latest(runs, own)
    _, directions = np.linalg.eigh(window_slopes.window_slope(curves, start_ps=start, end_ps=end))
    found = [
        along_axis(runs, curves, own, axis, hop_length_a=hop_length_a, by_chance=_CHOSEN_BY_CHANCE)
        for axis in directions.T
    ]
    slow = [part for part in found if part.own is not own]
    if not slow:
        return [Part(None, own, True)]
    quick = [part.direction for part in found if part.own is own]
    return [*([Part(np.array(quick), own, True)] if quick else []), *slow]


def along_axis(
    runs: Sequence[Displacements],
    curves: MsdCurves,
    own: SelfDiffusion,
    axis: np.ndarray,
    *,
    hop_length_a: float,
    by_chance: float = _BY_CHANCE,
) -> Part:
    """D_self along a unit vector (3,), from windows in which ions move on along it; `own` are those of all directions."""
    length_ps = _shortest(runs)
    asked = own.a_hop_ps
    latest, end = _latest(runs, own)

    def hop_time(share: float) -> float | None:
        return hop_time_ps(
            curves, from_ps=asked, length_ps=length_ps, hop_length_a=hop_length_a, direction=axis, share=share
        )

    moving = hop_time(1.0) or (latest if hop_time(_MOVED_ON) else None)
    fall = steadiness.with_lag(runs, curves, own.early, from_ps=asked, direction=axis)
    falls = fall.change > _FALL and fall.chance < by_chance
    if moving and not falls:
        if moving <= _SLOWER * asked:
            return Part(axis, own, True)
        both = self_diffusion(runs, curves, own.early, moving)
        assert both.late_tensor is not None
        if along(both.late_tensor, axis) > _MOSTLY_VIBRATION * along(own.early_tensor, axis):
            return Part(axis, both, True)
        later = window_slopes.slope_series(runs, start_ps=moving, end_ps=window_slopes.WINDOW * moving)
        return Part(axis, self_diffusion(runs, curves, later, None), True)
    later = window_slopes.slope_series(runs, start_ps=latest, end_ps=end)
    return Part(axis, self_diffusion(runs, curves, later, None), False)


def _shortest(runs: Sequence[Displacements]) -> float:
    return min((run.n_frames - 1) * run.frame_interval_ps for run in runs)


def _latest(runs: Sequence[Displacements], own: SelfDiffusion) -> tuple[float, float]:
    """The latest window there is, in ps."""
    longest = window_slopes.LONGEST * _shortest(runs)
    start = max(own.early.start_ps, longest / window_slopes.WINDOW)
    return start, min(window_slopes.WINDOW * start, longest)
