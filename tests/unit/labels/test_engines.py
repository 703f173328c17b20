"""The embedded engine gives the package's own numbers, and forces and stress that are derivatives of its energy."""

import numpy as np
import pytest
from ase import Atoms

import needs
from dlmd.base.errors import DlmdError
from dlmd.labels import engines

needs.module("chgnet")


@pytest.fixture(scope="module")
def rock_salt():
    """LiCl, 8 atoms, sheared and displaced so that no component vanishes."""
    atoms = Atoms(
        "Li4Cl4",
        scaled_positions=[
            *((0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)),
            *((0.5, 0.5, 0.5), (0.5, 0, 0), (0, 0.5, 0), (0, 0, 0.5)),
        ],
        cell=[[5.2, 0, 0], [0.2, 5.0, 0], [0.1, -0.2, 5.1]],
        pbc=True,
    )
    atoms.rattle(0.1, seed=1)
    return atoms


@pytest.fixture(scope="module")
def calculator():
    return engines.get({"engine": "chgnet", "model": "0.3.0"}).calculator(threads=1)


def evaluate(atoms, calculator):
    atoms = atoms.copy()
    atoms.calc = calculator
    return atoms


def test_equals_the_package(rock_salt, calculator, capsys):
    from chgnet.model.dynamics import CHGNetCalculator

    atoms = evaluate(rock_salt, calculator)
    reference = evaluate(rock_salt, CHGNetCalculator(use_device="cpu"))
    assert atoms.get_potential_energy() == pytest.approx(reference.get_potential_energy(), abs=1e-4)
    np.testing.assert_allclose(atoms.get_forces(), reference.get_forces(), atol=1e-4)
    # the package hands out a 3x3 stress
    np.testing.assert_allclose(atoms.get_stress(voigt=False), reference.calc.results["stress"], atol=1e-5)
    np.testing.assert_allclose(atoms.get_magnetic_moments(), reference.get_magnetic_moments(), atol=1e-4)


def test_forces_are_minus_the_gradient(rock_salt, calculator):
    force = evaluate(rock_salt, calculator).get_forces()[2, 1]
    energies = []
    for shift in (-0.02, 0.02):
        moved = rock_salt.copy()
        moved.positions[2, 1] += shift
        energies.append(evaluate(moved, calculator).get_potential_energy())
    assert -(energies[1] - energies[0]) / 0.04 == pytest.approx(force, abs=0.01)


def test_stress_is_the_strain_derivative(rock_salt, calculator):
    stress = evaluate(rock_salt, calculator).get_stress(voigt=False)
    for i, j in ((0, 0), (0, 2)):
        energies = []
        for strain in (-0.005, 0.005):
            deformation = np.eye(3)
            deformation[i, j] += strain / 2
            deformation[j, i] += strain / 2
            strained = rock_salt.copy()
            strained.set_cell(rock_salt.cell.array @ deformation, scale_atoms=True)
            energies.append(evaluate(strained, calculator).get_potential_energy())
        derivative = (energies[1] - energies[0]) / 0.01
        assert derivative / rock_salt.get_volume() == pytest.approx(stress[i, j], abs=3e-4)


def test_whole_lattice_vectors_change_nothing(rock_salt, calculator):
    moved = rock_salt.copy()
    moved.positions[3] += 3 * moved.cell.array[0] - 2 * moved.cell.array[2]
    here, there = evaluate(rock_salt, calculator), evaluate(moved, calculator)
    np.testing.assert_allclose(there.get_forces(), here.get_forces(), atol=1e-4)


def test_level_and_versions():
    engine = engines.get({"engine": "chgnet"})
    assert engine.level == {"engine": "chgnet", "model": "0.3.0", "functional": "PBE (no +U for chlorides)"}
    assert engines.get({"engine": "chgnet", "model": "r2scan"}).level["functional"] == "r2SCAN"
    assert set(engine.versions()) == {"chgnet", "torch", "ase", "pymatgen"}


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"engine": "chgnett"}, "did you mean 'chgnet'?"),
        ({"engine": "chgnet", "model": "r2scn"}, "did you mean 'r2scan'?"),
        ({"engine": "chgnet", "modle": "0.3.0"}, "no key 'modle'"),
        ({}, "'None' is no label engine"),
    ],
)
def test_wrong_settings_name_the_nearest(settings, text):
    with pytest.raises(DlmdError, match=text.replace("?", r"\?")):
        engines.get(settings)


def test_missing_package_gives_the_command(monkeypatch):
    from importlib.metadata import PackageNotFoundError

    from dlmd.labels.engines import base

    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(base, "version", missing)
    with pytest.raises(DlmdError, match=r'pip install -e "\.\[pipeline\]"'):
        engines.get({"engine": "chgnet"})
