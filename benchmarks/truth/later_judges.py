"""Six conductors with exact answers, written before spectrum.py was looked at for the third time, and run after it only.

Seeds: numpy.random.default_rng([8086, number of the model, n]). `hard.py --later` judges them.

returning_pairs
    Single hops without a memory, and correlated pairs six in ten of whose moves are undone after 100 ps on average, a fifth of
    the run.
slow_z
    Pairs that move at once along x and y, without a memory; along z ten times more seldom, and half of these moves return
    after 6 ps.
two_swings
    Memoryless pairs, and swings of all ions as one about the host with two times, 5 and 20 ps, of 0.08 Å each.
returning_strings
    Memoryless single hops, and strings of six, six in ten of which return after 10 ps on average.
clusters
    Single hops, pairs and strings of four without any memory: what a memory that is not there costs.
gusts
    All ions hop four times quicker in gusts of 6 ps on average than in lulls of 12 ps.
"""

from __future__ import annotations

import numpy as np
from more_judges import FRAME_PS, HOP_A, LENGTH_PS, N_FRAMES, N_IONS, _add_hops, _seen

from dlmd.trajectory.trajectory import Trajectory
from hard_conductors import Truth, _rattling
from synthetic import Hop, hopping

SEED = 8086
_SIZE = {"n_ions": N_IONS, "n_frames": N_FRAMES, "frame_ps": FRAME_PS, "temperature_k": 600.0}


def _hopping(rng: np.random.Generator, *hops: Hop) -> tuple[Trajectory, Truth]:
    trajectory, truth = hopping(rng, *hops, **_SIZE)
    return trajectory, Truth(truth.d_self, truth.d_total)


def returning_pairs(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _hopping(rng, Hop(0.03), Hop(0.02, (1.0, 1.0), 0.6, 100.0))


def slow_z(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    quick, slow, back, memory_ps = 0.06, 0.006, 0.5, 6.0
    pairs = np.zeros((N_FRAMES, N_IONS // 2, 3))
    _add_hops(rng, pairs, rng.poisson(quick * FRAME_PS, pairs.shape[:2]), (0, 1))
    lead = 10 * memory_ps
    for pair in range(N_IONS // 2):
        for start in rng.uniform(-lead, LENGTH_PS, rng.poisson(slow * (LENGTH_PS + lead))):
            step = HOP_A * rng.choice([-1.0, 1.0])
            end = start + rng.exponential(memory_ps) if rng.random() < back else np.inf
            for when, way in ((start, 1.0), (end, -1.0)):
                if 0 < when < LENGTH_PS - FRAME_PS:
                    pairs[int(np.ceil(when / FRAME_PS)), pair, 2] += way * step
    plane, across = quick * HOP_A**2 / 4, slow * (1 - back) * HOP_A**2 / 2
    mean = (2 * plane + across) / 3
    axes = {"x": (plane, 2 * plane), "y": (plane, 2 * plane), "z": (across, 2 * across)}
    return _seen(rng, np.repeat(pairs, 2, axis=1)), Truth(mean, 2 * mean, axes)


def two_swings(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate = 0.05
    pairs = np.zeros((N_FRAMES, N_IONS // 2, 3))
    _add_hops(rng, pairs, rng.poisson(rate * FRAME_PS, pairs.shape[:2]), (0, 1, 2))
    moves = np.repeat(pairs, 2, axis=1)
    for memory_ps in (5.0, 20.0):
        swing = _rattling(rng, (N_FRAMES, 1, 3), vibration_a=0.08, memory_ps=memory_ps, frame_ps=FRAME_PS)
        moves += np.diff(swing, axis=0, prepend=swing[:1])
    d = rate * HOP_A**2 / 6
    return _seen(rng, moves), Truth(d, 2 * d)


def returning_strings(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _hopping(rng, Hop(0.05), Hop(0.002, (1.0,) * 6, 0.6, 10.0))


def clusters(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _hopping(rng, Hop(0.03), Hop(0.01, (1.0,) * 2), Hop(0.002, (1.0,) * 4))


def gusts(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rates, stay_ps = (0.04, 0.16), (12.0, 6.0)
    share = stay_ps[1] / sum(stay_ps)
    rate, state, frame = np.zeros((N_FRAMES, 1)), int(rng.random() < share), 0
    while frame < N_FRAMES:
        until = frame + max(1, round(rng.exponential(stay_ps[state]) / FRAME_PS))
        rate[frame:until] = rates[state]
        frame, state = until, 1 - state
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(np.repeat(rate, N_IONS, axis=1) * FRAME_PS), (0, 1, 2))
    d = ((1 - share) * rates[0] + share * rates[1]) * HOP_A**2 / 6
    return _seen(rng, moves), Truth(d, d)


MODELS = {
    model.__name__: model
    for model in (returning_pairs, slow_z, two_swings, returning_strings, clusters, gusts)
}
