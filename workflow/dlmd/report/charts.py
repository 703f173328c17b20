"""Zoomable figures of the report, as plotly's JSON: the same numbers as the static figures beside them, nothing computed anew.

Every function returns a figure {"data", "layout"} for plotly.js, or None where there is nothing to draw. Colours are Okabe and
Ito's, and no two curves differ by colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base import plot_style as style
from dlmd.base.arrays import read_npz
from dlmd.base.files import read_csv
from dlmd.base.formatting import interval

if TYPE_CHECKING:
    from dlmd.config.published import PublishedPoint

FONT = {"family": "system-ui, sans-serif", "size": 13, "color": "#1b1f24"}
MARKERS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "star")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
# of lags shown, as in the static figure
SHOWN_FRACTION = 0.5
CURVE_POINTS = 120
PARITY_POINTS = 1500
DIGITS = 4
# decades labelled, the steps between them marked
LOG = {
    "type": "log",
    "dtick": 1,
    "minor": {"dtick": "D1", "ticks": "outside", "ticklen": 3},
    "exponentformat": "power",
}


def layout(*, x: str, y: str, height: int = 430, **more) -> dict:
    """Layout of a chart with one pair of axes."""
    axis = {
        "showline": True,
        "linecolor": "#8a939c",
        "gridcolor": "#e8ebee",
        "zeroline": False,
        "ticks": "outside",
    }
    return {
        "font": FONT,
        "height": height,
        "margin": {"l": 64, "r": 12, "t": 24, "b": 52},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "hovermode": "closest",
        "legend": {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0},
        "xaxis": {**axis, "title": {"text": x}, **more.pop("xaxis", {})},
        "yaxis": {**axis, "title": {"text": y}, **more.pop("yaxis", {})},
        **more,
    }


def arrhenius(
    temperatures: Sequence[Mapping], fitted: Mapping, reference: Mapping[str, PublishedPoint]
) -> dict | None:
    """σT against 1000/T with intervals and upper bounds, the fit with its band, dashed beyond the temperatures that were run, and
    published values. Where what the line says is withheld, it has its band alone."""
    from dlmd.transport.arrhenius_plots import (
        fitted_ln_sigma_t,
        kept_and_left_out,
        told_below,
        with_conductivity,
    )

    usable = with_conductivity(temperatures)
    if not usable:
        return None
    data = []
    fit = fitted["fits"].get("conductivity") if fitted["fits"] else None
    if fit:
        inside = fitted["temperatures_k"]
        asked = [
            *inside,
            *(p["temperature_k"] for p in fit["predictions"]),
            *(p.temperature_k for p in reference.values()),
        ]
        grid = np.linspace(min(asked), max(asked), 60)
        curves = np.exp(fitted_ln_sigma_t(temperatures, fitted, grid))
        data += _fit_with_band(fitted, grid, curves, inside, told_below=told_below(fitted))
    kept, out = kept_and_left_out(usable, fitted)
    own = [
        *_conductivities(kept, "this run", "circle"),
        *_conductivities(out, "left out of the fit: too cold", "circle-open"),
        *_bounds(fitted.get("bounds", ())),
    ]
    published = _published(reference, max(r["temperature_k"] for r in temperatures))
    # a band that reaches far beyond points and lines is cut at the edge
    heights = [y for trace in (*data[1:], *own, *published) for y in trace["y"] if y > 0]
    room = max(0.5, 0.15 * float(np.log10(max(heights) / min(heights))))
    reach = [float(np.log10(min(heights))) - room, float(np.log10(max(heights))) + room]
    return {
        "data": [*data, *own, *published],
        "layout": layout(
            x="1000 / T (1/K)",
            y="σT (mS/cm K)",
            height=480,
            yaxis={**LOG, "range": [round(r, 2) for r in reach]},
        ),
    }


def _fit_with_band(
    fitted: Mapping, grid: np.ndarray, curves: np.ndarray, inside: Sequence[float], *, told_below: bool
) -> list[dict]:
    """The band of the fit and its line, dashed beyond the temperatures `inside` that were run, below them where it is told there;
    `curves` (temperatures of the grid, 3) are its middle, low and high σT."""
    x = 1000 / grid
    middle, low, high = curves.T
    data = [
        {
            **_curve(np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]])),
            "fill": "toself",
            "fillcolor": "rgba(0,114,178,0.15)",
            "line": {"width": 0},
            "hoverinfo": "skip",
            "name": f"{fitted['confidence']:.0%} interval of the fit",
        }
    ]
    energy = fitted["fits"]["conductivity"]["activation_energy_ev"]
    name = f"E_a = {interval(energy, '.3f', unit='eV')}"
    within = (grid >= min(inside)) & (grid <= max(inside))
    colder = (grid <= min(inside)) & told_below
    for chosen, dash, label in (
        (within, "solid", name),
        (colder, "dash", "extrapolation"),
        (grid >= max(inside), "dash", "extrapolation"),
    ):
        if chosen.sum() > 1:
            line = {"color": style.BLUE, "dash": dash, "width": 2}
            shown = {"showlegend": label not in [d["name"] for d in data]}
            data.append({**_curve(x[chosen], middle[chosen]), "line": line, "name": label, **shown})
    return data


def _conductivities(usable: Sequence[Mapping], name: str, marker: str) -> list[dict]:
    """The run's own points with their intervals, if there are any."""
    if not usable:
        return []
    sigma = [r["conductivity_ms_per_cm"] for r in usable]
    t = np.array([r["temperature_k"] for r in usable])
    value, low, high = (np.array([s[key] for s in sigma]) for key in ("value", "low", "high"))
    return [
        {
            **_points(1000 / t, value * t, style.BLUE, marker),
            "name": name,
            "error_y": {
                "type": "data",
                "array": _plain((high - value) * t),
                "arrayminus": _plain((value - low) * t),
            },
            "text": [f"{a:g} K: {interval(s, unit='mS/cm')}" for a, s in zip(t, sigma, strict=True)],
            "hoverinfo": "text",
        }
    ]


