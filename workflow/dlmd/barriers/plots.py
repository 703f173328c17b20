"""Figure of the barriers of a level: energy profiles hop by hop, and the barriers beside published ones and the run's E_a."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.barriers.bands import CONVERGED
from dlmd.base import plot_style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"potential": style.BLUE, "engine": style.VERMILION}
REJECTED = "0.6"
# profiles of rejected bands may run away; the axis follows the converged ones and goes this much beyond
HEADROOM = 1.25


def figure(data: Mapping) -> Figure:
    """Profiles of every hop (spline through energies and forces; dashed and grey what is not converged), and all barriers.

    `data` is `barrier_summary.summarise`'s.
    """
    hops = list(dict.fromkeys(h["hop"] for h in data["hops"]))
    columns = {1: 1, 2: 2, 4: 2}.get(len(hops), 3)
    rows = -(-len(hops) // columns)
    fig, axes = style.figure(rows + 1, columns, width=max(6.4, 3.4 * columns), height=2.9 * (rows + 1))
    for ax in axes[rows]:
        ax.remove()
    for ax, hop in zip(axes[:rows].flat, hops, strict=False):
        _profiles(ax, [b for b in data["bands"] if b["hop"] == hop])
    for ax in list(axes[:rows].flat)[len(hops) :]:
        ax.remove()
    grid: Any = fig.axes[0].get_gridspec()
    _distribution(fig.add_subplot(grid[rows, :]), data)
    return fig


def _profiles(ax: Axes, bands: Sequence[Mapping]) -> None:
    drawn = [b for b in bands if b["curve"] is not None]
    for band in drawn:
        good = band["status"] == CONVERGED
        colour = COLOURS[band["method"]] if good else REJECTED
        length = band["curve"]["distance_angstrom"][-1]
        ax.plot(
            np.array(band["curve"]["distance_angstrom"]) / length,
            band["curve"]["energy_ev"],
            color=colour,
            ls="-" if good else "--",
            lw=1.2,
            zorder=2 if good else 1,
        )
        ax.plot(
            np.array(band["images"]["distance_angstrom"]) / length,
            band["images"]["energy_ev"],
            ls="none",
            marker="o",
            ms=3.5,
            color=colour,
            mfc=colour if good else "white",
            zorder=3 if good else 1,
        )
    counted = [b for b in drawn if b["status"] == CONVERGED]
    shown = counted or drawn
    if shown:
        energies = np.concatenate([b["images"]["energy_ev"] for b in shown])
        ax.set_ylim(min(0.0, HEADROOM * energies.min()) - 0.03, HEADROOM * energies.max() + 0.03)
    ax.set_title(
        f"{bands[0]['label']}: {len(counted)} of {len(bands)} bands converged", loc="left", fontsize=10
    )
    ax.axhline(0.0, color="0.85", lw=0.8, zorder=0)
    ax.set_xlabel("fraction of the path")
    ax.set_ylabel("energy (eV)")


def _distribution(ax: Axes, data: Mapping) -> None:
    """Barriers of every converged band, there (filled) and back (hollow), the median of both as a line."""
    hops = list(dict.fromkeys(h["hop"] for h in data["hops"]))
    labels = {h["hop"]: h["label"] for h in data["hops"]}
    methods = list(dict.fromkeys(h["method"] for h in data["hops"]))
    for place, hop in enumerate(hops):
        for offset, method in zip(_offsets(len(methods)), methods, strict=True):
            good = [
                b
                for b in data["bands"]
                if (b["hop"], b["method"]) == (hop, method) and b["status"] == CONVERGED
            ]
            if not good:
                continue
            forward = [b["barrier_forward_ev"] for b in good]
            backward = [b["barrier_backward_ev"] for b in good]
            for shift, values, fill in ((-0.05, forward, True), (0.05, backward, False)):
                x = place + offset + shift
                colour = COLOURS[method]
                ax.plot(
                    [x] * len(values),
                    values,
                    "o",
                    ms=5,
                    color=colour,
                    mfc=colour if fill else "white",
                    zorder=3,
                )
                ax.hlines(np.median(values), x - 0.06, x + 0.06, color=colour, lw=1.5, zorder=2)
    published = {h["hop"]: h["published_ev"] for h in data["hops"] if h["published_ev"] is not None}
    for hop, value in published.items():
        ax.plot(hops.index(hop) + 0.36, value, marker="D", ms=6, color=style.BLACK, ls="none", zorder=3)
    energy = data["activation_energy_ev"]["conductivity"]
    if energy is not None:
        ax.axhspan(energy["low"], energy["high"], color=style.SKY, alpha=0.25, lw=0, zorder=0)
        ax.axhline(energy["value"], color=style.SKY, lw=1.2, zorder=1)
    ax.set_xticks(range(len(hops)), [labels[hop] for hop in hops])
    ax.set_xlim(-0.6, len(hops) - 0.4)
    ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
    ax.set_ylabel("barrier (eV)")
    ax.spines[["top", "right"]].set_visible(False)
    _legend(ax, methods, published=bool(published), energy=energy is not None)


def _legend(ax: Axes, methods: Sequence[str], *, published: bool, energy: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    for method in methods:
        for name, fill in (("forward", COLOURS[method]), ("backward", "white")):
            handles.append(
                Line2D(
                    [], [], ls="none", marker="o", color=COLOURS[method], mfc=fill, label=f"{method}, {name}"
                )
            )
    if published:
        handles.append(Line2D([], [], ls="none", marker="D", color=style.BLACK, label="published"))
    if energy:
        handles.append(Patch(color=style.SKY, alpha=0.4, label="E$_a$ of this run's σT, interval"))
    ax.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, frameon=False, fontsize=9
    )


def _offsets(n: int) -> list[float]:
    return [0.0] if n == 1 else [-0.15, 0.15]
