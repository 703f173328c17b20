"""Pictures of an ordering: its layers seen along b* or any axis, and the simulated powder pattern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe-Ito, safe for colour-blind readers; anions light, so that the cations stand out
COLOURS = ("#009E73", "#0072B2", "#D55E00", "#CC79A7", "#E69F00", "#56B4E9")
ANION_COLOUR = "#C8C8C8"
CU_K_ALPHA_A = 1.54184
MOST_LAYERS = 4


def layers(
    atoms: Atoms,
    *,
    charges: Mapping[str, float],
    title: str = "",
    layer_axis: int = 2,
    tolerance_angstrom: float = 0.8,
) -> Figure:
    """One panel per cation layer normal to the reciprocal axis `layer_axis`, and a view along the layers.

    Cations are coloured by species; the outline is the supercell. Of more than four layers the first four are
    shown, and the title says so.

    Parameters
    ----------
    charges
        Formal charges; positive species are drawn as cations.
    layer_axis
        0, 1, 2: layers are stacked along a*, b*, c*.
    tolerance_angstrom
        Cations nearer than this in height (Å) belong to one layer.
    """
    from matplotlib.figure import Figure

    symbols = np.array(atoms.get_chemical_symbols())
    species = list(dict.fromkeys(symbols))
    cations = [s for s in species if charges[s] > 0]
    colour = {s: COLOURS[k % len(COLOURS)] for k, s in enumerate(cations)}
    fractional, cell = _stacked_upwards(atoms, layer_axis)
    positions = fractional @ cell
    in_plane = fractional[:, :2] @ cell[:2, :2]  # without the shear of the layers against each other
    is_cation = np.isin(symbols, cations)
    found = _layers(positions[is_cation, 2], cell[2, 2], tolerance_angstrom)
    shown = found[:MOST_LAYERS]

    panel = np.ptp([0 * cell[0, :2], cell[0, :2], cell[1, :2], cell[0, :2] + cell[1, :2]], axis=0)
    width = 2.8
    figure = Figure(
        figsize=(width * (len(shown) + 1), width * np.clip(panel[1] / panel[0], 0.5, 2.0) + 1.5),
        layout="constrained",
    )
    axes = figure.subplots(1, len(shown) + 1)
    size = _marker_size(cell)
    for axis, (level, members) in zip(axes[:-1], shown, strict=True):
        chosen = np.flatnonzero(is_cation)[members]
        for s in cations:
            here = chosen[symbols[chosen] == s]
            axis.scatter(*in_plane[here].T, s=size, color=colour[s], edgecolor="black", linewidth=0.4)
        content = ", ".join(
            f"{(symbols[chosen] == s).sum()} {s}" for s in cations if (symbols[chosen] == s).any()
        )
        axis.set_title(f"layer at {level:.1f} Å\n{content}", fontsize=9)
        _outline(axis, cell[0, :2], cell[1, :2])
    side = axes[-1]
    _draw_side(side, positions, symbols, colour, size=size)
    _outline(side, cell[0, [0, 2]], cell[2, [0, 2]])
    handles, labels = side.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(species), frameon=False)
    for axis in axes:
        axis.set_aspect("equal")
        axis.set_xlabel("x (Å)")
        axis.tick_params(labelsize=8)
    axes[0].set_ylabel("y (Å)")
    side.set_ylabel("height (Å)")
    count = "" if len(shown) == len(found) else f" ({len(shown)} of {len(found)} layers)"
    figure.suptitle((title or atoms.get_chemical_formula()) + count, fontsize=11)
    return figure


def _draw_side(
    side: Axes, positions: np.ndarray, symbols: np.ndarray, colour: Mapping[str, str], *, size: float
) -> None:
    """All atoms seen along the layers: anions first, so that the cations, which have a colour, lie above them."""
    species = dict.fromkeys(symbols)
    for s in [*(s for s in species if s not in colour), *colour]:
        here = symbols == s
        side.scatter(
            positions[here][:, 0],
            positions[here][:, 2],
            s=size * (0.5 if s in colour else 0.25),
            color=colour.get(s, ANION_COLOUR),
            edgecolor="black" if s in colour else "none",
            linewidth=0.4,
            label=s,
        )
    side.set_title("along the layers\n(all atoms)", fontsize=9)


def _stacked_upwards(atoms: Atoms, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Fractional coordinates in a cell whose layers lie in the xy plane, and that cell."""
    rows = [(axis + 1) % 3, (axis + 2) % 3, axis]
    cell = atoms.cell.array[rows]
    x = cell[0] / np.linalg.norm(cell[0])
    z = np.cross(cell[0], cell[1])
    z /= np.linalg.norm(z)
    frame = np.array([x, np.cross(z, x), z]).T
    # atoms on a boundary are drawn on its lower side, whatever their last digit
    fractional = (atoms.get_scaled_positions(wrap=False)[:, rows] + 1e-6) % 1.0 - 1e-6
    return fractional, cell @ frame


