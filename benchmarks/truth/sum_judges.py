"""Eight conductors with exact answers, most of whose sum remembers what single ions do not; written before it was told apart how
likely memories that return, strong ones and moves that go on are to the ends of an interval of D_total, and run after it only.

Seeds: numpy.random.default_rng([515151, number of the model, n]). `hard.py --sum` judges them.

gale
    Memoryless hops, and a velocity common to all ions that forgets itself in 6 ps and adds twice as much to D_total as the hops.
breeze_along_z
    The same along z alone, in 12 ps, and as much there as the hops add.
marching
    Single hops, and strings of four that go on once more the same way in half of the cases, after 9 ps on average.
long_relay
    Every hop knocks on one of another ion the same way with a chance of 0.35, after 12 ps on average, and so on.
answered
    Every hop is answered by one of another ion the other way with a chance of 0.8, after 5 ps on average.
undone_strings
    Single hops, and strings of twelve that are undone in nine of ten cases after 12 ps on average.
weather
    A common velocity of 8 ps beside strings of six that return in half of the cases after 8 ps.
calm
    Single hops and strings of three without any memory: what it costs where there is none.
"""

from __future__ import annotations

import numpy as np
from memory_judges import _LEAD_PS, _add_groups, _free, _move, _seen_with, _wind
from more_judges import HOP_A, LENGTH_PS, N_FRAMES, N_IONS, _seen

from dlmd.trajectory.trajectory import Trajectory
from hard_conductors import Truth

SEED = 515151


def gale(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate = 0.06
    d = rate * HOP_A**2 / 6
    moves = _free(rng, rate)
    common, added = _wind(rng, total=2 * d, memory_ps=6.0)
    return _seen(rng, moves + common), Truth(d + added / N_IONS, d + added)


def breeze_along_z(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate = 0.06
    d = rate * HOP_A**2 / 6
    moves = _free(rng, rate)
    common, added = _wind(rng, total=d, memory_ps=12.0, axes=slice(2, 3))
    return _seen(rng, moves + common), Truth(d + added / N_IONS / 3, d + added / 3)


def marching(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    moves, d = _free(rng, 0.05), 0.05 * HOP_A**2 / 6
    own, total = _add_groups(rng, moves, rate=0.006, members=4, then=((0.5, 1.0, 9.0),))
    return _seen_with(rng, moves, (d + own, d + total))


def _knocking(
    rng: np.random.Generator, *, starts: float, on: float, after_ps: float, sign: float, again: bool
) -> np.ndarray:
    """Moves of hops that knock on one of another ion, `sign` times the same way; these on further ones where `again`."""
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    for begin in rng.uniform(-_LEAD_PS, LENGTH_PS, rng.poisson(starts * N_IONS * (LENGTH_PS + _LEAD_PS))):
        axis, step, when = rng.integers(3), HOP_A * rng.choice([-1.0, 1.0]), begin
        _move(moves, when, rng.integers(N_IONS), axis, step)
        while rng.random() < on:
            when, step = when + rng.exponential(after_ps), sign * step
            _move(moves, when, rng.integers(N_IONS), axis, step)
            if not again:
                break
    return moves


def long_relay(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    starts, on = 0.05, 0.35
    moves = _knocking(rng, starts=starts, on=on, after_ps=12.0, sign=1.0, again=True)
    d = starts / (1 - on) * HOP_A**2 / 6
    return _seen(rng, moves), Truth(d, d * (1 + on) / (1 - on))


def answered(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    starts, on = 0.06, 0.8
    moves = _knocking(rng, starts=starts, on=on, after_ps=5.0, sign=-1.0, again=False)
    return _seen(rng, moves), Truth(starts * (1 + on) * HOP_A**2 / 6, starts * (1 - on) * HOP_A**2 / 6)


def undone_strings(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    moves, d = _free(rng, 0.05), 0.05 * HOP_A**2 / 6
    own, total = _add_groups(rng, moves, rate=0.001, members=12, then=((0.9, -1.0, 12.0),))
    return _seen_with(rng, moves, (d + own, d + total))


def weather(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    moves, d = _free(rng, 0.05), 0.05 * HOP_A**2 / 6
    own, total = _add_groups(rng, moves, rate=0.002, members=6, then=((0.5, -1.0, 8.0),))
    common, added = _wind(rng, total=d, memory_ps=8.0)
    return _seen_with(rng, moves + common, (d + own + added / N_IONS, d + total + added))


def calm(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    moves, d = _free(rng, 0.05), 0.05 * HOP_A**2 / 6
    own, total = _add_groups(rng, moves, rate=0.01, members=3, then=())
    return _seen_with(rng, moves, (d + own, d + total))


MODELS = {
    model.__name__: model
    for model in (gale, breeze_along_z, marching, long_relay, answered, undone_strings, weather, calm)
}
