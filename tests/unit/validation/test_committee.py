"""Committee: deviations by hand, calibration of errors that are known, shared, or unrelated to the spread."""

import numpy as np
import pytest

import needs
from dlmd.base.errors import DlmdError
from dlmd.validation import committee

FRAMES, ATOMS = 60, 20


def members(n=4, *, shared=0.0, by_atom=True, seed=1):
    """Forces (n, frames, atoms, 3) and reference: independent errors whose size grows with the atom's number from 0.01 to
    0.1 eV/Å (or not), and an error common to all members."""
    rng = np.random.default_rng(seed)
    reference = rng.normal(size=(FRAMES, ATOMS, 3))
    sizes = np.linspace(0.01, 0.1, ATOMS) if by_atom else np.full(ATOMS, 0.05)
    own = rng.normal(size=(n, FRAMES, ATOMS, 3)) * sizes[:, None]
    common = shared * rng.normal(size=(FRAMES, ATOMS, 3))
    return reference + common + own, reference


def test_deviation_of_two_opposite_forces():
    forces = np.zeros((2, 1, 3, 3))
    forces[0, 0, 0], forces[1, 0, 0] = [0.3, 0.4, 0.0], [-0.3, -0.4, 0.0]
    forces[:, 0, 1] = [5.0, 0.0, 0.0]
    np.testing.assert_allclose(committee.atom_deviation(forces), [[0.5, 0.0, 0.0]])
    frame = committee.FrameDeviation.of(forces)
    assert (frame.largest[0], frame.smallest[0]) == (0.5, 0.0)
    assert frame.mean[0] == pytest.approx(0.5 / 3)


def test_same_numbers_as_dp_model_devi():
    deepmd = needs.module("deepmd.infer.model_devi")
    forces, _ = members()
    by_dp = deepmd.calc_model_devi_f(forces)
    ours = committee.FrameDeviation.of(forces)
    np.testing.assert_allclose(by_dp[0], ours.largest)
    np.testing.assert_allclose(by_dp[1], ours.smallest)
    np.testing.assert_allclose(by_dp[2], ours.mean)


@pytest.mark.parametrize("n", [2, 4])
def test_independent_errors_are_all_seen(n):
    forces, reference = members(n)
    found = committee.calibrate([committee.judge(forces, reference)])
    assert found["independent_factor"] == pytest.approx(np.sqrt(n / (n - 1)))
    assert found["factor"]["low"] <= found["independent_factor"] <= found["factor"]["high"]
    assert found["factor"]["high"] - found["factor"]["low"] < 0.2
    assert found["seen_share"]["value"] > 0.9
    assert found["verdict"]["code"] == "guide"
    errors = [b["error_mev_per_a"] for b in found["bins"]]
    assert errors[-1] > 4 * errors[0]


def test_shared_error_is_hidden_and_said():
    """Own errors of mean square s² and a common one of c² per component: the committee sees s²/(s² + c²)."""
    c = 0.1
    forces, reference = members(4, shared=c, by_atom=False)
    found = committee.calibrate([committee.judge(forces, reference)])
    exact = 0.05**2 / (0.05**2 + c**2)
    assert found["seen_share"]["low"] < exact < found["seen_share"]["high"]
    assert found["seen_share"]["high"] < 0.3
    assert "hidden" in found["verdict"]["message"]


def test_spread_without_information_is_no_guide():
    """Errors of one size everywhere: a small committee's spread varies by chance alone and ranks nothing but itself."""
    rng = np.random.default_rng(3)
    spread = rng.uniform(0.01, 0.1, size=(FRAMES, ATOMS))
    error = np.abs(rng.normal(0.2, 0.05, size=(2, FRAMES, ATOMS)))
    found = committee.calibrate([committee.Judged(spread, error)])
    assert found["rank_correlation"]["low"] < 0 < found["rank_correlation"]["high"]
    assert found["verdict"]["code"] == "no_guide"


def test_intervals_cover_blocks_that_differ():
    """Two trajectories of different quality: the interval must be wider than that of as many frames of one kind."""
    good, bad = members(seed=1), members(seed=2)
    worse = bad[1] + 3 * (bad[0] - bad[1]) + 0.3 * np.random.default_rng(0).normal(size=bad[1].shape)
    mixed = committee.calibrate([committee.judge(*good), committee.judge(worse, bad[1])])
    alike = committee.calibrate([committee.judge(*good), committee.judge(*bad)])

    def width(found):
        return (found["factor"]["high"] - found["factor"]["low"]) / found["factor"]["value"]

    assert width(mixed) > 2 * width(alike)


def test_bins_hold_every_atom_once_in_order():
    rng = np.random.default_rng(0)
    spread, error = rng.random(1003), rng.random(1003)
    found = committee.bins(spread, error, number=7)
    assert sum(b["atoms"] for b in found) == 1003
    values = [b["spread_mev_per_a"] for b in found]
    assert values == sorted(values)
    whole = sum(b["atoms"] * b["error_mev_per_a"] ** 2 for b in found) / 1003
    assert np.sqrt(whole) == pytest.approx(1e3 * np.sqrt((error**2).mean()))


def test_one_potential_is_no_committee():
    with pytest.raises(DlmdError, match="no committee"):
        committee.Committee(["model.pb"])


def test_equal_potentials_are_refused():
    forces, reference = members()
    same = np.broadcast_to(forces[:1], forces.shape)
    with pytest.raises(DlmdError, match="all the same"):
        committee.calibrate([committee.judge(same, reference)])
