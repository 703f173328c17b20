"""Coordinates that move in a periodic potential, each on its own: overdamped ones, and ones with inertia."""

from __future__ import annotations

import numpy as np


def sliding(rng: np.random.Generator, movers: int, *, n_frames: int) -> np.ndarray:
    """(frames, movers) overdamped coordinates every 10 fs, in steps of 1 fs after Leimkuhler and Matthews (2013)."""
    d0, barrier, period_a, step_ps, every = 4.0, 5.0, 2.5, 0.001, 10
    wave = 2 * np.pi / period_a
    # in equilibrium: from the middle of the wells by rejection
    x = np.zeros(0)
    while len(x) < movers:
        tried = rng.uniform(0, period_a, 20 * movers)
        keep = rng.random(len(tried)) < np.exp(-barrier / 2 * (1 + np.cos(wave * tried)))
        x = np.concatenate([x, tried[keep]])
    x = x[:movers]
    path = np.zeros((n_frames, movers))
    before = rng.standard_normal(movers)
    for frame in range(n_frames):
        path[frame] = x
        for _ in range(every):
            after = rng.standard_normal(movers)
            x = x + d0 * step_ps * barrier / 2 * wave * np.sin(wave * x)
            x += np.sqrt(d0 * step_ps / 2) * (before + after)
            before = after
    return path


def flying(rng: np.random.Generator, movers: int, *, n_frames: int, every: int = 4) -> np.ndarray:
    """(frames, movers) coordinates with inertia in steps of 5 fs (BAOAB, Leimkuhler and Matthews, 2013), after 10 ps."""
    thermal, barrier, period_a, friction, step_ps = 8.48, 5.0, 3.0, 3.0, 0.005
    wave = 2 * np.pi / period_a
    force = thermal**2 * barrier / 2 * wave
    keep = np.exp(-friction * step_ps)
    kick = thermal * np.sqrt(1 - keep**2)
    x = np.full(movers, period_a / 2)
    v = thermal * rng.standard_normal(movers)
    a = force * np.sin(wave * x)
    path = np.zeros((n_frames, movers))
    for step in range(-2000, n_frames * every):
        if step >= 0 and step % every == 0:
            path[step // every] = x
        v += 0.5 * step_ps * a
        x = x + 0.5 * step_ps * v
        v = keep * v + kick * rng.standard_normal(movers)
        x += 0.5 * step_ps * v
        a = force * np.sin(wave * x)
        v += 0.5 * step_ps * a
    return path
