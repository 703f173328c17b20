"""Structures as numbers and files."""

import json
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import primitive_neighbor_list

from dlmd.base.errors import DlmdError
from dlmd.structures import cells, jobs
from dlmd.structures.occupancy import apportion
from dlmd.structures.ordering import orderings
from small_crystals import chain, rocksalt


@pytest.fixture
def triclinic():
    rng = np.random.default_rng(0)
    cell = np.array([[8.0, 0, 0], [1.0, 9.0, 0], [-2.0, 0.5, 12.0]])
    return Atoms("Li4Cl4", scaled_positions=rng.random((8, 3)), cell=cell, pbc=True)


def test_lattice_parameters_are_those_of_one_unit_cell():
    atoms = Atoms("Na", cell=[12.0, 20.0, 18.0, 90, 110, 90], pbc=True)
    found = cells.unit_cell_parameters(atoms, repeat=(2, 2, 3))
    assert found == pytest.approx(
        {
            "a": 6,
            "b": 10,
            "c": 6,
            "alpha": 90,
            "beta": 110,
            "gamma": 90,
            "volume": 360 * np.sin(np.radians(110)),
        }
    )


def test_scaling_to_a_relaxed_cell_keeps_fractional_coordinates(triclinic):
    relaxed = (4.1, 9.3, 6.2, 91.0, 99.0, 84.0)
    scaled = cells.scale_to_cell(triclinic, repeat=(2, 1, 2), unit_cell=relaxed)
    np.testing.assert_allclose(scaled.get_scaled_positions(), triclinic.get_scaled_positions(), atol=1e-12)
    found = cells.unit_cell_parameters(scaled, repeat=(2, 1, 2))
    assert [found[k] for k in ("a", "b", "c", "alpha", "beta", "gamma")] == pytest.approx(relaxed)


def test_a_unit_cell_without_angles_is_refused(triclinic):
    with pytest.raises(DlmdError, match="unit_cell has 3 numbers"):
        cells.scale_to_cell(triclinic, repeat=(1, 1, 1), unit_cell=(4, 5, 6))


def test_strain_changes_lengths_only(triclinic):
    strained = cells.strain(triclinic, -0.02)
    np.testing.assert_allclose(strained.cell.lengths(), 0.98 * triclinic.cell.lengths())
    np.testing.assert_allclose(strained.cell.angles(), triclinic.cell.angles())
    np.testing.assert_allclose(strained.get_scaled_positions(), triclinic.get_scaled_positions(), atol=1e-12)
    with pytest.raises(DlmdError, match="strain 2"):
        cells.strain(triclinic, 2)


def test_shortest_distances_are_those_of_a_full_search(triclinic):
    i, j, d = primitive_neighbor_list("ijd", [True] * 3, triclinic.cell.array, triclinic.positions, 9.0)
    lithium = triclinic.numbers == 3
    found = cells.shortest_distances(triclinic, cutoff_angstrom=9.0)
    assert found["Li-Li"] == pytest.approx(d[lithium[i] & lithium[j]].min(), abs=1e-4)
    assert found["Li-Cl"] == pytest.approx(d[lithium[i] & ~lithium[j]].min(), abs=1e-4)
    assert cells.shortest_distances(triclinic, cutoff_angstrom=0.5) == {
        "Li-Li": None,
        "Li-Cl": None,
        "Cl-Cl": None,
    }


def test_the_summary_puts_requested_beside_realised():
    crystal = chain(0.49)
    counts = apportion(crystal, repeat=(4, 1, 1), charges={"Na": 1, "F": -1}, tolerance=0.05)
    summary = cells.summary(counts, orderings(crystal, counts, n=2, seed=5))
    assert json.loads(json.dumps(summary)) == summary
    sodium = summary["sites"][0]
    assert (sodium["requested_occupancy"], sodium["realised_occupancy"], sodium["atoms"]) == (0.49, 0.5, 2)
    assert sodium["rounding_error"] == pytest.approx(0.01)
    assert summary["charge_e"] == 0 and summary["duplicates_up_to_symmetry"] == "removed"
    assert [row["ordering"] for row in summary["orderings"]] == [0, 1]
    assert all(row["composition"] == {"Na": 2, "F": 2} and row["seed"] == 5 for row in summary["orderings"])


def test_written_files_hold_the_same_structure(tmp_path):
    counts = apportion(rocksalt(), repeat=(1, 1, 1), charges={"Na": 1, "Cl": -1})
    (atoms,) = orderings(rocksalt(), counts, n=1, seed=0)
    for path in cells.write(atoms, tmp_path / "new" / "0.5"):
        found = ase.io.read(path)
        assert path.name.startswith("0.5.")
        assert found.get_chemical_symbols() == atoms.get_chemical_symbols()
        np.testing.assert_allclose(
            found.get_all_distances(mic=True), atoms.get_all_distances(mic=True), atol=1e-4
        )
    assert found.arrays["site"].tolist() == ["Na"] * 4 + ["Cl"] * 4
    assert found.info["seed"] == 0


def test_the_job_keeps_the_tolerance_it_is_given(tmp_path):
    """Occupancies as refined fit no cell of usable size: Li3YBr6, 160 atoms, needs 0.017."""

    def build(tolerance):
        jobs.build(
            str(Path(__file__).parents[3] / "structures/Li3YBr6.cif"),
            cifs=[str(tmp_path / "0.cif")],
            summary=str(tmp_path / "summary.json"),
            repeat=(2, 2, 2),
            occupancies={},
            charges={"Li": 1, "Y": 3, "Br": -1},
            sampling="random",
            min_distance_angstrom=1.5,
            tolerance=tolerance,
            seed=1,
        )

    build(0.02)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["composition"] == {"Li": 48, "Y": 16, "Br": 96}
    assert summary["largest_rounding_error"] == pytest.approx(0.0169)
    with pytest.raises(DlmdError, match="cannot be realised in 2x2x2"):
        build(0.016)
