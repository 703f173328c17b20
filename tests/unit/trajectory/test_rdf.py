"""RDFs against exact lattices and an ideal gas; van Hove functions against a known displacement."""

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.trajectory import rdf

TRICLINIC = np.array([[12.0, 0, 0], [3, 13, 0], [-2, 1, 14]])


def rock_salt(n=3, a=5.0):
    sites = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    cells = np.array(list(np.ndindex(n, n, n)))
    na = (cells[:, None] + sites).reshape(-1, 3) * a
    return (
        np.concatenate([na, na + np.array([a / 2, 0, 0])]),
        ["Na"] * len(na) + ["Cl"] * len(na),
        np.eye(3) * n * a,
    )


def test_neighbour_shells_of_rock_salt():
    positions, symbols, cell = rock_salt()
    found = rdf.rdfs(positions[None], symbols, cell=cell, r_max_angstrom=4.5)
    assert found.coordination["Na", "Cl"][np.searchsorted(found.r_a, 3.0)] == pytest.approx(6)
    assert found.coordination["Na", "Na"][np.searchsorted(found.r_a, 4.0)] == pytest.approx(12)
    assert found.coordination["Na", "Cl"][-1] == pytest.approx(6 + 8)
    assert found.first_peak_a("Cl-Na") == pytest.approx(2.5, abs=rdf.BIN_WIDTH_A)


def test_triclinic_cell_by_brute_force():
    rng = np.random.default_rng(1)
    positions = rng.random((1, 40, 3)) @ TRICLINIC
    found = rdf.rdfs(positions, ["Li"] * 40, cell=TRICLINIC)
    images = np.array(list(np.ndindex(3, 3, 3)) - np.array([1, 1, 1])) @ TRICLINIC
    separations = positions[0][:, None] - positions[0][None]
    distances = np.linalg.norm(separations[:, :, None] + images, axis=-1).min(axis=-1)
    edge = len(found.r_a) * rdf.BIN_WIDTH_A
    expected = (distances[~np.eye(40, dtype=bool)] < edge).sum() / 40
    assert found.coordination["Li", "Li"][-1] == pytest.approx(expected)


def test_orientation_images_and_handedness_do_not_matter():
    from scipy.spatial.transform import Rotation

    rng = np.random.default_rng(2)
    positions = rng.random((2, 60, 3)) @ TRICLINIC
    symbols = ["Li"] * 20 + ["Cl"] * 40
    expected = rdf.rdfs(positions, symbols, cell=TRICLINIC)
    rotation = Rotation.random(random_state=3).as_matrix()
    moved = (positions + rng.integers(-2, 3, (2, 60, 3)) @ TRICLINIC) @ rotation
    found = rdf.rdfs(moved, symbols, cell=(TRICLINIC @ rotation)[[1, 0, 2]])
    for pair, g in expected.g.items():
        # a distance on the edge of a bin may fall on either side of it
        assert np.abs(np.cumsum(found.g[pair] - g)).max() < 0.05 * np.cumsum(g).max()


def test_ideal_gas_is_one_for_few_atoms():
    rng = np.random.default_rng(4)
    positions = rng.random((4000, 5, 3)) @ TRICLINIC
    found = rdf.rdfs(positions, ["Li"] * 2 + ["Cl"] * 3, cell=TRICLINIC)
    shells = np.diff((np.arange(len(found.r_a) + 1) * rdf.BIN_WIDTH_A) ** 3)
    for pair, g in found.g.items():
        assert np.average(g, weights=shells) == pytest.approx(1, abs=0.06), pair


def test_long_range_is_refused_with_the_limit():
    positions, symbols, cell = rock_salt()
    with pytest.raises(DlmdError, match=r"half the cell's smallest width \(7.500"):
        rdf.rdfs(positions[None], symbols, cell=cell, r_max_angstrom=7.6)


def test_default_range_of_a_cell_whose_half_width_is_a_whole_number_of_bins():
    positions, symbols, cell = rock_salt(n=2)
    assert rdf.rdfs(positions[None], symbols, cell=cell).r_a[-1] < 5


