"""Space groups in every spelling give their operations, or are refused: never P 1."""

import numpy as np
import pytest
import spglib
from ase.geometry import cellpar_to_cell
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlmd.base.errors import DlmdError
from dlmd.structures import spacegroups
from dlmd.structures.crystal import read_cif
from dlmd.structures.symmetry import Symmetry
from drawn_cifs import cubic, write_cif

CELLS = {
    "cubic": cubic(5.7),
    "tetragonal": (5.1, 5.1, 8.3, 90, 90, 90),
    "orthorhombic": (5.1, 6.2, 8.3, 90, 90, 90),
    "monoclinic b": (5.1, 6.2, 8.3, 90, 104, 90),
    "monoclinic c": (5.1, 6.2, 8.3, 90, 90, 104),
    "hexagonal": (9.1, 9.1, 22.7, 90, 90, 120),
    "rhombohedral": (7.2, 7.2, 7.2, 55, 55, 55),
}


def found(name, cell):
    return spacegroups.symmetries(
        {"_symmetry_space_group_name_h-m": name}, cellpar_to_cell(CELLS[cell]), where="test"
    )


@pytest.mark.parametrize(
    ("name", "cell", "hall_numbers"),
    [
        ("F m 3 m", "cubic", [523]),
        ("FM3M", "cubic", [523]),
        ("F 4/m 3bar 2/m", "cubic", None),
        ("F m -3 m", "cubic", [523]),
        ("F m -3 m No. 225", "cubic", [523]),
        ("Fm-3m (no.225)", "cubic", [523]),
        ("Fm\\bar3m", "cubic", [523]),
        ("Fm3-m", "cubic", [523]),
        ("Ia3d", "cubic", [530]),
        ("P a 3", "cubic", [501]),
        ("Fd-3mS", "cubic", [525]),
        ("F d -3 m Z", "cubic", [526]),
        ("F d 3 m :2", "cubic", [526]),
        ("F d -3 m (origin choice 1)", "cubic", [525]),
        ("F d -3 m", "cubic", [525, 526]),
        ("C2/m", "monoclinic b", [63]),
        ("C 2/m", "monoclinic b", [63]),
        ("C 1 2/m 1", "monoclinic b", [63]),
        ("B 1 1 2/m", "monoclinic c", None),
        ("B2/m", "monoclinic c", None),
        ("P 21/c", "monoclinic b", [81]),
        ("P2(1)/c", "monoclinic b", [81]),
        ("P2_1/c", "orthorhombic", [81]),
        ("R -3 c :H", "hexagonal", [460]),
        ("R -3 c (hexagonal axes)", "hexagonal", [460]),
        ("R -3 c hex. axes", "hexagonal", [460]),
        ("R -3 c (rhombohedral axes)", "rhombohedral", [461]),
        ("R-3cH", "hexagonal", [460]),
        ("R -3 c H", "hexagonal", [460]),
        ("R -3 c", "hexagonal", [460]),
        ("R -3 c", "rhombohedral", [461]),
        ("R3H", "hexagonal", [433]),
        ("P n m a", "orthorhombic", [292]),
        ("C m c a", "orthorhombic", [304]),
        ("P42/nmc :2", "tetragonal", [421]),
        ("P 4(2)/n m c Z", "tetragonal", [421]),
    ],
)
def test_spellings(name, cell, hall_numbers):
    if hall_numbers is None:
        count = {"cubic": 192, "monoclinic c": 8}[cell]
        assert [len(s) for s in found(name, cell)] == [count]
        return
    groups = found(name, cell)
    assert len(groups) == len(hall_numbers)
    for symmetry, number in zip(groups, hall_numbers, strict=True):
        expected = spglib.get_symmetry_from_database(number)
        np.testing.assert_array_equal(symmetry.rotations, expected["rotations"])
        np.testing.assert_allclose(symmetry.translations, expected["translations"])


def test_a_name_of_two_orthorhombic_settings_means_both():
    groups = spacegroups.symmetries({"_space_group_name_h-m_alt": "B m e m"}, np.eye(3) * 5, where="")
    assert len({group.keys for group in groups}) == 2


