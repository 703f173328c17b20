import numpy as np
import pytest

from dlmd.transport import spectrum


def brownian(rng, n_frames=400, tensor=None, n_ions=7):
    """Sum of positions whose diffusion tensor, per ion, is `tensor` (default: identity)."""
    root = np.linalg.cholesky(np.eye(3) if tensor is None else tensor)
    steps = rng.standard_normal((n_frames - 1, 3)) @ root.T * np.sqrt(2 * 0.5 * n_ions)
    return np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])


def test_mean_of_the_periodogram_is_the_mean_square_step():
    path = brownian(np.random.default_rng(0), n_frames=402)
    frequency, tensors = spectrum.periodogram(path, frame_interval_ps=0.5, n_ions=7)
    assert frequency[0] == pytest.approx(1 / 200.5) and frequency[-1] == pytest.approx(200 / 200.5)
    # Parseval: the sum over all frequencies, zero included, is that over the steps
    steps = np.diff(path, axis=0)
    whole = 2 * tensors.sum(axis=0) + np.outer(steps.sum(axis=0), steps.sum(axis=0)) / (2 * 200.5 * 7)
    np.testing.assert_allclose(whole, steps.T @ steps / (2 * 0.5 * 7), rtol=1e-10)


def test_tensor_and_scalar_agree():
    rng = np.random.default_rng(1)
    tensor = np.array([[4.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 0.5]])
    frequency, tensors = spectrum.periodogram(brownian(rng, 20_000, tensor), frame_interval_ps=0.5, n_ions=7)
    fit = spectrum.posterior(tensors, frequency**2)
    assert fit.value == pytest.approx(np.trace(fit.tensor) / 3)
    np.testing.assert_allclose(fit.tensor, tensor, atol=0.2)


@pytest.mark.parametrize(("n_frames", "rise"), [(13, 0.0), (13, 2.0), (161, 2.0)])
def test_intervals_cover(n_frames, rise):
    """Chi-square periodograms of a known spectrum 1 + rise * h, at six and at eighty frequencies."""
    rng = np.random.default_rng(2)
    n = (n_frames - 1) // 2
    h = (np.arange(1, n + 1) / n) ** 2
    scalar, axis = [], []
    for _ in range(200):
        z = rng.standard_normal((n, 2, 3)) / np.sqrt(2)
        tensors = np.einsum("kri,krj->kij", z, z) * (1 + rise * h)[:, None, None]
        fit = spectrum.posterior(tensors, h, prior=(1.0, 2.0))
        one = fit.interval(0.95)
        scalar.append(one.low <= 1 <= one.high)
        one = fit.interval(0.95, np.array([0.0, 1.0, 0.0]))
        axis.append(one.low <= 1 <= one.high)
    assert 0.9 <= np.mean(scalar) <= 0.99
    assert 0.9 <= np.mean(axis) <= 0.995


@pytest.mark.parametrize(("shape", "expected"), [((1, 1, 1), 6), ((1, 1, 0), 4), ((1, 0, 0), 2)])
def test_degrees_of_freedom_follow_the_dimension(shape, expected):
    rng = np.random.default_rng(3)
    _, tensors = spectrum.periodogram(brownian(rng, 4000) * np.array(shape), frame_interval_ps=0.5, n_ions=7)
    assert spectrum._degrees_of_freedom(tensors) == pytest.approx(expected, abs=0.15)
