"""Reading CIFs: sites, occupancies, symmetry, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.structures import spacegroups
from dlmd.structures.crystal import read_cif
from drawn_cifs import cubic, write_cif

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data" / "structures"

SALT = """data_salt
_symmetry_space_group_name_H-M 'P 1 2/m 1'
_cell_length_a 5.0
_cell_length_b 6.0
_cell_length_c 7.0
_cell_angle_alpha 90
_cell_angle_beta 100
_cell_angle_gamma 90
loop_
_symmetry_equiv_pos_as_xyz
'x, y, z'
'-x, y, -z'
'-x, -y, -z'
'x, -y, z'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
{rows}
"""


def cif(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "salt.cif"
    path.write_text(SALT.format(rows="\n".join(rows)))
    return path


@pytest.mark.parametrize(
    ("name", "sites"),
    [
        ("Li3TiCl6", {"Ti1": "2a", "Ti2": "4g", "Li1": "2d", "Li2": "4h", "Cl1": "4i", "Cl2": "8j"}),
        ("Li3InCl6", {"In1": "2a", "In2": "4g", "Li1": "2d", "Li2": "4h", "Cl1": "4i", "Cl2": "8j"}),
        (
            "Li3YCl6",
            {
                "Y1": "1a",
                "Y2": "2d",
                "Y3": "2d",
                "Li1": "6g",
                "Li2": "6h",
                "Cl1": "6i",
                "Cl2": "6i",
                "Cl3": "6i",
            },
        ),
        ("Li3YBr6", {"Y1/Li3": "2a", "Li1": "4g", "Li2/Y2": "4h", "Li4": "8j", "Br1": "4i", "Br2": "8j"}),
    ],
)
def test_the_shipped_crystals_have_their_sites(name, sites):
    crystal = read_cif(ROOT / "structures" / f"{name}.cif")
    assert {site.label: site.wyckoff for site in crystal.sites} == sites
    assert all(site.multiplicity == int(site.wyckoff[:-1]) for site in crystal.sites)


def test_occupancies_and_cell_are_kept_as_printed():
    crystal = read_cif(ROOT / "structures" / "Li3TiCl6.cif")
    assert crystal.cell_parameters == (6.350, 10.89, 6.353, 90.0, 110.1, 90.0)
    assert crystal.site("2a").occupancy == {"Ti": 0.754}
    assert crystal.site("Ti2").occupancy == {"Ti": 0.123}
    assert len(crystal.rotations) == 8
    np.testing.assert_allclose(
        np.linalg.det(crystal.lattice), 6.350 * 10.89 * 6.353 * np.sin(np.radians(110.1))
    )


def test_special_positions_printed_with_few_digits_are_met_exactly():
    positions = read_cif(ROOT / "structures" / "Li3YCl6.cif").site("Y2").positions
    assert sorted(map(tuple, np.round(positions, 12))) == [
        (round(1 / 3, 12), round(2 / 3, 12), 0.5),
        (round(2 / 3, 12), round(1 / 3, 12), 0.5),
    ]


def test_wyckoff_letters_come_from_spglib_where_the_cif_has_none(tmp_path):
    crystal = read_cif(cif(tmp_path, "Na1 Na 0 0 0 1", "Cl1 Cl 0.5 0.5 0.5 1"))
    assert [site.wyckoff for site in crystal.sites] == ["1a", "1h"]


def test_the_space_group_name_serves_where_operations_are_missing(tmp_path):
    text = SALT.format(rows="Na1 Na 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1").replace("P 1 2/m 1", "F m -3 m")
    text = text.replace("6.0", "5.0").replace("7.0", "5.0").replace("100", "90")
    start, end = text.index("loop_"), text.index("loop_", text.index("loop_") + 1)
    (tmp_path / "rocksalt.cif").write_text(text[:start] + text[end:])
    assert [site.wyckoff for site in read_cif(tmp_path / "rocksalt.cif").sites] == ["4a", "4b"]


def test_species_at_one_position_share_a_site(tmp_path):
    crystal = read_cif(cif(tmp_path, "Na1 Na 0 0 0 0.7", "K1 K 0 0 0 0.3", "Cl1 Cl 0.5 0.5 0.5 1"))
    shared = crystal.site("K1")
    assert shared.label == "Na1/K1" and shared.occupancy == {"Na": 0.7, "K": 0.3}
    assert crystal.species == ("Na", "K", "Cl")


def test_standard_uncertainties_are_read_over(tmp_path):
    crystal = read_cif(cif(tmp_path, "Na1 Na 0 0 0 0.754(12)", "Cl1 Cl 0.5 0.5 0.5 1"))
    assert crystal.site("Na1").occupancy == {"Na": 0.754}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["Na1 Na 0 0 0 1.2"], "occupancy 1.2 of Na is not in"),
        (["Na1 Na 0 0 0 0.8", "K1 K 0 0 0 0.4"], "add up to 1.2"),
        (["Na1 Na 0 0 0 1", "Na2 Na 0.05 0 0 1"], "overlapping sites"),
        (["Na1 Na 0.04 0 0 0.6"], "overlapping sites: Na1 and Na1"),
        (["Na1 Na 0 0 0 many"], "not a number"),
        (["Xx1 Xx 0 0 0 1"], "not a chemical element"),
    ],
)
def test_impossible_sites_are_refused(tmp_path, rows, message):
    with pytest.raises(DlmdError, match=message):
        read_cif(cif(tmp_path, *rows))


def test_split_positions_that_share_one_atom_are_accepted(tmp_path):
    site = read_cif(cif(tmp_path, "Na1 Na 0.04 0 0 0.5", "Cl1 Cl 0.5 0.5 0.5 1")).site("Na1")
    assert site.multiplicity == 2


@pytest.mark.parametrize(("printed", "count"), [("24", 24), ("12", 12), ("", 12)])
def test_halves_nearer_than_rounding_are_apart_where_the_multiplicity_says_so(tmp_path, printed, count):
    """0.03 Å off a mirror plane of P m -3: one place by distance, two by the printed multiplicity."""
    columns = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy", "symmetry_multiplicity")
    rows = [f"Li1 Li 0.0015 0.2 0.3 0.1 {printed or '?'}", "Cl1 Cl 0.5 0.5 0.5 1 1"]
    crystal = read_cif(write_cif(tmp_path, cubic(10.0), rows, group="P m -3", columns=columns))
    assert crystal.site("Li1").multiplicity == count
    assert crystal.site("Li1").wyckoff == ("24l" if count == 24 else "12j")
    assert len(crystal.notes) == (count == 24)


def test_a_wrong_multiplicity_is_refused(tmp_path):
    text = (ROOT / "structures" / "Li3TiCl6.cif").read_text().replace("Ti2 Ti 4 g", "Ti2 Ti 8 g")
    (tmp_path / "wrong.cif").write_text(text)
    with pytest.raises(DlmdError, match="multiplicity 8 is printed, the symmetry operations give 4"):
        read_cif(tmp_path / "wrong.cif")


def test_missing_and_unreadable_files_say_so(tmp_path):
    (tmp_path / "Li3TiCl6.cif").write_text("nothing here")
    with pytest.raises(DlmdError, match="no such file") as missing:
        read_cif(tmp_path / "Li3TiCl.cif")
    assert "did you mean 'Li3TiCl6.cif'" in str(missing.value)
    with pytest.raises(DlmdError, match=r"unreadable CIF|no atom sites|no data block"):
        read_cif(tmp_path / "Li3TiCl6.cif")


def test_a_site_name_that_fits_none_or_several_is_refused():
    crystal = read_cif(ROOT / "structures" / "Li3YCl6.cif")
    with pytest.raises(DlmdError, match="'2d' names 2 sites") as several:
        crystal.site("2d")
    assert "Y2, Y3" in str(several.value)
    with pytest.raises(DlmdError, match="no site '2c'"):
        crystal.site("2c")


def test_operations_that_are_numbered_and_a_crystal_without_wyckoff_letters_are_read(tmp_path):
    """The layout of pymatgen's files: a column of numbers before the operations, quoted formulas, parts of occupancies."""
    operations = ["x, y, z", "-x, -y, -z", "-x, y, -z", "x, -y, z"]
    operations += ["x+1/2, y+1/2, z", "-x+1/2, -y+1/2, -z", "-x+1/2, y+1/2, -z", "x+1/2, -y+1/2, z"]
    atoms = """Li Li0 4 0.0 0.16 0.5 1.0
  Li Li1 2 0.0 0.5 0.5 1.0
  In In2 4 0.0 0.33 0.0 0.07
  In In3 2 0.0 0.0 0.0 0.875
  Cl Cl4 8 0.236 0.16 0.231 1.0
  Cl Cl5 4 0.245 0.0 0.761 1.0"""
    columns = ["type_symbol", "label", "symmetry_multiplicity", "fract_x", "fract_y", "fract_z", "occupancy"]
    lengths = dict(zip("abc", (6.4, 11.1, 6.4), strict=True))
    angles = {"alpha": 90, "beta": 109.8, "gamma": 90}
    (tmp_path / "numbered.cif").write_text(
        "\n".join(
            [
                "# made by a program",
                "data_Li6In2.03Cl12",
                "_symmetry_space_group_name_H-M   C2/m",
                *(f"_cell_length_{name}   {value:.8f}" for name, value in lengths.items()),
                *(f"_cell_angle_{name}   {value:.8f}" for name, value in angles.items()),
                "_symmetry_Int_Tables_number   12",
                "_chemical_formula_sum   'Li6 In2.03 Cl12'",
                "loop_\n _symmetry_equiv_pos_site_id\n _symmetry_equiv_pos_as_xyz",
                *(f"  {k}  '{text}'" for k, text in enumerate(operations, start=1)),
                "loop_",
                *(f" _atom_site_{name}" for name in columns),
                f"  {atoms}\n",
            ]
        )
    )
    crystal = read_cif(tmp_path / "numbered.cif")
    found = {site.label: (site.wyckoff, sum(site.occupancy.values())) for site in crystal.sites}
    assert found == {
        **{"Li0": ("4h", 1.0), "Li1": ("2d", 1.0), "In2": ("4g", 0.07), "In3": ("2a", 0.875)},
        **{"Cl4": ("8j", 1.0), "Cl5": ("4i", 1.0)},
    }
    assert sum(site.multiplicity for site in crystal.sites) == 24


