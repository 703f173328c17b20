import numpy as np
import pytest

from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport import msd, self_diffusion, window_slopes


def walk(rng, n_frames=1000, n_ions=30, step=1.0):
    return np.cumsum(step * rng.standard_normal((n_frames, n_ions, 3)), axis=0)


def run(positions, interval=0.5, **settings):
    trajectory = Trajectory.from_arrays(positions, frame_interval_ps=interval, cell=10 * np.eye(3))
    return msd.displacements(trajectory, **settings)


def test_weights_give_the_slope_of_a_line():
    lags = np.array([1.0, 2.0, 4.0, 7.0])
    assert window_slopes.slope_weights(lags) @ (3.0 * lags + 5.0) == pytest.approx(3.0)


def test_window_slope_of_uniform_motion_in_steps():
    # MSD of a known curve: D = half the slope, offset without effect
    lags = 0.5 * np.arange(50)
    tensor = np.diag([2.0, 4.0, 6.0])
    curve = lags[:, None, None] * tensor + np.eye(3)
    curves = msd.MsdCurves(lags, curve, curve)
    np.testing.assert_allclose(
        window_slopes.window_slope(curves, start_ps=3.0, end_ps=9.0), tensor / 2, rtol=1e-12
    )


def test_bins_of_origins_average_to_the_window_slope():
    one = run(walk(np.random.default_rng(0)))
    lags, interval = np.arange(1, 4), 0.5
    weights = window_slopes.slope_weights(lags * interval)
    means = window_slopes.ion_means(one, lags, weights, 10).mean(axis=0)
    whole = window_slopes.window_slope(msd.curves([one]), start_ps=0.5, end_ps=1.5)
    np.testing.assert_allclose(means.mean(axis=0), whole, atol=0.02 * np.trace(whole))


def test_error_of_independent_batches_is_the_textbook_one():
    rng = np.random.default_rng(1)
    values = rng.standard_normal(20)
    # windows far shorter than the batches share nothing
    error = window_slopes.mean_error([values], [1e6], lags=np.array([1, 2]), weights=np.array([-1.0, 1.0]))
    assert error.error == pytest.approx(values.std(ddof=1) / np.sqrt(20), rel=1e-3)
    assert error.dof == pytest.approx(19, rel=1e-3)


def test_overlapping_batches_widen_the_error_and_cost_degrees_of_freedom():
    values = np.random.default_rng(2).standard_normal(10)
    lags, weights = np.array([10, 30]), np.array([-1.0, 1.0]) / 20
    apart = window_slopes.mean_error([values], [1e5], lags=lags, weights=weights)
    overlapping = window_slopes.mean_error([values], [100.0], lags=lags, weights=weights)
    assert overlapping.error > 1.2 * apart.error
    assert overlapping.dof < 0.8 * apart.dof


@pytest.mark.parametrize("n_frames", [120, 1000])
def test_error_is_the_scatter_between_walks(n_frames):
    """Short walks of 7 windows and long ones of 55: predicted error against the scatter of 60 walks."""
    rng = np.random.default_rng(3)
    values, predicted = [], []
    for _ in range(60):
        one = run(walk(rng, n_frames=n_frames, n_ions=10))
        values.append(np.trace(window_slopes.window_slope(msd.curves([one]), start_ps=3.0, end_ps=9.0)) / 3)
        predicted.append(window_slopes.slope_series([one], start_ps=3.0, end_ps=9.0).error().error)
    assert np.mean(values) == pytest.approx(1.0, abs=4 * np.std(values) / np.sqrt(60))
    assert np.sqrt(np.mean(np.square(predicted))) == pytest.approx(np.std(values), rel=0.35)


def test_ions_that_move_together_are_not_counted_as_independent():
    rng = np.random.default_rng(4)
    few = walk(rng, n_ions=3)
    copies = np.tile(few, (1, 10, 1))
    error = [
        window_slopes.slope_series([run(p)], start_ps=1.0, end_ps=3.0).error().error for p in (few, copies)
    ]
    assert error[1] == pytest.approx(error[0], rel=1e-3)


def test_thinned_copy_gives_the_error_of_the_whole():
    positions = walk(np.random.default_rng(5), n_frames=2000)
    whole = run(positions)
    thinned = run(positions, stride=4)
    errors = [
        window_slopes.slope_series([r], start_ps=10.0, end_ps=30.0).error().error for r in (whole, thinned)
    ]
    assert errors[1] == pytest.approx(errors[0], rel=0.15)


def series(values):
    """Batches of D that share nothing with each other."""
    means = values[:, None, None] * np.eye(3)
    return window_slopes.SlopeSeries(
        [means],
        [1e6],
        np.array([1, 2]),
        np.array([-1.0, 1.0]),
        start_ps=1.0,
        end_ps=3.0,
        quarters=[np.zeros((10**6, 4, 3, 3))],
        interval_ps=1.0,
    )


def test_activity_that_outlasts_a_batch_is_in_the_error():
    """Batches of D that remember each other (0.5 from one to the next): their scatter alone holds the mean in 0.72 of cases."""
    from scipy.signal import lfilter
    from scipy.special import stdtrit

    rng = np.random.default_rng(6)
    drawn = [1 + 0.1 * lfilter([1.0], [1.0, -0.5], rng.standard_normal(220))[200:] for _ in range(200)]

    def held(kind):
        found = [getattr(series(values), kind)() for values in drawn]
        reach = np.array([stdtrit(one.dof, 0.975) * one.error for one in found])
        return np.mean(np.abs([values.mean() - 1 for values in drawn]) < reach)

    assert held("error") < 0.8
    assert held("lasting_error") > 0.85


