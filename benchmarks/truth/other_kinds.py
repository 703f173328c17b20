"""Conductors of kinds that no earlier model has, with exact answers; written before they were run.

README.md says under "Other kinds" which of them prompted a change.

Seeds: numpy.random.default_rng([90909, number of the model, n]). `hard.py --kinds` judges them.

relay
    Every hop knocks on that of another ion the same way with a chance of one half, after 6 ps on average: single ions remember
    nothing, their sum goes on the same way. Chains have n hops with a chance of 2^-n, so that D_total / D_self is 3.
cage_returns
    Ions flip within cages, and hop 7 Å from cage to cage every 60 ps; half of these hops are the reverse of the one before.
two_populations
    One ion in five quick and without a memory, the others slow, six in ten of whose hops are the reverse of the one before; no
    ion changes from one to the other.
cell_switches, cell_sleeps
    The whole cell conducts or is blocked, for 60 (250) ps on average each: D is half of that of the conducting cell.
turning_ways
    All ions hop along one axis at a time, another one every 40 ps on average.
aliased
    Frames every 1 ps of an optical mode of all ions as one with a period of 0.98 ps and a quality of 30, which the frames show as
    one of 50 ps.
deep_rattle
    Rattling of 0.9 Å that forgets itself in 4 ps, and six hops an ion in the run.
half_filled
    A lattice gas of 108 ions on 216 sites that exclude each other: D_total is half of that of free ions, D_self has no closed
    form.
flights
    Hops over one site and more, 2.5 on average, rare and without a memory.
forward_walkers
    Six in ten hops go on the way of the one before: D is four times that of hops without a memory.
driven
    Memoryless hops, and all ions swing by 0.3 Å with a sharp period of 40 ps, as in an alternating field.
circling
    Ions go round rings of four sites, 2.5 Å apart, one site in 2.5 ps and keep their sense for 60 ps; to the next ring every
    40 ps.
soft_rattlers
    Memoryless hops, and each ion on its own swings by 0.6 Å with a period of 10 ps and a quality of 4.
"""

from __future__ import annotations

import numpy as np
from held_out import STEPS
from more_judges import FRAME_PS, HOP_A, LENGTH_PS, N_FRAMES, N_IONS, _add_hops, _seen

from dlmd.trajectory.trajectory import Trajectory
from hard_conductors import Truth, _rattling, _trajectory, _walk
from oscillators import swinging

SEED = 90909
_WALK = {"n_frames": N_FRAMES, "frame_ps": FRAME_PS}


def _free(rng: np.random.Generator, rate: float, *, frame_ps: float = FRAME_PS) -> tuple[np.ndarray, float]:
    """Moves of memoryless hops, and their D."""
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(rate * frame_ps, moves.shape[:2]), (0, 1, 2))
    return moves, rate * HOP_A**2 / 6


def _with_path(moves: np.ndarray, path: np.ndarray) -> np.ndarray:
    return moves + np.diff(path, axis=0, prepend=path[:1])


