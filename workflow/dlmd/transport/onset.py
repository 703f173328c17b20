"""The onset of diffusion t*, from the spectrum of the single ions' currents.

The spectrum of the displacements per frame, averaged over ions, tends to D_self as f -> 0. Ions that hop
back, and ions that rattle, raise it at higher frequencies. With one relaxation time tau and a vibration far
above,

    S(f) = D [1 + A x² / (1 + x²)] + v f²,   x = 2 pi f tau

which is the cosine transform of d MSD/dt = 6 D [1 + A exp(-t / tau)] (Wiener-Khinchin). The widest band of
low frequencies that this describes within the noise is fitted, and

    t* = tau ln(|A| / 0.01)

is the lag beyond which the slope of MSD_self is within 1 % of its limit, but never below 1 / f_max of the
band: what the model does not describe (rattling, before it has lost its phase) is not vouched for at shorter
lags. Frequencies are independent to leading order, so that the noise shows in their scatter, however the ions
depend on each other: it is larger at low frequencies where ions move together but rattle each on its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlmd.transport.msd import Displacements

VERSION = 4

# From the lag on at which the slope of MSD_self is this near to its limit, motion counts as diffusive.
TOLERANCE = 0.01
# The model may miss the spectrum by this part of it, in addition to the noise.
_MISFIT = 0.02
# A band is too wide if chance would give its misfit less often than this.
_SIGNIFICANCE = 0.02
# A relaxation must lower chi-square by this much, else the motion counts as diffusive from the first frames on.
_EVIDENCE = 12.0
# The lowest bins may lie off the fit without them by this many standard deviations.
_DIP = 2.5
_FEWEST_BINS = 6
# The noise at a frequency is told from so many neighbours at least.
_NEIGHBOURS = 100
_IONS_AT_ONCE = 16


@dataclass(frozen=True)
class Relaxation:
    """How motion becomes diffusive.

    Attributes
    ----------
    time_ps, amplitude
        tau and A.
    band_per_ps
        Highest frequency at which the model describes the spectrum.
    onset_ps
        t*.
    """

    time_ps: float
    amplitude: float
    band_per_ps: float
    onset_ps: float


def self_spectrum(run: Displacements, direction: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Spectrum of the single ions' currents from the thinned positions, mean over ions and axes or along a unit vector (3,).

    Returns frequencies (n_f,) in 1/ps, above 0, and the spectrum (n_f,) in Å²/ps.
    """
    from scipy.fft import rfft

    interval = run.stride * run.frame_interval_ps
    steps = run.thinned.shape[2] - 1
    power = np.zeros(steps // 2)
    # the same memory for all ions: what is freed and taken again costs as much as the sums
    moves = np.empty((_IONS_AT_ONCE, 3, steps), dtype=run.thinned.dtype)
    squares = np.empty((2, _IONS_AT_ONCE, 3, len(power)), dtype=run.thinned.dtype)
    for first in range(0, run.n_ions, _IONS_AT_ONCE):
        positions = run.thinned[first : first + _IONS_AT_ONCE]
        n = len(positions)
        np.subtract(positions[:, :, 1:], positions[:, :, :-1], out=moves[:n])
        current = rfft(moves[:n], axis=2)[:, :, 1 : steps // 2 + 1]
        if direction is not None:
            current = np.einsum("iaf,a->if", current, direction)[:, None]
        real, imaginary = squares[:, :n, : current.shape[1]]
        np.square(current.real, out=real)
        np.square(current.imag, out=imaginary)
        real += imaginary
        power += np.sum(real, axis=(0, 1))
    duration = steps * interval
    return np.arange(1, len(power) + 1) / duration, power / (
        2.0 * duration * run.n_ions * (3 if direction is None else 1)
    )


def find(runs: Sequence[Displacements], direction: np.ndarray | None = None) -> Relaxation | None:
    """Fit the relaxation to the spectra of all runs, of all axes or along a unit vector (3,); None where too few frequencies show
    a diffusive limit."""
    from scipy.special import chdtrc

    parts = _means([self_spectrum(run, direction) for run in runs])
    frequency = np.concatenate([f for f, _ in parts])
    spectrum = np.concatenate([s for _, s in parts])
    order = np.argsort(frequency, kind="stable")
    frequency, spectrum = frequency[order], spectrum[order]
    if len(frequency) < 2 or not (spectrum > 0).all():
        return None
    centre, mean, count = _bins(frequency, spectrum)
    noise = np.sqrt(_scatter(spectrum, count) ** 2 / count + _MISFIT**2)
    for n in range(len(centre), _FEWEST_BINS - 1, -1):
        misfit, limit, amplitude, time = _fit(centre[:n], mean[:n], noise[:n])
        if chdtrc(n - 4, misfit) > _SIGNIFICANCE and not _dips(centre[:n], mean[:n], noise[:n]):
            break
    else:
        return None
    if limit <= 0:
        return None
    amplitude /= limit
    # The band may reach the highest frequency of the run; this lag is then two frames.
    shortest = 1.0 / float(centre[n - 1])
    return Relaxation(
        time_ps=float(time),
        amplitude=float(amplitude),
        band_per_ps=float(centre[n - 1]),
        onset_ps=float(max(time * np.log(max(abs(amplitude) / TOLERANCE, 1.0)), shortest)),
    )


def _means(parts: list[tuple[np.ndarray, np.ndarray]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Spectra with the same frequencies, averaged.

    Runs of other orderings or potentials have other diffusion coefficients. Side by side, their spectra would scatter at low
    frequencies by more than the noise, and no band would pass for a smooth curve.
    """
    groups: dict[tuple[Any, ...], list[tuple[np.ndarray, np.ndarray]]] = {}
    for frequency, spectrum in parts:
        # frequencies are multiples of the first, if there is one
        groups.setdefault((len(frequency), *np.round(frequency[:1], 9)), []).append((frequency, spectrum))
    return [(group[0][0], np.mean([spectrum for _, spectrum in group], axis=0)) for group in groups.values()]


def _bins(frequency: np.ndarray, spectrum: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean frequency, mean spectrum and count in bins that widen by 15 %, from single frequencies up."""
    edges = [0]
    while edges[-1] < len(frequency):
        edges.append(min(len(frequency), edges[-1] + max(1, int(np.ceil(0.15 * edges[-1])))))
    count = np.diff(edges)
    return (
        np.add.reduceat(frequency, edges[:-1]) / count,
        np.add.reduceat(spectrum, edges[:-1]) / count,
        count,
    )


def _scatter(spectrum: np.ndarray, count: np.ndarray) -> np.ndarray:
    """(bins,) noise of ln S at one frequency, from the differences of neighbours in each bin and about it: a smooth spectrum adds
    little to them. `count` frequencies are in each bin."""
    apart = np.abs(np.diff(np.log(spectrum)))
    ends = count.cumsum()
    found = []
    for start, end in zip(ends - count, ends, strict=True):
        wider = max(0, _NEIGHBOURS - (end - start)) // 2
        first = min(max(0, start - wider), max(0, len(apart) - _NEIGHBOURS))
        found.append(np.median(apart[first : max(end + wider, first + _NEIGHBOURS)]))
    return np.array(found) / 0.6745 / np.sqrt(2)


def _dips(frequency: np.ndarray, spectrum: np.ndarray, noise: np.ndarray) -> bool:
    """Do the lowest bins lie off a fit that omits them? Chi-square over many bins does not notice."""
    for omitted in (1, 2, 3, 4):
        if len(frequency) - omitted < _FEWEST_BINS:
            break
        _, limit, rise, time = _fit(frequency[omitted:], spectrum[omitted:], noise[omitted:])
        x2 = (2 * np.pi * frequency * time) ** 2
        # the vibration's part is negligible here
        expected = limit + rise * x2 / (1 + x2)
        low = slice(0, omitted)
        weight = 1.0 / (noise[low] * np.maximum(expected[low], 0.2 * spectrum[low])) ** 2
        off = weight @ (spectrum[low] - expected[low]) / weight.sum()
        if abs(off) > _DIP * weight.sum() ** -0.5:
            return True
    return False


def _fit(frequency: np.ndarray, spectrum: np.ndarray, noise: np.ndarray) -> tuple[float, float, float, float]:
    """Least chi-square, D, D A and tau over a grid of tau; `noise` is relative to the model."""
    f2 = (frequency / frequency[-1]) ** 2
    # First the model without a relaxation. Its tau is not used; any value will do.
    plain, (limit, _) = _least_squares([np.ones_like(f2), f2], spectrum, noise)
    best = (plain, float(limit), 0.0, 1.0 / (2 * np.pi * frequency[-1]))
    to_beat = plain - _EVIDENCE
    for time in 1.0 / (2 * np.pi * np.geomspace(2 * frequency[0], frequency[-1], 25)):
        x2 = (2 * np.pi * frequency * time) ** 2
        misfit, (limit, rise, _) = _least_squares([np.ones_like(x2), x2 / (1 + x2), f2], spectrum, noise)
        if misfit < to_beat:
            to_beat, best = misfit, (misfit, float(limit), float(rise), float(time))
    return best


def _least_squares(
    terms: list[np.ndarray], spectrum: np.ndarray, noise: np.ndarray
) -> tuple[float, np.ndarray]:
    """Chi-square and coefficients, with the noise relative to the model."""
    design, model = np.stack(terms, axis=1), spectrum
    for _ in range(3):
        weight = 1.0 / (noise * model)
        solution = np.linalg.lstsq(design * weight[:, None], spectrum * weight)[0]
        model = np.clip(design @ solution, 0.2 * spectrum, 5.0 * spectrum)
    return float(np.sum(((spectrum - design @ solution) / (noise * model)) ** 2)), solution
