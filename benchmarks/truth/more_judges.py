"""Thirteen more conductors with exact answers, of kinds that neither tests/support/hard_conductors.py nor held_out.py has.

Seeds: numpy.random.default_rng([4711, number of the model, n]). `hard.py --more` judges them. Which of them prompted a change of
an estimator, and so judge it no more, is said in README.md beside this file.

blocks
    Along each axis, sites 3 Å apart, every third bond of which is crossed fifteen times less often. A periodic chain of bonds of
    rates w has D = a² / <1/w>, each axis on its own.
random_barriers
    Independent ions on a periodic cubic lattice of 5³ sites whose bonds differ in rate (log-normal, sigma 1.8, drawn once and for
    all): all sites are alike in equilibrium, and D = w (a + drift)² averaged over bonds, with the corrector from the linear
    equations of the lattice (the effective conductance of a network of resistors).
islands
    Ions that are fast for 300 ps and slow for 300 ps, on average, in runs of 500 ps: D is the mean.
interlayer
    Hops in a plane, and some twenty hops per run, of all ions together, from plane to plane.
few_ions
    Four ions whose hops return half of the time, for 2.5 ns.
late_strings
    Single hops without a memory, and rare strings of twelve, seven in ten of which return after 15 ps: the sum of the ions
    remembers for long what the single ions hardly do.
columns
    All ions of a channel of thirty move as one, H = 1/30.
rotated
    Strings of two that move along (1, 1, 0) a hundred times for each time along (1, -1, 0) and ten along z: no axis of the cell
    is one of the tensor.
paddle_wheels
    Four ions around each anion hop only while it turns, for 3 ps in 40, each on its own or, in half of the moves, two together.
sloshing
    Memoryless hops, and a swing of all ions as one about the host, of 0.12 Å, that forgets itself in 12 ps: single ions do not
    show it.
persistent_strings
    Memoryless single hops, and strings of eight, six in ten of which move on once more the same way after 10 ps on average.
seldom_awake
    Ions that sleep for 400 ps and hop for 100 ps, on average, in runs of 500 ps.
opening
    Cages that each open once, after 300 ps on average, and whose ions then walk for good: no diffusion coefficient.
"""

from __future__ import annotations

import numpy as np
from held_out import STEPS

from dlmd.trajectory.trajectory import Trajectory
from hard_conductors import Truth, _rattling, _trajectory, _walk
from synthetic import Hop, hopping

SEED = 4711
N_IONS, N_FRAMES, FRAME_PS, HOP_A = 120, 2500, 0.2, 3.0
LENGTH_PS = N_FRAMES * FRAME_PS


def _seen(
    rng, moves: np.ndarray, *, frame_ps: float = FRAME_PS, vibration_a: float = 0.3, memory_ps: float = 0.4
) -> Trajectory:
    positions = moves.cumsum(axis=0)
    positions += _rattling(rng, moves.shape, vibration_a=vibration_a, memory_ps=memory_ps, frame_ps=frame_ps)
    return _trajectory(positions, frame_ps, 600.0)


def _add_hops(rng, moves: np.ndarray, count: np.ndarray, axes: tuple[int, ...], hop_a: float = HOP_A) -> None:
    """Independent hops along random axes: `count` (frames, ions) of them."""
    for number in range(1, int(count.max()) + 1):
        frame, ion = np.nonzero(count >= number)
        axis = rng.choice(axes, len(frame))
        np.add.at(moves, (frame, ion, axis), hop_a * rng.choice([-1.0, 1.0], len(frame)))


