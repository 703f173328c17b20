"""Conductors that are hard to analyse, with exactly known answers.

Those of `synthetic` relax on one time scale and move often. These do not: their memory lasts until the next hop, they move
together, in bursts or rarely, or they do not diffuse at all. `HELD_OUT` names those that no estimator may be tuned on.

Correlated walk (`_walk`)
    A group of ions hops at `rate` by h along a random axis of a cubic lattice. Each hop is the reverse of the one before with
    probability b, and else independent of it. The mean cosine of successive hops is -b, so (as for any chain of that kind,
    Compaan and Haven, Trans. Faraday Soc. 52, 786 (1956)) a group has D = rate h²/6 (1 - b) / (1 + b). The memory ends with the
    next hop, on average after 1 / [rate (1 + b)], however long that is. With members that move by pattern[g] h,

        D_self = D S2 / n,   D_total = D S1² / n,   S1 = sum_g pattern_g,  S2 = sum_g pattern_g²,   n members per group

Ions that only vibrate or exchange places add nothing to D. A truth of None means that no diffusion coefficient exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.trajectory.trajectory import Trajectory
from synthetic import Hop, hopping

EDGE_A = 3.5


@dataclass(frozen=True)
class Truth:
    """Exact values in Å²/ps; None where no diffusion coefficient exists. `axes` along x, y, z where they differ."""

    d_self: float | None
    d_total: float | None
    axes: dict[str, tuple[float, float]] | None = None

    @property
    def haven(self) -> float | None:
        return self.d_self / self.d_total if self.d_total else None


def _trajectory(positions: np.ndarray, frame_ps: float, temperature_k: float | None) -> Trajectory:
    """A trajectory whose host stands still, as if its drift had been removed."""
    n_frames, n_ions, _ = positions.shape
    return Trajectory.from_arrays(
        positions,
        frame_interval_ps=frame_ps,
        cell=EDGE_A * n_ions ** (1 / 3) * np.eye(3),
        temperature_k=temperature_k,
        host_com=np.zeros((n_frames, 3)),
        n_host_atoms=2 * n_ions,
    )


def _walk(
    rng: np.random.Generator,
    *,
    rate: float,
    back: float,
    n_groups: int,
    n_frames: int,
    frame_ps: float,
    hop_a: float,
    axes: Sequence[int] = (0, 1, 2),
) -> np.ndarray:
    """Positions (n_frames, n_groups, 3) of correlated walkers. The first hop in sight has a predecessor as any other."""
    axes = np.asarray(axes)
    positions = np.zeros((n_frames, n_groups, 3))
    length = n_frames * frame_ps
    for group in range(n_groups):
        count = rng.poisson(rate * length)
        times = np.sort(rng.uniform(0, length, count))
        steps = np.zeros((count + 1, 3))
        fresh = np.zeros((count + 1, 3))
        fresh[np.arange(count + 1), rng.choice(axes, count + 1)] = hop_a * rng.choice([-1.0, 1.0], count + 1)
        reverse = rng.random(count + 1) < back
        steps[0] = fresh[0]
        for k in range(1, count + 1):
            steps[k] = -steps[k - 1] if reverse[k] else fresh[k]
        frame = np.ceil(times / frame_ps).astype(int)
        seen = frame < n_frames
        np.add.at(positions[:, group], frame[seen], steps[1:][seen])
    return positions.cumsum(axis=0)


def _rattling(rng, shape: tuple[int, int, int], *, vibration_a: float, memory_ps: float, frame_ps: float):
    """Stationary bounded motion (frames, ions, 3) of the given standard deviation and relaxation time."""
    from scipy.signal import lfilter

    keep = np.exp(-frame_ps / memory_ps)
    kicks = vibration_a * np.sqrt(1 - keep**2) * rng.standard_normal(shape)
    kicks[0] = vibration_a * rng.standard_normal(shape[1:])
    return lfilter([1.0], [1.0, -keep], kicks, axis=0)


def _grouped(
    rng, pattern: Sequence[float], *, n_ions: int, vibration_a: float, vibration_ps: float, **walk
) -> np.ndarray:
    """Positions of ions in groups, each of which moves as one walker."""
    weights = np.asarray(pattern, dtype=float)
    groups = _walk(rng, n_groups=n_ions // len(weights), **walk)
    members = (groups[:, :, None, :] * weights[None, None, :, None]).reshape(len(groups), -1, 3)
    return members + _rattling(
        rng, members.shape, vibration_a=vibration_a, memory_ps=vibration_ps, frame_ps=walk["frame_ps"]
    )


def _grouped_truth(pattern: Sequence[float], *, rate: float, back: float, hop_a: float) -> Truth:
    weights = np.asarray(pattern, dtype=float)
    one = rate * hop_a**2 / 6 * (1 - back) / (1 + back)
    n = len(weights)
    return Truth(one * float(np.sum(weights**2)) / n, one * float(np.sum(weights)) ** 2 / n)


def _memory_until_next_hop(rng, pattern, *, temperature_k, speed=1.0, **settings) -> tuple[Trajectory, Truth]:
    kind = {"rate": 0.08 * speed, "back": 0.6, "hop_a": 3.0}
    size = {
        "n_ions": 120,
        "n_frames": 2000,
        "frame_ps": 0.1,
        "vibration_a": 0.7,
        "vibration_ps": 0.5,
        **settings,
    }
    positions = _grouped(rng, pattern, **kind, **size)
    return _trajectory(positions, size["frame_ps"], temperature_k), _grouped_truth(pattern, **kind)


def until_next_hop(rng, *, temperature_k: float | None = 600.0, **settings) -> tuple[Trajectory, Truth]:
    """Single ions, three fifths of whose hops are the reverse of the one before, with heavy vibration: H = 1, 0.2 ns."""
    return _memory_until_next_hop(rng, (1.0,), temperature_k=temperature_k, **settings)


def strings_until_next_hop(
    rng, *, temperature_k: float | None = 600.0, **settings
) -> tuple[Trajectory, Truth]:
    """The same in strings of five: H = 0.2."""
    return _memory_until_next_hop(rng, (1.0,) * 5, temperature_k=temperature_k, **settings)


def exchanges_until_next_hop(
    rng, *, temperature_k: float | None = 600.0, **settings
) -> tuple[Trajectory, Truth]:
    """The same in pairs that move against each other: H = 2."""
    return _memory_until_next_hop(rng, (1.0, np.sqrt(3) - 2), temperature_k=temperature_k, **settings)


def bursts(
    rng,
    *,
    temperature_k: float | None = 600.0,
    n_ions: int = 120,
    n_frames: int = 2500,
    frame_ps: float = 0.2,
) -> tuple[Trajectory, Truth]:
    """Single hops of all ions in common bursts of 8 ps, one in 40 ps: D is the mean over bursts and rests."""
    on_ps, off_ps, rate, hop_a = 8.0, 32.0, 0.2, 3.0
    active = np.zeros(n_frames, dtype=bool)
    # a stationary start: on with the share of the bursts; the rest of an exponential time is exponential again
    on, time = rng.random() < on_ps / (on_ps + off_ps), 0.0
    while time < n_frames * frame_ps:
        stay = rng.exponential(on_ps if on else off_ps)
        if on:
            active[int(time / frame_ps) : int((time + stay) / frame_ps)] = True
        time, on = time + stay, not on
    count = rng.poisson(rate * frame_ps * active[:, None], (n_frames, n_ions))
    moves = np.zeros((n_frames, n_ions, 3))
    for number in range(1, int(count.max()) + 1):
        frame, ion = np.nonzero(count >= number)
        moves[frame, ion, rng.integers(3, size=len(frame))] += hop_a * rng.choice([-1.0, 1.0], len(frame))
    positions = moves.cumsum(axis=0) + 0.2 * rng.standard_normal(moves.shape)
    d = rate * on_ps / (on_ps + off_ps) * hop_a**2 / 6
    return _trajectory(positions, frame_ps, temperature_k), Truth(d, d)


def few_large_strings(rng, *, temperature_k: float | None = 600.0, **settings) -> tuple[Trajectory, Truth]:
    """Single hops, and about six times per run a string of thirty ions that moves as one: half of D_total rests on six events."""
    size = {"n_ions": 120, "n_frames": 2500, "frame_ps": 0.2, **settings}
    large = 6.0 / (size["n_ions"] * size["n_frames"] * size["frame_ps"])
    trajectory, truth = hopping(
        rng, Hop(large * 30**2), Hop(large, (1.0,) * 30), temperature_k=temperature_k, **size
    )
    return trajectory, Truth(truth.d_self, truth.d_total)


def broad_cages(
    rng,
    *,
    temperature_k: float | None = 600.0,
    n_ions: int = 120,
    n_frames: int = 2500,
    frame_ps: float = 0.2,
) -> tuple[Trajectory, Truth]:
    """Brownian motion in cages whose relaxation times are spread evenly in the logarithm, 0.6 to 40 ps: H = 1."""
    from scipy.signal import lfilter

    d0, shape = 0.02, (n_frames, n_ions, 3)
    positions = np.cumsum(np.sqrt(2 * d0 * frame_ps) * rng.standard_normal(shape), axis=0)
    for memory_ps in np.geomspace(0.6, 40.0, 6):
        keep = np.exp(-frame_ps / memory_ps)
        kicks = np.sqrt(0.3 * (1 - keep**2)) * rng.standard_normal(shape)
        kicks[0] = np.sqrt(0.3) * rng.standard_normal(shape[1:])
        positions += lfilter([1.0], [1.0, -keep], kicks, axis=0)
    return _trajectory(positions, frame_ps, temperature_k), Truth(d0, d0)


def edge(rng, *, temperature_k: float | None = 600.0, **settings) -> tuple[Trajectory, Truth]:
    """48 ions for 28 ps whose hops often return: at the edge of what a gate may accept."""
    size = {"n_ions": 48, "n_frames": 700, "frame_ps": 0.04, "vibration_a": 0.25, **settings}
    trajectory, truth = hopping(rng, Hop(0.08, (1.0,), 0.5, 2.0), temperature_k=temperature_k, **size)
    return trajectory, Truth(truth.d_self, truth.d_total)


def waiting(
    rng,
    *,
    temperature_k: float | None = 600.0,
    n_ions: int = 120,
    n_frames: int = 2500,
    frame_ps: float = 0.2,
) -> tuple[Trajectory, Truth]:
    """A continuous-time random walk with waiting times of tail t^-1.8: MSD as t^0.8, and no diffusion coefficient
    (Metzler and Klafter, Phys. Rep. 339, 1 (2000))."""
    length = n_frames * frame_ps
    moves = np.zeros((n_frames, n_ions, 3))
    for ion in range(n_ions):
        times = np.cumsum(0.5 * rng.random(4000) ** (-1 / 0.8))
        frame = np.ceil(times[times < length] / frame_ps).astype(int)
        frame = frame[frame < n_frames]
        axis, step = rng.integers(3, size=len(frame)), 3.0 * rng.choice([-1.0, 1.0], len(frame))
        np.add.at(moves, (frame, ion, axis), step)
    positions = moves.cumsum(axis=0) + 0.2 * rng.standard_normal(moves.shape)
    return _trajectory(positions, frame_ps, temperature_k), Truth(None, None)


def fractional(
    rng,
    *,
    temperature_k: float | None = 600.0,
    n_ions: int = 120,
    n_frames: int = 2500,
    frame_ps: float = 0.2,
) -> tuple[Trajectory, Truth]:
    """Fractional Brownian motion with MSD as t^0.8 at all lags (Davies and Harte, Biometrika 74, 95 (1987)): no D exists."""
    hurst, scale_a2 = 0.4, 0.6
    k = np.arange(n_frames + 1, dtype=float)
    covariance = 0.5 * (np.abs(k + 1) ** (2 * hurst) - 2 * k ** (2 * hurst) + np.abs(k - 1) ** (2 * hurst))
    eigenvalues = np.fft.rfft(np.concatenate([covariance, covariance[-2:0:-1]])).real.clip(0)
    size = 2 * n_frames
    noise = rng.standard_normal((size, n_ions, 3))
    steps = np.fft.irfft(np.fft.rfft(noise, axis=0) * np.sqrt(eigenvalues)[:, None, None], n=size, axis=0)
    positions = np.sqrt(scale_a2 * frame_ps ** (2 * hurst)) * steps[:n_frames].cumsum(axis=0)
    return _trajectory(positions, frame_ps, temperature_k), Truth(None, None)


def layers(rng, *, temperature_k: float | None = 600.0, **settings) -> tuple[Trajectory, Truth]:
    """Hops within layers, and a soft bounded motion across them: D along z is exactly 0."""
    size = {"n_ions": 120, "n_frames": 2000, "frame_ps": 0.2, **settings}
    rate, hop_a = 0.05, 3.0
    positions = _walk(
        rng,
        rate=rate,
        back=0.3,
        n_groups=size["n_ions"],
        n_frames=size["n_frames"],
        frame_ps=size["frame_ps"],
        hop_a=hop_a,
        axes=(0, 1),
    )
    positions += 0.3 * rng.standard_normal(positions.shape)
    # two sites 2 Å apart across the layer, between which each ion flips without end
    flips = rng.random(positions.shape[:2]) < 1 - np.exp(-size["frame_ps"] / 5.0)
    side = (flips.cumsum(axis=0) + rng.integers(2, size=size["n_ions"])) % 2
    positions[:, :, 2] += 2.0 * side
    inside = rate * hop_a**2 / 4 * 0.7 / 1.3
    trajectory = _trajectory(positions, size["frame_ps"], temperature_k)
    plane = (inside, inside)
    return trajectory, Truth(inside * 2 / 3, inside * 2 / 3, {"x": plane, "y": plane, "z": (0.0, 0.0)})


def trading_places(
    rng, *, temperature_k: float | None = 600.0, n_frames: int = 2500, frame_ps: float = 0.2
) -> tuple[Trajectory, Truth]:
    """Neighbours on a full cubic lattice that exchange their places: single ions diffuse, and their sum moves by nothing."""
    side, hop_a, rate = 5, 3.0, 0.06
    n_ions = side**3
    lattice = np.stack(np.meshgrid(*(np.arange(side),) * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    ion_at = np.arange(n_ions)
    moves = np.zeros((n_frames, n_ions, 3))
    # each exchange moves two ions, so that an ion hops at `rate`
    count = rng.poisson(rate * n_ions / 2 * n_frames * frame_ps)
    frames = np.sort(rng.integers(1, n_frames, count))
    for frame, place, axis, sign in zip(
        frames,
        rng.integers(n_ions, size=count),
        rng.integers(3, size=count),
        rng.choice([-1, 1], count),
        strict=True,
    ):
        target = lattice[place].copy()
        target[axis] = (target[axis] + sign) % side
        other = (target[0] * side + target[1]) * side + target[2]
        moves[frame, ion_at[place], axis] += sign * hop_a
        moves[frame, ion_at[other], axis] -= sign * hop_a
        ion_at[place], ion_at[other] = ion_at[other], ion_at[place]
    positions = moves.cumsum(axis=0) + 0.3 * rng.standard_normal(moves.shape)
    # Each exchange is of a random pair, so an ion's successive hops are independent.
    return _trajectory(positions, frame_ps, temperature_k), Truth(rate * hop_a**2 / 6, 0.0)


def slow_returns(rng, *, temperature_k: float | None = 600.0, **settings) -> tuple[Trajectory, Truth]:
    """Half of the hops return after 12 ps on average, and strings of two do not: H = 0.71."""
    size = {"n_ions": 120, "n_frames": 2500, "frame_ps": 0.2, **settings}
    trajectory, truth = hopping(
        rng, Hop(0.05, (1.0,), 0.5, 12.0), Hop(0.01, (1.0, 1.0)), temperature_k=temperature_k, **size
    )
    return trajectory, Truth(truth.d_self, truth.d_total)


def two_cages(rng, *, temperature_k: float | None = 600.0, **settings) -> tuple[Trajectory, Truth]:
    """Quick flips between two sites of a cage, 2.5 Å apart, and rare hops from cage to cage: MSD is flat for a decade."""
    size = {"n_ions": 120, "n_frames": 2500, "frame_ps": 0.2, **settings}
    trajectory, truth = hopping(
        rng, Hop(0.3, (0.8,), 1.0, 0.8), Hop(0.012, (1.0,), 0.0), temperature_k=temperature_k, **size
    )
    return trajectory, Truth(truth.d_self, truth.d_total)


def nearly_trading(rng, *, temperature_k: float | None = 600.0, **settings) -> tuple[Trajectory, Truth]:
    """Pairs that move against each other almost in full: their sum carries a fortieth, H = 40."""
    size = {"n_ions": 120, "n_frames": 2500, "frame_ps": 0.2, **settings}
    trajectory, truth = hopping(
        rng, Hop(0.03, (1.0, -1.0)), Hop(0.0015, (1.0,)), temperature_k=temperature_k, **size
    )
    return trajectory, Truth(truth.d_self, truth.d_total)


def frozen_half(rng, *, temperature_k: float | None = 600.0, **settings) -> tuple[Trajectory, Truth]:
    """Five ions of six never move, the others do: a mean over ions that differ."""
    size = {"n_ions": 120, "n_frames": 2000, "frame_ps": 0.2, "vibration_a": 0.3, "vibration_ps": 0.3}
    size |= settings
    kind = {"rate": 0.2, "back": 0.4, "hop_a": 3.0}
    quick = _grouped(rng, (1.0,), **{**size, "n_ions": size["n_ions"] // 6}, **kind)
    rest_shape = (size["n_frames"], size["n_ions"] - quick.shape[1], 3)
    rest = _rattling(rng, rest_shape, vibration_a=0.3, memory_ps=0.3, frame_ps=size["frame_ps"])
    one = _grouped_truth((1.0,), **kind)
    positions = np.concatenate([quick, rest], axis=1)
    share = quick.shape[1] / positions.shape[1]
    truth = Truth(one.d_self * share, one.d_total * share)
    return _trajectory(positions, size["frame_ps"], temperature_k), truth


def ageing(rng, *, temperature_k: float | None = 600.0, **settings) -> tuple[Trajectory, Truth]:
    """Hops that slow down to a third over the run: its mean is the property of no material."""
    size = {"n_ions": 120, "n_frames": 2500, "frame_ps": 0.2, **settings}
    n, ions = size["n_frames"], size["n_ions"]
    rate = 0.06 * 3.0 ** (-np.arange(n) / n)
    moves = np.zeros((n, ions, 3))
    frame, ion = np.nonzero(rng.random((n, ions)) < rate[:, None] * size["frame_ps"])
    moves[frame, ion, rng.integers(3, size=len(frame))] = 3.0 * rng.choice([-1.0, 1.0], len(frame))
    positions = moves.cumsum(axis=0) + 0.3 * rng.standard_normal(moves.shape)
    return _trajectory(positions, size["frame_ps"], temperature_k), Truth(None, None)


MODELS = {
    model.__name__: model
    for model in (
        until_next_hop,
        strings_until_next_hop,
        exchanges_until_next_hop,
        bursts,
        few_large_strings,
        broad_cages,
        edge,
        waiting,
        fractional,
        layers,
        trading_places,
        slow_returns,
        two_cages,
        nearly_trading,
        frozen_half,
        ageing,
    )
}
# Written before the estimators were looked at again, and for judging only.
# Seeds: numpy.random.default_rng([2026, number of the model, n]).
HELD_OUT = ("strings_until_next_hop", "few_large_strings", "layers")
