"""Given labels that would train or judge wrongly are refused or left out, and it is said."""

import json

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from dlmd.base.errors import DlmdError
from dlmd.labels import given, given_checks

ENGINE = {"engine": "gpaw", "hubbard_u_ev": {}, "ecut_ev": 400.0}
THEORY = {"engine": "gpaw", "functional": "PBE", "hubbard_u_ev": {}}


def frame(seed, *, split="train", energy=None, stress=0.01, pbc=True, move=0.0):
    rng = np.random.default_rng(seed)
    places = np.array([[0, 0, 0], [2.4, 0.1, 0], [0, 2.5, 0.2]]) + 0.05 * rng.normal(size=(3, 3))
    atoms = Atoms("LiTiCl", positions=places + move, cell=np.diag([7.0, 8, 9]), pbc=pbc)
    atoms.info = {"theory": dict(THEORY), "split": split}
    energy = -12.0 + 0.02 * rng.normal() if energy is None else energy
    forces, stresses = rng.normal(size=(3, 3)), stress * np.array([1.0, 0.9, 0.8, 0.1, 0.2, 0.3])
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces, stress=stresses)
    return atoms


def read(folder, frames, split=None):
    path = folder / "own.extxyz"
    ase.io.write(path, frames, format="extxyz")
    given.read(
        str(path),
        g=0,
        frames=[str(folder / f"{part}.extxyz") for part in given.SPLITS],
        record=str(folder / "given.json"),
        level="u4",
        engine=ENGINE,
        source={"file": "x", "split": split, "format": None, "theory": {}},
        species=["Li", "Ti", "Cl"],
    )
    return json.loads((folder / "given.json").read_text())


def test_a_structure_for_training_and_test_is_refused_with_both_frames(tmp_path):
    # moved by a cell: the same crystal
    again = frame(1, split="test")
    again.positions[0] += [7.0, 0, 0]
    with pytest.raises(DlmdError, match=r"for 'train' and for 'test'") as told:
        read(tmp_path, [frame(0), frame(1), frame(2, split="test"), again])
    assert "frame 1, and " in str(told.value) and "frame 3" in str(told.value)
    again.positions[1] += 0.002
    assert read(tmp_path, [frame(0), frame(1), again])["frames"] == {"train": 2, "valid": 0, "test": 1}


def test_a_frame_that_is_twice_in_a_part_is_taken_once_and_said(tmp_path, capsys):
    record = read(tmp_path, [frame(0), frame(1), frame(0), frame(0)], split="train")
    assert record["frames"]["train"] == 2 and record["left_out"] == {"there twice": 2}
    assert "frames are left out: 2 there twice" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["energy", "forces", "stress", "positions"])
def test_frames_that_are_not_finite_are_left_out_and_said(tmp_path, capsys, what):
    bad = frame(5)
    if what == "energy":
        bad.calc.results["energy"] = np.nan
    elif what == "positions":
        bad.calc.atoms = None
        bad.positions[1, 2] = np.inf
        bad.calc.atoms = bad.copy()
    else:
        bad.calc.results[what].ravel()[1] = np.inf
    record = read(tmp_path, [frame(0), bad, frame(1)])
    assert record["frames"]["train"] == 2 and record["left_out"] == {"not finite": 1}
    assert "1 not finite" in capsys.readouterr().err
    with pytest.raises(DlmdError, match=r"no frame with energy, forces and stress .1 not finite"):
        read(tmp_path, [bad])


def test_stresses_in_kbar_and_slabs_are_refused(tmp_path):
    with pytest.raises(DlmdError, match=r"is 160\.2 GPa, beyond 100 GPa") as told:
        read(tmp_path, [frame(0), frame(1, stress=1.0)])
    assert "frame 1" in str(told.value) and "eV/Å³" in str(told.value)
    with pytest.raises(DlmdError, match=r"not periodic in all directions .pbc T T F"):
        read(tmp_path, [frame(0), frame(1, pbc=(True, True, False))])


def test_an_energy_far_from_those_of_its_composition_is_refused(tmp_path):
    usual = [frame(k) for k in range(7)]
    with pytest.raises(DlmdError, match=r"eV/atom apart, beyond 0.5") as told:
        read(tmp_path, [*usual, frame(9, energy=-10.2)])
    assert "frame 7" in str(told.value)
    with pytest.raises(DlmdError, match=r"beyond 1"):
        read(tmp_path, [*usual[:2], frame(9, energy=-8.0)])
    # few frames, or a wide spread, do not tell so little
    assert read(tmp_path, [*usual[:2], frame(9, energy=-10.2)])["frames"]["train"] == 3
    wide = [frame(k, energy=-12.0 + 0.4 * k) for k in range(7)]
    assert read(tmp_path, wide)["frames"]["train"] == 7


def test_parts_that_must_be_there():
    with pytest.raises(DlmdError, match=r"no frame of the labels is for 'train' .8 for 'test'"):
        given_checks.require_parts({"test": 8}, trained=True, where="x")
    with pytest.raises(DlmdError, match=r"nothing would judge the potential"):
        given_checks.require_parts({"train": 8}, trained=True, where="x")
    given_checks.require_parts({"test": 8}, trained=False, where="x")


def test_a_part_that_is_none_is_to_be_written_in_the_frames(tmp_path):
    with pytest.raises(DlmdError, match=r"split is 'training'") as told:
        read(tmp_path, [frame(0, split="training"), frame(1, split="test")])
    assert "fix: write split=train, split=valid or split=test in the file's frames" in str(told.value)
