"""Ions on top of each other: never in a cell where the sites can take turns, and said where they cannot."""

import pytest

from dlmd.base.errors import DlmdError
from dlmd.structures import contacts
from dlmd.structures.cells import shortest_distances
from dlmd.structures.crystal import read_cif
from dlmd.structures.occupancy import apportion
from dlmd.structures.ordering import orderings
from drawn_cifs import cubic, write_cif

CHARGES = {"K": 1, "Mg": 2, "F": -1}


def test_partly_filled_sites_of_unlike_ions_exclude_each_other(tmp_path):
    # K+ and F- at 1.35 Å, both half filled: 0.75 (1.38 + 1.33) Å = 2.03 Å
    rows = ["K1 K 0 0 0 0.5", "F1 F 0.18 0 0 0.5"]
    crystal = read_cif(write_cif(tmp_path, (7.5, 4, 4, 90, 90, 90), rows))
    counts = apportion(crystal, repeat=(2, 3, 3), charges=CHARGES, min_distance_angstrom=1.2)
    cells = orderings(crystal, counts, n=3, seed=4)
    assert counts.composition == {"K": 9, "F": 9}
    assert all(shortest_distances(atoms)["K-F"] > 2.03 for atoms in cells)
    assert contacts.notes(crystal, CHARGES) == []


def test_what_the_crystal_fills_must_be_allowed_and_is_said(tmp_path):
    rows = ["K1 K 0 0 0 0.5", "F1 F 0.18 0 0 1", "K2 K 0.5 0.5 0.5 0.5"]
    crystal = read_cif(write_cif(tmp_path, (7.5, 7.5, 7.5, 90, 90, 90), rows))
    counts = apportion(crystal, repeat=(2, 1, 1), charges=CHARGES, min_distance_angstrom=1.2)
    assert counts.composition == {"K": 2, "F": 2}
    (note,) = contacts.notes(crystal, CHARGES)
    assert note.startswith("K-F 1.35 Å apart (")
    assert "K1" in note
    assert "F1" in note


def test_two_full_cations_are_named_too(tmp_path):
    rows = ["Mg1 Mg 0 0 0 1", "K1 K 0.25 0 0 1", "F1 F 0.5 0.5 0.5 1"]
    (note,) = contacts.notes(read_cif(write_cif(tmp_path, cubic(6.0), rows)), CHARGES)
    assert note.startswith("Mg-K 1.50 Å")


@pytest.mark.parametrize(
    ("rows", "charges"),
    [
        # an oxygen at the bond of a carbonate, a sulfate and a phosphate (Å)
        (["C1 C 0 0 0 1", "O1 O 0.128 0 0 1"], {"C": 4, "O": -2}),
        (["S1 S 0 0 0 1", "O1 O 0.146 0 0 1"], {"S": 6, "O": -2}),
        (["P1 P 0 0 0 1", "O1 O 0.152 0 0 1"], {"P": 5, "O": -2}),
        (["B1 B 0 0 0 1", "O1 O 0.137 0 0 1"], {"B": 3, "O": -2}),
        (["N1 N 0 0 0 1", "O1 O 0.124 0 0 1"], {"N": 5, "O": -2}),
        (["B1 B 0 0 0 1", "H1 H 0.115 0 0 1"], {"B": 3, "H": -1}),
        (["O1 O 0 0 0 1", "H1 H 0.096 0 0 1"], {"O": -2, "H": 1}),
        # cyanide on iron
        (["Fe1 Fe 0 0 0 1", "C1 C 0.192 0 0 1", "N1 N 0.308 0 0 1"], {"Fe": 2, "C": 2, "N": -3}),
    ],
)
def test_bonds_of_molecular_ions_are_contacts(tmp_path, rows, charges):
    assert contacts.notes(read_cif(write_cif(tmp_path, cubic(10), rows)), charges) == []


def test_an_impossible_contact_is_refused_unless_it_is_stated(tmp_path):
    rows = ["K1 K 0 0 0 1", "F1 F 0.18 0 0 1"]
    crystal = read_cif(write_cif(tmp_path, (7.5, 7.5, 7.5, 90, 90, 90), rows))
    with pytest.raises(DlmdError, match=r"K-F 1.35 Å apart") as refused:
        contacts.refuse_impossible(crystal, CHARGES, 1.2)
    assert refused.value.remedy.endswith("{K-F: 1.35}")
    contacts.refuse_impossible(crystal, CHARGES, {"K-F": 1.34})
    # a config that empties the site has no such contact
    contacts.refuse_impossible(crystal, CHARGES, content={"K1": {"K": 0.0}, "F1": {"F": 1.0}})


def test_a_slightly_short_bond_is_a_note_alone(tmp_path):
    rows = ["P1 P 0 0 0 1", "O1 O 0.13 0 0 1"]
    crystal = read_cif(write_cif(tmp_path, cubic(10.0), rows))
    contacts.refuse_impossible(crystal, {"P": 5, "O": -2})
    assert contacts.notes(crystal, {"P": 5, "O": -2})


def two(tmp_path, a, b, distance, *, occupancies=(1, 1)):
    """Two atoms of these type symbols (Å apart) in a cell of 10 Å."""
    rows = [f"A1 {a} 0 0 0 {occupancies[0]}", f"B1 {b} {distance / 10} 0 0 {occupancies[1]}"]
    return read_cif(write_cif(tmp_path, cubic(10), rows))


