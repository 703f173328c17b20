"""Whether the labels that a potential was trained on reach the volumes that production runs at."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from dlmd.base.files import read_json
from dlmd.run import tree
from dlmd.run.results import LevelResults
from dlmd.training.input import WORK

# a third of a per cent in lengths, as much as a mean cell may err
SLACK = 0.01


def beyond_labels(results: LevelResults) -> list[str]:
    """In words, at which temperatures the cell is larger or smaller than that of any training label of its composition.

    Nothing is said where there are no such labels (a potential of one's own, another composition), which other checks tell.
    """
    cell = results.production_cell()
    path = results.path(tree.TRAINING_INPUT, m=0)
    if not cell or not path.exists():
        return []
    species = list(cell["masses_amu"])
    wanted = _composition(species[i - 1] for i in cell["types"])
    per_cell = len(cell["types"]) / math.prod(cell["repeat"])
    found = [volumes * per_cell for counts, volumes in _labelled(path) if counts == wanted]
    if not found:
        return []
    low, high = min(v.min() for v in found), max(v.max() for v in found)
    far = []
    rows = results.expansion.get("temperatures") or [{"temperature_k": 0, "unit_cell": cell["unit_cell"]}]
    for row in rows:
        volume = row["unit_cell"]["volume"]
        where = f" at {row['temperature_k']:g} K" if results.expansion else ""
        if volume > high * (1 + SLACK):
            far.append(f"{volume / high - 1:.1%} larger than the largest{where}")
        elif volume < low * (1 - SLACK):
            far.append(f"{1 - volume / low:.1%} smaller than the smallest{where}")
    if not far:
        return []
    return [
        f"production's cell is beyond the labels' ({low:.1f} to {high:.1f} Å³ per unit cell): {'; '.join(far)}. The potential "
        "extrapolates there: add labels of such cells (strains)"
    ]


def _composition(symbols: Iterable[str]) -> dict[str, int]:
    counts = Counter(symbols)
    divisor = math.gcd(*counts.values())
    return {symbol: n // divisor for symbol, n in counts.items()}


def _labelled(training_input: Path) -> Iterator[tuple[dict[str, int], np.ndarray]]:
    """Reduced composition, and volumes per atom (Å³, (frames,)), of every set of frames that the training has read."""
    for name in read_json(training_input)["training"]["training_data"]["systems"]:
        # textual, because the folder that the names are relative to is gone
        system = Path(os.path.normpath(training_input.parent / WORK / name))
        species = (system / "type_map.raw").read_text().split()
        types = np.loadtxt(system / "type.raw", dtype=int, ndmin=1)
        counts = _composition(species[i] for i in types)
        for box in sorted(system.glob("set.*/box.npy")):
            yield counts, np.abs(np.linalg.det(np.load(box).reshape(-1, 3, 3))) / len(types)
