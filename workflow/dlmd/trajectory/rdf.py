"""Radial distribution functions of all pairs, how far two sets of them differ, and van Hove functions; neighbours by freud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dlmd.base.errors import DlmdError
from dlmd.base.geometry import cell_widths

VERSION = 1
BIN_WIDTH_A = 0.05
# Longest distance unless a cell is too small for it.
R_MAX_A = 8.0


@dataclass(frozen=True)
class RdfSet:
    """RDFs of all pairs of species.

    Attributes
    ----------
    r_a
        (bins,) centres of the bins in Å.
    g
        By pair ("Cl-Li", the species in alphabetical order): (bins,) g(r), 1 for an ideal gas of any size.
    coordination
        By (centre, neighbour): (bins,) mean number of neighbours within the outer edge of each bin.
    """

    r_a: np.ndarray
    g: dict[str, np.ndarray]
    coordination: dict[tuple[str, str], np.ndarray]
    n_frames: int

    def first_peak_a(self, pair: str) -> float:
        """Position in Å of the highest value of g(r)."""
        return float(self.r_a[int(self.g[pair].argmax())])


def rdfs(
    frames: ArrayLike,
    symbols: Sequence[str],
    *,
    cell: ArrayLike,
    r_max_angstrom: float | None = None,
    bin_width_angstrom: float = BIN_WIDTH_A,
) -> RdfSet:
    """RDFs of all pairs of species, averaged over frames.

    With n_ab(r) ordered pairs in a shell of volume v(r), g_ab = V n_ab / (N_a N_b v), where N_a (N_a - 1) takes the place
    of N_a N_b for a = b, so that an ideal gas has g = 1.

    Parameters
    ----------
    frames
        (frames, atoms, 3), Å, wrapped or not.
    symbols
        (atoms,) species.
    cell
        (3, 3), Å, vectors in rows; any triclinic cell.
    r_max_angstrom
        At most half the cell's smallest width; by default 8 Å, or that half where it is less.

    Raises
    ------
    DlmdError
        for NaN, a number of atoms that differs from the symbols', or an `r_max_angstrom` above half the smallest width.
    """
    frames = np.asarray(frames)
    if frames.ndim != 3 or frames.shape[1:] != (len(symbols), 3) or not len(frames):
        raise DlmdError(
            f"frames have shape {frames.shape}, expected (frames, {len(symbols)}, 3)",
            remedy="give all atoms of every frame",
        )
    edges = _edges(np.asarray(cell, dtype=float), r_max_angstrom, bin_width_angstrom)
    kinds = sorted(set(symbols))
    index = np.array([kinds.index(s) for s in symbols])
    n_bins, n_kinds = len(edges) - 1, len(kinds)
    counts = np.zeros(n_kinds * n_kinds * n_bins)
    for frame in frames:
        query, points, distances = _neighbours(frame, frame, cell, edges[-1])
        at = np.minimum((distances / (edges[1] - edges[0])).astype(np.int64), n_bins - 1)
        counts += np.bincount((index[query] * n_kinds + index[points]) * n_bins + at, minlength=len(counts))
    counts = counts.reshape(n_kinds, n_kinds, n_bins) / len(frames)
    number = np.bincount(index)
    volume = abs(np.linalg.det(np.asarray(cell, dtype=float)))
    shells = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    g = {}
    for a, b in combinations_with_replacement(range(n_kinds), 2):
        pairs = number[a] * (number[b] - (a == b))
        if pairs:
            g[f"{kinds[a]}-{kinds[b]}"] = counts[a, b] * volume / (pairs * shells)
    coordination = {
        (kinds[a], kinds[b]): np.cumsum(counts[a, b]) / number[a]
        for a in range(n_kinds)
        for b in range(n_kinds)
    }
    return RdfSet(r_a=0.5 * (edges[1:] + edges[:-1]), g=g, coordination=coordination, n_frames=len(frames))


def mean(sets: Sequence[RdfSet]) -> RdfSet:
    """RDFs of several runs of one composition, weighted by their frames, over the bins that all have."""
    n = min(len(s.r_a) for s in sets)
    frames = sum(s.n_frames for s in sets)

    def weighted(name: str) -> dict[Any, np.ndarray]:
        first = getattr(sets[0], name)
        return {key: sum(s.n_frames * getattr(s, name)[key][:n] for s in sets) / frames for key in first}

    return RdfSet(
        r_a=sets[0].r_a[:n], g=weighted("g"), coordination=weighted("coordination"), n_frames=frames
    )


def difference(one: RdfSet, other: RdfSet) -> dict[str, Any]:
    """How far two sets of RDFs differ: 0 where they are equal, 1 where they nowhere overlap.

    For each pair  sum_r |g_1 - g_2| / sum_r (g_1 + g_2)  over the bins that both have (the Bray-Curtis dissimilarity,
    Ecol. Monogr. 27, 325 (1957); one minus it is the RDF score of Schran et al., PNAS 118, e2110077118 (2021)). Noise adds to
    it: compare with the difference between two halves of the reference.

    Returns
    -------
    {"pairs": {pair: value}, "mean": their mean, "worst": the pair that differs most, "r_max_a": longest distance compared}

    Raises
    ------
    DlmdError
        for different bins or different pairs.
    """
    n = min(len(one.r_a), len(other.r_a))
    if not np.allclose(one.r_a[:n], other.r_a[:n]):
        raise DlmdError(
            f"bins of {one.r_a[1] - one.r_a[0]:.4g} and {other.r_a[1] - other.r_a[0]:.4g} Å",
            remedy="use one bin width for both",
        )
    if one.g.keys() != other.g.keys():
        raise DlmdError(
            f"different pairs: {', '.join(sorted(one.g))} and {', '.join(sorted(other.g))}",
            remedy="compare like with like",
        )
    pairs = {
        pair: float(
            np.abs(one.g[pair][:n] - other.g[pair][:n]).sum()
            / max((one.g[pair][:n] + other.g[pair][:n]).sum(), 1e-300)
        )
        for pair in one.g
    }
    return {
        "pairs": pairs,
        "mean": float(np.mean(list(pairs.values()))),
        "worst": max(pairs, key=lambda pair: pairs[pair]),
        "r_max_a": float(one.r_a[n - 1] + 0.5 * (one.r_a[1] - one.r_a[0])),
    }


@dataclass(frozen=True)
class VanHove:
    """Van Hove functions of one species.

    Attributes
    ----------
    r_a
        (bins,), Å.
    lags_ps
        (n_lags,).
    self_per_a
        (n_lags, bins), 1/Å: 4 pi r² G_s(r, t), the distribution of distances that an ion has moved; integrates to the
        fraction that moved less than the last bin's edge.
    distinct
        (n_lags, bins): G_d(r, t) / density, of ions at t about another ion's place at 0; g(r) at t = 0, 1 for an ideal gas.
    """

    r_a: np.ndarray
    lags_ps: np.ndarray
    self_per_a: np.ndarray
    distinct: np.ndarray


def van_hove(
    positions: ArrayLike,
    *,
    cell: ArrayLike,
    frame_interval_ps: float,
    lags: Sequence[int],
    r_max_angstrom: float | None = None,
    bin_width_angstrom: float = BIN_WIDTH_A,
    origins: int = 50,
) -> VanHove:
    """Self and distinct van Hove functions of one species.

    Parameters
    ----------
    positions
        (frames, ions, 3), Å, unwrapped and relative to the host.
    lags
        Lags in frames.
    origins
        Number of time origins, evenly spaced, at most.

    Raises
    ------
    DlmdError
        for a lag outside the trajectory, fewer than two ions, or an `r_max_angstrom` above half the cell's smallest width.
    """
    positions = np.asarray(positions)
    n_frames, n_ions = positions.shape[:2]
    if n_ions < 2:
        raise DlmdError(f"{n_ions} ion(s), at least 2 are needed", remedy="choose a species with more atoms")
    if min(lags) < 0 or max(lags) >= n_frames:
        raise DlmdError(
            f"lags {min(lags)} to {max(lags)}, the trajectory has {n_frames} frames",
            remedy="choose shorter lags",
        )
    edges = _edges(np.asarray(cell, dtype=float), r_max_angstrom, bin_width_angstrom)
    width = edges[1] - edges[0]
    shells = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    density = (n_ions - 1) / abs(np.linalg.det(np.asarray(cell, dtype=float)))
    self_, distinct = np.zeros((len(lags), len(edges) - 1)), np.zeros((len(lags), len(edges) - 1))
    for row, lag in enumerate(lags):
        starts = np.unique(
            np.linspace(0, n_frames - 1 - lag, min(origins, n_frames - lag)).round().astype(int)
        )
        for start in starts:
            before, after = positions[start], positions[start + lag]
            self_[row] += np.histogram(np.linalg.norm(after - before, axis=1), bins=edges)[0]
            distinct[row] += np.histogram(_neighbours(before, after, cell, edges[-1])[2], bins=edges)[0]
        self_[row] /= len(starts) * n_ions * width
        distinct[row] /= len(starts) * n_ions * density * shells
    return VanHove(
        r_a=0.5 * (edges[1:] + edges[:-1]),
        lags_ps=np.asarray(lags) * frame_interval_ps,
        self_per_a=self_,
        distinct=distinct,
    )


def table(sets: Mapping[str, RdfSet]) -> tuple[list[str], np.ndarray]:
    """Columns (bins,) for a CSV file: r in Å, then g(r) of every pair of every named set, over the bins that all have."""
    n = min(len(s.r_a) for s in sets.values())
    names = [f"{pair} {label}" for label, s in sets.items() for pair in s.g]
    columns = [next(iter(sets.values())).r_a[:n], *(g[:n] for s in sets.values() for g in s.g.values())]
    return ["r_a", *names], np.stack(columns, axis=1)


def _edges(cell: np.ndarray, r_max_angstrom: float | None, bin_width_angstrom: float) -> np.ndarray:
    """Whole bins, so that cells of different size share them."""
    # freud wants less than half the width, in single precision
    half = 0.5 * float(cell_widths(cell).min()) * (1 - 1e-6)
    if r_max_angstrom is not None and r_max_angstrom > half:
        raise DlmdError(
            f"r_max {r_max_angstrom:g} Å is not below half the cell's smallest width ({half:.3f} Å)",
            remedy="choose a shorter one, or a larger cell",
        )
    longest = min(R_MAX_A, half) if r_max_angstrom is None else r_max_angstrom
    return np.arange(int(longest / bin_width_angstrom + 1e-9) + 1) * bin_width_angstrom


def _neighbours(
    points: np.ndarray, query_points: np.ndarray, cell: ArrayLike, r_max_angstrom: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Index of the query point, index of the point and distance of all pairs of different indices within `r_max_angstrom`."""
    import freud

    cell = np.asarray(cell, dtype=float)
    if not (np.isfinite(points).all() and np.isfinite(query_points).all()):
        raise DlmdError("NaN or infinity among the positions", remedy="look for an exploded run")
    # freud wants the first vector along x and the second in the xy plane: R of the QR decomposition, with a
    # positive diagonal; distances do not care for the rotation (or the mirror, for a left-handed cell)
    upper = np.linalg.qr(cell.T)[1]
    upper = upper * np.sign(np.diag(upper))[:, None]
    box = freud.box.Box.from_matrix(upper)
    inverse = np.linalg.inv(cell)

    def place(x: np.ndarray) -> np.ndarray:
        fractional = x @ inverse
        return ((fractional - np.floor(fractional) - 0.5) @ upper.T).astype(np.float32)

    pairs = (
        freud.locality.AABBQuery(box, box.wrap(place(points)))
        .query(box.wrap(place(query_points)), {"r_max": float(r_max_angstrom), "exclude_ii": True})
        .toNeighborList()
    )
    return pairs.query_point_indices, pairs.point_indices, pairs.distances
