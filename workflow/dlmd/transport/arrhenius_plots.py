"""Arrhenius plots: a run's conductivities with their fit and published lines, or several runs over each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from dlmd.base import plot_style as style
from dlmd.base.formatting import interval
from dlmd.config.published import PublishedPoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GRID_POINTS = 60
# Height of the marks of temperatures without a value, as a fraction of the axis.
_GATED_HEIGHT = 0.03
# free above and below what is drawn, as a part of its height; at least a factor of e in σT
_ROOM = 0.15


def arrhenius(
    results: Sequence[Mapping[str, Any]],
    fitted: Mapping[str, Any],
    *,
    reference: Mapping[str, PublishedPoint] | None = None,
) -> Figure:
    """ln(sigma T) against 1000/T with intervals, the fit with its band, and its extrapolation dashed.

    The axis holds points, lines and their bars. A band that reaches far beyond them, as where an extrapolation says nothing, is
    cut at the edge.

    Parameters
    ----------
    results
        `TransportResult.to_dict()` of every temperature. One with a verdict has no conductivity: it is marked hollow at the
        foot of the figure.
    fitted
        What `dlmd.transport.arrhenius.fit` made of them.
    reference
        Published conductivities to compare with, by source; one with an activation energy has its line drawn.
    """
    reference = reference or {}
    fig, axes = style.figure(1, 1, width=6.4, height=4.8)
    ax = axes[0, 0]
    usable = with_conductivity(results)
    gated = [r for r in results if r["verdict"]["code"] not in ("ok", "upper_bound")]
    fit = fitted["fits"].get("conductivity")
    if fit:
        inside = fitted["temperatures_k"]
        everything = inside + [r["temperature_k"] for r in gated]
        everything += [p.temperature_k for p in reference.values()]
        everything += [p["temperature_k"] for p in fit["predictions"]]
        _line(ax, results, fitted, (min(inside), max(inside)), (min(everything), max(everything)))
    level = f"{100 * (usable[0] if usable else fitted).get('confidence', fitted['confidence']):g} % interval"
    kept, out = kept_and_left_out(usable, fitted)
    _measured(ax, kept, f"MD, {level}", style.BLUE)
    _measured(ax, out, "MD, left out of the fit: too cold", "white")
    _mark_bounds(ax, fitted.get("bounds", ()))
    if gated:
        _mark_gated(ax, gated)
    _published(ax, reference, hottest_k=max(r["temperature_k"] for r in results))
    _heights(ax)
    ax.set_xlabel("1000 / T (1/K)")
    ax.set_ylabel("ln(σT / (mS/cm K))")
    if not usable:
        ax.set_yticks([])
    _temperature_axis(
        ax, [r["temperature_k"] for r in results] + [p.temperature_k for p in reference.values()]
    )
    handles, labels = ax.get_legend_handles_labels()
    # error bars come last by themselves
    order = sorted(range(len(labels)), key=lambda k: not labels[k].startswith("MD,"))
    ax.legend([handles[k] for k in order], [labels[k] for k in order], fontsize=9, frameon=False)
    return fig


def _measured(ax: Axes, usable: Sequence[Mapping[str, Any]], label: str, fill: str) -> None:
    """Conductivities with their intervals."""
    if not usable:
        return
    temperature = np.array([r["temperature_k"] for r in usable])
    value, low, high = (
        np.array([r["conductivity_ms_per_cm"][key] for r in usable]) for key in ("value", "low", "high")
    )
    ax.errorbar(
        1000 / temperature,
        _ln_sigma_t(value, temperature),
        yerr=[np.log(value / low), np.log(high / value)],
        fmt="o",
        color=style.BLUE,
        mfc=fill,
        capsize=3,
        label=label,
        zorder=3,
    )


def _mark_bounds(ax: Axes, bounds: Sequence[Mapping[str, float]]) -> None:
    """Arrows down from upper bounds."""
    if not bounds:
        return
    temperature = np.array([b["temperature_k"] for b in bounds])
    height = _ln_sigma_t([b["high"] for b in bounds], temperature)
    ax.plot(1000 / temperature, height, "_", color=style.BLUE, ms=12, label="MD, upper bound", zorder=3)
    ax.plot(1000 / temperature, height, marker=r"$\downarrow$", color=style.BLUE, ls="", ms=12, zorder=3)


def _mark_gated(ax: Axes, gated: Sequence[Mapping[str, Any]]) -> None:
    """Hollow points at the foot of the figure, for temperatures without a value."""
    codes = ", ".join(sorted({r["verdict"]["code"].replace("_", " ") for r in gated}))
    ax.plot(
        [1000 / r["temperature_k"] for r in gated],
        [_GATED_HEIGHT] * len(gated),
        "o",
        mfc="white",
        mec=style.BLUE,
        transform=ax.get_xaxis_transform(),
        label=f"no value: {codes}",
        zorder=4,
    )


def _published(ax: Axes, reference: Mapping[str, PublishedPoint], *, hottest_k: float) -> None:
    """Published points, and their lines to the hottest run where their source has an activation energy."""
    for label, (marker, colour, size) in _source_styles(reference).items():
        point = reference[label]
        ax.plot(
            1000 / point.temperature_k,
            point.ln_sigma_t(point.temperature_k),
            marker,
            color=colour,
            ms=size,
            mec="black",
            mew=0.5,
            label=label,
            zorder=4,
        )
        if point.activation_energy_ev is not None:
            ends = np.array([point.temperature_k, hottest_k])
            ax.plot(1000 / ends, point.ln_sigma_t(ends), color=colour, lw=1.2, ls="-.", zorder=1)


def _source_styles(labels: Iterable[str]) -> dict[str, tuple[str, str, int]]:
    """Marker, colour and size of each source, whatever their order in the file: experiments have large marks and are
    drawn first, so that a calculation that agrees is seen within them."""
    ordered = sorted(labels)
    measured = [label for label in ordered if label.lower().startswith("experiment")]
    computed = [label for label in ordered if label not in measured]
    return {
        **dict(zip(measured, cycle((("*", style.ORANGE, 13), ("s", style.PURPLE, 9))))),
        **dict(zip(computed, cycle((("D", style.GREEN, 7), ("^", style.SKY, 7), ("v", style.VERMILION, 7))))),
    }


def _heights(ax: Axes) -> None:
    """Limits that hold all lines, the caps of error bars among them, whatever the bands do."""
    drawn = [
        np.asarray(line.get_ydata(), dtype=float) for line in ax.lines if line.get_transform() == ax.transData
    ]
    heights = np.concatenate([np.empty(0), *drawn])
    heights = heights[np.isfinite(heights)]
    if len(heights):
        room = max(1.0, _ROOM * float(np.ptp(heights)))
        ax.set_ylim(heights.min() - room, heights.max() + room)


def arrhenius_overlay(
    subjects: Mapping[str, tuple[Sequence[Mapping[str, Any]], Mapping[str, Any]]],
) -> Figure:
    """ln(sigma T) against 1000/T of several runs or levels over each other: points and fits with their intervals.

    `subjects`: label -> (results of its temperatures, what `dlmd.transport.arrhenius.fit` made of them), as for `arrhenius`.
    """
    fig, axes = style.figure(1, 1, width=6.4, height=4.8)
    ax = axes[0, 0]
    every = []
    for (label, (results, fitted)), colour, marker in zip(
        subjects.items(), cycle(style.CYCLE), cycle("os^Dv<>")
    ):
        usable = with_conductivity(results)
        temperature = np.array([r["temperature_k"] for r in usable])
        every += list(temperature)
        if not usable:
            continue
        value, low, high = (
            np.array([r["conductivity_ms_per_cm"][key] for r in usable]) for key in ("value", "low", "high")
        )
        fit = fitted["fits"].get("conductivity") if fitted["fits"] else None
        energy = fit["activation_energy_ev"] if fit else None
        said = f", $E_a$ = {interval(energy, '.2f', unit='eV')}" if energy else ""
        ax.errorbar(
            1000 / temperature,
            _ln_sigma_t(value, temperature),
            yerr=[np.log(value / low), np.log(high / value)],
            fmt=marker,
            color=colour,
            capsize=3,
            label=label + said,
            zorder=3,
        )
        if fit and energy:
            asked = [p["temperature_k"] for p in fit["predictions"]]
            every += asked
            inside = (temperature.min(), temperature.max())
            for first, last, dashes in ((*inside, "-"), (min([*asked, inside[0]]), inside[0], "--")):
                if first < last:
                    grid = np.linspace(first, last, 40)
                    middle, lower, upper = fitted_ln_sigma_t(results, fitted, grid).T
                    ax.plot(1000 / grid, middle, dashes, color=colour, lw=1.4)
                    ax.fill_between(1000 / grid, lower, upper, color=colour, alpha=0.15, lw=0)
    ax.set_xlabel("1000 / T (1/K)")
    ax.set_ylabel("ln(σT / (mS/cm K))")
    if every:
        _temperature_axis(ax, every)
    ax.legend(fontsize=9, frameon=False)
    return fig


def _ln_sigma_t(sigma_ms_per_cm: ArrayLike, temperature_k: ArrayLike) -> np.ndarray:
    return np.log(np.asarray(sigma_ms_per_cm) * np.asarray(temperature_k))


def fitted_ln_sigma_t(
    results: Sequence[Mapping[str, Any]],
    fitted: Mapping[str, Any],
    temperatures_k: Sequence[float] | np.ndarray,
) -> np.ndarray:
    """(temperatures, 3): ln(σT / (mS/cm K)) of the fit and the ends of its interval at `temperatures_k`, between points of the
    saved curve; fits of before had none, and are made again."""
    from dlmd.transport.arrhenius import fit

    curve = fitted["fits"]["conductivity"].get("curve")
    if curve:
        at, inverse = np.array(curve["temperature_k"])[::-1], 1 / np.asarray(temperatures_k, dtype=float)
        saved = [_ln_sigma_t(np.array(curve[key])[::-1], at) for key in ("value", "low", "high")]
        order = np.argsort(1 / at)
        return np.column_stack([np.interp(inverse, (1 / at)[order], one[order]) for one in saved])
    again = fit(results, predict_k=list(temperatures_k), confidence=fitted["confidence"])
    found = [p["value_ms_per_cm"] for p in again["fits"]["conductivity"]["predictions"]]
    table = np.array([[p["value"], p["low"], p["high"]] for p in found])
    return _ln_sigma_t(table, np.asarray(temperatures_k)[:, None])


def with_conductivity(results: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Results that can be drawn as points: one that is well may have no conductivity, where its error has no finite value."""
    return [r for r in results if r["verdict"]["code"] == "ok" and r.get("conductivity_ms_per_cm")]


