import numpy as np
import pytest

from dlmd.base.intervals import Estimate, difference, jackknife_ratio, positive_interval, ratio


def test_interval_is_symmetric_in_the_logarithm():
    estimate = positive_interval(2.0, 0.2, 1e9, 0.95)
    assert estimate.high == pytest.approx(2 * np.exp(0.1959964), rel=1e-6)
    assert estimate.low * estimate.high == pytest.approx(4.0)
    # few degrees of freedom widen it: Student's t of 4 is 2.776
    assert positive_interval(2.0, 0.2, 4, 0.95).high == pytest.approx(2 * np.exp(0.2776445), rel=1e-6)


def test_difference_and_ratio_of_certain_values():
    a, b = Estimate(6.0, 6.0, 6.0), Estimate(2.0, 2.0, 2.0)
    assert difference(a, b) == Estimate(4.0, 4.0, 4.0)
    assert ratio(a, b) == Estimate(3.0, 3.0, 3.0)


def test_asymmetry_goes_to_the_right_side():
    a, b = Estimate(6.0, 6.0, 6.0), Estimate(2.0, 1.0, 5.0)
    assert difference(a, b) == Estimate(4.0, 1.0, 5.0)
    assert ratio(a, b).low == pytest.approx(6 / 5) and ratio(a, b).high == pytest.approx(6.0)


def test_errors_add_in_quadrature():
    a, b = Estimate(10.0, 7.0, 13.0), Estimate(5.0, 1.0, 9.0)
    assert difference(a, b) == Estimate(5.0, 0.0, 10.0)
    error = 0.3
    one = positive_interval(1.0, error, 1e9, 0.95)
    both = ratio(one, one)
    assert np.log(both.high) == pytest.approx(np.sqrt(2) * np.log(one.high))


def test_a_value_below_its_error_may_be_zero():
    estimate = positive_interval(0.5, 1.0, 1e9, 0.95)
    assert estimate.low == 0.0 and estimate.high == pytest.approx(0.5 + 1.959964)
    assert positive_interval(-5.0, 1.0, 1e9, 0.95) == Estimate(0.0, 0.0, 0.0)
    assert ratio(estimate, Estimate(1.0, 0.5, 2.0)) is None
    assert difference(Estimate(1.0, 0.5, 2.0), estimate).low < 0


def test_the_jackknife_covers_a_ratio():
    hit = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        below = rng.gamma(20, 1, 12)
        found = jackknife_ratio(0.3 * below + rng.normal(0, 1, 12), below, confidence=0.95)
        hit += found.low <= 0.3 <= found.high
    assert 0.9 <= hit / 200 <= 0.99


def test_a_ratio_that_one_batch_decides_has_no_interval():
    assert jackknife_ratio(np.array([1.0, 0, 0]), np.array([2.0, 0, 0]), confidence=0.95) is None
    assert jackknife_ratio(np.ones(3), np.array([1.0, -1, 0]), confidence=0.95) is None
