"""Ions that hop without a memory, and all swing as one about the host: a peak in the spectrum of their sum."""

from types import SimpleNamespace

import numpy as np
import pytest

from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport import analysis, spectrum
from dlmd.transport.onset import Relaxation
from oscillators import swinging

FRAMES, IONS, FRAME_PS, HOP_A, RATE = 2500, 120, 0.2, 3.0, 0.08
TRUTH = RATE * HOP_A**2 / 6
GIVEN = {"onset_ps": 2.2, "relaxation": Relaxation(0.35, 1.0, 2.0, 2.2)}


def of_sum(rng, *, swing_a, period_ps=25.0, quality=4.0, axes=(0, 1, 2), pace=None):
    """Sums of the ions' positions; `pace` (frames, 1) multiplies the rate."""
    count = rng.poisson(IONS * RATE * FRAME_PS / 6 * (1 if pace is None else pace), (FRAMES, 6))
    collective = np.cumsum(HOP_A * (count[:, ::2] - count[:, 1::2]), axis=0).astype(float)
    path = swinging(
        rng, FRAMES, 1, period_ps=period_ps, quality=quality, swing_a=swing_a or 1.0, frame_ps=FRAME_PS
    )[:, 0]
    if swing_a:
        collective[:, axes] += IONS * path[:, axes]
    collective += IONS**0.5 * 0.3 * rng.standard_normal(collective.shape)
    return [SimpleNamespace(collective=collective, n_ions=IONS, n_frames=FRAMES, frame_interval_ps=FRAME_PS)]


@pytest.mark.parametrize(("axes", "quality"), [((0, 1, 2), 4.0), ((0, 1, 2), 16.0), ((2,), 4.0)])
def test_the_limit_is_told_from_below_the_peak(axes, quality):
    held, periods, values = [], [], []
    for seed in range(12):
        runs = of_sum(np.random.default_rng([1, seed]), swing_a=0.15, axes=axes, quality=quality)
        period = spectrum.swing_ps(runs, **GIVEN)
        one = spectrum.fit(runs, swing_ps=period, **GIVEN).interval(0.95)
        held.append(one.low <= TRUTH <= one.high)
        values.append(np.nan if one.bound else one.value)
        periods.append(period or np.nan)
        if len(axes) == 3:
            assert spectrum.fit(runs, **GIVEN).interval(0.95).low > TRUTH
    assert np.mean(held) >= 0.9
    assert np.nanmedian(periods) == pytest.approx(25.0, rel=0.15)
    assert np.nanmean(values) == pytest.approx(TRUTH, rel=0.25)


def test_hops_alone_show_no_swing():
    found = [
        spectrum.swing_ps(of_sum(np.random.default_rng([2, seed]), swing_a=0.0), **GIVEN)
        for seed in range(40)
    ]
    assert sum(period is not None for period in found) <= 1


def test_hops_in_bursts_show_no_swing():
    """Their powers scatter by more than those of even motion, so that a peak needs more evidence."""
    found = []
    for seed in range(16):
        rng = np.random.default_rng([3, seed])
        pace = np.repeat(rng.random(FRAMES // 100 + 1) < 0.25, 100)[:FRAMES, None] / 0.25
        found.append(spectrum.swing_ps(of_sum(rng, swing_a=0.0, pace=pace), **GIVEN))
    assert sum(period is not None for period in found) <= 1


def analysed(seed, *, period_ps, swing_a, frames=1500, ions=100):
    rng = np.random.default_rng([4, seed])
    positions = swinging(rng, frames, 1, period_ps=period_ps, quality=4.0, swing_a=swing_a, frame_ps=FRAME_PS)
    positions = positions + 0.3 * rng.standard_normal((frames, ions, 3))
    hops = rng.poisson(RATE * FRAME_PS / 6, (frames, ions, 6))
    positions += HOP_A * np.cumsum(hops[:, :, ::2] - hops[:, :, 1::2], axis=0)
    run = Trajectory.from_arrays(
        positions, frame_interval_ps=FRAME_PS, cell=14 * np.eye(3), temperature_k=600.0
    )
    return analysis.analyse([run], charge=1.0).to_dict()


def test_a_result_names_the_swing_and_holds_the_truth():
    found = analysed(2, period_ps=15.0, swing_a=0.12)
    assert found["verdict"]["code"] == "ok"
    assert "swing as one" in " ".join(found["notes"])
    total = found["d_total_cm2_per_s"]
    assert total["low"] < TRUTH * 1e-4 < total["high"]


def test_a_run_of_few_periods_is_too_short():
    found = analysed(2, period_ps=60.0, swing_a=0.2)
    assert found["verdict"]["code"] == "too_short"
    assert "swing as one with a period of" in found["verdict"]["message"]
    assert found["d_total_cm2_per_s"] is None
