"""A cell of another compound is refused, with what has no room; refined occupancies a little above it are not."""

import pytest

from dlmd.base.errors import DlmdError
from dlmd.proposal import faithful
from dlmd.proposal.design import design
from dlmd.proposal.filling import nearest
from dlmd.proposal.wishes import Wishes
from drawn_cifs import cubic, write_cif
from small_crystals import crystal


def cages(filled, dopant):
    """Two Li positions 1.2 Å apart in a cage, with a mixed site (B on X: dopant) that balances more or less lithium."""
    sites = {
        "Li1": ({"Li": filled}, [[0, 0, 0], [0.15, 0, 0]]),
        "X": ({"O": dopant, "F": 1 - dopant}, [[0.5, 0.5, 0.5]]),
    }
    return crystal(sites, lattice=[8.0, 8.0, 8.0])


CHARGES = {"Li": 1, "O": -2, "F": -1}


def test_a_cage_that_would_hold_two_is_refused_by_name():
    full = cages(0.6, 0.2)
    assert faithful.crowded(full, CHARGES) == [
        "positions of Li1 exclude each other (1.20 Å apart) and would hold 1.2 atoms where one has room"
    ]
    made = nearest(full, (3, 3, 3), charges=CHARGES, mobile="Li")
    with pytest.raises(DlmdError, match=r"compound of small: positions of Li1 exclude.*Li 27 for 32.4"):
        faithful.refuse_another_compound(made, CHARGES, "Li")


def test_a_cage_as_full_as_it_can_be_is_taken():
    good = cages(0.5, 0.0)
    assert faithful.crowded(good, CHARGES) == []
    made = nearest(good, (3, 3, 3), charges=CHARGES, mobile="Li")
    faithful.refuse_another_compound(made, CHARGES, "Li")
    assert made.composition == {"Li": 27, "O": 0, "F": 27}


def test_the_mobile_ions_may_balance_what_refined_occupancies_leave():
    sites = {"Li1": ({"Li": 0.8}, [[0, 0, 0]]), "F": ({"F": 1.0}, [[0.5, 0.5, 0.5]])}
    made = nearest(crystal(sites, lattice=[5.0] * 3), (3, 3, 3), charges={"Li": 1, "F": -1}, mobile="Li")
    assert made.composition == {"Li": 27, "F": 27}
    faithful.refuse_another_compound(made, {"Li": 1, "F": -1}, "Li")


def test_half_as_many_mobile_ions_again_are_another_compound():
    sites = {"Li1": ({"Li": 0.6}, [[0, 0, 0]]), "F": ({"F": 1.0}, [[0.5, 0.5, 0.5]])}
    made = nearest(crystal(sites, lattice=[5.0] * 3), (3, 3, 3), charges={"Li": 1, "F": -1}, mobile="Li")
    with pytest.raises(DlmdError, match=r"the occupancies leave -0.4 e per cell.*Li 27 for 16.2"):
        faithful.refuse_another_compound(made, {"Li": 1, "F": -1}, "Li")


def test_sites_give_way_before_the_composition_does():
    # Li2 stands between two Li1 at 1.6 Å: both as printed have no room, but all lithium has
    sites = {
        "Li1": ({"Li": 0.5}, [[0, 0, 0], [0.5, 0, 0]]),
        "Li2": ({"Li": 0.5}, [[0.2, 0, 0], [0.7, 0, 0]]),
        "Na": ({"Na": 0.7, "K": 0.3}, [[0.2, 0.5, 0.5]]),
        "F": ({"F": 1.0}, [[0, 0.5, 0], [0.5, 0.5, 0.0], [0, 0, 0.5]]),
    }
    small = crystal(sites, lattice=[8.0, 9.0, 9.0])
    made = nearest(small, (5, 2, 1), charges={"Li": 1, "Na": 1, "K": 1, "F": -1}, mobile="Li")
    assert made.composition == {"Li": 20, "Na": 7, "K": 3, "F": 30}


def test_a_cage_a_little_too_full_is_the_reason_and_not_a_charge_of_nothing():
    full = cages(0.505, 0.01)
    assert faithful.crowded(full, CHARGES) == []
    made = nearest(full, (10, 10, 10), charges=CHARGES, mobile="Li")
    with pytest.raises(DlmdError, match=r"would hold 1\.01 atoms where one has room"):
        faithful.refuse_another_compound(Emptied(made), CHARGES, "Li")


class Emptied:
    """A filling without its fluorine, of which the crystal has no lack."""

    def __init__(self, filling):
        self.crystal, self.repeat = filling.crystal, filling.repeat
        self.composition = filling.composition | {"F": 0}
        self.counts = filling.counts