@pytest.mark.parametrize(
    ("a", "b", "distance", "charges"),
    [
        ("S2-", "S2-", 2.23, {"S": -2}),  # as long as a bond, but the CIF says that they are ions
        ("S2-", "Br1-", 2.23, {"S": -2, "Br": -1}),
        ("O", "O", 1.57, {"O": -2}),  # longer than that of a peroxide
        ("Cl", "Cl", 2.0, {"Cl": -1}),
        ("F", "F", 1.5, {"F": -1}),
    ],
)
def test_anions_on_top_of_each_other_are_refused(tmp_path, a, b, distance, charges):
    crystal = two(tmp_path, a, b, distance)
    with pytest.raises(DlmdError, match=f"{distance:.2f} Å apart") as error:
        contacts.refuse_impossible(crystal, charges)
    pair = error.value.what.split()[0]
    contacts.refuse_impossible(crystal, charges, {pair: distance - 0.01})  # stated by the user


@pytest.mark.parametrize(
    ("a", "b", "distance", "charges"),
    [
        ("O", "O", 1.49, {"O": -1}),  # peroxide
        ("S", "S", 2.08, {"S": -1}),  # disulfide
        ("S", "S", 2.05, {"S": -0.5}),  # polysulfide
        ("S", "S", 2.01, {"S": 2}),  # thiosulfate
        ("I", "I", 2.92, {"I": -1 / 3}),  # triiodide
        ("N", "N", 1.18, {"N": -1 / 3}),  # azide
        ("H", "H", 0.74, {"H": 0}),
        ("D", "D", 1.6, {"H": -1}),
        ("N", "H", 1.02, {"N": -3, "H": -1}),
        ("B", "H", 1.2, {"B": -3, "H": -1}),
        ("O", "O", 2.1, {"O": -2}),  # nitrate
        ("F", "F", 2.27, {"F": -1}),  # bifluoride
        ("S", "S", 2.9, {"S": -2}),
    ],
)
def test_bonds_of_anions_that_their_charges_tell_are_contacts(tmp_path, a, b, distance, charges):
    crystal = two(tmp_path, a, b, distance)
    contacts.refuse_impossible(crystal, charges)
    assert contacts.notes(crystal, charges) == []


@pytest.mark.parametrize(
    ("a", "b", "distance", "charges"),
    [
        ("Se", "Se", 2.38, {"Se": -2}),  # PdSe2, taken for Pd4+ and Se2-
        ("S", "S", 2.17, {"S": -2}),  # RuS2
        ("O", "O", 1.49, {"O": -2}),
        ("I", "I", 2.74, {"I": -1}),  # I2 in a molecular crystal
        ("Cl", "O", 1.30, {"Cl": -1, "O": -2}),  # perchlorate, where an organic cation's charges are guessed
    ],
)
def test_what_may_be_a_bond_of_guessed_charges_is_a_note(tmp_path, a, b, distance, charges):
    crystal = two(tmp_path, a, b, distance)
    contacts.refuse_impossible(crystal, charges)
    (note,) = contacts.notes(crystal, charges)
    assert f"{distance:.2f} Å apart" in note and "charges" in note


def test_halves_of_a_split_anion_are_no_contact(tmp_path):
    crystal = two(tmp_path, "O", "O", 1.2, occupancies=(0.5, 0.5))
    contacts.refuse_impossible(crystal, {"O": -2})
    assert contacts.notes(crystal, {"O": -2}) == []


@pytest.mark.parametrize(
    ("group", "edge", "rows", "charges", "lonely"),
    [
        ("F m -3 m", 5.64, ["Na1 Na 0 0 0 1", "Cl1 Cl 0.5 0.5 0.5 1"], {"Na": 1, "Cl": -1}, None),
        # read as P 1, each ion has one neighbour at 4.9 Å for eight at 2.8
        ("P 1", 5.64, ["Na1 Na 0 0 0 1", "Cl1 Cl 0.5 0.5 0.5 1"], {"Na": 1, "Cl": -1}, "Na of Na1"),
        ("F m -3 m", 5.14, ["Zr1 Zr 0 0 0 1", "O1 O 0.25 0.25 0.25 1"], {"Zr": 4, "O": -2}, None),
        # the edge of two cells
        ("F m -3 m", 10.28, ["Zr1 Zr 0 0 0 1", "O1 O 0.25 0.25 0.25 1"], {"Zr": 4, "O": -2}, "Zr of Zr1"),
        # sodium in the cages of a Prussian blue, and one metal at the carbon end
        (
            "F m -3 m",
            10.4,
            [
                "Fe1 Fe 0 0 0 1",
                "Mn1 Mn 0.5 0 0 1",
                "C1 C 0.183 0 0 1",
                "N1 N 0.3 0 0 1",
                "Na1 Na 0.25 0.25 0.25 1",
            ],
            {"Fe": 2, "Mn": 2, "C": 2, "N": -3, "Na": 1},
            None,
        ),
        ("F m -3 m", 5.93, ["P1 P 0 0 0 1", "Li1 Li 0.25 0.25 0.25 1"], {"Li": 1, "P": -3}, None),
    ],
)
def test_cations_without_anions_beside_them_are_said(tmp_path, group, edge, rows, charges, lonely):
    crystal = read_cif(write_cif(tmp_path, cubic(edge), rows, group=group))
    found = contacts.alone(crystal, charges)
    assert len(found) == (lonely is not None)
    assert lonely is None or found[0].startswith(f"{lonely} has no anion beside it")
