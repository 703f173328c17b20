"""D_total from the spectrum of the ion current at low frequency.

The current is the finite difference of the sum of all positions. Its periodogram, normalised as a diffusion
tensor, is for Fourier frequencies f_k = k / (n dt) of n steps of length dt

    I_k = Re(J_k J_k^*) / (2 n dt N),    J_k = sum_j (R_{j+1} - R_j) exp(-2 pi i f_k j dt)

whose expectation tends to D_total as f -> 0 (Wiener-Khinchin and Green-Kubo). Its values at different f_k are
independent and chi-square distributed about the spectrum (Whittle, Ark. Mat. 2, 423 (1953); for transport
coefficients Ercole, Marcolongo and Baroni, Sci. Rep. 7, 15835 (2017)). In f < 1/(2 t*) the spectrum is taken
as

    S(f) = a [1 + beta h(f)],   h = x² / (1 + x²),  x = 2 pi f tau

with the relaxation time tau of the single ions (`dlmd.transport.onset`), which many ions tell far better than their
sum. The strength beta of the relaxation is the sum's own, and only gently held near the single ions' A: prior
N(A, 2 + 2 |A|). Where no relaxation is known, h = f². For given beta the likelihood of a is an inverse gamma
distribution, so that the posterior of a = D_total (flat in ln a) is a mixture of these over a grid of beta;
its median is the value, its quantiles the interval. This keeps both right where only a handful of frequencies
lies below the cutoff.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.base.intervals import Estimate
from dlmd.transport.msd import Displacements
from dlmd.transport.onset import Relaxation

VERSION = 1


@dataclass(frozen=True)
class SpectralFit:
    """Zero-frequency limit of a current spectrum.

    Attributes
    ----------
    tensor
        (3, 3) diffusion tensor in Å²/ps; the scalar is a third of its trace.
    strength
        Most probable beta.
    n_frequencies
        Number of frequencies fitted.
    weight, tensor_given_beta
        Posterior probability of each beta on a grid, and the most likely (3, 3) tensor for it.
    dof
        Degrees of freedom of the scalar at one frequency.
    """

    tensor: np.ndarray
    strength: float
    n_frequencies: int
    weight: np.ndarray
    tensor_given_beta: np.ndarray
    dof: float

    @property
    def value(self) -> float:
        return float(np.trace(self.tensor)) / 3.0

    def interval(self, confidence: float, direction: np.ndarray | None = None) -> Estimate:
        """Value and interval of the scalar, or along a unit vector, in Å²/ps."""
        if direction is None:
            value, given_beta, dof = (
                self.value,
                np.trace(self.tensor_given_beta, axis1=1, axis2=2) / 3,
                self.dof,
            )
        else:
            value, given_beta, dof = (
                float(self.tensor @ direction @ direction),
                self.tensor_given_beta @ direction @ direction,
                2.0,
            )
        if value <= 0:  # nothing moves along this direction
            return Estimate(0.0, 0.0, 0.0)
        tail = (1 - confidence) / 2
        low, median, high = _mixture_quantiles(
            (tail, 0.5, 1 - tail), self.weight, given_beta, 0.5 * dof * self.n_frequencies
        )
        return Estimate(value, value * low / median, value * high / median)


def _mixture_quantiles(
    probabilities: Sequence[float], weight: np.ndarray, likeliest: np.ndarray, shape: float
) -> np.ndarray:
    """Quantiles of a mixture of inverse gamma distributions with parameters (shape, shape * likeliest)."""
    from scipy.special import gammaincc

    matters = weight > 1e-7 * weight.max()
    weight, likeliest = weight[matters] / weight[matters].sum(), likeliest[matters]
    width = 8.0 / np.sqrt(shape)
    log_a = np.linspace(np.log(likeliest.min()) - width, np.log(likeliest.max()) + width, 300)
    below = gammaincc(shape, shape * likeliest / np.exp(log_a)[:, None]) @ weight
    return np.exp(np.interp(probabilities, below, log_a))


def periodogram(
    collective: np.ndarray, *, frame_interval_ps: float, n_ions: int
) -> tuple[np.ndarray, np.ndarray]:
    """Periodogram of the current of summed positions (n_frames, 3) in Å.

    Returns frequencies (n_f,) in 1/ps, above 0, and diffusion tensors (n_f, 3, 3) in Å²/ps.
    """
    from scipy.fft import rfft

    steps = np.diff(collective, axis=0)
    duration = len(steps) * frame_interval_ps
    current = rfft(steps, axis=0)[1:]
    tensors = (current[:, :, None] * current[:, None, :].conj()).real / (2.0 * duration * n_ions)
    return np.arange(1, len(current) + 1) / duration, tensors


def low_frequencies(runs: Sequence[Displacements], *, cutoff_per_ps: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (frequencies,) and periodograms of all runs up to a cutoff."""
    parts = [
        periodogram(run.collective, frame_interval_ps=run.frame_interval_ps, n_ions=run.n_ions)
        for run in runs
    ]
    below = [frequency <= cutoff_per_ps for frequency, _ in parts]
    frequency = np.concatenate([f[keep] for (f, _), keep in zip(parts, below, strict=True)])
    tensors = np.concatenate([t[keep] for (_, t), keep in zip(parts, below, strict=True)])
    return frequency, tensors


