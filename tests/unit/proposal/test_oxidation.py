"""Charges from compositions whose answer is in every textbook."""

import pytest

from dlmd.base.errors import DlmdError
from dlmd.proposal import oxidation
from dlmd.structures.crystal import read_cif
from drawn_cifs import cubic, write_cif
from small_crystals import crystal

# composition -> charges
KNOWN = {
    "Li6 P S5 Cl": {"Li": 1, "P": 5, "S": -2, "Cl": -1},
    "Li10 Ge P2 S12": {"Li": 1, "Ge": 4, "P": 5, "S": -2},
    "Li3 Ti Cl6": {"Li": 1, "Ti": 3, "Cl": -1},
    "Li4 Ti5 O12": {"Li": 1, "Ti": 4, "O": -2},
    "Li Fe P O4": {"Li": 1, "Fe": 2, "P": 5, "O": -2},
    "Fe P O4": {"Fe": 3, "P": 5, "O": -2},
    "Na3 V2 P3 O12": {"Na": 1, "V": 3, "P": 5, "O": -2},
    "Ag8 Ge S6": {"Ag": 1, "Ge": 4, "S": -2},
    "Cu6 P S5 Br": {"Cu": 1, "P": 5, "S": -2, "Br": -1},
    "Na3 Sb S4": {"Na": 1, "Sb": 5, "S": -2},
    "Li B H4": {"Li": 1, "B": 3, "H": -1},
    "Li2 O H Cl": {"Li": 1, "O": -2, "H": 1, "Cl": -1},
    "Bi4 V2 O11": {"Bi": 3, "V": 5, "O": -2},
    "La2 Mo2 O9": {"La": 3, "Mo": 6, "O": -2},
    "Na W O3": {"Na": 1, "W": 5, "O": -2},
    "Li3 N": {"Li": 1, "N": -3},
    "Pb Sn F4": {"Pb": 2, "Sn": 2, "F": -1},
    "Na2 Zn2 Te O6": {"Na": 1, "Zn": 2, "Te": 6, "O": -2},
    "Li Co O2": {"Li": 1, "Co": 3, "O": -2},
    "Li2 Mn O3": {"Li": 1, "Mn": 4, "O": -2},
    # bonds between atoms of a kind
    "Li4 P2 S6": {"Li": 1, "P": 4, "S": -2},
    "Fe P S3": {"Fe": 2, "P": 4, "S": -2},
    # several elements that change their charge
    "Li3 Ni Mn Co O6": {"Li": 1, "Ni": 2, "Mn": 4, "Co": 3, "O": -2},
    "Li2 Ni Mn3 O8": {"Li": 1, "Ni": 2, "Mn": 4, "O": -2},
    "Na2 Ni Mn2 O6": {"Na": 1, "Ni": 2, "Mn": 4, "O": -2},
    "Mn Fe2 O4": {"Mn": 2, "Fe": 3, "O": -2},
    "Co Fe2 O4": {"Co": 2, "Fe": 3, "O": -2},
    "Fe Ti O3": {"Fe": 2, "Ti": 4, "O": -2},
    "Fe Cr2 O4": {"Fe": 2, "Cr": 3, "O": -2},
    "Co Mn2 O4": {"Co": 2, "Mn": 3, "O": -2},
    "Na4 Fe V P3 O12": {"Na": 1, "Fe": 2, "V": 3, "P": 5, "O": -2},
    "Cu Fe S2": {"Cu": 1, "Fe": 3, "S": -2},
    "Ti Nb2 O7": {"Ti": 4, "Nb": 5, "O": -2},
    "Fe2 Mo3 O12": {"Fe": 3, "Mo": 6, "O": -2},
    "Li2 Fe Mn P2 O8": {"Li": 1, "Fe": 2, "Mn": 2, "P": 5, "O": -2},
    "Li Co Mn O4": {"Li": 1, "Co": 3, "Mn": 4, "O": -2},
    "Cu2 Mn Sn S4": {"Cu": 1, "Mn": 2, "Sn": 4, "S": -2},
}


def of(composition):
    """A crystal of a composition; where its atoms are does not matter here."""
    sites = {}
    for k, part in enumerate(composition.split()):
        element = part.rstrip("0123456789.")
        n = float(part[len(element) :] or 1)
        whole, rest = int(n), n - int(n)
        for i in range(whole + bool(rest)):
            x = 1.0 if i < whole else rest
            sites[f"{element}{i}"] = ({element: x}, [[k / 20, i / 20, 0.1]])
    return crystal(sites, lattice=[40.0, 40.0, 40.0], name=composition)


@pytest.mark.parametrize("composition", KNOWN)
def test_textbook_charges(composition):
    found = oxidation.guess(of(composition))
    assert dict(found.charges) == KNOWN[composition]
    assert found.charge_per_cell == 0 and found.whole


def test_mixed_valence_is_a_fraction_of_an_element_that_can_have_it():
    found = oxidation.guess(of("Na0.74 Co O2"))
    assert found.charges["Co"] == pytest.approx(3.26) and found.mixed == ("Co",)
    assert "Co" in found.notes[0] and not found.whole


