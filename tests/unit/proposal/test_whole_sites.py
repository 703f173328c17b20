"""Sites that a cell empties or fills are named, in what is printed and in the config, with what that does to the composition."""

from types import SimpleNamespace

from dlmd.proposal.filling import Filling
from dlmd.proposal.parts import remarks, whole_sites
from dlmd.structures.crystal import read_cif
from drawn_cifs import cubic, write_cif


def cells(tmp_path):
    rows = ["Na1 Na 0 0 0 0.9", "Na2 Na 0.5 0.5 0.5 0.1", "Cl1 Cl 0.5 0 0 1"]
    crystal = read_cif(write_cif(tmp_path, cubic(4.5), rows))

    def cell(first, second):
        return Filling(crystal, (5, 5, 1), {"Na1": {"Na": first}, "Na2": {"Na": second}, "Cl1": {"Cl": 25}})

    return cell


def test_a_site_emptied_in_both_cells_is_one_line(tmp_path):
    cell = cells(tmp_path)
    (line,) = whole_sites(SimpleNamespace(label=cell(25, 0), production=cell(25, 0)))
    assert line == (
        "NOTE: none on Na2 (1d, 0.1 in the CIF), Na1 (1a, 0.9 in the CIF) full in the label cell and production; "
        "the composition is the CIF's"
    )


def test_the_change_of_composition_is_said_and_what_is_as_refined_is_not(tmp_path):
    cell = cells(tmp_path)
    design = SimpleNamespace(label=cell(24, 0), production=cell(22, 3))
    (line,) = whole_sites(design)
    assert line == "NOTE: none on Na2 (1d, 0.1 in the CIF) in the label cell; composition Na -4.0%"
    assert remarks(design) == [line]