def test_batches_without_memory_keep_their_error():
    rng = np.random.default_rng(7)
    drawn = [series(1 + 0.1 * rng.standard_normal(20)) for _ in range(200)]
    ratio = [one.lasting_error().error / one.error().error for one in drawn]
    assert min(ratio) >= 1 and np.mean(ratio) < 1.1


def test_few_batches_that_agree_by_chance_are_not_believed():
    """Three batches a run: the error is at least that of independent Brownian ions, which is the scatter between runs."""
    rng = np.random.default_rng(11)
    found, values = [], []
    for _ in range(40):
        one = window_slopes.slope_series([run(walk(rng, n_frames=160, n_ions=12))], start_ps=8.0, end_ps=24.0)
        found.append((one.error(), one.lasting_error()))
        values.append(np.trace(np.mean(one.means[0], axis=0)) / 3)
    least = [mine.error / value for (_, mine), value in zip(found, values, strict=True)]
    assert min(least) > 0.7 * np.std(values) / np.mean(values)
    assert min(plain.error for plain, _ in found) < 0.5 * np.std(values)
    assert all(mine.dof >= plain.dof for plain, mine in found)


def test_ions_that_change_their_pace_seldom_scatter_between_runs():
    """Each ion is quick for a quarter of the time, and for half of a run at once: time by time all ions together look steady."""
    rng = np.random.default_rng(12)
    values, plain, found = [], [], []
    for _ in range(30):
        phase = rng.integers(3200, size=40)
        quick = (np.arange(1600)[:, None] + phase) % 3200 < 800
        steps = np.where(quick, 4.0, 0.5)[:, :, None] * rng.standard_normal((1600, 40, 3))
        one = window_slopes.slope_series([run(steps.cumsum(axis=0))], start_ps=1.0, end_ps=2.0)
        values.append(np.trace(np.mean(one.means[0], axis=0)) / 3)
        plain.append(one.error().error)
        found.append(one.lasting_error().error)
    assert np.mean(plain) < 0.7 * np.std(values)
    assert np.mean(found) > 0.85 * np.std(values)


def test_ions_that_differ_for_good_are_no_error():
    steps = np.where(np.arange(60) < 6, 3.0, 0.1)[None, :, None] * np.random.default_rng(13).standard_normal(
        (2000, 60, 3)
    )
    one = window_slopes.slope_series([run(steps.cumsum(axis=0))], start_ps=1.0, end_ps=3.0)
    assert one.lasting_error().error < 2 * one.error().error


def test_the_difference_of_two_windows_knows_what_they_share():
    """Ions that all speed up and slow down together: early and late slope rise and fall as one, and their difference does not."""
    rng = np.random.default_rng(8)
    pace = np.repeat(rng.choice([0.4, 1.6], 10), 400)
    one = run(np.cumsum(pace[:, None, None] * rng.standard_normal((4000, 100, 3)), axis=0))
    early, late = (window_slopes.slope_series([one], start_ps=t, end_ps=3 * t) for t in (1.0, 10.0))
    fall = window_slopes.fall_series([one], early, late)
    assert fall.error().error < 0.5 * late.error().error
    means = [np.trace(np.mean(each.means[0], axis=0)) for each in (late, early, fall)]
    assert means[2] == pytest.approx(means[0] - means[1], abs=0.1 * means[1])


def test_ions_that_change_places_within_a_run_are_an_error():
    """Quick and slow ions, in parts of a run: those that have changed places by its end differ in another run, others do not."""
    n = 4000
    rng = np.random.default_rng(14)
    quick = (rng.random(n) < 0.5).astype(float)
    flips = rng.random((3, n)) < 0.2
    changing = np.abs(quick[:, None] - np.concatenate([np.zeros((1, n)), flips.cumsum(axis=0) % 2]).T)
    # P(as before) after k parts is (1 + 0.6^k) / 2
    covariance = 0.25 * 0.6 ** np.abs(np.subtract.outer(range(4), range(4)))
    exact = covariance.mean()
    found = window_slopes._of_single_ions(changing)
    halves = 0.25 * np.var(changing[:, 2:].mean(axis=1) - changing[:, :2].mean(axis=1))
    assert halves < 0.5 * exact
    assert found == pytest.approx(exact, rel=0.3)
    noise = 0.1 * rng.standard_normal((n, 4))
    assert window_slopes._of_single_ions(quick[:, None] + noise) < 0.03 * 0.25


def pace_variance(positions):
    found = run(positions)
    series = window_slopes.slope_series([found], start_ps=2.0, end_ps=6.0)
    return self_diffusion.self_diffusion([found], msd.curves([found]), series, None).pace_variance


def test_ions_that_all_change_their_pace_have_a_common_error():
    """On and off for 50 ps on average: of 500 ps every mean over ions alike is as uncertain as the share that was on."""
    seen = []
    for seed in range(4):
        rng = np.random.default_rng([6, seed])
        on = np.repeat(rng.permutation(np.arange(10) % 2), 100)
        even = rng.standard_normal((1000, 40, 3))
        seen.append(pace_variance(np.cumsum(even * on[:, None, None], axis=0))(None))
        assert pace_variance(np.cumsum(even, axis=0))(None) < 0.01
    assert np.mean(seen) > 0.03


def test_a_common_error_along_one_axis_alone():
    rng = np.random.default_rng(7)
    steps = rng.standard_normal((1000, 40, 3))
    steps[:, :, 2] *= np.repeat(np.arange(10) % 2, 100)[:, None]
    variance = pace_variance(np.cumsum(steps, axis=0))
    assert variance(np.array([0.0, 0.0, 1.0])) > 5 * variance(np.array([1.0, 0.0, 0.0])) + 0.01
