"""What is judged at one temperature: the motion, its steadiness, and the health of host and thermostat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlmd.base.units import BOLTZMANN_EV_PER_K
from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport import gates, health, msd, steadiness, window_slopes
from dlmd.transport.gates import Gate, Limits
from dlmd.transport.msd import MsdCurves
from dlmd.transport.window_slopes import SlopeSeries

# Activation energy that a temperature off its set point is reckoned with, and the shift of ln D in standard deviations.
OFFSET_ENERGY_EV, OFFSET_QUANTILE = 0.4, 1.5
# Stretches of a run whose displacements are compared with each other.
STRETCHES = 20


def steadiness_gates(
    runs: Sequence[msd.Displacements],
    curves: MsdCurves,
    early: SlopeSeries,
    hop_time_ps: float | None,
    limits: Limits,
) -> list[Gate | None]:
    """Is there no drift, and one diffusion coefficient, whatever the lag and the time? `early` is of the fit window."""
    lag = steadiness.with_lag(runs, curves, early, from_ps=hop_time_ps or early.start_ps)
    time = steadiness.with_time(early)
    return [
        no_drift(runs, limits),
        gates.stationary((time.change, time.chance), limits),
        gates.one_coefficient((lag.change, lag.chance), limits),
    ]


def moved_enough(
    runs: Sequence[msd.Displacements],
    curves: MsdCurves,
    window: tuple[float, float] | None,
    hop_time_ps: float | None,
    length_ps: float,
    limits: Limits,
) -> list[Gate | None]:
    """Have the ions moved on by several hops, and do many displacements carry that? 6 D_self times the length is told, D_self of
    the latest window; displacements are over stretches as long as the end of the fit window."""
    if window is None:
        return []
    end = window_slopes.LONGEST * length_ps
    tensor = window_slopes.window_slope(curves, start_ps=end / window_slopes.WINDOW, end_ps=end)
    reach = 2 * float(np.trace(tensor)) * length_ps
    return [
        gates.moved_on(hop_time_ps, length_ps, reach, limits),
        many_moves(runs, window[1], limits),
    ]


def many_moves(runs: Sequence[msd.Displacements], stretch_ps: float, limits: Limits) -> Gate | None:
    """Do many displacements over stretches of this length carry the motion?"""
    squares = fourths = 0.0
    for run in runs:
        every = max(1, round(stretch_ps / (run.stride * run.frame_interval_ps)))
        moves = np.diff(run.thinned[:, :, ::every].astype(float), axis=2) ** 2
        squares, fourths = squares + float(moves.sum()), fourths + float((moves**2).sum())
    return gates.many_moves(squares**2 / fourths, limits) if fourths > 0 else None


def no_drift(runs: Sequence[msd.Displacements], limits: Limits) -> Gate | None:
    """Do the mobile ions of every run stay on average? Student's t of the displacements in `STRETCHES` stretches, by axis."""
    from scipy.special import stdtr

    worst = 0.0, 1.0
    for run in runs:
        if run.n_frames <= STRETCHES:
            continue
        ends = np.linspace(0, run.n_frames - 1, STRETCHES + 1).round().astype(int)
        moves = np.diff(run.collective[ends], axis=0) / run.n_ions
        mean, error = moves.mean(axis=0), moves.std(axis=0, ddof=1) / np.sqrt(STRETCHES)
        t = np.divide(np.abs(mean), error, out=np.zeros(3), where=error > 0)
        # an axis of a run is one of several that are looked at
        chance = 3 * len(runs) * 2 * float(stdtr(STRETCHES - 1, -t.max()))
        if chance < worst[1]:
            length = (run.n_frames - 1) * run.frame_interval_ps
            worst = float(abs(mean[t.argmax()]) * STRETCHES / length), chance
    return gates.no_drift(*worst, limits)


