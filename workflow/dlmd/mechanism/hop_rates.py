"""Rates, residence times and occupancies from counted events, with intervals; too few events give a verdict instead of a number.

Events of a crowd of ions are not independent: one hop makes room for the next. Their counts in equal batches of time show by how
much more than a Poisson process they scatter (the index of dispersion, never below 1), and the intervals are widened by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from dlmd.base.intervals import Estimate

if TYPE_CHECKING:
    from dlmd.mechanism.hops import Hops

VERSION = 2

# Batches of time over all runs together.
BATCHES = 12
_CURVE_POINTS = 80
_TREND = 0.01


def batch_edges(length_ps: float, n_runs: int) -> np.ndarray:
    """Edges of the batches of one of `n_runs` runs."""
    return np.linspace(0.0, length_ps, max(2, -(-BATCHES // n_runs)) + 1)


def batch_counts(times_ps: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """(batches,) events in each batch; one at the very end belongs to the last."""
    return np.histogram(times_ps, bins=edges)[0]


def dispersion(counts: np.ndarray) -> float:
    """Variance over mean of counts in equal batches; 1 for a Poisson process, and never below."""
    if len(counts) < 2 or counts.sum() == 0:
        return 1.0
    return max(1.0, float(counts.var(ddof=1) / counts.mean()))


def poisson_interval(events: float, *, confidence: float, scatter: float = 1.0) -> Estimate:
    """Interval of the expected number of events, exact for a Poisson process (Garwood, Biometrika 28, 437 (1936)).

    With `scatter`, the index of dispersion, events count as events / scatter independent ones.
    """
    from scipy.special import gammaincinv

    tail, independent = 0.5 * (1 - confidence), events / scatter
    low = scatter * float(gammaincinv(independent, tail)) if events else 0.0
    high = scatter * float(gammaincinv(independent + 1.0, 1 - tail))
    return Estimate(float(events), low, high)


def show(estimate: Estimate) -> dict[str, float]:
    """An estimate as JSON."""
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def rate(
    counts: np.ndarray, time_at_risk_ps: float, *, confidence: float, fewest: int, per: float = 1.0
) -> dict:
    """Rate of events = events / time at risk, JSON-ready.

    Parameters
    ----------
    counts
        Events in the batches of all runs.
    time_at_risk_ps
        Time during which an event could have happened, summed over ions; stays cut off by the start or the end of the run
        count in full, which makes the estimate unbiased for any waiting times of a stationary process.
    fewest
        With fewer events there is an upper bound and no rate.
    per
        The rate is divided by this.
    """
    events = int(counts.sum())
    found = {"events": events, "time_at_risk_ps": float(time_at_risk_ps)}
    if time_at_risk_ps <= 0:
        return {**found, "verdict": "no time at risk: no ion was there"}
    scatter = dispersion(counts)
    interval = poisson_interval(events, confidence=confidence, scatter=scatter).scaled(
        1 / (time_at_risk_ps * per)
    )
    if events < fewest:
        return {
            **found,
            "verdict": f"too few hops: {events}, at least {fewest} are needed",
            "below_per_ps": interval.high,
        }
    return {**found, "dispersion": scatter, "rate_per_ps": show(interval)}


def time_in_batches(
    start: np.ndarray, end: np.ndarray, group: np.ndarray, edges: np.ndarray, n_groups: int
) -> np.ndarray:
    """(groups, batches) time of stays that falls into each batch, summed by group."""
    total = np.zeros((n_groups, len(edges) - 1))
    for b, (low, high) in enumerate(pairwise(edges)):
        overlap = np.clip(np.minimum(end, high) - np.maximum(start, low), 0.0, None)
        total[:, b] = np.bincount(group, weights=overlap, minlength=n_groups)
    return total


def mean_interval(batches: np.ndarray, *, confidence: float) -> Estimate:
    """Mean of batch means and its interval by Student's t."""
    from scipy.special import stdtrit

    n = len(batches)
    reach = float(stdtrit(n - 1, 0.5 + confidence / 2)) * float(batches.std(ddof=1)) / np.sqrt(n)
    return Estimate(float(batches.mean()), float(batches.mean()) - reach, float(batches.mean()) + reach)


def drifts(batches: np.ndarray) -> bool:
    """Whether a quantity has a trend over the batches of one run that chance gives in one case of a hundred (Spearman)."""
    from scipy.stats import spearmanr

    if np.ptp(batches) == 0 or len(batches) < 5:
        return False
    return bool(spearmanr(np.arange(len(batches)), batches).pvalue < _TREND)


@dataclass(frozen=True)
class Survival:
    """Kaplan-Meier estimate of how long stays last.

    Attributes
    ----------
    time_ps, share
        Steps of the survival curve, thinned to at most 80.
    median_ps
        None where less than half of the stays were seen to end.
    """

    time_ps: np.ndarray
    share: np.ndarray
    median_ps: float | None
    ended: int
    cut_off: int


def survival(durations_ps: np.ndarray, ended: np.ndarray) -> Survival | None:
    """Survival of stays whose start was seen; those still going on at the end of the run are right-censored.

    Stays that were going on at the start are left out: what is known of them is only that they were long enough to be met.
    None without any stay that ended.
    """
    from scipy.stats import CensoredData, ecdf

    if not ended.any():
        return None
    curve = ecdf(CensoredData(uncensored=durations_ps[ended], right=durations_ps[~ended])).sf
    time = np.concatenate([[0.0], curve.quantiles])
    share = np.concatenate([[1.0], curve.probabilities])
    half = np.flatnonzero(share <= 0.5)
    shown = np.unique(np.linspace(0, len(time) - 1, _CURVE_POINTS).round().astype(int))
    return Survival(
        time_ps=time[shown],
        share=share[shown],
        median_ps=float(time[half[0]]) if len(half) else None,
        ended=int(ended.sum()),
        cut_off=int((~ended).sum()),
    )