@settings(max_examples=300, derandomize=True, deadline=None, database=None, suppress_health_check=HealthCheck)
@given(number=st.integers(1, 530), how=st.sampled_from(["hall", "full", "no blanks", "underscores", "small"]))
def test_every_setting_of_the_tables_is_found_by_its_name_and_its_hall_symbol(number, how):
    kind = spglib.get_spacegroup_type(number)
    own = spglib.get_symmetry_from_database(number)
    expected = Symmetry("", own["rotations"].astype(float), own["translations"])
    name = kind.international.split("=")[-1].strip()
    if kind.choice in ("1", "2", "H", "R"):
        name += f" :{kind.choice}"
    if how == "hall":
        tags = {"_space_group_name_hall": kind.hall_symbol}
    else:
        text = {
            "full": name,
            "no blanks": name.replace(" ", ""),
            "underscores": name.replace(" ", "_"),
            "small": name.lower(),
        }[how]
        tags = {"_space_group_name_h-m_alt": text}
    # cells that every operation of the name fits, so that only the name decides
    if kind.number >= 195 or not any(digit in kind.pointgroup_international for digit in "36"):
        lattice = np.eye(3) * 5
    else:
        lattice = cellpar_to_cell(CELLS["rhombohedral" if kind.choice == "R" else "hexagonal"])
    groups = spacegroups.symmetries(tags, lattice, where="")
    assert expected.keys in [g.keys for g in groups]


@pytest.mark.parametrize("name", ["P -3 m", "F m q m", "Pnam2", "unknown", "C 4 2 1", "P 32 n"])
def test_a_name_that_is_not_understood_is_refused(tmp_path, name):
    path = write_cif(tmp_path, cubic(5.7), ["Na1 Na 0 0 0 1", "Cl1 Cl 0.5 0.5 0.5 1"], group=name)
    with pytest.raises(DlmdError, match=r"is not understood") as refused:
        read_cif(path)
    assert "symop_operation_xyz" in refused.value.remedy


def test_no_group_at_all_is_refused_and_p1_is_not(tmp_path):
    rows = ["Na1 Na 0 0 0 1", "Cl1 Cl 0.5 0.5 0.5 1"]
    with pytest.raises(DlmdError, match="no space group and no symmetry operations"):
        read_cif(write_cif(tmp_path, cubic(5.7), rows, group=None))
    assert len(read_cif(write_cif(tmp_path, cubic(5.7), rows, group="P1")).rotations) == 1


def test_operations_decide_where_the_name_is_not_understood(tmp_path):
    rows = ["Na1 Na 0.1 0.2 0.3 1", "Cl1 Cl 0.6 0.7 0.8 1"]
    path = write_cif(tmp_path, cubic(9.7), rows, group="nonsense", operations=["x,y,z", "-x,-y,-z"])
    assert [site.multiplicity for site in read_cif(path).sites] == [2, 2]


def test_operations_that_are_no_group_or_do_not_fit_the_cell_are_refused(tmp_path):
    rows = ["Na1 Na 0 0 0 1"]
    with pytest.raises(DlmdError, match="no group"):
        read_cif(write_cif(tmp_path, cubic(5), rows, operations=["x,y,z", "-y,x,z"]))
    with pytest.raises(DlmdError, match="do not fit the cell"):
        read_cif(write_cif(tmp_path, (5, 6, 7, 90, 90, 90), rows, operations=["x,y,z", "y,x,-z"]))
    with pytest.raises(DlmdError, match="does not fit the cell"):
        read_cif(write_cif(tmp_path, (5, 6, 7, 90, 90, 90), rows, group="F m -3 m"))
    with pytest.raises(DlmdError, match="is not understood"):
        read_cif(write_cif(tmp_path, cubic(5), rows, operations=["x,y,z", "one,two,three"]))
    with pytest.raises(DlmdError, match="'-x,-y,zz' is not understood"):
        read_cif(write_cif(tmp_path, cubic(5), rows, operations=["x,y,z", "-x,-y,zz"]))


