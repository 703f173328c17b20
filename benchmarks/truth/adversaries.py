"""Conductors and cages that were thought of to get a wrong number accepted.

Seeds: numpy.random.default_rng([31337, number of the model, n]). `hard.py --adversaries` judges them.

rotating_cages
    Clusters of six ions on octahedra of 2.4 Å that turn as one (90° about a random axis, every 6 ps) and whose ions swap places
    with those of random vertices, one in 10 ps; no ion leaves its cage: D is 0.
leaving_cages
    The same, and ions move on to the next cage, 7 Å away, once in 150 ps: D is that of these moves, which are independent of
    where in its cage an ion is.
seldom_leaving
    The same with one such move per ion in 4000 ps: fifteen in all.
bound_rotors
    Ions bound to an anion, 2.6 Å away, that turns by rotational diffusion with a time of 30 ps: D is 0, MSD ends at 13.5 Å².
slow_cages
    Cages that are themselves pulled back to their places within 60 ps, by 1.5 Å along each axis: D is 0, MSD ends at 13.5 Å².
dead_ends
    Single files of eight sites, half filled, both ends closed: no ion leaves, D is 0.
long_dead_ends
    Ions that do not see each other on chains of twelve sites along z with closed ends: D is 0.
half_asleep
    Six in ten ions never leave their sites, the others hop quickly.
grain
    Half of the cell, in slabs of six sites along x, is crossed sixty times more slowly than the other half; D along x is the
    harmonic mean of the rates, and their mean along y and z.
settling
    Rates that fall to a third within the first part of the run, 60 ps, while ions order: D is that of the ordered crystal.
one_ion
    A single ion with back hops, 10 ns.
sparse_frames
    A walk seen in 80 frames 25 ps apart.
chain_in_triclinic
    A chain along a in a triclinic cell: along b only what a shows there, along c* nothing.
trapped_vacancies
    Two vacancies on 128 sites, each at times bound to a dopant, for 100 ps of every 200 on average: their moves stop meanwhile.
dopant_traps
    Independent ions on a lattice of 6³ sites, eleven of which hold an ion for 250 ps, the others for 5 ps.
mixed_haven
    Along x pairs that move as one, along y ions that trade places, along z strings of ten.
soft_mode
    Memoryless hops, and an underdamped swing of all ions as one with a period of 25 ps.
jumpy_temperature
    A walk whose rate swings with a period of 60 ps by a factor of two either way, as a badly damped thermostat makes it.
"""

from __future__ import annotations

import numpy as np
from held_out import STEPS
from more_judges import FRAME_PS, HOP_A, LENGTH_PS, N_FRAMES, N_IONS, _add_hops, _seen

from dlmd.trajectory.trajectory import Trajectory
from hard_conductors import Truth, _rattling, _trajectory, _walk

SEED = 31337
ZERO = Truth(0.0, 0.0)


def _in_cages(rng: np.random.Generator) -> np.ndarray:
    """Positions (frames, ions, 3) of ions within their cages: a vertex each, on clusters that turn as one."""
    turn_ps, swap_ps, radius_a, members = 6.0, 10.0, 2.4, 6
    places = np.zeros((N_FRAMES, N_IONS), dtype=int)
    swaps = rng.random(places.shape) < 1 - np.exp(-FRAME_PS / swap_ps)
    vertex = np.tile(np.arange(6), N_IONS // 6)
    for frame in range(N_FRAMES):
        for ion in np.nonzero(swaps[frame])[0]:
            other = ion - ion % members + rng.integers(members)
            vertex[ion], vertex[other] = vertex[other], vertex[ion]
        places[frame] = vertex
    positions = radius_a * STEPS[places].astype(float)
    for first in range(0, N_IONS, members):
        turned, frame = np.eye(3), 0
        while frame < N_FRAMES:
            until = frame + max(1, round(rng.exponential(turn_ps) / FRAME_PS))
            positions[frame:until, first : first + members] = (
                positions[frame:until, first : first + members] @ turned
            )
            axis, frame = rng.integers(3), until
            one, two = (axis + 1) % 3, (axis + 2) % 3
            step = np.zeros((3, 3))
            step[axis, axis], step[one, two], step[two, one] = 1.0, 1.0, -1.0
            turned = turned @ step
    return positions + _rattling(rng, positions.shape, vibration_a=0.35, memory_ps=0.3, frame_ps=FRAME_PS)


def _cages(rng: np.random.Generator, leave: float) -> tuple[Trajectory, Truth]:
    apart_a = 7.0
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(leave * FRAME_PS, moves.shape[:2]), (0, 1, 2), apart_a)
    d = leave * apart_a**2 / 6
    return _trajectory(_in_cages(rng) + moves.cumsum(axis=0), FRAME_PS, 600.0), Truth(d, d)


