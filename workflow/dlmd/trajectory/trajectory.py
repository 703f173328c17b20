"""One continuous run of mobile ions: unwrapped positions relative to the host, streamed in blocks of ions.

A `Trajectory` holds no positions of its own but a source of frames (arrays in memory, DCD files, a temporary
file), so that memory stays bounded by the block size whatever the length of the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from dlmd.base.errors import DlmdError
from dlmd.trajectory.atom_sample import AtomSample
from dlmd.trajectory.frame_sources import (
    ArrayFrames,
    FirstFrames,
    FrameSource,
    IonRange,
    JoinedFrames,
    ScaledIons,
)
from dlmd.trajectory.host import HostHealth

# Frames are copied through a small buffer, which keeps the transposition within the cache.
_BUFFER_FRAMES = 64
# Bytes of a file mapped at once; mapped pages count as resident memory.
_WINDOW_BYTES = 64 << 20


@dataclass(eq=False, repr=False)
class Trajectory:
    """Mobile ions of one run, at equal intervals of time.

    Attributes
    ----------
    source
        Unwrapped positions in the laboratory frame.
    frame_interval_ps
        Time between frames.
    cell
        (3, 3), Å, vectors in rows; the mean cell of a run at constant pressure.
    volume_a3
        Volume in Å³ where it is not the cell's: the mean volume at constant pressure, the material's part of a slab's cell.
    cell_trend, cell_spread
        Largest strain of the cell from the start to the end of the run, and largest standard deviation of a length, both as
        fractions.
    host_centre
        (n_frames, 3), Å: the host's unwrapped centre of mass, subtracted from all positions; None where no host was recorded.
    temperature_k
        Set point, or None where it is unknown.
    mobile, n_host_atoms
        Symbol of the mobile species; number of atoms that make up the host.
    carriers
        Number of ions of each mobile element, in the order of the source, where there are several (`of_carrier`).
    composition
        Number of atoms of each element, where it is known.
    host_drift_allowed_angstrom
        Distance that the host may travel before its flight takes noticeable energy from the vibrations; 0 where it is unknown.
    thermo
        Arrays `step`, `time_ps`, `temperature_k`, `potential_energy_ev`, `conserved_ev`; or None.
    host
        Health of the host; or None where its atoms were not recorded.
    atoms
        All atoms at some frames; None where they were not recorded.
    step_limit_angstrom
        A move of an ion in one frame longer than this (Å) is refused while reading; None for no limit.
    notes
        What was done to the input, one sentence each.
    """

    source: FrameSource
    frame_interval_ps: float
    cell: np.ndarray
    mobile: str
    host_centre: np.ndarray | None = None
    temperature_k: float | None = None
    n_host_atoms: int = 0
    volume_a3: float | None = None
    cell_trend: float = 0.0
    cell_spread: float = 0.0
    carriers: dict[str, int] = field(default_factory=dict)
    composition: dict[str, int] = field(default_factory=dict)
    host_drift_allowed_angstrom: float = 0.0
    thermo: dict[str, np.ndarray] | None = None
    host: HostHealth | None = None
    atoms: AtomSample | None = None
    step_limit_angstrom: float | None = None
    notes: list[str] = field(default_factory=list)
    label: str = "arrays in memory"
    _collective: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.cell = np.asarray(self.cell, dtype=np.float64)
        if (
            self.cell.shape != (3, 3)
            or not np.isfinite(self.cell).all()
            or not abs(np.linalg.det(self.cell)) > 0
        ):
            raise self._bad(
                f"the cell is no three independent vectors: {self.cell.tolist()}",
                "give the cell in Å, one vector per row",
            )
        if self.n_ions == 0:
            raise self._bad(f"no {self.mobile} ions", "name a mobile species that is there")
        if self.n_frames < 2:
            raise self._bad(f"{self.n_frames} frame(s), at least 2 are needed", "give the whole trajectory")
        if not 0 < self.frame_interval_ps < np.inf:
            raise self._bad(
                f"frame interval {self.frame_interval_ps} ps", "give a positive time between frames"
            )
        if self.temperature_k is not None and not 0 < self.temperature_k < np.inf:
            raise self._bad(
                f"temperature {self.temperature_k} K", "give a positive temperature in K, or None"
            )
        if self.host_centre is not None:
            self.host_centre = np.asarray(self.host_centre, dtype=np.float64)
            if self.host_centre.shape != (self.n_frames, 3):
                raise self._bad(
                    f"the host's centre of mass has shape {self.host_centre.shape}, expected {(self.n_frames, 3)}",
                    "give one position per frame",
                )
            if not np.isfinite(self.host_centre).all():
                raise self._bad("NaN or infinity in the host's centre of mass", "look for an exploded run")

    @classmethod
    def from_arrays(
        cls,
        positions: ArrayLike,
        *,
        frame_interval_ps: float,
        cell: ArrayLike,
        mobile: str = "Li",
        temperature_k: float | None = None,
        host_com: ArrayLike | None = None,
        n_host_atoms: int = 0,
        thermo: dict[str, np.ndarray] | None = None,
        host: HostHealth | None = None,
    ) -> Trajectory:
        """A trajectory from unwrapped positions (frames, ions, 3) in Å in the laboratory frame.

        `host_com` (frames, 3) is subtracted; without it the positions count as relative to the host already.

        Raises
        ------
        DlmdError
            for a wrong shape, fewer than two frames, a singular cell or NaN.
        """
        array = np.asarray(positions)
        if array.dtype not in (np.float32, np.float64):
            array = array.astype(np.float64)
        if array.ndim != 3 or array.shape[2] != 3:
            raise DlmdError(f"positions have shape {array.shape}", remedy="give (frames, ions, 3)")
        return cls(
            source=ArrayFrames(array),
            frame_interval_ps=frame_interval_ps,
            cell=np.asarray(cell, dtype=np.float64),
            mobile=mobile,
            temperature_k=temperature_k,
            host_centre=None if host_com is None else np.asarray(host_com, dtype=np.float64),
            n_host_atoms=n_host_atoms,
            thermo=thermo,
            host=host,
        )

    @property
    def n_frames(self) -> int:
        return self.source.n_frames

    @property
    def n_ions(self) -> int:
        return self.source.n_ions

    @property
    def volume(self) -> float:
        """Volume in Å³: `volume_a3`, or that of the cell."""
        if self.volume_a3 is not None:
            return self.volume_a3
        a, b, c = self.cell
        return float(abs(a @ np.cross(b, c)))

    @property
    def length_ps(self) -> float:
        """Time from the first to the last frame."""
        return (self.n_frames - 1) * self.frame_interval_ps

    def after(self, skip_ps: float) -> Trajectory:
        """The run without its first `skip_ps` picoseconds (equilibration); health of the host stays that of the whole run.

        Raises
        ------
        DlmdError
            where fewer than two frames are left.
        """
        skip = int(np.ceil(skip_ps / self.frame_interval_ps - 1e-9))
        if skip_ps < 0 or skip > self.n_frames - 2:
            raise self._bad(f"cannot leave out {skip_ps:g} ps of {self.length_ps:g} ps", "leave out less")
        thermo = None
        if self.thermo is not None:
            keep = self.thermo["time_ps"] >= self.thermo["time_ps"][0] + skip * self.frame_interval_ps
            thermo = {name: values[keep] for name, values in self.thermo.items()}
        return replace(
            self,
            source=JoinedFrames([self.source], [skip]),
            host_centre=None if self.host_centre is None else self.host_centre[skip:],
            thermo=thermo,
            atoms=None if self.atoms is None else self.atoms.between(skip, self.n_frames),
            notes=[
                *self.notes,
                f"the first {skip} frames ({skip * self.frame_interval_ps:g} ps) are left out",
            ],
            _collective=None,
        )

    def until(self, end_ps: float) -> Trajectory:
        """The run without what comes later than `end_ps` picoseconds after its start; all of it where it is no longer.

        Raises
        ------
        DlmdError
            where fewer than two frames are left.
        """
        keep = int(np.floor(end_ps / self.frame_interval_ps + 1e-9)) + 1
        if keep >= self.n_frames:
            return self
        if keep < 2:
            raise self._bad(
                f"frames are {self.frame_interval_ps:g} ps apart, of which {end_ps:g} ps hold one",
                "keep more",
            )
        thermo = None
        if self.thermo is not None:
            kept = (
                self.thermo["time_ps"]
                <= self.thermo["time_ps"][0] + (keep - 1) * self.frame_interval_ps + 1e-9
            )
            thermo = {name: values[kept] for name, values in self.thermo.items()}
        return replace(
            self,
            source=FirstFrames(self.source, keep),
            host_centre=None if self.host_centre is None else self.host_centre[:keep],
            thermo=thermo,
            atoms=None if self.atoms is None else self.atoms.between(0, keep),
            notes=[*self.notes, f"what comes after {end_ps:g} ps is left out, as asked"],
            _collective=None,
        )

    def of_carrier(self, name: str) -> Trajectory:
        """The ions of one of several mobile elements, in the same frame of reference.

        Raises
        ------
        DlmdError
            for an element that is not among them.
        """
        if name not in self.carriers:
            raise self._bad(
                f"no mobile ions {name}", f"name one of {', '.join(self.carriers) or self.mobile}"
            )
        names = list(self.carriers)
        first = sum(self.carriers[other] for other in names[: names.index(name)])
        source = IonRange(self.source, first, first + self.carriers[name])
        return replace(self, source=source, mobile=name, carriers={}, _collective=None)

    def scaled(self, factors: Mapping[str, float]) -> Trajectory:
        """All mobile ions, the position of each relative to the host times the factor of its element."""
        each = np.repeat([factors[name] for name in self.carriers], list(self.carriers.values()))
        if (each == 1).all():
            return self
        centre = np.zeros((self.n_frames, 3)) if self.host_centre is None else self.host_centre
        limit = self.step_limit_angstrom and self.step_limit_angstrom * float(np.abs(each).max())
        source = ScaledIons(self.source, centre, each)
        return replace(self, source=source, step_limit_angstrom=limit, _collective=None)

    def blocks(self, max_bytes: int = 256 << 20) -> Iterator[np.ndarray]:
        """Positions of all frames, some ions at a time.

        Yields
        ------
        Arrays (n_frames, ions, 3) in Å, unwrapped and relative to the host's centre of mass, of the source's precision.
        Time is the contiguous axis in memory (each is the transpose of an (ions, 3, n_frames) array). A block takes at most
        `max_bytes`, and at least one ion; it is the caller's to change. A whole pass also provides `collective` without a
        second one.

        Raises
        ------
        DlmdError
            for NaN or infinity, or a move longer than `step_limit_angstrom` in one frame.
        """
        dtype = self.source.dtype
        per_ion = 3 * dtype.itemsize * self.n_frames
        size = max(1, min(self.n_ions, max_bytes // per_ion))
        total = np.zeros((self.n_frames, 3))
        for first in range(0, self.n_ions, size):
            last = min(first + size, self.n_ions)
            block = np.empty((last - first, 3, self.n_frames), dtype=dtype)
            self._fill(block, total, first, last)
            self._check_steps(block, first)
            yield block.transpose(2, 0, 1)
        self._collective = total

    def collective(self) -> np.ndarray:
        """(n_frames, 3) float64: sum over the mobile ions of unwrapped, host-relative positions in Å."""
        if self._collective is None:
            total = np.zeros((self.n_frames, 3))
            for start, stop in self._windows():
                planes = self.source.planes(start, stop, 0, self.n_ions)
                total[start:stop] = planes.sum(axis=2, dtype=np.float64)
                self._check_finite(total, start, stop)
                self._subtract_host(total, start, stop, self.n_ions)
            self._collective = total
        return self._collective

    def _windows(self) -> Iterator[tuple[int, int]]:
        length = max(_BUFFER_FRAMES, _WINDOW_BYTES // self.source.frame_bytes)
        for start in range(0, self.n_frames, length):
            yield start, min(start + length, self.n_frames)

    def _fill(self, block: np.ndarray, total: np.ndarray, first: int, last: int) -> None:
        """Copy ions [first, last) of all frames into `block` (ions, 3, frames), and add their sum to `total` (frames, 3)."""
        for window_start, window_stop in self._windows():
            window = self.source.planes(window_start, window_stop, first, last)
            for start in range(window_start, window_stop, _BUFFER_FRAMES):
                stop = min(start + _BUFFER_FRAMES, window_stop)
                planes = window[start - window_start : stop - window_start]
                total[start:stop] += planes.sum(axis=2, dtype=np.float64)
                self._check_finite(total, start, stop)
                self._subtract_host(total, start, stop, last - first)
                if self.host_centre is not None:
                    planes = planes - self.host_centre[start:stop, :, None].astype(block.dtype)
                block[:, :, start:stop] = planes.transpose(2, 1, 0)

    def _subtract_host(self, total: np.ndarray, start: int, stop: int, n_ions: int) -> None:
        if self.host_centre is not None:
            total[start:stop] -= n_ions * self.host_centre[start:stop]

    def _check_finite(self, total: np.ndarray, start: int, stop: int) -> None:
        bad = ~np.isfinite(total[start:stop]).all(axis=1)
        if bad.any():
            raise self._bad(
                f"NaN or infinity among the positions of frame {start + int(bad.argmax())}",
                "look for an exploded run; analyse the part before it",
            )

    def _check_steps(self, block: np.ndarray, first: int) -> None:
        if self.step_limit_angstrom is None:
            return
        moves = np.empty((3, self.n_frames - 1), dtype=block.dtype)
        for i, ion in enumerate(block):
            # axis by axis: a bound on each component, hence on the length up to sqrt(3)
            np.subtract(ion[:, 1:], ion[:, :-1], out=moves)
            if max(moves.max(), -moves.min()) > self.step_limit_angstrom:
                moves = np.abs(moves)
                frame = int(moves.max(axis=0).argmax())
                raise self._bad(
                    f"ion {first + i + 1} moves {moves.max():.2f} Å between frames {frame} and {frame + 1}, "
                    f"over half the cell's smallest width ({self.step_limit_angstrom:.2f} Å): wrapped coordinates or missing "
                    "frames",
                    "write unwrapped coordinates (LAMMPS: dump_modify unwrap yes) and frames at shorter intervals",
                )

    def _bad(self, what: str, remedy: str) -> DlmdError:
        return DlmdError(what, where=self.label, remedy=remedy)
