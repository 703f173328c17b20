"""CIFs as text: text fields, line ends, signs that are no ASCII, and what is stated twice."""

import pytest

from dlmd.base.errors import DlmdError
from dlmd.structures.crystal import read_cif
from drawn_cifs import cif_text, cubic, hexagonal, write_cif

HALITE = ["Na1 Na 0 0 0 0.9", "Cl1 Cl 0.5 0.5 0.5 1"]
TEXT = cif_text(cubic(5.64), HALITE, group="F m -3 m")


def content(folder, text):
    """Species -> atoms in the cell, and the number of operations."""
    path = folder / "some.cif"
    path.write_bytes(text.encode())
    crystal = read_cif(path)
    return {s: pytest.approx(n) for s, n in crystal.composition.items()}, len(crystal.rotations)


AS_WRITTEN = ({"Na": 3.6, "Cl": 4.0}, 192)


@pytest.mark.parametrize("line", ["data_reduction of 1999", "loop_", "_cell_length_a 99", "DATA_ x"])
def test_what_stands_in_a_text_field_is_no_data(tmp_path, line):
    field = f"_publ_section_comment\n;\n{line}\n;"
    assert content(tmp_path, TEXT.replace("data_drawn", f"data_drawn\n{field}")) == AS_WRITTEN


def test_line_ends_of_old_macintoshes(tmp_path):
    assert content(tmp_path, TEXT.replace("\n", "\r")) == AS_WRITTEN


@pytest.mark.parametrize(
    ("name", "cell", "operations"),
    [
        ("F m −3 m", cubic(5.64), 192),
        ("Fm3\u0305m", cubic(5.64), 192),
        ("P –3 m 1", hexagonal(11.2, 6.0), 12),
        ("P3\u0304m1", hexagonal(11.2, 6.0), 12),
        ("P\u00a0-3\u00a0m\u00a01", hexagonal(11.2, 6.0), 12),
    ],
)
def test_signs_of_word_processors_in_names(tmp_path, name, cell, operations):
    rows = ["Na1 Na 0 0 0 0.9", "Cl1 Cl 0 0 0.5 1"]
    assert content(tmp_path, cif_text(cell, rows, group=name))[1] == operations


def test_a_minus_sign_of_a_word_processor_is_a_minus(tmp_path):
    found, _ = content(tmp_path, cif_text((5, 6, 7, 90, 90, 90), ["Na1 Na −0.25 0 0 1", "Cl1 Cl 0.25 0 0 1"]))
    assert found == {"Na": 1.0, "Cl": 1.0}


def test_typographic_quotes_are_quotes(tmp_path):
    assert content(tmp_path, TEXT.replace("'F m -3 m'", "‘F m -3 m’")) == AS_WRITTEN


def test_two_lists_of_sites_are_refused_and_further_loops_of_one_list_are_not(tmp_path):
    second = (
        "loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nBr1 0 0 0\n"
    )
    with pytest.raises(DlmdError, match="two lists of atom sites"):
        content(tmp_path, TEXT + second)
    assert content(tmp_path, TEXT + "loop_\n_atom_site_label\n_atom_site_foo\nNa1 1\nCl1 2\n") == AS_WRITTEN


def test_a_cell_that_is_stated_twice_is_refused_where_it_differs(tmp_path):
    again = "_cell_length_a 5.64\n"
    assert content(tmp_path, TEXT.replace("_cell_length_a", again + "_cell_length_a", 1)) == AS_WRITTEN
    with pytest.raises(DlmdError, match=r"_cell_length_a is stated twice: 5\.7 and 5\.64"):
        content(tmp_path, TEXT.replace("_cell_length_a", "_cell_length_a 5.7\n_cell_length_a", 1))


