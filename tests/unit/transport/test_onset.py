import numpy as np
import pytest

import synthetic
from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport import msd, onset
from synthetic import Hop


def test_relaxation_of_hops_that_return():
    # slope of the MSD: (1 - p) + 2 p exp(-t / tau), so A = 2 p / (1 - p) = 2
    trajectory, _ = synthetic.hopping(
        np.random.default_rng(0), Hop(0.05, (1.0,), 0.5, 2.0), n_ions=200, n_frames=5000
    )
    found = onset.find([msd.displacements(trajectory)])
    assert found.amplitude == pytest.approx(2.0, rel=0.2)
    assert found.time_ps == pytest.approx(2.0, rel=0.25)
    assert found.onset_ps == pytest.approx(2.0 * np.log(2.0 / 0.01), rel=0.25)


def test_slower_memory_means_a_later_onset():
    onsets = []
    for memory in (0.8, 1.6, 3.2):
        trajectory, _ = synthetic.hopping(np.random.default_rng(1), Hop(0.05, (1.0,), 0.5, memory))
        onsets.append(onset.find([msd.displacements(trajectory)]).onset_ps)
    assert onsets[1] / onsets[0] == pytest.approx(2, rel=0.35)
    assert onsets[2] / onsets[1] == pytest.approx(2, rel=0.35)


def test_free_walk_is_diffusive_at_once():
    rng = np.random.default_rng(2)
    walk = np.cumsum(rng.standard_normal((2000, 60, 3)), axis=0)
    run = msd.displacements(Trajectory.from_arrays(walk, frame_interval_ps=0.1, cell=10 * np.eye(3)))
    assert onset.find([run]).onset_ps < 1.0


def test_two_halves_tell_as_much_as_the_whole():
    trajectory, _ = synthetic.hopping(np.random.default_rng(3), Hop(0.05, (1.0,), 0.5, 2.0), n_frames=4000)
    positions = np.concatenate(list(trajectory.blocks()), axis=1)
    halves = [
        msd.displacements(Trajectory.from_arrays(half, frame_interval_ps=0.2, cell=10 * np.eye(3)))
        for half in np.split(positions, 2)
    ]
    whole = onset.find([msd.displacements(trajectory)])
    assert onset.find(halves).onset_ps == pytest.approx(whole.onset_ps, rel=0.2)


@pytest.mark.parametrize("seed", range(4))
def test_runs_that_differ_in_d_have_an_onset_together(seed):
    """Orderings and potentials differ in D, by a factor of three here; the memory of the hops is the same."""
    rng = np.random.default_rng(seed)
    runs = []
    for rate in (0.05, 0.15):
        trajectory, _ = synthetic.hopping(rng, Hop(rate, (1.0,), 0.5, 2.0), n_ions=200, n_frames=3000)
        runs.append(msd.displacements(trajectory))
    found = onset.find(runs)
    # one side by side with the other, they had half of it
    assert found.onset_ps == pytest.approx(2.0 * np.log(2.0 / 0.01), rel=0.25)


def test_a_handful_of_frames_has_no_onset():
    rng = np.random.default_rng(4)
    walk = np.cumsum(rng.standard_normal((6, 5, 3)), axis=0)
    run = msd.displacements(Trajectory.from_arrays(walk, frame_interval_ps=0.1, cell=10 * np.eye(3)))
    assert onset.find([run]) is None


def test_noise_is_told_where_it_is():
    """Spectra of ions that move together at low frequencies, and rattle each on its own above."""
    rng = np.random.default_rng(5)
    sigma = np.where(np.arange(2000) < 300, 0.4, 0.03)
    _, _, count = onset._bins(np.arange(1.0, 2001), np.ones(2000))
    scatter = onset._scatter(np.exp(sigma * rng.standard_normal(2000)), count)
    low = count.cumsum() < 200
    np.testing.assert_allclose(scatter[low], 0.4, rtol=0.35)
    np.testing.assert_allclose(scatter[-5:], 0.03, rtol=0.2)


def test_ions_that_move_in_columns_have_an_onset():
    found = 0
    for n in range(6):
        rng = np.random.default_rng([6, n])
        hops = 3.0 * rng.choice([-1.0, 1.0], (1500, 3, 3)) * (rng.random((1500, 3, 3)) < 0.01)
        walk = np.repeat(hops.cumsum(axis=0), 20, axis=1) + 0.3 * rng.standard_normal((1500, 60, 3))
        run = msd.displacements(Trajectory.from_arrays(walk, frame_interval_ps=0.2, cell=10 * np.eye(3)))
        found += onset.find([run]) is not None
    assert found >= 5
