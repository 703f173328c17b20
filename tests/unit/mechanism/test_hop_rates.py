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


def test_shares_of_independent_events_have_nearly_wilsons_interval():
    rng = np.random.default_rng(0)
    mine = rng.random(4000) < 0.3
    found = share_interval(
        mine, ion=rng.integers(400, size=4000), batch=rng.integers(40, size=4000), confidence=0.95
    )
    assert found.value == pytest.approx(mine.mean())
    # Student's quantile of 39 degrees of freedom, and a design effect that is not exactly one
    assert 0.95 < (found.high - found.low) / (2 * 1.96 * np.sqrt(0.3 * 0.7 / 4000)) < 1.6


def test_shares_of_hops_that_come_in_flurries():
    """Ions hop there and back, nine times on average, by one way or the other: one flurry is one event, not nine."""
    held = []
    for seed in range(150):
        rng = np.random.default_rng([77, seed])
        flurries = rng.poisson(120)
        length = rng.geometric(1 / 9, flurries)
        ion, batch = rng.integers(50, size=flurries), rng.integers(12, size=flurries)
        mine = np.repeat(rng.random(flurries) < 0.3, length)
        found = share_interval(
            mine, ion=np.repeat(ion, length), batch=np.repeat(batch, length), confidence=0.95
        )
        held.append(found.low <= 0.3 <= found.high)
    assert 0.88 <= np.mean(held) <= 0.99


def test_shares_of_ions_that_differ_for_the_whole_run():
    """Each ion keeps to its way: the ions, not their hops, are the independent events."""
    held = []
    for seed in range(150):
        rng = np.random.default_rng([78, seed])
        hops = rng.poisson(20, 60)
        mine = np.repeat(rng.random(60) < 0.3, hops)
        found = share_interval(
            mine, ion=np.repeat(np.arange(60), hops), batch=rng.integers(12, size=len(mine)), confidence=0.95
        )
        held.append(found.low <= 0.3 <= found.high)
    assert 0.88 <= np.mean(held) <= 0.99


def test_a_share_of_none_or_all_has_an_interval():
    ion, batch = np.arange(30) % 6, np.arange(30) % 5
    none = share_interval(np.zeros(30, bool), ion=ion, batch=batch, confidence=0.95)
    assert none.low == 0 and 0.05 < none.high < 0.5
    assert share_interval(np.ones(30, bool), ion=ion, batch=batch, confidence=0.95).high == 1


def test_a_share_of_all_or_none_lies_within_its_interval_to_the_last_digit():
    """One ended at 0.9999999999999998 beside a share of 1, and the figure refused the negative error bar."""
    rng = np.random.default_rng(5)
    for n in (*range(2, 60), 997, 5120, 7684, 20_001):
        ion, batch = rng.integers(0, 12, n), rng.integers(0, 8, n)
        for mine in (np.ones(n, bool), np.zeros(n, bool)):
            found = share_interval(mine, ion=ion, batch=batch, confidence=0.95)
            assert 0 <= found.low <= found.value <= found.high <= 1


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
