"""The same run twice is no second run: its interval would be too narrow, and its point would count double."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlmd.base.errors import DlmdError

if TYPE_CHECKING:
    from dlmd.trajectory.trajectory import Trajectory

# Frames at which two runs are compared, evenly over the shorter one.
_FRAMES = 16
# Ions of two runs that are no further apart (Å) at all of these are the same, rounded differently.
_SAME_A = 2e-3
_REMEDY = "give each run once"


def refuse_same_files(runs: Sequence[Sequence[Path]]) -> None:
    """Raises DlmdError where two runs have a trajectory file in common, by its content."""
    from dlmd.base.provenance import file_record

    seen: dict[tuple, tuple[int, Path]] = {}
    for number, files in enumerate(runs):
        for path in files:
            beside = path.with_suffix(".dcd")
            record = file_record(beside if path.suffix == ".json" and beside.is_file() else path)
            content = tuple(str(value) for key, value in record.items() if key != "path")
            first, name = seen.setdefault(content, (number, path))
            if first != number:
                raise DlmdError(f"the same run twice: {name} and {path}", remedy=_REMEDY)


def refuse_same_frames(trajectories: Sequence[Trajectory]) -> None:
    """Raises DlmdError where the ions of two runs go the same way, whatever the files."""
    for number, one in enumerate(trajectories):
        for other in trajectories[:number]:
            if _same(one, other):
                raise DlmdError(f"the same run twice: {other.label} and {one.label}", remedy=_REMEDY)


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


def refuse_same_results(results: Sequence[Mapping], names: Sequence[str | Path]) -> None:
    """Raises DlmdError where two results are of the same files, or are one result."""
    seen: dict[object, str] = {}
    for result, name in zip(results, names, strict=True):
        inputs = result.get("provenance", {}).get("inputs", [])
        contents = frozenset(
            tuple(str(value) for key, value in record.items() if key != "path") for record in inputs
        )
        for what in (Path(name).resolve(), contents):
            if what and seen.setdefault(what, str(name)) != str(name):
                raise DlmdError(f"the same run twice: {seen[what]} and {name}", remedy=_REMEDY)
    if len({str(name) for name in names}) < len(names):
        raise DlmdError("the same result twice", remedy=_REMEDY)
