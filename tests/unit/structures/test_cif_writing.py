"""A crystal that is written as a CIF reads as the same crystal."""

import numpy as np
import pytest

import conductors
from dlmd.structures import cif_writing
from dlmd.structures.crystal import read_cif
from drawn_cifs import cubic, write_cif


def again(crystal, folder):
    path = folder / "again.cif"
    path.write_text(cif_writing.text(crystal, comments=["a comment"]), encoding="utf-8")
    return read_cif(path)


def same(a, b):
    assert [s.label for s in a.sites] == [s.label for s in b.sites]
    assert [s.wyckoff for s in a.sites] == [s.wyckoff for s in b.sites]
    assert [dict(s.occupancy) for s in a.sites] == [
        pytest.approx(dict(s.occupancy), abs=1e-6) for s in b.sites
    ]
    assert a.cell_parameters == b.cell_parameters
    assert a.formula == b.formula
    assert len(a.rotations) == len(b.rotations)
    for s, t in zip(a.sites, b.sites, strict=True):
        apart = s.positions[:, None] - t.positions[None]
        assert np.linalg.norm(apart - np.round(apart), axis=2).min(axis=1).max() < 1e-6


@pytest.mark.parametrize("name", sorted(conductors.CONDUCTORS))
def test_it_reads_as_the_same_crystal(tmp_path, name):
    crystal = read_cif(conductors.write(tmp_path, name))
    same(crystal, again(crystal, tmp_path))


def test_labels_beyond_the_species_and_odd_ones_are_kept(tmp_path):
    rows = ["'Li1 a' Li 0 0 0 0.25", "Li1' Li 0 0 0 0.25", "_Na Na 0 0 0 0.5", "Cl1 Cl 0.5 0.5 0.5 1"]
    tags = ["_chemical_formula_sum 'Li0.5 Na0.5 Cl1'"]
    crystal = read_cif(write_cif(tmp_path, cubic(5.2), rows, group="P m -3 m", tags=tags))
    same(crystal, again(crystal, tmp_path))
