from itertools import permutations, product

import numpy as np
import pytest

from dlmd.mechanism.hops import classes, directions, hops, stays
from dlmd.mechanism.site_visits import visits
from dlmd.trajectory.trajectory import Trajectory
from jumping import SPACING, cubic, network

DT = 0.1


def follow(sites, *paths):
    positions = np.stack([np.asarray(p, float) for p in paths], axis=1)
    run = Trajectory.from_arrays(positions, frame_interval_ps=DT, cell=sites.cell)
    found = visits(sites, run, core_fraction=0.3)
    return found, hops(sites, found)


def triangle():
    """Two resting sites 4 Å apart with a site of passage beside their middle, in two layers."""
    return network(
        [[0, 5, 5], [4, 5, 5], [2, 6.2, 5]],
        [20.0, 12.0, 12.0],
        types=("oct", "tet"),
        kind=[0, 0, 1],
    )


A, T, B = [0, 5, 5], [2, 6.2, 5], [4, 5, 5]


def test_a_visit_to_a_site_of_passage_is_the_way_of_a_hop():
    _, table = follow(triangle(), [A, A, T, T, B, B])
    assert len(table) == 1
    assert table.way.tolist() == [1]
    assert np.allclose(table.approach, 0.0)
    assert np.allclose(table.vector_a, [[4, 0, 0]])
    # last in the core of A at frame 1, first in that of B at frame 4
    assert table.time_ps[0] == pytest.approx(2.5 * DT)
    assert table.arrival_ps[0] == pytest.approx(4 * DT)


def test_turning_back_from_a_site_of_passage_is_no_hop():
    found, table = follow(triangle(), [A, A, T, T, A, A])
    assert len(found.site) == 3
    assert len(table) == 0


def test_a_direct_hop_has_no_way_and_a_turned_back_visit_before_it_is_not_its_way():
    _, table = follow(triangle(), [A, T, A, [2, 5, 5], B])
    assert table.way.tolist() == [-1]


def test_hops_of_one_ion_are_consecutive_and_those_of_two_are_not():
    _, table = follow(triangle(), [A, B, A, A], [B, B, A, A])
    assert table.ion.tolist() == [0, 0, 1]
    assert table.consecutive.tolist() == [False, True, False]


def test_stays_are_cut_off_at_both_ends():
    found, _ = follow(triangle(), [A, A, B, B, B, A, A, A])
    held = stays(found)
    assert held.site.tolist() == [0, 1, 0]
    assert np.allclose(held.start, [0, 0.2, 0.5])
    assert np.allclose(held.end, [0.2, 0.5, 0.7])
    assert held.begun.tolist() == [False, True, True]
    assert held.ended.tolist() == [True, True, False]


def test_layers_are_counted_through_the_boundary():
    sites = cubic(layered=True)
    z = [0, 3, 6, 9, 12, 15, 12]
    _, table = follow(sites, [[0, 0, v] for v in z])
    assert table.layers.tolist() == [1, 1, 1, 1, 1, -1]
    assert np.allclose(table.vector_a[:, 2], SPACING * np.array([1, 1, 1, 1, 1, -1]))


def test_classes_by_layer_and_way():
    sites = cubic(layered=True)
    _, table = follow(sites, [[0, 0, 0], [3, 0, 0], [3, 0, 3], [3, 3, 3]])
    names, group = classes(sites, table)
    assert names == ["within A layer, direct", "within B layer, direct", "between layers, direct"]
    assert [names[k] for k in group] == [names[0], names[2], names[1]]


def test_without_layers_there_are_only_ways():
    _, table = follow(triangle(), [A, T, B, [2, 5, 5], A])
    names, group = classes(triangle(), table)
    assert names == ["hop, direct", "hop, via tet"]
    assert group.tolist() == [1, 0]


def test_directions_are_families_of_the_crystal():
    sites = cubic()
    _, table = follow(sites, [[0, 0, 0], [3, 0, 0], [6, 3, 0], [6, 0, 3], [3, 3, 6]])
    signs = 1 - 2 * np.array(list(product((0, 1), repeat=3)))
    every = np.array([np.diag(s)[list(p)] for s in signs for p in permutations(range(3))])
    assert directions(sites, table, every) == ["<1 0 0>", "<1 1 0>", "<1 1 0>", "<1 1 1>"]
    plain = directions(sites, table, np.eye(3)[None])
    assert plain == ["<1 0 0>", "<1 1 0>", "<0 1 -1>", "<1 -1 -1>"]


def test_a_direction_is_that_of_the_ideal_sites():
    sites = cubic()
    moved = sites.moved(sites.positions + np.random.default_rng(0).normal(0, 0.3, sites.positions.shape))
    start, end = moved.positions[0], moved.positions[16]
    _, table = follow(moved, [start, end])
    assert directions(moved, table, np.eye(3)[None]) == ["<1 0 0>"]