def test_two_origins_are_told_apart_by_the_formula_or_refused(tmp_path):
    """Spinel LiMn2O4: Li on 8a, Mn on 16d; with the other origin the same coordinates are other sites."""
    rows = ["Li1 Li 0.125 0.125 0.125 1", "Mn1 Mn 0.5 0.5 0.5 1", "O1 O 0.2632 0.2632 0.2632 1"]
    spinel = read_cif(
        write_cif(tmp_path, cubic(8.24), rows, group="F d -3 m", tags=["_chemical_formula_sum 'Li Mn2 O4'"])
    )
    assert [site.multiplicity for site in spinel.sites] == [8, 16, 32]
    diamond = ["C1 C 0.125 0.125 0.125 1"]  # 8a of one origin, 16c of the other
    with pytest.raises(DlmdError, match="both fit what is printed"):
        read_cif(write_cif(tmp_path, cubic(12), diamond, group="F d -3 m"))


def test_a_list_without_its_centring_is_not_taken_for_the_whole_group(tmp_path):
    """Some programs list the operations of the primitive cell only; the number of formula units decides."""
    rows = ["Na1 Na 0 0 0 1", "Cl1 Cl 0.5 0.5 0.5 1"]
    one = ["x,y,z", "-x,-y,-z"]
    with pytest.raises(DlmdError, match="both fit what is printed"):
        read_cif(write_cif(tmp_path, (4, 5, 6, 90, 100, 90), rows, group="C 2/m", operations=one))
    tags = ["_chemical_formula_sum 'Na Cl'", "_cell_formula_units_Z 2"]
    salt = read_cif(
        write_cif(tmp_path, (4, 5, 6, 90, 100, 90), rows, group="C 2/m", operations=one, tags=tags)
    )
    assert [site.multiplicity for site in salt.sites] == [2, 2]


@pytest.mark.parametrize(
    ("tags", "cell", "hall_number"),
    [
        ({"number": "62", "code": "cab"}, "orthorhombic", 294),
        ({"number": "62", "code": "abc"}, "orthorhombic", 292),
        ({"name": "P n m a", "code": "cab"}, "orthorhombic", 294),
        ({"name": "P b n m", "number": "62", "code": "cab"}, "orthorhombic", 294),
        ({"number": "227", "code": "1"}, "cubic", 525),
        ({"name": "F d -3 m", "code": "2abc"}, "cubic", 526),
        ({"name": "R -3 m", "code": "h"}, "hexagonal", 458),
        ({"name": "C 2/m", "code": "b1"}, "monoclinic b", 63),
    ],
)
def test_a_code_of_the_tables_names_the_setting(tags, cell, hall_number):
    (symmetry,) = coded(tags, cell)
    wanted = spglib.get_symmetry_from_database(hall_number)
    assert symmetry.keys == Symmetry("", wanted["rotations"].astype(float), wanted["translations"]).keys


def coded(tags, cell):
    names = {"name": "_space_group_name_h-m_ref", "number": "_space_group_it_number"}
    names["code"] = "_space_group_it_coordinate_system_code"
    told = {names[key]: value for key, value in tags.items()}
    return spacegroups.symmetries(told, cellpar_to_cell(CELLS[cell]), where="test")


@pytest.mark.parametrize(
    "tags",
    [{"number": "62", "code": "xyz"}, {"name": "P b n m", "code": "abc"}, {"number": "225", "code": "2"}],
)
def test_a_code_of_no_setting_or_another_is_refused(tags):
    with pytest.raises(DlmdError, match="is no setting of"):
        coded(tags, "orthorhombic")


def test_a_hall_symbol_with_a_change_of_basis_is_not_taken_for_the_name():
    tags = {
        "_symmetry_space_group_name_h-m": "F m -3 m",
        "_symmetry_space_group_name_hall": "-F 4 2 3 (x+1/4,y+1/4,z+1/4)",
    }
    with pytest.raises(DlmdError, match="change of basis"):
        spacegroups.symmetries(tags, cellpar_to_cell(CELLS["cubic"]), where="test")
    tags["_symmetry_equiv_pos_as_xyz"] = ["x, y, z", "-x, -y, -z"]
    assert len(spacegroups.symmetries(tags, cellpar_to_cell(CELLS["cubic"]), where="test")[0]) == 2
