"""Neighbours by translation against a search of the whole supercell."""

import numpy as np
import pytest
from ase.neighborlist import primitive_neighbor_list

from dlmd.structures.supercell import Supercell
from small_crystals import crystal


@pytest.fixture(scope="module")
def skewed():
    return crystal(
        {"A": ({"Na": 1.0}, [[0.1, 0.2, 0.3], [0.6, 0.1, 0.8]]), "B": ({"Cl": 1.0}, [[0.4, 0.7, 0.5]])},
        lattice=[[4.0, 0, 0], [1.0, 5.0, 0], [-2.0, 0.5, 6.0]],
    )


@pytest.mark.parametrize("repeat", [(1, 1, 1), (2, 1, 3), (3, 3, 2)])
def test_neighbours_are_those_of_a_full_search(skewed, repeat):
    cell = Supercell(skewed, repeat)
    start, neighbour, pair = cell.neighbour_table(pairs := cell.pairs(7.0))
    positions = cell.fractional() @ cell.lattice
    i, j, d = primitive_neighbor_list("ijd", [True] * 3, cell.lattice, positions, 7.0)
    first = np.repeat(np.arange(cell.n_positions), np.diff(start))
    found = sorted(zip(first, neighbour, np.round(pairs.distance[pair], 6), strict=True))
    assert found == sorted(zip(i, j, np.round(d, 6), strict=True))


def test_sites_are_contiguous_and_complete(skewed):
    cell = Supercell(skewed, (2, 3, 1))
    indices = [cell.positions_of(site) for site in skewed.sites]
    assert [len(x) for x in indices] == [12, 6]
    np.testing.assert_array_equal(np.concatenate(indices), np.arange(18))
    np.testing.assert_array_equal(cell.site_of_position[indices[1]], 1)
    np.testing.assert_allclose(cell.lattice, np.array([2, 3, 1])[:, None] * skewed.lattice)
