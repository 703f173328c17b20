"""Orderings that are the same up to symmetry: counted against known necklaces and colourings."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from dlmd.structures import duplicates
from dlmd.structures.crystal import read_cif
from dlmd.structures.supercell import Supercell
from small_crystals import IDENTITY, INVERSION, chain, crystal, signed_permutations

STRUCTURES = Path(__file__).parents[3] / "structures"


def distinct(cell, filled):
    """Number of classes among all ways to fill that many positions of the first site."""
    table = duplicates.permutations(cell)
    positions = cell.positions_of(cell.crystal.sites[0])
    seen = set()
    for chosen in itertools.combinations(positions, filled):
        content = np.zeros(cell.n_positions, dtype=np.int8)
        content[list(chosen)] = 1
        seen.add(duplicates.canonical(content, table))
    return len(seen)


@pytest.mark.parametrize(
    ("rotations", "length", "filled", "classes"),
    [
        ((IDENTITY,), 6, 3, 4),  # necklaces
        ((IDENTITY, INVERSION), 6, 3, 3),  # bracelets
        ((IDENTITY,), 8, 4, 10),
        ((IDENTITY, INVERSION), 8, 4, 8),
    ],
)
def test_rings_are_counted_as_necklaces_and_bracelets(rotations, length, filled, classes):
    assert distinct(Supercell(chain(rotations=rotations), (length, 1, 1)), filled) == classes


def test_colourings_of_a_cube_with_two_black_corners():
    # edge, face diagonal, body diagonal
    simple_cubic = crystal(
        {"M": ({"Na": 0.5}, [[0, 0, 0]])}, lattice=[4.0] * 3, rotations=signed_permutations()
    )
    assert distinct(Supercell(simple_cubic, (2, 2, 2)), 2) == 3


def test_operations_that_do_not_keep_the_supercell_are_left_out():
    simple_cubic = crystal(
        {"M": ({"Na": 0.5}, [[0, 0, 0]])}, lattice=[4.0] * 3, rotations=signed_permutations()
    )
    # in a 2x1x1 cell only the operations that keep the a axis remain; they act trivially on two positions
    assert len(duplicates.permutations(Supercell(simple_cubic, (2, 1, 1)))) == 2


def test_every_operation_of_a_real_crystal_is_a_permutation():
    cell = Supercell(read_cif(STRUCTURES / "Li3TiCl6.cif"), (2, 2, 2))
    table = duplicates.permutations(cell)
    assert len(table) == 4 * 16  # 2/m times the translations of the C-centred lattice
    np.testing.assert_array_equal(
        np.sort(table, axis=1), np.tile(np.arange(cell.n_positions), (len(table), 1))
    )
    np.testing.assert_array_equal(
        cell.site_of_position[table], np.tile(cell.site_of_position, (len(table), 1))
    )


def test_large_cells_are_not_tested():
    assert duplicates.permutations(Supercell(read_cif(STRUCTURES / "Li3TiCl6.cif"), (10, 10, 10))) is None
