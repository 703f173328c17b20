"""D_total from the spectrum of the ion current at low frequency.

The current is the finite difference of the sum of all positions, R_j - R_{j-1} for n steps of length dt. Its sine transform

    Z_k = [2 / (n + 1)]^1/2 sum_j (R_j - R_{j-1}) sin(pi k j / (n + 1)) / (2 dt N)^1/2,     f_k = k / [2 (n + 1) dt]

has variances that tend to D_total as f -> 0 (Wiener-Khinchin and Green-Kubo). The sine vanishes at both ends of the run, so
that bounded motion leaks nothing into low frequencies: in the usual periodogram the displacement between the ends does. The Z_k
of a free walk are independent, and normal where many small moves add up (Whittle, Ark. Mat. 2, 423 (1953); for transport
coefficients Ercole, Marcolongo and Baroni, Sci. Rep. 7, 15835 (2017)). In f < 1/(2 t*) the spectrum is taken as

    S(f) = a [1 + beta h(f)],   h = x² / (1 + x²),  x = 2 pi f tau

with the relaxation time tau of the single ions (`dlmd.transport.onset`), which many ions tell far better than their
sum. The strength beta of the relaxation is the sum's own, and only gently held near the single ions' A: a Cauchy prior about A,
of width 2 + 2 |A|. Where no relaxation is known, h = f². For given beta the likelihood of a is an inverse gamma
distribution, so that the posterior of a = D_total (flat in ln a) is a mixture of these over a grid of beta;
its median is the value, its quantiles the interval. Each direction has a beta of its own.

Two things this leaves out are added. Moves that are few and large, or that come in bursts, make powers scatter together by more
than independent normal Z_k do: `dlmd.transport.extra_scatter` finds by how much, and the interval widens. And D_total may be
zero: where a spectrum b h(f), of motion that goes nowhere, describes the data nearly as well as the best with a > 0, there is
only an upper bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.base.intervals import Estimate
from dlmd.transport import extra_scatter as scatter
from dlmd.transport.msd import Displacements
from dlmd.transport.onset import Relaxation

VERSION = 2

# By how much (in ln likelihood) the best spectrum with a > 0 must beat those of bounded motion: D_total = 0 passes for more with
# a chance of about 1 in 50.
_EVIDENCE = 2.0
# Slowest bounded motion that is told from diffusion: its relaxation time in onsets t*.
_SLOWEST = 0.5


@dataclass(frozen=True)
class Level:
    """Posterior of the zero-frequency limit of one spectrum.

    Attributes
    ----------
    strength
        Most probable beta.
    weight, likeliest
        Posterior probability of each beta on a grid, and the most likely limit for it.
    shape
        Half the degrees of freedom of all frequencies together.
    may_be_zero
        Whether motion that goes nowhere would do as well.
    """

    strength: float
    weight: np.ndarray
    likeliest: np.ndarray
    shape: float
    may_be_zero: bool

    def quantiles(self, probabilities: Sequence[float]) -> np.ndarray:
        """(probabilities,) of a mixture of inverse gamma distributions with parameters (shape, shape * likeliest)."""
        from scipy.special import gammaincc

        matters = self.weight > 1e-7 * self.weight.max()
        weight, likeliest = self.weight[matters] / self.weight[matters].sum(), self.likeliest[matters]
        width = 8.0 / np.sqrt(self.shape)
        log_a = np.linspace(np.log(likeliest.min()) - width, np.log(likeliest.max()) + width, 300)
        below = gammaincc(self.shape, self.shape * likeliest / np.exp(log_a)[:, None]) @ weight
        return np.exp(np.interp(probabilities, below, log_a))


@dataclass(frozen=True)
class SpectralFit:
    """Modes of the collective current below the cutoff, (n_f, 3) in Å/ps^1/2, and what the fit of their powers needs."""

    modes: np.ndarray
    rise: np.ndarray
    bounded: np.ndarray
    prior: tuple[float, float]

    def level(self, direction: np.ndarray | None = None) -> Level | None:
        """Posterior of D_total, or along a unit vector (3,); None where nothing moves."""
        if direction is None:
            power, dof = np.sum(self.modes**2, axis=1) / 3.0, self.degrees_of_freedom
        else:
            power, dof = (self.modes @ direction) ** 2, 1.0
        if not (power > 0).any():
            return None
        return posterior(power, self.rise, dof=dof, bounded=self.bounded, prior=self.prior)

    @property
    def degrees_of_freedom(self) -> float:
        """Of the trace at one frequency: 3 for an isotropic conductor, 2 in a plane, 1 along a line.

        (tr S)² / tr(S²) (Satterthwaite), where tr(S²) is freed of the bias of a Wishart matrix's square.
        """
        n = len(self.modes)
        mean = self.modes.T @ self.modes / n
        trace = np.trace(mean)
        square = (np.sum(mean**2) - trace**2 / n) * n**2 / ((n + 2.0) * max(n - 1.0, 1.0))
        return float(np.clip(trace**2 / max(square, trace**2 / 3.0), 1.0, 3.0))

    def tensor(self) -> np.ndarray:
        """(3, 3) diffusion tensor in Å²/ps, at the scalar's most probable beta and with the scalar's trace."""
        level = self.level()
        if level is None:
            return np.zeros((3, 3))
        weight = 1.0 / (1.0 + level.strength * self.rise)
        tensor = np.einsum("k,ka,kb->ab", weight, self.modes, self.modes)
        return tensor * (3.0 * float(level.quantiles([0.5])[0]) / np.trace(tensor))

    def interval(
        self, confidence: float, direction: np.ndarray | None = None, *, extra: scatter.Extra = scatter.NONE
    ) -> Estimate:
        """Value and interval in Å²/ps of the scalar, or along a unit vector (3,); `extra` variance of its logarithm is added."""
        level = self.level(direction)
        if level is None:
            return Estimate(0.0, 0.0, 0.0)
        tail = (1 - confidence) / 2
        low, middle, high = level.quantiles((tail, 0.5, 1 - tail))
        factor = extra.widening(np.log(high / low) / 2, confidence)
        if level.may_be_zero:
            return Estimate(0.0, 0.0, float(middle * (high / middle) ** factor), bound=True)
        return Estimate(
            float(middle), float(middle * (low / middle) ** factor), float(middle * (high / middle) ** factor)
        )


def sine_modes(
    collective: np.ndarray, *, frame_interval_ps: float, n_ions: int
) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (n_f,) in 1/ps and sine modes (n_f, 3) in Å/ps^1/2 of the current of summed positions (n_frames, 3) in Å."""
    from scipy.fft import dst

    steps = np.diff(collective, axis=0)
    n = len(steps)
    modes = dst(steps, type=1, axis=0, norm="ortho") / np.sqrt(2.0 * frame_interval_ps * n_ions)
    return np.arange(1, n + 1) / (2.0 * (n + 1) * frame_interval_ps), modes


