"""Diffusion from hops: what uncorrelated hops would give, what correlation takes away, and the share of every class of hops.

With X(t) the sum of an ion's hop vectors up to time t and X_c(t) that of the hops of class c,

    D_random = sum |r|² / (2 d N t)            every hop on its own
    D_hop    = slope of <|dX|²> / 2d           over the lags of the MSD's fit window, as for D_self
    f        = D_hop / D_random                correlation factor: below 1 where ions hop back
    share_c  = slope of <dX_c . dX> / slope of <|dX|²>

so that the shares of all classes add up to 1, and a class whose hops are undone by others has a small or negative share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.base.intervals import Estimate, jackknife_ratio, positive_interval
from dlmd.mechanism.hop_rates import BATCHES
from dlmd.mechanism.hops import Hops
from dlmd.transport.window_slopes import mean_error, slope_weights

VERSION = 2

# Points in time per shortest lag.
_PER_LAG = 4
_LAGS = 5
# Values of X kept at once, in numbers.
_AT_ONCE = 20_000_000


@dataclass(frozen=True)
class HopDiffusion:
    """Å²/ps; shares and `correlation` without unit, None where one batch of the run decides them."""

    random: float
    hop: Estimate
    correlation: Estimate | None
    shares: list[Estimate | None]


def random_walk(runs: Sequence[Hops]) -> float:
    """D_random of all runs in Å²/ps, d = 3."""
    squares = sum(float((run.vector_a**2).sum()) for run in runs)
    return squares / (6.0 * sum(run.n_ions * run.length_ps for run in runs))


def decompose(
    runs: Sequence[Hops],
    class_of_hop: Sequence[np.ndarray],
    n_classes: int,
    *,
    window_ps: tuple[float, float],
    confidence: float,
) -> HopDiffusion:
    """D_hop, the correlation factor and the shares of the classes.

    Parameters
    ----------
    runs, class_of_hop
        Hops of every run, and the class (0 to n_classes - 1) of each.
    window_ps
        First and last lag; the run must be longer than the last.

    The intervals rest on batches of time origins: those of D_hop as for D_self, the others by the jackknife over batches.
    """
    start, end = window_ps
    step = start / _PER_LAG
    lags = np.unique(np.linspace(_PER_LAG, max(_PER_LAG + 1, round(end / step)), _LAGS).round().astype(int))
    weights = slope_weights(lags * step)
    n_batches = max(3, -(-BATCHES // len(runs)))
    values, spans, random = [], [], []
    for run, group in zip(runs, class_of_hop, strict=True):
        slopes, span = _slopes(
            run, group, n_classes, step=step, lags=lags, weights=weights, n_batches=n_batches
        )
        values.append(slopes)
        spans.append(span)
        squares = np.histogram(
            run.arrival_ps,
            bins=np.linspace(0, run.length_ps, n_batches + 1),
            weights=(run.vector_a**2).sum(axis=1),
        )[0]
        random.append(squares * n_batches / (6.0 * run.n_ions * run.length_ps))
    totals = [v.sum(axis=1) for v in values]
    error = mean_error(totals, spans, lags=lags, weights=weights)
    per_class, whole = np.concatenate(values), np.concatenate(totals)
    hop = positive_interval(float(whole.mean()), error.error, error.dof, confidence)
    return HopDiffusion(
        random=random_walk(runs),
        hop=hop,
        correlation=jackknife_ratio(whole, np.concatenate(random), confidence=confidence),
        shares=[jackknife_ratio(per_class[:, k], whole, confidence=confidence) for k in range(n_classes)],
    )


def _slopes(
    run: Hops,
    group: np.ndarray,
    n_classes: int,
    *,
    step: float,
    lags: np.ndarray,
    weights: np.ndarray,
    n_batches: int,
) -> tuple[np.ndarray, float]:
    """(batches, classes) slopes of <dX_c . dX> / 6, and the number of time origins."""
    times = np.arange(0.0, run.length_ps + 1e-9, step)
    origins = len(times) - int(lags.max())
    edges = np.linspace(0, origins, n_batches + 1).round().astype(int)
    found = np.zeros((n_batches, n_classes))
    size = max(1, _AT_ONCE // (len(times) * 3 * (n_classes + 1)))
    at = np.searchsorted(times, run.arrival_ps)
    for first in range(0, run.n_ions, size):
        ions = min(size, run.n_ions - first)
        mine = (run.ion >= first) & (run.ion < first + ions) & (at < len(times))
        moved = np.zeros((n_classes, ions, len(times), 3))
        np.add.at(moved, (group[mine], run.ion[mine] - first, at[mine]), run.vector_a[mine])
        placed = np.cumsum(moved, axis=2, out=moved)
        whole = placed.sum(axis=0)
        for lag, weight in zip(lags, weights, strict=True):
            u = whole[:, lag:] - whole[:, :-lag]
            for k in range(n_classes):
                product = np.einsum("its,its->t", placed[k, :, lag:] - placed[k, :, :-lag], u)
                for b in range(n_batches):
                    found[b, k] += weight * product[edges[b] : edges[b + 1]].mean() / (6.0 * run.n_ions)
    return found, float(origins)


@dataclass(frozen=True)
class Succession:
    """Successive hops of the same ion.

    Attributes
    ----------
    pairs
        Number of pairs of successive hops.
    cosine
        Mean cosine of the angle between them; 0 without memory, negative where ions turn back.
    returns
        Share of hops that go straight back to the site before.
    """

    pairs: int
    cosine: Estimate
    returns: Estimate


def succession(runs: Sequence[Hops], *, confidence: float) -> Succession | None:
    """Memory of successive hops; None with fewer than two pairs."""
    from scipy.special import stdtrit

    from dlmd.mechanism.hop_rates import batch_edges, clustered, clusters, share_interval

    cosines, returns, pairs = [], [], []
    for run in runs:
        second = np.flatnonzero(run.consecutive)
        one, two = run.vector_a[second - 1], run.vector_a[second]
        cosines.append((one * two).sum(axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(two, axis=1))
        returns.append(np.linalg.norm(one + two, axis=1) < 1e-6)
        pairs.append(run.consecutive)
    cosine, back = np.concatenate(cosines), np.concatenate(returns)
    n = len(cosine)
    if n < 2:
        return None
    ion, batch = clusters(runs, [batch_edges(run.length_ps, len(runs)) for run in runs])
    second = np.concatenate(pairs)
    ion, batch = ion[second], batch[second]
    found = clustered(cosine, ion=ion, batch=batch)
    reach = float(stdtrit(found.dof, 0.5 + confidence / 2)) * found.variance**0.5
    return Succession(
        pairs=n,
        cosine=Estimate(float(cosine.mean()), float(cosine.mean()) - reach, float(cosine.mean()) + reach),
        returns=share_interval(back, ion=ion, batch=batch, confidence=confidence),
    )