def rotating_cages(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _cages(rng, 0.0)


def leaving_cages(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _cages(rng, 1 / 150)


def seldom_leaving(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _cages(rng, 1 / 4000)


def bound_rotors(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    radius_a, turn_ps, around = 2.6, 30.0, 4
    steps = np.sqrt(FRAME_PS / turn_ps) * rng.standard_normal((N_FRAMES, N_IONS // around, 3))
    arms = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5
    arms = np.repeat(arms[None], N_IONS // around, axis=0)
    positions = np.zeros((N_FRAMES, N_IONS, 3))
    for frame in range(N_FRAMES):
        arms = arms + np.cross(steps[frame][:, None, :], arms)
        arms /= np.linalg.norm(arms, axis=2, keepdims=True)
        positions[frame] = radius_a * arms.reshape(-1, 3)
    positions += _rattling(rng, positions.shape, vibration_a=0.3, memory_ps=0.4, frame_ps=FRAME_PS)
    return _trajectory(positions, FRAME_PS, 600.0), ZERO


def slow_cages(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    shape = (N_FRAMES, N_IONS, 3)
    positions = _rattling(rng, shape, vibration_a=1.5, memory_ps=60.0, frame_ps=FRAME_PS)
    positions += _rattling(rng, shape, vibration_a=0.3, memory_ps=0.4, frame_ps=FRAME_PS)
    return _trajectory(positions, FRAME_PS, 600.0), ZERO


def dead_ends(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    sites, filled, rate, channels = 8, 4, 0.4, N_IONS // 4
    place = np.sort(rng.random((channels, sites)).argsort(axis=1)[:, :filled], axis=1)
    moves = np.zeros((N_FRAMES, channels, filled, 3))
    for frame in range(1, N_FRAMES):
        for _ in range(2):
            ion = rng.integers(filled, size=channels)
            row = np.arange(channels)
            way = np.where(rng.random(channels) < 0.5, 1, -1)
            go = rng.random(channels) < rate * filled * FRAME_PS / 2
            target = place[row, ion] + way
            free = go & (target >= 0) & (target < sites) & ~(place == target[:, None]).any(axis=1)
            place[row[free], ion[free]] = target[free]
            moves[frame, row[free], ion[free], 2] += HOP_A * way[free]
    return _seen(rng, moves.reshape(N_FRAMES, N_IONS, 3)), ZERO


def long_dead_ends(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    sites, rate = 12, 0.4
    place = rng.integers(sites, size=N_IONS)
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    for frame in range(1, N_FRAMES):
        way = np.where(rng.random(N_IONS) < 0.5, 1, -1) * (rng.random(N_IONS) < rate * FRAME_PS)
        target = place + way
        way = np.where((target < 0) | (target >= sites), 0, way)
        place = place + way
        moves[frame, :, 2] += HOP_A * way
    return _seen(rng, moves), ZERO


def half_asleep(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate, awake = 0.2, N_IONS * 2 // 5
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves[:, :awake], rng.poisson(rate * FRAME_PS, (N_FRAMES, awake)), (0, 1, 2))
    d = rate * HOP_A**2 / 6 * awake / N_IONS
    return _seen(rng, moves), Truth(d, d)


def grain(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    side, quick, slow, fine = 12, 0.12, 0.002, 4
    rates = np.where(
        np.arange(side) < side // 2, quick, slow
    )  # of the bond from x to x + 1, and of all bonds across at x
    x = rng.integers(side, size=N_IONS)
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    step_ps = FRAME_PS / fine
    for frame in range(1, N_FRAMES):
        for _ in range(fine):
            draw = rng.random(N_IONS) / step_ps
            right, left = rates[x], rates[x - 1]
            way = (draw < right).astype(int) - ((draw >= right) & (draw < right + left))
            across = (rng.random((N_IONS, 2)) / step_ps < 2 * rates[x][:, None]) * rng.choice(
                [-1, 1], (N_IONS, 2)
            )
            moves[frame, :, 0] += HOP_A * way
            moves[frame, :, 1:] += HOP_A * across
            x = (x + way) % side
    along, across = HOP_A**2 / float(np.mean(1 / rates)), HOP_A**2 * float(rates.mean())
    mean = (along + 2 * across) / 3
    return _seen(rng, moves), Truth(mean, mean, {"x": (along,) * 2, "y": (across,) * 2, "z": (across,) * 2})


def settling(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate, settles_ps = 0.05, 60.0
    now = rate * (1 + 2 * np.exp(-np.arange(N_FRAMES) * FRAME_PS / settles_ps))
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(np.repeat(now[:, None], N_IONS, axis=1) * FRAME_PS), (0, 1, 2))
    d = rate * HOP_A**2 / 6
    return _seen(rng, moves), Truth(d, d)


def one_ion(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate, back, frame_ps, frames = 0.1, 0.3, 2.0, 5000
    positions = _walk(rng, rate=rate, back=back, n_groups=1, n_frames=frames, frame_ps=frame_ps, hop_a=HOP_A)
    positions += _rattling(rng, positions.shape, vibration_a=0.3, memory_ps=0.4, frame_ps=frame_ps)
    d = rate * HOP_A**2 / 6 * (1 - back) / (1 + back)
    return _trajectory(positions, frame_ps, 600.0), Truth(d, d)


def sparse_frames(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate, frame_ps = 0.03, 25.0
    moves = np.zeros((80, 60, 3))
    _add_hops(rng, moves, rng.poisson(rate * frame_ps, moves.shape[:2]), (0, 1, 2))
    d = rate * HOP_A**2 / 6
    return _seen(rng, moves, frame_ps=frame_ps), Truth(d, d)


def chain_in_triclinic(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate, edge = 0.15, 18.0
    cell = edge * np.array([[1.0, 0.0, 0.0], [0.45, 0.893, 0.0], [0.3, 0.25, 0.92]])
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(rate * FRAME_PS, moves.shape[:2]), (0,))
    run = _seen(rng, moves)
    run.cell = cell
    d = rate * HOP_A**2 / 2
    on_b = d * float((cell[1] / np.linalg.norm(cell[1]))[0]) ** 2
    return run, Truth(d / 3, d / 3, {"x": (d, d), "y": (on_b, on_b), "z": (0.0, 0.0)})


def trapped_vacancies(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    side, hop_rate, stay_ps, n_vacancies = (4, 4, 8), 6.0, 100.0, 2
    sites = int(np.prod(side))
    n_ions, box = sites - n_vacancies, np.array(side)
    ion_at = np.full(sites, -1)
    order = rng.permutation(sites)
    empty, filled = order[:n_vacancies], order[n_vacancies:]
    ion_at[filled] = np.arange(n_ions)
    place_of = np.array([side[1] * side[2], side[2], 1])
    vacancy = np.stack(np.unravel_index(empty, side), axis=1)
    moves = np.zeros((N_FRAMES, n_ions, 3))
    free = rng.random(n_vacancies) < 0.5
    changes = rng.exponential(stay_ps, n_vacancies)
    tried = moved = 0
    for frame in range(1, N_FRAMES):
        for k in range(n_vacancies):
            if frame * FRAME_PS > changes[k]:
                free[k], changes[k] = ~free[k], changes[k] + rng.exponential(stay_ps)
            if not free[k]:
                continue
            for _ in range(rng.poisson(hop_rate * FRAME_PS)):
                step = STEPS[rng.integers(6)]
                target = (vacancy[k] + step) % box
                here, there = int(vacancy[k] @ place_of), int(target @ place_of)
                tried += 1
                if ion_at[there] < 0:
                    continue
                moved += 1
                moves[frame, ion_at[there]] -= HOP_A * step
                ion_at[here], ion_at[there] = ion_at[there], -1
                vacancy[k] = target
    # single walkers with exclusion: their sum has no memory, and a try fails where the other one stands
    d_total = 0.5 * hop_rate * n_vacancies * (1 - 1 / (sites - 1)) * HOP_A**2 / (6 * n_ions)
    return _seen(rng, moves), Truth(None, d_total)


def dopant_traps(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    side = 6
    hold_ps = np.full(side**3, 5.0)
    hold_ps[np.random.default_rng(SEED).choice(side**3, 11, replace=False)] = 250.0
    place_of = np.array([side**2, side, 1])
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    for ion, start in enumerate(rng.choice(side**3, N_IONS, p=hold_ps / hold_ps.sum())):
        site = np.array(np.unravel_index(start, (side,) * 3))
        time_ps = rng.exponential(hold_ps[start])
        while time_ps < LENGTH_PS - FRAME_PS:
            step = STEPS[rng.integers(6)]
            moves[int(np.ceil(time_ps / FRAME_PS)), ion] += HOP_A * step
            site = (site + step) % side
            time_ps += rng.exponential(hold_ps[site @ place_of])
    d = HOP_A**2 / (6 * float(hold_ps.mean()))
    return _seen(rng, moves), Truth(d, d)


def mixed_haven(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate, moves = 0.03, np.zeros((N_FRAMES, N_IONS, 3))
    for axis, pattern in ((0, np.ones(2)), (1, np.array([1.0, -1.0])), (2, np.ones(10))):
        groups = np.zeros((N_FRAMES, N_IONS // len(pattern), 1))
        _add_hops(rng, groups, rng.poisson(rate * FRAME_PS, groups.shape[:2]), (0,))
        moves[:, :, axis] = (groups * pattern).reshape(N_FRAMES, N_IONS)
    d = rate * HOP_A**2 / 2
    return _seen(rng, moves), Truth(d, 4 * d, {"x": (d, 2 * d), "y": (d, 0.0), "z": (d, 10 * d)})


def soft_mode(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate, period_ps, quality, swing_a = 0.08, 25.0, 4.0, 0.15
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(rate * FRAME_PS, moves.shape[:2]), (0, 1, 2))
    w = 2 * np.pi / period_ps
    x, v, path = (
        swing_a * rng.standard_normal(3),
        swing_a * w * rng.standard_normal(3),
        np.zeros((N_FRAMES, 1, 3)),
    )
    fine = FRAME_PS / 10
    for frame in range(N_FRAMES):
        path[frame, 0] = x
        for _ in range(10):
            v += -(w**2) * x * fine - w / quality * v * fine
            v += np.sqrt(2 * w / quality * fine) * swing_a * w * rng.standard_normal(3)
            x = x + v * fine
    moves += np.diff(path, axis=0, prepend=path[:1])
    d = rate * HOP_A**2 / 6
    return _seen(rng, moves), Truth(d, d)


def jumpy_temperature(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate, period_ps = 0.06, 60.0
    phase = 2 * np.pi * (np.arange(N_FRAMES) * FRAME_PS / period_ps + rng.random())
    now = rate * (1 + 0.6 * np.sin(phase))
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(np.repeat(now[:, None], N_IONS, axis=1) * FRAME_PS), (0, 1, 2))
    d = rate * HOP_A**2 / 6
    return _seen(rng, moves), Truth(d, d)


MODELS = {
    model.__name__: model
    for model in (
        rotating_cages,
        leaving_cages,
        seldom_leaving,
        bound_rotors,
        slow_cages,
        dead_ends,
        long_dead_ends,
        half_asleep,
        grain,
        settling,
        one_ion,
        sparse_frames,
        chain_in_triclinic,
        trapped_vacancies,
        dopant_traps,
        mixed_haven,
        soft_mode,
        jumpy_temperature,
    )
}
