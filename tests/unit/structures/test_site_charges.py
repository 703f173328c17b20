"""Charges that differ between sites: in the balance, in the energies and in what is refused."""

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.structures.coulomb import CoulombModel
from dlmd.structures.occupancy import apportion
from dlmd.structures.ordering import orderings
from dlmd.structures.supercell import Supercell
from small_crystals import crystal

# Fe on a full site and on one that it shares with lithium
SITES = {
    "Fe1": ({"Fe": 1.0}, [[0, 0, 0]]),
    "Fe2/Li2": ({"Fe": 0.5, "Li": 0.5}, [[0.5, 0.5, 0.5]]),
    "O1": ({"O": 1.0}, [[0.5, 0, 0], [0, 0.5, 0]]),
}
CHARGES = {"Li": 1, "Fe": 2, "O": -2, "Fe on Fe1": 2.5}
SMALL = crystal(SITES, lattice=[4.2] * 3)


def test_the_balance_counts_each_site_with_its_own():
    made = apportion(SMALL, repeat=(2, 2, 2), charges=CHARGES)
    assert made.charge == 0 and made.composition == {"Li": 4, "Fe": 12, "O": 16}
    assert made.charges_by_site == {
        ("Fe1", "Fe"): 2.5,
        ("Fe2/Li2", "Fe"): 2.0,
        ("Fe2/Li2", "Li"): 1.0,
        ("O1", "O"): -2.0,
    }
    assert made.charges["Fe"] == pytest.approx((8 * 2.5 + 4 * 2) / 12)
    with pytest.raises(DlmdError, match="no neutral filling"):
        apportion(SMALL, repeat=(2, 2, 2), charges={"Li": 1, "Fe": 2, "O": -2})


def test_a_mean_of_mixed_valence_moves_on_its_own_site_only():
    made = apportion(SMALL, repeat=(2, 2, 2), charges=CHARGES | {"Fe on Fe1": 2.51})
    assert made.charges_by_site["Fe1", "Fe"] == pytest.approx(2.5)
    assert made.charges_by_site["Fe2/Li2", "Fe"] == 2 and made.charge == 0


def test_energies_have_the_charges_of_the_sites():
    made = apportion(SMALL, repeat=(2, 2, 2), charges=CHARGES)
    model = CoulombModel(Supercell(SMALL, (2, 2, 2)), made)
    (atoms,) = orderings(SMALL, made, n=1, seed=1, method="coulomb")
    by_hand = {("Fe", "Fe1"): 2.5, ("Fe", "Fe2/Li2"): 2.0, ("Li", "Fe2/Li2"): 1.0, ("O", "O1"): -2.0}
    charges = [
        by_hand[s, site] for s, site in zip(atoms.get_chemical_symbols(), atoms.arrays["site"], strict=True)
    ]
    content = np.zeros(model.supercell.n_positions, int)
    places = model.supercell.fractional()
    for symbol, place in zip(atoms.get_chemical_symbols(), atoms.get_scaled_positions(), strict=True):
        off = np.abs((places - place + 0.5) % 1 - 0.5).max(axis=1)
        content[off.argmin()] = made.species.index(symbol) + 1
    assert sorted(model.charges(content)) == sorted(charges)
    assert model.energy(content) == pytest.approx(atoms.info["coulomb_energy_ev"], abs=1e-5)
    alike = apportion(SMALL, repeat=(2, 2, 2), charges={"Li": 1, "Fe": 7 / 3, "O": -2})
    assert CoulombModel(model.supercell, alike).energy(content) != pytest.approx(
        model.energy(content), abs=1e-3
    )


@pytest.mark.parametrize(
    ("charges", "message"),
    [
        ({**CHARGES, "Fe on Fe9": 2}, "has no site 'Fe9'"),
        ({"Li": 1, "O": -2, "Fe on Fe1": 2.5}, "no charge given for Fe"),
    ],
)
def test_what_is_not_there_is_refused(charges, message):
    with pytest.raises(DlmdError, match=message):
        apportion(SMALL, repeat=(2, 2, 2), charges=charges)