def fit(runs: Sequence[Displacements], *, onset_ps: float, relaxation: Relaxation | None) -> SpectralFit:
    """D_total of all runs together."""
    frequency, tensors = low_frequencies(runs, cutoff_per_ps=0.5 / onset_ps)
    if relaxation is None:
        return posterior(tensors, (frequency * onset_ps) ** 2)
    x2 = (2 * np.pi * frequency * relaxation.time_ps) ** 2
    prior = relaxation.amplitude, 2 + 2 * abs(relaxation.amplitude)
    return posterior(tensors, x2 / (1 + x2), prior=prior)


def posterior(
    tensors: np.ndarray, rise: np.ndarray, *, prior: tuple[float, float] = (0.0, np.inf)
) -> SpectralFit:
    """Fit a [1 + beta h] to periodograms (n_f, 3, 3), for h = `rise` (n_f,) and a normal prior (mean, width)
    of beta.

    All directions share beta, so that the tensor for given beta is the mean of I_k / (1 + beta h_k).
    """
    trace = np.trace(tensors, axis1=1, axis2=2) / 3.0
    n = len(trace)
    # The spectrum may fall to a third of its limit within the band, or rise manyfold.
    beta = np.concatenate([np.linspace(-0.67, 0, 15)[:-1], np.geomspace(0.02, 60, 70) - 0.02]) / rise.max()
    shape = 1.0 + beta[:, None] * rise
    likeliest = np.mean(trace / shape, axis=1)
    misfit = np.log(likeliest) + np.mean(np.log(shape), axis=1)
    best = int(np.argmin(misfit))
    dof = _degrees_of_freedom(tensors / shape[best][:, None, None])
    centre, width = prior
    log_weight = -0.5 * dof * n * (misfit - misfit[best]) - 0.5 * ((beta - centre) / width) ** 2
    weight = np.exp(log_weight - log_weight.max()) * np.gradient(beta)
    weight /= weight.sum()
    given_beta = np.einsum("bk,kij->bij", 1.0 / shape, tensors) / n
    (median,) = _mixture_quantiles((0.5,), weight, likeliest, 0.5 * dof * n)
    tensor = np.einsum("b,bij->ij", weight, given_beta)
    return SpectralFit(
        tensor=tensor * (3.0 * median / np.trace(tensor)),
        strength=float(beta[np.argmax(log_weight)]),
        n_frequencies=n,
        weight=weight,
        tensor_given_beta=given_beta,
        dof=dof,
    )


def _degrees_of_freedom(tensors: np.ndarray) -> float:
    """Degrees of freedom of the trace at one frequency: 6 for an isotropic conductor, 4 in a plane, 2 along a
    line.

    2 (tr S)² / tr(S²) (Satterthwaite), where tr(S²) is freed of the bias of a complex Wishart matrix's
    square.
    """
    n = len(tensors)
    mean = tensors.mean(axis=0)
    trace = np.trace(mean)
    square = (np.sum(mean**2) - trace**2 / n) * n**2 / (n**2 - 1.0)
    return float(np.clip(2.0 * trace**2 / max(square, trace**2 / 3.0), 2.0, 6.0))
