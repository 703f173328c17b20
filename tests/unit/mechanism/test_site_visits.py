import numpy as np
import pytest

from dlmd.mechanism.site_visits import refine, visits
from dlmd.trajectory.trajectory import Trajectory
from jumping import SPACING, cubic, network, trajectory, walks

CORE = 0.3


def run(positions, cell, dt=0.1):
    return Trajectory.from_arrays(np.asarray(positions, float)[:, None], frame_interval_ps=dt, cell=cell)


def line(n=3):
    """Sites 3 Å apart along x in a long cell."""
    return network([[SPACING * k, 5, 5] for k in range(n)], [20.0, 10.0, 10.0])


def test_rattling_is_no_hop():
    rng = np.random.default_rng(0)
    sites = cubic()
    ions = trajectory(
        rng,
        [(np.empty(0), np.empty((0, 3), int))] * 30,
        length_ps=60,
        dt_ps=0.1,
        cell=sites.cell,
        rattle_a=0.45,
    )
    found = visits(sites, ions, core_fraction=CORE)
    assert len(found.ion) == 30
    # without hysteresis, by the nearest site, the same motion would be full of hops
    nearest = np.round(next(ions.blocks()) / SPACING)
    assert (np.diff(nearest, axis=0) != 0).any(axis=2).sum() > 50


def test_crossing_the_border_and_coming_back_is_no_hop_and_arriving_in_the_core_is():
    sites = line()
    x = [0, 0.3, 1.4, 1.8, 2.0, 1.3, 0.2, 0, 1.6, 2.4, 2.9, 3.1, 3.0]
    found = visits(sites, run([[v, 5, 5] for v in x], sites.cell), core_fraction=CORE)
    assert found.site.tolist() == [0, 1]
    assert found.first.tolist() == [0, 9]
    assert found.last.tolist() == [7, 12]


def test_an_ion_through_the_boundary_is_in_the_next_image():
    sites = cubic()
    found = visits(
        sites,
        run([[0, 0, 0], [-3, 0, 0], [-6, 0, 0], [-9, 0, 0], [-12, 0, 0]], sites.cell),
        core_fraction=CORE,
    )
    assert found.image[:, 0].tolist() == [0, -1, -1, -1, -1]
    places = sites.positions[found.site] + found.image @ sites.cell
    assert np.allclose(places[:, 0], [0, -3, -6, -9, -12])
    assert found.site[4] == found.site[0]


def test_a_site_of_passage_between_two_frames_is_noticed():
    sites = network(
        [[0, 5, 5], [4, 5, 5], [2, 6.2, 5]], [20.0, 12.0, 12.0], types=("oct", "tet"), kind=[0, 0, 1]
    )
    through = [[0, 5, 5], [0.8, 5.7, 5], [3.2, 6.6, 5], [4, 5, 5]]
    past = [[0, 5, 5], [0.8, 5, 5], [3.2, 5, 5], [4, 5, 5]]
    near = visits(sites, run(through, sites.cell), core_fraction=CORE)
    far = visits(sites, run(past, sites.cell), core_fraction=CORE)
    assert near.passed.tolist() == [-1, 2]
    assert far.passed.tolist() == [-1, -1]
    # distance of the void from the straight path over its distance to the sites
    assert far.approach[1] == pytest.approx(1.2 / np.hypot(2, 1.2), rel=0.01)
    assert near.approach[1] < 0.1


def test_an_ion_in_no_core_is_counted_as_lost():
    sites = line()
    found = visits(sites, run([[1.5, 5, 5], [1.6, 5, 5]], sites.cell), core_fraction=CORE)
    assert found.lost == 1
    assert len(found.ion) == 0


def test_sites_move_to_where_the_ions_are():
    rng = np.random.default_rng(2)
    sites = cubic()
    jumps = walks(rng, n_ions=64, length_ps=200, rates=[0.05] * 6)
    ions = trajectory(rng, jumps, length_ps=200, dt_ps=0.2, cell=sites.cell, rattle_a=0.25)
    shifted = sites.moved(sites.positions + np.array([0.3, -0.2, 0.1]))
    refined = refine(shifted, ions)
    assert np.abs(refined.positions - sites.positions).max() < 0.12
    assert np.abs((refined.positions - sites.positions).mean(axis=0)).max() < 0.02


def test_sites_without_ions_stay():
    sites = line()
    assert np.allclose(refine(sites, run([[0.2, 5, 5]] * 10, sites.cell)).positions, sites.positions)


def hops_with_voids(rng, *, vibration_a, by_void, n_hops=150, dt_frames=20):
    """An ion that hops between two sites 4 Å apart, straight or through a void 1.2 Å beside the middle, vibrating meanwhile."""
    sites = network(
        [[2, 6, 6], [6, 6, 6], [4, 7.2, 6]], [12.0, 12.0, 12.0], types=("oct", "tet"), kind=[0, 0, 1]
    )
    a, b, void = sites.positions
    middle = void if by_void else 0.5 * (a + b)
    path = []
    for k in range(n_hops):
        start, end = (a, b) if k % 2 == 0 else (b, a)
        path += [start] * dt_frames + [0.5 * (start + middle), middle, middle, 0.5 * (middle + end)]
    positions = np.array(path) + rng.normal(0, vibration_a, (len(path), 3))
    return sites, run(positions, sites.cell)


@pytest.mark.parametrize("vibration_a", [0.2, 0.4, 0.7])
def test_vibration_is_no_way_through_a_void(vibration_a):
    from dlmd.mechanism.hops import hops

    sites, straight = hops_with_voids(np.random.default_rng(3), vibration_a=vibration_a, by_void=False)
    table = hops(sites, visits(sites, straight, core_fraction=CORE))
    assert len(table) >= 140
    assert (table.way >= 0).mean() < 0.06


def test_ways_through_a_void_are_seen_at_thermal_vibration():
    from dlmd.mechanism.hops import hops

    sites, bent = hops_with_voids(np.random.default_rng(4), vibration_a=0.2, by_void=True)
    table = hops(sites, visits(sites, bent, core_fraction=CORE))
    assert (table.way >= 0).mean() > 0.85
