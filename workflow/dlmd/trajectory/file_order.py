"""The order of files of single frames: by their steps, whatever the order in which a shell lists them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlmd.trajectory.frame_readers import identify


def in_order(sources: Sequence[Any]) -> tuple[list[Any], bool]:
    """Files of single frames (one per step, as a shell lists them) by step, and whether that changed their order."""
    found = list(sources)
    if len(found) < 2 or not all(isinstance(source, Path) for source in found):
        return found, False
    numbers = [_number(source) for source in found]
    if any(number is None for number in numbers):
        return found, False
    ordered = sorted(found, key=lambda path: _number(path) or 0)
    if ordered == found or not all(_single_step(path) == _number(path) for path in (found[0], found[-1])):
        return found, False
    return ordered, True


def _number(path: Path) -> int | None:
    """The last whole number in a file's name."""
    numbers = re.findall(r"\d+", path.name)
    return int(numbers[-1]) if numbers else None


def _single_step(path: Path) -> int | None:
    """Step of the only frame of a file that counts steps; None for any other file."""
    kind = identify(path)
    if not kind.counts_steps:
        return None
    steps = [frame.step for _, frame in zip(range(2), kind.read(path), strict=False)]
    return steps[0] if len(steps) == 1 else None
