import numpy as np
import pytest

from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport import extra_scatter as scatter
from dlmd.transport import msd, steadiness, window_slopes


def run(positions, interval=0.5):
    return msd.displacements(
        Trajectory.from_arrays(positions, frame_interval_ps=interval, cell=10 * np.eye(3))
    )


def walk(rng, n_frames=1000, n_ions=30):
    return np.cumsum(rng.standard_normal((n_frames, n_ions, 3)), axis=0)


def test_many_small_moves_add_nothing():
    found = [scatter.few_moves([run(walk(np.random.default_rng(k)))], onset_ps=2.0)[0] for k in range(20)]
    assert np.median(found) < 0.02


@pytest.mark.parametrize("events", [6, 24])
def test_rare_large_moves_add_one_over_their_number(events):
    rng = np.random.default_rng(1)
    found = []
    for _ in range(20):
        moved = np.zeros((1000, 1, 3))
        frames = rng.choice(np.arange(1, 1000), events, replace=False)
        moved[frames, 0, rng.integers(3, size=events)] = rng.choice([-30.0, 30.0], events)
        found.append(scatter.few_moves([run(moved.cumsum(axis=0))], onset_ps=0.5)[0])
    assert np.mean(found) == pytest.approx(1 / events, rel=0.5)


def test_extra_variance_widens_in_squares():
    half = 0.2
    quantile = 1.959964
    extra = scatter.NONE.plus((half / quantile) ** 2)
    assert extra.widening(half, 0.95) == pytest.approx(2**0.5, rel=0.01)
    assert scatter.NONE.widening(half, 0.95) == pytest.approx(1.0, abs=0.01)
    # variance known from few events costs Student's quantile
    assert scatter.NONE.plus((half / quantile) ** 2, 3.0).widening(half, 0.95) > 1.5


def test_runs_that_agree_add_little_and_runs_that_differ_much():
    errors = [0.05] * 4
    agree = scatter.between([0.0, 0.02, -0.03, 0.01], errors)
    differ = scatter.between([0.0, 0.5, -0.4, 0.3], errors)
    assert agree.widening(0.05, 0.95) < 2 and differ.widening(0.05, 0.95) > 6


def series_of(positions, start=2.0):
    one = run(positions)
    return one, msd.curves([one]), window_slopes.slope_series([one], start_ps=start, end_ps=3 * start)


def test_a_free_walk_is_steady():
    lag, time = [], []
    for k in range(25):
        one, curves, series = series_of(walk(np.random.default_rng(k), n_frames=600, n_ions=20))
        lag.append(steadiness.with_lag([one], curves, series, from_ps=2.0).chance)
        time.append(steadiness.with_time(series).chance)
    # chances are even between 0 and 1, of the worse of two shapes lower
    assert np.mean(np.array(lag) < 0.02) <= 0.12 and 0.3 < np.mean(lag) < 0.7
    assert np.mean(np.array(time) < 0.005) <= 0.08


def test_slower_with_time_is_seen():
    rng = np.random.default_rng(30)
    steps = rng.standard_normal((1000, 30, 3)) * np.linspace(1.2, 0.8, 1000)[:, None, None]
    _, _, series = series_of(steps.cumsum(axis=0))
    trend = steadiness.with_time(series)
    assert trend.chance < 1e-3 and trend.change == pytest.approx(-0.8, abs=0.25)
