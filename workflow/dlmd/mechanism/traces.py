"""Traces of representative ions, picked by a rule: one that moves within a layer, one that moves between layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.mechanism.hops import Hops
from dlmd.mechanism.site_network import SiteNetwork
from dlmd.trajectory.trajectory import Trajectory

VERSION = 1

MOST_POINTS = 1500
RULES = {
    "within a layer": "of the ions that hop and never leave their layer, the one that gets farthest from its first site",
    "between layers": "of the ions that change layers, the one that gets through most layers, then the one that gets farthest",
    "farthest": "the ion that gets farthest from its first site",
}


@dataclass(frozen=True)
class Trace:
    """One ion's way.

    Attributes
    ----------
    kind
        Key of `RULES`.
    run, ion
        Which one, counted from 0.
    time_ps
        (n,).
    positions
        (n, 3), Å, unwrapped, relative to the host's centre of mass.
    hops, layers
        Number of its hops, and of layers that it was in.
    """

    kind: str
    run: int
    ion: int
    time_ps: np.ndarray
    positions: np.ndarray
    hops: int
    layers: int


def pick(networks: Sequence[SiteNetwork], runs: Sequence[Hops]) -> dict[str, tuple[int, int]]:
    """Run and ion of every kind of trace that there is."""
    layered = networks[0].lattice.stacking is not None
    best: dict[str, tuple[tuple, tuple[int, int]]] = {}
    for number, run in enumerate(runs):
        for ion in np.unique(run.ion):
            mine = run.ion == ion
            reach, levels = _reach(run, mine)
            kind = "farthest" if not layered else ("within a layer" if levels == 1 else "between layers")
            score = (levels, reach) if kind == "between layers" else (reach,)
            if kind not in best or score > best[kind][0]:
                best[kind] = (score, (number, int(ion)))
    return {kind: place for kind, (_, place) in best.items()}


def _reach(run: Hops, mine: np.ndarray) -> tuple[float, int]:
    """Farthest distance from the first site in Å, and the number of layers visited."""
    away = np.cumsum(run.vector_a[mine], axis=0)
    level = np.concatenate([[0], np.cumsum(run.layers[mine])])
    return float(np.linalg.norm(away, axis=1).max()), int(np.ptp(level)) + 1


def follow(
    places: dict[str, tuple[int, int]], trajectories: Sequence[Trajectory], runs: Sequence[Hops]
) -> list[Trace]:
    """The traces of the ions picked, thinned to at most 1500 points."""
    out = []
    for kind in RULES:
        if kind not in places:
            continue
        number, ion = places[kind]
        trajectory, run = trajectories[number], runs[number]
        stride = -(-trajectory.n_frames // MOST_POINTS)
        positions = trajectory.source.planes(0, trajectory.n_frames, ion, ion + 1)[::stride, :, 0].astype(
            float
        )
        if trajectory.host_centre is not None:
            positions = positions - trajectory.host_centre[::stride]
        mine = run.ion == ion
        out.append(
            Trace(
                kind=kind,
                run=number,
                ion=ion,
                time_ps=np.arange(len(positions)) * stride * trajectory.frame_interval_ps,
                positions=positions,
                hops=int(mine.sum()),
                layers=_reach(run, mine)[1],
            )
        )
    return out
