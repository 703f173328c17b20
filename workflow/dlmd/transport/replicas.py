"""Runs that are averaged are of one system."""

from __future__ import annotations

from collections.abc import Sequence

from dlmd.base.errors import DlmdError
from dlmd.trajectory.trajectory import Trajectory

# Mean volumes of two runs of one system agree to this share.
_VOLUME = 1e-3


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
