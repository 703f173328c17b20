"""D_total from the spectrum of the ion current at low frequency.

The current is the finite difference of the sum of all positions. Its periodogram, normalised as a diffusion
tensor, is for Fourier frequencies f_k = k / (n dt) of n steps of length dt

    I_k = Re(J_k J_k^*) / (2 n dt N),    J_k = sum_j (R_{j+1} - R_j) exp(-2 pi i f_k j dt)

whose expectation tends to D_total as f -> 0 (Wiener-Khinchin and Green-Kubo). Its values at different f_k are independent and
chi-square distributed about the spectrum, which is smooth: below 1/(2 t*), t* the onset of diffusion, it is taken as
a (1 + beta f^2), and a = D_total is found by maximum (Whittle) likelihood (Whittle, Ark. Mat. 2, 423 (1953); for transport
coefficients Ercole, Marcolongo and Baroni, Sci. Rep. 7, 15835 (2017)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.msd import Displacements

VERSION = 1


@dataclass(frozen=True)
class SpectralFit:
    """Zero-frequency limit of a current spectrum.

    Attributes
    ----------
    tensor
        (3, 3) diffusion tensor in Å²/ps; the scalar is a third of its trace.
    log_error
        Standard error of the logarithm of the scalar.
    axis_log_error
        The same for one direction.
    dof
        Degrees of freedom of the scalar's chi-square, less those of the fit.
    axis_dof
        The same for one direction.
    curvature_ps2
        beta.
    n_frequencies
        Number of frequencies fitted.
    """

    tensor: np.ndarray
    log_error: float
    axis_log_error: float
    dof: float
    axis_dof: float
    curvature_ps2: float
    n_frequencies: int

    @property
    def value(self) -> float:
        return float(np.trace(self.tensor)) / 3.0


def periodogram(
    collective: np.ndarray, *, frame_interval_ps: float, n_ions: int
) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (n_f,) in 1/ps, above 0, and diffusion tensors (n_f, 3, 3) in Å²/ps of (n_frames, 3) summed positions."""
    from scipy.fft import rfft

    steps = np.diff(collective, axis=0)
    duration = len(steps) * frame_interval_ps
    current = rfft(steps, axis=0)[1:]
    tensors = (current[:, :, None] * current[:, None, :].conj()).real / (2.0 * duration * n_ions)
    return np.arange(1, len(current) + 1) / duration, tensors


def low_frequencies(runs: Sequence[Displacements], *, cutoff_per_ps: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies and periodograms of all runs up to a cutoff."""
    parts = [
        periodogram(run.collective, frame_interval_ps=run.frame_interval_ps, n_ions=run.n_ions)
        for run in runs
    ]
    below = [frequency <= cutoff_per_ps for frequency, _ in parts]
    frequency = np.concatenate([f[keep] for (f, _), keep in zip(parts, below, strict=True)])
    tensors = np.concatenate([t[keep] for (_, t), keep in zip(parts, below, strict=True)])
    return frequency, tensors


def whittle(frequency: np.ndarray, tensors: np.ndarray) -> SpectralFit:
    """Fit a (1 + beta f²) to the trace; at least 3 frequencies.

    All directions share beta, so that the tensor is the mean of I_k / (1 + beta f_k²): the maximum of the likelihood for given beta.
    """
    from scipy.optimize import minimize_scalar

    trace = np.trace(tensors, axis1=1, axis2=2) / 3.0
    x = (frequency / frequency.max()) ** 2

    def cost(beta: float) -> float:
        shape = 1.0 + beta * x
        return float(np.log(np.mean(trace / shape)) + np.mean(np.log(shape)))

    # The spectrum at the cutoff may be a third of that at zero, or many times as much.
    beta = float(minimize_scalar(cost, bounds=(-0.67, 20.0), method="bounded").x)
    shape = 1.0 + beta * x
    tensor = np.mean(tensors / shape[:, None, None], axis=0)
    # Fisher information of (ln a, beta), per degree of freedom
    slope = x / shape
    variance = 1.0 / (len(x) * (1.0 - slope.mean() ** 2 / np.mean(slope**2)))
    per_frequency = _degrees_of_freedom(tensors / shape[:, None, None])
    return SpectralFit(
        tensor=tensor,
        log_error=float(np.sqrt(2.0 / per_frequency * variance)),
        axis_log_error=float(np.sqrt(variance)),
        dof=per_frequency * (len(x) - 1),
        axis_dof=2.0 * (len(x) - 1),
        curvature_ps2=beta / frequency.max() ** 2,
        n_frequencies=len(x),
    )


def _degrees_of_freedom(tensors: np.ndarray) -> float:
    """Degrees of freedom of the trace at one frequency: 6 for an isotropic conductor, 4 in a plane, 2 along a line.

    2 (tr S)² / tr(S²) (Satterthwaite), where tr(S²) is freed of the bias of a complex Wishart matrix's square.
    """
    n = len(tensors)
    mean = tensors.mean(axis=0)
    trace = np.trace(mean)
    square = (np.sum(mean**2) - trace**2 / n) * n**2 / (n**2 - 1.0)
    return float(np.clip(2.0 * trace**2 / max(square, trace**2 / 3.0), 2.0, 6.0))
