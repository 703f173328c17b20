"""Figures of the mechanism: sites, hops, rates over temperature. Density and traces are in `dlmd.mechanism.pathway_plots`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from dlmd.base import plot_style as style
from dlmd.base.formatting import interval
from dlmd.base.units import BOLTZMANN_EV_PER_K

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PER_NS = 1000.0


def sites(data: Mapping, _arrays: Mapping) -> Figure:
    """Occupancies of all kinds of sites, survival of stays, and rates of leaving by environment."""
    fig, axes = style.figure(1, 3, width=12.0, height=4.2)
    occupancy, survival, environment = axes[0]
    kinds = data["sites"]
    for row, kind in enumerate(kinds):
        value = kind["occupancy"]
        if value is None:
            continue
        bars = [[value["value"] - max(value["low"], 0)], [value["high"] - value["value"]]]
        colour = style.BLUE if kind["resting"] else style.ORANGE
        occupancy.errorbar(value["value"], row, xerr=bars, fmt="o", color=colour, capsize=3, ms=5)
        if kind["drifts"]:
            occupancy.plot(value["value"], row, "o", ms=13, mfc="none", mec=style.VERMILION, mew=1.2)
    occupancy.set_yticks(range(len(kinds)), [_site_name(k) for k in kinds])
    occupancy.invert_yaxis()
    occupancy.set_xlim(left=0)
    occupancy.set_xlabel(f"{data['mobile']} ions per open site")
    occupancy.set_title(f"{data['temperature_k']:g} K", loc="left", fontsize=11)
    handles = [
        occupancy.plot([], [], "o", color=style.BLUE, label="resting site")[0],
        occupancy.plot([], [], "o", color=style.ORANGE, label="site of passage")[0],
        occupancy.plot([], [], "o", ms=10, mfc="none", mec=style.VERMILION, label="still changing")[0],
    ]
    if not any(k["drifts"] for k in kinds):
        handles.pop()
    occupancy.legend(handles=handles, fontsize=8, loc="lower right", frameon=False)
    _survival(survival, kinds)
    _environment(environment, data["environment"])
    return fig


def _site_name(kind: Mapping) -> str:
    return f"{kind['label']}, {kind['layer']}" if kind["layer"] else kind["label"]


def _survival(ax: Axes, kinds: list[Mapping]) -> None:
    drawn = 0
    for kind, colour, dashes in zip(kinds, cycle(style.CYCLE), cycle(("-", "--", ":", "-.")), strict=False):
        curve = kind["residence"].get("kaplan_meier")
        if curve is None:
            continue
        mean = kind["residence"]["mean_ps"]
        label = f"{kind['label']}: {interval(mean, '.2g', unit='ps')}"
        time, share = np.array(curve["time_ps"]), np.array(curve["share"])
        ax.step(time[share > 0], share[share > 0], where="post", color=colour, ls=dashes, lw=1.4, label=label)
        drawn += 1
    ax.set_xlabel("time since arrival (ps)")
    ax.set_ylabel("share of stays that last longer")
    if drawn:
        ax.set_xscale("symlog", linthresh=1.0)
        ax.set_xlim(left=0)
        ax.set_ylim(0, 1.02)
        ax.legend(fontsize=7, loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=2, frameon=False)
    else:
        _nothing(ax, "too few stays seen to end")


def _environment(ax: Axes, rows: list[Mapping]) -> None:
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    found = False
    for layer, colour, shift in zip(layers, style.CYCLE, (-0.06, 0.06, 0.0), strict=False):
        mine = [r for r in rows if r["layer"] == layer]
        known = [r for r in mine if "rate_per_ps" in r]
        bounded = [r for r in mine if "below_per_ps" in r]
        if known:
            x = [r["host_neighbours"] + shift for r in known]
            value, low, high = (
                np.array([r["rate_per_ps"][k] for r in known]) * _PER_NS for k in ("value", "low", "high")
            )
            ax.errorbar(
                x, value, yerr=[value - low, high - value], fmt="o", color=colour, capsize=3, label=layer
            )
            found = True
        if bounded:
            x = [r["host_neighbours"] + shift for r in bounded]
            ax.plot(x, [r["below_per_ps"] * _PER_NS for r in bounded], "v", mfc="white", color=colour)
            found = True
    if not found:
        _nothing(ax, "no resting site was left")
        return
    ax.plot([], [], "v", mfc="white", color="0.3", label="upper bound (too few hops)")
    ax.set_xticks(sorted({r["host_neighbours"] for r in rows}))
    ax.set_ylim(bottom=0)
    ax.set_xlabel("host cations on neighbouring sites")
    ax.set_ylabel("hops away, per ion and ns")
    ax.legend(fontsize=8, frameon=False)


def hops(data: Mapping, _arrays: Mapping) -> Figure:
    """Rates of the classes of hops, their shares in diffusion, and the counts from site to site."""
    fig, axes = style.figure(1, 3, width=12.5, height=4.0)
    rate, share, matrix = axes[0]
    names = [c["name"] for c in data["classes"]]
    shares = data["diffusion"].get("shares_of_d_hop", {})
    for row, found in enumerate(data["classes"]):
        if "rate_per_ps" in found:
            _bar(rate, row, found["rate_per_ps"], style.BLUE, _PER_NS)
        else:
            rate.plot(found["below_per_ps"] * _PER_NS, row, "<", mfc="white", color=style.BLUE)
        _bar(share, row, found["share_of_hops"], style.SKY, 100, row_shift=-0.12)
        if found["name"] in shares:
            _bar(share, row, shares[found["name"]], style.VERMILION, 100, row_shift=0.12)
    for ax in (rate, share):
        ax.set_ylim(max(len(names), 1) - 0.5, -0.5)
        ax.axvline(0, color="0.8", lw=0.8, zorder=0)
    rate.set_yticks(range(len(names)), names)
    share.set_yticks(range(len(names)), [""] * len(names))
    rate.set_xlabel("hops per ion and ns")
    rate.set_title(f"{data['temperature_k']:g} K, {data['hops']['events']} hops", loc="left", fontsize=11)
    share.set_xlabel("share (%)")
    share.plot([], [], "o", color=style.SKY, label="of all hops")
    share.plot([], [], "o", color=style.VERMILION, label="of the hops' diffusion")
    share.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    _matrix(matrix, data["transitions"]["hops"])
    if not names:
        _nothing(rate, "no hop")
        _nothing(share, "")
    return fig


def _bar(ax: Axes, row: float, value: Mapping, colour: str, scale: float, *, row_shift: float = 0.0) -> None:
    centre, low, high = (value[k] * scale for k in ("value", "low", "high"))
    ax.errorbar(
        centre,
        row + row_shift,
        # an end that is the value itself may have been rounded past it
        xerr=[[max(centre - low, 0.0)], [max(high - centre, 0.0)]],
        fmt="o",
        color=colour,
        capsize=3,
        ms=5,
    )


def _matrix(ax: Axes, table: Mapping) -> None:
    counts = np.array(table["counts"])
    ax.imshow(counts, cmap="Blues", vmin=0, vmax=max(1, counts.max()))
    for (i, j), n in np.ndenumerate(counts):
        ax.text(j, i, str(n), ha="center", va="center", color="white" if n > 0.6 * counts.max() else "black")
    ax.set_xticks(range(len(counts)), table["labels"], rotation=35, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(counts)), table["labels"])
    ax.set_xlabel("to")
    ax.set_ylabel("from")
    ax.set_title("hops seen", loc="left", fontsize=10)
    for spine in ax.spines.values():
        spine.set_visible(False)


def rates(summary: Mapping) -> Figure:
    """Rates of all hops and of their classes against 1/T with their fits, and D from hops beside D_self of the MSD."""
    fig, axes = style.figure(1, 2, width=11.0, height=4.6)
    ax, diffusion = axes[0]
    drawn = False
    # apart by less than their size, so that none hides another
    for number, ((name, found), colour, mark) in enumerate(
        zip(summary["rates"].items(), (style.BLACK, *style.CYCLE), cycle("osD^v<>"), strict=False)
    ):
        points = found["points"]
        if not points:
            continue
        drawn = True
        t, value, low, high = (
            np.array([p[k] for p in points]) for k in ("temperature_k", "value", "low", "high")
        )
        label = name
        fit = found["fit"]
        if "activation_energy_ev" in fit:
            e = fit["activation_energy_ev"]
            label += f": {interval(e, '.2f', unit='eV')}"
            grid = np.linspace(1 / t.max(), 1 / t.min(), 20)
            line = fit["prefactor_per_ps"]["value"] * np.exp(-e["value"] * grid / BOLTZMANN_EV_PER_K)
            ax.plot(1000 * grid, line * _PER_NS, color=colour, lw=1.0)
        ax.errorbar(
            1000 / t + 0.004 * (number - len(summary["rates"]) / 2),
            value * _PER_NS,
            yerr=[(value - low) * _PER_NS, (high - value) * _PER_NS],
            fmt=mark,
            color=colour,
            capsize=2,
            ms=4,
            label=label,
        )
    ax.set_xlabel("1000 / T (1/K)")
    ax.set_ylabel("hops per ion and ns")
    if drawn:
        ax.set_yscale("log")
        ax.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    else:
        _nothing(ax, "too few hops at all temperatures")
    _diffusion(diffusion, summary["diffusion"])
    return fig


def _diffusion(ax: Axes, rows: list[Mapping]) -> None:
    drawn = False
    for key, label, colour, mark, shift in (
        ("d_self_msd_cm2_per_s", "D$_{self}$ of the MSD", style.BLUE, "o", 0.0),
        ("d_hop_cm2_per_s", "D from hops, correlated", style.VERMILION, "s", 0.012),
    ):
        known = [r for r in rows if r.get(key)]
        if not known:
            continue
        drawn = True
        x = np.array([1000 / r["temperature_k"] for r in known]) + shift
        value, low, high = (np.array([r[key][k] for r in known]) for k in ("value", "low", "high"))
        ax.errorbar(
            x, value, yerr=[value - low, high - value], fmt=mark, color=colour, capsize=3, label=label
        )
    random = [r for r in rows if "d_random_cm2_per_s" in r]
    if random:
        drawn = True
        x = np.array([1000 / r["temperature_k"] for r in random])
        ax.plot(
            x,
            [r["d_random_cm2_per_s"] for r in random],
            "_",
            color="0.3",
            ms=12,
            label="D of uncorrelated hops",
        )
    ax.set_xlabel("1000 / T (1/K)")
    ax.set_ylabel("D (cm²/s)")
    if drawn:
        ax.set_yscale("log")
        ax.legend(fontsize=9, frameon=False)
    else:
        _nothing(ax, "too few hops at all temperatures")


def _nothing(ax: Axes, text: str) -> None:
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes, color="0.4")
    ax.set_xticks([])
    ax.set_yticks([])
