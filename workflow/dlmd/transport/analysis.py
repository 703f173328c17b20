"""From trajectories of one temperature to diffusion coefficients, Haven ratio and conductivity, or a verdict
why not.

With N ions of charge z e in volume V, d = 3:

    D_x    = slope of MSD_x / 2d in the diffusive regime
    H_R    = D_self / D_total
    sigma  = N z² e² D_total / (V k_B T)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.intervals import Estimate
from dlmd.base.units import CM2_PER_S_PER_A2_PER_PS, conductivity_ms_per_cm
from dlmd.trajectory.host import HOST_HOP_A
from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport import diffusion, gates, judgement, msd, spectrum, swings, window_slopes
from dlmd.transport import onset as onset_of_diffusion
from dlmd.transport.gates import Limits
from dlmd.transport.msd import AXES, MsdCurves, cell_axes
from dlmd.transport.replicas import refuse_same_frames, require_one_system, runs_of
from dlmd.transport.result_checks import require_confidence
from dlmd.transport.self_diffusion import hop_time_ps

VERSION = 2


@dataclass
class TransportResult:
    """Transport at one temperature; `estimates` is None where the verdict is neither 'ok' nor 'upper_bound'.

    Attributes
    ----------
    curves
        MSD tensors at the saved lags, in Å².
    axes
        (3, 3) unit vectors along a, b and c*, in rows.
    estimates
        Diffusion coefficients in Å²/ps by name, scalar and by axis.
    """

    curves: MsdCurves
    axes: np.ndarray
    system: dict[str, Any]
    verdict: dict[str, Any]
    window_ps: tuple[float, float] | None
    onset_ps: float | None
    estimates: diffusion.Diffusivities | None
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.verdict["code"] == "ok"

    def to_dict(self) -> dict[str, Any]:
        """All numbers, JSON-ready: units in the keys, None for what is withheld."""
        numbers = self._numbers()
        return {
            "format": "dlmd-transport",
            "version": VERSION,
            "algorithms": {
                "msd": msd.VERSION,
                "onset": onset_of_diffusion.VERSION,
                "diffusion": diffusion.VERSION,
                "spectrum": spectrum.VERSION,
                "gates": gates.VERSION,
            },
            **self.system,
            "verdict": self.verdict,
            "onset_ps": self.onset_ps,
            "fit_window_ps": list(self.window_ps) if self.window_ps else None,
            "notes": [*self.notes, *_missing(numbers["axes"])],
            **numbers,
            "msd": msd.by_name(self.curves, self.axes),
        }

    def _numbers(self) -> dict[str, Any]:
        if self.estimates is None:
            names = ("d_self_cm2_per_s", "d_total_cm2_per_s", "d_distinct_cm2_per_s", "haven_ratio")
            return {
                **dict.fromkeys((*names, "conductivity_ms_per_cm")),
                "axes": None,
                "d_self_tensor_cm2_per_s": None,
                "d_total_tensor_cm2_per_s": None,
                "paper_reading": None,
            }
        found = self.estimates
        return {
            **self._quantities(found.scalar),
            "axes": {name: self._quantities(found.axes[name]) for name in AXES},
            "d_self_tensor_cm2_per_s": (found.self_tensor * CM2_PER_S_PER_A2_PER_PS).tolist(),
            "d_total_tensor_cm2_per_s": (found.total_tensor * CM2_PER_S_PER_A2_PER_PS).tolist()
            if self.ok
            else None,
            "paper_reading": self._paper_reading() if self.ok else None,
        }

    def _conductivity(self, d_total_a2_per_ps: float) -> float:
        return conductivity_ms_per_cm(
            diffusion_a2_per_ps=d_total_a2_per_ps,
            n_ions=self.system["n_ions"],
            charge_e=self.system["charge_e"],
            volume_angstrom3=self.system["volume_a3"],
            temperature_k=self.system["temperature_k"],
        )

    def _quantities(self, found: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "d_self_cm2_per_s": _json(found["self"].scaled(CM2_PER_S_PER_A2_PER_PS)),
            "d_total_cm2_per_s": _json(found["total"].scaled(CM2_PER_S_PER_A2_PER_PS)),
            "d_distinct_cm2_per_s": _json(found["distinct"].scaled(CM2_PER_S_PER_A2_PER_PS)),
            "haven_ratio": _json(found["haven"]),
            "conductivity_ms_per_cm": _json(found["total"].scaled(self._conductivity(1.0))),
        }

    def _paper_reading(self) -> dict[str, Any]:
        """The reference paper's own formulae: D at one lag (Eq. 9), and D_total divided by H_R once more (Eq. 11)."""
        assert self.window_ps is not None  # where there are estimates there is a window
        lag = self.window_ps[1]
        i = int(np.argmin(np.abs(self.curves.lags_ps - lag)))
        lag = float(self.curves.lags_ps[i])
        d_self, d_total = (
            float(np.trace(curve[i])) / (6.0 * lag) for curve in (self.curves.self_, self.curves.total)
        )
        haven = d_self / d_total
        return {
            "note": "Eq. 9 at one lag instead of a slope; Eq. 11 divides D_total by the Haven ratio, "
            "which counts the correlation twice",
            "lag_ps": lag,
            "d_self_eq9_cm2_per_s": d_self * CM2_PER_S_PER_A2_PER_PS,
            "d_total_eq9_cm2_per_s": d_total * CM2_PER_S_PER_A2_PER_PS,
            "haven_ratio_eq10": haven,
            "conductivity_eq11_ms_per_cm": self._conductivity(d_total / haven),
        }


