"""Scatter that a spectrum of independent normal modes does not tell: moves that are few or in bursts, and runs that differ.

Few, large or bursting moves
    Over Δ, the sum of the ions moves by U_j, j = 1 ... B. Of all sum_j |U_j|², step j has the share p_j. For a free walk in d
    dimensions the shares are those of a Dirichlet distribution, and sum p² is (d/2 + 1) / (B d/2 + 1) on average; what it has
    above this is the extra variance of ln D_total (of n rare moves that carry all, 1/n). Δ is taken from the onset up, since
    bursts have a length.

Runs that differ
    Several runs may be of other orderings or cells. Their ln D scatter by their own errors and by tau, of which a handful
    of runs tells little: its whole posterior under a half-Cauchy prior is used (Gelman, Bayesian Anal. 1, 515 (2006)).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.transport.msd import Displacements

# Median of the prior of the scatter of ln D between runs.
_PRIOR_SCATTER = 0.05
# Fewest steps of the sum from which their scatter is judged.
_FEWEST_STEPS = 8


@dataclass(frozen=True)
class Extra:
    """Variance of ln D beyond that of one run's independent normal modes.

    Attributes
    ----------
    between, weight
        (n,) variance from differences between runs, and posterior probabilities.
    own, dof
        Further variance, and the degrees of freedom that it rests on.
    """

    between: np.ndarray
    weight: np.ndarray
    own: float = 0.0
    dof: float = np.inf

    def widening(self, half_width: float, confidence: float) -> float:
        """Factor on a half width of ln D at this confidence."""
        from scipy.special import ndtri, stdtr, stdtrit

        basic = (half_width / float(ndtri(0.5 + confidence / 2))) ** 2
        if not basic > 0:
            return 1.0
        total = basic + self.own + self.between
        share = np.maximum(self.own / total, 1e-6)
        # Welch-Satterthwaite, where only this part is uncertain
        dof = np.minimum(self.dof / share**2, 1e9)
        reach = np.linspace(0, 3 * np.max(stdtrit(dof, 0.5 + confidence / 2) * np.sqrt(total)), 4000)[:, None]
        inside = stdtr(dof, reach / np.sqrt(total)) @ self.weight
        return max(1.0, float(np.interp(0.5 + confidence / 2, inside, reach[:, 0])) / half_width)

    def plus(self, variance: float, dof: float = np.inf) -> Extra:
        """With more variance of its own, of `dof` degrees of freedom."""
        own = self.own + variance
        if not own > 0:
            return self
        precise = (self.own**2 / self.dof + variance**2 / dof) / own**2
        return Extra(self.between, self.weight, own, 1 / precise if precise > 0 else np.inf)


NONE = Extra(np.zeros(1), np.ones(1))


def few_moves(
    runs: Sequence[Displacements], *, onset_ps: float, direction: np.ndarray | None = None
) -> tuple[float, float]:
    """Variance of ln D_total, along a unit vector (3,) or within a plane (k, 3), from moves that are few, large or in bursts, and
    its degrees of freedom."""
    found = max((excess for excess, _ in _excesses(runs, onset_ps, direction)), default=0.0)
    return found, max(2.0, 0.5 / found) if found > 0 else np.inf


def unevenness(
    runs: Sequence[Displacements], *, onset_ps: float, direction: np.ndarray | None = None
) -> float:
    """By how many times more the sum's squared displacements scatter from step to step than those of a free walk, 1 at least; of
    all axes or along a unit vector (3,)."""
    return 1.0 + max((e / expected for e, expected in _excesses(runs, onset_ps, direction)), default=0.0)


def _excesses(
    runs: Sequence[Displacements], onset_ps: float, direction: np.ndarray | None
) -> Iterator[tuple[float, float]]:
    """What sum p² has above that of a free walk, and that, for steps from the onset up."""
    dimension = 3.0 if direction is None else float(len(np.atleast_2d(direction)))
    length = onset_ps
    while True:
        squares = np.concatenate([_squares(run, length, direction) for run in runs])
        if len(squares) < _FEWEST_STEPS or not squares.sum() > 0:
            return
        yield _excess(squares, dimension)
        length *= 2.0


def _squares(run: Displacements, length_ps: float, direction: np.ndarray | None) -> np.ndarray:
    """Squared displacements of the sum over intervals of `length_ps`."""
    every = max(1, round(length_ps / run.frame_interval_ps))
    steps = np.diff(run.collective[::every], axis=0)
    return np.sum((steps if direction is None else steps @ np.atleast_2d(direction).T) ** 2, axis=1)


def _excess(squares: np.ndarray, dimension: float) -> tuple[float, float]:
    share, half, n = squares / squares.sum(), dimension / 2, len(squares)
    expected = (half + 1) / (n * half + 1)
    # scatter of sum p² itself, for many steps of a free walk: three of its deviations are chance
    noise = np.sqrt(8 * (half + 1) / (half**3)) / n**1.5 * 0.5
    return float(max(0.0, np.sum(share**2) - expected - noise)), float(expected)


def between(values: Sequence[float] | np.ndarray, errors: Sequence[float] | np.ndarray) -> Extra:
    """Variance of the mean of ln D over runs from their differences, given ln D (runs,) and its error (runs,)."""
    y, s = np.asarray(values, float), np.asarray(errors, float)
    n = len(y)
    if n < 2:
        return NONE
    tau = _PRIOR_SCATTER * np.tan(0.5 * np.pi * (np.arange(60) + 0.5) / 60)
    variance = s**2 + tau[:, None] ** 2
    precision = 1 / variance
    mean = (precision @ y) / precision.sum(axis=1)
    log_weight = (
        -0.5 * np.log(variance).sum(axis=1)
        - 0.5 * np.log(precision.sum(axis=1))
        - 0.5 * (precision * (y - mean[:, None]) ** 2).sum(axis=1)
    )
    weight = np.exp(log_weight - log_weight.max())
    return Extra(tau**2 / n, weight / weight.sum())