@pytest.mark.parametrize(
    ("composition", "element", "charge"),
    [("Y Ba2 Cu3 O6.9", "Cu", 2.2667), ("Sr Fe O2.75", "Fe", 3.5), ("La1.85 Sr0.15 Cu O4", "Cu", 2.15)],
)
def test_high_states_that_are_rare_on_their_own_are_usual_in_mixtures(composition, element, charge):
    found = oxidation.guess(of(composition))
    assert found.mixed == (element,) and found.charges[element] == pytest.approx(charge, abs=1e-3)
    assert found.charge_per_cell == 0 and found.charges["O"] == -2


@pytest.mark.parametrize(
    ("composition", "element", "charge"),
    [
        ("Li Ni0.8 Mn0.1 Co0.1 O2", "Ni", 2.875),
        ("Na0.667 Fe0.5 Mn0.5 O2", "Mn", 3.666),
        ("La0.6 Sr0.4 Co0.2 Fe0.8 O3", "Fe", 3.25),
    ],
)
def test_the_last_step_of_several_elements_is_the_one_that_is_shared(composition, element, charge):
    found = oxidation.guess(of(composition))
    assert found.mixed == (element,) and found.charges[element] == pytest.approx(charge)
    assert "order" in found.notes[0]


def test_rounded_occupancies_are_no_mixed_valence():
    found = oxidation.guess(of("Li0.33 La0.557 Ti O3"))
    assert dict(found.charges) == {"Li": 1, "La": 3, "Ti": 4, "O": -2}
    assert found.charge_per_cell == pytest.approx(0.001)


def test_lithium_that_was_not_found_is_left_over():
    found = oxidation.guess(of("Li5.2 P S5 Cl"))
    assert dict(found.charges) == {"Li": 1, "P": 5, "S": -2, "Cl": -1}
    assert found.charge_per_cell == pytest.approx(-0.8)


def test_given_charges_are_not_questioned():
    found = oxidation.guess(of("Na0.74 Co O2"), given={"Co": 3})
    assert found.charges["Co"] == 3 and found.charge_per_cell == pytest.approx(-0.26)
    with pytest.raises(DlmdError, match="has no Cu"):
        oxidation.guess(of("Na Cl"), given={"Cu": 1})


def test_a_cell_far_from_neutral_is_refused_with_what_is_left():
    with pytest.raises(DlmdError, match=r"leave \+2 e per cell") as error:
        oxidation.guess(of("Zr O"))
    assert "--charge" in error.value.remedy


CIF = """data_x
_cell_length_a 5
_cell_length_b 5
_cell_length_c 5
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
{types}loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
{rows}
"""


def test_charges_that_the_cif_states_are_taken_where_they_fit(tmp_path):
    path = tmp_path / "x.cif"
    types = "loop_\n_atom_type_symbol\n_atom_type_oxidation_number\nCu2+ 2\nCu+ 1\nS2- -2\n"
    path.write_text(CIF.format(types=types, rows="Cu1 Cu2+ 0 0 0 1\nS1 S2- 0.5 0.5 0.5 1"))
    found = oxidation.guess(read_cif(path))
    assert dict(found.charges) == {"Cu": 2, "S": -2} and found.source == "stated in the CIF"
    path.write_text(CIF.format(types=types, rows="Cu1 Cu+ 0 0 0 1\nS1 S2- 0.5 0.5 0.5 1"))
    assert oxidation.guess(read_cif(path)).source != "stated in the CIF"


def test_a_rarer_state_is_taken_where_it_is_the_neutral_one():
    sites = {"Li": ({"Li": 1.0}, [[0, 0, 0.1 * k] for k in range(7)])}
    sites |= {"Bi": ({"Bi": 1.0}, [[0.5, 0, 0]]), "O": ({"O": 1.0}, [[0.5, 0.5, 0.1 * k] for k in range(6)])}
    found = oxidation.guess(crystal(sites, lattice=[20.0] * 3))
    assert found.charges == {"Li": 1, "Bi": 5, "O": -2}
    assert found.mixed == () and "+5 is not its commonest state" in found.notes[0]


def test_the_advice_is_another_charge_than_the_one_that_was_tried():
    sites = {"Fe": ({"Fe": 1.0}, [[0, 0, 0]]), "F": ({"F": 1.0}, [[0.5, 0.5, 0.1 * k] for k in range(5)])}
    with pytest.raises(DlmdError) as refused:
        oxidation.guess(crystal(sites, lattice=[20.0] * 3), given={"Fe": 3})
    assert "--charge Fe=5" in refused.value.remedy
    # so far from its usual +5 tantalum is not meant
    sites = {"Ta": ({"Ta": 1.0}, [[0, 0, 0]]), "Cl": ({"Cl": 1.0}, [[0.5, 0.5, 0.1 * k] for k in range(2)])}
    with pytest.raises(DlmdError) as refused:
        oxidation.guess(crystal(sites, lattice=[20.0] * 3), given={"Cl": -1})
    assert "Ta=" not in refused.value.remedy