def _bounds(bounds: Sequence[Mapping[str, float]]) -> list[dict]:
    """Upper bounds, as triangles that point down from them."""
    if not bounds:
        return []
    t, high = (np.array([b[key] for b in bounds]) for key in ("temperature_k", "high"))
    return [
        {
            **_points(1000 / t, high * t, style.BLUE, "triangle-down", size=11),
            "name": "upper bound",
            "text": [f"{a:g} K: below {hi:.4g} mS/cm" for a, hi in zip(t, high, strict=True)],
            "hoverinfo": "text",
        }
    ]


def _published(reference: Mapping[str, PublishedPoint], hottest_k: float) -> list[dict]:
    """Published points, and their lines to the hottest run where their source has an activation energy."""
    data = []
    for (label, published), marker, colour, size in zip(
        reference.items(),
        cycle(("star", "diamond", "square")),
        cycle((style.ORANGE, style.GREEN, style.PURPLE)),
        cycle((15, 9, 11)),
    ):
        at, value = published.temperature_k, published.ms_per_cm
        point = _points([1000 / at], [value * at], colour, marker, size=size)
        text = f"{label}: {value:g} mS/cm at {at:g} K"
        if published.activation_energy_ev is not None:
            ends = np.array([at, hottest_k])
            line = _curve(1000 / ends, np.exp(published.ln_sigma_t(ends)))
            text += f", {published.activation_energy_ev:g} eV"
            data.append(
                {
                    **line,
                    "line": {"color": colour, "dash": "dashdot", "width": 1.5},
                    "name": f"line of {label}",
                    "showlegend": False,
                }
            )
        data.append({**point, "name": label, "text": [text], "hoverinfo": "text"})
    return data


