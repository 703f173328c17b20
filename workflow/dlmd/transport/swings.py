"""Swings of all ions as one: peaks in the spectrum of their current that no sum of relaxations describes.

A swing about the host with period P and quality Q adds

    gamma (x f)² / [(f0² - f²)² + (x f)²],   f0 = 1 / P,  x = f0 / Q

the velocity spectrum of a damped oscillator, which vanishes as f -> 0. A peak counts where the best spectrum that has one is more
likely than the best without one by `_EVIDENCE` in ln likelihood: chance gave this in 2 of 172 runs of conductors without a swing.
D_total is then told from frequencies below 1 / (2 P) alone, as if P were the onset (`dlmd.transport.spectrum`).
"""

from __future__ import annotations

import numpy as np

from dlmd.base.verdicts import Verdict
from dlmd.transport.gates import Gate, Limits

_EVIDENCE = 7.0
# The lowest peak that is looked for, in frequencies of the run: of a slower swing there are less than one period.
_LOWEST = 2
_QUALITIES = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
_SPACING = 0.12
_STRENGTHS = np.geomspace(0.5, 512.0, 11)
# Peaks that are fitted: those that the residual of the best spectrum without one points to most.
_TRIED = 6


def log_likelihood(
    shapes: np.ndarray, power: np.ndarray, count: np.ndarray, dof: float
) -> tuple[np.ndarray, np.ndarray]:
    """Greatest ln likelihood of summed powers of `count` frequencies (bins,) about a spectrum a * shape, and that a, for each of
    (shapes, bins)."""
    n = count.sum()
    likeliest = (1.0 / shapes) @ power / n
    return -0.5 * dof * (n * np.log(likeliest) + np.log(shapes) @ count), likeliest


def peaks(frequency: np.ndarray, *, resolution: float) -> tuple[np.ndarray, np.ndarray]:
    """Centres (peaks,) of the peaks that may lie within frequencies (n_f,) or above by a factor of two, and their spectra
    (peaks, n_f); `resolution` is the lowest frequency of the run."""
    lowest, highest = _LOWEST * resolution, 2 * float(frequency[-1])
    if lowest >= highest:
        return np.zeros(0), np.zeros((0, len(frequency)))
    centres = np.geomspace(lowest, highest, 2 + int(np.log(highest / lowest) / _SPACING))
    f0, quality = (grid.ravel()[:, None] for grid in np.meshgrid(centres, _QUALITIES, indexing="ij"))
    damping = (f0 * frequency / quality) ** 2
    return f0[:, 0], damping / ((f0**2 - frequency**2) ** 2 + damping)


def likeliest_peak(
    power: np.ndarray,
    count: np.ndarray,
    dof: float,
    *,
    without: np.ndarray,
    smooth: np.ndarray,
    spectra: np.ndarray,
) -> int | None:
    """Which of `spectra` (peaks, bins) the powers show, or None; `without` (shapes, bins) are all spectra that may do without a
    peak, `smooth` (shapes, bins) those to which it is added."""
    level, likeliest = log_likelihood(without, power, count, dof)
    best = int(np.argmax(level))
    excess = power / (likeliest[best] * without[best]) - count
    # the score of each peak against the best spectrum without one, in standard deviations
    over = spectra / without[best]
    score = over @ excess / np.sqrt(np.maximum(over**2 @ count, 1e-300))
    tried = np.argsort(score)[-_TRIED:]
    shapes = smooth[:, None, None, :] + _STRENGTHS[:, None, None] * spectra[tried]
    found, _ = log_likelihood(shapes.reshape(-1, shapes.shape[-1]), power, count, dof)
    if found.max() - level[best] < _EVIDENCE:
        return None
    return int(tried[np.argmax(found) % len(tried)])


def seen_often(length_ps: float, swing_ps: float | None, limits: Limits) -> Gate | None:
    """Does the (shortest) run last for many periods of a swing of all ions as one? Below it lies what tells D_total."""
    if swing_ps is None or length_ps >= limits.onsets_per_run * swing_ps:
        return None
    return Gate(
        Verdict.TOO_SHORT,
        length_ps / swing_ps,
        limits.onsets_per_run,
        f"all ions swing as one with a period of about {swing_ps:.2g} ps, of which the run of {length_ps:g} ps holds "
        f"{length_ps / swing_ps:.1f}, at least {limits.onsets_per_run:g} are needed",
        "run longer",
    )
