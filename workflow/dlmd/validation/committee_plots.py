"""Figures of a committee: spread against error, and the spread along production MD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dlmd.base import plot_style as style


def calibration(found: Mapping, figures: Sequence[str]) -> None:
    """RMS error of atoms in bins of their spread; the line is what independent errors would give.

    Parameters
    ----------
    found
        What `dlmd.validation.committee.calibrate` returns.
    """
    spread, error = (
        np.array([b[key] for b in found["bins"]]) for key in ("spread_mev_per_a", "error_mev_per_a")
    )
    fig, axes = style.figure(width=5.2, height=4.2)
    ax = axes[0, 0]
    low, high = min(spread.min(), error.min()) * 0.8, max(spread.max(), error.max()) * 1.25
    line = np.array([low, high])
    ax.plot(line, found["independent_factor"] * line, color="0.6", lw=1, label="errors that are not shared")
    ax.plot(spread, error, "o-", color=style.BLUE, ms=5, lw=1, label="held-out trajectories")
    ax.set(
        xscale="log",
        yscale="log",
        xlim=(spread.min() * 0.8, spread.max() * 1.25),
        ylim=(low, high),
        xlabel="deviation of the committee (meV/Å)",
        ylabel="RMS error of an atom's force (meV/Å)",
    )
    for axis in (ax.xaxis, ax.yaxis):
        _plain_ticks(axis)
    ax.legend(loc="lower right")
    style.save(fig, figures)


def along_runs(
    runs: Mapping[float, Mapping[str, np.ndarray]], held_out_mev_per_angstrom: float, figures: Sequence[str]
) -> None:
    """Largest deviation of each frame along production, one line per temperature.

    Parameters
    ----------
    runs
        temperature in K -> `time_ps` and `largest_mev_per_a`.
    held_out_mev_per_angstrom
        Median of the same quantity over the held-out frames, drawn for comparison.
    """
    from matplotlib import colormaps

    fig, axes = style.figure(width=6.4, height=4.0)
    ax = axes[0, 0]
    colours = colormaps["viridis"](np.linspace(0.0, 0.85, len(runs)))
    for (temperature, run), colour in zip(sorted(runs.items()), colours, strict=True):
        ax.plot(run["time_ps"], run["largest_mev_per_a"], lw=0.9, color=colour, label=f"{temperature:g} K")
    ax.axhline(held_out_mev_per_angstrom, color="0.4", lw=1, ls="--", label="held-out frames, median")
    ax.set(xlabel="time (ps)", ylabel="largest deviation of a frame (meV/Å)", yscale="log")
    _plain_ticks(ax.yaxis)
    ax.legend(ncols=2, fontsize=9)
    style.save(fig, figures)


def _plain_ticks(axis) -> None:
    """Whole numbers on a logarithmic axis that spans about a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
