"""LAMMPS data files: the restricted box, its tilts, and what LAMMPS itself makes of them."""

import re
import subprocess

import ase.io
import numpy as np
import pytest
from ase import Atoms

import needs
from dlmd.base.errors import DlmdError
from dlmd.md import cell_file

CELLS = {
    "monoclinic, turned": [[0, 6.4, 0], [0, 0, 11.0], [6.0, -2.2, 0]],
    "steep": [[6.4, 0, 0], [0, 11.0, 0], [-8.7, 0, 24.0]],
    "triclinic": [[5.0, 1.0, 0.3], [7.0, 6.0, -0.5], [-9.0, 4.0, 8.0]],
    "hexagonal": [[11.2, 0, 0], [-5.6, 5.6 * 3**0.5, 0], [0, 0, 6.0]],
}


def atoms_in(cell):
    rng = np.random.default_rng(1)
    return Atoms("Li5Ti2Cl5", scaled_positions=3 * rng.random((12, 3)) - 1, cell=cell, pbc=True)


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_the_box_obeys_the_rules_and_spans_the_same_lattice(cell):
    box = cell_file.box(np.array(cell))
    (lx, *_), (xy, ly, _), (xz, yz, lz) = box.cell
    assert min(lx, ly, lz) > 0
    np.testing.assert_array_equal(np.triu(box.cell, 1), 0)
    assert max(abs(xy) / lx, abs(xz) / lx, abs(yz) / ly) <= 0.5 + 1e-9
    np.testing.assert_allclose(box.rotation @ box.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(box.rotation) == pytest.approx(1)
    assert round(np.linalg.det(box.flips)) == 1
    np.testing.assert_allclose(box.flips @ np.array(cell) @ box.rotation, box.cell, atol=1e-9)


def test_a_tilt_of_just_half_an_edge_is_left_alone():
    box = cell_file.box(np.array(CELLS["hexagonal"]))
    np.testing.assert_array_equal(box.flips, np.eye(3))


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_a_round_trip_keeps_elements_and_distances(tmp_path, cell):
    atoms = atoms_in(cell)
    box = cell_file.write(atoms, tmp_path / "x.data", species=["Ti", "Cl", "Li"])
    found = ase.io.read(tmp_path / "x.data", format="lammps-data", atom_style="atomic")
    assert found.get_chemical_symbols() == atoms.get_chemical_symbols()
    np.testing.assert_allclose(found.cell.array, box.cell, atol=1e-9)
    np.testing.assert_allclose(
        found.get_all_distances(mic=True), atoms.get_all_distances(mic=True), atol=1e-7
    )
    fractional = found.get_scaled_positions(wrap=False)
    assert fractional.min() >= -1e-9 and fractional.max() < 1 + 1e-9


def test_types_follow_the_given_order(tmp_path):
    cell_file.write(atoms_in(CELLS["steep"]), tmp_path / "x.data", species=["Ti", "Cl", "Na", "Li"])
    text = (tmp_path / "x.data").read_text()
    assert "4 atom types" in text
    assert re.findall(r"^(\d) [\d.]+  # (\w+)$", text, re.M) == [
        ("1", "Ti"),
        ("2", "Cl"),
        ("3", "Na"),
        ("4", "Li"),
    ]
    assert [line.split()[1] for line in text.split("Atoms # atomic\n\n")[1].splitlines()] == list(
        "444441122222"
    )


@pytest.mark.parametrize("species", [["Li", "Cl"], ["Li", "Cl", "Ti", "Ti"]])
def test_a_missing_or_repeated_element_is_refused(tmp_path, species):
    with pytest.raises(DlmdError, match="for a structure of Cl, Li, Ti"):
        cell_file.write(atoms_in(CELLS["steep"]), tmp_path / "x.data", species=species)


def test_a_left_handed_cell_is_refused():
    with pytest.raises(DlmdError, match="cell volume is -"):
        cell_file.box(np.array([[0, 5, 0], [5, 0, 0], [0, 0, 5.0]]))


@pytest.mark.slow
def test_lammps_reads_the_box_and_the_atoms(tmp_path):
    atoms = atoms_in(CELLS["triclinic"])
    box = cell_file.write(atoms, tmp_path / "x.data", species=["Li", "Ti", "Cl"])
    (tmp_path / "in.lammps").write_text(
        "units metal\natom_style atomic\nread_data x.data\npair_style zero 3.0\npair_coeff * *\nrun 0\n"
        "write_dump all custom x.dump id type mass x y z modify sort id\n"
    )
    run = subprocess.run(
        [*needs.lammps(), "-in", "in.lammps"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stdout[-2000:]
    assert "WARNING: Triclinic box skew is large" not in run.stdout
    found = ase.io.read(tmp_path / "x.dump", format="lammps-dump-text")
    np.testing.assert_allclose(found.cell.array, box.cell, atol=1e-4)
    np.testing.assert_allclose(
        found.get_all_distances(mic=True), atoms.get_all_distances(mic=True), atol=1e-4
    )
