"""The order of the files of one run: by the numbers in their names, whatever the order in which a shell lists them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlmd.trajectory.frame_readers import identify


def in_order(sources: Sequence[Any]) -> tuple[list[Any], bool]:
    """Files by the numbers in their names, where a shell has listed them, and whether that changed their order.

    The numbers are steps of files of single frames, or the files come in the order of a shell (1, 10, 2) and have no steps,
    or steps that go up with the numbers.
    """
    found = list(sources)
    if len(found) < 2 or not all(isinstance(source, Path) for source in found):
        return found, False
    if any(_number(source) is None for source in found):
        return found, False
    by_step = sorted(found, key=lambda path: _number(path) or 0)
    counted = sorted(found, key=natural)
    if found == by_step == counted:
        return found, False
    ends = [(_steps(path), _number(path)) for path in (found[0], found[-1])]
    if all(steps == [number] for steps, number in ends):
        return by_step, by_step != found
    listed = counted != found and found == sorted(found, key=str)
    return (counted, True) if listed and _may_follow(counted) else (found, False)


def natural(path: Path) -> list[tuple[int, str]]:
    """A key that sorts paths as people count: md.2 before md.10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", str(path))]


def _may_follow(files: Sequence[Path]) -> bool:
    """Whether the files, in this order, have no steps, or none begins before the one before it does."""
    firsts = [steps[0] if steps else None for steps in map(_steps, files)]
    known = [step for step in firsts if step is not None]
    return not known or (len(known) == len(firsts) and known == sorted(known))


def _number(path: Path) -> int | None:
    """The last whole number in a file's name."""
    numbers = re.findall(r"\d+", path.name)
    return int(numbers[-1]) if numbers else None


def _steps(path: Path) -> list[int | None]:
    """Steps of the first two frames of a file, None for those of frames that count no steps."""
    kind = identify(path)
    frames = [frame for _, frame in zip(range(2), kind.read(path), strict=False)]
    return [frame.step if kind.counts_steps or frame.counts_steps else None for frame in frames]
