"""Sites are told by their coordinates where a Wyckoff letter hangs on the origin."""

import pytest

from dlmd.base.errors import DlmdError
from dlmd.proposal.parts import letters
from dlmd.structures.crystal import read_cif

CIF = """data_{name}
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M '{group}'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
{rows}
"""
SPINEL = """Li1 Li 0.125 0.125 0.125 1
Li2 Li 0.5 0.5 0.5 0.1667
Ti1 Ti 0.5 0.5 0.5 0.8333
O1 O 0.2624 0.2624 0.2624 1"""
SALT = """Li1 Li 0 0 0 0.5
Na1 Na 0 0 0 0.5
Cl1 Cl 0.5 0.5 0.5 1"""


def read(folder, **words):
    path = folder / "drawn.cif"
    path.write_text(CIF.format(name="drawn", **words))
    return read_cif(path)


def test_a_spinel_s_letters_are_shown_with_coordinates(tmp_path):
    spinel = read(tmp_path, a=8.359, group="F d -3 m :2", rows=SPINEL)
    (line,) = letters(spinel)
    site = spinel.site("Ti1")
    assert line.endswith(f"Li2/Ti1 ({site.wyckoff}) at 0.5 0.5 0.5") and "Li1 (" not in line
    with pytest.raises(DlmdError) as error:
        spinel.site("16e")
    assert f"Li2/Ti1 on {site.wyckoff} at 0.5 0.5 0.5" in error.value.remedy


def test_letters_by_the_cif_s_origin_are_not(tmp_path):
    assert letters(read(tmp_path, a=5.64, group="F m -3 m", rows=SALT)) == []
