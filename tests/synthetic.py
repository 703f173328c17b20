"""Synthetic ion conductors whose D_self, D_total and Haven ratio are known exactly.

Hopping model (`hopping`)
    Independent Poisson events, rate `rate` per ion and ps of the whole system (N * rate events per ps). An event
    moves a random group of ions, ion g of the group by `pattern[g] * h`, with h = hop length times a random Cartesian axis and sign.
    With probability `p_back` the same group returns after an exponential time of mean `memory_ps`. An event that stays displaces for ever: it
    adds (1 - p_back) per event; one that returns adds to the MSD only while a window edge falls within its dwell:

        MSD_self(t)  = rate * S2 h^2 [(1 - p) t + 2 p tau (1 - exp(-t/tau))],   S2 = sum_g pattern_g^2
        MSD_total(t) = rate * S1^2 h^2 [(1 - p) t + 2 p tau (1 - exp(-t/tau))], S1 = sum_g pattern_g

    (mean square of independent contributions; a window [0, t] sees a net +1 from events that begin in it and end after it,
    rate * tau (1 - exp(-t/tau)), and a net -1 from those that began before it and end in it, the same number.) Hence

        D_self = rate S2 h^2 (1 - p) / 6,   D_total = rate S1^2 h^2 (1 - p) / 6,   H = S2 / S1^2

    and mixtures of event kinds add. pattern (1,): H = 1. (1, 1, 1): H = 1/3. (1, -0.5): H = 1.25 / 0.25 = 5.

Gaussian model (`gaussian`)
    r_i = w_i + (alpha - 1) mean_j(w_j) + A_i, with w_i Brownian of diffusion coefficient d0 and A_i a stationary
    Ornstein-Uhlenbeck position (variance `cage_a2` per axis, relaxation `memory_ps`), likewise mixed by alpha. With P = 1 - 1/N:

        D_self = d0 [P + alpha^2 / N],   D_total = d0 alpha^2,   H = (P + alpha^2 / N) / alpha^2

    because the deviation from the mean and the mean are independent, of variance shares P and 1/N. MSD_self(t) = 6 D_self t + const (1 - exp(-t/tau)).

Vibration is an independent Gaussian of standard deviation `vibration_a` per ion, axis and frame (its own sum over ions is part of
the total). Drift: the whole system moves by a random walk, and the host takes the recoil -(mass ratio) * sum_i u_i; the positions returned are
in the laboratory frame, with the host's centre of mass apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from dlmd.trajectory import Trajectory


@dataclass(frozen=True)
class Truth:
    """Exact values; D in Å²/ps. `onset_ps`: lag beyond which the slope of MSD_self exceeds the limit by less than 2 %."""

    d_self: float
    d_total: float
    onset_ps: float

    @property
    def haven(self) -> float:
        return self.d_self / self.d_total


def _onset(excess: float, memory_ps: float, tolerance: float = 0.02) -> float:
    """Lag t where excess * exp(-t / memory) falls to the tolerance."""
    return max(memory_ps * np.log(max(excess, tolerance) / tolerance), 0.0)


def hopping(
    rng: np.random.Generator,
    *,
    n_ions: int = 120,
    n_frames: int = 2500,
    frame_ps: float = 0.2,
    kinds: tuple[tuple[float, tuple[float, ...]], ...] = ((0.03, (1.0,)),),
    p_back: float = 0.4,
    memory_ps: float = 1.0,
    hop_a: float = 3.0,
    vibration_a: float = 0.2,
    drift_a: float = 0.02,
    temperature_k: float | None = 600.0,
) -> tuple[Trajectory, Truth]:
    """A hopping trajectory and its truth; `kinds` are (rate per ion and ps, pattern)."""
    length = n_frames * frame_ps
    lead = 8 * memory_ps  # events before the first frame, so that the process is stationary
    moves = np.zeros((n_frames, n_ions, 3))
    d_self = d_total = 0.0
    for rate, pattern in kinds:
        count = rng.poisson(rate * n_ions * (length + lead))
        start = rng.uniform(-lead, length, count)
        end = np.where(rng.random(count) < p_back, start + rng.exponential(memory_ps, count), np.inf)
        axis, sign = rng.integers(3, size=count), rng.choice([-1.0, 1.0], count)
        # distinct members: a random start, then equal spacing around the ring of ions
        members = (
            rng.integers(n_ions, size=count)[:, None]
            + np.arange(len(pattern)) * rng.integers(1, n_ions // len(pattern), count)[:, None]
        )
        for column, weight in enumerate(pattern):
            ion = members[:, column] % n_ions
            for when, direction in ((start, 1.0), (end, -1.0)):
                frame = np.ceil(np.minimum(when, 2 * length) / frame_ps).astype(int)
                seen = (frame > 0) & (frame < n_frames)
                np.add.at(
                    moves, (frame[seen], ion[seen], axis[seen]), (direction * weight * hop_a * sign)[seen]
                )
        s1, s2 = sum(pattern), sum(w * w for w in pattern)
        d_self += rate * s2 * hop_a**2 * (1 - p_back) / 6
        d_total += rate * s1**2 * hop_a**2 * (1 - p_back) / 6
    positions = np.cumsum(moves, axis=0)
    positions += vibration_a * rng.standard_normal(positions.shape)
    onset = _onset(2 * p_back / (1 - p_back), memory_ps)
    return _drifting(rng, positions, frame_ps, drift_a, temperature_k), Truth(d_self, d_total, onset)


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
    onset = _onset(cage_a2 / (d0 * memory_ps), memory_ps)
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
