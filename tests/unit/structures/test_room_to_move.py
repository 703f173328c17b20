"""Crystals without a vacancy, and protons that are bonded to nothing."""

import pytest

from dlmd.structures import room_to_move
from dlmd.structures.occupancy import apportion
from small_crystals import crystal

CHARGES = {"Li": 1, "Na": 1, "Cl": -1, "H": 1, "C": 2, "O": -2}
CATIONS = [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
ANIONS = [[0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5], [0.5, 0.5, 0.5]]


def salt(**more):
    """Rock salt of Li and Na in equal parts, and other sites."""
    sites = {"M": ({"Li": 0.5, "Na": 0.5}, CATIONS), "Cl": ({"Cl": 1.0}, ANIONS), **more}
    return crystal(sites, lattice=[5.64] * 3)


def said(of, mobile, **occupancies):
    counts = apportion(of, repeat=(1, 1, 1), charges=CHARGES, occupancies=occupancies, tolerance=0.3)
    return room_to_move.without_vacancies(counts, mobile)


@pytest.mark.parametrize("mobile", ["Li,Na", "Li"])
def test_ions_that_fill_all_their_sites_have_no_vacancy(mobile):
    line = said(salt(), mobile)
    assert (
        line.startswith("no vacancy: every site") and "(M) is full" in line and "interstitial sites" in line
    )
    assert room_to_move.all_full(salt().sites, mobile, CHARGES)


def test_vacancies_that_whole_atoms_fill_are_said_to_be_lost():
    sites = {"Na": ({"Na": 0.98}, CATIONS), "Cl": ({"Cl": 1.0}, ANIONS)}
    line = said(crystal(sites, lattice=[5.64] * 3), "Na", Na={"Na": 1.0})
    assert line.startswith("no vacancy is left: the CIF has Na 0.98") and "larger cell" in line


def test_an_empty_site_or_a_vacancy_of_a_cation_is_room():
    empty = ({"Li": 0.0}, [[0.25, 0.25, 0.25]])
    assert not said(salt(T=empty), "Li")
    assert not room_to_move.all_full(salt(T=empty).sites, "Li", CHARGES)
    vacancies = {"M": {"Li": 0.25, "Na": 0.5}, "Cl": 0.75}
    assert not said(salt(), "Li", **vacancies)


def test_vacancies_of_the_other_sign_are_no_room():
    """The vacancies of chlorine are none for lithium."""
    site = {"Na": ({"Na": 1.0}, CATIONS[:1]), "Li": ({"Li": 1.0}, CATIONS[1:2]), "Cl": ({"Cl": 0.5}, ANIONS)}
    of = crystal(site, lattice=[5.64] * 3)
    assert "(Li) is full" in said(of, "Li")
    assert not said(of, "Cl")


def test_many_full_sites_are_not_all_named():
    of = crystal(
        {
            **{f"Li{k}": ({"Li": 1.0}, [[k / 6, 0, 0]]) for k in range(6)},
            **{f"Cl{k}": ({"Cl": 1.0}, [[k / 6, 0.5, 0.5]]) for k in range(6)},
        },
        lattice=[30.0, 8.0, 8.0],
    )
    assert "(Li0, Li1, Li2, Li3 and 2 more)" in said(of, "Li")


def test_a_proton_in_place_of_a_cation_is_told():
    of = crystal({"M": ({"Li": 0.5, "H": 0.5}, CATIONS), "Cl": ({"Cl": 1.0}, ANIONS)}, lattice=[5.64] * 3)
    (line,) = room_to_move.bare_protons(of, CHARGES)
    assert line.startswith("H of M stands on a site of Li, 2.82 Å from the nearest anion")
    assert room_to_move.bare_protons(of, CHARGES | {"H": -1}) == []


@pytest.mark.parametrize("partner", ["O", "C"])
def test_a_bonded_proton_is_usual(partner):
    of = crystal({"X": ({partner: 1.0}, [[0, 0, 0]]), "H": ({"H": 1.0}, [[0.1, 0, 0]])}, lattice=[10.0] * 3)
    assert room_to_move.bare_protons(of, CHARGES) == []
