import numpy as np

from dlmd.mechanism.hops import hops
from dlmd.mechanism.site_visits import visits
from dlmd.mechanism.traces import follow, pick
from jumping import cubic, trajectory

X, Z = [1, 0, 0], [0, 0, 1]


def analysed(steps_of_ions, sites):
    """Ions with these steps, one every ten frames."""
    jumps = [(1.0 + np.arange(len(s)), np.array(s, int).reshape(-1, 3)) for s in steps_of_ions]
    run = trajectory(np.random.default_rng(0), jumps, length_ps=12, dt_ps=0.1, cell=sites.cell)
    return run, hops(sites, visits(sites, run, core_fraction=0.3))


def test_the_farthest_in_a_layer_and_the_one_through_most_layers():
    sites = cubic(layered=True)
    back = [-1, 0, 0]
    run, table = analysed(
        [[], [X, back, X, back, X], [X, X], [Z], [Z, Z, Z], [X, X, X, Z, [0, 0, -1]]], sites
    )
    picked = pick([sites], [table])
    assert picked == {"within a layer": (0, 2), "between layers": (0, 4)}
    within, between = follow(picked, [run], [table])
    assert (within.hops, within.layers) == (2, 1)
    assert (between.hops, between.layers) == (3, 4)
    assert np.allclose(between.positions[-1] - between.positions[0], [0, 0, 9])
    assert np.allclose(within.time_ps, np.arange(121) * 0.1)


def test_without_layers_the_farthest():
    sites = cubic()
    _, table = analysed([[X], [X, X, Z]], sites)
    assert pick([sites], [table]) == {"farthest": (0, 1)}


def test_without_hops_there_is_no_trace():
    sites = cubic()
    run, table = analysed([[], []], sites)
    assert pick([sites], [table]) == {}
    assert follow({}, [run], [table]) == []


def test_positions_are_relative_to_the_host():
    sites = cubic()
    run, table = analysed([[X, X]], sites)
    run.host_centre = np.tile([1.0, 2.0, 3.0], (run.n_frames, 1))
    (trace,) = follow({"farthest": (0, 0)}, [run], [table])
    assert np.allclose(
        trace.positions + np.array([1, 2, 3]), next(analysed([[X, X]], sites)[0].blocks())[:, 0]
    )