def clusters(runs: Sequence[Hops], edges: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Of every hop of all runs, one after the other, its ion (h,) and its batch of time (h,), numbered through the runs."""
    ion, batch, ions, batches = [], [], 0, 0
    for run, own in zip(runs, edges, strict=True):
        ion.append(run.ion + ions)
        batch.append(batches + np.clip(np.searchsorted(own, run.arrival_ps, "right") - 1, 0, len(own) - 2))
        ions, batches = ions + run.n_ions, batches + len(own) - 1
    return np.concatenate(ion), np.concatenate(batch)


@dataclass(frozen=True)
class Clustered:
    """How far events are from independent: the variance of their mean, and the degrees of freedom it rests on."""

    variance: float
    dof: int


def clustered(values: np.ndarray, *, ion: np.ndarray, batch: np.ndarray) -> Clustered:
    """Variance of the mean of values (n,) of events that go together within an ion (n,) and within a batch of time (n,).

    An ion that hops there and back gives its hops one after the other, and one hop makes room for the next. The sums over ions,
    over batches and over both show by how much: their variances add and subtract (Cameron, Gelbach and Miller, J. Bus. Econ.
    Stat. 29, 238 (2011)). Never below that of events which go together within both, nor of independent ones.
    """
    n = len(values)
    off = values - values.mean()

    def part(label: np.ndarray) -> tuple[float, int]:
        groups, index = np.unique(label, return_inverse=True)
        sums = np.bincount(index.ravel(), weights=off)
        count = len(groups)
        return float(sums @ sums) / n**2 * count / max(count - 1, 1), count

    by_ion, ions = part(ion)
    by_batch, batches = part(batch)
    by_both, both = part(ion * (int(batch.max()) + 1) + batch)
    independent = float(off @ off) / n / max(n - 1, 1)
    least = max(by_both, independent)
    crossed = by_ion + by_batch - by_both
    if crossed > least:
        return Clustered(crossed, max(min(ions, batches) - 1, 1))
    return Clustered(least, max(both - 1, 1))


def share_interval(mine: np.ndarray, *, ion: np.ndarray, batch: np.ndarray, confidence: float) -> Estimate:
    """The share of events (n,) that are `mine`, with Wilson's interval for as many independent events as they are worth.

    Where all or none are, the scatter of their number tells how many they are worth.
    """
    from scipy.special import stdtrit

    n, p = len(mine), float(mine.mean())
    found = clustered(mine.astype(float), ion=ion, batch=batch)
    if 0 < p < 1:
        worth = min(n, p * (1 - p) / found.variance)
    else:
        counts = [np.unique(label, return_counts=True)[1] for label in (ion, batch)]
        worth = n / max(dispersion(one) for one in counts)
    z2 = float(stdtrit(found.dof, 0.5 + confidence / 2)) ** 2
    centre = (p + z2 / (2 * worth)) / (1 + z2 / worth)
    reach = np.sqrt(z2 * (p * (1 - p) / worth + z2 / (4 * worth**2))) / (1 + z2 / worth)
    # where all or none are, one end is the share itself, which rounding must not miss
    return Estimate(p, float(min(max(centre - reach, 0.0), p)), float(max(min(centre + reach, 1.0), p)))


def arrhenius(temperatures_k: Sequence[float], rates: Sequence[dict], *, confidence: float) -> dict | None:
    """E_a and prefactor of rates: ln k against 1/T, weighted by their intervals; None with fewer than three temperatures.

    The scatter about the line widens the interval where it exceeds the errors. All rates must have intervals of the same
    confidence.
    """
    from scipy.special import ndtri

    from dlmd.base.units import BOLTZMANN_EV_PER_K

    if len(set(temperatures_k)) < 3:
        return None
    x = 1.0 / (BOLTZMANN_EV_PER_K * np.asarray(temperatures_k, dtype=float))
    value, low, high = (np.array([r[key] for r in rates]) for key in ("value", "low", "high"))
    quantile = float(ndtri(0.5 + confidence / 2))
    error = np.log(high / low) / (2 * quantile)
    centre = float(np.average(x, weights=error**-2))
    (slope, height), covariance = np.polyfit(x - centre, np.log(value), 1, w=1 / error, cov="unscaled")
    misfit = np.sum(((np.log(value) - height - slope * (x - centre)) / error) ** 2) / (len(x) - 2)
    scale = quantile * max(1.0, float(misfit) ** 0.5)
    reach = scale * float(covariance[0, 0]) ** 0.5
    start = float(height - slope * centre)
    start_reach = scale * float(covariance[1, 1] + centre**2 * covariance[0, 0]) ** 0.5
    return {
        "activation_energy_ev": {"value": -slope, "low": -slope - reach, "high": -slope + reach},
        "prefactor_per_ps": {
            "value": float(np.exp(start)),
            "low": float(np.exp(start - start_reach)),
            "high": float(np.exp(start + start_reach)),
        },
        "reduced_chi_squared": float(misfit),
        "temperatures": len(set(temperatures_k)),
    }
