"""The production cell in space: host, sites, the hops between them, the ions' density and single ions' ways, for plotly.js."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import cycle, product
from pathlib import Path

import numpy as np

from dlmd.base import plot_style as style
from dlmd.report.charts import FONT

# Anions are drawn small and light: they are most of the atoms, and nobody looks for them.
COLOURS = (style.PURPLE, "#9aa3ab", style.GREEN, style.YELLOW)
SIZES = (9, 3, 6, 6)
LAYERS = (style.VERMILION, style.BLUE, style.GREEN, style.ORANGE)
TRACE_POINTS = 400
ZOOM = 1.7
# Shares of the largest density: one surface encloses where ions rest, the other where they pass.
LEVELS = (0.02, 0.2)
LARGEST_GRID = 40_000


def scene(
    arrays: Mapping[str, np.ndarray], *, hops: Path, mobile: str, anions: set[str], traces: list[Mapping]
) -> dict | None:
    """Plotly figure of the production cell.

    Parameters
    ----------
    arrays
        mechanism/<level>/<T>K.npz.
    hops
        mechanism/<level>/<T>K.hops.csv of the same temperature.
    mobile
        Element of the ions.
    anions
        Elements drawn small.
    traces
        The section `traces` of <T>K.json.

    Returns
    -------
    None where the mechanism was refused before it had sites.
    """
    if "trace0_cell_a" not in arrays:
        return None
    cell, sites, host = arrays["trace0_cell_a"], arrays["trace0_sites_a"], arrays["trace0_host_a"]
    data = [_edges(cell), *_atoms(cell, host, arrays["trace0_host_species"], anions)]
    inside = wrapped(sites, cell)
    layers = arrays["trace0_layers"]
    # neighbouring layers of one kind and the next: colours repeat along the stacking
    for layer in np.unique(layers):
        mine = inside[layers == layer]
        colour = LAYERS[int(layer) % len(LAYERS)]
        marker = {"size": 4, "color": colour, "symbol": "circle-open"}
        data.append({**_cloud(mine, marker), "name": f"{mobile} sites, layer {int(layer) + 1}"})
    data += _hops(inside, cell, layers, hops)
    for number, (trace, colour) in enumerate(zip(traces, cycle((style.BLACK, "#7A0177")))):
        way = arrays[f"trace{number}_positions_a"]
        way = way[:: max(1, len(way) // TRACE_POINTS)]
        # the way as a whole, begun inside the cell
        way = way + (wrapped(way[:1], cell) - way[:1])
        line = {"color": colour, "width": 3}
        data.append({**_line(way, line), "name": f"one ion, {trace['kind']}"})
    data.append(_density(arrays, mobile))
    return {
        "data": data,
        "layout": {
            "font": FONT,
            "height": 620,
            "margin": {"l": 0, "r": 0, "t": 10, "b": 0},
            "legend": {"orientation": "h", "y": 0, "yanchor": "top", "x": 0, "itemsizing": "constant"},
            "scene": {
                **_box(data),
                # along the layers, with a little of their top
                "camera": {"eye": {"x": 0.9, "y": 0.42, "z": 0.15}, "projection": {"type": "orthographic"}},
            },
        },
    }


def _box(data: Sequence[Mapping]) -> dict:
    """Invisible axes about all that is drawn, to scale. Larger than plotly makes them, whose box fits into the picture however
    it is turned."""
    ends = {}
    for axis in "xyz":
        values = [v for trace in data for v in trace[axis] if v is not None]
        ends[axis] = min(values), max(values)
    spans = {axis: high - low for axis, (low, high) in ends.items()}
    unit = np.prod(list(spans.values())) ** (1 / 3) / ZOOM
    return {
        **{f"{axis}axis": {"visible": False, "range": list(ends[axis])} for axis in "xyz"},
        "aspectmode": "manual",
        "aspectratio": {axis: float(span / unit) for axis, span in spans.items()},
    }


def wrapped(positions: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """(n, 3) positions inside the cell (rows are its vectors), Å."""
    fractional = np.linalg.solve(cell.T, np.asarray(positions, dtype=float).T).T
    # A point slightly below a face is drawn on that face, not on the opposite one.
    return (fractional + 1e-6) % 1.0 @ cell


def connections(hops: Path) -> Counter:
    """Hops seen between two sites in either direction: (site, site, vector from the first to the second) -> count.

    The vector, rounded to 0.1 Å, tells the images of the second site apart.
    """
    found: Counter = Counter()
    with hops.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if int(row["run"]):
                # another ordering of the host: its sites are others
                continue
            one, other = int(row["from_site"]), int(row["to_site"])
            vector = np.array([float(row[k]) for k in ("dx_a", "dy_a", "dz_a")])
            if one > other:
                one, other, vector = other, one, -vector
            found[one, other, *(float(v) for v in np.round(vector, 1) + 0.0)] += 1
    return found


def _hops(sites: np.ndarray, cell: np.ndarray, layers: np.ndarray, path: Path) -> list[dict]:
    """Lines between sites, within and between layers, in three widths by how often they were used."""
    out = []
    for across, name, colour in (
        (False, "hops within a layer", style.SKY),
        (True, "hops between layers", style.VERMILION),
    ):
        for low, high, width in ((1, 1, 2), (2, 3, 5), (4, np.inf, 9)):
            ends = []
            for (one, other, *vector), n in connections(path).items():
                if (layers[one] != layers[other]) == across and low <= n <= high:
                    # The line ends at the image that the ion went to, which may lie outside the cell.
                    ends += [sites[one], sites[one] + np.array(vector), np.full(3, np.nan)]
            if ends:
                count = (
                    f"{low}" if low == high else f"{low} or more" if high == np.inf else f"{low} to {high}"
                )
                line = {"color": colour, "width": width}
                out.append(
                    {
                        **_line(np.array(ends), line),
                        "name": f"{name}, seen {count} times",
                        "connectgaps": False,
                    }
                )
    return out


def _atoms(cell: np.ndarray, host: np.ndarray, species: np.ndarray, anions: set[str]) -> list[dict]:
    out, metals = [], cycle((0, 2, 3))
    for element in sorted(set(species)):
        look = 1 if element in anions else next(metals)
        marker = {"size": SIZES[look], "color": COLOURS[look], "opacity": 0.5 if element in anions else 1.0}
        out.append({**_cloud(wrapped(host[species == element], cell), marker), "name": str(element)})
    return out


def _edges(cell: np.ndarray) -> dict:
    points = []
    for corner in product((0, 1), repeat=3):
        for axis in range(3):
            if not corner[axis]:
                end = np.array(corner)
                end[axis] = 1
                points += [np.array(corner) @ cell, end @ cell, np.full(3, np.nan)]
    return {**_line(np.array(points), {"color": "#5b6570", "width": 2}), "name": "cell", "hoverinfo": "skip"}


def _density(arrays: Mapping[str, np.ndarray], mobile: str) -> dict:
    """Isosurfaces of the density, folded into one unit cell at the origin of the production cell; off until asked for."""
    rho, cell = arrays["density_per_a3"], arrays["unit_cell_a"]
    # few enough points for a page
    step = max(1, int(np.ceil((rho.size / LARGEST_GRID) ** (1 / 3))))
    rho = rho[::step, ::step, ::step]
    grid = [(np.arange(n) + 0.5 / step) / n for n in rho.shape]
    points = np.stack(np.meshgrid(*grid, indexing="ij"), axis=-1).reshape(-1, 3) @ cell
    top = float(rho.max())
    return {
        "type": "isosurface",
        **{axis: _short(points[:, k]) for k, axis in enumerate("xyz")},
        "value": [float(f"{v:.3g}") for v in rho.ravel()],
        "isomin": LEVELS[0] * top,
        "isomax": LEVELS[1] * top,
        "surface": {"count": 2},
        "opacity": 0.35,
        "caps": {axis: {"show": False} for axis in "xyz"},
        "colorscale": [[0, style.SKY], [1, style.BLUE]],
        "showscale": False,
        "name": f"density of {mobile}, one unit cell",
        "showlegend": True,
        "visible": "legendonly",
        "hoverinfo": "skip",
    }


def _cloud(points: np.ndarray, marker: dict) -> dict:
    return {"type": "scatter3d", "mode": "markers", **_xyz(points), "marker": marker, "hoverinfo": "name"}


def _line(points: np.ndarray, line: dict) -> dict:
    return {"type": "scatter3d", "mode": "lines", **_xyz(points), "line": line, "hoverinfo": "name"}


def _xyz(points: np.ndarray) -> dict:
    return {axis: _short(points[:, k]) for k, axis in enumerate("xyz")}


def _short(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(v) else round(float(v), 2) for v in values]
