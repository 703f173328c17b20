import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport import msd


def walk(rng, n_frames=60, n_ions=11, dtype=np.float64):
    return np.cumsum(rng.standard_normal((n_frames, n_ions, 3)), axis=0).astype(dtype)


def trajectory(positions, **settings):
    return Trajectory.from_arrays(positions, frame_interval_ps=0.5, cell=10 * np.eye(3), **settings)


def direct(positions, lag):
    """MSD tensors (self, total) by their definition."""
    u = positions[lag:] - positions[:-lag]
    together = u.sum(axis=1)
    n_ions, origins = positions.shape[1], len(u)
    return (
        np.einsum("tia,tib->ab", u, u) / (n_ions * origins),
        np.einsum("ta,tb->ab", together, together) / (n_ions * origins),
    )


@pytest.mark.parametrize(("dtype", "digits"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_equals_the_definition_at_all_lags(dtype, digits):
    positions = walk(np.random.default_rng(1), dtype=dtype)
    curves = msd.curves([msd.displacements(trajectory(positions))])
    assert curves.lags_ps[3] == 1.5
    for lag in range(1, len(positions)):
        self_, total = direct(positions.astype(float), lag)
        np.testing.assert_allclose(curves.self_[lag], self_, atol=digits * np.trace(self_))
        np.testing.assert_allclose(curves.total[lag], total, atol=digits * np.trace(total))
    assert not curves.self_[0].any() and not curves.total[0].any()


def test_far_positions_cost_no_digits():
    near = walk(np.random.default_rng(2))
    far = near + np.array([500.0, -300.0, 800.0])
    a, b = (msd.curves([msd.displacements(trajectory(p))]) for p in (near, far))
    np.testing.assert_allclose(a.total, b.total, rtol=1e-9, atol=1e-9)


def test_rigid_pair_has_twice_the_total():
    one = walk(np.random.default_rng(3), n_ions=1)
    curves = msd.curves([msd.displacements(trajectory(np.concatenate([one, one + 1.0], axis=1)))])
    np.testing.assert_allclose(curves.total, 2 * curves.self_, atol=1e-10)
    np.testing.assert_allclose(curves.distinct, curves.self_, atol=1e-10)


def test_opposite_pair_has_no_total():
    one = walk(np.random.default_rng(4), n_ions=1)
    curves = msd.curves([msd.displacements(trajectory(np.concatenate([one, -one], axis=1)))])
    np.testing.assert_allclose(curves.total, 0.0, atol=1e-10)


def test_constant_drift_is_in_unless_the_host_takes_it_out():
    rng = np.random.default_rng(5)
    positions = walk(rng)
    drift = np.linspace(0, 40, len(positions))[:, None] * np.array([1.0, 0.5, 0.0])
    still = msd.curves([msd.displacements(trajectory(positions))])
    removed = msd.curves([msd.displacements(trajectory(positions + drift[:, None], host_com=drift))])
    kept = msd.curves([msd.displacements(trajectory(positions + drift[:, None]))])
    np.testing.assert_allclose(removed.total, still.total, atol=1e-9)
    # by definition the drift adds v² t² to self, and N times that to total
    lag = 30
    extra = np.sum((drift[lag] - drift[0]) ** 2)
    assert np.trace(kept.total[lag] - still.total[lag]) == pytest.approx(11 * extra, rel=0.4)


def test_replicas_weigh_by_their_origins():
    rng = np.random.default_rng(6)
    long, short = walk(rng, 60), walk(rng, 25)
    curves = msd.curves([msd.displacements(trajectory(p)) for p in (long, short)])
    lag = 10
    expected = (50 * direct(long, lag)[0] + 15 * direct(short, lag)[0]) / 65
    np.testing.assert_allclose(curves.self_[lag], expected, atol=1e-12 * np.trace(expected))
    # lags that only the long run reaches
    np.testing.assert_allclose(curves.self_[40], direct(long, 40)[0], atol=1e-10)


def test_replicas_of_different_size_are_refused():
    rng = np.random.default_rng(7)
    runs = [msd.displacements(trajectory(walk(rng, n_ions=n))) for n in (5, 6)]
    with pytest.raises(DlmdError, match="n_ions"):
        msd.curves(runs)


def test_thinned_copies_of_all_runs_together_are_bounded():
    run = trajectory(walk(np.random.default_rng(9)))
    frame = 11 * 12
    assert msd.thinning([run], max_bytes=60 * frame) == 1
    assert msd.thinning([run], max_bytes=20 * frame) == 3
    assert msd.thinning([run, run], max_bytes=20 * frame) == 6


def test_thinned_copy_is_faithful():
    positions = walk(np.random.default_rng(8))
    run = msd.displacements(trajectory(positions), stride=3)
    assert run.stride == 3 and run.thinned.shape == (11, 3, 20)
    centred = positions - positions.mean(axis=0)
    np.testing.assert_allclose(run.thinned[4, 2], centred[::3, 4, 2], rtol=1e-6, atol=1e-6)


def test_saved_lags_are_all_or_logarithmic():
    assert (msd.log_lags(50) == np.arange(50)).all()
    lags = msd.log_lags(55_000)
    assert len(lags) <= 2000 and lags[0] == 0 and lags[-1] == 54_999
    assert (lags[:20] == np.arange(20)).all() and (np.diff(lags) > 0).all()
