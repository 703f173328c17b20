"""Figure of the lattice: each parameter against temperature, beside the relaxed one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base import plot_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def changes(rows: Sequence[Mapping[str, Any]], relaxed: Mapping[str, float]) -> Figure:
    """Relative change of a, b, c and of the volume from the relaxed cell, in per cent, with intervals.

    Parameters
    ----------
    rows
        As `dlmd.md.lattice_jobs.lattice_at` writes them, one per temperature.
    relaxed
        Lattice parameters and volume at 0 K.
    """
    figure, grid = plot_style.figure(width=5.2, height=3.6)
    axes = grid[0, 0]
    temperatures = np.array([row["temperature_k"] for row in rows])
    # apart from each other, so that all error bars are seen
    step = 0.01 * max(float(np.ptp(temperatures)), 50.0)
    for i, key in enumerate(("a", "b", "c", "volume")):
        values = np.array([row["unit_cell"][key] for row in rows])
        spans = np.array(
            [row.get("intervals", {}).get(key, [v, v]) for row, v in zip(rows, values, strict=True)]
        )
        change = 100 * (values / relaxed[key] - 1)
        errors = 100 * np.abs(spans - values[:, None]).T / relaxed[key]
        axes.errorbar(
            *(temperatures + (i - 1.5) * step, change),
            **{"yerr": errors, "label": key, "color": plot_style.CYCLE[i]},
            **{"marker": "os^D"[i], "markersize": 4, "capsize": 2, "linewidth": 1},
        )
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.set_xlabel("temperature (K)")
    axes.set_ylabel("change from the relaxed cell (%)")
    # above the axes: anywhere inside it would cover a point of some material
    axes.legend(ncols=4, loc="lower left", bbox_to_anchor=(0.0, 1.0), frameon=False)
    return figure
