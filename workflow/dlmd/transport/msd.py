"""Mean square displacements over all lags and time origins, by FFT, streamed over blocks of ions.

Notation: r_i(t) position of ion i relative to the host, u_i(t, m) = r_i(t+m) - r_i(t), n frames, N ions.

    MSD_self[m]     = 1/N  sum_i   <u_i u_i^T>          over the n - m time origins
    MSD_total[m]    = 1/N  <(sum_i u_i)(sum_i u_i)^T>
    MSD_distinct    = MSD_total - MSD_self

each a symmetric (3, 3) tensor in Å², whose trace is the usual MSD. The sum over origins splits into sums of
squares and an autocorrelation (Calandrini et al., Collection SFN 12, 201 (2011), section 4.2.1). The power
spectra of the autocorrelation are summed over ions, so that one inverse FFT serves them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.trajectory.trajectory import Trajectory

VERSION = 1

AXES = ("a", "b", "c_star")
# The six independent components of a symmetric tensor.
_PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
# Ions transformed at once: their spectra should stay in the cache.
_IONS_AT_ONCE = 8
# Memory of the thinned copy of the positions, kept for error bars.
_THINNED_BYTES = 256 << 20


@dataclass
class Displacements:
    """What one pass over a trajectory leaves.

    Attributes
    ----------
    self_sum, total_sum
        (n_frames, 3, 3) Å²: sum over time origins of sum_i u_i u_i^T, and of (sum_i u_i)(sum_i u_i)^T, by lag
        in frames.
    collective
        (n_frames, 3) Å: sum of the ions' positions.
    thinned, stride
        Every `stride`-th frame of the positions as float32, (ions, 3, frames).
    """

    n_ions: int
    n_frames: int
    frame_interval_ps: float
    self_sum: np.ndarray
    total_sum: np.ndarray
    collective: np.ndarray
    thinned: np.ndarray
    stride: int


@dataclass
class MsdCurves:
    """MSD tensors (n_lags, 3, 3) in Å² at `lags_ps`, over all origins of one or several runs."""

    lags_ps: np.ndarray
    self_: np.ndarray
    total: np.ndarray

    @property
    def distinct(self) -> np.ndarray:
        return self.total - self.self_


def thinning(trajectories: Sequence[Trajectory], *, max_bytes: int = _THINNED_BYTES) -> int:
    """Stride at which the thinned copies of all runs together stay within `max_bytes`."""
    size = 12 * sum(run.n_frames * run.n_ions for run in trajectories)
    return max(1, -(-size // max_bytes))


def displacements(trajectory: Trajectory, *, stride: int = 1) -> Displacements:
    """Displacement sums of one trajectory, in one pass over its blocks; every `stride`-th frame is kept.

    FFTs are made in the precision of the positions: float32 input costs half the time, and errs by about 1e-5
    of the MSD.
    """
    n, n_ions = trajectory.n_frames, trajectory.n_ions
    thinned: np.ndarray | None = None
    collective = np.zeros((n, 3))
    accumulator = _Accumulator(n)
    done = 0
    for block in trajectory.blocks():
        ions = block.transpose(1, 2, 0)  # time last
        if thinned is None:
            # a block of all ions and frames becomes the copy itself
            whole = stride == 1 and ions.dtype == np.float32 and len(ions) == n_ions
            thinned = ions if whole else np.empty((n_ions, 3, -(-n // stride)), dtype=np.float32)
        for first in range(0, len(ions), _IONS_AT_ONCE):
            batch = ions[first : first + _IONS_AT_ONCE]
            collective += batch.sum(axis=0, dtype=np.float64).T
            # An ion's mean position carries no displacement, but costs digits.
            batch -= batch.mean(axis=2, keepdims=True)
            if thinned is not ions:
                thinned[done : done + len(batch)] = batch[:, :, ::stride]
            done += len(batch)
            accumulator.add(batch)
    assert thinned is not None  # a trajectory has ions
    together = _Accumulator(n)
    together.add((collective - collective.mean(axis=0)).T[None])
    return Displacements(
        n_ions=n_ions,
        n_frames=n,
        frame_interval_ps=trajectory.frame_interval_ps,
        self_sum=accumulator.displacement_sum(),
        total_sum=together.displacement_sum(),
        collective=collective,
        thinned=thinned,
        stride=stride,
    )


def all_displacements(trajectories: Sequence[Trajectory]) -> list[Displacements]:
    """Displacement sums of all runs, thinned alike."""
    stride = thinning(trajectories)
    return [displacements(trajectory, stride=stride) for trajectory in trajectories]


def shortest_ps(runs: Sequence[Displacements]) -> float:
    """Length in ps of the shortest run."""
    return min(run.n_frames * run.frame_interval_ps for run in runs)


class _Accumulator:
    """Sums over ions of power spectra (of zero-padded series) and of squares by frame."""

    def __init__(self, n_frames: int):
        from scipy.fft import next_fast_len

        self.n = n_frames
        self.n_fft = next_fast_len(2 * n_frames, real=True)
        # real and imaginary parts interleaved
        self.power = np.zeros((6, 2 * (self.n_fft // 2 + 1)))
        self.squares = np.zeros((6, n_frames))
        # series with the zeros behind them, the same memory for all batches
        self._padded = np.zeros((0, 3, self.n_fft))

    def add(self, positions: np.ndarray) -> None:
        """Add ions, shape (ions, 3, n_frames)."""
        from scipy.fft import rfft

        if self._padded.dtype != positions.dtype or len(self._padded) < len(positions):
            self._padded = np.zeros((len(positions), 3, self.n_fft), dtype=positions.dtype)
        padded = self._padded[: len(positions)]
        padded[:, :, : self.n] = positions
        spectrum = rfft(padded, axis=2)
        parts = spectrum.view(positions.dtype)
        for k, (i, j) in enumerate(_PAIRS):
            self.squares[k] += np.einsum("it,it->t", positions[:, i], positions[:, j])
            # Re(X conj Y) = Re X Re Y + Im X Im Y; the two terms are joined at the end
            self.power[k] += np.einsum("if,if->f", parts[:, i], parts[:, j])

    def displacement_sum(self) -> np.ndarray:
        """(n_frames, 3, 3): sum over ions and origins of u u^T at each lag."""
        from scipy.fft import irfft

        n = self.n
        power = self.power[:, ::2] + self.power[:, 1::2]
        # the inverse transform of Re(X conj Y) is the correlation symmetrised in x and y
        correlation = irfft(power, self.n_fft, axis=1)[:, :n]
        # Rounding of the few strong low frequencies shifts all short lags alike; lag 0 is known exactly.
        correlation += self.squares.sum(axis=1, keepdims=True) - correlation[:, :1]
        total = np.concatenate([np.zeros((6, 1)), np.cumsum(self.squares, axis=1)], axis=1)
        lags = np.arange(n)
        # sum of squares over the first n - m frames, and over the last n - m
        squares = total[:, n - lags] + (total[:, n, None] - total[:, lags])
        sums = squares - 2.0 * correlation
        sums[:, 0] = 0.0
        tensor = np.empty((n, 3, 3))
        for k, (i, j) in enumerate(_PAIRS):
            tensor[:, i, j] = tensor[:, j, i] = sums[k]
        return tensor


def curves(runs: Sequence[Displacements]) -> MsdCurves:
    """MSD of one or several runs (replicas) of the same system; each origin of each run counts alike.

    Raises
    ------
    DlmdError
        where the runs differ in ion count or frame interval.
    """
    for name in ("n_ions", "frame_interval_ps"):
        values = sorted({round(getattr(run, name), 9) for run in runs})
        if len(values) > 1:
            raise DlmdError(
                f"replicas differ in {name}: {values}", remedy="analyse them apart, or with a common stride"
            )
    longest = max(run.n_frames for run in runs)
    self_, total, origins = np.zeros((longest, 3, 3)), np.zeros((longest, 3, 3)), np.zeros(longest)
    for run in runs:
        self_[: run.n_frames] += run.self_sum
        total[: run.n_frames] += run.total_sum
        origins[: run.n_frames] += run.n_frames - np.arange(run.n_frames)
    scale = (1.0 / (origins * runs[0].n_ions))[:, None, None]
    return MsdCurves(
        lags_ps=np.arange(longest) * runs[0].frame_interval_ps, self_=self_ * scale, total=total * scale
    )


def log_lags(n_lags: int, *, at_most: int = 2000) -> np.ndarray:
    """(n,) indices 0..n_lags-1, every one at short lags and about evenly in the logarithm at long ones."""
    if n_lags <= at_most:
        return np.arange(n_lags)
    return np.unique(np.r_[0, np.round(np.geomspace(1, n_lags - 1, at_most - 1)).astype(int)])


def thinned_lags(curves: MsdCurves) -> MsdCurves:
    """The curves at the lags that are kept: `log_lags`."""
    kept = log_lags(len(curves.lags_ps))
    return MsdCurves(curves.lags_ps[kept], curves.self_[kept], curves.total[kept])


def cell_axes(cell: np.ndarray) -> np.ndarray:
    """(3, 3): unit vectors along a, along b, and along c* (normal to a and b), in rows."""
    a, b = cell[0] / np.linalg.norm(cell[0]), cell[1] / np.linalg.norm(cell[1])
    c_star = np.cross(a, b)
    return np.array([a, b, c_star / np.linalg.norm(c_star)])


def by_name(curves: MsdCurves, axes: np.ndarray) -> dict[str, Any]:
    """JSON-ready: lags in ps, MSDs in Å² of all axes together, and along each of the unit vectors (3, 3) by its name."""
    kinds = {"self": curves.self_, "total": curves.total, "distinct": curves.distinct}
    out: dict[str, Any] = {"lags_ps": curves.lags_ps.tolist()}
    for name, tensor in kinds.items():
        out[f"{name}_a2"] = np.trace(tensor, axis1=1, axis2=2).tolist()
    for axis, n in zip(AXES, axes, strict=True):
        out[axis] = {f"{name}_a2": (tensor @ n @ n).tolist() for name, tensor in kinds.items()}
    return out


def components(curves: MsdCurves) -> dict[str, np.ndarray]:
    """The six components of the tensors of self and total, (lags,) in Å² by name, such as self_xy_a2."""
    return {
        f"{kind}_{'xyz'[i]}{'xyz'[j]}_a2": tensor[:, i, j]
        for kind, tensor in (("self", curves.self_), ("total", curves.total))
        for i, j in _PAIRS
    }
