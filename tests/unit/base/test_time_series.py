"""Means of fluctuating series against processes whose correlation time and mean are known."""

import numpy as np
import pytest

from dlmd.base import time_series


def ar1(n, memory, rng, mean=0.0):
    """An autoregressive process: correlation memory**k, statistical inefficiency (1 + memory) / (1 - memory)."""
    noise = rng.normal(0, np.sqrt(1 - memory**2), n)
    x = np.empty(n)
    x[0] = rng.normal()
    for i in range(1, n):
        x[i] = memory * x[i - 1] + noise[i]
    return mean + x


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_inefficiency_of_a_process_with_memory(memory):
    rng = np.random.default_rng(5)
    found = np.mean([time_series.inefficiency(ar1(20_000, memory, rng)) for _ in range(5)])
    assert found == pytest.approx((1 + memory) / (1 - memory), rel=0.1)


def test_the_interval_holds_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(6)
    held = 0
    for _ in range(400):
        found = time_series.mean(ar1(1000, 0.9, rng, mean=3.0), confidence=0.95, start=0)
        held += found.low <= 3.0 <= found.high
    assert 0.90 <= held / 400 <= 0.985


def test_a_start_that_relaxes_is_left_out():
    rng = np.random.default_rng(7)
    series = ar1(2000, 0.5, rng) + 8 * np.exp(-np.arange(2000) / 60)
    found = time_series.mean(series, confidence=0.95)
    assert 60 < found.start < 600
    assert found.low <= 0 <= found.high


def test_a_constant_is_known_at_once():
    found = time_series.mean(np.full(50, 2.5), confidence=0.95)
    assert (found.value, found.low, found.high) == (2.5, 2.5, 2.5)
