import numpy as np
import pytest

from dlmd.base.units import BOLTZMANN_EV_PER_K
from dlmd.mechanism.hop_rates import (
    arrhenius,
    batch_counts,
    dispersion,
    drifts,
    poisson_interval,
    rate,
    share_interval,
    survival,
    time_in_batches,
)


def test_the_interval_of_a_count_is_the_exact_one():
    # Garwood (1936): 10 events, 95 %
    found = poisson_interval(10, confidence=0.95)
    assert (found.low, found.high) == (pytest.approx(4.795, abs=1e-3), pytest.approx(18.390, abs=1e-3))
    assert poisson_interval(0, confidence=0.95).high == pytest.approx(-np.log(0.025))


def test_scatter_widens_the_interval():
    plain, wide = (poisson_interval(100, confidence=0.95, scatter=s) for s in (1.0, 4.0))
    assert (wide.high - wide.low) / (plain.high - plain.low) == pytest.approx(2.0, rel=0.05)


def coverage(make, truth, seeds=1000):
    """Share of intervals that hold the truth; its own standard error is 0.007 for a share of 0.95."""
    hit = 0
    for seed in range(seeds):
        found = rate(make(np.random.default_rng(seed)), 1000.0, confidence=0.95, fewest=5)["rate_per_ps"]
        hit += found["low"] <= truth <= found["high"]
    return hit / seeds


def test_rates_of_independent_hops_lie_in_their_intervals():
    share = coverage(lambda rng: rng.poisson(5.0, 12), truth=60 / 1000)
    # above 0.95, because the dispersion is never taken as below 1, also where the counts happen to scatter less
    assert 0.95 <= share <= 0.99


def test_rates_of_hops_in_bursts_lie_in_their_intervals():
    def bursts(rng):
        return np.array([4 * rng.poisson(3.0) for _ in range(12)])

    assert 0.93 <= coverage(bursts, truth=144 / 1000) <= 0.97
    # as if they were independent, they would not
    naive = [poisson_interval(bursts(np.random.default_rng(s)).sum(), confidence=0.95) for s in range(1000)]
    assert np.mean([i.low <= 144 <= i.high for i in naive]) < 0.8


def test_too_few_hops_give_an_upper_bound_and_no_rate():
    found = rate(np.array([1, 0, 2]), 50.0, confidence=0.95, fewest=10)
    assert "rate_per_ps" not in found
    assert found["verdict"] == "too few hops: 3, at least 10 are needed"
    assert found["below_per_ps"] == pytest.approx(poisson_interval(3, confidence=0.95).high / 50)
    assert "no time at risk" in rate(np.zeros(3), 0.0, confidence=0.95, fewest=1)["verdict"]


def test_dispersion_is_that_of_the_counts_and_never_below_one():
    assert dispersion(np.array([5, 5, 5, 5])) == 1.0
    assert dispersion(np.array([0, 20, 0, 20])) == pytest.approx(400 / 3 / 10)


def test_times_and_events_fall_into_their_batches():
    edges = np.array([0.0, 1.0, 2.0, 4.0])
    assert batch_counts(np.array([0.0, 0.5, 1.0, 4.0]), edges).tolist() == [2, 1, 1]
    found = time_in_batches(np.array([0.5, 0.0]), np.array([3.0, 4.0]), np.array([0, 1]), edges, 2)
    assert np.allclose(found, [[0.5, 1, 1], [1, 1, 2]])


def test_survival_of_cut_off_stays_is_that_of_the_whole_ones():
    rng = np.random.default_rng(0)
    duration, cut = rng.exponential(10.0, 4000), rng.uniform(0, 30.0, 4000)
    found = survival(np.minimum(duration, cut), duration <= cut)
    assert found.median_ps == pytest.approx(10 * np.log(2), rel=0.06)
    at_ten = found.share[np.searchsorted(found.time_ps, 10.0) - 1]
    assert at_ten == pytest.approx(np.exp(-1), abs=0.03)
    # the stays that were seen to end alone are much shorter
    assert np.median(duration[duration <= cut]) < 6.0
    assert survival(np.array([1.0, 2.0]), np.array([False, False])) is None


def test_a_median_that_was_not_reached_is_not_given():
    found = survival(np.array([1.0, 5, 5, 5]), np.array([True, False, False, False]))
    assert found.median_ps is None
    assert (found.ended, found.cut_off) == (1, 3)


def test_a_trend_is_seen_and_noise_is_none():
    assert drifts(np.arange(12) + np.random.default_rng(0).normal(0, 1, 12))
    calm = [drifts(np.random.default_rng(s).normal(0, 1, 12)) for s in range(200)]
    assert np.mean(calm) < 0.04


def test_shares_have_wilsons_interval():
    found = share_interval(3, 10, confidence=0.95)
    assert (found.low, found.high) == (pytest.approx(0.1078, abs=1e-3), pytest.approx(0.6032, abs=1e-3))


def test_an_exact_arrhenius_law_is_found_and_two_temperatures_are_too_few():
    t = np.array([450.0, 500, 600])
    k = 7.0 * np.exp(-0.25 / (BOLTZMANN_EV_PER_K * t))
    rates = [{"value": x, "low": x / 1.2, "high": x * 1.2} for x in k]
    found = arrhenius(t, rates, confidence=0.95)
    assert found["activation_energy_ev"]["value"] == pytest.approx(0.25)
    assert found["prefactor_per_ps"]["value"] == pytest.approx(7.0)
    assert found["activation_energy_ev"]["low"] < 0.25 < found["activation_energy_ev"]["high"]
    assert arrhenius(t[:2], rates[:2], confidence=0.95) is None


def test_activation_energies_lie_in_their_intervals():
    t, hit = np.array([450.0, 500, 550, 600, 650]), 0
    k = 7.0 * np.exp(-0.25 / (BOLTZMANN_EV_PER_K * t))
    for seed in range(1000):
        counts = np.random.default_rng(seed).poisson(k * 4000)
        rates = [vars(poisson_interval(n, confidence=0.95).scaled(1 / 4000)) for n in counts]
        e = arrhenius(t, rates, confidence=0.95)["activation_energy_ev"]
        hit += e["low"] <= 0.25 <= e["high"]
    assert 0.93 <= hit / 1000 <= 0.97
