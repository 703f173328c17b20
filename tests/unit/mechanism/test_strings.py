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


def lattice_gas(rng, *, rate=0.1, side=6, vacancies=22, length_ps=150.0, concerted=0.0):
    """Ions on a cubic lattice that hop into empty neighbours, each at `rate`: exact, by Gillespie's algorithm.

    With probability `concerted` the ion behind the one that hops follows it at once.
    """
    sites = side**3
    grid = np.stack(np.meshgrid(*(np.arange(side),) * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    arms = np.concatenate([np.eye(3, dtype=int), -np.eye(3, dtype=int)])
    around = ((grid[:, None] + arms) % side) @ np.array([side * side, side, 1])
    ion_at = np.full(sites, -1)
    full = rng.permutation(sites)[: sites - vacancies]
    ion_at[full] = np.arange(len(full))
    rows, time = [], 0.0

    def hop(start, end, when):
        rows.append((ion_at[start], start, end, when))
        ion_at[end], ion_at[start] = ion_at[start], -1

    while True:
        # every empty site is offered by each of its neighbours
        time += rng.exponential(1 / (rate * vacancies * 6))
        if time >= length_ps:
            return run(rows, n_ions=len(full), length_ps=length_ps)
        end = rng.choice(np.flatnonzero(ion_at < 0))
        k = rng.integers(6)
        start = around[end, k]
        if ion_at[start] >= 0:
            hop(start, end, time)
            behind = around[start, k]
            if rng.random() < concerted and ion_at[behind] >= 0:
                hop(behind, start, time + rng.uniform(0, 0.1))


def test_vacancies_that_are_followed_are_no_strings():
    """In a lattice gas a fifth of the sites left are taken within the window, so that a fifth of all hops seem linked."""
    for seed in range(8):
        gas = lattice_gas(np.random.default_rng(seed))
        found = strings([gas], window_ps=0.5, seed=seed)
        assert found.share > 0.15
        assert not found.more_than_chance
        assert found.expected == pytest.approx(found.followers, rel=0.25)


@pytest.mark.parametrize("rate", [0.02, 0.1])
def test_concerted_hops_stand_out_from_the_lattice_gas(rate):
    gas = lattice_gas(np.random.default_rng(9), rate=rate, concerted=0.25, length_ps=150.0 * 0.1 / rate)
    found = strings([gas], window_ps=0.5, seed=1)
    assert found.more_than_chance and found.share > found.by_chance[2]


def test_planted_strings_stand_out_from_chance():
    rng = np.random.default_rng(0)
    rows = [(k % 40, *rng.choice(300, 2, replace=False), rng.uniform(0, 100)) for k in range(200)]
    for k in range(20):
        time, a, b, c = rng.uniform(0, 100), *rng.choice(300, 3, replace=False)
        rows += [(k, a, b, time), ((k + 7) % 40, c, a, time + 0.1)]
    found = strings([run(rows, n_ions=40, length_ps=100.0)], window_ps=0.4, seed=0)
    assert found.share > found.by_chance[2]
    assert found.more_than_chance
