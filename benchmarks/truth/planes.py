"""Conductors that are quick in a plane or along a line, and across it slow, bounded, or moved as one.

Seeds: numpy.random.default_rng([40404, number of the model, n]). `hard.py --planes` judges them.

confined, thick
    Across the plane, five or eight sites between walls, which ions visit quickly: D along z is 0.
soft, slower, slow_soft
    Across the plane, a soft bounded motion of each ion of 1.2, 1.0 and 2.0 Å that forgets itself in 25, 80 and 150 ps.
swing
    Across the plane all ions swing as one, by 0.3 Å and 10 ps.
zigzag
    A chain along x whose sites lie up and down by 2.5 Å: along z ions go to and fro with every hop.
turned_slab
    As confined, the walls normal to (0, 1, 1).
remembered
    Across the plane ten hops an ion, three in five of which are undone by the next one.
"""

from __future__ import annotations

import numpy as np
from more_judges import FRAME_PS, HOP_A, N_FRAMES, N_IONS, _add_hops, _seen

from dlmd.trajectory.trajectory import Trajectory
from hard_conductors import Truth, _rattling, _trajectory, _walk

SEED = 40404


def _plane(rng: np.random.Generator, rate: float) -> tuple[np.ndarray, Truth]:
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(rate * FRAME_PS, moves.shape[:2]), (0, 1))
    d = rate * HOP_A**2 / 4
    return moves, Truth(2 * d / 3, 2 * d / 3, {"x": (d, d), "y": (d, d), "z": (0.0, 0.0)})


def _between_walls(rng: np.random.Generator, rate: float, sites: int) -> tuple[Trajectory, Truth]:
    moves, truth = _plane(rng, rate)
    place = rng.integers(sites, size=N_IONS)
    for frame in range(1, N_FRAMES):
        way = np.where(rng.random(N_IONS) < 0.5, 1, -1) * (rng.random(N_IONS) < 0.2 * FRAME_PS)
        way = np.where((place + way < 0) | (place + way >= sites), 0, way)
        place = place + way
        moves[frame, :, 2] += HOP_A * way
    return _seen(rng, moves), truth


def confined(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _between_walls(rng, 0.1, 5)


def thick(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _between_walls(rng, 0.05, 8)


def _soft(rng: np.random.Generator, rate: float, memory_ps: float, swing_a: float, ions: int = N_IONS):
    moves, truth = _plane(rng, rate)
    soft = np.zeros((N_FRAMES, ions, 3))
    shape = (N_FRAMES, ions, 1)
    soft[:, :, 2:] = _rattling(rng, shape, vibration_a=swing_a, memory_ps=memory_ps, frame_ps=FRAME_PS)
    moves += np.diff(soft, axis=0, prepend=soft[:1])
    return _seen(rng, moves), truth


def soft(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _soft(rng, 0.1, 25.0, 1.2)


def slower(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _soft(rng, 0.1, 80.0, 1.0)


def slow_soft(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _soft(rng, 0.05, 150.0, 2.0)


def swing(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _soft(rng, 0.1, 10.0, 0.3, ions=1)


def zigzag(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate, up_a = 0.1, 2.5
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(rate * FRAME_PS, moves.shape[:2]), (0,))
    up = up_a * (np.rint(moves[:, :, 0].cumsum(axis=0) / HOP_A).astype(int) % 2)
    moves[:, :, 2] = np.diff(up, axis=0, prepend=up[:1])
    d = rate * HOP_A**2 / 2
    return _seen(rng, moves), Truth(d / 3, d / 3, {"x": (d, d), "y": (0.0, 0.0), "z": (0.0, 0.0)})


def turned_slab(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    _plane(rng, 0.1)
    confined(rng)
    half = 2**-0.5
    run, truth = confined(rng)
    positions = np.concatenate(list(run.blocks()), axis=1) @ np.array(
        [[1, 0, 0], [0, half, half], [0, -half, half]]
    )
    d = 1.5 * truth.d_self
    axes = {"x": (d, d), "y": (d / 2, d / 2), "z": (d / 2, d / 2)}
    return _trajectory(positions, FRAME_PS, 600.0), Truth(truth.d_self, truth.d_total, axes)


def remembered(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    moves, truth = _plane(rng, 0.1)
    rate, back = 0.02, 0.6
    size = {"n_groups": N_IONS, "n_frames": N_FRAMES, "frame_ps": FRAME_PS, "hop_a": HOP_A}
    across = _walk(rng, rate=rate, back=back, axes=(2,), **size)
    moves += np.diff(across, axis=0, prepend=across[:1])
    z, d = rate * HOP_A**2 / 2 * (1 - back) / (1 + back), truth.axes["x"][0]
    mean = (2 * d + z) / 3
    return _seen(rng, moves), Truth(mean, mean, {"x": (d, d), "y": (d, d), "z": (z, z)})


MODELS = {
    model.__name__: model
    for model in (confined, thick, soft, slower, slow_soft, swing, zigzag, turned_slab, remembered)
}
