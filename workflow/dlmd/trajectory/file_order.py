"""The order of files of single frames: by their steps, whatever the order in which a shell lists them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlmd.trajectory.frame_readers import identify


def in_order(sources: Sequence[Any]) -> tuple[list[Any], bool]:
    """Files of single frames by the numbers in their names, where a shell has listed them, and whether that changed their order.

    The numbers are steps of the files, or the files have none and come in the order of a shell (1, 10, 2).
    """
    found = list(sources)
    if len(found) < 2 or not all(isinstance(source, Path) for source in found):
        return found, False
    if any(_number(source) is None for source in found):
        return found, False
    ordered = sorted(found, key=lambda path: _number(path) or 0)
    if ordered == found:
        return found, False
    ends = [(_steps(path), _number(path)) for path in (found[0], found[-1])]
    by_step = all(steps == [number] for steps, number in ends)
    listed = found == sorted(found, key=str) and all(steps == [None] for steps, _ in ends)
    return (ordered, True) if by_step or listed else (found, False)


def _number(path: Path) -> int | None:
    """The last whole number in a file's name."""
    numbers = re.findall(r"\d+", path.name)
    return int(numbers[-1]) if numbers else None


def _steps(path: Path) -> list[int | None]:
    """Steps of the first two frames of a file, None for those of frames that count no steps."""
    kind = identify(path)
    frames = [frame for _, frame in zip(range(2), kind.read(path), strict=False)]
    return [frame.step if kind.counts_steps or frame.counts_steps else None for frame in frames]