def msd(temperatures: Sequence[Mapping]) -> dict:
    """MSD against lag, self solid and total dotted, a temperature to a colour and marker; double logarithmic."""
    data = []
    for result, colour, marker in zip(
        sorted(temperatures, key=lambda r: r["temperature_k"]),
        cycle((*style.CYCLE, style.BLACK)),
        cycle(MARKERS),
    ):
        lags = np.array(result["msd"]["lags_ps"])
        # evenly on the logarithmic axis
        last = int(SHOWN_FRACTION * len(lags)) - 1
        chosen = np.unique(np.geomspace(1, max(last, 1), CURVE_POINTS).astype(int))
        code = result["verdict"]["code"]
        name = f"{result['temperature_k']:g} K" + ("" if code == "ok" else f" ({code.replace('_', ' ')})")
        for kind, dash in (("self", "solid"), ("total", "dot")):
            values = np.array(result["msd"][f"{kind}_a2"])[chosen]
            positive = values > 0
            data.append(
                {
                    **_curve(lags[chosen][positive], values[positive]),
                    "line": {"color": colour, "dash": dash, "width": 2},
                    "name": f"{name}, {kind}",
                    "legendgroup": name,
                }
            )
            if kind == "self":
                sparse = slice(None, None, 20)
                at = _points(lags[chosen][positive][sparse], values[positive][sparse], colour, marker)
                data.append(
                    {**at, "legendgroup": name, "showlegend": False, "hoverinfo": "skip", "name": name}
                )
    return {
        "data": data,
        "layout": layout(x="lag (ps)", y="MSD (Å²)", height=520, xaxis=LOG, yaxis=LOG),
    }


def parity(path: Path) -> dict:
    """Predicted against reference forces of the held-out frames, by element; of at most `PARITY_POINTS` atoms."""
    stored = read_npz(path)
    element = stored["force_element"]
    # not each n-th: atoms come in an order that repeats
    some = np.random.default_rng(0).permutation(len(element))[:PARITY_POINTS]
    reference, predicted = stored["force_reference"][some], stored["force_predicted"][some]
    element = element[some]
    data = []
    for name, colour, marker in zip(sorted(set(element)), cycle(style.CYCLE), cycle(MARKERS)):
        mine = element == name
        points = _points(reference[mine].ravel(), predicted[mine].ravel(), colour, marker, size=5)
        points["marker"]["opacity"] = 0.5
        data.append({**points, "name": str(name)})
    end = float(np.abs(reference).max())
    line = {**_curve([-end, end], [-end, end]), "line": {"color": "#5b6570", "width": 1, "dash": "dash"}}
    data.append({**line, "name": "equal", "hoverinfo": "skip"})
    return {
        "data": data,
        "layout": layout(
            x="reference force (eV/Å)", y="predicted force (eV/Å)", height=520, yaxis={"scaleanchor": "x"}
        ),
    }


def learning_curve(path: Path) -> dict:
    """RMSE of forces and energies along the training, on batches of the training and the validation data."""
    rows = read_csv(path)
    step = np.array([float(r["step"]) for r in rows])
    data = []
    for key, name, colour, dash in (
        ("force_rmse_train_ev_per_a", "forces, training (eV/Å)", style.VERMILION, "dot"),
        ("force_rmse_valid_ev_per_a", "forces, validation (eV/Å)", style.VERMILION, "solid"),
        ("energy_rmse_train_ev_per_atom", "energy, training (eV/atom)", style.BLUE, "dot"),
        ("energy_rmse_valid_ev_per_atom", "energy, validation (eV/atom)", style.BLUE, "solid"),
    ):
        if key in rows[0]:
            values = [float(r[key]) for r in rows]
            data.append(
                {**_curve(step, values), "name": name, "line": {"color": colour, "dash": dash, "width": 1.5}}
            )
    return {"data": data, "layout": layout(x="training step", y="RMSE", yaxis=LOG)}