def blocks(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    quick, slow, frame_ps = 0.15, 0.01, 0.4
    right = np.array([quick, quick, slow])  # from site 0, 1, 2 of a block to the next
    left = np.roll(right, 1)
    place = rng.integers(3, size=(N_IONS, 3))
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    for frame in range(1, N_FRAMES):
        # twenty steps per frame: at most 0.006 per step
        for _ in range(20):
            draw = rng.random(place.shape) * 20 / frame_ps
            site = place % 3
            way = (draw < right[site]).astype(int) - (
                (draw >= right[site]) & (draw < right[site] + left[site])
            )
            place += way
            moves[frame] += HOP_A * way
    d = HOP_A**2 / float(np.mean(1 / right))
    return _seen(rng, moves, frame_ps=frame_ps), Truth(d, d)


def _barriers(side: int) -> np.ndarray:
    """(sites, 6): rates to the neighbours at STEPS."""
    sigma = 1.8
    forward = np.random.default_rng(SEED).lognormal(np.log(0.03), sigma, (3, side, side, side))
    rates = np.zeros((side, side, side, 6))
    for k in range(3):
        rates[..., 2 * k] = forward[k]
        rates[..., 2 * k + 1] = np.roll(forward[k], 1, axis=k)
    return rates.reshape(-1, 6)


def _neighbours(side: int) -> np.ndarray:
    places = np.stack(np.meshgrid(*(np.arange(side),) * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    return ((places + STEPS) % side) @ np.array([side**2, side, 1])


def _effective(rates: np.ndarray, neighbours: np.ndarray) -> list[float]:
    """D along x, y, z in units of a²/ps: sum over bonds of w (step + chi_there - chi_here)² / 2 per site, chi the corrector."""
    n = len(rates)
    walk = np.zeros((n, n))
    np.add.at(walk, (np.repeat(np.arange(n), 6), neighbours.ravel()), rates.ravel())
    walk[np.arange(n), np.arange(n)] -= rates.sum(axis=1)
    found = []
    for k in range(3):
        drift = rates @ STEPS[:, k]
        chi = np.linalg.lstsq(walk, -drift)[0]
        moved = STEPS[:, k] + chi[neighbours] - chi[:, None]
        found.append(float(np.sum(rates * moved**2) / (2 * n)))
    return found


def random_barriers(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    side = 5
    rates, neighbours = _barriers(side), _neighbours(side)
    leave = rates.sum(axis=1)
    choose = rates.cumsum(axis=1) / leave[:, None]
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    for ion in range(N_IONS):
        site, time_ps = int(rng.integers(side**3)), 0.0
        while True:
            time_ps += rng.exponential(1 / leave[site])
            if time_ps >= LENGTH_PS - FRAME_PS:
                break
            way = int(np.searchsorted(choose[site], rng.random()))
            moves[int(np.ceil(time_ps / FRAME_PS)), ion] += HOP_A * STEPS[way]
            site = int(neighbours[site, way])
    along = [HOP_A**2 * d for d in _effective(rates, neighbours)]
    mean = float(np.mean(along))
    return _seen(rng, moves), Truth(mean, mean, {k: (d, d) for k, d in zip("xyz", along, strict=True)})


def islands(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _changing(rng, stay_ps=(300.0, 300.0), rates=(0.02, 0.2))


def interlayer(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    inside, across, apart_a = 0.08, 20 / (N_IONS * LENGTH_PS), 6.0
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(inside * FRAME_PS, moves.shape[:2]), (0, 1))
    _add_hops(rng, moves, rng.poisson(across * FRAME_PS, moves.shape[:2]), (2,), apart_a)
    plane, rare = inside * HOP_A**2 / 4, across * apart_a**2 / 2
    mean = (2 * plane + rare) / 3
    return _seen(rng, moves), Truth(mean, mean, {"x": (plane,) * 2, "y": (plane,) * 2, "z": (rare,) * 2})


def few_ions(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    size = {"n_ions": 4, "n_frames": 5000, "frame_ps": 0.5}
    trajectory, truth = hopping(rng, Hop(0.1, (1.0,), 0.5, 2.0), temperature_k=600.0, **size)
    return trajectory, Truth(truth.d_self, truth.d_total)


def late_strings(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    size = {"n_ions": N_IONS, "n_frames": N_FRAMES, "frame_ps": FRAME_PS}
    hops = Hop(0.06), Hop(0.0004, (1.0,) * 12, 0.7, 15.0)
    trajectory, truth = hopping(rng, *hops, temperature_k=600.0, **size)
    return trajectory, Truth(truth.d_self, truth.d_total)


def columns(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate, members = 0.08, 30
    groups = np.zeros((N_FRAMES, N_IONS // members, 3))
    _add_hops(rng, groups, rng.poisson(rate * FRAME_PS, groups.shape[:2]), (0, 1, 2))
    d = rate * HOP_A**2 / 6
    return _seen(rng, np.repeat(groups, members, axis=1)), Truth(d, d * members)


def rotated(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rates, back = (0.1, 0.001, 0.01), 0.3
    shape = {"n_groups": N_IONS // 2, "n_frames": N_FRAMES, "frame_ps": FRAME_PS, "hop_a": HOP_A}
    along, normal, z = (
        _walk(rng, rate=rate, back=back if k == 0 else 0.0, axes=(0,), **shape)[:, :, 0]
        for k, rate in enumerate(rates)
    )
    pairs = np.stack([(along + normal) / 2**0.5, (along - normal) / 2**0.5, z], axis=2)
    positions = np.repeat(pairs, 2, axis=1)
    positions += _rattling(rng, positions.shape, vibration_a=0.3, memory_ps=0.4, frame_ps=FRAME_PS)
    principal = [rate * HOP_A**2 / 2 for rate in rates]
    principal[0] *= (1 - back) / (1 + back)
    plane, across = (principal[0] + principal[1]) / 2, principal[2]
    mean = (2 * plane + across) / 3
    axes = {"x": (plane, 2 * plane), "y": (plane, 2 * plane), "z": (across, 2 * across)}
    return _trajectory(positions, FRAME_PS, 600.0), Truth(mean, 2 * mean, axes)


def paddle_wheels(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    on_ps, off_ps, single, double, around = 3.0, 37.0, 0.3, 0.15, 4
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    for first in range(0, N_IONS, around):
        turning, on, time_ps = np.zeros(N_FRAMES), rng.random() < on_ps / (on_ps + off_ps), 0.0
        while time_ps < LENGTH_PS:
            end_ps = time_ps + rng.exponential(on_ps if on else off_ps)
            if on:
                # the part of each frame in which it turns
                edges = np.clip(np.arange(N_FRAMES + 1) * FRAME_PS, time_ps, end_ps)
                turning += np.diff(edges)
            time_ps, on = end_ps, not on
        _add_hops(
            rng,
            moves[:, first : first + around],
            rng.poisson(single * turning[:, None], (N_FRAMES, around)),
            (0, 1, 2),
        )
        for frame in np.repeat(np.arange(N_FRAMES), rng.poisson(double * around / 2 * turning)):
            ions = first + rng.choice(around, 2, replace=False)
            moves[frame, ions, rng.integers(3)] += HOP_A * rng.choice([-1.0, 1.0])
    share = on_ps / (on_ps + off_ps) * HOP_A**2 / 6
    return _seen(rng, moves), Truth((single + double) * share, (single + 2 * double) * share)


def sloshing(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    rate = 0.08
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(rate * FRAME_PS, moves.shape[:2]), (0, 1, 2))
    swing = _rattling(rng, (N_FRAMES, 1, 3), vibration_a=0.12, memory_ps=12.0, frame_ps=FRAME_PS)
    moves += np.diff(swing, axis=0, prepend=swing[:1])
    d = rate * HOP_A**2 / 6
    return _seen(rng, moves), Truth(d, d)


def persistent_strings(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    single, strings, members, again, after_ps = 0.06, 0.0006, 8, 0.6, 10.0
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(single * FRAME_PS, moves.shape[:2]), (0, 1, 2))
    lead_ps = 10 * after_ps
    for start in rng.uniform(-lead_ps, LENGTH_PS, rng.poisson(strings * N_IONS * (LENGTH_PS + lead_ps))):
        ions, axis = rng.choice(N_IONS, members, replace=False), rng.integers(3)
        step = HOP_A * rng.choice([-1.0, 1.0])
        second = start + rng.exponential(after_ps) if rng.random() < again else np.inf
        for when in (start, second):
            if 0 < when < LENGTH_PS - FRAME_PS:
                moves[int(np.ceil(when / FRAME_PS)), ions, axis] += step
    lasting = strings * (1 + 3 * again)
    d = (single + lasting * members) * HOP_A**2 / 6, (single + lasting * members**2) * HOP_A**2 / 6
    return _seen(rng, moves), Truth(*d)


def _changing(rng, *, stay_ps: tuple[float, float], rates: tuple[float, float]) -> tuple[Trajectory, Truth]:
    """Ions that change between two rates of hops, each ion on its own."""
    share = stay_ps[1] / sum(stay_ps)
    rate = np.zeros((N_FRAMES, N_IONS))
    for ion in range(N_IONS):
        state, frame = int(rng.random() < share), 0
        while frame < N_FRAMES:
            until = frame + max(1, round(rng.exponential(stay_ps[state]) / FRAME_PS))
            rate[frame:until, ion] = rates[state]
            frame, state = until, 1 - state
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(rate * FRAME_PS), (0, 1, 2))
    d = ((1 - share) * rates[0] + share * rates[1]) * HOP_A**2 / 6
    return _seen(rng, moves), Truth(d, d)


def seldom_awake(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _changing(rng, stay_ps=(400.0, 100.0), rates=(0.0, 0.25))


def opening(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    opens = rng.exponential(300.0, N_IONS)
    free = np.arange(N_FRAMES)[:, None] * FRAME_PS > opens
    moves = np.zeros((N_FRAMES, N_IONS, 3))
    _add_hops(rng, moves, rng.poisson(0.1 * FRAME_PS * free), (0, 1, 2))
    return _seen(rng, moves), Truth(None, None)


MODELS = {
    model.__name__: model
    for model in (
        blocks,
        random_barriers,
        islands,
        interlayer,
        few_ions,
        late_strings,
        columns,
        rotated,
        paddle_wheels,
        opening,
        sloshing,
        persistent_strings,
        seldom_awake,
    )
}
