import numpy as np
import pytest

from dlmd.mechanism.hop_diffusion import decompose, random_walk, succession
from dlmd.mechanism.hops import Hops, classes, hops
from dlmd.mechanism.site_visits import visits
from jumping import SPACING, cubic, trajectory, walks

LENGTH = 400.0
WINDOW = (2.0, 6.0)


def table(jumps, length_ps=LENGTH):
    """Hops straight from jumps on the cubic lattice."""
    ion = np.concatenate([np.full(len(t), k) for k, (t, _) in enumerate(jumps)])
    times = np.concatenate([t for t, _ in jumps])
    steps = SPACING * np.concatenate([s for _, s in jumps])
    same = np.concatenate([[False], ion[1:] == ion[:-1]])
    zero = np.zeros(len(ion), int)
    return Hops(
        ion,
        zero,
        zero,
        steps,
        times,
        times,
        zero - 1,
        zero + np.inf,
        np.sign(steps[:, 2]).astype(int),
        same,
        len(jumps),
        length_ps,
    )


def along(run):
    """Class 0 for jumps across z, 1 for jumps along z."""
    return (np.abs(run.vector_a[:, 2]) > 0).astype(int)


def test_uncorrelated_jumps_diffuse_as_each_on_its_own():
    rng = np.random.default_rng(0)
    run = table(walks(rng, n_ions=60, length_ps=LENGTH, rates=[0.05] * 6))
    # D = rate x length² / 6
    assert random_walk([run]) == pytest.approx(0.3 * SPACING**2 / 6, rel=0.03)
    found = decompose([run], [along(run)], 2, window_ps=WINDOW, confidence=0.95)
    assert found.hop.low < 0.3 * SPACING**2 / 6 < found.hop.high
    assert found.correlation.low < 1.0 < found.correlation.high
    assert found.correlation.value == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("back", [0.3, 0.6])
def test_jumps_with_memory_have_the_correlation_factor_of_their_cosine(back):
    # each jump reverses the one before with probability b: <cos> = -b, and f = (1 + <cos>) / (1 - <cos>)
    rng = np.random.default_rng(1)
    run = table(walks(rng, n_ions=150, length_ps=LENGTH, rates=[0.2] * 6, back=back))
    found = decompose([run], [along(run)], 2, window_ps=(8.0, 24.0), confidence=0.95)
    f = (1 - back) / (1 + back)
    assert found.correlation.value == pytest.approx(f, abs=0.06)
    memory = succession([run], confidence=0.95)
    assert memory.cosine.low < -back < memory.cosine.high
    # a drawn jump reverses the one before by chance too
    assert memory.returns.low < back + (1 - back) / 6 < memory.returns.high


def test_shares_of_directions_are_those_of_the_rates_and_add_up():
    rng = np.random.default_rng(2)
    run = table(walks(rng, n_ions=100, length_ps=LENGTH, rates=[0.02, 0.02, 0.02, 0.02, 0.06, 0.06]))
    found = decompose([run], [along(run)], 2, window_ps=WINDOW, confidence=0.95)
    across, up = found.shares
    assert across.value + up.value == pytest.approx(1.0)
    assert up.low < 0.6 < up.high
    assert up.high - up.low < 0.15


def test_hops_that_are_always_undone_have_no_share():
    rng = np.random.default_rng(3)
    jumps = walks(rng, n_ions=80, length_ps=LENGTH, rates=[0.05] * 4 + [0, 0])
    rattled = []
    for times, steps in jumps:
        there = np.sort(rng.uniform(0, LENGTH - 1, 60))
        all_times = np.concatenate([times, there, there + 0.3])
        up = np.tile([0, 0, 1], (60, 1))
        order = np.argsort(all_times)
        rattled.append((all_times[order], np.concatenate([steps, up, -up])[order]))
    run = table(rattled)
    found = decompose([run], [along(run)], 2, window_ps=(3.0, 9.0), confidence=0.95)
    across, up = found.shares
    # six in ten of all hops go up or down, and they contribute nothing
    assert along(run).mean() > 0.5
    assert abs(up.value) < 0.03
    assert across.value == pytest.approx(1.0, abs=0.03)
    assert found.correlation.value < 0.6


def test_intervals_hold_over_many_runs():
    hits = np.zeros(3)
    for seed in range(40):
        run = table(walks(np.random.default_rng(seed), n_ions=40, length_ps=200, rates=[0.05] * 6), 200.0)
        found = decompose([run], [along(run)], 2, window_ps=(1.5, 4.5), confidence=0.95)
        hits += [
            found.hop.low <= 0.45 <= found.hop.high,
            found.correlation.low <= 1 <= found.correlation.high,
            found.shares[1].low <= 1 / 3 <= found.shares[1].high,
        ]
    # 38 of 40 expected; 33 or fewer would be met in one case of a hundred
    assert (hits >= 34).all(), hits


def test_two_runs_count_as_one_long_one():
    rng = np.random.default_rng(5)
    runs = [table(walks(rng, n_ions=30, length_ps=LENGTH, rates=[0.05] * 6)) for _ in range(2)]
    both = decompose(runs, [along(r) for r in runs], 2, window_ps=WINDOW, confidence=0.95)
    assert both.random == pytest.approx(np.mean([random_walk([r]) for r in runs]))
    assert both.hop.low < 0.45 < both.hop.high


def test_from_rattling_ions_to_rates_and_shares():
    """Frames of ions that jump and rattle: the hops that were put in are found, no more and no fewer."""
    sites = cubic(layered=True)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        jumps = walks(rng, n_ions=30, length_ps=200, rates=[0.02] * 4 + [0.01] * 2)
        ions = trajectory(rng, jumps, length_ps=200, dt_ps=0.1, cell=sites.cell, rattle_a=0.3)
        run = hops(sites, visits(sites, ions, core_fraction=0.3))
        made = sum(len(t) for t, _ in jumps)
        # two jumps of one ion within a frame or two are seen as one
        assert made - 12 <= len(run) <= made
        names, group = classes(sites, run)
        between = np.mean(group == names.index("between layers, direct"))
        true = np.mean(np.concatenate([s[:, 2] != 0 for _, s in jumps]))
        assert between == pytest.approx(true, abs=0.02)


def test_no_pair_of_hops_has_no_memory():
    run = table([(np.array([1.0]), np.array([[1, 0, 0]]))])
    assert succession([run], confidence=0.95) is None
