"""What the choice of an ordering, a potential or a cell adds to the uncertainty of a line through several temperatures.

An ordering that conducts better does so at all temperatures: its effect does not average out over them, as the noise of single
temperatures does. So each run has a shift of its own of the whole line, and one of its slope,

    y_r(T) = y(T) + a_r + q_r (x - mean x),     a ~ N(0, tau_a²),  q ~ N(0, tau_q²),  x = 1/(k_B T)

and the mean over the runs carries the variance of the mean of the a's and of the q's. Few runs tell little of tau, so that its
whole posterior is used (`dlmd.transport.error_budget`), which for few runs has tails like Student's distribution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlmd.transport import scatter
from dlmd.transport.line_models import Between, inverse
from dlmd.transport.selection import USABLE, standard_error

_DRAWS = 12
# Temperatures at which a run must have values for a slope of its own.
_FEWEST_FOR_SLOPE = 3


@dataclass(frozen=True)
class Effects:
    """Equally likely variances of the mean's height, and of its slope (eV²)."""

    runs: int
    height: np.ndarray
    slope: np.ndarray

    def draws(self) -> Between:
        return Between(self.height, self.slope)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: medians as standard deviations of the mean."""
        return {
            "runs": self.runs,
            "sd_of_mean_ln": float(np.sqrt(np.median(self.height))),
            "sd_of_mean_slope_ev": float(np.sqrt(np.median(self.slope))),
        }


def effects(runs: Sequence[Mapping[str, Any]], quantity: str) -> Effects | None:
    """How much runs scatter about their mean; None where fewer than two give the quantity at a common temperature.

    Parameters
    ----------
    runs
        Per run `potential`, `ordering` and `temperatures`: transport results of this run alone.
    """
    tables = [_values(run["temperatures"], quantity) for run in runs]
    every = sorted({t for table in tables for t in table})
    shared = [t for t in every if sum(t in table for table in tables) > 1]
    if not shared:
        return None
    middle = {t: float(np.mean([table[t][0] for table in tables if t in table])) for t in shared}
    centre = float(inverse(np.array(shared)).mean())
    heights, slopes = [], []
    for run, table in zip(runs, tables, strict=True):
        own = [t for t in shared if t in table]
        if not own:
            continue
        off = np.array([table[t][0] - middle[t] for t in own])
        weight = np.array([table[t][1] ** -2.0 for t in own])
        away = centre - inverse(np.array(own))
        label = (run["potential"], run["ordering"])
        heights.append((float(weight @ off / weight.sum()), float(weight.sum() ** -0.5), label))
        lever = away - weight @ away / weight.sum()
        size = float(weight @ lever**2)
        if len(own) >= _FEWEST_FOR_SLOPE:
            slopes.append((float(weight @ (lever * off) / size), size**-0.5, label))
    return Effects(
        runs=len(heights),
        height=_variance_of_mean(heights, scatter.PRIOR_SCALE["ln"]),
        slope=_variance_of_mean(slopes, scatter.PRIOR_SCALE["ev"]) if len(slopes) > 1 else np.zeros(_DRAWS),
    )


def own_errors(
    runs: Sequence[Mapping[str, Any]], quantity: str, temperature_k: np.ndarray, error: np.ndarray
) -> np.ndarray:
    """(n,) standard errors of the points without the scatter between runs, from those of the runs one by one.

    The interval of a temperature holds that scatter, as it has to where it stands alone; along a line it is in `effects`. At a
    temperature where one of the runs has no value, `error` (n,) stays.
    """
    tables = [_values(run["temperatures"], quantity) for run in runs]
    found = np.array(error, dtype=float)
    for k, t in enumerate(temperature_k):
        there = [table for run, table in zip(runs, tables, strict=True) if _has(run["temperatures"], t)]
        if len(there) > 1 and all(t in table for table in there):
            found[k] = min(found[k], float(np.linalg.norm([table[t][1] for table in there])) / len(there))
    return found


def _has(results: Sequence[Mapping[str, Any]], temperature_k: float) -> bool:
    return any(float(result["temperature_k"]) == temperature_k for result in results)


def _values(results: Sequence[Mapping[str, Any]], quantity: str) -> dict[float, tuple[float, float]]:
    """Temperature -> logarithm and its standard error; several results of one temperature become their mean."""
    found: dict[float, list[tuple[float, float]]] = {}
    for result in results:
        estimate = result.get(quantity)
        if result["verdict"]["code"] in USABLE and estimate and estimate["low"] > 0:
            error = standard_error(estimate, float(result.get("confidence", 0.95)))
            found.setdefault(float(result["temperature_k"]), []).append(
                (float(np.log(estimate["value"])), error)
            )
    return {t: _mean(each) for t, each in found.items()}


def _mean(each: Sequence[tuple[float, float]]) -> tuple[float, float]:
    if len(each) == 1:
        return each[0]
    values, errors = np.array(each).T
    return float(values.mean()), float(np.linalg.norm(errors)) / len(each)


def _variance_of_mean(found: Sequence[tuple[float, float, tuple[int, int]]], scale: float) -> np.ndarray:
    """(draws,) variances of the plain mean of effects, in the order of the posterior's quantiles but shuffled."""
    values, errors, labels = zip(*found, strict=True)
    potentials, orderings = zip(*labels, strict=True)
    taus, probability = scatter.posterior(
        values, errors, potentials=potentials, orderings=orderings, scale=scale
    )
    share = {
        name: sum((groups.count(g) / len(groups)) ** 2 for g in set(groups))
        for name, groups in ((scatter.POTENTIAL, potentials), (scatter.ORDERING, orderings))
    }
    variance = (
        share[scatter.POTENTIAL] * taus[scatter.POTENTIAL][:, None] ** 2
        + share[scatter.ORDERING] * taus[scatter.ORDERING][None] ** 2
    ).ravel()
    order = np.argsort(variance)
    below = np.cumsum(probability.ravel()[order])
    wanted = (np.arange(_DRAWS) + 0.5) / _DRAWS
    drawn = variance[order][np.searchsorted(below / below[-1], wanted).clip(max=len(below) - 1)]
    # heights and slopes are drawn apart
    return np.random.default_rng(_DRAWS).permutation(drawn)
