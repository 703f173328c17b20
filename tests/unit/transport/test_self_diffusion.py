"""D_self of walks without memory: unbiased, and not much wider than their scatter."""

from dataclasses import replace

import numpy as np
import pytest

from dlmd.transport import analysis, extra_scatter, self_diffusion, window_slopes
from dlmd.transport.self_diffusion import SelfDiffusion
from synthetic import Hop, hopping


def estimates(number):
    """ln(D_self / truth) and its interval, of a walk whose ions hop some twenty times."""
    trajectory, truth = hopping(
        np.random.default_rng([33, number]), Hop(0.1), n_ions=60, n_frames=1000, vibration_a=0.3
    )
    found = analysis.analyse([trajectory], charge=1.0)
    assert found.verdict["code"] == "ok"
    one = found.estimates.scalar["self"]
    return np.log(np.array([one.low, one.value, one.high]) / truth.d_self)


def test_walks_without_memory():
    low, value, high = np.array([estimates(n) for n in range(12)]).T
    half_width = np.mean(high - low) / 2
    assert abs(value.mean()) < half_width / 3
    assert ((low < 0) & (high > 0)).mean() > 0.8
    # what an early and a late window differ by is known from their difference, and not from that of separate errors
    assert half_width < 4.0 * value.std()


def batches(values, *, noise, lag=1):
    means = (values + noise * np.tile([-1.0, 1.0], 10))[:, None, None] * np.eye(3)
    lags, weights = np.array([lag, 2 * lag]), np.array([-1.0, 1.0]) / lag
    quiet = [np.ones((10**6, 4, 3, 3))]
    return window_slopes.SlopeSeries(
        [means], [1e6], lags, weights, start_ps=1.0, end_ps=3.0, quarters=quiet, interval_ps=1.0
    )


@pytest.mark.parametrize("later", [0.8, 1.0, 1.25])
def test_a_later_window_draws_the_value_its_way(later):
    """Motion that slows down, and motion that goes on the same way, beyond the first window."""
    level = np.ones(20)
    own = SelfDiffusion(
        early=batches(level, noise=0.02),
        late=batches(later * level, noise=0.04),
        fall=batches((later - 1) * level, noise=0.04),
        early_tensor=np.eye(3),
        late_tensor=later * np.eye(3),
    )
    found = own.interval(0.95, None, extra_scatter.NONE)
    assert found.low < later < found.high
    assert found.value == pytest.approx(later, abs=0.04)


def test_motion_that_may_quicken_widens_the_interval_and_leaves_the_value():
    """Where the later window has an error that hides a tenth, the upper end goes up and nothing else."""
    unsure = np.random.default_rng(8).normal(0.0, 0.2, 20)
    own = SelfDiffusion(
        early=batches(1 + unsure / 4, noise=0.0),
        late=batches(1.05 + unsure, noise=0.0, lag=30),
        fall=batches(0.05 + unsure, noise=0.0),
        early_tensor=np.eye(3),
        late_tensor=1.05 * np.eye(3),
    )
    found = own.interval(0.95, None, extra_scatter.NONE)
    without = replace(own, opinions=(self_diffusion._LIKELY,) * 2).interval(0.95, None, extra_scatter.NONE)
    assert found.value == without.value and found.low == without.low
    assert found.high > 1.01 * without.high


@pytest.mark.parametrize("later", [0.9, 1.0, 1.1])
def test_memory_of_several_hops_moves_the_lower_end_alone(later):
    """Where the first window begins after the time of a hop, the value is its own."""
    level = np.ones(20)
    alone = SelfDiffusion(
        early=batches(level, noise=0.02), late=None, fall=None, early_tensor=np.eye(3), late_tensor=None
    )
    own = replace(
        alone,
        late=batches(later * level, noise=0.04),
        fall=batches((later - 1) * level, noise=0.04),
        late_tensor=later * np.eye(3),
        opinions=(self_diffusion._NOTHING, self_diffusion._SEVERAL_HOPS),
    )
    plain, found = (one.interval(0.95, None, extra_scatter.NONE) for one in (alone, own))
    assert found.value == pytest.approx(plain.value, rel=1e-3)
    assert found.high == pytest.approx(plain.high, rel=1e-3)
    assert found.low <= plain.low * 1.001
    if later < 1:
        assert found.low < 0.91
    assert own.a_hop_ps == own.early.start_ps and own.slowing_variance(None) < 1e-9


def test_an_early_window_is_held_against_one_of_several_hops(monkeypatch):
    """Ions that hop before they have forgotten the last hop: without the later window the lower end is nearer."""
    trajectory, truth = hopping(
        np.random.default_rng(5), Hop(2.0, (1.0,), 0.6, 2.0), n_ions=60, n_frames=1000, frame_ps=0.1
    )
    found = analysis.analyse([trajectory], charge=1.0, hop_length_angstrom=5.0)
    monkeypatch.setattr(self_diffusion, "_SEVERAL_HOPS", self_diffusion._NOTHING)
    without = analysis.analyse([trajectory], charge=1.0, hop_length_angstrom=5.0)
    one, other = (each.estimates.scalar["self"] for each in (found, without))
    assert one.low < 0.999 * other.low
    assert [one.value, one.high] == pytest.approx([other.value, other.high], rel=1e-4)
    assert one.low < truth.d_self < one.high
