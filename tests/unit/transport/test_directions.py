"""Directions along which ions are slow or bounded while they are quick along others; they need be no axes of the cell."""

import numpy as np
import pytest

from dlmd.base.units import CM2_PER_S_PER_A2_PER_PS
from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport import analysis
from hard_conductors import _rattling, _walk

FRAMES, IONS, FRAME_PS, HOP_A, RATE = 1500, 80, 0.2, 3.0, 0.12
IN_PLANE = RATE * HOP_A**2 / 4  # D along either direction of a plane in which ions hop without memory
TURNED = np.array([[1, 0, 0], [0, 1, 1], [0, -1, 1]]) / np.array([[1], [2**0.5], [2**0.5]])


def walk(rng, axes, rate=RATE, back=0.0):
    size = {"n_groups": IONS, "n_frames": FRAMES, "frame_ps": FRAME_PS, "hop_a": HOP_A}
    return _walk(rng, rate=rate, back=back, axes=axes, **size)


def analysed(rng, positions, **options):
    shape = positions.shape
    rattling = _rattling(rng, shape, vibration_a=0.3, memory_ps=0.4, frame_ps=FRAME_PS)
    run = Trajectory.from_arrays(
        positions + rattling, frame_interval_ps=FRAME_PS, cell=15 * np.eye(3), temperature_k=600.0
    )
    return analysis.analyse([run], charge=1.0, **options).to_dict()


def soft(rng, *, all_as_one, vibration_a, memory_ps):
    """Hops in a plane, and a bounded motion across it."""
    positions = walk(rng, (0, 1))
    shape = (FRAMES, 1 if all_as_one else IONS, 1)
    positions[:, :, 2:] += _rattling(
        rng, shape, vibration_a=vibration_a, memory_ps=memory_ps, frame_ps=FRAME_PS
    )
    return positions


@pytest.mark.parametrize("turned", [np.eye(3), TURNED])
def test_motion_between_walls_is_no_part_of_the_mean(turned):
    """A soft mode of 2 Å and 90 ps across the plane has the slope of a diffusion at short lags."""
    ratios = []
    for seed in range(3):
        rng = np.random.default_rng([5, seed])
        found = analysed(rng, soft(rng, all_as_one=False, vibration_a=2.0, memory_ps=90.0) @ turned)
        assert found["verdict"]["code"] == "ok"
        one = found["d_self_cm2_per_s"]
        truth = 2 / 3 * IN_PLANE * CM2_PER_S_PER_A2_PER_PS
        assert one["low"] < truth < one["high"]
        ratios.append(one["value"] / truth)
        # nothing of it is left along the direction across, wherever that lies
        tensor = np.array(found["d_self_tensor_cm2_per_s"])
        across = np.array([0, 0, 1]) @ turned
        assert abs(across @ tensor @ across) < 0.01 * truth
        assert np.trace(tensor) / 3 == pytest.approx(one["value"])
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.05)


def test_a_swing_of_all_ions_across_a_plane_is_no_conductivity():
    ratios = []
    for seed in range(4):
        rng = np.random.default_rng([6, seed])
        found = analysed(rng, soft(rng, all_as_one=True, vibration_a=0.3, memory_ps=10.0))
        if found["axes"] is None:
            continue
        assert found["axes"]["c_star"]["d_total_cm2_per_s"]["bound"]
        ratios.append(found["d_total_cm2_per_s"]["value"] / (2 / 3 * IN_PLANE * CM2_PER_S_PER_A2_PER_PS))
    # 1.9 with the spectrum of all directions in one
    assert len(ratios) >= 3
    assert np.mean(ratios) < 1.3


def test_hops_along_a_slow_axis_are_remembered_until_the_next():
    """Along z ten hops an ion, three in five of which the next one undoes: the window of the quick axes is too early for it."""
    rate, back = 0.03, 0.6
    truth = rate * HOP_A**2 / 2 * (1 - back) / (1 + back) * CM2_PER_S_PER_A2_PER_PS
    held, held_mean, values = [], [], []
    for seed in range(6):
        rng = np.random.default_rng([7, seed])
        found = analysed(rng, walk(rng, (0, 1)) + walk(rng, (2,), rate, back))
        if found["axes"] is None:
            continue
        along = found["axes"]["c_star"]["d_self_cm2_per_s"]
        held.append(along["low"] <= truth <= along["high"])
        values.append(along["value"])
        mean = 2 / 3 * IN_PLANE * CM2_PER_S_PER_A2_PER_PS + truth / 3
        held_mean.append(found["d_self_cm2_per_s"]["low"] < mean < found["d_self_cm2_per_s"]["high"])
    assert len(held) >= 4
    assert sum(held) >= len(held) - 1
    assert sum(held_mean) >= len(held) - 1
    assert np.mean(values) < 1.6 * truth


def test_where_no_direction_is_slow_the_mean_is_that_of_all():
    """Isotropic walks: one part, whose tensor is full."""
    rng = np.random.default_rng(8)
    found = analysed(rng, walk(rng, (0, 1, 2)))
    tensor = np.array(found["d_self_tensor_cm2_per_s"])
    assert np.linalg.eigvalsh(tensor).min() > 0.5 * np.linalg.eigvalsh(tensor).max()
    assert np.abs(tensor - np.diag(np.diag(tensor))).max() > 0