def relay(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    starts, on, after_ps = 0.04, 0.5, 6.0
    lead = 20 * after_ps
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    for begin in rng.uniform(-lead, LENGTH_PS, rng.poisson(starts * N_IONS * (LENGTH_PS + lead))):
        axis, step, when = rng.integers(3), HOP_A * rng.choice([-1.0, 1.0]), begin
        while True:
            if 0 < when < LENGTH_PS - FRAME_PS:
                moves[int(np.ceil(when / FRAME_PS)), rng.integers(N_IONS), axis] += step
            if rng.random() > on:
                break
            when += rng.exponential(after_ps)
    d = starts / (1 - on) * HOP_A**2 / 6
    return _seen(rng, moves), Truth(d, d * (1 + on) / (1 - on))


def cage_returns(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate, back, apart_a, flip_ps = 1 / 60, 0.5, 7.0, 4.0
    positions = _walk(rng, rate=rate, back=back, n_groups=N_IONS, hop_a=apart_a, **_WALK)
    flips = rng.random(positions.shape) < 1 - np.exp(-FRAME_PS / flip_ps)
    positions += 2.4 * ((flips.cumsum(axis=0) + rng.integers(2, size=positions.shape[1:])) % 2)
    positions += _rattling(rng, positions.shape, vibration_a=0.35, memory_ps=0.3, frame_ps=FRAME_PS)
    d = rate * apart_a**2 / 6 * (1 - back) / (1 + back)
    return _trajectory(positions, FRAME_PS, 600.0), Truth(d, d)


def two_populations(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    quick, slow, back, few = 0.1, 0.03, 0.6, N_IONS // 5
    positions = np.concatenate(
        [
            _walk(rng, rate=quick, back=0.0, n_groups=few, hop_a=HOP_A, **_WALK),
            _walk(rng, rate=slow, back=back, n_groups=N_IONS - few, hop_a=HOP_A, **_WALK),
        ],
        axis=1,
    )
    positions += _rattling(rng, positions.shape, vibration_a=0.3, memory_ps=0.4, frame_ps=FRAME_PS)
    d = (0.2 * quick + 0.8 * slow * (1 - back) / (1 + back)) * HOP_A**2 / 6
    return _trajectory(positions, FRAME_PS, 600.0), Truth(d, d)


def _switching(rng: np.random.Generator, stay_ps: float, rate: float) -> tuple[Trajectory, Truth]:
    on, frame, now = int(rng.integers(2)), 0, np.zeros((N_FRAMES, 1))
    while frame < N_FRAMES:
        until = frame + max(1, round(rng.exponential(stay_ps) / FRAME_PS))
        now[frame:until], on, frame = rate * on, 1 - on, until
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(np.repeat(now, N_IONS, axis=1) * FRAME_PS), (0, 1, 2))
    d = 0.5 * rate * HOP_A**2 / 6
    return _seen(rng, moves), Truth(d, d)


def cell_switches(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _switching(rng, 60.0, 0.12)


def cell_sleeps(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _switching(rng, 250.0, 0.12)


def turning_ways(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate, stay_ps, frame = 0.1, 40.0, 0
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    while frame < N_FRAMES:
        until = min(N_FRAMES, frame + max(1, round(rng.exponential(stay_ps) / FRAME_PS)))
        here = moves[frame:until]
        _add_hops(rng, here, rng.poisson(rate * FRAME_PS, here.shape[:2]), (int(rng.integers(3)),))
        frame = until
    d = rate * HOP_A**2 / 6
    return _seen(rng, moves), Truth(d, d)


def aliased(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    frame_ps = 1.0
    moves, d = _free(rng, 0.03, frame_ps=frame_ps)
    path = swinging(rng, N_FRAMES, 1, period_ps=0.98, quality=30.0, swing_a=0.1, frame_ps=frame_ps)
    return _seen(rng, _with_path(moves, path), frame_ps=frame_ps), Truth(d, d)


def deep_rattle(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    moves, d = _free(rng, 1 / 80)
    positions = moves.cumsum(axis=0) + _rattling(
        rng, moves.shape, vibration_a=0.9, memory_ps=4.0, frame_ps=FRAME_PS
    )
    return _trajectory(positions, FRAME_PS, 600.0), Truth(d, d)


def half_filled(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    side, n_ions, rate = 6, 108, 0.1
    order = rng.permutation(side**3)[:n_ions]
    place, taken = np.stack(np.unravel_index(order, (side,) * 3), axis=1), np.zeros(side**3, dtype=bool)
    taken[order] = True
    index = np.array([side**2, side, 1])
    moves = np.zeros((N_FRAMES, n_ions, 3))
    for frame in range(1, N_FRAMES):
        for ion in rng.integers(n_ions, size=rng.poisson(rate * n_ions * FRAME_PS)):
            step = STEPS[rng.integers(6)]
            target = (place[ion] + step) % side
            if not taken[target @ index]:
                taken[place[ion] @ index], taken[target @ index] = False, True
                place[ion] = target
                moves[frame, ion] += HOP_A * step
    free = 1 - (n_ions - 1) / (side**3 - 1)
    return _seen(rng, moves), Truth(None, rate * free * HOP_A**2 / 6)


def flights(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate, on = 0.006, 0.6
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    frame, ion = np.nonzero(rng.random(moves.shape[:2]) < rate * FRAME_PS)
    sites = rng.geometric(1 - on, len(frame))
    moves[frame, ion, rng.integers(3, size=len(frame))] = HOP_A * sites * rng.choice([-1, 1], len(frame))
    d = rate * HOP_A**2 / 6 * (1 + on) / (1 - on) ** 2
    return _seen(rng, moves), Truth(d, d)


def forward_walkers(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate, on = 0.05, 0.6
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    way = STEPS[rng.integers(6, size=N_IONS)]
    for frame in range(1, N_FRAMES):
        go = rng.random(N_IONS) < rate * FRAME_PS
        fresh = go & (rng.random(N_IONS) > on)
        way[fresh] = STEPS[rng.integers(6, size=int(fresh.sum()))]
        moves[frame, go] = HOP_A * way[go]
    d = rate * HOP_A**2 / 6 * (1 + on) / (1 - on)
    return _seen(rng, moves), Truth(d, d)


def driven(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    moves, d = _free(rng, 0.08)
    phase = 2 * np.pi * (np.arange(N_FRAMES) * FRAME_PS / 40.0 + rng.random())
    path = np.zeros((N_FRAMES, 1, 3))
    path[:, 0, 2] = 0.3 * np.cos(phase)
    return _seen(rng, _with_path(moves, path)), Truth(d, d)


def circling(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    on_ps, sense_ps, rate, edge_a, apart_a = 2.5, 60.0, 1 / 40, 2.5, 6.0
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(rate * FRAME_PS, moves.shape[:2]), (0, 1, 2), apart_a)
    turns = rng.random(moves.shape[:2]) < FRAME_PS / (2 * sense_ps)
    sense = (-1) ** (turns.cumsum(axis=0) + rng.integers(2, size=N_IONS))
    go = sense * (rng.random(moves.shape[:2]) < FRAME_PS / on_ps)
    corner = (go.cumsum(axis=0) + rng.integers(4, size=N_IONS)) % 4
    corners = edge_a * np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=float)
    path = np.zeros_like(moves)
    for ion in range(N_IONS):
        path[:, ion, np.delete(np.arange(3), ion % 3)] = corners[corner[:, ion]]
    d = rate * apart_a**2 / 6
    return _seen(rng, _with_path(moves, path)), Truth(d, d)


def soft_rattlers(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    moves, d = _free(rng, 0.05)
    path = swinging(rng, N_FRAMES, N_IONS, period_ps=10.0, quality=4.0, swing_a=0.6, frame_ps=FRAME_PS)
    return _seen(rng, _with_path(moves, path)), Truth(d, d)


MODELS = {
    model.__name__: model
    for model in (
        relay,
        cage_returns,
        two_populations,
        cell_switches,
        cell_sleeps,
        turning_ways,
        aliased,
        deep_rattle,
        half_filled,
        flights,
        forward_walkers,
        driven,
        circling,
        soft_rattlers,
    )
}
