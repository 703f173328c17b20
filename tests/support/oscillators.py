"""Damped oscillators in thermal equilibrium."""

from __future__ import annotations

import numpy as np


def swinging(
    rng: np.random.Generator,
    n_frames: int,
    movers: int,
    *,
    period_ps: float,
    quality: float,
    swing_a: float,
    frame_ps: float,
) -> np.ndarray:
    """(frames, movers, 3): damped oscillators in equilibrium, exact at every frame."""
    from scipy.linalg import expm

    w = 2 * np.pi / period_ps
    keep = expm(np.array([[0.0, 1.0], [-(w**2), -w / quality]]) * frame_ps)
    spread = np.diag([swing_a**2, (swing_a * w) ** 2])
    kick = np.linalg.cholesky(spread - keep @ spread @ keep.T)
    state = np.sqrt(spread) @ rng.standard_normal((2, movers * 3))
    path = np.zeros((n_frames, movers * 3))
    for frame in range(n_frames):
        path[frame] = state[0]
        state = keep @ state + kick @ rng.standard_normal(state.shape)
    return path.reshape(n_frames, movers, 3)
