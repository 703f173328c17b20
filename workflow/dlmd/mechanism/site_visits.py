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

VERSION = 1

# Positions assigned at once: some 100 MB of work arrays.
_CHUNK = 1_000_000
# Samples of a whole run from which sites are refined, and the fewest for one site to be moved.
_REFINE_SAMPLES = 300_000
_FEWEST = 50
# Samples within this part of the distance to the nearest other site count for the mean position.
_REFINE_FRACTION = 0.4
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
        its own during a visit to such a site, to any on the way to this visit from another resting site; infinite otherwise.
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

    def __call__(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(m,) site, (m, 3) image, (m,) distance over the site's spacing; for positions (m, 3)."""
        parts = [
            self.tree.query(positions[start : start + _CHUNK]) for start in range(0, len(positions), _CHUNK)
        ]
        site, image, distance = (np.concatenate(column) for column in zip(*parts, strict=True))
        return site, image, distance / self.spacing[site]


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
    for k in range(len(begin)):
        if assign.way[where[begin[k], 0]]:
            approach[k] = away[frames[begin[k] : end[k] + 1]].min()
        elif k and not assign.way[where[begin[k - 1], 0]]:
            passed[k], approach[k] = _passed(path[last[k - 1] : first[k] + 1], assign)
    return where[begin, 0], where[begin, 1:], first, last, passed, approach


def _passed(path: np.ndarray, assign: _Assigner) -> tuple[int, float]:
    """A site of passage whose core the polygon through the frames crosses, or -1; and the nearest approach to any."""
    moves = np.diff(path, axis=0)
    pieces = np.maximum(1, np.ceil(np.linalg.norm(moves, axis=1) / _PATH_STEP_A)).astype(int)
    along = np.concatenate([np.arange(n) / n for n in pieces])
    points = np.repeat(path[:-1], pieces, axis=0) + along[:, None] * np.repeat(moves, pieces, axis=0)
    site, _, away = assign(points)
    away = np.where(assign.way[site], away, np.inf)
    nearest = int(away.argmin())
    return int(site[nearest]) if away[nearest] < assign.core_fraction else -1, float(away[nearest])