def _layers(heights: np.ndarray, period: float, tolerance: float) -> list[tuple[float, np.ndarray]]:
    """(height, members) of every layer, the first and last joined where they are one across the boundary."""
    order = np.argsort(heights, kind="stable")
    jumps = np.flatnonzero(np.diff(heights[order]) > tolerance) + 1
    groups = np.split(order, jumps)
    if len(groups) > 1 and heights[order[0]] + period - heights[order[-1]] <= tolerance:
        groups[0] = np.concatenate([groups.pop(), groups[0]])
    centre = [
        np.mean((heights[g] - heights[g[-1]] + period / 2) % period - period / 2) + heights[g[-1]]
        for g in groups
    ]
    return [(float(level), group) for level, group in zip(centre, groups, strict=True)]


def _marker_size(cell: np.ndarray) -> float:
    return float(np.clip(16000 / np.linalg.norm(cell[:2], axis=1).prod(), 2, 90))


def _outline(axis: Any, first: np.ndarray, second: np.ndarray) -> None:
    corners = np.array([0 * first, first, first + second, second, 0 * first])
    axis.plot(*corners.T, color="black", linewidth=0.8)


def powder_pattern(
    atoms: Atoms, *, wavelength_angstrom: float = CU_K_ALPHA_A, two_theta: Sequence[float] = (10.0, 70.0)
) -> dict[str, list[Any]]:
    """Simulated powder diffraction lines (pymatgen): two_theta_deg, intensity (100 for the strongest), d_a.

    Kinematic intensities with the Lorentz-polarisation factor, without thermal motion.
    """
    from pymatgen.analysis.diffraction.xrd import XRDCalculator
    from pymatgen.io.ase import AseAtomsAdaptor

    bare = atoms.copy()
    bare.info = {}
    pattern = XRDCalculator(wavelength=wavelength_angstrom).get_pattern(
        AseAtomsAdaptor.get_structure(bare), two_theta_range=tuple(two_theta)
    )
    return {
        "two_theta_deg": [round(float(x), 4) for x in pattern.x],
        "intensity": [round(float(y), 4) for y in pattern.y],
        "d_a": [round(float(d), 5) for d in pattern.d_hkls],
    }


def powder_figure(
    patterns: Mapping[str, Mapping[str, Sequence[float]]], *, width_deg: float = 0.15
) -> Figure:
    """Broadened patterns of `powder_pattern` above each other, one curve per name."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 1.6 + 1.2 * len(patterns)), layout="constrained")
    axis = figure.subplots()
    for k, (name, pattern) in enumerate(patterns.items()):
        lines, heights = np.array(pattern["two_theta_deg"]), np.array(pattern["intensity"])
        grid = np.arange(lines.min() - 2, lines.max() + 2, width_deg / 5)
        curve = (heights * np.exp(-0.5 * ((grid[:, None] - lines) / width_deg) ** 2)).sum(axis=1)
        curve /= curve.max()
        axis.plot(grid, curve + 1.15 * k, color=COLOURS[k % len(COLOURS)], linewidth=1, label=name)
    axis.set_xlabel("2θ (degrees, Cu Kα)")
    axis.set_ylabel("intensity (arbitrary units)")
    axis.set_yticks([])
    axis.legend(frameon=False)
    return figure
