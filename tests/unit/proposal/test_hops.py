"""The length of a hop: to the nearest site that can be filled, or to the void between two that lie too far apart."""

import pytest

from dlmd.proposal import hops
from small_crystals import crystal

FCC = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
OCTAHEDRA = [[x + 0.5, y, z] for x, y, z in FCC]
TETRAHEDRA = [[0.25 + x / 2, 0.25 + y / 2, 0.25 + z / 2] for x in (0, 1) for y in (0, 1) for z in (0, 1)]
SALT = {"Li": 1, "Cl": -1}


def halide(ions, edge, **others):
    sites = {"M": ({"Li": 0.5}, ions), "X": ({"Cl": 1.0}, FCC)} | others
    return crystal(sites, lattice=[edge] * 3)


def test_the_nearest_sites_that_can_both_be_filled_are_a_hop():
    split = crystal(
        {"M": ({"Li": 0.5}, [[0, 0, 0], [0.1, 0, 0], [0.5, 0, 0]]), "X": ({"Cl": 1.0}, [[0.3, 0.5, 0.5]])},
        lattice=[6.0, 9.0, 9.0],
    )
    found = hops.hop(split, SALT, "Li")
    assert found.length_a == pytest.approx(2.4) and "both be filled" in found.reason


def test_octahedra_that_share_an_edge_hop_through_the_tetrahedron():
    edge = 5.14
    found = hops.hop(halide(OCTAHEDRA, edge), SALT, "Li")
    assert found.length_a == round(edge * 3**0.5 / 4, 1) == 2.2
    assert found.reason == "to the void between the nearest sites of Li in the CIF, which are 3.6 Å apart"


def test_near_sites_hop_directly():
    assert hops.hop(halide(OCTAHEDRA, 4.2), SALT, "Li").length_a == round(4.2 / 2**0.5, 1)  # 3.0 Å
    assert hops.hop(halide(TETRAHEDRA, 5.6), SALT, "Li").length_a == 2.8


def test_a_void_beside_an_ion_of_the_host_is_no_place():
    # ions of the host fill all tetrahedra
    full = halide(OCTAHEDRA, 5.14, H=({"Mg": 1.0}, TETRAHEDRA))
    assert hops.hop(full, {**SALT, "Mg": 2}, "Li").length_a == 3.6


def test_far_sites_have_the_usual_length():
    lone = crystal(
        {"M": ({"Li": 1.0}, [[0, 0, 0]]), "X": ({"Cl": 1.0}, [[0.5, 0.5, 0.5]])}, lattice=[9.0] * 3
    )
    found = hops.hop(lone, SALT, "Li")
    assert found.length_a == hops.USUAL_A and found.reason.startswith("usual")
