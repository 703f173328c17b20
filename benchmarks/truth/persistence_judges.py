"""Five conductors with exact answers whose single ions go on the same way, or do so beside other memories; written before
intervals of D_self were widened for such motion, and run after it only.

Seeds: numpy.random.default_rng([70707, number of the model, n]). `hard.py --persistence` judges them.

trains
    Each ion hops in trains: after a hop, with a chance of 0.4, comes another the same way after 12 ps on average, and so on.
tailwind
    Memoryless hops, and a velocity of each ion's own that forgets itself in 15 ps and adds a third to D.
back_then_on
    Three in ten hops return after 1 ps on average; of the others, three in ten go on once more the same way after 15 ps.
threes_go_on
    Strings of three, half of which move on once more the same way after 20 ps, beside memoryless single hops.
quick_and_plain
    Two kinds of ions, of which one hops six times as often; no memory: what it costs where there is none.
"""

from __future__ import annotations

import numpy as np
from memory_judges import _LEAD_PS, _add_groups, _free, _move
from more_judges import FRAME_PS, HOP_A, LENGTH_PS, N_FRAMES, N_IONS, _add_hops, _seen

from dlmd.trajectory.trajectory import Trajectory
from hard_conductors import Truth, _rattling

SEED = 70707


def _starts(rng: np.random.Generator, rate: float) -> np.ndarray:
    """Times of beginnings, `rate` per ion and ps, some of them before the run."""
    return rng.uniform(-_LEAD_PS, LENGTH_PS, rng.poisson(rate * N_IONS * (LENGTH_PS + _LEAD_PS)))


def trains(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate, on, after_ps = 0.04, 0.4, 12.0
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    for when in _starts(rng, rate):
        ion, axis, step = rng.integers(N_IONS), rng.integers(3), HOP_A * rng.choice([-1.0, 1.0])
        _move(moves, when, ion, axis, step)
        while rng.random() < on:
            when += rng.exponential(after_ps)
            _move(moves, when, ion, axis, step)
    # n hops with a chance of (1 - on) on^(n - 1): the mean of n² is (1 + on) / (1 - on)²
    d = rate * (1 + on) / (1 - on) ** 2 * HOP_A**2 / 6
    return _seen(rng, moves), Truth(d, d)


def tailwind(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate, memory_ps, share = 0.06, 15.0, 1 / 3
    moves, d = _free(rng, rate), rate * HOP_A**2 / 6
    deviation = np.sqrt(share * d / memory_ps)
    velocity = _rattling(
        rng, (N_FRAMES, N_IONS, 3), vibration_a=deviation, memory_ps=memory_ps, frame_ps=FRAME_PS
    )
    r = np.exp(
        -FRAME_PS / memory_ps
    )  # of the sampled process: variance (1 + r) / (1 - r) dt in place of 2 tau
    own = deviation**2 * FRAME_PS * (1 + r) / (1 - r) / 2
    return _seen(rng, moves + velocity * FRAME_PS), Truth(d + own, d + own)


def back_then_on(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate = 0.08
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    # of the others, three in ten: 0.7 * 0.3 of all
    d, _ = _add_groups(rng, moves, rate=rate, members=1, then=((0.3, -1.0, 1.0), (0.21, 1.0, 15.0)))
    return _seen(rng, moves), Truth(d, d)


def threes_go_on(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate = 0.03
    moves, d = _free(rng, rate), rate * HOP_A**2 / 6
    own, total = _add_groups(rng, moves, rate=0.005, members=3, then=((0.5, 1.0, 20.0),))
    return _seen(rng, moves), Truth(d + own, d + total)


def quick_and_plain(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rates = np.where(np.arange(N_IONS) < N_IONS // 2, 0.02, 0.12)
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(np.broadcast_to(rates * FRAME_PS, moves.shape[:2])), (0, 1, 2))
    d = float(rates.mean()) * HOP_A**2 / 6
    return _seen(rng, moves), Truth(d, d)


MODELS = {model.__name__: model for model in (trains, tailwind, back_then_on, threes_go_on, quick_and_plain)}
