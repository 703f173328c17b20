import numpy as np
import pytest

from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport import diffusion, msd


def walk(rng, n_frames=1000, n_ions=30, step=1.0):
    return np.cumsum(step * rng.standard_normal((n_frames, n_ions, 3)), axis=0)


def run(positions, interval=0.5, **settings):
    trajectory = Trajectory.from_arrays(positions, frame_interval_ps=interval, cell=10 * np.eye(3))
    return msd.displacements(trajectory, **settings)


def test_weights_give_the_slope_of_a_line():
    lags = np.array([1.0, 2.0, 4.0, 7.0])
    assert diffusion.slope_weights(lags) @ (3.0 * lags + 5.0) == pytest.approx(3.0)


def test_window_slope_of_uniform_motion_in_steps():
    # MSD of a known curve: D = half the slope, offset without effect
    lags = 0.5 * np.arange(50)
    tensor = np.diag([2.0, 4.0, 6.0])
    curve = lags[:, None, None] * tensor + np.eye(3)
    curves = msd.MsdCurves(lags, curve, curve)
    np.testing.assert_allclose(
        diffusion.window_slope(curves, start_ps=3.0, end_ps=9.0), tensor / 2, rtol=1e-12
    )


def test_bins_of_origins_average_to_the_window_slope():
    one = run(walk(np.random.default_rng(0)))
    lags, interval = np.arange(1, 4), 0.5
    weights = diffusion.slope_weights(lags * interval)
    means = diffusion.origin_means(one, lags, weights, 10)
    whole = diffusion.window_slope(msd.curves([one]), start_ps=0.5, end_ps=1.5)
    np.testing.assert_allclose(means.mean(axis=0), whole, atol=0.02 * np.trace(whole))


def test_error_of_independent_batches_is_the_textbook_one():
    rng = np.random.default_rng(1)
    values = rng.standard_normal(20)
    # windows far shorter than the batches share nothing
    error = diffusion.mean_error([values], [1e6], lags=np.array([1, 2]), weights=np.array([-1.0, 1.0]))
    assert error.error == pytest.approx(values.std(ddof=1) / np.sqrt(20), rel=1e-3)
    assert error.dof == pytest.approx(19, rel=1e-3)


def test_overlapping_batches_widen_the_error_and_cost_degrees_of_freedom():
    values = np.random.default_rng(2).standard_normal(10)
    lags, weights = np.array([10, 30]), np.array([-1.0, 1.0]) / 20
    apart = diffusion.mean_error([values], [1e5], lags=lags, weights=weights)
    overlapping = diffusion.mean_error([values], [100.0], lags=lags, weights=weights)
    assert overlapping.error > 1.2 * apart.error
    assert overlapping.dof < 0.8 * apart.dof


@pytest.mark.parametrize("n_frames", [120, 1000])
def test_error_is_the_scatter_between_walks(n_frames):
    """Short walks of 7 windows and long ones of 55: predicted error against the scatter of 60 walks."""
    rng = np.random.default_rng(3)
    values, predicted = [], []
    for _ in range(60):
        one = run(walk(rng, n_frames=n_frames, n_ions=10))
        values.append(np.trace(diffusion.window_slope(msd.curves([one]), start_ps=3.0, end_ps=9.0)) / 3)
        predicted.append(diffusion.slope_series([one], start_ps=3.0, end_ps=9.0).error().error)
    assert np.mean(values) == pytest.approx(1.0, abs=4 * np.std(values) / np.sqrt(60))
    assert np.sqrt(np.mean(np.square(predicted))) == pytest.approx(np.std(values), rel=0.35)


def test_ions_that_move_together_are_not_counted_as_independent():
    rng = np.random.default_rng(4)
    few = walk(rng, n_ions=3)
    copies = np.tile(few, (1, 10, 1))
    error = [diffusion.slope_series([run(p)], start_ps=1.0, end_ps=3.0).error().error for p in (few, copies)]
    assert error[1] == pytest.approx(error[0], rel=1e-3)


def test_thinned_copy_gives_the_error_of_the_whole():
    positions = walk(np.random.default_rng(5), n_frames=2000)
    whole = run(positions)
    thinned = run(positions, stride=4)
    errors = [diffusion.slope_series([r], start_ps=10.0, end_ps=30.0).error().error for r in (whole, thinned)]
    assert errors[1] == pytest.approx(errors[0], rel=0.15)
