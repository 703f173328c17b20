"""Six conductors with exact answers whose sum remembers what single ions do not, or does not; written before intervals of D_total
were widened for what is thought of such memories beforehand, and run after it only.

Seeds: numpy.random.default_rng([60606, number of the model, n]). `hard.py --memory` judges them.

wind
    Memoryless hops, and a velocity common to all ions that forgets itself in 10 ps and adds as much to D_total as the hops.
counter_relay
    Every hop knocks on one of another ion the other way with a chance of 0.4, after 8 ps on average; those knock on none.
slow_vacancies
    Single hops without a memory, and strings of ten that are undone in three of four cases after 18 ps on average.
pairs_follow
    Pairs that move at once, and in half of the cases once more the same way after 12 ps on average.
late_and_early
    Strings of four, half of which return after 2 ps on average and a quarter after 20 ps.
nothing
    Single hops and pairs without any memory: what it costs where there is none.
"""

from __future__ import annotations

import numpy as np
from more_judges import FRAME_PS, HOP_A, LENGTH_PS, N_FRAMES, N_IONS, _add_hops, _seen

from dlmd.trajectory.trajectory import Trajectory
from hard_conductors import Truth, _rattling

SEED = 60606
_LEAD_PS = 200.0


def _free(rng: np.random.Generator, rate: float) -> np.ndarray:
    """Moves (frames, ions, 3) of memoryless hops."""
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(rate * FRAME_PS, moves.shape[:2]), (0, 1, 2))
    return moves


def _move(moves: np.ndarray, when_ps: float, ions: np.ndarray | int, axis: int, step: float) -> None:
    if 0 < when_ps < LENGTH_PS - FRAME_PS:
        moves[int(np.ceil(when_ps / FRAME_PS)), ions, axis] += step


def _add_groups(
    rng: np.random.Generator,
    moves: np.ndarray,
    *,
    rate: float,
    members: int,
    then: tuple[tuple[float, float, float], ...],
) -> tuple[float, float]:
    """Groups that move at once, `rate` per ion and ps, and once more by a multiple of the step with a chance after a mean time:
    `then` has (chance, multiple, ps). Returns what they add to D_self and D_total."""
    chances = np.array([chance for chance, _, _ in then])
    for start in rng.uniform(-_LEAD_PS, LENGTH_PS, rng.poisson(rate * N_IONS * (LENGTH_PS + _LEAD_PS))):
        ions, axis = rng.choice(N_IONS, members, replace=False), rng.integers(3)
        step = HOP_A * rng.choice([-1.0, 1.0])
        _move(moves, start, ions, axis, step)
        which = int(np.searchsorted(chances.cumsum(), rng.random(), side="right"))
        if which < len(then):
            _, multiple, after_ps = then[which]
            _move(moves, start + rng.exponential(after_ps), ions, axis, multiple * step)
    square = 1 - chances.sum() + sum(chance * (1 + multiple) ** 2 for chance, multiple, _ in then)
    single = rate * members * square * HOP_A**2 / 6
    return single, single * members


def _wind(
    rng: np.random.Generator, *, total: float, memory_ps: float, axes: slice = slice(None)
) -> tuple[np.ndarray, float]:
    """Moves (frames, 1, 3) of a velocity common to all ions along some axes, and what it adds to D_total along each: `total`, but
    for what the steps between frames change."""
    deviation = np.sqrt(total / N_IONS / memory_ps)
    velocity = _rattling(rng, (N_FRAMES, 1, 3), vibration_a=deviation, memory_ps=memory_ps, frame_ps=FRAME_PS)
    # of the sampled process: variance (1 + r) / (1 - r) dt in place of 2 tau
    r = np.exp(-FRAME_PS / memory_ps)
    moves = np.zeros_like(velocity)
    moves[..., axes] = velocity[..., axes] * FRAME_PS
    return moves, N_IONS * deviation**2 * FRAME_PS * (1 + r) / (1 - r) / 2


def wind(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate = 0.08
    moves, d = _free(rng, rate), rate * HOP_A**2 / 6
    common, added = _wind(rng, total=d, memory_ps=10.0)
    return _seen_with(rng, moves + common, (d + added / N_IONS, d + added))


def counter_relay(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    starts, on, after_ps = 0.06, 0.4, 8.0
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    for begin in rng.uniform(-_LEAD_PS, LENGTH_PS, rng.poisson(starts * N_IONS * (LENGTH_PS + _LEAD_PS))):
        axis, step = rng.integers(3), HOP_A * rng.choice([-1.0, 1.0])
        _move(moves, begin, rng.integers(N_IONS), axis, step)
        if rng.random() < on:
            _move(moves, begin + rng.exponential(after_ps), rng.integers(N_IONS), axis, -step)
    # the two hops are of one ion with a chance of 1 / N, which is left out: 0.5 % of D_self
    return _seen(rng, moves), Truth(starts * (1 + on) * HOP_A**2 / 6, starts * (1 - on) * HOP_A**2 / 6)


def slow_vacancies(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate = 0.06
    moves = _free(rng, rate)
    own, total = _add_groups(rng, moves, rate=0.001, members=10, then=((0.75, -1.0, 18.0),))
    d = rate * HOP_A**2 / 6
    return _seen(rng, moves), Truth(d + own, d + total)


def pairs_follow(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    return _seen_with(rng, moves, _add_groups(rng, moves, rate=0.03, members=2, then=((0.5, 1.0, 12.0),)))


def late_and_early(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    then = (0.5, -1.0, 2.0), (0.25, -1.0, 20.0)
    return _seen_with(rng, moves, _add_groups(rng, moves, rate=0.05, members=4, then=then))


def nothing(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    moves = _free(rng, 0.05)
    d = 0.05 * HOP_A**2 / 6
    own, total = _add_groups(rng, moves, rate=0.02, members=2, then=())
    return _seen(rng, moves), Truth(d + own, d + total)


def _seen_with(
    rng: np.random.Generator, moves: np.ndarray, d: tuple[float, float]
) -> tuple[Trajectory, Truth]:
    return _seen(rng, moves), Truth(*d)


MODELS = {
    model.__name__: model
    for model in (wind, counter_relay, slow_vacancies, pairs_follow, late_and_early, nothing)
}
