"""All atoms at some frames of segments, for distribution functions and the host's mean places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dlmd.trajectory.atom_sample import AtomSample
from dlmd.trajectory.ion_store import SAMPLE_FRAMES
from dlmd.trajectory.segments import all_atoms, read_sidecars
from dlmd.trajectory.trajectory import Trajectory


def with_atoms(trajectory: Trajectory, sidecars: Sequence[str | Path]) -> Trajectory:
    """The run of these segments with the atoms of some of its frames.

    Raises
    ------
    DlmdError
        as `dlmd.trajectory.segments.all_atoms` does.
    """
    first = read_sidecars(sidecars)[0][1]
    found = all_atoms(sidecars, max_frames=SAMPLE_FRAMES)
    frames, between = np.divmod(found.steps - first["first_step"], first["dcd_stride"])
    there = between == 0
    if not there.any():
        return trajectory
    atoms = AtomSample(
        positions=found.positions[there],
        symbols=found.symbols,
        frames=frames[there],
        mobile=np.array(first["ids"]) - 1,
    )
    composition = {kind: found.symbols.count(kind) for kind in sorted(set(found.symbols))}
    return replace(trajectory, atoms=atoms, composition=composition)
