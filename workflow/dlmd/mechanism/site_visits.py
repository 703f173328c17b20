"""Which site each ion is in over time: visits to the cores of sites.

An ion leaves a site only when it has arrived in the core of another one, so that rattling, also across the border between
two sites, is no hop (transition-based assignment: Buchete and Hummer, J. Phys. Chem. B 112, 6057 (2008)). The core of a site is
the ball about it with a radius of `core_fraction` times the distance to the nearest other site.

In which core an ion is in a frame, the package site-analysis tells alike (its spherical sites), at about a thousand times the
price per ion and frame: too much for thousands of ions over nanoseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlmd.base.periodic_tree import PeriodicTree
from dlmd.mechanism.site_network import SiteNetwork
from dlmd.trajectory.trajectory import Trajectory

VERSION = 2

# Positions assigned at once: some 100 MB of work arrays.
_CHUNK = 1_000_000
# Samples of a whole run from which sites are refined, and the fewest for one site to be moved.
_REFINE_SAMPLES = 300_000
_FEWEST = 50
# Samples within this part of the distance to the nearest other site count for the mean position.
_REFINE_FRACTION = 0.4
# A site of passage was on an ion's way where its positions are nearer to it than to the straight way between the resting sites,
# in squares by this many variances of the ion's vibration along one axis: a likelihood ratio of exp(2).
_EVIDENCE = 4.0
# Beyond this part of a void's spacing an ion has not come near to it.
_FAR = 0.5
# A path between frames is looked at in steps of this length.
_PATH_STEP_A = 0.15


@dataclass(frozen=True)
class Visits:
    """Stays of ions in the cores of sites, ion after ion, in order of time.

    Attributes
    ----------
    ion, site
        (v,) indices of the ion and of the site in the network.
    image
        (v, 3) cells by which the site is shifted to be where the ion is.
    first, last
        (v,) first and last frame in the core during this visit.
    passed
        (v,) a site of passage (not resting) whose core the straight path between two frames crossed on the way to this visit
        without being there in a frame; -1 for none.
    approach
        (v,) how near the ion came to the centre of a site of passage, over that site's distance to the nearest other site: to
        its own during a visit to such a site, to any on the way to this visit from another resting site; infinite otherwise, and
        where vibration about the straight way explains it (see `_supported`).
    n_ions, n_frames, frame_interval_ps
        Of the run.
    lost
        Ions that were in no core at any time; they have no visits.
    """

    ion: np.ndarray
    site: np.ndarray
    image: np.ndarray
    first: np.ndarray
    last: np.ndarray
    passed: np.ndarray
    approach: np.ndarray
    n_ions: int
    n_frames: int
    frame_interval_ps: float
    lost: int

    @property
    def length_ps(self) -> float:
        return (self.n_frames - 1) * self.frame_interval_ps


class _Assigner:
    """Nearest site and how far from its centre a position is."""

    def __init__(self, network: SiteNetwork, core_fraction: float):
        self.tree = PeriodicTree(network.positions, network.cell)
        self.spacing = network.spacing_angstrom
        self.core_fraction = core_fraction
        self.way = ~network.resting
        self.positions, self.cell = network.positions, network.cell

    def __call__(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(m,) site, (m, 3) image, (m,) distance over the site's spacing; for positions (m, 3)."""
        parts = [
            self.tree.query(positions[start : start + _CHUNK]) for start in range(0, len(positions), _CHUNK)
        ]
        site, image, distance = (np.concatenate(column) for column in zip(*parts, strict=True))
        return site, image, distance / self.spacing[site]

    def place(self, where: np.ndarray) -> np.ndarray:
        """(..., 3) positions of sites in their cells, from (..., 4) site and image."""
        return self.positions[where[..., 0]] + where[..., 1:] @ self.cell