def low_modes(runs: Sequence[Displacements], *, cutoff_per_ps: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (n_f,) and modes (n_f, 3) of all runs up to a cutoff, at least one of each run."""
    frequencies, modes = [], []
    for run in runs:
        f, z = sine_modes(run.collective, frame_interval_ps=run.frame_interval_ps, n_ions=run.n_ions)
        last = max(1, int(np.searchsorted(f, cutoff_per_ps, side="right")))
        frequencies.append(f[:last])
        modes.append(z[:last])
    return np.concatenate(frequencies), np.concatenate(modes)


def fit(runs: Sequence[Displacements], *, onset_ps: float, relaxation: Relaxation | None) -> SpectralFit:
    """The low spectrum of all runs together."""
    frequency, modes = low_modes(runs, cutoff_per_ps=0.5 / onset_ps)
    bounded = _bounded(frequency, onset_ps)
    if relaxation is None:
        return SpectralFit(modes, (frequency * onset_ps) ** 2, bounded, (0.0, 2.0))
    x2 = (2 * np.pi * frequency * relaxation.time_ps) ** 2
    prior = relaxation.amplitude, 2 + 2 * abs(relaxation.amplitude)
    return SpectralFit(modes, x2 / (1 + x2), bounded, prior)


def posterior(
    power: np.ndarray,
    rise: np.ndarray,
    *,
    dof: float,
    bounded: np.ndarray,
    prior: tuple[float, float] = (0.0, 1e3),
) -> Level:
    """Fit a [1 + beta h] to powers (n_f,) of `dof` degrees of freedom each, for h = `rise` (n_f,) and a Cauchy prior (centre,
    width) of beta; `bounded` (spectra, n_f) are those of motion that goes nowhere."""
    n = len(power)
    # The spectrum may fall to a third of its limit within the band, or rise manyfold.
    beta = np.concatenate([np.linspace(-0.67, 0, 15)[:-1], np.geomspace(0.02, 1e4, 120) - 0.02]) / rise.max()
    likelihood, likeliest = _likelihood(power, 1.0 + beta[:, None] * rise, dof)
    centre, width = prior
    log_weight = likelihood - np.log1p(((beta - centre) / width) ** 2)
    weight = np.exp(log_weight - log_weight.max()) * np.gradient(beta)
    bounded, _ = _likelihood(power, bounded, dof)
    return Level(
        strength=float(beta[np.argmax(log_weight)]),
        weight=weight / weight.sum(),
        likeliest=likeliest,
        shape=0.5 * dof * n,
        may_be_zero=bool(likelihood.max() - bounded.max() < _EVIDENCE),
    )


def _likelihood(power: np.ndarray, shapes: np.ndarray, dof: float) -> tuple[np.ndarray, np.ndarray]:
    """Greatest ln likelihood of powers about a spectrum a * shape, and that a, for each of (shapes, n_f)."""
    likeliest = np.mean(power / shapes, axis=1)
    return -0.5 * dof * len(power) * (np.log(likeliest) + np.mean(np.log(shapes), axis=1)), likeliest


def _bounded(frequency: np.ndarray, onset_ps: float) -> np.ndarray:
    """(spectra, n_f): rises from zero, of motion that goes nowhere, with relaxation times from instantaneous to what the onset
    allows."""
    times = onset_ps * np.geomspace(0.02, _SLOWEST, 10)
    x2 = (2 * np.pi * frequency * times[:, None]) ** 2
    return x2 / (1 + x2)
