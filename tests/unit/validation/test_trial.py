"""Trial runs: their LAMMPS input, drifts and bonds of known size, and one real run of a Lennard-Jones crystal."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.spacegroup import crystal

import needs
from dlmd.base.errors import DlmdError
from dlmd.md.inputs import Dynamics
from dlmd.validation import trial

PLAN = trial.Plan(rdf_temperature_k=None, rdf_steps=0, nvt_steps=100, nve_steps=100, stride=20)


def dynamics(epsilon=0.0104):
    pair = ["pair_style lj/cut 8.0", f"pair_coeff 1 1 {epsilon} 3.4", "mass 1 39.948"]
    return Dynamics(
        pair=pair, species=["Ar"], mobile="Ar", temperature_k=20.0, time_step_fs=4.0, damping_fs=100.0
    )


def test_drift_is_the_slope_per_atom():
    steps = np.arange(0, 1000, 10)
    energy = -500.0 + 0.02 * steps * 2e-3 + 0.3 * np.sin(steps)
    rows = np.stack([steps, np.full(100, 310.0), energy], axis=1)
    drift = trial.energy_drift_mev_per_atom_ps(rows, n_atoms=4, time_step_fs=2.0)
    assert drift == pytest.approx(1e3 * 0.02 / 4, abs=5.0)
    rows[:, 2] = -500.0 + 0.02 * steps * 2e-3
    assert trial.energy_drift_mev_per_atom_ps(rows, n_atoms=4, time_step_fs=2.0) == pytest.approx(5.0)
    assert trial.temperature_error(rows, temperature_k=300.0) == pytest.approx(1 / 30)


def rock_salt(n=3):
    """NaCl with a mobile Li in the place of one Na: 6 Cl around every cation."""
    atoms = bulk("NaCl", "rocksalt", a=5.64, cubic=True) * (n, n, n)
    symbols = atoms.get_chemical_symbols()
    symbols[symbols.index("Na")] = "Li"
    atoms.set_chemical_symbols(symbols)
    return atoms


CHARGES = {"Na": 1, "Li": 1, "Cl": -1}


def test_bonds_of_the_host_only():
    atoms = rock_salt()
    frames = np.array([atoms.positions, atoms.positions + 3.0])
    found = trial.host_coordination(atoms, frames, cell=atoms.cell.array, charges=CHARGES, mobile="Li")
    assert found == {"Na-Cl": {"start": 6.0, "kept": 1.0}}


def test_broken_bonds_are_counted_through_the_boundary_and_a_rotation():
    """One Na of 107 leaves its place by half a cell: its six bonds are gone, all others whole."""
    atoms = rock_salt()
    sodium = [i for i, s in enumerate(atoms.symbols) if s == "Na"]
    broken = atoms.positions.copy()
    broken[sodium[5]] += [atoms.cell[0, 0] / 2, 0, 1.4]
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    shift = np.random.default_rng(1).integers(-1, 2, size=(len(atoms), 3)) @ atoms.cell.array
    frames = np.array([atoms.positions @ turn, (broken + shift) @ turn])
    found = trial.host_coordination(atoms, frames, cell=atoms.cell.array @ turn, charges=CHARGES, mobile="Li")
    assert found["Na-Cl"]["kept"] == pytest.approx(1 - 0.5 / len(sodium))


def test_neighbours_at_a_distance_are_no_bonds():
    """A dumbbell has one neighbour, not the Cl of the next one at three times the distance."""
    atoms = Atoms(
        "NaClNaCl", positions=[[0, 0, 0], [2, 0, 0], [8, 0, 0], [10, 0, 0]], cell=[16, 9, 9], pbc=True
    )
    found = trial.host_coordination(
        atoms, atoms.positions[None], cell=atoms.cell.array, charges=CHARGES, mobile="Li"
    )
    assert found["Na-Cl"] == {"start": 1.0, "kept": 1.0}


def test_no_host_cations_no_check():
    atoms = crystal("LiCl", [(0, 0, 0), (0.5, 0.5, 0.5)], spacegroup=225, cellpar=[5.13] * 3 + [90] * 3)
    found = trial.host_coordination(
        atoms, atoms.positions[None], cell=atoms.cell.array, charges=CHARGES, mobile="Li"
    )
    assert found == {}


def test_input_has_its_parts_in_order():
    plan = trial.Plan(rdf_temperature_k=300.0, rdf_steps=50, nvt_steps=100, nve_steps=200, stride=20)
    text = trial.trial_input(dynamics(), plan, data="d", seed=7)
    order = ["temp 300 300", "run 50", "temp 20 20", "run 100", "nve", "run 200"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "velocity all create 600 7" in text
    assert "temp 300" not in trial.trial_input(dynamics(), PLAN, data="d", seed=7)


@pytest.fixture
def lmp():
    return needs.lammps()


def test_a_crystal_holds_and_conserves_its_energy(tmp_path, lmp):
    atoms = bulk("Ar", "fcc", a=5.3, cubic=True) * (4, 4, 4)
    plan = trial.Plan(rdf_temperature_k=15.0, rdf_steps=100, nvt_steps=100, nve_steps=100, stride=20)
    found = trial.run(
        atoms, tmp_path, dynamics=dynamics(), plan=plan, seed=3, lmp=lmp, threads=1, log=tmp_path / "log"
    )
    assert found.ended == ""
    assert len(found.rdf_frames) == len(found.nve_frames) == 6
    np.testing.assert_allclose(found.nve[:, 0], np.arange(100, 201, 10))
    drift = trial.energy_drift_mev_per_atom_ps(found.nve, n_atoms=256, time_step_fs=4.0)
    assert abs(drift) < 0.1
    assert abs(trial.temperature_error(found.nve, temperature_k=20.0)) < 0.3


def test_death_is_a_result_with_its_cause(tmp_path, monkeypatch):
    def die(args, *, cwd, log, threads):
        (cwd / "nvt.txt").write_text("\n10 21.0 -5.0\n20 900.0 -4.0\n")
        log.write_text("Step Temp\nERROR: Lost atoms: original 256 current 30\nmore\n")
        raise DlmdError("lmp ended with exit code 1")

    monkeypatch.setattr(trial.programs, "run", die)
    atoms = bulk("Ar", "fcc", a=5.3, cubic=True)
    found = trial.run(
        atoms,
        tmp_path / "w",
        dynamics=dynamics(),
        plan=PLAN,
        seed=3,
        lmp=["lmp"],
        threads=1,
        log=tmp_path / "log",
    )
    assert (
        found.ended == "lmp ended with exit code 1; its last line: ERROR: Lost atoms: original 256 current 30"
    )
    np.testing.assert_allclose(found.nvt, [[10, 21.0, -5.0], [20, 900.0, -4.0]])
    assert len(found.nve) == len(found.nve_frames) == 0
