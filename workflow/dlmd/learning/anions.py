"""Explored frames in which anions have met: the start's potential is too soft to hold the host together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dlmd.validation.met_anions import bonded_pairs

if TYPE_CHECKING:
    from dlmd.learning.exploration import Explored


def met(runs: Sequence[Explored], sources: Sequence[Mapping]) -> np.ndarray:
    """(frames,) whether anions are bonded with one another that the crystal keeps apart, over all frames of all runs.

    A crystal may have such bonds of its own (disulfides, peroxides): counted is what a frame has more of than the frame of the
    same cell that has fewest.

    Parameters
    ----------
    sources
        Of every run `cell`, and `anions`, the elements of a negative charge.
    """
    from ase import Atoms

    numbers = []
    for run, source in zip(runs, sources, strict=True):
        frames = (Atoms(run.symbols, positions=p, cell=run.cell, pbc=True) for p in run.positions)
        numbers.append(np.array([len(bonded_pairs(a, source["anions"])) for a in frames], int))
    fewest: dict[str, int] = {}
    for found, source in zip(numbers, sources, strict=True):
        if len(found):
            fewest[source["cell"]] = min(fewest.get(source["cell"], int(found.min())), int(found.min()))
    more = [found > fewest.get(source["cell"], 0) for found, source in zip(numbers, sources, strict=True)]
    return np.concatenate(more) if more else np.zeros(0, bool)
