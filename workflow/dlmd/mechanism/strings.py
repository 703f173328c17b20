"""Strings of hops: one ion follows another into the site that it leaves, within a short time.

Hops follow each other by chance too, the more often the more hops there are. What chance gives is found by shifting the hops of
every ion by a random time, which keeps each ion's own sequence and breaks all relations between ions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.mechanism.hops import Hops

VERSION = 1

_SHUFFLES = 40


@dataclass(frozen=True)
class Strings:
    """Concerted hops.

    Attributes
    ----------
    share
        Share of all hops that belong to a string of at least two ions.
    by_chance
        Mean of that share with hops shifted in time at random, and its 2.5 % and 97.5 % quantiles.
    sizes
        Number of strings by number of hops in them, from two on.
    """

    share: float
    by_chance: tuple[float, float, float]
    sizes: dict[int, int]


def strings(runs: Sequence[Hops], *, window_ps: float, seed: int) -> Strings:
    """Strings of hops of different ions.

    Two hops are linked where the target of one is the origin of the other, an ion's own hops apart, and their times differ by at
    most `window_ps`; linked hops form a string.
    """
    linked = 0
    sizes: dict[int, int] = {}
    for run in runs:
        groups = _groups(run, run.time_ps, window_ps)
        linked += int(groups.sum())
        for size in groups:
            sizes[int(size)] = sizes.get(int(size), 0) + 1
    hops = sum(len(run) for run in runs)
    generator = np.random.default_rng(seed)
    chance = [
        sum(int(_groups(run, _shifted(run, generator), window_ps).sum()) for run in runs) / hops
        for _ in range(_SHUFFLES)
    ]
    low, high = np.quantile(chance, [0.025, 0.975])
    return Strings(
        share=linked / hops,
        by_chance=(float(np.mean(chance)), float(low), float(high)),
        sizes=dict(sorted(sizes.items())),
    )


def _shifted(run: Hops, generator: np.random.Generator) -> np.ndarray:
    return (run.time_ps + generator.uniform(0, run.length_ps, run.n_ions)[run.ion]) % run.length_ps


def _groups(run: Hops, time_ps: np.ndarray, window_ps: float) -> np.ndarray:
    """Sizes of the groups of linked hops, those of at least two."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second = _links(run, time_ps, window_ps)
    n = len(run)
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
    _, member = connected_components(graph, directed=False)
    sizes = np.bincount(member)
    return sizes[sizes > 1]


def _links(run: Hops, time_ps: np.ndarray, window_ps: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (leader, follower): the follower arrives where the leader left."""
    # key by site and time, so that one sorted search finds all arrivals at a site within the window
    span = run.length_ps + 2 * window_ps + 1.0
    arrivals = np.argsort(run.target * span + time_ps, kind="stable")
    keys = (run.target * span + time_ps)[arrivals]
    centre = run.origin * span + time_ps
    low, high = np.searchsorted(keys, centre - window_ps), np.searchsorted(keys, centre + window_ps, "right")
    leader = np.repeat(np.arange(len(run)), high - low)
    offset = np.arange(len(leader)) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
    follower = arrivals[np.repeat(low, high - low) + offset]
    other = run.ion[leader] != run.ion[follower]
    return leader[other], follower[other]
