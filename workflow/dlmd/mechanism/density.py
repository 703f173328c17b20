"""Density of the mobile ions and free energies -kT ln(density): folded into the unit cell, and along the paths between sites.

The profile of a path is the ions' mean density in a narrow cylinder about the straight line between two neighbouring sites,
averaged over all such pairs that are open in the production cell; pairs with a site that the host holds are no part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.base.intervals import Estimate, jackknife
from dlmd.base.periodic_tree import PeriodicTree, pairs
from dlmd.base.units import BOLTZMANN_EV_PER_K
from dlmd.mechanism.hop_rates import BATCHES, show
from dlmd.mechanism.site_network import NEIGHBOUR_A, SiteNetwork
from dlmd.trajectory.trajectory import Trajectory

VERSION = 1

# Positions looked at, over all runs; more would only cost time.
SAMPLES = 3_000_000
_GRID_A = 0.2
CYLINDER_A = 0.6
_BIN_A = 0.12
# Farthest a point can be from its nearest site in a lattice of close-packed anions' voids.
_VORONOI_A = 1.7
# Neighbouring sites of a kind lie within this multiple of the shortest distance.
_SHELL = 1.2
_CHUNK = 200_000


@dataclass(frozen=True)
class Samples:
    """Positions of ions at equal intervals: (n, 3) in Å relative to the host, and the batch of time (n,) of each."""

    positions: np.ndarray
    batch: np.ndarray
    n_batches: int
    n_ions: int


def sample(trajectory: Trajectory, *, n_runs: int) -> Samples:
    """Positions of all ions at every so many frames."""
    stride = max(1, -(-trajectory.n_frames * trajectory.n_ions * n_runs // SAMPLES))
    n_batches = max(2, -(-BATCHES // n_runs))
    parts, batches = [], []
    for block in trajectory.blocks():
        some = block[::stride]
        batch = np.arange(len(some)) * n_batches // len(some)
        parts.append(some.reshape(-1, 3).astype(np.float32))
        batches.append(np.repeat(batch, some.shape[1]))
    return Samples(np.concatenate(parts), np.concatenate(batches), n_batches, trajectory.n_ions)


def folded(
    networks: Sequence[SiteNetwork],
    samples: Sequence[Samples],
    *,
    rotations: np.ndarray,
    translations: np.ndarray,
) -> np.ndarray:
    """(nx, ny, nz) ions per Å³, folded into one unit cell and averaged over the crystal's symmetry.

    Voxel (i, j, k) reaches from i/nx to (i + 1)/nx along a, and so on.
    """
    unit = networks[0].cell / np.array(networks[0].repeat)[:, None]
    shape = np.ceil(np.linalg.norm(unit, axis=1) / _GRID_A).astype(int)
    counts = np.zeros(int(shape.prod()))
    for network, some in zip(networks, samples, strict=True):
        # every run counts alike, whatever its number of samples
        weight = some.n_ions / np.prod(network.repeat) / len(some.positions) / len(networks)
        fractional = network.unit_fractional(some.positions)
        for rotation, translation in zip(rotations, translations, strict=True):
            voxel = ((fractional @ rotation.T + translation) % 1.0 * shape).astype(int) % shape
            counts += weight * np.bincount(np.ravel_multi_index(voxel.T, shape), minlength=len(counts))
    voxel_volume = abs(np.linalg.det(unit)) / shape.prod()
    return (counts / len(rotations) / voxel_volume).reshape(shape)


@dataclass(frozen=True)
class Paths:
    """Straight paths between neighbouring sites, each kind of path with a name.

    Attributes
    ----------
    names
        Such as 'oct-oct within Li layer' or 'oct-tet, Li layer'.
    kind
        (p,) index of the name.
    start
        (p,) site at which each path begins.
    vector
        (p, 3) from there to its end, Å.
    two_way
        (names,) whether both ends are of one sort, so that the profile is symmetric.
    """

    names: list[str]
    kind: np.ndarray
    start: np.ndarray
    vector: np.ndarray
    two_way: np.ndarray


def paths(network: SiteNetwork) -> Paths:
    """Paths from every resting site to its nearest resting sites and to its nearest sites of passage."""
    types, stacking = network.lattice.types, network.lattice.stacking
    shape = np.array([t.shape for t in types])[network.type_of_site]
    i, j, vector = pairs(network.positions, network.cell, NEIGHBOUR_A)
    keep = network.resting[i]
    i, j, vector = i[keep], j[keep], vector[keep]
    names: list[str] = []
    for one, other, v in zip(i, j, vector, strict=True):
        to_rest = network.resting[other]
        where = ""
        if stacking is not None and network.layer[one] >= 0:
            own = stacking.names[network.layer[one] % len(stacking.names)]
            if to_rest:
                climbs = abs(_climb(network, one, other, v)) > 0.25
                where = " between layers" if climbs else f" within {own}"
            else:
                where = f", {own}"
        names.append(f"{shape[one]}-{shape[other]}{where}")
    unique = sorted(set(names))
    kind = np.array([unique.index(name) for name in names], dtype=int)
    length = np.linalg.norm(vector, axis=1)
    two_way = np.array([bool(network.resting[j[kind == k]].all()) for k in range(len(unique))], dtype=bool)
    # The shell is taken about the typical shortest distance, so that one short pair does not hide the others.
    typical = np.array([np.quantile(length[kind == k], 0.1) for k in range(len(unique))])
    # a path with two like ends is there in both directions: one is enough
    keep = (length < _SHELL * typical[kind]) & ~(two_way[kind] & (i > j))
    return Paths(unique, kind[keep], i[keep], vector[keep], two_way)


def _climb(network: SiteNetwork, one: int, other: int, vector: np.ndarray) -> float:
    """Layers between the ideal heights of two sites."""
    stacking = network.lattice.stacking
    if network.layer[other] < 0:
        return 1.0
    height = (vector @ np.linalg.inv(network.cell) * np.array(network.repeat))[stacking.axis]
    return height * len(stacking.heights)


@dataclass(frozen=True)
class Profile:
    """Free energy along one kind of path.

    Attributes
    ----------
    name, paths, length_a
        What it is, how many such paths there are, and their mean length.
    along
        (bins,) centres of the bins, 0 at the start and 1 at the end.
    counts
        (batches, bins) ions seen.
    two_way
        Whether both ends are alike.
    """

    name: str
    paths: int
    length_a: float
    along: np.ndarray
    counts: np.ndarray
    two_way: bool

    def free_energy_ev(self, temperature_k: float) -> np.ndarray:
        """(bins,) -kT ln(density), 0 at its minimum, infinite where no ion was seen."""
        total = self.counts.sum(axis=0)
        with np.errstate(divide="ignore"):
            return -BOLTZMANN_EV_PER_K * temperature_k * np.log(total / total.max())

    def saddle(self, temperature_k: float, *, confidence: float, fewest: int) -> dict:
        """Height of the saddle above the start, and of the end above the start, JSON-ready.

        The bins of the start (nearest quarter), of the end (last quarter) and of the saddle between them are those of all
        batches together; the intervals are those of the delete-one jackknife of the logarithm over batches.
        """
        total, quarter = self.counts.sum(axis=0), max(1, len(self.along) // 4)
        n = len(total)
        start = int(total[:quarter].argmax())
        end = n - quarter + int(total[n - quarter :].argmax())
        top = start + int(total[start : end + 1].argmin())
        found = {"passages": int(total[top]), "saddle_at": float(self.along[top])}
        kt = BOLTZMANN_EV_PER_K * temperature_k
        if total[start] < fewest:
            return {**found, "verdict": f"the path's start was seen {int(total[start])} times"}
        if total[top] < fewest:
            bound = kt * np.log(total[start] / max(total[top], 1))
            return {
                **found,
                "verdict": f"too few ions at the saddle: {int(total[top])}, at least {fewest} are needed",
                "about_or_above_ev": float(bound),
            }
        return {
            **found,
            "barrier_ev": show(self._difference(top, start, kt, confidence)),
            "end_ev": show(self._difference(end, start, kt, confidence)),
        }

    def _difference(self, one: int, other: int, kt: float, confidence: float) -> Estimate:
        a, b = self.counts[:, one].astype(float), self.counts[:, other].astype(float)
        value = -kt * float(np.log(a.sum() / b.sum()))
        # Half a count is added, so that leaving out a batch with all counts does not give an infinite change.
        left_out = -kt * np.log((a.sum() - a + 0.5) / (b.sum() - b + 0.5))
        return jackknife(value, left_out, confidence=confidence)


def profiles(networks: Sequence[SiteNetwork], samples: Sequence[Samples]) -> list[Profile]:
    """Profiles of all kinds of paths, over all runs."""
    found: dict[str, list[tuple]] = {}
    for network, some in zip(networks, samples, strict=True):
        way = paths(network)
        length = np.array(
            [np.linalg.norm(way.vector[way.kind == k], axis=1).mean() for k in range(len(way.names))]
        )
        bins = np.maximum(8, 2 * np.round(length / _BIN_A / 2)).astype(int)
        counts = _along(network, some, way, bins)
        for k, name in enumerate(way.names):
            both = counts[k] + counts[k][:, ::-1] if way.two_way[k] else counts[k]
            found.setdefault(name, []).append((both, int((way.kind == k).sum()), length[k], way.two_way[k]))
    out = []
    for name, parts in sorted(found.items()):
        # runs of one system have the same lengths up to the host's relaxation
        n = min(counts.shape[1] for counts, *_ in parts)
        same = [counts for counts, *_ in parts if counts.shape[1] == n]
        out.append(
            Profile(
                name=name,
                paths=sum(p[1] for p in parts),
                length_a=float(np.mean([p[2] for p in parts])),
                along=(np.arange(n) + 0.5) / n,
                counts=np.concatenate(same),
                two_way=bool(parts[0][3]),
            )
        )
    return out


def _along(network: SiteNetwork, some: Samples, way: Paths, bins: np.ndarray) -> list[np.ndarray]:
    """(batches, bins) ions in the cylinder of each kind of path."""
    tree = PeriodicTree(network.positions, network.cell)
    near = _paths_near(network, way)
    length = np.linalg.norm(way.vector, axis=1)
    unit = way.vector / length[:, None]
    # ends are bins' centres: the cylinder reaches half a bin beyond the sites
    counts = [np.zeros(some.n_batches * n) for n in bins]
    for first in range(0, len(some.positions), _CHUNK):
        points = some.positions[first : first + _CHUNK].astype(float)
        batch = some.batch[first : first + _CHUNK]
        site, image, _ = tree.query(points)
        away = points - network.positions[site] - image @ network.cell
        for path_row, offset_row in zip(*near, strict=True):
            path, offset = path_row[site], offset_row[site]
            rows = np.flatnonzero(path >= 0)
            p = path[rows]
            from_start = away[rows] - offset[rows]
            along = (from_start * unit[p]).sum(axis=1)
            aside = (from_start**2).sum(axis=1) - along**2
            n = bins[way.kind[p]]
            at = np.floor(along / length[p] * (n - 1) + 0.5).astype(int)
            inside = (aside < CYLINDER_A**2) & (at >= 0) & (at < n)
            for k in np.unique(way.kind[p[inside]]):
                mine = inside & (way.kind[p] == k)
                flat = batch[rows[mine]] * bins[k] + at[mine]
                counts[k] += np.bincount(flat, minlength=len(counts[k]))
    return [c.reshape(some.n_batches, n) for c, n in zip(counts, bins, strict=True)]


def _paths_near(network: SiteNetwork, way: Paths) -> tuple[np.ndarray, np.ndarray]:
    """Paths that come near each site: (k, sites) path or -1, and (k, sites, 3) from the site to the path's start, in Å."""
    length = np.linalg.norm(way.vector, axis=1)
    middle = network.positions[way.start] + 0.5 * way.vector
    tree = PeriodicTree(network.positions, network.cell, rim_a=8.0)
    reach = _VORONOI_A + CYLINDER_A
    row, site, image = tree.within(middle, float(length.max() / 2 + reach))
    centre = network.positions[site] + image @ network.cell
    from_start = centre - network.positions[way.start[row]]
    along = np.clip((from_start * way.vector[row]).sum(axis=1) / length[row] ** 2, 0, 1)
    distance = np.linalg.norm(from_start - along[:, None] * way.vector[row], axis=1)
    close = distance < reach
    row, site, offset = row[close], site[close], -from_start[close]
    order = np.argsort(site, kind="stable")
    row, site, offset = row[order], site[order], offset[order]
    per_site = np.bincount(site, minlength=len(network.positions))
    rank = np.arange(len(site)) - np.repeat(np.cumsum(per_site) - per_site, per_site)
    path = np.full((per_site.max(), len(network.positions)), -1)
    start = np.zeros((*path.shape, 3))
    path[rank, site], start[rank, site] = row, offset
    return path, start