def _missing(axes: Mapping[str, Mapping[str, Any]] | None) -> list[str]:
    """What has no number along an axis: never silent."""
    names = {"d_self_cm2_per_s": "D_self", "d_total_cm2_per_s": "D_total"}
    return [
        f"no {name} along {axis.replace('_star', '*')}: its error has no finite value"
        for axis, found in (axes or {}).items()
        for key, name in names.items()
        if found[key] is None
    ]


def _json(estimate: Estimate | None) -> dict[str, float | bool] | None:
    """None, or value, low and high; an upper bound has value and low 0, and `bound` True, which others lack. What is no number is
    None."""
    if estimate is None or not np.isfinite([estimate.value, estimate.low, estimate.high]).all():
        return None
    if estimate.bound:
        return {"value": 0.0, "low": 0.0, "high": float(estimate.high), "bound": True}
    return {"value": float(estimate.value), "low": float(estimate.low), "high": float(estimate.high)}


def analyse(
    trajectories: Sequence[Trajectory],
    *,
    charge: float,
    temperature_k: float | None = None,
    lag_start_ps: float | None = None,
    lag_end_ps: float | None = None,
    confidence: float = 0.95,
    limits: Limits | None = None,
    further: Sequence[gates.Gate | None] = (),
    **bounds: float,
) -> TransportResult:
    """Transport coefficients of one or several runs (replicas) of one system at one temperature.

    Parameters
    ----------
    charge
        z of the mobile ion, in e.
    temperature_k
        Set point; taken from the trajectories where it is not given.
    lag_start_ps, lag_end_ps
        Fit window; the diffusive onset found in the data, and three times the start, where they are not
        given.
    confidence
        Level of the intervals.
    limits, **bounds
        Limits of the gates, as an object or by name, see `dlmd.transport.gates.Limits`.
    further
        What was found broken before, which counts like the gates.

    Raises
    ------
    DlmdError
        where no trajectory, temperature or charge is given, replicas differ or are the same run twice, confidence or hop length
        cannot be, or the window does not fit the run. Unphysical or insufficient data give a verdict instead.
    """
    trajectories, limits = runs_of(trajectories), _checked(limits or Limits(**bounds), confidence)
    system = _system(trajectories, charge=charge, temperature_k=temperature_k)
    shortest = min(run.length_ps for run in trajectories)
    _check_window(lag_start_ps, lag_end_ps, shortest, trajectories[0])
    runs = msd.all_displacements(trajectories)
    curves = msd.curves(runs)
    relaxation = onset_of_diffusion.find(runs)
    onset = lag_start_ps if lag_start_ps else diffusion.onset_ps(relaxation, curves)
    window = None if onset is None else (float(onset), float(lag_end_ps or window_slopes.WINDOW * onset))
    hop_time = None
    if window is not None and not lag_start_ps:
        hop_a = limits.hop_length_angstrom
        hop_time = hop_time_ps(curves, from_ps=window[0], length_ps=shortest, hop_length_a=hop_a)
    failed = [
        *judgement.motion_gates(curves, window, onset, shortest, limits),
        *([] if lag_start_ps else judgement.moved_enough(runs, curves, window, hop_time, shortest, limits)),
        *judgement.health_gates(trajectories, system["temperature_k"], limits),
        *further,
    ]
    early = estimates = swing = None
    if window is not None and not any(failed):
        early = window_slopes.slope_series(runs, start_ps=window[0], end_ps=window[1])
        failed += judgement.steadiness_gates(runs, curves, early, hop_time, limits)
    verdict = gates.verdict(failed)
    offset = judgement.mean_offset_k(trajectories, system["temperature_k"])
    if verdict["code"] == "ok" and early is not None:
        estimates = diffusion.estimate(
            runs,
            curves,
            early=early,
            relaxation=relaxation,
            axes=dict(zip(AXES, cell_axes(trajectories[0].cell), strict=True)),
            hop_time_ps=hop_time,
            hop_length_a=limits.hop_length_angstrom,
            log_variance=judgement.offset_variance(offset, system["temperature_k"]),
            confidence=confidence,
        )
        estimates, verdict, swing = _judged(estimates, shortest, limits)
    return TransportResult(
        curves=msd.thinned_lags(curves),
        axes=cell_axes(trajectories[0].cell),
        system={**system, "confidence": confidence, "hop_length_angstrom": limits.hop_length_angstrom},
        verdict=verdict,
        window_ps=window,
        onset_ps=window[0] if window else None,
        estimates=estimates,
        notes=[*_notes(trajectories, system, offset), *judgement.swing_notes(swing)],
    )


