import numpy as np
import pytest

from dlmd.mechanism.hops import Hops
from dlmd.mechanism.strings import strings


def run(rows, *, n_ions, length_ps=1000.0):
    """Hops from rows (ion, origin, target, time)."""
    ion, origin, target, time = (np.array(c) for c in zip(*sorted(rows), strict=True))
    zero = np.zeros(len(ion), int)
    same = np.concatenate([[False], ion[1:] == ion[:-1]])
    return Hops(
        ion,
        origin,
        target,
        np.ones((len(ion), 3)),
        time.astype(float),
        time,
        zero,
        zero + np.inf,
        zero,
        same,
        n_ions,
        length_ps,
    )


def test_an_ion_that_follows_another_makes_a_string():
    rows = [(0, 1, 2, 10.0), (1, 3, 1, 10.3), (2, 4, 3, 10.6), (3, 8, 9, 10.2), (4, 5, 6, 500.0)]
    found = strings([run(rows, n_ions=5)], window_ps=0.5, seed=1)
    assert found.sizes == {3: 1}
    assert found.share == pytest.approx(3 / 5)
    assert found.by_chance[0] < 0.1


def test_too_late_the_wrong_site_and_the_same_ion_make_none():
    late = [(0, 1, 2, 10.0), (1, 3, 1, 10.6)]
    elsewhere = [(0, 1, 2, 10.0), (1, 3, 4, 10.1)]
    back = [(0, 1, 2, 10.0), (0, 2, 1, 10.2)]
    for rows in (late, elsewhere, back):
        assert strings([run(rows, n_ions=2)], window_ps=0.5, seed=1).share == 0.0


def test_the_follower_may_come_first():
    rows = [(0, 1, 2, 10.3), (1, 3, 1, 10.0)]
    assert strings([run(rows, n_ions=2)], window_ps=0.5, seed=1).sizes == {2: 1}


def test_independent_hops_have_the_share_that_chance_gives():
    inside = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        rows = [(k % 40, *rng.choice(30, 2, replace=False), rng.uniform(0, 100)) for k in range(400)]
        found = strings([run(rows, n_ions=40, length_ps=100.0)], window_ps=0.4, seed=seed)
        assert found.share > 0.03
        inside.append(found.by_chance[1] <= found.share <= found.by_chance[2])
    assert sum(inside) >= 7


def test_planted_strings_stand_out_from_chance():
    rng = np.random.default_rng(0)
    rows = [(k % 40, *rng.choice(300, 2, replace=False), rng.uniform(0, 100)) for k in range(200)]
    for k in range(20):
        time, a, b, c = rng.uniform(0, 100), *rng.choice(300, 3, replace=False)
        rows += [(k, a, b, time), ((k + 7) % 40, c, a, time + 0.1)]
    found = strings([run(rows, n_ions=40, length_ps=100.0)], window_ps=0.4, seed=0)
    assert found.share > found.by_chance[2]
    assert sum(size * n for size, n in found.sizes.items()) >= 40
