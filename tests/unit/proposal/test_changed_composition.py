"""A cell with another composition than the CIF's says so, in what is printed and in the config."""

from types import SimpleNamespace

from dlmd.proposal.filling import Filling
from dlmd.proposal.parts import changed_composition
from dlmd.structures.crystal import read_cif
from drawn_cifs import cubic, write_cif


def test_an_element_changed_by_more_than_a_twentieth(tmp_path):
    rows = ["Na1 Na 0 0 0 0.8", "K1 K 0.5 0.5 0.5 0.2", "Cl1 Cl 0.5 0 0 1"]
    crystal = read_cif(write_cif(tmp_path, cubic(4.5), rows))

    def cell(sodium, potassium):
        return Filling(crystal, (5, 5, 1), {"Na1": {"Na": sodium}, "K1": {"K": potassium}, "Cl1": {"Cl": 25}})

    near = SimpleNamespace(label=cell(20, 5), production=cell(21, 5))  # Na as asked, and 5 % more
    assert changed_composition(near) == []
    far = SimpleNamespace(label=cell(20, 5), production=cell(17, 8))
    (line,) = changed_composition(far)
    assert line.startswith("NOTE: Na -15 %, K +60 % in production")
