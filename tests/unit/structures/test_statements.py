"""A CIF that states its space group twice, differently, is refused unless its operations decide."""

import pytest

from dlmd.base.errors import DlmdError
from dlmd.structures.crystal import read_cif
from drawn_cifs import cubic, write_cif

ROWS = ["K1 K 0 0 0 1", "Br1 Br 0.5 0.5 0.5 1"]


def read(folder, tags, **options):
    return read_cif(write_cif(folder, cubic(6.6), ROWS, tags=tags, **options))


@pytest.mark.parametrize(
    ("group", "tags"),
    [
        ("F m -3 m", ["_symmetry_space_group_name_Hall 'P 1'"]),
        ("P 1", ["_symmetry_space_group_name_Hall '-F 4 2 3'"]),
        ("P 1", ["_symmetry_Int_Tables_number 225"]),
        ("P -1", ["_space_group_IT_number 1"]),
        ("F m -3 m", ["_space_group_IT_number 221"]),
        ("F m -3 m", ["_space_group_name_H-M_alt 'P 1'"]),
        ("F d -3 m :2", ["_space_group_name_Hall 'F 4d 2 3 -1d'"]),
        (None, ["_space_group_name_Hall 'P 1'", "_space_group_IT_number 225"]),
    ],
)
def test_contradicting_statements_are_refused(tmp_path, group, tags):
    with pytest.raises(DlmdError, match="stated twice, differently") as caught:
        read(tmp_path, tags, group=group)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("group", "tags"),
    [
        ("Fm3m", ["_symmetry_space_group_name_Hall '-F 4 2 3'", "_symmetry_Int_Tables_number 225"]),
        ("F m -3 m", ["_space_group_name_H-M_alt 'F 4/m -3 2/m'", "_space_group_IT_number 225"]),
        ("F m -3 m", ["_symmetry_space_group_name_Hall '?'", "_space_group_IT_number ."]),
    ],
)
def test_spellings_of_one_group_agree(tmp_path, group, tags):
    crystal = read(tmp_path, tags, group=group)
    assert crystal.composition == {"K": 4, "Br": 4}
    assert crystal.notes == ()


def test_operations_decide_and_it_is_said(tmp_path):
    crystal = read(tmp_path, ["_symmetry_Int_Tables_number 225"], group="P 1", operations=["x, y, z"])
    assert crystal.composition == {"K": 1, "Br": 1}
    assert "_symmetry_int_tables_number '225' contradicts the 1 listed operations" in crystal.notes[0]


def test_operations_that_agree_with_neither_are_refused(tmp_path):
    with pytest.raises(DlmdError, match="stated twice, differently"):
        read(tmp_path, ["_symmetry_Int_Tables_number 225"], group="P 1", operations=["x, y, z", "-x, -y, -z"])
