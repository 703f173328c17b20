"""The hard conductors have the answers that they say they have: many long runs of each, against its truth."""

import numpy as np
import pytest

from hard_conductors import MODELS

EXACT = [name for name in MODELS if name not in ("waiting", "fractional", "ageing")]


def positions(trajectory):
    """(frames, ions, 3) in Å."""
    return np.concatenate(list(trajectory.blocks()), axis=1)


def slopes(model, *, runs, **settings):
    """D_self and D_total per axis (runs, 3) from MSDs between a half and all of each run, one origin each."""
    own, total = [], []
    for n in range(runs):
        trajectory, truth = MODELS[model](np.random.default_rng([7, n]), **settings)
        block = positions(trajectory)
        half, last = len(block) // 2, len(block) - 1
        interval = (last - half) * trajectory.frame_interval_ps
        late, middle = block[last] - block[0], block[half] - block[0]
        own.append(((late**2).mean(axis=0) - (middle**2).mean(axis=0)) / (2 * interval))
        n_ions = block.shape[1]
        total.append((late.sum(axis=0) ** 2 - middle.sum(axis=0) ** 2) / (2 * interval * n_ions))
    return np.array(own), np.array(total), truth


@pytest.mark.slow
@pytest.mark.parametrize("model", EXACT)
def test_the_truth_is_true(model):
    own, total, truth = slopes(model, runs=40)
    for found, exact in ((own, truth.d_self), (total, truth.d_total)):
        means = found.mean(axis=1)
        error = means.std(ddof=1) / np.sqrt(len(means))
        assert abs(means.mean() - exact) < 4 * error + 1e-3, (model, means.mean(), exact, error)


@pytest.mark.slow
def test_across_the_layers_nothing_diffuses():
    own, _, truth = slopes("layers", runs=20)
    assert abs(own[:, 2].mean()) < 3e-3
    assert own[:, :2].mean() == pytest.approx(truth.axes["x"][0], rel=0.15)


@pytest.mark.parametrize("model", ["waiting", "fractional"])
def test_subdiffusion_grows_as_t_to_the_0_8(model):
    early, late = [], []
    for n in range(6):
        trajectory, truth = MODELS[model](np.random.default_rng([8, n]))
        assert truth.d_self is None
        block = positions(trajectory)
        moved = block - block[0]
        early.append((moved[100] ** 2).sum(axis=1).mean())
        late.append((moved[2400] ** 2).sum(axis=1).mean())
    exponent = np.log(np.mean(late) / np.mean(early)) / np.log(24.0)
    assert exponent == pytest.approx(0.8, abs=0.08)
