"""Relaxation finds a minimum known from elsewhere, says when it does not, and goes on where it was stopped."""

import io

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from scipy.optimize import minimize_scalar

from dlmd.base.errors import DlmdError
from dlmd.labels import relaxation
from dlmd.labels.engines import Unconverged


@pytest.fixture
def displaced():
    atoms = bulk("Cu", cubic=True)
    atoms.set_cell(atoms.cell.array @ [[1.02, 0, 0], [0.03, 0.98, 0], [0, 0.02, 1.03]], scale_atoms=True)
    atoms.rattle(0.1, seed=1)
    return atoms


def energy_of(lattice_constant):
    atoms = bulk("Cu", a=lattice_constant)
    atoms.calc = EMT()
    return atoms.get_potential_energy()


def test_finds_the_minimum(displaced):
    best = minimize_scalar(energy_of, bounds=(3.4, 3.8), method="bounded", options={"xatol": 1e-6})
    before = displaced.positions.copy()
    relaxed, info = relaxation.relax(displaced, EMT(), fmax_ev_per_angstrom=0.001, max_steps=200)
    assert relaxed.get_volume() / 4 == pytest.approx(best.x**3 / 4, rel=1e-4)
    assert info["energy_ev_per_atom"] == pytest.approx(best.fun, abs=1e-5)
    assert info["converged"] and info["fmax_ev_per_a"] <= 0.001 and info["stress_max_gpa"] < 0.1
    assert info["energy_start_ev_per_atom"] > info["energy_ev_per_atom"]
    np.testing.assert_array_equal(displaced.positions, before)


def test_unconverged_is_an_error_or_said(displaced):
    with pytest.raises(DlmdError, match="not relaxed after 3 steps"):
        relaxation.relax(displaced, EMT(), fmax_ev_per_angstrom=0.001, max_steps=3)
    _, info = relaxation.relax(
        displaced, EMT(), fmax_ev_per_angstrom=0.001, max_steps=3, require_converged=False
    )
    assert info["converged"] is False and info["steps"] == 3 and info["fmax_ev_per_a"] > 0.001


def test_goes_on_from_its_checkpoint(displaced, tmp_path):
    checkpoint = tmp_path / "relax.checkpoint"
    settings = {"fmax_ev_per_angstrom": 0.001, "checkpoint": checkpoint}
    with pytest.raises(DlmdError):
        relaxation.relax(displaced, EMT(), max_steps=8, **settings)
    log = io.StringIO()
    _, info = relaxation.relax(displaced, EMT(), max_steps=200, stream=log, **settings)
    assert "going on after 8 steps" in log.getvalue()
    assert info["steps"] > 8 and info["converged"]
    assert not checkpoint.exists()


def test_checkpoint_of_another_structure_is_not_used(displaced, tmp_path):
    checkpoint = tmp_path / "relax.checkpoint"
    settings = {"fmax_ev_per_angstrom": 0.001, "checkpoint": checkpoint}
    with pytest.raises(DlmdError):
        relaxation.relax(displaced, EMT(), max_steps=8, **settings)
    other = displaced.copy()
    other.rattle(0.05, seed=9)
    log = io.StringIO()
    relaxation.relax(other, EMT(), max_steps=200, stream=log, **settings)
    assert "starting afresh" in log.getvalue()


def test_goes_on_from_the_last_structure_whose_electrons_converged(displaced, tmp_path):
    class Once(EMT):
        calls = 0

        def calculate(self, *args, **settings):
            super().calculate(*args, **settings)
            self.calls += 1
            if self.calls == 6:
                raise Unconverged("the electrons did not converge")

    checkpoint = tmp_path / "relax.checkpoint"
    settings = {"fmax_ev_per_angstrom": 0.001, "checkpoint": checkpoint, "max_steps": 200}
    with pytest.raises(Unconverged):
        relaxation.relax(displaced, Once(), **settings)
    log = io.StringIO()
    _, info = relaxation.relax(displaced, EMT(), stream=log, **settings)
    assert "going on after 4 steps" in log.getvalue() and info["converged"]
