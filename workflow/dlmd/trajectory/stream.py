"""Frames of all files in a row: their elements, and what gaps, repetitions and restarts there are."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.trajectory import library_frames
from dlmd.trajectory.cells import differs, same_lattice
from dlmd.trajectory.elements import assign
from dlmd.trajectory.file_order import in_order
from dlmd.trajectory.frame_readers import identify, mapped_ions
from dlmd.trajectory.frame_sources import MappedFrames
from dlmd.trajectory.frame_times import FrameTimes, same
from dlmd.trajectory.given_cell import Cells
from dlmd.trajectory.ion_store import IonStore
from dlmd.trajectory.overlaps import Overlaps
from dlmd.trajectory.text_frames import CutShort, Frame
from dlmd.trajectory.topology import Topology
from dlmd.trajectory.unwrapping import Place

# A file continues the one before it where its ions are not further from their last places than so many usual moves.
_SEAM_MOVES = 3.0
# Frames of a file from which its usual move is known.
_KNOWN_MOVES = 8
# Ions of two frames of one run that follow each other, or have the same step, are not further apart than this (rms).
_ONE_RUN_A = 1.5


class Stream:
    """Frames of all files in a row, checked.

    Attributes
    ----------
    cell, symbols, first, second
        Cell, elements, the first frame and the one after it, once these are read.
    spacing
        MD steps between frames, where the files count them.
    changes
        Whether the cell has changed.
    store
        Where the frames go; set by whoever consumes them, so that a restart can take back what it repeats.
    """

    def __init__(
        self,
        sources: Sequence[Any],
        *,
        topology: Topology | None,
        species: Sequence[str] | None,
        cells: Cells | None = None,
        trust: bool = False,
    ):
        self._topology, self._species, self._given_cells = topology, species, cells
        self._sources, self._sorted = in_order(sources)
        self.cell: np.ndarray | None = None
        self.symbols: list[str] | None = None
        self.first: Frame | None = None
        self.second: Frame | None = None
        self.spacing: int | None = None
        self.counts_steps = False
        self.store: IonStore | None = None
        self.changes = False
        self._last_cell: np.ndarray | None = None
        # steps of the frames since the counter last began anew, and the number of the first of them
        self._steps: list[int] = []
        self._steps_from = 0
        self._dropped = 0
        self._restarts: list[str] = []
        self._runs = 0
        self._notes: list[str] = []
        self._overlaps = Overlaps()
        # None where the user's times count, whatever the file's
        self._times = None if trust else FrameTimes()
        self._since_seam = 0

    def __iter__(self) -> Iterator[Frame]:
        before: Frame | None = None
        for source in self._sources:
            new_run = True
            by_format = isinstance(source, Path) and identify(source).counts_steps
            name = _name(source)
            for number, frame in enumerate(self._frames(source)):
                where = f"{name}, frame {number}"
                if not number:
                    numbered = frame.step is not None or self._times is None
                    self.counts_steps = (by_format and numbered) or frame.counts_steps or frame.by_time
                    self.spacing = self.spacing if self.counts_steps else None
                self._check(frame, where)
                if before is not None and (
                    self._repeats(frame, where) or not self._follows(before, frame, where, new_run=new_run)
                ):
                    before, new_run = frame, False
                    continue
                if before is not None and self.second is None:
                    self.second = frame
                self._steps.append(-1 if frame.step is None else frame.step)
                if not self.counts_steps:
                    self._overlaps.take(frame.positions, self._steps_from + len(self._steps) - 1)
                before, new_run = frame, False
                yield frame
            self._end_repetition(name, at_end=True)

    def _repeats(self, frame: Frame, where: str) -> bool:
        """Whether a frame without an MD step is one that was there before; the end of such a repetition is noted."""
        if self.counts_steps:
            return False
        if self._overlaps.repeats(frame.positions):
            return True
        self._end_repetition(where, at_end=False)
        return False

    def _end_repetition(self, where: str, *, at_end: bool) -> None:
        """Notes what a restart repeated, and forgets what the run before it had beyond; refuses a run that is there twice."""
        found = self._overlaps.end()
        if found is None or self.store is None:
            return
        first, beyond = found
        taken = self.store.n_frames
        if at_end or first == 0:
            raise DlmdError(
                f"repeats frames {first} to {beyond - 1}"
                + (" and ends there" if at_end else ", the beginning of the run"),
                where=where,
                remedy="give each file once, runs of their own with --replicas, and the parts of one run in their order",
            )
        self._restarts.append(
            f"frames {first} to {beyond - 1} are there twice (a restart): counted once"
            + (f", {taken - beyond} frames of the run before it left out" if taken > beyond else "")
        )
        self._runs += 1
        if taken > beyond:
            self.store.cut(beyond)
            self._overlaps.cut(beyond)
            del self._steps[max(0, beyond - self._steps_from) :]

    def _frames(self, source: Any) -> Iterator[Frame]:
        """Frames of one source; one that is cut short gives its whole frames and a note."""
        found = (
            identify(source).read(source) if isinstance(source, Path) else library_frames.of_object(source)
        )
        if self._times is not None:
            found = self._times.numbered(found, _name(source))
        number = 0
        try:
            for frame in found:
                number += 1
                if frame.note:
                    self._notes.append(frame.note)
                if self._given_cells is not None:
                    self._given_cells.give(frame, self.where)
                yield frame
        except CutShort as error:
            if not number:
                raise DlmdError(f"truncated: {error.what}", where=error.where, remedy=error.remedy) from error
            self._notes.append(
                f"{_name(source)} ends in the middle of a frame ({error.what}): its {number} whole frames are used"
            )

    def _follows(self, before: Frame, frame: Frame, where: str, *, new_run: bool) -> bool:
        """Whether the frame is a new one after `before`; takes back frames that a restart repeats."""
        restarted = frame.step is not None and before.step is not None and frame.step < before.step
        at_join = new_run or restarted
        repeated = same(frame, before)
        if repeated and (at_join or (frame.step is not None and frame.step == before.step)):
            self._dropped += 1
            if restarted:
                self._begin_again()
            return False
        if repeated and not self.counts_steps and self._overlaps.moved:
            # a restart that writes its first frame again; atoms that vibrate are nowhere twice
            self._dropped += 1
            return False
        if repeated:
            raise DlmdError("repeats the frame before it", where=where, remedy="remove the repetition")
        if restarted and not new_run and len(self._steps) == 1:
            raise DlmdError(
                f"{self._named(frame)} comes after {self._named(before)}: frames in no order",
                where=where,
                remedy="give the frames in the order of their times",
            )
        numbered = self.counts_steps and frame.step is not None and before.step is not None
        if numbered and (restarted or frame.step == before.step) and self._take_back(frame, where):
            return True
        if new_run:
            self._check_seam(frame, where)
        self._since_seam = 0 if new_run else self._since_seam + 1
        # numbers of frames start anew in every file, MD steps need not
        if not at_join or (self.counts_steps and not restarted):
            self._check_spacing(before, frame, where)
        self._runs += at_join
        if restarted:
            self._begin_again()
        return True

    def _check_seam(self, frame: Frame, where: str) -> None:
        """Raises DlmdError where the first frame of a file is no continuation of the file before it."""
        if self.store is None or self._since_seam < _KNOWN_MOVES:
            return
        apart, _, usual = self._distances(frame, None)
        if apart > max(_ONE_RUN_A, _SEAM_MOVES * usual):
            raise DlmdError(
                f"does not continue the file before it: ions jump {apart:.1f} Å (rms) from its last frame, {usual:.1f} Å between "
                "its frames",
                where=where,
                remedy="give the parts of one run in their order without gaps, and runs of their own with --replicas",
            )

    def _begin_again(self) -> None:
        self._steps_from += len(self._steps)
        self._steps = []

    def _take_back(self, frame: Frame, where: str) -> bool:
        """Forget the frames of a run that was killed from the step on at which its restart begins; False where the counter of
        steps began anew instead."""
        assert frame.step is not None
        if self.store is None or self.store.n_frames == 0:
            return False
        at = bisect_left(self._steps, frame.step)
        number = self._steps_from + at
        from_last, from_same, usual = self._distances(frame, number if at < len(self._steps) else None)
        number_of = "frame" if frame.by_time else "step"
        if min(from_same, from_last) > max(_ONE_RUN_A, 2.0 * usual):
            raise DlmdError(
                f"{self._named(frame)} comes after {number_of} {self._steps[-1]}, and continues neither it nor the earlier "
                f"one of that number (ions {min(from_same, from_last):.1f} Å away): another run",
                where=where,
                remedy="give runs of their own with --replicas, and the parts of one run in their order",
            )
        if from_last <= from_same and frame.step != self._steps[-1]:
            return False
        if number == 0:
            raise DlmdError(
                f"{self._named(frame)} repeats the whole run before it",
                where=where,
                remedy="give each run once, or runs of their own with --replicas",
            )
        dropped = self.store.n_frames - number
        self._restarts.append(
            f"{number_of}s {self._steps[at]} to {self._steps[-1]} are there twice (a restart): "
            f"counted once, as the restarted run has them, {dropped} frames of the run before it left out"
        )
        self.store.cut(number)
        self._steps = self._steps[:at]
        if self._steps and self.spacing and frame.step - self._steps[-1] != self.spacing:
            raise DlmdError(
                f"step {frame.step} follows step {self._steps[-1]}, but frames are {self.spacing} steps apart: missing frames",
                where=where,
                remedy="give a trajectory without gaps and repetitions",
            )
        return True

    def _distances(self, frame: Frame, number: int | None) -> tuple[float, float, float]:
        """How far (rms, Å) its ions are from the last frame's and from those of frame `number`, and from frame to frame."""
        store = self.store
        assert store is not None
        ions = store.unwrap.in_first_cell(frame.positions, self.place_of(frame))[store.mobile]
        last = store.ions_at(store.n_frames - 1)
        usual = store.unwrap.separation(last, store.ions_at(max(store.n_frames - 2, 0)))
        same = np.inf if number is None else store.unwrap.separation(ions, store.ions_at(number))
        return store.unwrap.separation(ions, last), same, usual

    def mapped(self, mobile: np.ndarray) -> MappedFrames | None:
        """The mobile ions (ions,) where they lie in the file, where that is possible; None otherwise."""
        if len(self._sources) != 1 or not isinstance(self._sources[0], Path):
            return None
        return mapped_ions(self._sources[0], mobile)

    def place_of(self, frame: Frame) -> Place | None:
        """Where a frame lies; None where its cell is that of the first frame."""
        assert frame.cell is not None and self.cell is not None and self._last_cell is not None
        if frame.cell is self.cell or np.array_equal(frame.cell, self.cell):
            return None
        self.changes |= differs(frame.cell, self.cell)
        self._last_cell = same_lattice(frame.cell, self._last_cell)
        return Place(self._last_cell, frame.cell, np.zeros(3) if frame.origin is None else frame.origin)

    def _check(self, frame: Frame, where: str) -> None:
        if not np.isfinite(frame.positions).all():
            raise DlmdError(
                "NaN or infinity among the positions",
                where=where,
                remedy="analyse the part before it: --end PS (Python: end_ps)",
            )
        if frame.cell is None:
            frame.cell = self._topology.cell if self._topology else None
        if frame.cell is None:
            raise DlmdError(
                "no cell",
                where=where,
                remedy="give a --topology that has one, or --cell A B C (CP2K: its .cell file)",
            )
        if self.first is None:
            self.first, self.cell, self._last_cell = frame, frame.cell, frame.cell
            self.symbols, notes = assign(frame, topology=self._topology, species=self._species, where=where)
            self._notes += notes
            return
        self._check_system(frame, where)

    def _check_system(self, frame: Frame, where: str) -> None:
        assert self.symbols is not None and self.first is not None
        if len(frame.positions) != len(self.symbols):
            raise DlmdError(
                f"{len(frame.positions)} atoms, {len(self.symbols)} in the first frame",
                where=where,
                remedy="give frames with a constant number of atoms, or analyse the part before it: --end PS (Python: end_ps)",
            )
        if (frame.symbols and frame.symbols != self.first.symbols) or (
            frame.types is not None
            and (self.first.types is None or not np.array_equal(frame.types, self.first.types))
        ):
            raise DlmdError(
                "the elements come in another order than in the first frame",
                where=where,
                remedy="sort the atoms by id",
            )

    @staticmethod
    def _named(frame: Frame) -> str:
        return f"time {frame.time:.6g}" if frame.by_time else f"step {frame.step}"

    def _check_spacing(self, before: Frame, frame: Frame, where: str) -> None:
        if frame.step is None or before.step is None:
            return
        spacing = frame.step - before.step
        if self.spacing is None:
            self.spacing = spacing
        if spacing != self.spacing or spacing == 0:
            apart = (
                f"frames are {self._times.interval:.6g} apart"
                if frame.by_time and self._times
                else (f"frames are {self.spacing} steps apart")
            )
            raise DlmdError(
                f"{self._named(frame)} follows {self._named(before)}, but {apart}: "
                f"{'missing' if spacing > self.spacing else 'repeated'} frames",
                where=where,
                remedy="give a trajectory without gaps and repetitions",
            )

    @property
    def types(self) -> np.ndarray | list[str] | None:
        """(atoms,) LAMMPS types or their labels, of the file or of the topology, where there are any."""
        if self.first is not None and self.first.types is not None:
            return self.first.types
        if self.first is not None and self.first.labels:
            return self.first.symbols
        return None if self._topology is None else self._topology.types

    def is_wrapped(self, given: bool | None) -> bool | None:
        """What is known: the user's word first, then the file's."""
        if given is None and self.first is not None and self.first.unwrapped:
            return False
        return given

    @property
    def where(self) -> str:
        """What to name in an error about the whole."""
        return _name(self._sources[0])

    def notes(self) -> list[str]:
        """What was noticed, one sentence each."""
        notes = list(dict.fromkeys(self._notes))
        if self._sorted:
            notes.append(f"{len(self._sources)} files taken in the order of their numbers")
        elif self._runs or len(self._sources) > 1:
            notes.append(f"{len(self._sources)} file(s) with {self._runs + 1} run(s) taken in a row")
        if self._dropped:
            notes.append(f"{self._dropped} repeated frame(s) at the joins counted once")
        return notes + self._restarts


def _name(source: Any) -> str:
    return str(source) if isinstance(source, Path) else type(source).__name__
