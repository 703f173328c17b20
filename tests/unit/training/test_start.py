"""Starting from another level's potential: constants of the elements, and labels that have nothing to do with it."""

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.training import start


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
