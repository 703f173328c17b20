"""Frames of a `dlmd.trajectory.trajectory.Trajectory`: arrays in memory, records of a binary file, or several of these."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Protocol

import numpy as np


class FrameSource(Protocol):
    """Positions in Å by frame, axis and ion."""

    n_frames: int
    n_ions: int
    dtype: np.dtype
    frame_bytes: int

    def planes(self, start: int, stop: int, first: int, last: int) -> np.ndarray:
        """Frames [start, stop) of ions [first, last): shape (frames, 3, ions); to be read, since it may be the source itself."""
        ...


class ArrayFrames:
    """A source in memory, from positions (frames, ions, 3)."""

    def __init__(self, positions: np.ndarray):
        self._planes = positions.transpose(0, 2, 1)
        self.n_frames, self.n_ions = positions.shape[:2]
        self.dtype = positions.dtype
        self.frame_bytes = positions.itemsize * 3 * self.n_ions

    def planes(self, start: int, stop: int, first: int, last: int) -> np.ndarray:
        return self._planes[start:stop, :, first:last]


class MappedFrames:
    """A source (frames, 3, ions) in a binary file of equal records, each with x, y and z of all ions as three float32 arrays.

    Parameters
    ----------
    path
        The file, or an open file object (a temporary file).
    offset, record_bytes, n_frames
        Where the first record starts, its length, and the number of records.
    lead, gap
        Bytes before x, and between x and y (and y and z), within a record: DCD's record marks.
    """

    dtype = np.dtype("<f4")

    def __init__(
        self,
        path: Path | IO[bytes],
        *,
        n_ions: int,
        n_frames: int,
        offset: int,
        record_bytes: int,
        lead: int,
        gap: int,
    ):
        self._path, self._offset = path, offset
        self._lead, self._stride = lead // 4, n_ions + gap // 4
        self.n_frames, self.n_ions, self.frame_bytes = n_frames, n_ions, record_bytes

    def planes(self, start: int, stop: int, first: int, last: int) -> np.ndarray:
        words = np.memmap(
            self._path,
            dtype=self.dtype,
            mode="r",
            offset=self._offset + start * self.frame_bytes,
            shape=(stop - start, self.frame_bytes // 4),
        )
        # the three arrays of a record where they lie: nothing is copied
        size = self.dtype.itemsize
        return np.ndarray(
            (stop - start, 3, last - first),
            dtype=self.dtype,
            buffer=words,
            offset=size * (self._lead + first),
            strides=(self.frame_bytes, size * self._stride, size),
        )


class MappedInCell:
    """A source whose positions are taken to another cell by a (3, 3) linear map, applied from the right to positions in rows."""

    def __init__(self, source: FrameSource, matrix: np.ndarray):
        self._source, self._matrix = source, matrix
        self.n_frames, self.n_ions = source.n_frames, source.n_ions
        self.dtype, self.frame_bytes = source.dtype, source.frame_bytes

    def planes(self, start: int, stop: int, first: int, last: int) -> np.ndarray:
        planes = self._source.planes(start, stop, first, last)
        return np.einsum("fai,ab->fbi", planes, self._matrix).astype(self.dtype)


class ChosenIons:
    """Ions of a source in an order of their own, (ions,) indices."""

    def __init__(self, source: FrameSource, index: np.ndarray):
        self._source, self._index = source, index
        self.n_frames, self.n_ions = source.n_frames, len(index)
        self.dtype, self.frame_bytes = source.dtype, source.frame_bytes

    def planes(self, start: int, stop: int, first: int, last: int) -> np.ndarray:
        """As `FrameSource.planes`: (frames, 3, ions)."""
        index = self._index[first:last]
        low, high = (int(index.min()), int(index.max()) + 1) if len(index) else (0, 0)
        return self._source.planes(start, stop, low, high)[:, :, index - low]


class ScaledIons:
    """A source with the positions about a centre (frames, 3), of each ion times its factor (ions,)."""

    def __init__(self, source: FrameSource, centre: np.ndarray, factors: np.ndarray):
        self._source, self._centre, self._factors = source, centre, factors
        self.n_frames, self.n_ions = source.n_frames, source.n_ions
        self.dtype, self.frame_bytes = source.dtype, source.frame_bytes

    def planes(self, start: int, stop: int, first: int, last: int) -> np.ndarray:
        """As `FrameSource.planes`: (frames, 3, ions)."""
        centre = self._centre[start:stop, :, None]
        planes = self._source.planes(start, stop, first, last)
        return ((planes - centre) * self._factors[first:last] + centre).astype(self.dtype)


class IonRange:
    """Ions [first, last) of a source."""

    def __init__(self, source: FrameSource, first: int, last: int):
        self._source, self._first = source, first
        self.n_frames, self.n_ions = source.n_frames, last - first
        self.dtype, self.frame_bytes = source.dtype, source.frame_bytes

    def planes(self, start: int, stop: int, first: int, last: int) -> np.ndarray:
        """As `FrameSource.planes`: (frames, 3, ions)."""
        return self._source.planes(start, stop, self._first + first, self._first + last)


class FirstFrames:
    """The first frames of a source."""

    def __init__(self, source: FrameSource, n_frames: int):
        self._source = source
        self.n_frames, self.n_ions = n_frames, source.n_ions
        self.dtype, self.frame_bytes = source.dtype, source.frame_bytes

    def planes(self, start: int, stop: int, first: int, last: int) -> np.ndarray:
        """As `FrameSource.planes`: (frames, 3, ions)."""
        return self._source.planes(start, min(stop, self.n_frames), first, last)


class JoinedFrames:
    """Sources one after the other, (frames, 3, ions); `skips[i]` leading frames of source i are left out."""

    def __init__(self, parts: Sequence[FrameSource], skips: Sequence[int]):
        self._parts, self._skips = parts, skips
        self._ends = np.cumsum([part.n_frames - skip for part, skip in zip(parts, skips, strict=True)])
        self.n_frames, self.n_ions = int(self._ends[-1]), parts[0].n_ions
        self.dtype, self.frame_bytes = parts[0].dtype, parts[0].frame_bytes

    def planes(self, start: int, stop: int, first: int, last: int) -> np.ndarray:
        pieces = []
        while start < stop:
            i = bisect_right(self._ends, start)
            end = min(stop, int(self._ends[i]))
            shift = self._skips[i] - (int(self._ends[i - 1]) if i else 0)
            pieces.append(self._parts[i].planes(start + shift, end + shift, first, last))
            start = end
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
