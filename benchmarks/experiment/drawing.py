"""The figure of the scorecard: computed against measured conductivities and activation energies, with the bars of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any

from matplotlib.ticker import NullFormatter

from dlmd.base import plot_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# the aim: the bands of the figure
FACTOR, DIFFERENCE_EV = 3.0, 0.05
# a factor between conductivities within which names would run into bars
NEAR = 2.5
# activation energies beyond lie outside of the figure
MOST_EV = 1.0


def figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """At 298 K; at the coldest run that has a value, against the experiment extrapolated to it; E_a. A panel needs a point."""
    families = list(dict.fromkeys(r["family"] for r in rows))
    panels = [
        (
            "σ(298 K)",
            [(r, r["measured_ms_per_cm"], r["computed_ms_per_cm"]) for r in rows if r["computed_ms_per_cm"]],
        ),
        (
            "σ at the coldest run",
            [(r, _there(r), r["coldest_ms_per_cm"]) for r in rows if r["factor_coldest"]],
        ),
    ]
    panels = [(name, points) for name, points in panels if points] or panels[-1:]
    energies = [
        (r, r["measured_ev"], r["computed_ev"]) for r in rows if r["measured_ev"] and r["computed_ev"]
    ]
    n = len(panels) + bool(energies)
    fig, axes = plot_style.figure(1, n, width=4.8 * n, height=4.6)
    for ax, (name, points) in zip(axes[0], panels, strict=False):
        _panel(ax, points, families, name)
    if energies:
        _energies(axes[0, -1], energies, families)
    missing = {
        "nothing to compare": [
            r["material"] for r in rows if not r["factor_coldest"] and r["state"] != "not run"
        ],
        "not run": [r["material"] for r in rows if r["state"] == "not run"],
    }
    said = [f"{what}: {', '.join(names)}" for what, names in missing.items() if names]
    band = f"grey band on the left: a factor of {FACTOR:g} either way; bars: 95 %"
    fig.suptitle("\n".join([band, *said]), fontsize=7, ha="left", x=0.02)
    return fig


def _energies(ax: Any, points: Sequence[tuple], families: Sequence[str]) -> None:
    """Activation energies, a row to a material: measured ones differ too little to be an axis. The band is 0.05 eV either way."""
    for row, (found, measured, computed) in enumerate(points):
        low, high = measured.low - DIFFERENCE_EV, measured.high + DIFFERENCE_EV
        ax.fill_betweenx([row - 0.4, row + 0.4], low, high, color="#DDDDDD", zorder=0)
        ax.vlines(measured.value, row - 0.4, row + 0.4, color=plot_style.BLACK, lw=1)
        value = computed["value"]
        ax.errorbar(
            value,
            row,
            xerr=[[value - computed["low"]], [computed["high"] - value]],
            fmt="o",
            color=_colour(found, families),
            capsize=2,
        )
    ax.set_yticks(range(len(points)), [found["material"] for found, _, _ in points], fontsize=8)
    ax.set(
        xlabel="E_a (eV); line, band: measured ± 0.05 eV",
        xlim=(0, MOST_EV),
        ylim=(len(points) - 0.5, -0.5),
    )


def _there(found: Mapping[str, Any]) -> Any:
    """The measured values along their own activation energy: all by the same factor."""
    from materials import Spread
    from scorecard import warmer

    energy, k = found["measured_ev"].value, found["coldest_k"]
    return Spread(*(warmer(v, energy, k) for v in vars(found["measured_ms_per_cm"]).values()))


def _panel(ax: Any, points: Sequence[tuple], families: Sequence[str], quantity: str) -> None:
    ax.set(xscale="log", yscale="log", xlabel=f"{quantity}, measured line (mS/cm)", ylabel="computed (mS/cm)")
    values = [v for _, m, c in points for v in (m.low, m.high, c["value"])]
    low, high = (
        (10 ** floor(log10(min(values) / 2)), 10 ** ceil(log10(max(values) * 2))) if values else (0.1, 100.0)
    )
    ax.plot([low, high], [low, high], color=plot_style.BLACK, lw=1)
    ax.fill_between(
        [low, high], [low / FACTOR, high / FACTOR], [low * FACTOR, high * FACTOR], color="#DDDDDD", zorder=0
    )
    _points(ax, points, families)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_formatter(NullFormatter())
    if not points:
        ax.text(0.5, 0.5, "no run has a value yet", transform=ax.transAxes, ha="center")
    ax.set(xlim=(low, high), ylim=(low / 3, high * 3))


def _points(ax: Any, points: Sequence[tuple], families: Sequence[str]) -> None:
    """Computed against measured values with both bars, a family to a colour."""
    for found, measured, computed in points:
        value = computed["value"]
        ax.errorbar(
            measured.value,
            value,
            xerr=[[measured.value - measured.low], [measured.high - measured.value]],
            yerr=[[value - computed["low"]], [computed["high"] - value]],
            fmt="o",
            color=_colour(found, families),
            capsize=2,
        )
        # on the side where no other point is near
        crowded = any(1 < other.value / measured.value < NEAR for _, other, _ in points)
        ax.annotate(
            found["material"],
            (measured.value, value),
            xytext=(-6 if crowded else 6, 4),
            textcoords="offset points",
            ha="right" if crowded else "left",
            fontsize=7,
        )


def _colour(found: Mapping[str, Any], families: Sequence[str]) -> str:
    return plot_style.CYCLE[families.index(found["family"]) % len(plot_style.CYCLE)]
