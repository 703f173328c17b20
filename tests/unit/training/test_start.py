"""Starting from another level's potential: constants of the elements, and labels that have nothing to do with it."""

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.training import start
from dlmd.training.systems import System


def test_constants_of_elements_are_found_exactly():
    counts = np.array([[3, 1, 6], [2, 2, 8], [6, 1, 9], [1, 0, 2]])
    shift = np.array([-0.4, 2.5, 0.03])
    assert start.energy_shift(counts, counts @ shift) == pytest.approx(shift, abs=1e-9)


def test_one_composition_alone_gives_their_sum():
    counts = np.tile([[24, 8, 48]], (5, 1))
    offsets = np.full(5, 80 * 0.41)
    found = start.energy_shift(counts, offsets)
    assert counts @ found == pytest.approx(offsets)
    # the smallest of all: along the composition
    assert found[0] / found[1] == pytest.approx(3.0)


@pytest.mark.parametrize("factor", [1 / 51.4, 51.4, -1.0])
def test_labels_in_other_units_are_refused(factor):
    forces = np.random.default_rng(1).normal(size=900)
    with pytest.raises(DlmdError, match="other units"):
        start._require_alike(start.force_likeness(factor * forces, forces), where="here")


def test_a_softer_level_is_accepted():
    rng = np.random.default_rng(2)
    forces = rng.normal(size=900)
    found = start.force_likeness(1.8 * forces + 0.5 * rng.normal(size=900), forces)
    assert found["force_slope"] == pytest.approx(1.8, abs=0.1)
    start._require_alike(found, where="here")


def labelled(frames, *, energy=1.0, stress=1.0, seed=3):
    """Labels of two compositions, a constant apart, and what a softer potential says of them, with some noise."""
    rng = np.random.default_rng(seed)
    systems, predicted = [], []
    for atoms in (8, 12):
        cells = np.tile(np.diag([6.0, 7.0, 8.0]), (frames, 1, 1))
        energies, virials = rng.normal(size=frames), rng.normal(size=(frames, 3, 3))
        virials = virials + virials.transpose(0, 2, 1)
        nothing = np.zeros((frames, atoms, 3))
        systems.append(
            System(
                nothing,
                cells,
                np.arange(atoms) % 2,
                nothing,
                energy * (1.3 * energies - 50 * atoms),
                stress * virials,
            )
        )
        noise = rng.normal(size=frames)
        predicted.append(start.Prediction(energies + 0.1 * noise, nothing, 0.8 * virials + 0.3))
    return {"force_slope": 1.3, "force_correlation": 0.9} | start.variation(systems, predicted)


def test_how_energies_and_stresses_vary():
    found = labelled(8)
    assert found["energy_slope"] == pytest.approx(1.3, abs=0.15) and found["energy_correlation"] > 0.97
    assert found["stress_correlation"] == pytest.approx(1.0)
    start._require_same_units(found, where="here")
    # two frames of each composition say nothing
    assert "energy_slope" not in labelled(2)


@pytest.mark.parametrize("factor", [1 / 27.2, 1 / 13.6, 23.06])
def test_energies_in_another_unit_are_refused(factor):
    found = labelled(8, energy=factor)
    with pytest.raises(DlmdError, match=r"energies vary .* in another unit"):
        start._require_same_units(found, where="here")
    # a potential that does not know the forces is no judge
    start._require_same_units(found | {"force_correlation": 0.4}, where="here")


def test_stresses_with_the_other_sign_are_refused():
    with pytest.raises(DlmdError, match="the other sign"):
        start._require_same_units(labelled(8, stress=-1.0), where="here")
    start._require_same_units(labelled(2, stress=-1.0), where="here")