def refine(network: SiteNetwork, trajectory: Trajectory) -> SiteNetwork:
    """Sites moved to the mean position of the ions in them, where enough ions were there to tell."""
    stride = max(1, trajectory.n_frames * trajectory.n_ions // _REFINE_SAMPLES)
    tree = PeriodicTree(network.positions, network.cell)
    total, count = np.zeros_like(network.positions), np.zeros(len(network.positions))
    for block in trajectory.blocks():
        sample = block[::stride].reshape(-1, 3)
        site, image, distance = tree.query(sample)
        near = distance < _REFINE_FRACTION * network.spacing_angstrom[site]
        away = sample[near] - (network.positions[site[near]] + image[near] @ network.cell)
        np.add.at(total, site[near], away)
        count += np.bincount(site[near], minlength=len(count))
    known = count >= _FEWEST
    shift = np.where(known[:, None], total / np.maximum(count, 1)[:, None], 0.0)
    return network.moved(network.positions + shift)


def visits(network: SiteNetwork, trajectory: Trajectory, *, core_fraction: float) -> Visits:
    """Follow all ions of a run.

    Parameters
    ----------
    core_fraction
        Radius of the core over the distance to the nearest other site; below one half, so that cores keep apart.
    """
    assign = _Assigner(network, core_fraction)
    columns: list[list[np.ndarray]] = [[] for _ in range(7)]
    first_ion, lost = 0, 0
    for block in trajectory.blocks():
        per_ion = max(1, _CHUNK // trajectory.n_frames)
        for start in range(0, block.shape[1], per_ion):
            ions = np.ascontiguousarray(block[:, start : start + per_ion].transpose(1, 0, 2))
            site, image, away = assign(ions.reshape(-1, 3))
            shape = ions.shape[:2]
            site, image, away = site.reshape(shape), image.reshape(*shape, 3), away.reshape(shape)
            for k in range(shape[0]):
                found = _of_ion(ions[k], site[k], image[k], away[k], assign)
                lost += not len(found[0])
                columns[0].append(np.full(len(found[0]), first_ion + start + k))
                for column, values in zip(columns[1:], found, strict=True):
                    column.append(values)
        first_ion += block.shape[1]
    ion, *rest = (np.concatenate(column) for column in columns)
    size = (trajectory.n_ions, trajectory.n_frames, trajectory.frame_interval_ps)
    return Visits(ion, *rest, *size, lost=lost)  # type: ignore[call-arg, misc, arg-type]  # as many as there are columns


def _of_ion(
    path: np.ndarray, site: np.ndarray, image: np.ndarray, away: np.ndarray, assign: _Assigner
) -> tuple[np.ndarray, ...]:
    """Site, image, first and last frame, site passed and approach of the visits of one ion with positions (frames, 3)."""
    frames = np.flatnonzero(away < assign.core_fraction)
    where = np.column_stack([site[frames], image[frames]])
    change = np.flatnonzero((where[1:] != where[:-1]).any(axis=1)) + 1
    begin = np.concatenate([[0], change]).astype(int) if len(frames) else np.empty(0, int)
    end = np.concatenate([change, [len(frames)]]).astype(int)[: len(begin)] - 1
    first, last = frames[begin], frames[end]
    passed, approach = np.full(len(begin), -1), np.full(len(begin), np.inf)
    held = where[begin]
    way = assign.way[held[:, 0]]
    variance = _vibration(path, assign.place(held), first, last, ~way)
    before, after = _resting_beside(way)
    for k in range(len(begin)):
        if way[k]:
            if before[k] < 0 or after[k] < 0:
                continue
            ends = assign.place(held[[before[k], after[k]]])
            inside = frames[begin[k] : end[k] + 1]
            if _supported(path[inside], assign.place(held[k]), ends, variance):
                approach[k] = away[inside].min()
        elif k and not way[k - 1] and (held[k] != held[k - 1]).any():
            ends = assign.place(held[[k - 1, k]])
            passed[k], approach[k] = _passed(path[last[k - 1] : first[k] + 1], ends, variance, assign)
    return held[:, 0], held[:, 1:], first, last, passed, approach


def _vibration(
    path: np.ndarray, places: np.ndarray, first: np.ndarray, last: np.ndarray, rests: np.ndarray
) -> float:
    """Variance along one axis of an ion's positions (frames, 3) about its resting sites (v, 3), over all frames from the first in
    a core to the last; infinite where it never rested."""
    squares, count = 0.0, 0
    for k in np.flatnonzero(rests):
        off = path[first[k] : last[k] + 1] - places[k]
        squares, count = squares + float((off**2).sum()), count + off.size
    return squares / count if count else float("inf")


def _resting_beside(way: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of every visit the last one before it and the first after it that are to resting sites; -1 for none."""
    number = np.arange(len(way))
    before = np.maximum.accumulate(np.where(way, -1, number)) if len(way) else number
    after = np.minimum.accumulate(np.where(way, len(way), number)[::-1])[::-1] if len(way) else number
    return before, np.where(after == len(way), -1, after)


def _supported(points: np.ndarray, void: np.ndarray, ends: np.ndarray, variance: float) -> bool:
    """Whether positions (n, 3) show a way through `void` (3,), and not only vibration about the way between `ends` (2, 3).

    Frames of one passage are not independent, so that their mean counts as one. An ion that returns has no straight way but a
    point: its visit to the void is judged against rattling in its site.
    """
    arm = ends[1] - ends[0]
    length = float(arm @ arm)
    along = np.clip((points - ends[0]) @ arm / length, 0.0, 1.0) if length > 0 else np.zeros(len(points))
    straight = ((points - ends[0] - along[:, None] * arm) ** 2).sum(axis=1)
    through = ((points - void) ** 2).sum(axis=1)
    return bool((straight - through).mean() > _EVIDENCE * variance)


def _passed(path: np.ndarray, ends: np.ndarray, variance: float, assign: _Assigner) -> tuple[int, float]:
    """A site of passage whose core the polygon through the frames crosses, or -1; and the nearest approach to any. Neither where
    vibration about the straight way between `ends` (2, 3) explains it."""
    moves = np.diff(path, axis=0)
    pieces = np.maximum(1, np.ceil(np.linalg.norm(moves, axis=1) / _PATH_STEP_A)).astype(int)
    along = np.concatenate([np.arange(n) / n for n in pieces])
    points = np.repeat(path[:-1], pieces, axis=0) + along[:, None] * np.repeat(moves, pieces, axis=0)
    site, image, away = assign(points)
    away = np.where(assign.way[site], away, np.inf)
    nearest = int(away.argmin())
    if away[nearest] > _FAR:
        return -1, float(away[nearest])
    void = assign.place(np.concatenate([site[nearest : nearest + 1], image[nearest]]))
    if not _supported(points[nearest : nearest + 1], void, ends, variance):
        return -1, float("inf")
    return int(site[nearest]) if away[nearest] < assign.core_fraction else -1, float(away[nearest])