def _checked(limits: Limits, confidence: float) -> Limits:
    """The limits, where they and the level of the intervals can be."""
    require_confidence(confidence)
    if not 0 < limits.hop_length_angstrom < np.inf:
        raise DlmdError(
            f"hop length {limits.hop_length_angstrom} Å",
            remedy="give the distance of neighbouring sites in Å",
        )
    return limits


def _judged(
    found: diffusion.Diffusivities, length_ps: float, limits: Limits
) -> tuple[diffusion.Diffusivities | None, dict[str, Any], float | None]:
    """The estimates, withheld where D_self may be zero or the sum swings too slowly, the verdict, and the period of a swing."""
    own, total = found.scalar["self"], found.scalar["total"]
    broken = [gates.ions_diffuse(own, length_ps), swings.seen_often(length_ps, found.swing_ps, limits)]
    verdict = gates.verdict([*broken, gates.sum_diffuses(total, own)])
    return None if any(broken) else found, verdict, found.swing_ps


def _notes(trajectories: Sequence[Trajectory], system: Mapping[str, Any], offset_k: float) -> list[str]:
    return [
        *dict.fromkeys(note for trajectory in trajectories for note in trajectory.notes),
        *host_notes(system["host_hopped"]),
        *judgement.offset_notes(offset_k, system["temperature_k"]),
    ]


def _system(
    trajectories: Sequence[Trajectory], *, charge: float, temperature_k: float | None
) -> dict[str, Any]:
    if not np.isfinite(charge) or charge == 0:
        raise DlmdError(
            f"charge of the mobile ion: {charge}", remedy="give its formal charge in e, such as 1 for Li"
        )
    first = trajectories[0]
    temperatures = {run.temperature_k for run in trajectories if run.temperature_k is not None}
    if temperature_k is None:
        if len(temperatures) != 1:
            raise DlmdError(
                f"temperature of the trajectories: {sorted(temperatures) or 'unknown'}",
                remedy="give one temperature, and trajectories of that temperature",
            )
        temperature_k = temperatures.pop()
    if not 0 < temperature_k < np.inf:
        raise DlmdError(f"temperature {temperature_k} K", remedy="give a positive temperature")
    require_one_system(trajectories)
    refuse_same_frames(trajectories)
    return {
        "mobile": first.mobile,
        "charge_e": float(charge),
        "temperature_k": float(temperature_k),
        "volume_a3": float(first.volume),
        "cell_a": np.asarray(first.cell).tolist(),
        "n_ions": int(first.n_ions),
        "n_host_atoms": int(first.n_host_atoms),
        "replicas": len(trajectories),
        "n_frames": int(sum(run.n_frames for run in trajectories)),
        "frame_interval_ps": float(first.frame_interval_ps),
        "length_ps": float(sum(run.length_ps for run in trajectories)),
        "host_shift_a": _host(trajectories, "median_shift_a"),
        "host_hopped": _host(trajectories, "hopped"),
    }


def _host(trajectories: Sequence[Trajectory], name: str) -> dict[str, float] | None:
    """One number of `HostHealth` by species, of the run with the largest; None where no host was recorded."""
    found = [getattr(run.host, name) for run in trajectories if run.host is not None]
    return {kind: max(one[kind] for one in found) for kind in found[0]} if found else None


def host_notes(hopped: Mapping[str, int] | None) -> list[str]:
    """Single atoms of the host (`HostHealth.hopped`) that have left their places: no verdict, but never silent."""
    return [
        f"{count} {kind} of the host at rest more than {HOST_HOP_A:g} Å from the place of the start"
        for kind, count in (hopped or {}).items()
        if count
    ]


def _check_window(start: float | None, end: float | None, length_ps: float, first: Trajectory) -> None:
    if start is None and end is None:
        return
    if start is None:
        raise DlmdError(
            f"lag_end {end} ps without lag_start", where=first.label, remedy="give both, or neither"
        )
    last = end if end is not None else window_slopes.WINDOW * start
    interval_ps = first.frame_interval_ps
    if not (interval_ps <= start < last <= 0.7 * length_ps):
        raise DlmdError(
            f"fit window {start:g} to {last:g} ps with frames every {interval_ps:g} ps and runs of {length_ps:g} ps",
            where=first.label,
            remedy=f"choose {interval_ps:g} ps <= start < end <= {0.7 * length_ps:g} ps",
        )
