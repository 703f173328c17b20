"""Synthetic ion conductors whose D_self, D_total and Haven ratio are known exactly.

Hopping model (`hopping`)
    A superposition of independent Poisson events of several kinds, `rate` per ion and ps each. An event moves
    a random group of ions, member g by pattern[g] * h, with h the hop length along a random Cartesian axis
    and sign. With probability p = `p_back` the same group returns after an exponential time of mean tau =
    `memory_ps`. A window [0, t] sees a lasting event once, with rate (1 - p) t. Of the returning ones it sees
    those that begin in it and end after it, p tau (1 - exp(-t/tau)) of them, and equally many that began
    before it and end in it. So per kind, as mean squares of independent contributions add,

        MSD_self(t)  = rate S2 h² [(1 - p) t + 2 p tau (1 - exp(-t/tau))],   S2 = sum_g pattern_g²
        MSD_total(t) = rate S1² h² [(1 - p) t + 2 p tau (1 - exp(-t/tau))],  S1 = sum_g pattern_g
        D_self = sum_kinds rate S2 h² (1 - p) / 6,   D_total = sum_kinds rate S1² h² (1 - p) / 6

    With one kind H = S2 / S1²: 1 for single hops (1,), 1/3 for strings of three (1, 1, 1), 5 for (1, -0.5).

Gaussian model (`gaussian`)
    r_i = w_i + (alpha - 1) mean_j(w_j), with w_i the sum of a Brownian motion of diffusion coefficient d0 and
    a stationary Ornstein-Uhlenbeck position of variance `cage_a2` per axis and relaxation tau. The deviation
    from the mean and the mean are independent, with shares 1 - 1/N and 1/N of the variance, and alpha
    multiplies the mean:

        D_self = d0 (1 - 1/N + alpha²/N),   D_total = d0 alpha²
        MSD_self(t) = 6 D_self t + 6 (D_self / d0) cage_a2 (1 - exp(-t / tau))

Vibration is an independent Gaussian of standard deviation `vibration_a` per ion, axis and frame. Drift: the
whole system moves by a random walk, and the host recoils by the mass ratio times the ions' sum; positions are
returned in the laboratory frame, with the host's centre of mass apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlmd.trajectory.trajectory import Trajectory


@dataclass(frozen=True)
class Truth:
    """Exact values; D in Å²/ps.

    Beyond `onset_ps` the slopes of MSD_self and MSD_total exceed their limits by less than 2 %.
    """

    d_self: float
    d_total: float
    onset_ps: float

    @property
    def haven(self) -> float:
        return self.d_self / self.d_total


@dataclass(frozen=True)
class Hop:
    """A kind of event."""

    rate: float
    pattern: tuple[float, ...] = (1.0,)
    p_back: float = 0.0
    memory_ps: float = 1.0

    @property
    def self_strength(self) -> float:
        return self.rate * sum(weight**2 for weight in self.pattern)

    @property
    def total_strength(self) -> float:
        return self.rate * sum(self.pattern) ** 2


def _onset(relaxations: list[tuple[float, float]]) -> float:
    """Lag t where sum amplitude * exp(-t / tau) over (amplitude, tau), relative to the slope, falls to 0.02."""
    times = np.linspace(0, 200, 20001)
    excess = sum(amplitude * np.exp(-times / tau) for amplitude, tau in relaxations)
    return float(times[np.argmax(excess <= 0.02)])


def hopping(
    rng: np.random.Generator,
    *hops: Hop,
    n_ions: int = 120,
    n_frames: int = 2500,
    frame_ps: float = 0.2,
    hop_a: float = 3.0,
    vibration_a: float = 0.2,
    drift_a: float = 0.02,
    temperature_k: float | None = 600.0,
) -> tuple[Trajectory, Truth]:
    """A hopping trajectory and its truth."""
    length = n_frames * frame_ps
    moves = np.zeros((n_frames, n_ions, 3))
    for hop in hops:
        # events before the first frame make the process stationary
        lead = 10 * hop.memory_ps
        count = rng.poisson(hop.rate * n_ions * (length + lead))
        start = rng.uniform(-lead, length, count)
        returns = rng.random(count) < hop.p_back
        end = np.where(returns, start + rng.exponential(hop.memory_ps, count), 2 * length)
        axis, step = rng.integers(3, size=count), hop_a * rng.choice([-1.0, 1.0], count)
        # distinct members: a random ion, and others equally spaced around the ring of ions
        size = len(hop.pattern)
        leader, spacing = rng.integers(n_ions, size=count), rng.integers(1, n_ions // size + 1, count)
        for place, weight in enumerate(hop.pattern):
            ion = (leader + place * spacing) % n_ions
            for when, direction in ((start, 1.0), (end, -1.0)):
                frame = np.ceil(when / frame_ps).astype(int)
                seen = (frame > 0) & (frame < n_frames)
                np.add.at(moves, (frame[seen], ion[seen], axis[seen]), (direction * weight * step)[seen])
    positions = np.cumsum(moves, axis=0) + vibration_a * rng.standard_normal(moves.shape)
    d_self, d_total = (
        sum(getattr(hop, kind) * (1 - hop.p_back) for hop in hops)
        for kind in ("self_strength", "total_strength")
    )
    onset = max(
        _onset([(2 * getattr(hop, kind) * hop.p_back / limit, hop.memory_ps) for hop in hops])
        for kind, limit in (("self_strength", d_self), ("total_strength", d_total))
    )
    truth = Truth(d_self * hop_a**2 / 6, d_total * hop_a**2 / 6, onset)
    return _drifting(rng, positions, frame_ps, drift_a, temperature_k), truth


def gaussian(
    rng: np.random.Generator,
    *,
    n_ions: int = 120,
    n_frames: int = 2500,
    frame_ps: float = 0.2,
    d0: float = 0.03,
    alpha: float = 2.0,
    cage_a2: float = 0.3,
    memory_ps: float = 2.0,
    vibration_a: float = 0.2,
    drift_a: float = 0.02,
    temperature_k: float | None = 600.0,
) -> tuple[Trajectory, Truth]:
    """A Gaussian trajectory and its truth."""
    from scipy.signal import lfilter

    shape = (n_frames, n_ions, 3)
    walk = np.cumsum(np.sqrt(2 * d0 * frame_ps) * rng.standard_normal(shape), axis=0)
    keep = np.exp(-frame_ps / memory_ps)
    kicks = np.sqrt(cage_a2 * (1 - keep**2)) * rng.standard_normal(shape)
    kicks[0] = np.sqrt(cage_a2) * rng.standard_normal(shape[1:])
    walk += lfilter([1.0], [1.0, -keep], kicks, axis=0)
    walk += (alpha - 1) * walk.mean(axis=1, keepdims=True)
    walk += vibration_a * rng.standard_normal(shape)
    share = 1 - 1 / n_ions + alpha**2 / n_ions
    onset = _onset([(cage_a2 / (d0 * memory_ps), memory_ps)])
    return _drifting(rng, walk, frame_ps, drift_a, temperature_k), Truth(d0 * share, d0 * alpha**2, onset)


def _drifting(rng, positions, frame_ps, drift_a, temperature_k) -> Trajectory:
    """Put the ions into a laboratory frame that drifts and recoils."""
    n_frames, n_ions, _ = positions.shape
    relative_sum = positions.sum(axis=1)
    wander = np.cumsum(drift_a * rng.standard_normal((n_frames, 3)), axis=0)
    # light ions of mass 1 in a host of mass 5 per ion: total momentum zero apart from the wander
    host = wander - relative_sum / (n_ions * (1 + 5))
    edge = 3.5 * n_ions ** (1 / 3)
    return Trajectory.from_arrays(
        positions + host[:, None],
        frame_interval_ps=frame_ps,
        cell=edge * np.eye(3),
        temperature_k=temperature_k,
        host_com=host,
        n_host_atoms=2 * n_ions,
    )


def strings(rng: np.random.Generator, *, speed: float = 1.0, **settings) -> tuple[Trajectory, Truth]:
    """Single hops that often return, and strings of three ions with a longer memory: H = 0.46."""
    return hopping(
        rng, Hop(0.02 * speed, (1.0,), 0.5, 1.0), Hop(0.006 * speed, (1.0, 1.0, 1.0), 0.2, 3.0), **settings
    )


def exchanges(rng: np.random.Generator, *, speed: float = 1.0, **settings) -> tuple[Trajectory, Truth]:
    """Pairs of ions that move against each other: H = 2.9."""
    return hopping(
        rng,
        Hop(0.01 * speed, (1.0,), 0.4, 2.0),
        Hop(0.01 * speed, (1.0, -0.5), 0.4, 2.0),
        Hop(0.01 * speed, (1.0, -1.0), 0.6, 1.0),
        **settings,
    )


def contrast(rng: np.random.Generator, *, speed: float = 1.0, **settings) -> tuple[Trajectory, Truth]:
    """Single ions relax, their sum does not: exchanges that often return beside pairs that never do: H = 0.77."""
    return hopping(rng, Hop(0.02 * speed, (1.0, -1.0), 0.6, 1.0), Hop(0.015 * speed, (1.0, 1.0)), **settings)


def swarm(rng: np.random.Generator, *, speed: float = 1.0, **settings) -> tuple[Trajectory, Truth]:
    """Gaussian motion with a strong common part and a long memory: H = 0.26."""
    return gaussian(rng, d0=0.03 * speed, alpha=2.0, memory_ps=2.0, **settings)


def small_cell(rng: np.random.Generator, *, speed: float = 1.0, **settings) -> tuple[Trajectory, Truth]:
    """48 ions for 50 ps, the size of a quick run: H = 0.70."""
    size = {"n_ions": 48, "n_frames": 1250, "frame_ps": 0.04, "vibration_a": 0.25, **settings}
    return hopping(rng, Hop(0.06 * speed, (1.0,), 0.4, 0.3), Hop(0.02 * speed, (1.0, 1.0), 0.3, 0.5), **size)


MODELS = {model.__name__: model for model in (strings, exchanges, contrast, swarm, small_cell)}
