"""Orderings of production that were sampled with the potential: what their chains say, beside their figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlmd.config.run_config import RunConfig
from dlmd.run import targets, tree
from dlmd.run.results import LevelResults


def records(cfg: RunConfig, results: LevelResults) -> dict[int, Path]:
    """Replica -> record of its chain, of those that the run has made."""
    numbers = range(len(targets.production_runs(cfg)))
    paths = {k: results.path(tree.SWAPS, k=k) for k in numbers}
    return {k: path for k, path in paths.items() if path.exists()}


def sentences(cfg: RunConfig, results: LevelResults) -> list[str]:
    """One for every replica."""
    return [
        f"r{k}: {sentence(json.loads(path.read_text(encoding='utf-8')))}"
        for k, path in records(cfg, results).items()
    ]


def sentence(record: Mapping[str, Any]) -> str:
    """Acceptance, convergence and the largest change of an occupancy, of one chain."""
    accepted, tried = sum(record["accepted"].values()), sum(record["tried"].values())
    text = (
        f"{record['sweeps']} sweeps at {record['temperature_k']:g} K, {accepted:,} of {tried:,} swaps accepted "
        f"({accepted / max(tried, 1):.1%}); over the last {record['sweeps_counted']} sweeps the energy drifts by "
        f"{record['drift_ev']:+.3g} ± {record['drift_standard_error_ev']:.2g} eV"
    )
    rows = record["occupancies"]
    if not rows:
        return text
    most = max(rows, key=lambda row: abs(row["mean_occupancy"] - row["refined_occupancy"]))
    return (
        f"{text}; {most['species']} on {most['site']} is {most['mean_occupancy']:.3f} ± {most['standard_error']:.3f} "
        f"where {most['refined_occupancy']:.3f} was asked for, the largest change"
    )
