"""Held-out frames that are those trained on, moved, turned, in another order or nearly, are found; independent ones are not."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

from dlmd.base.errors import DlmdError
from dlmd.labels import given_checks, given_copies
from dlmd.labels.given_checks import Placed


def labelled(atoms, seed):
    """Labels of its own, which tell nothing of whether structures are alike."""
    rng = np.random.default_rng(1000 + seed)
    energy, forces = -3.0 * len(atoms) + rng.normal(), rng.normal(size=(len(atoms), 3))
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces, stress=np.zeros(6))
    return atoms


def salt(seed, thermal=0.15):
    """Rock salt of 64 atoms, one lithium missing, with Gaussian displacements (Å, each component)."""
    rng = np.random.default_rng(seed)
    atoms = bulk("LiCl", "rocksalt", a=5.1, cubic=True) * (2, 2, 2)
    atoms.positions += thermal * rng.normal(size=atoms.positions.shape)
    del atoms[0]
    return labelled(atoms, seed)


def moved(atoms, *, noise=0.0, seed=7):
    """Turned, shifted by no lattice vector, wrapped, in another order, displaced by noise (RMS of atoms); with other labels."""
    rng = np.random.default_rng(seed)
    again = Atoms(atoms.symbols, positions=atoms.positions, cell=atoms.cell, pbc=True)
    again.positions += np.array([1.3, 0.4, 2.2]) + noise / np.sqrt(3) * rng.normal(size=again.positions.shape)
    again.rotate(37, (1, 2, 3), rotate_cell=True)
    again.wrap()
    return labelled(again[rng.permutation(len(again))], seed)


def found(train, test):
    held_out = [False] * len(train) + [True] * len(test)
    return [copy[:2] for copy in given_copies.held_out_again([*train, *test], held_out)]


@pytest.mark.parametrize("thermal", [0.0, 0.15])
@pytest.mark.parametrize("noise", [0.0, 0.002, 0.03])
def test_a_frame_is_seen_again_however_it_is_moved(thermal, noise):
    train = [salt(k, thermal=0.15) for k in range(4)] + [salt(9, thermal=thermal)]
    assert set(found(train, [salt(5), moved(train[4], noise=noise)])) == {(6, 4)}


def test_a_skewed_cell_of_one_element_and_a_cell_of_few_atoms():
    one = bulk("Na", "bcc", a=4.2) * (3, 3, 3)
    one.positions += 0.2 * np.random.default_rng(0).normal(size=one.positions.shape)
    assert found([labelled(one, 0)], [moved(one)]) == [(1, 0)]
    few = labelled(Atoms("LiTiCl", [[0, 0, 0], [2.4, 0.1, 0], [0, 2.5, 0.2]], cell=[7.0, 8, 9], pbc=True), 1)
    assert found([few], [moved(few)]) == [(1, 0)]


def test_independent_frames_are_none_cold_ones_and_other_orderings_too():
    assert not found(
        [salt(k, thermal=0.06) for k in range(6)], [salt(10 + k, thermal=0.06) for k in range(6)]
    )
    other = salt(0, thermal=0.0)
    other.symbols[[3, 8]] = other.symbols[[8, 3]]
    assert not found([salt(1, thermal=0.0)], [labelled(other, 2)])
    # noise that is no longer small, and a cell that is another
    assert not found([salt(0)], [moved(salt(0), noise=0.12)])
    strained = salt(0)
    strained.set_cell(strained.cell * 1.01, scale_atoms=True)
    assert not found([salt(0)], [labelled(strained, 3)])


def test_the_same_labels_are_seen_in_any_setting():
    atoms = salt(0)
    axes = Atoms(atoms.symbols, positions=atoms.positions, cell=atoms.cell.array[[1, 2, 0]], pbc=True)
    axes.set_cell([[1, 1, 0], [0, 1, 0], [0, 0, 1]] @ axes.cell.array)
    order = np.random.default_rng(0).permutation(len(axes))
    axes = axes[order]
    results = atoms.calc.results
    forces = results["forces"][order] + 1e-5
    axes.calc = SinglePointCalculator(axes, energy=results["energy"], forces=forces, stress=np.zeros(6))
    assert found([salt(1), atoms], [axes]) == [(2, 1)]


def test_how_near_is_said_and_how_many():
    train = [salt(k) for k in range(3)]
    frames = [Placed(atoms, "train", f"a, frame {k}") for k, atoms in enumerate(train)]
    frames += [Placed(moved(atoms, noise=0.02), "test", f"b, frame {k}") for k, atoms in enumerate(train)]
    with pytest.raises(
        DlmdError, match=r"'train' and for 'test' .atoms 0\.0[12]\d Å apart.*; so are 2 more"
    ) as told:
        given_checks.repeated(frames)
    assert "a, frame 0, and b, frame 0" in str(told.value)
    # within a part, and for validation, near frames may be
    assert given_checks.repeated([Placed(atoms, "train", where) for atoms, _, where in frames]) == []


@pytest.mark.parametrize("thermal", [0.06, 0.15])
def test_frames_of_one_hot_crystal_are_no_copies(thermal):
    frames = [salt(k, thermal=thermal) for k in range(20)]
    assert found(frames[:10], frames[10:]) == []
