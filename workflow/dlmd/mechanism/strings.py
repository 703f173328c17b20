"""Strings of hops: one ion follows another into the site that it leaves, within a short time.

Ions follow each other without any concert, too: a site that was left is empty, and the next ion to come takes it after as
long as any empty site waits. In a lattice gas with few vacancies that alone makes strings of a fifth to two fifths of all hops.
What it gives is read from the same run: the rate at which sites that were left at least one window ago, and no longer than four,
are taken by another ion. In a lattice gas this rate does not depend on how long ago a site was left, while a concerted mechanism
fills it at once. So the null is

    followers expected within the window = rate at later ages x time that sites were empty for less than the window

A follower that arrives before the leader has gone has no place in it: two ions never share a site of a lattice gas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.mechanism.hops import Hops

VERSION = 2

_DRAWS = 200
# The rate of later followers is taken from ages of one to this many windows.
_LATER = 4.0
# Followers count as more than chance gives where chance has so many less often than this, and where they are this many times
# more: the rate of a real conductor varies somewhat with the age of a vacancy.
_LEVEL = 0.01
_MARGIN = 1.25


@dataclass(frozen=True)
class Strings:
    """Concerted hops.

    Attributes
    ----------
    share
        Share of all hops that belong to a string of at least two ions.
    by_chance
        Mean of that share where ions follow each other only as empty sites are taken, and its 2.5 % and 97.5 % quantiles.
    sizes
        Number of strings by number of hops in them, from two on.
    followers, expected
        Hops that follow another within the window, and how many do by chance.
    more_than_chance
        Whether there are significantly more of them.
    """

    share: float
    by_chance: tuple[float, float, float]
    sizes: dict[int, int]
    followers: int
    expected: float
    more_than_chance: bool


def strings(runs: Sequence[Hops], *, window_ps: float, seed: int) -> Strings:
    """Strings of hops of different ions.

    Two hops are linked where the target of one is the origin of the other, an ion's own hops apart, and their times differ by at
    most `window_ps`; linked hops form a string.
    """
    from scipy.stats import binom

    links = [_links(run, window_ps) for run in runs]
    sizes: dict[int, int] = {}
    for run, found in zip(runs, links, strict=True):
        for size in _groups(len(run), *found):
            sizes[int(size)] = sizes.get(int(size), 0) + 1
    hops = sum(len(run) for run in runs)
    share = sum(size * count for size, count in sizes.items()) / hops
    counted = np.sum([_refills(run, window_ps) for run in runs], axis=0)
    early = sum(
        int((run.time_ps[follower] < run.time_ps[leader]).sum())
        for run, (leader, follower) in zip(runs, links, strict=True)
    )
    soon, time_soon, late, time_late = counted + np.array([early, 0, 0, 0])
    # given both counts, those within the window are binomial where the rate is the same
    part = time_soon / (time_soon + time_late) if time_late > 0 else 1.0
    chance = float(binom.sf(soon - 1, soon + late, part))
    expected = float(late / time_late * time_soon) if time_late > 0 else 0.0
    generator = np.random.default_rng(seed)
    rate = generator.gamma(late + 0.5, size=_DRAWS) / time_late if time_late > 0 else np.zeros(_DRAWS)
    drawn = generator.poisson(rate * time_soon) / max(soon, 1.0)
    shares = [
        _share_of(runs, links, ratio, generator) if ratio < 1 else min(share * ratio, 1.0) for ratio in drawn
    ]
    low, high = np.quantile(shares, [0.025, 0.975])
    return Strings(
        share=share,
        by_chance=(float(np.mean(shares)), float(low), float(high)),
        sizes=dict(sorted(sizes.items())),
        followers=int(soon),
        expected=expected,
        more_than_chance=bool(chance < _LEVEL and soon > _MARGIN * expected),
    )


def _share_of(
    runs: Sequence[Hops],
    links: Sequence[tuple[np.ndarray, np.ndarray]],
    kept: float,
    generator: np.random.Generator,
) -> float:
    """Share of hops in strings where only this part of the links is there."""
    members = 0
    for run, (leader, follower) in zip(runs, links, strict=True):
        keep = generator.random(len(leader)) < kept
        members += int(_groups(len(run), leader[keep], follower[keep]).sum())
    return members / sum(len(run) for run in runs)


def _groups(n: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Sizes of the groups of linked hops among n, those of at least two."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
    _, member = connected_components(graph, directed=False)
    sizes = np.bincount(member)
    return sizes[sizes > 1]


def _links(run: Hops, window_ps: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (leader, follower): the follower arrives where the leader left, and is there when or after it leaves."""
    # key by site and time, so that one sorted search finds all arrivals at a site within the window
    span = run.length_ps + 2 * window_ps + 1.0
    arrivals = np.argsort(run.target * span + run.time_ps, kind="stable")
    keys = (run.target * span + run.time_ps)[arrivals]
    centre = run.origin * span + run.time_ps
    low, high = np.searchsorted(keys, centre - window_ps), np.searchsorted(keys, centre + window_ps, "right")
    leader = np.repeat(np.arange(len(run)), high - low)
    offset = np.arange(len(leader)) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
    follower = arrivals[np.repeat(low, high - low) + offset]
    there = (run.ion[leader] != run.ion[follower]) & (_left(run)[follower] > run.time_ps[leader])
    return leader[there], follower[there]


def _left(run: Hops) -> np.ndarray:
    """(h,) when the ion of each hop leaves the site that it reached; infinite for never."""
    left = np.full(len(run), np.inf)
    same = np.flatnonzero(run.ion[1:] == run.ion[:-1])
    left[same] = run.time_ps[same + 1]
    return left


def _refills(run: Hops, window_ps: float) -> np.ndarray:
    """Sites taken by another ion within the window after they were left, the time that they were empty at such ages, and the
    same for ages of one to `_LATER` windows."""
    # a site is empty from a departure to the next arrival of any ion
    span = run.length_ps + 1.0
    arrivals = np.argsort(run.target * span + run.time_ps, kind="stable")
    keys = (run.target * span + run.time_ps)[arrivals]
    following = np.searchsorted(keys, run.origin * span + run.time_ps, "right")
    taken = np.append(arrivals, -1)[following]
    found = (following < len(run)) & (run.target[taken] == run.origin)
    age = np.where(found, run.time_ps[taken], run.length_ps) - run.time_ps
    other = found & (run.ion[taken] != run.ion)
    end = _LATER * window_ps
    return np.array(
        [
            float((other & (age <= window_ps)).sum()),
            float(np.minimum(age, window_ps).sum()),
            float((other & (age > window_ps) & (age <= end)).sum()),
            float(np.clip(age - window_ps, 0.0, end - window_ps).sum()),
        ]
    )
