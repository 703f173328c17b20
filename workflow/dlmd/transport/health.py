"""Named verdicts on what surrounds the mobile ions: host, thermostat, barostat and integrator.

Those on their motion, and all limits, are in `dlmd.transport.gates`. Each check takes numbers and returns a `Gate` where its
limit is broken, None otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dlmd.base.units import BOLTZMANN_EV_PER_K
from dlmd.base.verdicts import Verdict
from dlmd.transport.gates import Gate, Limits


def host_solid(msd_a2: dict[str, float], limits: Limits) -> Gate | None:
    """Is the host no melt? `msd_a2` by species."""
    species, value = max(msd_a2.items(), key=lambda item: item[1])
    if value <= limits.host_msd_angstrom2:
        return None
    return Gate(
        Verdict.HOST_MOLTEN,
        value,
        limits.host_msd_angstrom2,
        f"{species} of the host moved by {value:.2f} Å² between the start and the end of the run, "
        f"limit {limits.host_msd_angstrom2:g} Å²",
        "check the potential and the temperature; analyse the part before the host moved",
    )


def host_same(median_shift_a: dict[str, float], limits: Limits) -> Gate | None:
    """Is the crystal at the end the one of the start? `median_shift_a` by species."""
    species, value = max(median_shift_a.items(), key=lambda item: item[1], default=("", 0.0))
    if value <= limits.host_shift_angstrom:
        return None
    return Gate(
        Verdict.HOST_TRANSFORMED,
        value,
        limits.host_shift_angstrom,
        f"half of the {species} of the host rest {value:.2f} Å and more from where they rested at the start of the run, limit "
        f"{limits.host_shift_angstrom:g} Å: the crystal has changed its structure meanwhile",
        "equilibrate for longer, so that the change comes before the run, or analyse the part after it; a host whose groups "
        "turn needs a higher limit",
    )


def host_still(drift_a: float, limits: Limits) -> Gate | None:
    """Did the cell as a whole stay?"""
    if drift_a <= limits.host_drift_angstrom:
        return None
    return Gate(
        Verdict.HOST_DRIFTING,
        drift_a,
        limits.host_drift_angstrom,
        f"the host's centre of mass travelled {drift_a:.1f} Å, limit {limits.host_drift_angstrom:g} Å",
        "remove the momentum of the cell in the MD",
    )


def temperature_steady(
    time_ps: np.ndarray, temperature_k: np.ndarray, set_point_k: float | None, limits: Limits
) -> Gate | None:
    """Mean temperature, from (frames,), against the set point, and the trend over the run."""
    mean = float(np.mean(temperature_k))
    target = mean if set_point_k is None else set_point_k
    limit = limits.temperature_fraction * target
    offset, trend = mean - target, trend_over_run(time_ps, temperature_k)
    worst, what = (offset, "off its set point") if abs(offset) >= abs(trend) else (trend, "from start to end")
    if abs(worst) <= limit:
        return None
    return Gate(
        Verdict.TEMPERATURE_DRIFT,
        worst,
        limit,
        f"the temperature is {worst:+.1f} K {what}, limit {limit:.1f} K",
        "equilibrate longer, or check the thermostat",
    )


def energy_conserved(
    time_ps: np.ndarray, conserved_ev: np.ndarray, n_atoms: int, temperature_k: float, limits: Limits
) -> Gate | None:
    """Trend of the conserved energy (frames,) over the run, per atom."""
    trend = trend_over_run(time_ps, conserved_ev) / n_atoms
    limit = limits.energy_drift_fraction * BOLTZMANN_EV_PER_K * temperature_k
    if abs(trend) <= limit:
        return None
    return Gate(
        Verdict.ENERGY_DRIFT,
        trend * 1e3,
        limit * 1e3,
        f"the conserved energy drifts by {trend * 1e3:+.2f} meV/atom over the run, limit {limit * 1e3:.2f} meV/atom",
        "shorten the time step, or check the potential",
    )


def no_pressure(found: Mapping[str, float] | None, lattice: str, limits: Limits) -> Gate | None:
    """Is the mean pressure what the cell promises? A cell relaxed at 0 K or measured promises none, but may be beyond all reason.

    Parameters
    ----------
    found
        Mean pressure (GPa) with its interval: value, low, high.
    lattice
        As in the config's `md.lattice`.
    """
    if found is None:
        return None
    thermal = lattice == "thermal"
    limit = limits.pressure_gpa if thermal else limits.extreme_pressure_gpa
    if max(found["low"], -found["high"]) <= limit:
        return None
    promise = (
        "although its cell is the mean at zero pressure" if thermal else f"with a cell that is {lattice}"
    )
    return Gate(
        Verdict.UNDER_PRESSURE,
        found["value"],
        limit,
        f"the mean pressure is {found['value']:+.2f} ({found['low']:+.2f} to {found['high']:+.2f}) GPa {promise}, "
        f"limit {limit:g} GPa",
        "let the runs at zero pressure be longer or more (md.npt.segments, md.npt.runs)"
        if thermal
        else "take the potential's own cell (md.lattice: thermal), or ask whether potential and cell belong together",
    )


def trend_over_run(time_ps: np.ndarray, values: np.ndarray) -> float:
    """Least-squares slope of (frames,) values times the length of the run."""
    if len(time_ps) < 2:
        return 0.0
    return float(np.polyfit(time_ps - time_ps[0], values, 1)[0] * (time_ps[-1] - time_ps[0]))
