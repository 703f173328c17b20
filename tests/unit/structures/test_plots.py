"""Layers found in an ordering, and powder lines against Bragg's law."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from dlmd.structures import plots


def layered():
    """Two layers, Ti at c = 0 (one just below the boundary) and Li at c = 1/2, with Cl between, in a tilted cell."""
    fractional = [[0, 0, 0], [0.5, 0.5, 0.9999], [0, 0, 0.5], [0.5, 0.5, 0.5], [0.3, 0.2, 0.25]]
    cell = [[6.0, 0, 0], [0, 6.0, 0], [-2.0, 0, 8.0]]
    return Atoms("Ti2Li2Cl", scaled_positions=fractional, cell=cell, pbc=True)


def test_each_layer_has_a_panel_with_its_content():
    figure = plots.layers(layered(), charges={"Li": 1, "Ti": 3, "Cl": -1})
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[0].endswith("2 Ti") and titles[1] == "layer at 4.0 Å\n2 Li"
    assert len(titles) == 3


def test_layers_can_be_stacked_along_another_axis():
    atoms = layered()
    axes = [2, 0, 1]
    turned = Atoms(
        atoms.symbols,
        scaled_positions=atoms.get_scaled_positions()[:, axes],
        cell=atoms.cell.array[axes],
        pbc=True,
    )
    figure = plots.layers(turned, charges={"Li": 1, "Ti": 3, "Cl": -1}, layer_axis=0)
    assert figure.axes[1].get_title() == "layer at 4.0 Å\n2 Li"


def test_more_than_four_layers_are_cut_and_said_so():
    atoms = layered().repeat((1, 1, 3))
    figure = plots.layers(atoms, charges={"Li": 1, "Ti": 3, "Cl": -1}, title="big")
    assert figure.get_suptitle() == "big (4 of 6 layers)" and len(figure.axes) == 5


def test_powder_lines_obey_bragg_and_the_extinctions_of_fcc():
    pattern = plots.powder_pattern(bulk("Cu", "fcc", a=3.615, cubic=True), two_theta=(30, 100))
    indices = np.array([[1, 1, 1], [2, 0, 0], [2, 2, 0], [3, 1, 1], [2, 2, 2]])
    spacings = 3.615 / np.linalg.norm(indices, axis=1)
    assert pattern["d_a"] == pytest.approx(spacings, abs=1e-4)
    angles = 2 * np.degrees(np.arcsin(plots.CU_K_ALPHA_A / 2 / spacings))
    assert pattern["two_theta_deg"] == pytest.approx(angles, abs=1e-3)
    assert pattern["intensity"][0] == 100


def test_powder_figures_peak_at_the_lines():
    pattern = {"two_theta_deg": [20.0, 40.0], "intensity": [50.0, 100.0]}
    (curve,) = plots.powder_figure({"x": pattern}).axes[0].lines
    x, y = curve.get_data()
    assert x[np.argmax(y)] == pytest.approx(40.0, abs=0.05)
    assert y[np.argmin(np.abs(x - 20))] == pytest.approx(0.5, abs=0.02)