def test_nan_and_wrong_shapes_are_refused():
    positions, symbols, cell = rock_salt()
    with pytest.raises(DlmdError, match="NaN"):
        rdf.rdfs(np.full((1, len(symbols), 3), np.nan), symbols, cell=cell)
    with pytest.raises(DlmdError, match="expected"):
        rdf.rdfs(positions[None, :-1], symbols, cell=cell)


def flat(values):
    r = np.arange(len(values)) * 0.1 + 0.05
    return rdf.RdfSet(r_a=r, g={"A-A": np.array(values, dtype=float)}, coordination={}, n_frames=1)


def test_difference_of_equal_disjoint_and_shifted_sets():
    assert rdf.difference(flat([0, 1, 2]), flat([0, 1, 2]))["mean"] == 0
    assert rdf.difference(flat([2, 0, 0]), flat([0, 0, 5]))["mean"] == 1
    # |1-2| + |1-0| over 1+2+1+0
    assert rdf.difference(flat([1, 1]), flat([2, 0]))["pairs"]["A-A"] == pytest.approx(0.5)
    # only the bins that both have
    assert rdf.difference(flat([1, 1, 7]), flat([1, 1]))["mean"] == 0


def test_difference_names_what_does_not_match():
    other = rdf.RdfSet(r_a=flat([1, 1]).r_a, g={"A-B": np.ones(2)}, coordination={}, n_frames=1)
    with pytest.raises(DlmdError, match="A-A and A-B"):
        rdf.difference(flat([1, 1]), other)
    coarse = rdf.RdfSet(r_a=np.array([0.1, 0.3]), g={"A-A": np.ones(2)}, coordination={}, n_frames=1)
    with pytest.raises(DlmdError, match="bins of"):
        rdf.difference(flat([1, 1]), coarse)


def test_table_holds_every_pair_of_every_set():
    names, values = rdf.table({"MD": flat([1, 2, 3]), "AIMD": flat([4, 5])})
    assert names == ["r_a", "A-A MD", "A-A AIMD"]
    assert values.tolist() == [[0.05, 1, 4], [pytest.approx(0.15), 2, 5]]


def test_van_hove_of_a_known_displacement():
    rng = np.random.default_rng(5)
    start = rng.random((30, 3)) @ TRICLINIC
    velocity = np.array([0.31, 0.0, 0.0])
    positions = start + np.arange(11)[:, None, None] * velocity
    found = rdf.van_hove(positions, cell=TRICLINIC, frame_interval_ps=0.5, lags=[0, 3])
    assert found.lags_ps.tolist() == [0, 1.5]
    assert found.r_a[found.self_per_a[1].argmax()] == pytest.approx(0.93, abs=rdf.BIN_WIDTH_A)
    assert found.self_per_a.sum(axis=1) * rdf.BIN_WIDTH_A == pytest.approx([1, 1])
    # at lag 0 the distinct part is the RDF
    g = rdf.rdfs(positions[:1], ["Li"] * 30, cell=TRICLINIC).g["Li-Li"]
    assert found.distinct[0] == pytest.approx(g)


def test_van_hove_distinct_sees_an_ion_arrive_where_another_was():
    # two ions 3 Å apart exchange along a ring of length 12: after one step each sits where the other was
    cell = np.eye(3) * 12
    positions = np.array([[[0, 0, 0], [3, 0, 0]], [[3, 0, 0], [0, 0, 0]]], dtype=float)
    found = rdf.van_hove(positions, cell=cell, frame_interval_ps=1, lags=[0, 1], r_max_angstrom=4)
    assert found.distinct[0].argmax() == pytest.approx(3 / rdf.BIN_WIDTH_A, abs=1)
    assert found.distinct[1].argmax() == 0


def test_van_hove_refuses_lags_beyond_the_run():
    with pytest.raises(DlmdError, match="11 frames"):
        rdf.van_hove(np.zeros((11, 2, 3)), cell=np.eye(3), frame_interval_ps=1, lags=[11])
