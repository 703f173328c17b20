"""The figure of the scorecard: computed against measured conductivities, with the bars of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dlmd.base import plot_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FACTOR = 3.0
# a computed conductivity is drawn this far beyond the measured ones at most, its bar to the edge
MOST, LEAST = 1e4, 1e-4


def figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Left: at 298 K. Right: at the coldest run that has a value, against the experiment extrapolated to it."""
    fig, axes = plot_style.figure(1, 2, width=9.6, height=4.6)
    left = [(r, r["measured_ms_per_cm"], r["computed_ms_per_cm"]) for r in rows if r["computed_ms_per_cm"]]
    right = [(r, _there(r), r["coldest_ms_per_cm"]) for r in rows if r["factor_coldest"]]
    families = list(dict.fromkeys(r["family"] for r in rows))
    _panel(axes[0, 0], left, families, "σ(298 K)")
    _panel(axes[0, 1], right, families, "σ at the coldest run")
    withheld = [r["material"] for r in rows if not r["computed_ms_per_cm"] and r["state"] not in ("not run",)]
    waiting = [r["material"] for r in rows if r["state"] == "not run"]
    said = [
        f"{what}: {', '.join(names)}"
        for what, names in (("no value", withheld), ("not run", waiting))
        if names
    ]
    axes[0, 0].set_title("\n".join(said), fontsize=7, loc="left", wrap=True)
    return fig


def _there(found: Mapping[str, Any]) -> Any:
    """The measured values along their own activation energy: all by the same factor."""
    from materials import Spread
    from scorecard import warmer

    energy, k = found["measured_ev"].value, found["coldest_k"]
    return Spread(*(warmer(v, energy, k) for v in vars(found["measured_ms_per_cm"]).values()))


def _panel(ax: Any, points: Sequence[tuple], families: Sequence[str], quantity: str) -> None:
    ax.set(xscale="log", yscale="log", xlabel=f"{quantity}, measured (mS/cm)", ylabel="computed (mS/cm)")
    values = [v for _, m, c in points for v in (m.low, m.high, c["value"])]
    low, high = (min(values) / 5, max(values) * 5) if values else (0.1, 100.0)
    ax.plot([low, high], [low, high], color=plot_style.BLACK, lw=1)
    ax.fill_between(
        [low, high], [low / FACTOR, high / FACTOR], [low * FACTOR, high * FACTOR], color="#DDDDDD", zorder=0
    )
    for found, measured, computed in points:
        colour = plot_style.CYCLE[families.index(found["family"]) % len(plot_style.CYCLE)]
        bottom, top = max(computed["low"], low * LEAST), min(computed["high"], high * MOST)
        ax.errorbar(
            measured.value,
            computed["value"],
            xerr=[[measured.value - measured.low], [measured.high - measured.value]],
            yerr=[[computed["value"] - bottom], [top - computed["value"]]],
            fmt="o",
            color=colour,
            capsize=2,
        )
        ax.annotate(
            found["material"],
            (measured.value, computed["value"]),
            xytext=(5, 5),
            textcoords="offset points",
            fontsize=7,
        )
    if not points:
        ax.text(0.5, 0.5, "no run has a value yet", transform=ax.transAxes, ha="center")
    ax.set(xlim=(low, high), ylim=(low / 3, high * 3))
