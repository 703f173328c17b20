"""Anybody's trajectory files as a `Trajectory`: elements, time, periodic images and the host's motion, each with a note."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dlmd.base.carriers import joined
from dlmd.base.errors import DlmdError
from dlmd.base.geometry import cell_widths
from dlmd.trajectory import cells, frame_order, thermal
from dlmd.trajectory.atom_sample import AtomSample
from dlmd.trajectory.clock import Clock, check_time_step
from dlmd.trajectory.frame_readers import require
from dlmd.trajectory.frame_sources import FrameSource, MappedInCell
from dlmd.trajectory.given_cell import given_cell
from dlmd.trajectory.host import HOST_SHIFT_A, HostHealth
from dlmd.trajectory.ion_store import IonStore
from dlmd.trajectory.kinetic import KineticTemperature, check_set_point
from dlmd.trajectory.mobile_atoms import chosen
from dlmd.trajectory.plausible import check_bohr, check_lengths
from dlmd.trajectory.stream import Stream
from dlmd.trajectory.text_frames import Frame
from dlmd.trajectory.topology import read_topology
from dlmd.trajectory.trajectory import Trajectory
from dlmd.trajectory.volume import volume_of


@dataclass(frozen=True)
class System:
    """What the first frames of a trajectory say.

    Attributes
    ----------
    symbols
        (atoms,) elements.
    cell
        (3, 3), Å.
    frame_interval_ps
        Time between frames.
    mobile
        The mobile elements.
    """

    symbols: list[str]
    cell: np.ndarray
    frame_interval_ps: float
    mobile: tuple[str, ...] = ()


def read(
    paths: Sequence[str | Path] | Any,
    *,
    mobile: str,
    time_step_fs: float | None = None,
    stride: int | None = None,
    topology: str | Path | None = None,
    species: Sequence[str] | None = None,
    temperature_k: float | None = None,
    wrapped: bool | None = None,
    cell: str | Path | ArrayLike | None = None,
    volume_a3: float | None = None,
    end_ps: float | None = None,
    trust_options: bool = False,
    check: Callable[[System], None] | None = None,
) -> Trajectory:
    """One trajectory from one file or several in a row, or from an object of ASE, pymatgen or MDAnalysis.

    Files are VASP XDATCAR and vasprun.xml, (extended) XYZ, LAMMPS dumps, DCD, XTC, TRR, GRO, ASE .traj, DL_POLY HISTORY, Amber
    NetCDF and H5MD; text also as .gz, .bz2 or .xz. Objects are lists of ASE Atoms, a pymatgen Trajectory or Structures, an
    MDAnalysis Universe, and an array (frames, atoms, 3) in Å with `species` (one per atom) and `cell`.

    The positions of the mobile ions go to a temporary file (12 bytes per ion and frame), so that memory stays bounded. A changing
    cell (constant pressure) is followed in fractional coordinates: displacements are those in the mean cell, and the volume is
    the mean volume.

    Parameters
    ----------
    mobile
        Symbol of the mobile ions, or several with commas ("Li,Na"); or those of a LAMMPS type ("type 2"), or atoms by their
        numbers from 1 in the order of the ids ("1-48,60"). All other atoms are the host.
    time_step_fs, stride
        MD time step in fs, and MD steps between frames. What the file records (steps of dumps and XTC, times of XTC, TRR and of
        dumps with `time yes`, both in vasprun.xml) need not be given and must agree.
    topology
        File with the elements, for formats without (DCD, XTC, dumps with types only).
    species
        Elements in the order of the LAMMPS types, or with counts ("16*Li") in the order of the atoms.
    temperature_k
        Set point. With it, the thermal motion that the atoms show must fit the time between frames.
    wrapped
        Whether coordinates are wrapped into the cell; None to judge from the file.
    cell
        For formats without: three lengths in Å (and three angles in degrees), nine numbers, or CP2K's file `PROJECT-1.cell`.
    volume_a3
        Volume of the material in Å³, for slabs: their cell holds vacuum as well.
    end_ps
        Read no frame later than this many ps after the first.
    trust_options
        The options count where the file's times or the thermal motion contradict them.
    check
        Called once with what the first two frames say, for checks before minutes of reading.

    Raises
    ------
    DlmdError
        for files that are missing, empty, of an unknown format or of different systems; for an unknown species, NaN, missing
        frames, times and temperatures that contradict each other, periodic images that cannot be told, and a slab without
        `volume_a3`.
    """
    sources = _sources(paths)
    check_time_step(time_step_fs, stride, trust=trust_options)
    clock = Clock(time_step_fs, stride, trust_options)
    stream = _stream(sources, topology=topology, species=species, cell=cell, trust=trust_options)
    reading = _Reading(
        stream, clock, mobile=mobile, wrapped=wrapped, temperature_k=temperature_k, check=check
    )
    reading.volume_a3 = volume_a3
    for frame in _with_progress(stream):
        reading.add(frame)
        if reading.ends(end_ps):
            break
    store, label = reading.finish(), _label(sources)
    notes = [store.unwrap.verdict(label, trust=trust_options), *reading.notes, *stream.notes(), *clock.notes]
    found = _in_mean_cell(store, stream, notes)
    found = replace(found, volume_a3=volume_of(store, found.volume_a3, volume_a3, label, trust=trust_options))
    wrapped = stream.is_wrapped(wrapped)
    trajectory = Trajectory(
        source=found.source,
        frame_interval_ps=reading.interval_ps,
        cell=found.cell,
        volume_a3=found.volume_a3,
        cell_trend=found.trend,
        cell_spread=found.spread,
        mobile=reading.mobile,
        carriers=reading.carriers,
        host_centre=found.host_centre,
        temperature_k=temperature_k,
        n_host_atoms=store.n_host,
        composition=composition(stream.symbols or []),
        host=found.host,
        atoms=found.atoms,
        host_drift_allowed_angstrom=thermal.allowed_drift_a(
            store.host_masses,
            temperature_k=temperature_k,
            length_ps=(store.n_frames - 1) * reading.interval_ps,
        ),
        step_limit_angstrom=None if wrapped is False else 0.5 * float(cell_widths(found.cell).min()),
        notes=notes,
        label=label,
    )
    _judge_host(trajectory, store, trust_options)
    return trajectory


def composition(symbols: Sequence[str]) -> dict[str, int]:
    """Number of atoms of each element, by name."""
    return {kind: symbols.count(kind) for kind in sorted(set(symbols))}


def _sources(paths: Any) -> list[Any]:
    """Files as paths, anything else as it is."""
    if isinstance(paths, str | Path):
        return [Path(paths)]
    listed = isinstance(paths, list | tuple)
    if listed and not paths:
        raise DlmdError("no trajectory file", remedy="name at least one")
    if listed and all(isinstance(p, str | Path) for p in paths):
        files = [Path(p) for p in paths]
        for file in files:
            require(file)
        return files
    return [paths]


def _label(sources: Sequence[Any]) -> str:
    """What to call the whole in messages."""
    label = str(sources[0]) if isinstance(sources[0], Path) else type(sources[0]).__name__
    return label + (f" to {sources[-1].name}" if len(sources) > 1 and isinstance(sources[-1], Path) else "")


def _stream(sources: list[Any], *, topology: Any, species: Any, cell: Any, trust: bool) -> Stream:
    known = read_topology(topology) if topology else None
    return Stream(sources, topology=known, species=species, cells=given_cell(cell, sources), trust=trust)


def _with_progress(stream: Stream) -> Iterator[Frame]:
    """The frames, with a line of progress where a person watches."""
    if not sys.stderr.isatty():
        yield from stream
        return
    from tqdm import tqdm

    yield from tqdm(stream, desc="reading", unit=" frames", leave=False, mininterval=0.5)


def _spacing(stream: Stream) -> int | None:
    """MD steps between frames, where the file counts them."""
    first, second = stream.first, stream.second
    if not stream.counts_steps or first is None or second is None or None in (first.step, second.step):
        return None
    if first.by_time:
        return None
    return int(second.step) - int(first.step)  # type: ignore[arg-type]


class _Reading:
    """One pass: frames into a store, checks as early as the data allow."""

    def __init__(
        self,
        stream: Stream,
        clock: Clock,
        *,
        mobile: str,
        wrapped: bool | None,
        temperature_k: float | None,
        check: Callable[[System], None] | None,
    ):
        self.stream, self.clock, self.mobile, self._check = stream, clock, mobile, check
        self._wrapped, self._temperature_k = wrapped, temperature_k
        # the user's, of a slab
        self.volume_a3: float | None = None
        self.interval_ps = 0.0
        self.carriers: dict[str, int] = {}
        self.notes: list[str] = []
        self._ended: list[str] = []
        self._store: IonStore | None = None
        self._thermal: thermal.ThermalMotion | None = None
        self._kinetic: KineticTemperature | None = None

    def add(self, frame: Frame) -> None:
        stream = self.stream
        if self._store is None:
            self._begin(frame)
        elif self._thermal is None:
            self._measure_time()
        assert self._store is not None and self._kinetic is not None
        self._kinetic.add(frame)
        unwrapped = self._store.add(frame.positions, stream.place_of(frame))
        if self._store.n_frames == 1:
            self._first = unwrapped
        elif self._thermal is not None:
            self._judged(lambda motion: motion.add(unwrapped))

    def _judged(self, do: Callable[[thermal.ThermalMotion], None]) -> None:
        """Let the thermal motion be judged; what is wrapped but said not to be, and shuffled frames, are no heat."""
        assert self._thermal is not None and self._store is not None
        store, where = self._store, self.stream.where
        try:
            do(self._thermal)
        except DlmdError:
            store.unwrap.require_unwrapped(where)
            frame_order.require_order(self._thermal.frames(), store.mobile, store.cell, where)
            raise

    def ends(self, end_ps: float | None) -> bool:
        """Whether the next frame is later than `end_ps`, of which a note is made."""
        if end_ps is None or self._store is None or not self.interval_ps:
            return False
        if self._store.n_frames * self.interval_ps <= end_ps * (1 + 1e-9):
            return False
        self._ended.append(f"what comes after {end_ps:g} ps is left out, as asked")
        return True

    def _begin(self, frame: Frame) -> None:
        assert self.stream.symbols is not None and self.stream.cell is not None  # of the first frame
        symbols = self.stream.symbols
        if not self.clock.trust:
            check_lengths(
                frame.positions, self.stream.cell, volume_a3=self.volume_a3, where=self.stream.where
            )
        found, self.notes = chosen(self.mobile, symbols, types=self.stream.types, where=self.stream.where)
        self.mobile = joined(found)
        self.carriers = {name: len(atoms) for name, atoms in found.items()}
        mobile = np.concatenate(list(found.values()))
        if not self.clock.trust and len(mobile) < len(symbols):
            self.notes += check_bohr(frame.positions, self.stream.cell, symbols, where=self.stream.where)
        self._store = self.stream.store = IonStore(
            symbols=symbols,
            mobile=mobile,
            cell=self.stream.cell,
            wrapped=self.stream.is_wrapped(self._wrapped),
            mapped=self.stream.mapped(mobile),
            origin=frame.origin,
        )
        judged = None if self.clock.trust else self._temperature_k
        check_set_point(frame.set_point_k, judged, self.stream.where)
        self._kinetic = KineticTemperature(
            self._store.masses, judged, self.stream.where, held=frame.set_point_k is not None
        )

    def _measure_time(self) -> None:
        stream, store = self.stream, self._store
        assert stream.first is not None and store is not None
        self.interval_ps = self.clock.interval_ps(stream.first, stream.second, _spacing(stream), stream.where)
        if self._check is not None and stream.symbols is not None and stream.cell is not None:
            self._check(System(stream.symbols, stream.cell, self.interval_ps, tuple(self.carriers)))
        self._thermal = thermal.ThermalMotion(
            store.masses,
            None if self.clock.trust else self._temperature_k,
            self.interval_ps,
            stream.where,
        )
        self._thermal.add(self._first)

    def finish(self) -> IonStore:
        if self._store is None:
            raise DlmdError("no frames", where=self.stream.where, remedy="look why the run wrote nothing")
        if self._thermal is None:
            raise DlmdError(
                "1 frame(s), at least 2 are needed",
                where=self.stream.where,
                remedy="give the whole trajectory",
            )
        self._judged(thermal.ThermalMotion.judge)
        if not self.clock.trust:
            sample, mobile = self._store.atoms().positions, self._store.mobile
            frame_order.require_order(sample, mobile, self._store.cell, self.stream.where)
        if self._kinetic is not None:
            self._kinetic.judge(self.interval_ps)
            self.notes += self._kinetic.notes
        self.notes += self._ended
        if not self._store.n_host:
            self.notes.append(
                f"the file holds {self.mobile} only: drift of the host is unknown and not removed"
            )
        return self._store


@dataclass(frozen=True)
class _Found:
    source: FrameSource
    cell: np.ndarray
    volume_a3: float | None
    trend: float
    spread: float
    host_centre: np.ndarray | None
    host: HostHealth | None
    atoms: AtomSample


def _in_mean_cell(store: IonStore, stream: Stream, notes: list[str]) -> _Found:
    """What was stored in the first cell, in the mean one."""
    centre = store.host_centre()
    if not stream.changes:
        return _Found(
            source=store.source(),
            cell=store.cell,
            volume_a3=None,
            trend=0.0,
            spread=0.0,
            host_centre=centre,
            host=store.health(None, store.cell),
            atoms=store.atoms(),
        )
    change = cells.change_of(np.array(store.cells))
    to_mean = np.linalg.inv(store.cell) @ change.mean
    notes.append(
        f"the cell changes (constant pressure): displacements are in the mean cell, the volume is the mean of all frames, "
        f"{change.mean_volume_a3:.1f} Å³; lengths vary by {100 * change.spread:.2g} % (standard deviation), the cell drifts by "
        f"{100 * change.trend:.2g} % from start to end"
    )
    return _Found(
        source=MappedInCell(store.source(), to_mean),
        cell=change.mean,
        volume_a3=change.mean_volume_a3,
        trend=change.trend,
        spread=change.spread,
        host_centre=None if centre is None else centre @ to_mean,
        host=store.health(to_mean, change.mean),
        atoms=store.atoms().in_cell(to_mean),
    )


def _judge_host(trajectory: Trajectory, store: IonStore, trust: bool) -> None:
    host = trajectory.host
    if host is None:
        return
    for kind, count in host.turned.items():
        trajectory.notes.append(
            f"{count} {kind} of the host left their places by turning about an atom that rests: no melt, judged by that atom"
        )
    if host.drift_a > 1.0:
        trajectory.notes.append(f"the host as a whole drifted by {host.drift_a:.1f} Å, which was removed")
    if trust or trajectory.temperature_k is None:
        return
    thermal.check_stiffness(
        store.host_amplitudes(),
        temperature_k=trajectory.temperature_k,
        length_ps=trajectory.length_ps,
        at_rest=not host.turned and max(host.median_shift_a.values()) < HOST_SHIFT_A,
        where=trajectory.label,
    )
