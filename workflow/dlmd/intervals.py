"""Values with confidence intervals, and the intervals of their differences and ratios."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A value with its confidence interval."""

    value: float
    low: float
    high: float

    def scaled(self, factor: float) -> Estimate:
        return Estimate(self.value * factor, self.low * factor, self.high * factor)


def log_interval(value: float, log_error: float, dof: float, confidence: float) -> Estimate:
    """value * exp(+- t * log_error), t the quantile of Student's distribution."""
    from scipy.stats import t

    reach = np.exp(t.ppf(0.5 + confidence / 2, dof) * log_error)
    return Estimate(value, float(value / reach), float(value * reach))


def difference(a: Estimate, b: Estimate) -> Estimate:
    """a - b with recovered variances."""
    value = a.value - b.value
    return Estimate(
        value,
        value - float(np.hypot(a.value - a.low, b.high - b.value)),
        value + float(np.hypot(a.high - a.value, b.value - b.low)),
    )


def ratio(a: Estimate, b: Estimate) -> Estimate:
    """a / b of positive estimates, with recovered variances of the logarithms."""
    value = a.value / b.value
    down = np.hypot(np.log(a.value / a.low), np.log(b.high / b.value))
    up = np.hypot(np.log(a.high / a.value), np.log(b.value / b.low))
    return Estimate(value, float(value * np.exp(-down)), float(value * np.exp(up)))
