"""Figures of transport: mean squared displacements and radial distribution functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base import plot_style as style
from dlmd.base.plot_style import save
from dlmd.trajectory.rdf import RdfSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["msd", "msd_panels", "rdf_panels", "save"]

KINDS = {"self": style.BLUE, "total": style.VERMILION, "distinct": style.GREEN}
# Beyond this part of the run few time origins are left; the linear panel ends there.
_SHOWN_FRACTION = 0.5


def msd(result: Mapping[str, Any]) -> Figure:
    """MSD of one temperature against lag: self, total and distinct, linear beside logarithmic, the fit window shaded.

    `result` is `TransportResult.to_dict()`.
    """
    fig, axes = style.figure(1, 2, width=9.0, height=4.0)
    linear, loglog = axes[0]
    lags = np.array(result["msd"]["lags_ps"])
    shown = lags <= _SHOWN_FRACTION * lags[-1]
    for kind, colour in KINDS.items():
        values = np.array(result["msd"][f"{kind}_a2"])
        linear.plot(lags[shown], values[shown], color=colour, label=kind)
        positive = shown & (lags > 0) & (values > 0)
        if kind != "distinct":
            loglog.plot(lags[positive], values[positive], color=colour, label=kind)
    _slope_one(loglog, lags[shown], np.array(result["msd"]["self_a2"])[shown])
    linear.axhline(0.0, color="0.8", lw=0.8, zorder=0)
    window = result["fit_window_ps"]
    for ax in (linear, loglog):
        if window:
            ax.axvspan(*window, color=style.YELLOW, alpha=0.35, lw=0, label="fit window")
        ax.set_xlabel("lag (ps)")
        ax.set_ylabel(f"MSD of {result['mobile']} (Å²)")
    linear.set_xlim(0, lags[shown][-1])
    linear.legend(loc="upper left", frameon=False)
    loglog.set_xscale("log")
    loglog.set_yscale("log")
    loglog.legend(loc="upper left", frameon=False)
    verdict = "" if result["verdict"]["code"] == "ok" else f": {result['verdict']['code'].replace('_', ' ')}"
    linear.set_title(f"{result['temperature_k']:g} K{verdict}", loc="left", fontsize=11)
    return fig


def msd_panels(results: Sequence[Mapping[str, Any]]) -> Figure:
    """MSD of several temperatures: self beside total, logarithmic; fit windows heavy, temperatures with a verdict dashed."""
    from matplotlib import colormaps

    fig, axes = style.figure(1, 2, width=9.0, height=4.2)
    ordered = sorted(results, key=lambda r: r["temperature_k"])
    colours = colormaps["viridis"](np.linspace(0.0, 0.85, len(ordered)))
    for ax, kind in zip(axes[0], ("self", "total"), strict=True):
        for result, colour in zip(ordered, colours, strict=True):
            lags, values = np.array(result["msd"]["lags_ps"]), np.array(result["msd"][f"{kind}_a2"])
            shown = (lags > 0) & (lags <= _SHOWN_FRACTION * lags[-1]) & (values > 0)
            ok = result["verdict"]["code"] == "ok"
            label = f"{result['temperature_k']:g} K" + (
                "" if ok else f" ({result['verdict']['code'].replace('_', ' ')})"
            )
            ax.plot(lags[shown], values[shown], color=colour, lw=1.2, ls="-" if ok else "--", label=label)
            if ok:
                first, last = result["fit_window_ps"]
                inside = shown & (lags >= first) & (lags <= last)
                ax.plot(lags[inside], values[inside], color=colour, lw=4.0, alpha=0.55, solid_capstyle="butt")
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlabel("lag (ps)")
        ax.set_ylabel(f"MSD$_{{\\mathrm{{{kind}}}}}$ of {ordered[0]['mobile']} (Å²)")
    hottest = ordered[-1]["msd"]
    lags = np.array(hottest["lags_ps"])
    shown = lags <= _SHOWN_FRACTION * lags[-1]
    _slope_one(axes[0, 0], lags[shown], np.array(hottest["self_a2"])[shown])
    axes[0, 0].legend(fontsize=9, frameon=False)
    return fig


def rdf_panels(sets: Mapping[str, RdfSet]) -> Figure:
    """g(r) of every pair, the named sets over each other."""
    pairs = list(next(iter(sets.values())).g)
    columns = min(3, len(pairs))
    rows = -(-len(pairs) // columns)
    fig, axes = style.figure(rows, columns, width=3.0 * columns, height=2.4 * rows + 0.3)
    for ax, pair in zip(axes.flat, pairs, strict=False):
        for (label, rdfs), colour, dashes in zip(sets.items(), style.CYCLE, cycle(("-", "--", ":"))):
            ax.plot(rdfs.r_a, rdfs.g[pair], color=colour, ls=dashes, lw=1.4, label=label)
        ax.axhline(1.0, color="0.8", lw=0.8, zorder=0)
        ax.set_title(pair, loc="left", fontsize=10)
        ax.set_xlim(left=0)
        ax.set_ylim(bottom=0)
    for ax in axes.flat[len(pairs) :]:
        ax.set_visible(False)
    for ax in axes[:, 0]:
        ax.set_ylabel("g(r)")
    for column in range(columns):
        axes[(len(pairs) - 1 - column) // columns, column].set_xlabel("r (Å)")
    axes[0, 0].legend(fontsize=9, frameon=False)
    return fig


def _slope_one(ax: Axes, lags: np.ndarray, values: np.ndarray) -> None:
    """A dotted guide of slope 1 above a curve."""
    usable = (lags > 0) & (values > 0)
    lags, values = lags[usable], values[usable]
    if len(lags) > 2:
        middle = int(np.searchsorted(lags, np.sqrt(lags[0] * lags[-1])))
        guide = lags[middle:]
        ax.plot(guide, 2.0 * values[middle] * guide / guide[0], color="0.5", ls=":", lw=1.2, label="slope 1")
