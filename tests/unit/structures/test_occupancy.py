"""Apportioning occupancies: exact counts, neutrality, and helpful refusals."""

from pathlib import Path

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.structures.crystal import Crystal, Site, read_cif
from dlmd.structures.occupancy import apportion, isotropic_shape, nearest
from small_crystals import crystal as small_crystal

STRUCTURES = Path(__file__).parents[3] / "structures"
CHARGES = {"Li": 1, "Ti": 3, "In": 3, "Y": 3, "Cl": -1, "Br": -1}


def crystal(name):
    return read_cif(STRUCTURES / f"{name}.cif")


@pytest.mark.parametrize(
    ("repeat", "on_2a", "on_4g", "titanium", "atoms"),
    [
        ((2, 2, 2), 0.75, 0.125, (12, 4), 160),
        ((2, 2, 2), 0.750, 0.125, (12, 4), 160),
        ((2, 2, 2), 0.875, 0.063, (14, 2), 160),  # 0.063 printed for 1/16
        ((2, 2, 4), 0.844, 0.078, (27, 5), 320),
        ((2, 1, 2), 0.75, 0.125, (6, 2), 80),
        ((10, 10, 10), 0.754, 0.123, (1508, 492), 20000),
        ((2, 2, 2), 1, 0, (16, 0), 160),
    ],
)
def test_the_papers_cells(repeat, on_2a, on_4g, titanium, atoms):
    made = apportion(
        crystal("Li3TiCl6"), repeat=repeat, occupancies={"2a": on_2a, "4g": on_4g}, charges=CHARGES
    )
    assert (made.counts["Ti1"]["Ti"], made.counts["Ti2"]["Ti"]) == titanium
    assert made.n_atoms == atoms and made.charge == 0
    assert made.composition == {"Li": 3 * atoms // 10, "Ti": atoms // 10, "Cl": 6 * atoms // 10}
    assert made.largest_error <= 5e-4 + 1e-12


@pytest.mark.parametrize(
    ("name", "repeat", "tolerance", "counts"),
    [
        ("Li3TiCl6", (10, 5, 5), 0, {"Ti1": {"Ti": 377}, "Ti2": {"Ti": 123}, "Li1": {"Li": 500}}),
        ("Li3InCl6", (2, 2, 2), 0, {"In1": {"In": 14}, "In2": {"In": 2}, "Cl2": {"Cl": 64}}),
        (
            "Li3YCl6",
            (2, 2, 2),
            0.01,
            {"Y1": {"Y": 8}, "Y2": {"Y": 9}, "Y3": {"Y": 7}, "Li1": {"Li": 30}, "Li2": {"Li": 42}},
        ),
        (
            "Li3YBr6",
            (2, 2, 2),
            0.02,
            {
                "Y1/Li3": {"Y": 12, "Li": 1},
                "Li2/Y2": {"Li": 24, "Y": 4},
                "Li1": {"Li": 17},
                "Li4": {"Li": 6},
                "Br1": {"Br": 32},
            },
        ),
    ],
)
def test_every_shipped_crystal_gets_exact_counts(name, repeat, tolerance, counts):
    made = apportion(crystal(name), repeat=repeat, charges=CHARGES, tolerance=tolerance)
    for site, row in counts.items():
        assert made.counts[site] == row
    assert made.charge == 0


def test_the_element_order_is_that_of_the_charges():
    made = apportion(
        crystal("Li3TiCl6"),
        occupancies={"2a": 0.75, "4g": 0.125},
        charges={"Cl": -1, "Ti": 3, "K": 1, "Li": 1},
    )
    assert made.species == ("Cl", "Ti", "Li")
    rows = {row["site"]: row for row in made.to_dict()["sites"]}
    assert rows["Ti2"] == {
        "site": "Ti2",
        "wyckoff": "4g",
        "species": "Ti",
        "positions": 32,
        "atoms": 4,
        "requested_occupancy": 0.125,
        "realised_occupancy": 0.125,
        "rounding_error": 0.0,
    }


def test_an_impossible_request_names_the_nearest_and_the_smallest_supercell():
    with pytest.raises(DlmdError, match=r"0\.844 on Ti1 .* 2x2x2 \(160 atoms\)") as refused:
        apportion(crystal("Li3TiCl6"), occupancies={"2a": 0.844, "4g": 0.078}, charges=CHARGES)
    text = str(refused.value)
    assert "13.50 Ti on Ti1, 2.50 Ti on Ti2" in text
    assert "Ti 0.875 on Ti1 (14 atoms), Ti 0.0625 on Ti2 (2 atoms)" in text
    assert "2x2x4 (320 atoms)" in text
    assert len(text.splitlines()) == 3


def test_a_wider_tolerance_takes_the_nearest():
    made = apportion(
        crystal("Li3TiCl6"), occupancies={"2a": 0.844, "4g": 0.078}, charges=CHARGES, tolerance=0.05
    )
    assert (made.counts["Ti1"]["Ti"], made.counts["Ti2"]["Ti"]) == (14, 2)
    assert made.largest_error == pytest.approx(0.031)


def test_occupancies_that_are_not_neutral_are_refused():
    with pytest.raises(DlmdError, match=r"not neutral.*\+1\.8 e per cell"):
        apportion(crystal("Li3TiCl6"), occupancies={"2a": 0.9, "4g": 0.2}, charges=CHARGES)
    with pytest.raises(DlmdError, match="no neutral filling"):
        apportion(crystal("Li3TiCl6"), occupancies={"2a": 1, "4g": 1}, charges=CHARGES)


@pytest.mark.parametrize(
    ("occupancies", "charges", "message"),
    [
        ({"2b": 0.5}, CHARGES, "no site '2b'"),
        ({"2a": 1.5}, CHARGES, "occupancy 1.5 of Ti"),
        ({"2a": {"Ti": 0.7, "In": 0.5}}, CHARGES, "add up to 1.2"),
        ({}, {"Li": 1, "Cl": -1}, "no charge given for Ti"),
    ],
)
def test_bad_requests_are_refused(occupancies, charges, message):
    with pytest.raises(DlmdError, match=message):
        apportion(crystal("Li3TiCl6"), occupancies=occupancies, charges=charges)


def test_a_number_for_a_mixed_site_is_refused():
    with pytest.raises(DlmdError, match="which holds Li and Y"):
        apportion(crystal("Li3YBr6"), occupancies={"4h": 0.5}, charges=CHARGES)


def test_a_site_can_be_given_other_species():
    made = apportion(
        crystal("Li3TiCl6"), occupancies={"2a": {"Ti": 0.5, "In": 0.25}, "4g": 0.125}, charges=CHARGES
    )
    assert made.counts["Ti1"] == {"Ti": 8, "In": 4}
    assert made.composition == {"Li": 48, "Ti": 12, "In": 4, "Cl": 96}


@pytest.mark.parametrize("repeat", [(2, 2), (2, 2, 0), (1.5, 1, 1)])
def test_a_bad_repeat_is_refused(repeat):
    with pytest.raises(DlmdError, match="repeat is"):
        apportion(crystal("Li3TiCl6"), repeat=repeat, charges=CHARGES)


def test_supercells_are_proposed_as_round_as_can_be():
    assert isotropic_shape(16, (6.35, 10.89, 6.353)) == (2, 2, 4)
    assert isotropic_shape(8, (5, 5, 5)) == (2, 2, 2)


def random_crystal(rng):
    """A made-up ionic crystal: mixed and partial cation sites over a full anion site, neutral on paper."""
    sites, charge = [], 0.0
    for k in range(int(rng.integers(1, 4))):
        multiplicity = int(rng.integers(1, 5))
        parts = rng.dirichlet(np.ones(3))[:2]
        sites.append(
            Site(f"M{k}", f"{multiplicity}a", {"A": parts[0], "B": parts[1]}, np.zeros((multiplicity, 3)))
        )
        charge += multiplicity * (parts[0] + 3 * parts[1])
    capacity = int(np.ceil(charge))
    sites.append(Site("X", f"{capacity}x", {"X": charge / capacity}, np.zeros((capacity, 3))))
    return Crystal(
        name="random",
        source="test",
        spacegroup="P 1",
        cell_parameters=(5.0, 6.0, 7.0, 90.0, 90.0, 90.0),
        lattice=np.diag([5.0, 6.0, 7.0]),
        sites=tuple(sites),
        rotations=np.eye(3)[None],
        translations=np.zeros((1, 3)),
    )


@pytest.mark.parametrize("seed", range(30))
def test_any_crystal_is_neutral_within_tolerance_or_refused(seed):
    rng = np.random.default_rng(seed)
    made_up = random_crystal(rng)
    repeat = tuple(rng.integers(1, 4, size=3))
    tolerance = float(rng.choice([0.02, 0.1, 0.3]))
    charges = {"A": 1, "B": 3, "X": -1}
    try:
        made = apportion(made_up, repeat=repeat, charges=charges, tolerance=tolerance)
    except DlmdError as error:
        assert error.remedy and len(str(error).splitlines()) <= 3
        return
    assert made.charge == 0
    assert made.largest_error <= tolerance + 1e-6
    for site in made_up.sites:
        row = made.counts[site.label]
        assert all(n >= 0 for n in row.values())
        assert sum(row.values()) <= site.multiplicity * np.prod(repeat)


def test_sites_of_a_p1_cell_that_are_alike_share_what_is_left_evenly():
    # 16 Na sites, listed from one end of the cell to the other: 7.5 of 8 on each
    sites = {f"Na{i}": ({"Na": 0.9375}, [[i / 16, 0, 0]]) for i in range(16)}
    sites |= {f"Cl{i}": ({"Cl": 0.9375}, [[i / 16, 0.5, 0.5]]) for i in range(16)}
    long = small_crystal(sites, lattice=[80.0, 6.0, 6.0])
    made = nearest(long, repeat=(1, 2, 4), charges={"Na": 1, "Cl": -1}, mobile="Na")
    for ion in ("Na", "Cl"):
        counts = [made.counts[f"{ion}{i}"][ion] for i in range(16)]
        assert set(counts) == {7, 8} and sum(counts) == 120
        quarters = [sum(counts[i : i + 4]) for i in range(0, 16, 4)]
        assert max(quarters) - min(quarters) <= 2