MAGNETITE = [
    "Fe1 Fe3+ 0.125 0.125 0.125 0.9",
    "Li1 Li1+ 0.125 0.125 0.125 0.1",
    "Fe2 Fe2+ 0.5 0.5 0.5 0.45",
    "Fe3 Fe3+ 0.5 0.5 0.5 0.55",
    "O1 O2- 0.2548 0.2548 0.2548 1",
]


def test_charges_of_sites_that_the_cif_states_are_kept(tmp_path):
    rows = [MAGNETITE[0].replace("0.9", "1"), *MAGNETITE[2:]]
    rows[1:3] = ["Fe2 Fe2+ 0.5 0.5 0.5 0.5", "Fe3 Fe3+ 0.5 0.5 0.5 0.5"]
    spinel = read_cif(write_cif(tmp_path, cubic(8.39), rows, group="F d -3 m :2"))
    found = oxidation.guess(spinel)
    assert found.charges == {"Fe": pytest.approx(8 / 3, abs=1e-3), "O": -2}
    assert found.on_sites == {"Fe on Fe1": 3.0, "Fe on Fe2/Fe3": 2.5}
    assert found.stated == {**found.charges, **found.on_sites}


def test_given_charges_of_sites():
    sites = {"Fe1": ({"Fe": 1.0}, [[0, 0, 0]]), "Fe2": ({"Fe": 1.0}, [[0.5, 0.5, 0.5]])}
    sites["O1"] = ({"O": 1.0}, [[0.5, 0, 0], [0, 0.5, 0], [0.3, 0.3, 0]])
    small = crystal(sites, lattice=[6.0] * 3)
    found = oxidation.guess(small, given={"Fe on Fe1": 2, "Fe on Fe2": 4, "O": -2})
    assert found.charges == {"Fe": 3, "O": -2} and found.on_sites == {"Fe on Fe1": 2, "Fe on Fe2": 4}
    assert found.charge_per_cell == 0
    with pytest.raises(DlmdError, match="a charge on Fe1, and none on Fe2"):
        oxidation.guess(small, given={"Fe on Fe1": 2})
    with pytest.raises(DlmdError, match="no site 'Fe7'"):
        oxidation.guess(small, given={"Fe on Fe7": 2})


@pytest.mark.parametrize(("cation", "boron"), [("Li", 10 / 12), ("Mg", 10 / 12)])
def test_boron_of_a_cage_has_a_fraction(cation, boron):
    """B12H12 2-, with the borons of the cage 1.78 Å apart; away from each other they are BH3, which is not neutral here."""
    cations = 2 if cation == "Li" else 1

    def of_spacing(spacing):
        sites = {
            "M": ({cation: 1.0}, [[0.5, 0.1 * k, 0.5] for k in range(cations)]),
            "B": ({"B": 1.0}, [[k * spacing / 30, 0, 0] for k in range(12)]),
            "H": ({"H": 1.0}, [[k * spacing / 30, 0.05, 0] for k in range(12)]),
        }
        return crystal(sites, lattice=[30.0] * 3)

    found = oxidation.guess(of_spacing(1.78))
    assert found.charges["B"] == pytest.approx(boron, abs=1e-5) and found.charges["H"] == -1
    assert "share electrons" in found.notes[0]
    with pytest.raises(DlmdError, match="no likely charges"):
        oxidation.guess(of_spacing(2.0001))


def prussian_blue(sodium, *, more=()):
    axes = [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]
    sites = {
        "Na": ({"Na": sodium}, [[0.25, 0.25, 0.25]]),
        "Fe": ({"Fe": 1.0}, [[0, 0, 0], [0.5, 0.5, 0.5]]),
        "C": ({"C": 1.0}, [[0.1885 * x for x in axis] for axis in axes]),
        "N": ({"N": 1.0}, [[0.302 * x for x in axis] for axis in axes]),
        **dict(more),
    }
    return crystal(sites, lattice=[10.2] * 3)


def test_cyanide_is_one_ion_and_iron_balances_it():
    found = oxidation.guess(prussian_blue(0.5))
    assert (found.charges["C"], found.charges["N"]) == (2, -3)
    assert found.charges["Fe"] == pytest.approx(2.75)
    assert abs(found.charge_per_cell) < 1e-9


def test_carbon_without_nitrogen_or_beside_hydrogen_is_no_cyanide():
    from dlmd.proposal import cyanides

    assert cyanides.only(prussian_blue(0.5))
    assert not cyanides.only(prussian_blue(0.5, more=[("H", ({"H": 1.0}, [[0.3, 0.3, 0.3]]))]))
    far = {"C": ({"C": 1.0}, [[0, 0, 0]]), "N": ({"N": 1.0}, [[0.5, 0.5, 0.5]])}
    assert not cyanides.only(crystal(far, lattice=[5.0] * 3))
