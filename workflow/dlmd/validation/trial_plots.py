"""Figure of a trial run: temperature with and without thermostat, and the total energy without."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlmd.base import plot_style as style
from dlmd.base.files import read_csv

LEAST_RANGE_MEV = 0.5


def trial(table: str, *, n_atoms: int, temperature_k: float, figures: Sequence[str]) -> None:
    """Temperature and total energy against time, from the trial's CSV; parts that did not run are left out."""
    rows = read_csv(table)
    fig, axes = style.figure(1, 2, width=8.4, height=3.4)
    left, right = axes[0]
    left.axhline(temperature_k, color="0.6", lw=1)
    for part, colour in (("nvt", style.SKY), ("nve", style.BLUE)):
        here = [row for row in rows if row["part"] == part]
        time = np.array([float(row["time_ps"]) for row in here])
        if not len(time):
            continue
        left.plot(time, [float(row["temperature_k"]) for row in here], color=colour, lw=1, label=part.upper())
        if part == "nve":
            energy = 1e3 * np.array([float(row["total_energy_ev"]) for row in here]) / n_atoms
            right.plot(time, energy - energy[0], color=colour, lw=1)
    left.set(xlabel="time (ps)", ylabel="temperature (K)")
    if rows:
        left.legend()
    right.set(xlabel="time (ps)", ylabel="energy − start, NVE (meV/atom)")
    right.axhline(0, color="0.6", lw=1, zorder=0)
    # no magnified noise: a good potential shows a flat line
    reach = max(LEAST_RANGE_MEV, *map(abs, right.get_ylim()))
    right.set_ylim(-reach, reach)
    style.save(fig, figures)
