"""The figure of the scorecard: computed against measured conductivities and activation energies, with the bars of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any

from matplotlib.ticker import NullFormatter
from measured_lines import LABORATORIES_EV

from dlmd.base import plot_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# the aim: the bands of the figure
FACTOR, DIFFERENCE_EV = 3.0, 0.05
# room for names at the left and at the right, as factors; how far bars may take the axis beyond the values
ROOM, MOST_FACTOR = (12.0, 25.0), 100.0
# activation energies beyond lie outside of the figure: an arrow says so
LEAST_EV, MOST_EV = -0.5, 1.5


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
            [(r, r["line_bar"], r["coldest_ms_per_cm"]) for r in rows if r["factor_coldest"]],
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
    bars = "bars of computed values: 95 %, with an arrow where they go on beyond the axis"
    sideways = (
        "horizontal bars beside a diagonal: range of the measured samples; of a single sample's line, that with its E_a "
        f"± {LABORATORIES_EV:g} eV (a convention). Grey there: a factor of {FACTOR:g} either way"
    )
    fig.suptitle("\n".join([bars, sideways, *said]), fontsize=7, ha="left", x=0.02)
    return fig


def _energies(ax: Any, points: Sequence[tuple], families: Sequence[str]) -> None:
    """Activation energies, a row to a material: measured ones differ too little to be an axis. The band is 0.05 eV either way."""
    ends = [c[key] for _, _, c in points for key in ("low", "high")]
    least = max(LEAST_EV, min(0.0, floor(10 * min(ends)) / 10))
    most = min(MOST_EV, max(0.6, ceil(10 * max(ends)) / 10))
    for row, (found, measured, computed) in enumerate(points):
        low, high = measured.low - DIFFERENCE_EV, measured.high + DIFFERENCE_EV
        ax.fill_betweenx([row - 0.4, row + 0.4], low, high, color="#DDDDDD", zorder=0)
        ax.vlines(measured.value, row - 0.4, row + 0.4, color=plot_style.BLACK, lw=1)
        value, colour = computed["value"], _colour(found, families)
        ax.errorbar(
            value,
            row,
            xerr=[[value - computed["low"]], [computed["high"] - value]],
            fmt="o",
            color=colour,
            capsize=2,
        )
        for edge, mark, beyond in (
            (least, "<", computed["low"] < least),
            (most, ">", computed["high"] > most),
        ):
            if beyond:
                ax.plot(edge, row, mark, color=colour, clip_on=False, zorder=3)
    ax.set_yticks(range(len(points)), [found["material"] for found, _, _ in points], fontsize=8)
    ax.set(
        xlabel="E_a (eV); line, band: measured ones, ± 0.05 eV",
        xlim=(least, most),
        ylim=(len(points) - 0.5, -0.5),
    )


def _panel(ax: Any, points: Sequence[tuple], families: Sequence[str], quantity: str) -> None:
    """Computed against measured conductivities (mS/cm), with both bars; the names have room at both sides."""
    ax.set(xscale="log", yscale="log", xlabel=f"{quantity}, measured line (mS/cm)", ylabel="computed (mS/cm)")
    left, right, bottom, top = _limits(points)
    ends = [min(left, bottom), max(right, top)]
    ax.plot(ends, ends, color=plot_style.BLACK, lw=1)
    ax.fill_between(
        ends, [e / FACTOR for e in ends], [e * FACTOR for e in ends], color="#DDDDDD", lw=0, zorder=0
    )
    _points(ax, points, families)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_formatter(NullFormatter())
    if not points:
        ax.text(0.5, 0.5, "no run has a value yet", transform=ax.transAxes, ha="center")
    ax.set(xlim=(left, right), ylim=(bottom, top))
    for found, measured, computed in points:
        for edge, mark, beyond in (
            (bottom, "v", computed["low"] < bottom),
            (top, "^", computed["high"] > top),
        ):
            if beyond:
                ax.plot(measured.value, edge, mark, color=_colour(found, families), clip_on=False, zorder=3)


def _limits(points: Sequence[tuple]) -> tuple[float, float, float, float]:
    """Left, right, bottom and top (mS/cm) that hold all bars, but no more than a factor of 100 beyond the values."""
    if not points:
        return 0.1, 100.0, 0.1, 100.0
    values = [c["value"] for _, _, c in points]
    low = max(min(c["low"] for _, _, c in points), min(values) / MOST_FACTOR)
    high = min(max(c["high"] for _, _, c in points), max(values) * MOST_FACTOR)
    left, right = min(m.low for _, m, _ in points), max(m.high for _, m, _ in points)
    return left / ROOM[0], right * ROOM[1], 10.0 ** floor(log10(low)), 10.0 ** ceil(log10(high))


def _points(ax: Any, points: Sequence[tuple], families: Sequence[str]) -> None:
    """Computed against measured values with both bars, a family to a colour; names at the outer ends of the horizontal ones."""
    ordered = sorted(points, key=lambda point: point[1].value)
    for number, (found, measured, computed) in enumerate(ordered):
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
        to_left = 2 * number < len(ordered)
        ax.annotate(
            found["material"],
            (measured.low if to_left else measured.high, value),
            xytext=(-4 if to_left else 4, 0),
            textcoords="offset points",
            ha="right" if to_left else "left",
            va="center",
            fontsize=7,
        )


def _colour(found: Mapping[str, Any], families: Sequence[str]) -> str:
    return plot_style.CYCLE[families.index(found["family"]) % len(plot_style.CYCLE)]
