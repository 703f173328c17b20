"""Runs that are averaged are of one system, and each is there once: the same run twice would make intervals too narrow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.trajectory.trajectory import Trajectory

# Mean volumes of two runs of one system agree to this share.
_VOLUME = 1e-3
# Frames at which two runs are compared, evenly over the shorter one.
_FRAMES = 16
# Ions of two runs that are no further apart (Å) at all of these are the same, rounded differently.
_SAME_A = 2e-3


def runs_of(trajectories: Sequence[Trajectory]) -> list[Trajectory]:
    """The runs as a list.

    Raises
    ------
    DlmdError
        for none, for one that is not in a list, and for what is no `Trajectory`.
    """
    if isinstance(trajectories, Trajectory):
        raise DlmdError("one trajectory, where a list of runs is meant", remedy="give [trajectory]")
    runs = list(trajectories)
    if not runs:
        raise DlmdError("no trajectory given", remedy="name at least one")
    for run in runs:
        if not isinstance(run, Trajectory):
            raise DlmdError(
                f"a run of type {type(run).__name__}",
                remedy="give what dlmd.read_trajectory or Trajectory.from_arrays returns",
            )
    return runs


def require_one_system(trajectories: Sequence[Trajectory]) -> None:
    """That the runs have the same mobile ions, volume and, where they are known, atoms.

    Raises
    ------
    DlmdError
        where a run differs from the first.
    """
    first = trajectories[0]
    for run in trajectories[1:]:
        atoms = {frozenset(one.composition.items()) for one in (first, run) if one.composition}
        if run.mobile != first.mobile or abs(run.volume / first.volume - 1) > _VOLUME:
            differ = f"{run.mobile} in {run.volume:.2f} Å³ against {first.mobile} in {first.volume:.2f} Å³"
        elif len(atoms) > 1:
            differ = f"atoms {_counts(run.composition)} against {_counts(first.composition)}"
        else:
            continue
        raise DlmdError(f"replicas differ: {differ}", remedy="analyse different systems apart")


def _counts(composition: dict[str, int]) -> str:
    return " ".join(f"{count}*{name}" for name, count in composition.items())


def refuse_same_frames(trajectories: Sequence[Trajectory]) -> None:
    """Raises DlmdError where the ions of two runs go the same way, whatever the files."""
    for number, one in enumerate(trajectories):
        for other in trajectories[:number]:
            if _same(one, other):
                raise DlmdError(
                    f"the same run twice: {other.label} and {one.label}", remedy="give each run once"
                )


def _same(one: Trajectory, other: Trajectory) -> bool:
    shorter = min(one.n_frames, other.n_frames)
    if one.n_ions != other.n_ions or shorter < 2:
        return False
    starts = [run.source.planes(0, 1, 0, run.source.n_ions) for run in (one, other)]
    moved = 0.0
    for frame in np.unique(np.linspace(shorter - 1, 1, _FRAMES).astype(int))[::-1]:
        ways = [
            run.source.planes(int(frame), int(frame) + 1, 0, run.source.n_ions) - start
            for run, start in zip((one, other), starts, strict=True)
        ]
        if ways[0].shape != ways[1].shape or np.abs(ways[0] - ways[1]).max() > _SAME_A:
            return False
        moved = max(moved, float(np.abs(ways[0]).max()))
    # ions that never moved say nothing
    return moved > _SAME_A
