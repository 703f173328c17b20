"""Means of a fluctuating quantity: where it has settled, how many independent values it has, and the interval of its mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Mean:
    """Mean of a settled series with its confidence interval.

    Attributes
    ----------
    value, low, high
        Mean and interval.
    start
        Index from which the series has settled; the mean is over the values from there on.
    independent
        Number of independent values: length by statistical inefficiency.
    """

    value: float
    low: float
    high: float
    start: int
    independent: float


def settled_from(values: np.ndarray) -> int:
    """Index from which a series (n,) has settled: where leaving out more of its start makes the mean's error no smaller.

    The marginal standard error rule (White, Simulation 69, 323 (1997)): the index d <= n / 2 with the smallest sum of squared
    deviations of the values after d, divided by the squared number of them.
    """
    n = len(values)
    # sums over the values from each index to the end
    count = np.arange(n, 0, -1)
    centred = values - values.mean()
    total, squares = np.cumsum(centred[::-1])[::-1], np.cumsum(centred[::-1] ** 2)[::-1]
    error = (squares - total**2 / count) / count**2
    return int(np.argmin(error[: max(1, n // 2)]))


def inefficiency(values: np.ndarray) -> float:
    """Statistical inefficiency g = 1 + 2 sum of the autocorrelation of a series (n,): so many values are worth one.

    The sum ends at the smallest window W >= 5 g(W), as Sokal proposes (Functional Integration, Springer 1997, p. 131).
    """
    centred = np.asarray(values, float) - np.mean(values)
    n, variance = len(centred), float(np.mean(centred**2))
    if n < 2 or variance == 0:
        return 1.0
    transform = np.fft.rfft(centred, 2 * n)
    correlation = np.fft.irfft(np.abs(transform) ** 2)[:n] / (n * variance)
    sums = 1 + 2 * np.cumsum(correlation[1:])
    enough = np.arange(1, n) >= 5 * sums / 2
    return float(max(1.0, sums[np.argmax(enough)] if enough.any() else n))


def mean(values: np.ndarray, *, confidence: float, start: int | None = None) -> Mean:
    """Mean of a series (n,) after it has settled, with its interval from the number of independent values (Student's t).

    Parameters
    ----------
    start
        Index from which the mean is taken; None: `settled_from`.
    """
    from scipy.special import stdtrit

    values = np.asarray(values, float)
    start = settled_from(values) if start is None else start
    kept = values[start:]
    independent = len(kept) / inefficiency(kept)
    freedom = max(independent - 1, 0.1)
    error = float(np.std(kept) / np.sqrt(freedom))
    reach = float(stdtrit(max(freedom, 1.0), 0.5 + confidence / 2)) * error
    value = float(kept.mean())
    return Mean(value, value - reach, value + reach, start, independent)


def mean_of_runs(values: Sequence[float], reaches: Sequence[float]) -> tuple[float, float]:
    """Mean of the means of several runs, and the half-width of its interval: the wider of what the runs' own half-widths
    (`reaches`) give and of twice the standard error of their scatter."""
    value = float(np.mean(values))
    reach = float(np.sqrt(np.square(reaches).sum()) / len(values))
    if len(values) > 1:
        reach = max(reach, 2 * float(np.std(values, ddof=1)) / len(values) ** 0.5)
    return value, reach
