"""Ions that a CIF fills too near to each other are named, with their distance."""

import pytest

from dlmd.structures import contacts
from dlmd.structures.crystal import read_cif
from drawn_cifs import cubic, write_cif

CHARGES = {"K": 1, "Mg": 2, "F": -1}


def test_a_short_contact_of_unlike_ions_is_named(tmp_path):
    rows = ["K1 K 0 0 0 0.5", "F1 F 0.18 0 0 1", "K2 K 0.5 0.5 0.5 0.5"]
    crystal = read_cif(write_cif(tmp_path, (7.5, 7.5, 7.5, 90, 90, 90), rows))
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
    ],
)
def test_bonds_of_molecular_ions_are_contacts(tmp_path, rows, charges):
    assert contacts.notes(read_cif(write_cif(tmp_path, cubic(10), rows)), charges) == []