def test_centrings_of_magnetic_files_multiply_their_operations(tmp_path):
    loop = "loop_\n_space_group_symop_magn_{0}.id\n_space_group_symop_magn_{0}.xyz\n{1}"
    operations = loop.format("operation", "1 x,y,z,+1\n2 -x,-y,-z,+1\n")
    centrings = loop.format(
        "centering", "1 x,y,z,+1\n2 x+1/2,y+1/2,z,-1\n3 x+1/2,y,z+1/2,-1\n4 x,y+1/2,z+1/2,+1\n"
    )
    text = cif_text(cubic(5.64), HALITE, group=None)
    found, number = content(tmp_path, text.replace("loop_", operations + centrings + "loop_", 1))
    assert (found, number) == ({"Na": 3.6, "Cl": 4.0}, 8)


def test_fractions_as_numbers_and_a_remedy_for_commas(tmp_path):
    rows = ["Na1 Na 0 0 0 9/10", "Cl1 Cl 1/2 -1/2 0.5 1"]
    assert content(tmp_path, cif_text(cubic(5.64), rows, group="F m -3 m")) == AS_WRITTEN
    with pytest.raises(DlmdError, match=r"write 5\.64, with a point"):
        content(tmp_path, TEXT.replace("_cell_length_a 5.64", "_cell_length_a 5,64"))


def test_what_is_wrong_with_an_occupancy_is_told_apart(tmp_path):
    repeated = [*HALITE, "Cl2 Cl 0.5 0 0 1"]
    with pytest.raises(DlmdError, match=r"rows that repeat .*\(Cl1/Cl2\).*'P 1'"):
        read_cif(write_cif(tmp_path, cubic(5.64), repeated, group="F m -3 m"))
    with pytest.raises(DlmdError, match="not per cent"):
        read_cif(write_cif(tmp_path, cubic(5.64), ["Na1 Na 0 0 0 90"], group="F m -3 m"))


def test_texts_and_lists_of_cif_2_are_no_data(tmp_path):
    more = '_text """said\nloop_\n_atom_site_fract_x\n0.3\n"""\n_list [1 2\n 3]\n_table {\'a\':1 \'b\':2}\n'
    text = TEXT.replace("data_drawn\n", f"data_drawn\n{more}")
    assert content(tmp_path, "#\\#CIF_2.0\n" + text) == AS_WRITTEN


def test_a_file_without_a_data_block_is_told_so(tmp_path):
    with pytest.raises(DlmdError, match="no line begins with data_") as caught:
        content(tmp_path, TEXT.replace("data_drawn\n", ""))
    assert caught.value.remedy == "is it a CIF? If so, put a line such as data_1 above its tags"
    assert content(tmp_path, TEXT.replace("data_drawn\n", "data_1\n")) == AS_WRITTEN


def test_a_row_that_lacks_a_value_is_told_so(tmp_path):
    with pytest.raises(DlmdError, match="do not fill whole rows") as caught:
        content(tmp_path, TEXT.replace("0 0 0 0.9", "0 0 0"))
    assert "one value for each column" in caught.value.remedy


def test_a_loop_of_one_cell_is_a_cell(tmp_path):
    lengths = "".join(f"_cell_length_{x} 5.64\n" for x in "abc")
    assert lengths in TEXT
    names = "".join(f"_cell_length_{x}\n" for x in "abc")
    assert content(tmp_path, TEXT.replace(lengths, f"loop_\n{names}5.64 5.64 5.64\n")) == AS_WRITTEN


@pytest.mark.parametrize(("tags", "said"), [("1", True), ("0", False), (".", False)])
def test_of_a_modulated_structure_the_average_is_read_and_it_is_said(tmp_path, tags, said):
    path = tmp_path / "some.cif"
    path.write_text(TEXT.replace("data_drawn\n", f"data_drawn\n_cell_modulation_dimension {tags}\n"))
    assert read_cif(path).notes == (("a modulated structure: its average is read, without the waves",) * said)


def test_lengths_in_nanometres_are_refused(tmp_path):
    with pytest.raises(DlmdError, match=r"no edge of the cell is longer than 0\.564 Å"):
        content(tmp_path, TEXT.replace("5.64", "0.564"))
