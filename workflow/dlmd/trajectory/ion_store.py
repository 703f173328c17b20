"""What is kept of a trajectory while it is read: mobile ions in a temporary file, of the host its centre and a sample."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.trajectory.atom_sample import AtomSample
from dlmd.trajectory.cells import EmptySpace
from dlmd.trajectory.frame_sources import MappedFrames
from dlmd.trajectory.host import HostHealth, host_health
from dlmd.trajectory.unwrapping import Place, Unwrapper

# The host's positions are kept for so many frames at most, thinned out evenly.
_HEALTH_FRAMES = 400
# All atoms are kept at so many frames at most, for distribution functions.
SAMPLE_FRAMES = 60
# Frames that go to the temporary file together.
_WRITTEN_AT_ONCE = 64


@dataclass
class _HostSample:
    """Host positions at every `every`-th frame, thinned out whenever there are too many."""

    every: int = 1
    seen: int = 0

    def __post_init__(self) -> None:
        self.frames: list[int] = []
        self.positions: list[np.ndarray] = []
        self.centres: list[np.ndarray] = []

    def add(self, positions: np.ndarray, centre: np.ndarray) -> None:
        if self.seen % self.every == 0:
            self.frames.append(self.seen)
            self.positions.append(positions.astype(np.float32))
            self.centres.append(centre)
        self.seen += 1
        if len(self.positions) > _HEALTH_FRAMES:
            self.frames, self.positions, self.centres = (
                self.frames[::2],
                self.positions[::2],
                self.centres[::2],
            )
            self.every *= 2

    def cut(self, n_frames: int) -> None:
        """Forget all frames from number `n_frames` on."""
        keep = sum(frame < n_frames for frame in self.frames)
        self.frames, self.positions, self.centres = (
            self.frames[:keep],
            self.positions[:keep],
            self.centres[:keep],
        )
        self.seen = n_frames


class IonStore:
    """Unwrapped mobile ions in a temporary file; the host's centre of mass and a sample of its positions in memory.

    The ions stay in the user's file, `mapped`, as long as they are there as they are stored here: frame by frame, and unwrapped.
    """

    def __init__(
        self,
        *,
        symbols: Sequence[str],
        mobile: np.ndarray,
        cell: np.ndarray,
        wrapped: bool | None,
        mapped: MappedFrames | None = None,
        origin: np.ndarray | None = None,
    ):
        from ase.data import atomic_masses, atomic_numbers

        self.symbols, self.mobile = symbols, mobile
        host = np.ones(len(symbols), dtype=bool)
        host[mobile] = False
        self._host = np.flatnonzero(host)
        self.host_symbols = [s for s, of_host in zip(symbols, host, strict=True) if of_host]
        self.masses = np.array([atomic_masses[atomic_numbers[s]] for s in symbols])
        self.host_masses = self.masses[self._host]
        self._weights = self.host_masses / self.host_masses.sum() if len(self._host) else self.host_masses
        self.n_host = len(self._host)
        self.cell = cell
        self.unwrap = Unwrapper(cell, wrapped=wrapped, origin=origin)
        self.empty = EmptySpace(cell)
        self._sample = _HostSample()
        self._centres: list[np.ndarray] = []
        self.cells: list[np.ndarray] = []
        self._file = tempfile.TemporaryFile()
        self._waiting: list[np.ndarray] = []
        self._mapped = mapped
        self.n_frames = 0

    def add(self, positions: np.ndarray, place: Place | None = None) -> np.ndarray:
        """Add a frame (atoms, 3); `place` where its cell is not that of the first. Returns its unwrapped positions."""
        unwrapped = self.unwrap(positions, place)
        if self._mapped is not None and (self.unwrap.crossings or place is not None):
            self._copy()
        if self._mapped is None:
            self._waiting.append(np.ascontiguousarray(unwrapped.T[:, self.mobile], dtype="<f4"))
        if len(self._waiting) == _WRITTEN_AT_ONCE:
            self._write()
        if self.n_host:
            host = unwrapped[self._host]
            centre = self._weights @ host
            self._centres.append(centre)
            self._sample.add(host, centre)
        if self.n_frames % 10 == 0:
            # ions that have left a slab are no material
            self.empty.add(unwrapped[self._host] if self.n_host else unwrapped)
        self.cells.append(self.cell if place is None else place.cell)
        self.n_frames += 1
        return unwrapped

    def _copy(self) -> None:
        """Copy the frames so far from the user's file to the temporary one, from which on they differ."""
        assert self._mapped is not None
        for start in range(0, self.n_frames, _WRITTEN_AT_ONCE):
            stop = min(start + _WRITTEN_AT_ONCE, self.n_frames)
            self._file.write(np.ascontiguousarray(self._mapped.planes(start, stop, 0, len(self.mobile))).data)
        self._mapped = None

    def _write(self) -> None:
        """Write the frames that wait to the file."""
        if self._waiting:
            self._file.write(np.stack(self._waiting).data)
            self._waiting = []

    def ions_at(self, frame: int) -> np.ndarray:
        """(ions, 3) unwrapped mobile ions of a frame that was added."""
        return self.source().planes(frame, frame + 1, 0, len(self.mobile))[0].T.astype(np.float64)

    def cut(self, n_frames: int) -> None:
        """Forget all frames from number `n_frames` on (at least one stays)."""
        if self._mapped is not None:
            self._copy()
        self.unwrap.go_back(self.mobile, self.ions_at(n_frames - 1))
        self._write()
        self._file.seek(12 * len(self.mobile) * n_frames)
        self._file.truncate()
        self._centres, self.cells = self._centres[:n_frames], self.cells[:n_frames]
        self._sample.cut(n_frames)
        self.n_frames = n_frames

    def source(self) -> MappedFrames:
        """The mobile ions, in Å of the first cell."""
        if self._mapped is not None:
            self._mapped.n_frames = self.n_frames
            return self._mapped
        self._write()
        self._file.flush()
        n_ions = len(self.mobile)
        return MappedFrames(
            self._file,
            n_ions=n_ions,
            n_frames=self.n_frames,
            offset=0,
            record_bytes=12 * n_ions,
            lead=0,
            gap=0,
        )

    def host_centre(self) -> np.ndarray | None:
        """(frames, 3), Å of the first cell; None without a host."""
        return np.array(self._centres) if self.n_host else None

    def host_sample(self) -> tuple[np.ndarray, np.ndarray]:
        """(frames, atoms, 3) positions of the host at some frames and (frames, 3) its centre there, in Å of the first cell."""
        return np.array(self._sample.positions), np.array(self._sample.centres)

    def atoms(self, at_most: int = SAMPLE_FRAMES) -> AtomSample:
        """All atoms at some frames, evenly over the run, in Å of the first cell."""
        picked = range(0, len(self._sample.frames), max(1, -(-len(self._sample.frames) // at_most)))
        numbers = [self._sample.frames[i] for i in picked]
        if not self.n_host:
            numbers = list(range(0, self.n_frames, max(1, -(-self.n_frames // at_most))))
        positions = np.empty((len(numbers), len(self.symbols), 3), dtype=np.float32)
        for row, number in enumerate(numbers):
            positions[row, self.mobile] = self.ions_at(number)
            if self.n_host:
                positions[row, self._host] = self._sample.positions[picked[row]]
        return AtomSample(positions, list(self.symbols), np.array(numbers), self.mobile)

    def host_amplitudes(self) -> dict[str, float]:
        """By species of the host, median over its atoms of the rms of one component of the distance from the mean place, Å."""
        if not self.n_host:
            return {}
        positions, centres = self.host_sample()
        variance = (positions - centres[:, None]).var(axis=0).mean(axis=1)
        names = np.array(self.host_symbols)
        return {kind: float(np.median(variance[names == kind]) ** 0.5) for kind in sorted(set(names))}

    def health(self, to_mean_cell: np.ndarray | None, cell: np.ndarray) -> HostHealth | None:
        """Health of the host in the mean (3, 3) cell; None without a host."""
        if not self.n_host:
            return None
        positions, centres = self.host_sample()
        if to_mean_cell is not None:
            positions, centres = positions @ to_mean_cell, centres @ to_mean_cell
        return host_health(positions, centres, self.host_symbols, cell=cell)