@pytest.mark.skipif(not DATA.is_dir(), reason="reference data not present")
@pytest.mark.parametrize(("name", "count"), [("de5", 24), ("ei3", 35), ("elz", 30), ("9wf", 44)])
def test_published_cifs_are_read(name, count):
    crystal = read_cif(DATA / f"{name}.cif")
    assert sum(site.multiplicity for site in crystal.sites) == count


def test_refined_occupancies_a_little_above_one_are_scaled_and_said(tmp_path):
    rows = ["Na1 Na 0 0 0 0.71", "K1 K 0 0 0 0.31", "Cl1 Cl 0.5 0.5 0.5 1.02"]
    crystal = read_cif(write_cif(tmp_path, cubic(5.6), rows))
    assert crystal.site("Na1").occupancy == pytest.approx({"Na": 0.71 / 1.02, "K": 0.31 / 1.02})
    assert crystal.site("Cl1").occupancy == {"Cl": 1.0}
    assert sum("scaled to a full site" in note for note in crystal.notes) == 2


def test_split_positions_a_little_above_one_are_read_and_said(tmp_path):
    rows = ["Na1 Na 0.02 0 0 0.54", "Na2 Na 0.98 0 0 0.54", "Cl1 Cl 0.5 0.5 0.5 1"]
    crystal = read_cif(write_cif(tmp_path, cubic(8.0), rows))
    assert [note for note in crystal.notes if "0.32 Å apart and hold 1.08 atoms together" in note]


def test_a_group_without_a_name_is_named_by_its_number(tmp_path):
    rows = ["Na1 Na 0 0 0 1", "Cl1 Cl 0.5 0.5 0.5 1"]
    numbered = write_cif(tmp_path, cubic(5.6), rows, group=None, tags=["_symmetry_Int_Tables_number 1"])
    assert read_cif(numbered).spacegroup == "number 1 of the International Tables"
    by_operations = {"_symmetry_equiv_pos_as_xyz": ["x,y,z", "-x,-y,-z"]}
    symmetry = spacegroups.listed(by_operations, "here")
    assert symmetry is not None
    assert spacegroups.stated_name(by_operations, symmetry) == "number 2 of the International Tables"
