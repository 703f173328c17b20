"""Selection of frames: bounds, spreading out without near-duplicates, settling."""

import numpy as np
import pytest

from dlmd.learning import selection


def test_classes_at_the_bounds():
    found = selection.classify(np.array([0.05, 0.1, 0.39, 0.4, 2.0, np.nan]), low=0.1, high=0.4)
    assert found.accurate.tolist() == [0]
    assert found.candidate.tolist() == [1, 2]
    assert found.failed.tolist() == [3, 4, 5]
    assert found.failing_share == pytest.approx(5 / 6)


def test_no_frames_fail_no_share():
    assert selection.classify(np.empty(0), low=0.1, high=0.4).failing_share == 0.0


def test_a_frame_is_described_by_the_mean_of_each_element():
    descriptors = np.arange(2 * 3 * 2, dtype=float).reshape(2, 3, 2)
    found = selection.mean_descriptors(descriptors, [0, 2, 0], 3)
    assert found.shape == (2, 6)
    np.testing.assert_allclose(found[0], [2, 3, 0, 0, 2, 3])
    # an element that is absent has no mean, and no place
    np.testing.assert_allclose(found[:, 2:4], 0.0)


def test_scale_of_duplicates_is_within_runs_only():
    runs = [np.array([[0.0], [1.0], [2.0]]), np.array([[100.0], [103.0]]), np.array([[7.0]])]
    assert selection.duplicate_distance(runs) == 0.5
    assert selection.duplicate_distance([np.array([[7.0]])]) == 0.0


def test_vibrations_are_no_copies():
    """Frames of independent vibrations about sites that change slowly, and every frame once more with a little noise: the first
    are all worth a label, their copies are not."""
    rng = np.random.default_rng(1)
    hops = np.cumsum(0.02 * rng.standard_normal((200, 20)), axis=0)
    run = hops + rng.standard_normal((200, 20))
    copies = run + 1e-3 * rng.standard_normal(run.shape)
    distance = selection.duplicate_distance([run])
    points = np.concatenate([run, copies])
    chosen = selection.spread_out(points, np.zeros(400), most=400, distance=distance)
    assert len(chosen) > 0.9 * 200
    assert len({c % 200 for c in chosen}) == len(chosen)


def test_spreads_over_clusters_and_drops_near_duplicates():
    """Three tight clusters far from each other: one point of each, the first of highest priority, however many are allowed."""
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = np.concatenate([c + 0.1 * rng.uniform(-1, 1, (20, 2)) for c in centres])
    priority = np.zeros(60)
    priority[45] = 1.0
    chosen = selection.spread_out(points, priority, most=10, distance=1.0)
    assert chosen[0] == 45
    assert sorted(c // 20 for c in chosen) == [0, 1, 2]
    assert len(selection.spread_out(points, priority, most=2, distance=1.0)) == 2
    assert len(selection.spread_out(points, priority, most=10, distance=0.0)) == 10


def test_identical_points_are_one():
    assert selection.spread_out(np.ones((5, 3)), np.arange(5.0), most=5, distance=0.0) == [4]
    assert selection.spread_out(np.empty((0, 3)), np.empty(0), most=5, distance=0.0) == []


@pytest.mark.parametrize(
    ("share", "error", "before", "expected"),
    [
        (0.01, 60.0, 61.0, True),
        (0.03, 60.0, 61.0, False),  # still fails too often
        (0.01, 60.0, 70.0, False),  # still learns
        (0.01, 70.0, 60.0, False),  # got worse: not settled either
        (0.00, 60.0, None, False),  # nothing to compare with
    ],
)
def test_settles_when_share_and_error_both_stand_still(share, error, before, expected):
    found = selection.settled(
        failing_share=share, error=error, previous_error=before, max_share=0.02, max_change=0.05
    )
    assert found is expected


def test_composition_of_environments_tells_frames_of_other_kinds_apart():
    """Two kinds of environments, far apart: a frame's parts are how many of its atoms are of each."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 2, size=(40, 50))
    atoms = 20.0 * kinds[:, :, None] + 0.01 * rng.normal(size=(40, 50, 4))
    types = np.zeros(50, int)
    (found,) = selection.environment_composition([atoms], [types], 1, kinds=2)
    share = kinds.mean(axis=1)
    order = (0, 1) if np.corrcoef(found[:, 1], share)[0, 1] > 0 else (1, 0)
    assert found[:, order[1]] == pytest.approx(np.sqrt(share))
    assert (found**2).sum(axis=1) == pytest.approx(np.ones(40))


def test_projections_keep_distances_nearly():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(1, 200, 500))
    found = selection.projected(points)
    assert found.shape == (1, 200, selection.PROJECTED)
    before = np.linalg.norm(points[0, :100] - points[0, 100:], axis=1)
    after = np.linalg.norm(found[0, :100] - found[0, 100:], axis=1)
    assert (after / before).mean() == pytest.approx(1.0, abs=0.1)