def test_a_full_site_that_has_to_be_emptied_is_another_crystal():
    # the site of Li1 is full, and Li2 stands 1.6 Å from it: lithium is kept only if half of Li1 goes
    sites = {
        "Li1": ({"Li": 0.8, "Na": 0.2}, [[0, 0, 0]]),
        "Li2": ({"Li": 0.4}, [[0.2, 0, 0], [0.8, 0, 0]]),
        "F": ({"F": 0.9}, [[0.5, 0.5, 0], [0.5, 0, 0.5]]),
    }
    small = crystal(sites, lattice=[8.0, 9.0, 9.0])
    charges = {"Li": 1, "Na": 1, "F": -1}
    made = nearest(small, (2, 2, 2), charges=charges, mobile="Li")
    with pytest.raises(DlmdError, match=r"Li1 and Li2 exclude.*of 8 Li1 empty, which the CIF fills"):
        faithful.refuse_another_compound(made, charges, "Li")


def test_what_gives_way_is_spread_over_sites_of_a_kind():
    # Li1 has room for half; Li2 and Li3 are alike and take the rest in equal parts, neither full nor empty
    sites = {
        "Li1": ({"Li": 0.6}, [[0, 0, 0], [0.15, 0, 0]]),
        "Li2": ({"Li": 0.5}, [[0.5, 0.25, 0.25]]),
        "Li3": ({"Li": 0.5}, [[0.5, 0.75, 0.75]]),
        "F": ({"F": 1.0}, [[0.5, 0.5, 0], [0.5, 0, 0.5]]),
    }
    made = nearest(crystal(sites, lattice=[8.0] * 3), (5, 2, 2), charges={"Li": 1, "F": -1}, mobile="Li")
    assert made.counts["Li1"]["Li"] == 20
    assert {made.counts[s]["Li"] for s in ("Li2", "Li3")} == {10}


def test_elements_of_the_formula_that_no_site_holds_are_named(tmp_path):
    rows = ["La1 La 0 0 0 1", "O1 O 0.5 0.5 0.5 1"]
    tags = ["_chemical_formula_sum 'Li0.3 La1 O1'"]
    path = write_cif(tmp_path, cubic(4.0), rows, tags=tags)
    with pytest.raises(DlmdError, match="Li of _chemical_formula_sum is on no site"):
        design(path, Wishes())


def test_lengths_in_picometres_are_told_by_the_room_of_an_atom(tmp_path):
    rows = ["Na1 Na 0 0 0 0.9", "Cl1 Cl 0.5 0.5 0.5 0.9"]
    path = write_cif(tmp_path, cubic(564), rows, group="F m -3 m")
    with pytest.raises(DlmdError, match="Å³ for each atom"):
        design(path, Wishes())


def argyrodite(folder, *, more=(), cage=(0.35, 0.40)):
    rows = [
        f"Li1 Li 0.0222 0.2009 0.7991 {cage[0]}",
        f"Li2 Li 0.0119 0.25 0.75 {cage[1]}",
        *more,
        "P1 P 0 0 0.5 0.4",
        "Ge1 Ge 0 0 0.5 0.6",
        "S1 S 0.1216 0.1216 0.3784 1",
        "S2 S 0.25 0.25 0.75 1",
        "I1 I 0 0 0 1",
    ]
    return write_cif(folder, cubic(10.26), rows, group="F -4 3 m", name="argyrodite")


def test_lithium_without_room_is_told_where_there_is_some(tmp_path):
    """Li6.6P0.4Ge0.6S5I with all lithium on 24 cages of two halves: the tetrahedra between them (16e) are free."""
    with pytest.raises(DlmdError, match=r"would hold 1\.1 atoms") as error:
        design(argyrodite(tmp_path), Wishes())
    remedy = error.value.remedy
    assert "There is room at 0.14 0.14 0.14 (2.47 Å from anions, 1.9 Å from Li)" in remedy
    assert "min_distance" not in remedy  # halves of a cage 0.7 Å apart are never both filled


def test_the_advice_leads_to_a_cell_of_the_compound(tmp_path):
    cif = argyrodite(tmp_path, more=["Li3 Li 0.14 0.14 0.14 0.3"], cage=(0.3, 0.3))
    made = design(cif, Wishes())
    asked = {"Li": 26.4, "Ge": 2.4, "P": 1.6, "S": 20, "I": 4}
    cells = made.production.composition["I"] / 4
    assert all(abs(made.production.composition[s] - n * cells) <= 1 for s, n in asked.items())
    assert made.distances["Li-Li"] > 1.6
