"""Figure of the error budget: what share of each answer's variance is whose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlmd.base import plot_style as style

COLOURS = {"statistics": style.BLUE, "potential": style.ORANGE, "ordering": style.GREEN}


def shares(rows: Sequence[Mapping[str, Any]], figures: Sequence[str]) -> None:
    """Median share of the variance of the mean with its interval, by quantity and component.

    Parameters
    ----------
    rows
        Of `dlmd.transport.error_budget.budget`.
    """
    fig, axes = style.figure(width=6.8, height=1.4 + 0.55 * max(1, len(rows)))
    ax = axes[0, 0]
    names = [name for name in COLOURS if any(row["components"][name] is not None for row in rows)]
    places = np.arange(len(rows))[::-1]
    for k, name in enumerate(names):
        offset = 0.22 * ((len(names) - 1) / 2 - k)
        here = [
            (p + offset, row["components"][name]["share"])
            for p, row in zip(places, rows, strict=True)
            if row["components"][name] is not None
        ]
        value = 100 * np.array([share["value"] for _, share in here])
        reach = 100 * np.array([[s["value"] - s["low"], s["high"] - s["value"]] for _, s in here]).T
        ax.errorbar(
            value,
            [p for p, _ in here],
            xerr=np.maximum(reach, 0),
            fmt="o",
            ms=5,
            lw=1.4,
            capsize=2,
            color=COLOURS[name],
            label=name,
        )
    ax.set_yticks(places, [row["quantity"] for row in rows])
    ax.set(
        xlim=(-2, 102), ylim=(-0.6, max(len(rows), 1) - 0.4), xlabel="share of the variance of the mean (%)"
    )
    for p in places[:-1]:
        ax.axhline(p - 0.5, color="0.9", lw=0.8, zorder=0)
    if rows:
        ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=3)
    style.save(fig, figures)
