"""Anybody's trajectory files as a `Trajectory`: elements, time, periodic images and the host's motion, each with a note."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.base.geometry import cell_widths
from dlmd.base.units import FS_PER_PS
from dlmd.trajectory.frame_readers import identify
from dlmd.trajectory.frame_sources import MappedFrames
from dlmd.trajectory.host import HostHealth, host_health
from dlmd.trajectory.text_frames import Frame
from dlmd.trajectory.topology import Topology, read_topology
from dlmd.trajectory.trajectory import Trajectory
from dlmd.trajectory.unwrapping import Unwrapper

# Relative change of the cell that is rounding of the file (XTC keeps seven digits) and not constant pressure.
_CELL_TOLERANCE = 1e-4
# Two frames closer than this everywhere are one frame, rounded differently.
_SAME_POSITION_A = 1e-4
# The host's positions are kept for so many frames at most, thinned out evenly.
_HEALTH_FRAMES = 400


def read(
    paths: Sequence[str | Path],
    *,
    mobile: str,
    time_step_fs: float | None = None,
    stride: int | None = None,
    topology: str | Path | None = None,
    species: Sequence[str] | None = None,
    temperature_k: float | None = None,
    wrapped: bool | None = None,
) -> Trajectory:
    """One trajectory from one file or several in a row (XDATCAR, vasprun.xml, extended XYZ, LAMMPS DCD, XTC or text dump).

    The positions of the mobile ions go to a temporary file (12 bytes per ion and frame), so that memory stays bounded.

    Parameters
    ----------
    mobile
        Symbol of the mobile ions; all other atoms are the host.
    time_step_fs, stride
        MD time step in fs, and MD steps between frames. A stride that the file records (dump, XTC) need not be given and
        must agree; vasprun.xml records both.
    topology
        File with the elements, for formats without (DCD, XTC, dumps with types only).
    species
        Elements in the order of the LAMMPS types, instead of a topology.
    wrapped
        Whether coordinates are wrapped into the cell; None to judge from the file.

    Raises
    ------
    DlmdError
        for files that are missing, empty, truncated, of an unknown format or of different systems; for an unknown species,
        NaN, a changing cell, missing or repeated frames, and periodic images that cannot be told.
    """
    files = [Path(p) for p in paths]
    if not files:
        raise DlmdError("no trajectory file", remedy="name at least one")
    known = read_topology(topology) if topology else None
    stream = _Stream(files, topology=known, species=species, stride=stride)
    store = None
    for frame in stream:
        assert stream.symbols is not None and stream.cell is not None  # of the first frame
        if store is None:
            store = _Store(
                symbols=stream.symbols,
                mobile=mobile,
                cell=stream.cell,
                wrapped=stream.is_wrapped(wrapped),
                where=str(files[0]),
            )
        store.add(frame.positions)
    if store is None or stream.cell is None:
        raise DlmdError("no frames", where=str(files[0]), remedy="look why the run wrote nothing")
    label = str(files[0]) + (f" to {files[-1].name}" if len(files) > 1 else "")
    notes = [store.unwrap.verdict(label), *stream.notes()]
    if not store.n_host:
        notes.append(f"the file holds {mobile} only: drift of the host is unknown and not removed")
    limit = None if wrapped is False else 0.5 * float(cell_widths(stream.cell).min())
    return Trajectory(
        source=store.source(),
        frame_interval_ps=stream.frame_interval_ps(time_step_fs),
        cell=stream.cell,
        mobile=mobile,
        host_centre=store.host_centre(),
        temperature_k=temperature_k,
        n_host_atoms=store.n_host,
        host=store.health(),
        step_limit_angstrom=limit,
        notes=notes,
        label=label,
    )


class _Stream:
    """Frames of all files in a row with their elements, checked for gaps, repetitions and changes of the system."""

    def __init__(
        self,
        paths: list[Path],
        *,
        topology: Topology | None,
        species: Sequence[str] | None,
        stride: int | None,
    ):
        self._paths, self._topology, self._species, self._stride = paths, topology, species, stride
        self.cell: np.ndarray | None = None
        self.symbols: list[str] | None = None
        self._first: Frame | None = None
        self._spacing: int | None = None
        self._counts_steps = False
        self._dropped = 0
        self._runs = 0

    def __iter__(self) -> Iterator[Frame]:
        before: Frame | None = None
        for path in self._paths:
            kind = identify(path)
            self._counts_steps = kind.counts_steps
            new_run = True
            self._spacing = None if not kind.counts_steps else self._spacing
            for number, frame in enumerate(kind.read(path)):
                where = f"{path}, frame {number}"
                self._check(frame, where)
                if before is not None:
                    restarted = (
                        frame.step is not None and before.step is not None and frame.step < before.step
                    )
                    at_join = new_run or restarted
                    repeated = _same(frame.positions, before.positions)
                    if repeated and (at_join or (frame.step is not None and frame.step == before.step)):
                        self._dropped += 1
                        before, new_run = frame, False
                        continue
                    if repeated:
                        raise DlmdError(
                            "repeats the frame before it", where=where, remedy="remove the repetition"
                        )
                    # numbers of frames start anew in every file, MD steps need not
                    if not at_join or (kind.counts_steps and not restarted):
                        self._check_spacing(before, frame, where)
                    self._runs += at_join
                before, new_run = frame, False
                yield frame

    def _check(self, frame: Frame, where: str) -> None:
        if not np.isfinite(frame.positions).all():
            raise DlmdError(
                "NaN or infinity among the positions", where=where, remedy="analyse the part before it"
            )
        cell = frame.cell if frame.cell is not None else (self._topology.cell if self._topology else None)
        if cell is None:
            raise DlmdError("no cell", where=where, remedy="give a --topology that has one")
        if self._first is None:
            self._first, self.cell = frame, cell
            self.symbols = self._elements(frame, where)
            return
        assert self.symbols is not None and self.cell is not None
        if len(frame.positions) != len(self.symbols):
            raise DlmdError(
                f"{len(frame.positions)} atoms, {len(self.symbols)} in the first frame",
                where=where,
                remedy="give frames of one system with a constant number of atoms",
            )
        if (frame.symbols and frame.symbols != self._first.symbols) or (
            frame.types is not None
            and (self._first.types is None or not np.array_equal(frame.types, self._first.types))
        ):
            raise DlmdError(
                "the elements come in another order than in the first frame",
                where=where,
                remedy="sort the atoms by id",
            )
        change = np.abs(cell - self.cell).max() / np.abs(self.cell).max()
        if change > _CELL_TOLERANCE:
            raise DlmdError(
                f"the cell changes by {100 * change:.2g} % (constant pressure, or another system)",
                where=where,
                remedy="use a run at constant volume",
            )

    def _elements(self, frame: Frame, where: str) -> list[str]:
        n_atoms = len(frame.positions)
        if self._topology:
            if len(self._topology.symbols) != n_atoms:
                raise DlmdError(
                    f"{n_atoms} atoms, but the topology {self._topology.path.name} has {len(self._topology.symbols)}",
                    where=where,
                    remedy="give the topology of this trajectory",
                )
            if frame.symbols and frame.symbols != self._topology.symbols:
                raise DlmdError(
                    f"the elements differ from those of the topology {self._topology.path.name}",
                    where=where,
                    remedy="give the topology of this trajectory, or none",
                )
            return self._topology.symbols
        if frame.symbols:
            if self._species:
                raise DlmdError(
                    "the file names its elements, --species has no meaning",
                    where=where,
                    remedy="leave it out",
                )
            return frame.symbols
        if frame.types is not None and self._species:
            if frame.types.max() > len(self._species):
                raise DlmdError(
                    f"atoms of type {frame.types.max()}, but {len(self._species)} species",
                    where=where,
                    remedy="name one element per LAMMPS type, in their order",
                )
            return [self._species[t - 1] for t in frame.types]
        raise DlmdError(
            "the file has no elements",
            where=where,
            remedy="give --topology FILE"
            + (" or --species in the order of the LAMMPS types" if frame.types is not None else ""),
        )

    def _check_spacing(self, before: Frame, frame: Frame, where: str) -> None:
        if frame.step is None or before.step is None:
            return
        spacing = frame.step - before.step
        if self._spacing is None:
            self._spacing = spacing
        if spacing != self._spacing or spacing == 0:
            raise DlmdError(
                f"step {frame.step} follows step {before.step}, but frames are {self._spacing} steps apart: "
                f"{'missing' if spacing > self._spacing else 'repeated'} frames",
                where=where,
                remedy="give a trajectory without gaps and repetitions",
            )

    def is_wrapped(self, given: bool | None) -> bool | None:
        """What is known: the user's word first, then the file's."""
        if given is None and self._first is not None and self._first.unwrapped:
            return False
        return given

    def frame_interval_ps(self, time_step_fs: float | None) -> float:
        recorded = self._first.interval_ps if self._first is not None else None
        stride = self._stride
        if self._counts_steps and self._spacing is not None:
            if stride not in (None, self._spacing):
                raise DlmdError(
                    f"--stride {stride}, but frames are {self._spacing} steps apart",
                    where=str(self._paths[0]),
                    remedy=f"leave --stride out, or give {self._spacing}",
                )
            stride = self._spacing
        if recorded is not None:
            given = None if time_step_fs is None else time_step_fs * (stride or 1) / FS_PER_PS
            if given is not None and not np.isclose(given, recorded):
                raise DlmdError(
                    f"--time-step and --stride give {given} ps between frames, the file says {recorded} ps",
                    where=str(self._paths[0]),
                    remedy="leave them out",
                )
            return recorded
        if time_step_fs is None or stride is None:
            missing = [
                f"{option}"
                for option, v in (("--time-step FS", time_step_fs), ("--stride N", stride))
                if v is None
            ]
            raise DlmdError(
                f"the time between frames is unknown: {' and '.join(missing)} missing",
                where=str(self._paths[0]),
                remedy="give the MD time step in fs and the number of MD steps between frames",
            )
        return time_step_fs * stride / FS_PER_PS

    def notes(self) -> list[str]:
        notes = []
        if self._runs or len(self._paths) > 1:
            notes.append(f"{len(self._paths)} file(s) with {self._runs + 1} run(s) taken in a row")
        if self._dropped:
            notes.append(f"{self._dropped} repeated frame(s) at the joins counted once")
        return notes


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    # the first atom decides nearly always
    return all(np.abs(one[part] - other[part]).max() <= _SAME_POSITION_A for part in (slice(1), slice(None)))


@dataclass
class _HostSample:
    """Host positions at every `every`-th frame, thinned out whenever there are too many."""

    every: int = 1
    seen: int = 0

    def __post_init__(self) -> None:
        self.positions: list[np.ndarray] = []
        self.centres: list[np.ndarray] = []

    def add(self, positions: np.ndarray, centre: np.ndarray) -> None:
        if self.seen % self.every == 0:
            self.positions.append(positions.astype(np.float32))
            self.centres.append(centre)
        self.seen += 1
        if len(self.positions) > _HEALTH_FRAMES:
            self.positions, self.centres = self.positions[::2], self.centres[::2]
            self.every *= 2


class _Store:
    """Unwrapped mobile ions in a temporary file; the host's centre of mass and a sample of its positions in memory."""

    def __init__(
        self, *, symbols: list[str], mobile: str, cell: np.ndarray, wrapped: bool | None, where: str
    ):
        from ase.data import atomic_masses, atomic_numbers

        names = np.array(symbols)
        counts = Counter(symbols)
        if mobile not in counts:
            there = ", ".join(f"{kind} {n}" for kind, n in sorted(counts.items()))
            raise DlmdError(
                f"no atoms of species '{mobile}'; there are {there}",
                where=where,
                remedy=did_you_mean(mobile.capitalize(), sorted(counts)),
            )
        self._mobile = np.flatnonzero(names == mobile)
        self._host = np.flatnonzero(names != mobile)
        unknown = sorted(kind for kind in counts if kind not in atomic_numbers)
        if unknown:
            raise DlmdError(
                f"no elements: {', '.join(unknown)}",
                where=where,
                remedy="give a --topology with chemical symbols",
            )
        self._host_symbols = [symbols[i] for i in self._host]
        masses = np.array([atomic_masses[atomic_numbers[s]] for s in self._host_symbols])
        self._weights = masses / masses.sum() if len(masses) else masses
        self.n_host = len(self._host)
        self.unwrap = Unwrapper(cell, wrapped=wrapped)
        self._sample = _HostSample()
        self._centres: list[np.ndarray] = []
        self._file = tempfile.TemporaryFile()
        self._n_frames = 0

    def add(self, positions: np.ndarray) -> None:
        unwrapped = self.unwrap(positions)
        np.ascontiguousarray(unwrapped[self._mobile].T, dtype="<f4").tofile(self._file)
        if self.n_host:
            host = unwrapped[self._host]
            centre = self._weights @ host
            self._centres.append(centre)
            self._sample.add(host, centre)
        self._n_frames += 1

    def source(self) -> MappedFrames:
        self._file.flush()
        n_ions = len(self._mobile)
        return MappedFrames(
            self._file,
            n_ions=n_ions,
            n_frames=self._n_frames,
            offset=0,
            record_bytes=12 * n_ions,
            lead=0,
            gap=0,
        )

    def host_centre(self) -> np.ndarray | None:
        return np.array(self._centres) if self.n_host else None

    def health(self) -> HostHealth | None:
        if not self.n_host:
            return None
        return host_health(
            np.array(self._sample.positions), np.array(self._sample.centres), self._host_symbols
        )
