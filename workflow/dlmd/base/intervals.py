"""Values with confidence intervals, and the intervals of their differences and ratios."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A value with its confidence interval; or, where `bound` is set, an upper bound `high` of what may be 0."""

    value: float
    low: float
    high: float
    bound: bool = False

    def scaled(self, factor: float) -> Estimate:
        return Estimate(self.value * factor, self.low * factor, self.high * factor, self.bound)

    def no_lower(self, least: float) -> Estimate:
        """An upper bound is at least what could be seen; a value stays."""
        return replace(self, high=max(self.high, least)) if self.bound else self


def positive_interval(value: float, error: float, dof: float, confidence: float) -> Estimate:
    """Interval of a positive quantity from its standard error: value * exp(+- t error / value), t the
    quantile of Student's distribution.

    Where the error exceeds the value, the logarithm tells nothing: the interval is then [0, value + t error].
    """
    from scipy.special import stdtrit

    quantile = float(stdtrit(dof, 0.5 + confidence / 2))
    if value <= error:
        return Estimate(max(value, 0.0), 0.0, max(value + quantile * error, 0.0))
    reach = float(np.exp(quantile * error / value))
    return Estimate(value, value / reach, value * reach)


def difference(a: Estimate, b: Estimate) -> Estimate:
    """a - b with recovered variances."""
    value = a.value - b.value
    return Estimate(
        value,
        value - float(np.hypot(a.value - a.low, b.high - b.value)),
        value + float(np.hypot(a.high - a.value, b.value - b.low)),
    )


def ratio(a: Estimate, b: Estimate) -> Estimate | None:
    """a / b with recovered variances of the logarithms; None where one of them may be zero."""
    if a.low <= 0 or b.low <= 0:
        return None
    value = a.value / b.value
    down = np.hypot(np.log(a.value / a.low), np.log(b.high / b.value))
    up = np.hypot(np.log(a.high / a.value), np.log(b.value / b.low))
    return Estimate(value, float(value * np.exp(-down)), float(value * np.exp(up)))


def jackknife(value: float, left_out: np.ndarray, *, confidence: float) -> Estimate:
    """Interval of `value` from what is found with each of the batches (n,) left out: the delete-one jackknife."""
    from scipy.special import stdtrit

    n = len(left_out)
    error = float(np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2)))
    reach = float(stdtrit(n - 1, 0.5 + confidence / 2)) * error
    return Estimate(value, value - reach, value + reach)


def jackknife_ratio(above: np.ndarray, below: np.ndarray, *, confidence: float) -> Estimate | None:
    """sum(above) / sum(below) over batches, both (batches,), with the interval of the delete-one jackknife.

    None where a single batch decides the sign of what is divided by.
    """
    if (below.sum() - below <= 0).any() or below.sum() <= 0:
        return None
    left_out = (above.sum() - above) / (below.sum() - below)
    return jackknife(float(above.sum() / below.sum()), left_out, confidence=confidence)