def motion_gates(
    curves: MsdCurves,
    window: tuple[float, float] | None,
    onset: float | None,
    shortest_ps: float,
    limits: Limits,
) -> list[Gate | None]:
    """Have the ions left their sites, does MSD_self grow linearly, is the run long enough, and does the sum move?"""
    n = round(shortest_ps / curves.lags_ps[1]) + 1
    trace = np.trace(curves.self_[:n], axis1=1, axis2=2)
    if window is None:
        # without an onset, judge by the later half
        first, last = n // 4, n // 2
    else:
        first, last = (min(round(lag / curves.lags_ps[1]), n - 1) for lag in window)
    last = max(last, first + 1)
    slope = (trace[last] - trace[first]) / (last - first)
    # the line through the window, at the end of the run
    reach = float(trace[first] + slope * (n - 1 - first))
    return [
        gates.hops(reach, limits),
        gates.linear(trace, limits, first=first, last=last),
        gates.long_enough(shortest_ps, onset, limits),
        gates.sum_moves(float(np.trace(curves.total[last])), float(trace[last])),
    ]


def health_gates(
    trajectories: Sequence[Trajectory], temperature_k: float, limits: Limits
) -> list[Gate | None]:
    """Are host, temperature and energy of every run what they should be?"""
    failed = []
    for run in trajectories:
        if run.host is not None:
            failed.append(health.host_solid(run.host.msd_a2, limits))
            failed.append(health.host_same(run.host.median_shift_a, limits))
            failed.append(health.host_still(run.host.drift_a, limits))
        elif run.host_centre is not None:
            drift = float(np.linalg.norm(run.host_centre[-1] - run.host_centre[0]))
            failed.append(health.host_still(drift, limits))
        if run.thermo is not None:
            time = run.thermo["time_ps"]
            failed.append(health.temperature_steady(time, run.thermo["temperature_k"], temperature_k, limits))
            if "conserved_ev" in run.thermo:
                n_atoms = run.n_ions + run.n_host_atoms
                failed.append(
                    health.energy_conserved(time, run.thermo["conserved_ev"], n_atoms, temperature_k, limits)
                )
    return failed


def mean_offset_k(trajectories: Sequence[Trajectory], temperature_k: float) -> float:
    """Mean temperature of all runs less the set point, in K, as far as it is no noise; 0 where no temperature was recorded."""
    found = [run.thermo["temperature_k"] for run in trajectories if run.thermo is not None]
    return temperature_offset(np.concatenate(found), temperature_k) if found else 0.0


def temperature_offset(temperature_k: np.ndarray, set_point_k: float) -> float:
    """Mean of (frames,) less the set point, beyond two standard errors of that mean (of batches), in K."""
    batches = np.array([part.mean() for part in np.array_split(temperature_k, min(10, len(temperature_k)))])
    noise = batches.std(ddof=1) / np.sqrt(len(batches)) if len(batches) > 1 else 0.0
    offset = float(np.mean(temperature_k)) - set_point_k
    return float(np.sign(offset) * max(abs(offset) - 2 * noise, 0.0))


def offset_variance(offset_k: float, temperature_k: float) -> float:
    """Variance of ln D from a temperature that was not the set point, for an activation energy of up to `OFFSET_ENERGY_EV`."""
    shift = OFFSET_ENERGY_EV / (BOLTZMANN_EV_PER_K * temperature_k) * offset_k / temperature_k
    return (shift / OFFSET_QUANTILE) ** 2


def offset_notes(offset_k: float, temperature_k: float) -> list[str]:
    """A temperature off its set point by more than a thousandth: no verdict, but never silent."""
    if abs(offset_k) < 1e-3 * temperature_k:
        return []
    return [
        f"the mean temperature is {offset_k:+.1f} K off {temperature_k:g} K (beyond its noise); intervals are wider for it"
    ]


def swing_notes(swing_ps: float | None) -> list[str]:
    """All ions swinging as one: no verdict by itself, but never silent."""
    if swing_ps is None:
        return []
    return [
        f"all mobile ions swing as one against the host with a period of about {swing_ps:.2g} ps: D_total is told from below "
        "half of that frequency"
    ]
