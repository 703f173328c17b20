from pathlib import Path

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.mechanism.site_lattice import site_lattice
from dlmd.structures.crystal import read_cif
from small_crystals import crystal

STRUCTURES = Path(__file__).parents[3] / "structures"
CHARGES = {"Li": 1, "Ti": 3, "Y": 3, "In": 3, "Cl": -1, "Br": -1, "Na": 1, "F": -1}


def lattice(name):
    return site_lattice(read_cif(STRUCTURES / f"{name}.cif"), mobile="Li", charges=CHARGES)


def counts(found):
    return {t.label: int((found.type_of_site == k).sum()) for k, t in enumerate(found.types)}


def test_octahedra_and_tetrahedra_of_li3ticl6():
    found = lattice("Li3TiCl6")
    assert counts(found) == {
        "oct 2a": 2, "oct 4g": 4, "oct 2d": 2, "oct 4h": 4,
        "tet 8j (1)": 8, "tet 8j (2)": 8, "tet 4i (1)": 4, "tet 4i (2)": 4,
    }  # fmt: skip
    assert [t.resting for t in found.types] == [True] * 4 + [False] * 4
    assert [t.crystal for t in found.types] == [True] * 4 + [False] * 4


def test_layers_of_li3ticl6_are_found_along_c_star_and_named_by_what_is_in_them():
    found = lattice("Li3TiCl6")
    assert found.stacking.axis == 2
    assert found.stacking.names == ("Ti layer", "Li layer")
    assert np.allclose(found.stacking.heights, [0, 0.5])
    layer = {t.label: set(found.layer_of_site[found.type_of_site == k]) for k, t in enumerate(found.types)}
    assert layer["oct 2a"] == layer["oct 4g"] == {0}
    assert layer["oct 2d"] == layer["oct 4h"] == {1}
    assert layer["tet 8j (1)"] == {-1}


def test_a_site_full_of_host_cations_is_none_and_an_octahedron_that_the_cif_leaves_out_is_one():
    found = lattice("Li3YCl6")
    labels = counts(found)
    assert "oct 1a" not in labels
    assert labels["oct 1b"] == 1
    assert next(t for t in found.types if t.label == "oct 1b").resting
    assert found.stacking.axis == 2


def test_tetrahedra_in_the_cif_make_all_tetrahedra_resting_sites():
    assert all(t.resting for t in lattice("Li3YBr6").types)


def rock_salt(content):
    fcc = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    sites = {"M": (content, (fcc + np.array([0.5, 0, 0])) % 1.0), "X": ({"F": 1.0}, fcc)}
    return crystal(sites, lattice=[5.0] * 3)


def test_a_cubic_crystal_has_no_layers():
    found = site_lattice(rock_salt({"Na": 1.0}), mobile="Na", charges=CHARGES)
    assert found.stacking is None
    assert (found.layer_of_site == -1).all()
    assert sum(t.shape == "tet" for t in found.types) == 8


def test_no_site_for_the_ion_is_an_error():
    with pytest.raises(DlmdError, match="no site for Li"):
        site_lattice(rock_salt({"Na": 1.0}), mobile="Li", charges=CHARGES)


def test_sites_of_several_mobile_elements_are_those_of_all(tmp_path):
    """Na in the place of Li on one site: with both mobile the sites are those of Li alone, and none holds a host cation more."""
    original = STRUCTURES / "Li3TiCl6.cif"
    text = (
        original.read_text()
        .replace("Li1 Li 2 d", "Na1 Na 2 d")
        .replace("'Li6 Ti2 Cl12'", "'Li4 Na2 Ti2 Cl12'")
    )
    (tmp_path / "two.cif").write_text(text)
    one = lattice("Li3TiCl6")
    both = site_lattice(read_cif(tmp_path / "two.cif"), mobile="Li,Na", charges=CHARGES)
    assert sorted(t.label for t in both.types) == sorted(t.label for t in one.types)
    assert len(both.host_cations) == len(one.host_cations)
    assert sorted(both.stacking.names) == sorted(
        n.replace("Li layer", "Li and Na layer") for n in one.stacking.names
    )