def rdf(path: Path) -> dict:
    """g(r) of every pair, the potential's MD solid and the label engine's dotted; pairs are switched on in the legend."""
    rows = read_csv(path)
    r = [float(row["r_a"]) for row in rows]
    data = []
    pairs = list(dict.fromkeys(name.split(" ")[0] for name in rows[0] if name != "r_a"))
    for number, (pair, colour) in enumerate(zip(pairs, cycle((*style.CYCLE, style.BLACK)))):
        for source, dash in (("potential", "solid"), ("MD", "solid"), ("engine", "dot")):
            key = f"{pair} {source}"
            if key in rows[0]:
                line = {"color": colour, "dash": dash, "width": 1.8}
                shown = {} if number < 3 else {"visible": "legendonly"}
                values = [float(row[key]) for row in rows]
                data.append({**_curve(r, values), "name": key, "legendgroup": pair, "line": line, **shown})
    return {"data": data, "layout": layout(x="r (Å)", y="g(r)", yaxis={"rangemode": "tozero"})}


def rates(summary: Mapping) -> dict | None:
    """Rates of hops per ion against 1000/T, by class, with intervals."""
    data = []
    for (name, entry), colour, marker, dash in zip(
        summary["rates"].items(), cycle((style.BLACK, *style.CYCLE)), cycle(MARKERS), cycle(DASHES)
    ):
        points = [p for p in entry["points"] if "value" in p]
        if not points:
            continue
        t, value, low, high = (
            np.array([p[k] for p in points]) for k in ("temperature_k", "value", "low", "high")
        )
        energy = entry["fit"].get("activation_energy_ev")
        label = name + (f", {energy['value']:.2f} eV" if energy else "")
        data.append(
            {
                **_points(1000 / t, 1000 * value, colour, marker),
                "mode": "markers+lines",
                "line": {"color": colour, "dash": dash, "width": 1},
                "error_y": {
                    "type": "data",
                    "array": _plain(1000 * (high - value)),
                    "arrayminus": _plain(1000 * (value - low)),
                },
                "name": label,
            }
        )
    if not data:
        return None
    return {
        "data": data,
        "layout": layout(x="1000 / T (1/K)", y="hops per ion and ns", height=480, yaxis=LOG),
    }


def barriers(bands: Sequence[Mapping]) -> dict | None:
    """Energy along the path of every converged band, a direction to a colour."""
    data: list[Any] = []
    seen: dict[Any, Any] = {}
    for band in bands:
        if band.get("status") != "converged":
            continue
        label = band["label"]
        number = seen.setdefault(label, len(seen))
        colour, dash = style.CYCLE[number % len(style.CYCLE)], DASHES[number % len(DASHES)]
        name = f"{label}, environment {band['number']}" + (
            " by the engine" if band["method"] == "engine" else ""
        )
        curve, images = band["curve"], band["images"]
        line = {"color": colour, "dash": dash, "width": 2}
        data.append(
            {
                **_curve(curve["distance_angstrom"], curve["energy_ev"]),
                "name": name,
                "line": line,
                "legendgroup": name,
            }
        )
        at = _points(images["distance_angstrom"], images["energy_ev"], colour, MARKERS[number % len(MARKERS)])
        data.append({**at, "name": name, "legendgroup": name, "showlegend": False})
    if not data:
        return None
    return {"data": data, "layout": layout(x="distance along the path (Å)", y="energy (eV)")}


def _curve(x, y) -> dict:
    return {"type": "scatter", "mode": "lines", "x": _plain(x), "y": _plain(y)}


def _points(x, y, colour: str, marker: str, *, size: int = 8) -> dict:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": _plain(x),
        "y": _plain(y),
        "marker": {"color": colour, "symbol": marker, "size": size},
    }


def _plain(values) -> list[float]:
    """Numbers as JSON takes them, with as many digits as a figure shows."""
    return [float(f"{v:.{DIGITS}g}") for v in np.asarray(values, dtype=float).ravel()]
