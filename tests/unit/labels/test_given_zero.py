"""Energies of another zero in a part or a file are seen, those of hot and strained frames are not taken for one."""

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from dlmd.base.errors import DlmdError
from dlmd.labels.given_checks import Placed
from dlmd.labels.given_zero import require_one_zero

RNG = np.random.default_rng(0)


def part(split, *, zero=0.0, heat=0.0, file="a", frames=8, scale=1.5):
    """Labels whose energies and forces are `scale` times the reference's, from another zero (eV/atom), hotter by `heat`."""
    made = []
    for k in range(frames):
        atoms = Atoms("Li4Cl4", positions=RNG.uniform(0, 6, (8, 3)), cell=[6, 6, 6], pbc=True)
        told = {"energy": 8 * (-3.5 + heat + 0.02 * RNG.normal()), "forces": RNG.normal(size=(8, 3))}
        atoms.info["told"] = told
        energy = scale * told["energy"] + 8 * (1.0 + zero + 0.003 * RNG.normal())
        forces = scale * told["forces"] + 0.3 * RNG.normal(size=(8, 3))
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
        made.append(Placed(atoms, split, f"{file}, frame {k}"))
    return made


def reference(atoms):
    return atoms.info["told"]


def unknown(atoms):
    return None


@pytest.mark.parametrize("zero", [0.2, -0.08])
def test_another_zero_of_the_held_out_is_refused_with_both_medians(zero):
    with pytest.raises(
        DlmdError, match=r"-4\.\d+ eV/atom .median. for 'train' .*-\d\.\d+ for 'test' .*two zeros"
    ):
        require_one_zero(part("train") + part("test", zero=zero), reference=reference)


def test_hot_frames_have_other_energies_and_one_zero():
    hot = part("train") + part("test", heat=0.08, scale=1.3)
    # forces of both parts are 1.4 times the reference's, energies of one 1.3 and of the other 1.5 times
    for placed in hot[8:]:
        placed.atoms.calc.results["energy"] += 8 * 0.2 * -3.5
    assert require_one_zero(hot, reference=reference) == []
    assert require_one_zero(part("train") + part("test"), reference=unknown) == []


def test_files_are_compared_with_one_another():
    frames = part("train") + part("train", file="b", zero=0.1) + part("test")
    with pytest.raises(DlmdError, match=r"'train' in a and .* for 'train' in b"):
        require_one_zero(frames, across_files=True, reference=reference)
    within = part("train") + part("test", zero=0.2)
    assert require_one_zero(within, across_files=True, reference=reference) == []


def test_where_the_reference_does_not_know_it_is_said():
    (note,) = require_one_zero(part("train") + part("test", zero=0.2), reference=unknown)
    assert "'train'" in note and "'test'" in note and "one zero" in note
    # what 500 K make, and a median of two frames, are no sign
    assert require_one_zero(part("train") + part("test", zero=0.06), reference=unknown) == []
    assert require_one_zero(part("train") + part("test", zero=0.2, frames=2), reference=unknown) == []


def test_two_zeros_within_one_file_are_seen_in_whatever_order():
    mixed = part("train", frames=16)
    for placed in mixed[::2]:
        placed.atoms.calc.results["energy"] += 8 * 0.15
    with pytest.raises(DlmdError, match=r"8 frames of 'train' .*8 frames of 'train' .*two zeros"):
        require_one_zero(mixed, reference=reference)
    (note,) = require_one_zero(mixed, reference=unknown)
    assert "8 frames of 'train'" in note


def test_cold_and_hot_frames_of_one_file_count_from_one_zero():
    assert (
        require_one_zero(part("train", frames=6) + part("train", heat=0.1, frames=6), reference=reference)
        == []
    )
    # fewer than three are no group
    few = part("train", frames=10)
    for placed in few[:2]:
        placed.atoms.calc.results["energy"] += 8 * 0.15
    assert require_one_zero(few, reference=reference) == []
