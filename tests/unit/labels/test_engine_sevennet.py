"""SevenNet without its package says what to install; with it, forces are derivatives and moments are absent, not zero."""

import importlib.util
from importlib.metadata import PackageNotFoundError
from typing import get_args

import pytest
from ase import Atoms

from dlmd.base.errors import DlmdError
from dlmd.config.levels import SevennetLevel
from dlmd.labels import engines
from dlmd.labels.dynamics import frame_text
from dlmd.labels.engines import base
from dlmd.labels.engines.sevennet import MODELS


@pytest.mark.parametrize(
    ("settings", "text"),
    [({"model": "7net-l3i"}, "did you mean '7net-l3i5'"), ({"modle": "7net-0"}, "no key 'modle'")],
)
def test_wrong_settings_name_the_nearest(settings, text):
    with pytest.raises(DlmdError, match=text):
        engines.get({"engine": "sevennet", **settings})


def test_missing_package_says_what_to_install(monkeypatch):
    def version(package):
        raise PackageNotFoundError(package)

    monkeypatch.setattr(base, "version", version)
    with pytest.raises(DlmdError) as caught:
        engines.get({"engine": "sevennet"})
    assert "'sevenn' is not installed" in str(caught.value)
    assert 'pip install -e ".[sevennet]"' in str(caught.value)


def test_level(monkeypatch):
    monkeypatch.setattr(base, "version", lambda package: "1")
    assert engines.get({"engine": "sevennet"}).level == {
        "engine": "sevennet",
        "model": "7net-0",
        "functional": "PBE (no +U for chlorides)",
    }
    assert engines.get({"engine": "sevennet", "model": "7net-mf-0-r2scan"}).level["functional"] == "r2SCAN"


def test_config_and_engine_know_the_same_models():
    assert get_args(SevennetLevel.model_fields["model"].annotation) == tuple(MODELS)


@pytest.fixture(scope="module", params=["7net-0", "7net-mf-0-pbe", "7net-mf-0-r2scan"])
def rock_salt(request):
    """LiCl, 8 atoms, sheared and displaced so that no component vanishes."""
    if importlib.util.find_spec("sevenn") is None:
        pytest.skip("sevenn is not installed")
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
    atoms.calc = engines.get({"engine": "sevennet", "model": request.param}).calculator(threads=1)
    return atoms


def test_force_and_stress_are_derivatives(rock_salt):
    force, stress = rock_salt.get_forces()[2, 1], rock_salt.get_stress(voigt=False)[0, 2]
    calculator, energies, strained = rock_salt.calc, [], []
    for step in (-1, 1):
        moved = rock_salt.copy()
        moved.positions[2, 1] += 0.02 * step
        moved.calc = calculator
        energies.append(moved.get_potential_energy())
        sheared = rock_salt.copy()
        deformation = [[1, 0, 0.0025 * step], [0, 1, 0], [0.0025 * step, 0, 1]]
        sheared.set_cell(rock_salt.cell.array @ deformation, scale_atoms=True)
        sheared.calc = calculator
        strained.append(sheared.get_potential_energy())
    assert -(energies[1] - energies[0]) / 0.04 == pytest.approx(force, abs=0.01)
    assert (strained[1] - strained[0]) / (0.01 * rock_salt.get_volume()) == pytest.approx(stress, abs=3e-4)


def test_frames_carry_no_moments(rock_salt):
    text = frame_text(rock_salt, {"step": 0})
    assert "forces:R:3" in text and "stress=" in text
    assert "magmom" not in text and "moments_in_range" not in text


def test_modals_of_one_checkpoint_are_two_potentials(rock_salt):
    energies = []
    for model in ("7net-mf-0-pbe", "7net-mf-0-r2scan"):
        rock_salt.calc = engines.get({"engine": "sevennet", "model": model}).calculator(threads=1)
        energies.append(rock_salt.get_potential_energy() / len(rock_salt))
    assert abs(energies[1] - energies[0]) > 0.1
