"""All verdicts that results carry: each code once, with what it says. docs/verdicts.md explains the physics and what to do.

Codes are written into result files and read back from them, so that a code keeps its name for good.
"""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """Code of a verdict; its value is what result files hold."""

    OK = "ok"
    # one temperature
    NOT_DIFFUSIVE = "not_diffusive"
    TOO_SHORT = "too_short"
    SUM_AT_REST = "sum_at_rest"
    UPPER_BOUND = "upper_bound"
    NOT_STATIONARY = "not_stationary"
    IONS_DRIFTING = "ions_drifting"
    HOST_MOLTEN = "host_molten"
    HOST_TRANSFORMED = "host_transformed"
    HOST_DRIFTING = "host_drifting"
    CELL_CHANGING = "cell_changing"
    TEMPERATURE_DRIFT = "temperature_drift"
    ENERGY_DRIFT = "energy_drift"
    UNDER_PRESSURE = "under_pressure"
    # the Arrhenius fit
    TOO_FEW_TEMPERATURES = "too_few_temperatures"
    TOO_COLD = "too_cold"
    NOT_ARRHENIUS = "not_arrhenius"
    SHOWS_THE_WAY = "shows_the_way"
    # a second cell
    SIZE_DEPENDENT = "size_dependent"
    SIZE_UNKNOWN = "size_unknown"
    # the mechanism
    NO_SITES = "no_sites"
    TOO_FEW_HOPS = "too_few_hops"
    # a committee of potentials
    GUIDE = "guide"
    NO_GUIDE = "no_guide"


# Meaning of each code, in the words of docs/verdicts.md where that page has a row for it.
MEANING = {
    Verdict.OK: "all limits kept",
    Verdict.NOT_DIFFUSIVE: "MSD_self of the whole run is less than a hop squared, does not grow linearly, or goes on slowing "
    "down up to the longest lags",
    Verdict.TOO_SHORT: "the run lasts fewer than eight times the diffusive onset or a swing of all ions as one, no onset was "
    "found, the ions have not moved on by four hops squared, or a few large displacements carry all motion "
    "(as if fewer than twelve)",
    Verdict.SUM_AT_REST: "the sum of all mobile ions does not move",
    Verdict.UPPER_BOUND: "the sum of the ions may stand still: no conductivity, but an upper bound of it, and D_self",
    Verdict.NOT_STATIONARY: "the ions move less, or more, at the end of the run than at its start",
    Verdict.HOST_MOLTEN: "a species of the host has left its sites",
    Verdict.HOST_TRANSFORMED: "half of the atoms of a host species rest elsewhere at the end of the run than at its start, "
    "and do not flow",
    Verdict.IONS_DRIFTING: "the mobile ions drift through the host",
    Verdict.HOST_DRIFTING: "the host's centre of mass has travelled",
    Verdict.CELL_CHANGING: "the cell of a run at constant pressure has changed its shape or size",
    Verdict.TEMPERATURE_DRIFT: "the mean is off the set point, or a trend over the run",
    Verdict.ENERGY_DRIFT: "the conserved energy of the thermostat drifts",
    Verdict.UNDER_PRESSURE: "the mean pressure is not zero in a cell that is the mean at zero pressure, or extreme in another "
    "one",
    Verdict.TOO_FEW_TEMPERATURES: "fewer than three different temperatures are left",
    Verdict.TOO_COLD: "the ions moved enough, but not in other runs of this temperature, or not at a hotter one",
    Verdict.NOT_ARRHENIUS: "the points bend: there is no one activation energy",
    Verdict.SHOWS_THE_WAY: "the activation energy is known to ±0.1 eV, or to a third, at best: it shows the way, not the value",
    Verdict.SIZE_DEPENDENT: "a second cell of another size gives another D_self or conductivity",
    Verdict.SIZE_UNKNOWN: "a second cell can neither show nor exclude that the size matters",
    Verdict.NO_SITES: "the host is not on the sites of the CIF, so that sites of ions mean nothing",
    Verdict.TOO_FEW_HOPS: "fewer than ten hops: rates, shares and correlations would be noise. Upper bounds are given",
    Verdict.GUIDE: "the spread of a committee ranks forces by their error",
    Verdict.NO_GUIDE: "the spread of a committee does not rank forces by their error",
}
