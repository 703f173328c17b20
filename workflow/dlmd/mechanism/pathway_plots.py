"""Figures of where the ions go: density and free-energy maps, profiles along paths, traces in time and in space."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from dlmd.base import plot_style as style
from dlmd.base.formatting import interval
from dlmd.base.units import BOLTZMANN_EV_PER_K
from dlmd.transport.msd import cell_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Slabs about a layer, half their thickness.
_SLAB_A = 0.8
_HIGHEST_EV = 0.4
_NEAR_TRACE_A = 4.0
_AXES = ("a", "b", "c*")


def density(data: Mapping, arrays: Mapping) -> Figure:
    """Free-energy maps of every layer and along the layers, and profiles along the paths between sites."""
    from matplotlib.gridspec import GridSpec

    layers = data["stacking"]["layers"] if data["stacking"] else []
    axis = _AXES.index(data["stacking"]["axis"].replace("a*", "a").replace("b*", "b")) if layers else 2
    shown = layers[:2]
    fig = style.blank(width=11.0, height=7.4)
    grid = GridSpec(2, 1 + len(shown), figure=fig, height_ratios=[1.3, 1.0])
    maps = [fig.add_subplot(grid[0, column]) for column in range(1 + len(shown))]
    for ax, layer in zip(maps, [*shown, None], strict=True):
        image = _map(ax, data, arrays, axis, layer)
    fig.colorbar(image, ax=maps, label="free energy (eV)", shrink=0.9)
    _profiles(fig.add_subplot(grid[1, :]), data)
    return fig


def _map(ax: Axes, data: Mapping, arrays: Mapping, axis: int, layer: Mapping | None):
    """Slab of one layer seen along the stacking, or the whole cell seen along one direction in the layers."""
    cell, rho = arrays["unit_cell_a"], arrays["density_per_a3"]
    rows = [(axis + 1) % 3, (axis + 2) % 3, axis]
    rho, cell = rho.transpose(rows), cell[rows]
    names = [_AXES[r].rstrip("*") for r in rows]
    if layer is not None:
        centres = (np.arange(rho.shape[2]) + 0.5) / rho.shape[2]
        width = 1 / np.linalg.norm(np.linalg.inv(cell)[:, 2])
        away = (centres - layer["height"] + 0.5) % 1.0 - 0.5
        plane = rho[:, :, np.abs(away) * width < _SLAB_A].mean(axis=2)
        first, second, labels = cell[0], cell[1], (names[0], names[1])
        title = layer["name"]
    else:
        # look along the longer axis of the layer, onto the other one and the stacking
        along = 1 if np.linalg.norm(cell[1]) >= np.linalg.norm(cell[0]) else 0
        plane = rho.mean(axis=along)
        first, second, labels = cell[1 - along], cell[2], (names[1 - along], names[2])
        title = f"all, along {names[along]}"
    energy = -BOLTZMANN_EV_PER_K * data["temperature_k"] * np.log(np.maximum(plane, 1e-12) / plane.max())
    # the cell's two vectors in their own plane
    x = np.array([np.linalg.norm(first), 0.0])
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    y = np.linalg.norm(second) * np.array([cosine, np.sqrt(1 - cosine**2)])
    u, v = (np.linspace(0, 1, n + 1) for n in energy.shape)
    corners = u[:, None, None] * x + v[None, :, None] * y
    image = ax.pcolormesh(
        corners[..., 0],
        corners[..., 1],
        np.minimum(energy, _HIGHEST_EV),
        cmap="viridis_r",
        vmin=0,
        vmax=_HIGHEST_EV,
        rasterized=True,
    )
    ax.set_aspect("equal")
    ax.set_xlabel(f"along {labels[0]} (Å)")
    ax.set_ylabel(f"normal to {labels[0]}, towards {labels[1]} (Å)")
    ax.set_title(title, loc="left", fontsize=10)
    return image


def _profiles(ax: Axes, data: Mapping) -> None:
    for profile, colour, dashes in zip(
        data["profiles"], cycle(style.CYCLE), cycle(("-", "--", "-.")), strict=False
    ):
        energy = np.array([np.nan if e is None else e for e in profile["free_energy_ev"]])
        label = profile["name"]
        if "barrier_ev" in profile:
            b = profile["barrier_ev"]
            label += f": {interval(b, '.2f', unit='eV')}"
        else:
            label += ": saddle seen too rarely"
        ax.plot(
            np.array(profile["along"]) * profile["length_a"],
            energy,
            color=colour,
            ls=dashes,
            lw=1.5,
            label=label,
        )
    ax.set_xlabel("distance along the straight path between two sites (Å)")
    ax.set_ylabel("free energy (eV)")
    ax.set_ylim(bottom=-0.01)
    # room for the legend beside the curves
    ax.set_xlim(0, 1.75 * max(p["length_a"] for p in data["profiles"]))
    ax.legend(fontsize=9, loc="center right", frameon=False, title="saddle above the start", alignment="left")


def traces(data: Mapping, arrays: Mapping) -> Figure:
    """Of every traced ion its displacement along a, b and c* in time, and its path among the sites it passed."""
    from matplotlib.gridspec import GridSpec

    found = data["traces"]
    if not found:
        return style.message(f"{data['temperature_k']:g} K: no ion hopped: no trace to show")
    fig = style.blank(width=11.0, height=4.3 * len(found))
    grid = GridSpec(len(found), 2, figure=fig, width_ratios=[1.0, 1.25])
    for row, trace in enumerate(found):
        _displacement(fig.add_subplot(grid[row, 0]), data, trace, row, arrays)
        _path(fig.add_subplot(grid[row, 1], projection="3d"), data, row, arrays)
    return fig


def _displacement(ax: Axes, data: Mapping, trace: Mapping, number: int, arrays: Mapping) -> None:
    positions, time = arrays[f"trace{number}_positions_a"], arrays[f"trace{number}_time_ps"]
    away = (positions - positions[0]) @ cell_axes(arrays[f"trace{number}_cell_a"]).T
    for values, name, colour in zip(away.T, _AXES, (style.BLUE, style.GREEN, style.VERMILION), strict=True):
        ax.plot(time, values, color=colour, lw=1.1, label=f"along {name}")
    ax.axhline(0, color="0.8", lw=0.8, zorder=0)
    layers = f", {trace['layers']} layers" if trace["layers"] > 1 else ""
    ax.set_title(
        f"{data['mobile']} {trace['ion'] + 1}, {trace['kind']}: {trace['hops']} hops{layers}",
        loc="left",
        fontsize=10,
    )
    ax.set_xlabel("time (ps)")
    ax.set_ylabel("displacement (Å)")
    ax.legend(fontsize=8, loc="best", frameon=False)


def _path(ax, data: Mapping, number: int, arrays: Mapping) -> None:
    """The path coloured by time, resting sites near it by layer, and the host's cations."""
    from matplotlib.ticker import MaxNLocator

    cell = arrays[f"trace{number}_cell_a"]
    path = arrays[f"trace{number}_positions_a"]
    points = ax.scatter(
        *path.T, c=arrays[f"trace{number}_time_ps"], cmap="viridis", s=3, depthshade=False, zorder=3
    )
    ax.plot(*path.T, color="0.5", lw=0.4, zorder=2)
    sites = _near(arrays[f"trace{number}_sites_a"], path, cell)
    names = [layer["name"] for layer in data["stacking"]["layers"]] if data["stacking"] else []
    layer = arrays[f"trace{number}_layers"][sites[1]]
    kinds = np.where(layer < 0, -1, layer % max(1, len(names)))
    unique = list(dict.fromkeys(names)) or ["resting site"]
    for name, colour in zip(unique, (style.ORANGE, style.SKY, style.PURPLE), strict=False):
        mine = np.isin(kinds, [k for k, n in enumerate(names) if n == name]) if names else kinds > -2
        ax.scatter(*sites[0][mine].T, s=60, facecolors="none", edgecolors=colour, linewidths=1.0, label=name)
    species = arrays[f"trace{number}_host_species"]
    host = _near(arrays[f"trace{number}_host_a"], path, cell)
    for name, colour, size in _host_style(species):
        mine = species[host[1]] == name
        ax.scatter(*host[0][mine].T, s=size, color=colour, depthshade=True, label=name, alpha=0.8)
    ax.set_xlabel("x (Å)")
    ax.set_ylabel("y (Å)")
    ax.set_zlabel("z (Å)")
    reach = np.ptp(np.concatenate([path, sites[0]]), axis=0)
    # in true proportions, unless a side would be too flat to be read
    ax.set_box_aspect(np.maximum(reach, 0.35 * reach.max()), zoom=1.0)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_major_locator(MaxNLocator(4))
    ax.tick_params(labelsize=7)
    ax.view_init(elev=12, azim=-70)
    ax.legend(fontsize=7, loc="upper left", bbox_to_anchor=(-0.05, 1.0), frameon=False)
    ax.figure.colorbar(points, ax=ax, label="time (ps)", shrink=0.6, pad=0.08)


def _host_style(species: np.ndarray) -> list[tuple[str, str, float]]:
    """Anions, the commonest species, are drawn small and light."""
    names, counts = np.unique(species, return_counts=True)
    common = names[counts.argmax()]
    others = [n for n in names if n != common]
    return [
        (common, "#C8C8C8", 8),
        *((n, c, 45) for n, c in zip(others, (style.BLACK, style.GREEN, style.BLUE), strict=False)),
    ]


def _near(points: np.ndarray, path: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images of points within 4 Å of a path: positions and indices."""
    from dlmd.base.periodic_tree import PeriodicTree

    tree = PeriodicTree(points, cell)
    _, index, image = tree.within(path[:: max(1, len(path) // 300)], _NEAR_TRACE_A)
    unique = np.unique(np.column_stack([index, image]), axis=0)
    return points[unique[:, 0]] + unique[:, 1:] @ cell, unique[:, 0]
