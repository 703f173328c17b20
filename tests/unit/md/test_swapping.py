"""Energies of orderings, and a Monte Carlo job that is killed and goes on."""

import json

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.lj import LennardJones

from dlmd.base.errors import DlmdError
from dlmd.md import swapping
from dlmd.structures import swap_mc


def chain_of_argon(content):
    """Argon on the filled positions of a line, not at rest."""
    x = 3.6 * np.flatnonzero(content)
    return Atoms(f"Ar{len(x)}", positions=np.c_[x, np.zeros((len(x), 2))], cell=[60, 20, 20], pbc=False)


def test_energies_are_a_function_of_the_ordering_alone():
    energy = swapping.relaxed_energy(chain_of_argon, LennardJones(sigma=3.0, rc=9.0), steps=10)
    near, far = np.array([1, 1, 1, 0, 0]), np.array([1, 0, 1, 0, 1])
    first = energy(near)
    energy(far)
    assert energy(near) == first
    ideal = swapping.relaxed_energy(chain_of_argon, LennardJones(sigma=3.0, rc=9.0), steps=0)
    assert first < ideal(near) < ideal(far)


def chain():
    found = swap_mc.Chain(np.array([1, 0, 2], np.int8), -1.5, np.random.default_rng(3))
    found.energies_ev = [-1.0, -1.5]
    found.filled = [np.array([[1, 1, 0], [0, 0, 1]])] * 2
    found.tried, found.accepted = {"Li-vacancy": 5}, {"Li-vacancy": 2}
    return found


def test_a_kept_chain_goes_on_with_the_same_random_numbers(tmp_path):
    before = chain()
    swapping.save(before, tmp_path / "r0.swaps.chain", "mark")
    after = swapping.load(tmp_path / "r0.swaps.chain", "mark")
    assert after.content.tolist() == [1, 0, 2] and after.energies_ev == before.energies_ev
    assert (after.tried, after.accepted) == (before.tried, before.accepted)
    assert np.array_equal(after.filled, before.filled)
    assert after.rng.random(5).tolist() == before.rng.random(5).tolist()


def test_a_chain_of_another_potential_is_not_taken(tmp_path):
    assert swapping.load(tmp_path / "none.chain", "mark") is None
    swapping.save(chain(), tmp_path / "r0.swaps.chain", "mark")
    assert swapping.load(tmp_path / "r0.swaps.chain", "other") is None


def test_a_chain_that_has_not_settled_is_refused_with_the_way_out():
    found = {
        "settled": False,
        "sweeps": 40,
        "drift_ev": -0.5,
        "drift_standard_error_ev": 0.1,
        "accepted": {"S-Cl": 99},
    }
    with pytest.raises(DlmdError, match="not in equilibrium after 40 sweeps") as error:
        swapping._refuse_unsettled(found, "r0.swaps.json")
    assert error.value.remedy == "raise structures.swap_mc.sweeps, for instance to 80"


def test_the_figure_shows_every_site(tmp_path):
    row = {
        "site": "Ti1",
        "species": "Ti",
        "refined_occupancy": 0.75,
        "mean_occupancy": 0.8,
        "standard_error": 0.02,
    }
    found = {"sweeps_counted": 3, "temperature_k": 573.0, "occupancies": [row]}
    swapping.draw(found, [-1, -2, -2.5, -2.4], n_atoms=4, figures=[str(tmp_path / "a.png")])
    assert (tmp_path / "a.png").stat().st_size > 1000
    assert json.dumps(found)
