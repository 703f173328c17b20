"""Lithium that cages cannot hold goes to a free tetrahedron, with the composition of the CIF, and only where it must."""

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.proposal import free_sites, hops
from dlmd.proposal.design import design
from dlmd.proposal.wishes import Wishes
from dlmd.structures.crystal import read_cif
from drawn_cifs import cubic, write_cif

CHARGES = {"Li": 1.0, "P": 5.0, "Ge": 4.0, "S": -2.0, "I": -1.0}


def argyrodite(folder, x, *, cage):
    """Li6+xP1-xGexS5I with all lithium on 24 cages of three halves each (48h twice, 24g)."""
    rows = [
        f"Li1 Li 0.0222 0.2009 0.7991 {cage[0]}",
        f"Li2 Li 0.0119 0.25 0.75 {cage[1]}",
        *([f"P1 P 0 0 0.5 {1 - x:g}"] if x < 1 else []),
        *([f"Ge1 Ge 0 0 0.5 {x:g}"] if x > 0 else []),
        "S1 S 0.1216 0.1216 0.3784 1",
        "S2 S 0.25 0.25 0.75 1",
        "I1 I 0 0 0 1",
    ]
    return write_cif(folder, cubic(10.26), rows, group="F -4 3 m", name="argyrodite")


def test_what_cages_cannot_hold_is_on_16e_and_the_composition_stays(tmp_path):
    cif = argyrodite(tmp_path, 0.6, cage=(0.35, 0.4))  # 26.4 Li on 24 cages
    made = design(cif, Wishes(), beside=tmp_path)
    path, option = made.completed
    added = made.crystal.site("Li_free")
    assert added.wyckoff == "16e"
    assert np.abs(added.positions - 0.143).max(axis=1).min() < 0.01
    assert added.occupancy["Li"] * 16 == pytest.approx(2.4, abs=1e-3)
    assert read_cif(path).composition == pytest.approx(read_cif(cif).composition, abs=1e-3)
    # both sites of a cage give alike, and hold one ion together
    cage = [made.crystal.site(label).occupancy["Li"] for label in ("Li1", "Li2")]
    assert 2 * cage[0] + cage[1] == pytest.approx(1, abs=1e-4)
    assert cage[0] / cage[1] == pytest.approx(0.35 / 0.4, abs=1e-3)
    assert made.production.composition["Li"] * 4 == pytest.approx(
        26.4 * made.production.composition["I"], abs=2
    )
    assert made.distances["Li-Li"] > 1.9
    # as without the added site, which is 1.9 Å from its neighbours
    assert made.hop == hops.hop(read_cif(cif), CHARGES, "Li")
    assert made.distances["Li-S"] > 2.2
    assert "2.4 of 26.4 Li per cell (9.1%)" in made.added[0]
    assert "Li 0.3182 for 0.35 on Li1" in made.added[0]
    assert path.parent == tmp_path
    assert "--as-listed" in made.added[0]
    assert option.share == pytest.approx(2.4 / 26.4, abs=1e-4)


def test_nothing_is_added_where_there_is_room(tmp_path):
    cif = argyrodite(tmp_path, 0.0, cage=(0.3, 0.4))  # 24 Li on 24 cages
    made = design(cif, Wishes(), beside=tmp_path)
    assert made.completed is None
    assert made.added == ()
    assert [path.name for path in tmp_path.iterdir()] == [cif.name]
    assert free_sites.options(made.crystal, made.charges, "Li") == []


@pytest.mark.parametrize(
    ("x", "cage", "wishes"),
    [
        (0.6, (0.35, 0.4), Wishes(as_listed=True)),
        (1.0, (0.4, 0.367), Wishes()),  # Li7: 28 on 24 cages, a seventh of all
    ],
)
def test_without_leave_and_beyond_an_eighth_it_is_refused_as_before(tmp_path, x, cage, wishes):
    cif = argyrodite(tmp_path, x, cage=cage)
    with pytest.raises(DlmdError, match="where one has room"):
        design(cif, wishes, beside=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [cif.name]


def test_an_equal_file_is_kept_and_another_is_not_overwritten(tmp_path):
    cif = argyrodite(tmp_path, 0.6, cage=(0.35, 0.4))
    (option, *_) = free_sites.options(read_cif(cif), CHARGES, "Li")
    first = free_sites.write(option, tmp_path)
    assert free_sites.write(option, tmp_path) == first
    first.write_text("mine", encoding="utf-8")
    second = free_sites.write(option, tmp_path)
    assert second != first
    assert first.read_text(encoding="utf-8") == "mine"
    assert read_cif(second).site("Li_free").multiplicity == 16


def test_hosts_that_have_no_room_get_no_site(tmp_path):
    rows = ["Li1 Li 0 0 0 1", "S1 S 0.5 0.5 0.5 0.7", "S2 S 0.5 0.5 0.8 0.7"]
    crystal = read_cif(write_cif(tmp_path, cubic(5.0), rows))
    assert free_sites.options(crystal, {"Li": 1.0, "S": -1.0}, "Li") == []
