"""POSCARs: element order, order of atoms, and the check of what was written."""

import numpy as np
import pytest
from ase import Atoms
from ase.io.vasp import read_vasp

from dlmd.base.errors import DlmdError
from dlmd.structures import poscar


@pytest.fixture
def atoms():
    rng = np.random.default_rng(2)
    cell = [[8.0, 0, 0], [1.0, 9.0, 0], [-2.0, 0.5, 12.0]]
    return Atoms("TiLiClTiLiCl2", scaled_positions=rng.random((7, 3)), cell=cell, pbc=True)


def test_atoms_are_grouped_and_their_order_is_returned(tmp_path, atoms):
    order = poscar.write(atoms, tmp_path / "POSCAR", species=["Li", "Na", "Ti", "Cl"])
    np.testing.assert_array_equal(order, [1, 4, 0, 3, 2, 5, 6])
    lines = (tmp_path / "POSCAR").read_text().splitlines()
    assert lines[0] == lines[5] == "Li Ti Cl" and lines[6] == "2 2 3"
    found = read_vasp(tmp_path / "POSCAR")
    assert found.get_chemical_symbols() == ["Li", "Li", "Ti", "Ti", "Cl", "Cl", "Cl"]
    np.testing.assert_allclose(found.get_all_distances(mic=True), atoms[order].get_all_distances(mic=True))


def test_an_unlisted_element_is_refused(tmp_path, atoms):
    with pytest.raises(DlmdError, match="Ti not among the species"):
        poscar.write(atoms, tmp_path / "POSCAR", species=["Li", "Cl"])


def test_a_file_that_reads_back_otherwise_is_noticed(tmp_path, atoms):
    order = poscar.write(atoms, tmp_path / "POSCAR", species=["Li", "Ti", "Cl"])
    text = (tmp_path / "POSCAR").read_text()
    for wrong in (text.replace("Li Ti Cl", "Ti Li Cl"), text.replace("12.0", "12.1")):
        (tmp_path / "POSCAR").write_text(wrong)
        with pytest.raises(DlmdError, match="reads back with other"):
            poscar._compare(atoms[order], tmp_path / "POSCAR")
