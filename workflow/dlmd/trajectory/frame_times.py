"""Numbers of frames from their times, for files that count no MD steps: so that gaps and restarts show there as well."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.trajectory.text_frames import CutShort, Frame

# Part of the time between frames that is rounding of the file.
_ROUNDING = 0.2
# Two frames closer than this everywhere are one frame, rounded differently.
SAME_POSITION_A = 1e-4


class FrameTimes:
    """Numbers the frames of all files of a run by the first time between frames: `interval`, in the file's unit."""

    def __init__(self) -> None:
        self.interval: float | None = None
        self._first = 0.0
        self._before: tuple[int, float, np.ndarray] | None = None

    def numbered(self, frames: Iterator[Frame], where: str) -> Iterator[Frame]:
        """The frames, with `step` and `by_time` set where they have times and no steps.

        Steps that are the same for different frames count nothing, and are left out.

        Raises
        ------
        DlmdError
            for times that are not evenly spaced.
        """
        waiting: Frame | None = None
        number = -1
        useless = False
        try:
            for number, frame in enumerate(frames):
                if number == 0:
                    waiting = frame
                    continue
                if waiting is not None:
                    useless = self._begin(waiting, frame)
                    yield self._number(waiting, useless, where, 0)
                    waiting = None
                yield self._number(frame, useless, where, number)
        except CutShort:
            if waiting is not None:
                yield self._number(waiting, useless, where, 0)
            raise
        if waiting is not None:
            yield self._number(waiting, useless, where, 0)

    def _begin(self, first: Frame, second: Frame) -> bool:
        """Take the time between the first two frames, where there is none yet; whether their steps count nothing."""
        timed = first.time is not None and second.time is not None and second.time > first.time
        useless = timed and first.step is not None and first.step == second.step and not same(first, second)
        if timed and self.interval is None and (first.step is None or useless):
            assert first.time is not None and second.time is not None
            self.interval, self._first = second.time - first.time, first.time
        return useless

    def _number(self, frame: Frame, useless: bool, source: str, at: int) -> Frame:
        """Frame `at` of a source, with its number by its time where it needs one."""
        if useless:
            frame.step = None
        if frame.step is not None or self.interval is None or frame.time is None:
            return frame
        if self._before is None:
            number = (frame.time - self._first) / self.interval
        else:
            last, time, positions = self._before
            # from frame to frame, so that the rounding of the first interval does not add up
            passed = (frame.time - time) / self.interval
            mean = self.interval if last <= 0 else (time - self._first) / last
            number = last + passed if passed > 0 else (frame.time - self._first) / mean
            if abs(passed) < 0.5 and not _same(positions, frame.positions):
                raise self._uneven(frame, f"{source}, frame {at}")
        step = round(number)
        if abs(number - step) > _ROUNDING:
            raise self._uneven(frame, f"{source}, frame {at}")
        frame.step, frame.by_time = step, True
        self._before = (step, frame.time, frame.positions)
        return frame

    def _uneven(self, frame: Frame, where: str) -> DlmdError:
        before = "" if self._before is None else f" after {self._before[1]:.6g}"
        return DlmdError(
            f"the time {frame.time:.6g} comes{before}, but the first two frames are {self.interval:.6g} apart: uneven, or "
            "rounded",
            where=where,
            remedy="give a trajectory with equal times between frames; or --time-step, --stride and --trust-options, if only the "
            "file's times are wrong",
        )


def same(one: Frame, other: Frame) -> bool:
    """Whether two frames are one, rounded differently."""
    return _same(one.positions, other.positions)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    # one number decides nearly always
    if len(one) != len(other) or abs(float(one[0, 0]) - float(other[0, 0])) > SAME_POSITION_A:
        return False
    return bool(np.abs(one - other).max() <= SAME_POSITION_A)