def kept_and_left_out(
    usable: Sequence[Mapping[str, Any]], fitted: Mapping[str, Any]
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Results with a value, those in the fit and those that it leaves out."""
    out = {row["temperature_k"] for row in fitted["left_out"]}
    return [r for r in usable if r["temperature_k"] not in out], [
        r for r in usable if r["temperature_k"] in out
    ]


def told_below(fitted: Mapping[str, Any]) -> bool:
    """Whether the line is drawn below the temperatures that were run: not where all that it says there is withheld."""
    coldest = min(fitted["temperatures_k"])
    below = [p for p in fitted["fits"]["conductivity"]["predictions"] if p["temperature_k"] < coldest]
    return not below or any(p.get("shown") != "withheld" for p in below)


def _line(
    ax: Axes,
    results: Sequence[Mapping[str, Any]],
    fitted: Mapping[str, Any],
    inside: tuple[float, float],
    reach: tuple[float, float],
) -> None:
    """The fit and its band: solid between the fitted temperatures, dashed beyond; the band alone where the line is withheld."""
    energy = fitted["fits"]["conductivity"]["activation_energy_ev"]
    label = f"$E_a$ = {interval(energy, '.3f', unit='eV')}"
    low, high = inside
    for first, last, dashes, name in (
        (low, high, "-", label),
        (reach[0], low, "--", "extrapolation"),
        (high, reach[1], "--", None if reach[0] < low else "extrapolation"),
    ):
        if last - first < 1e-6:
            continue
        inverse = np.linspace(1 / last, 1 / first, _GRID_POINTS)
        heights = fitted_ln_sigma_t(results, fitted, 1 / inverse)
        if last > low or told_below(fitted):
            ax.plot(1000 * inverse, heights[:, 0], color=style.BLACK, ls=dashes, lw=1.2, label=name)
        ax.fill_between(1000 * inverse, heights[:, 1], heights[:, 2], color="0.6", alpha=0.35, lw=0)


# of the axis, that a label of three digits takes
_LABEL_WIDTH = 0.055


def _temperature_axis(ax: Axes, temperatures_k: Sequence[float]) -> None:
    """The temperatures along the top, in K; labels that would touch the one before are left out."""
    top = ax.secondary_xaxis("top", functions=(_reciprocal, _reciprocal))
    ticks = sorted({round(t) for t in temperatures_k})
    apart = _LABEL_WIDTH * (1 / ticks[0] - 1 / ticks[-1])
    labels: list[str] = []
    free = 0.0
    for t in ticks:
        room = not labels or free - 1 / t >= apart
        labels.append(f"{t:g}" if room else "")
        free = 1 / t if room else free
    top.set_xticks(ticks, labels)
    top.minorticks_off()
    top.set_xlabel("T (K)")


def _reciprocal(x: ArrayLike) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return 1000.0 / np.asarray(x, dtype=float)
