"""Frames of anybody's trajectory file, one after the other, whatever the format.

Every reader yields all whole frames and raises `CutShort` for a file that ends in the middle of one: the libraries below some
of them stop there without a word.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.base.units import FS_PER_PS
from dlmd.trajectory import library_frames
from dlmd.trajectory.binary import dcd_extent, dcd_frames, dcd_layout, dcd_sizes, trr_offsets, xtc_offsets
from dlmd.trajectory.frame_sources import MappedFrames
from dlmd.trajectory.gro import read_gro
from dlmd.trajectory.lammps_dump import read_dump
from dlmd.trajectory.text_frames import (
    COMPRESSED,
    TRUNCATED,
    CutShort,
    Frame,
    open_file,
    plain_name,
    read_extxyz,
    read_xdatcar,
)


@dataclass(frozen=True)
class Format:
    """A trajectory format: how its files are named or begin, and how they are read."""

    name: str
    matches: Callable[[str, bytes], bool]
    read: Callable[[Path], Iterator[Frame]]
    # True: frames are numbered by MD step. False: by frame.
    counts_steps: bool = False
    # True: also read compressed (.gz, .bz2, .xz)
    text: bool = False


class UnknownFormat(DlmdError):
    """A file that is no trajectory of a known format."""


_UNPACK = {".gz": "gunzip", ".bz2": "bunzip2", ".xz": "unxz"}


def require(path: Path) -> None:
    """Raises DlmdError where there is no such file, naming the nearest one beside it, and for a folder."""
    if path.is_file():
        return
    if path.is_dir():
        raise DlmdError("a folder, where a file is meant", where=str(path), remedy="name the files in it")
    hint = did_you_mean(path.name, [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else [])
    # A list of all files in the folder would not help.
    remedy = hint if hint.startswith("did you mean") else "check the path"
    raise DlmdError("no such file", where=str(path), remedy=remedy)


def identify(path: Path) -> Format:
    """The format of a file, by its name or its first bytes.

    Raises
    ------
    DlmdError
        for a missing, empty or unknown file.
    """
    require(path)
    try:
        with open_file(path, "rb") as file:
            head = file.read(400)
    except (EOFError, OSError) as error:
        raise DlmdError(f"damaged compression: {error}", where=str(path), remedy=TRUNCATED) from error
    if not head:
        raise DlmdError(
            "the file is empty", where=str(path), remedy="copy it again, or look why the run wrote nothing"
        )
    for known in FORMATS:
        if known.matches(plain_name(path), head):
            if path.suffix in COMPRESSED and not known.text:
                raise DlmdError(
                    f"{known.name} is not read compressed",
                    where=str(path),
                    remedy=f"unpack it: {_UNPACK[path.suffix]} {path.name}",
                )
            return known
    raise UnknownFormat(
        "unknown trajectory format",
        where=str(path),
        remedy=f"give one of: {', '.join(f.name for f in FORMATS)}",
    )


def read_vasprun(path: Path) -> Iterator[Frame]:
    """Ionic steps of an MD run (IBRION = 0) from vasprun.xml, by pymatgen; the time step is the run's POTIM.

    Raises
    ------
    DlmdError
        for damaged XML, and a run that is no molecular dynamics.
    """
    from dlmd.labels.vasp import sections

    remedy = "use the XDATCAR of the same run"
    # whether the electrons of a step converged does not matter for the trajectory
    run, broken = sections.opened(path, where=path, remedy=remedy)
    settings = run.parameters
    if settings.get("IBRION") != 0:
        raise DlmdError(
            f"no molecular dynamics: IBRION = {settings.get('IBRION')}",
            where=str(path),
            remedy="give an MD run (IBRION = 0)",
        )
    held, potim = _held_k(settings), settings.get("POTIM")
    for number, step in enumerate(run.ionic_steps, start=1):
        structure = step["structure"]
        yield Frame(
            structure.cart_coords,
            np.array(structure.lattice.matrix),
            symbols=[site.specie.symbol for site in structure],
            step=number,
            interval_ps=None if potim is None else potim / FS_PER_PS,
            set_point_k=held,
        )
    if broken:
        raise CutShort("the XML breaks off", where=str(path), remedy=remedy)


def _held_k(settings: Any) -> float | None:
    """Temperature in K that VASP's thermostat holds; None without one, and for a ramp."""
    begin, end = settings.get("TEBEG"), settings.get("TEEND")
    # SMASS = -3 is no thermostat, -2 keeps the velocities, -1 scales them
    held = settings.get("MDALGO", 0) in (2, 3, 4, 5) or settings.get("SMASS", -3) >= -1
    return float(begin) if begin and begin == end and held else None


def read_dcd(path: Path) -> Iterator[Frame]:
    """DCD (LAMMPS, CHARMM, NAMD), by chemfiles, with the steps of its header. Its times are not used: LAMMPS writes them in its
    own units where CHARMM's are meant.

    Raises
    ------
    DlmdError
        for a file that is truncated, or no DCD that can be read.
    """
    try:
        frames, rest = dcd_extent(path)
    except (DlmdError, struct.error) as error:
        raise _no_dcd(path, error) from error
    with path.open("rb") as file:
        counted, first, stride = struct.unpack("<3i", file.read(20)[8:])
    # LAMMPS raises the count after every frame, and some writers leave it at zero: fewer than counted is no killed run
    if counted > frames + 1 or (counted == frames + 1 and not rest):
        raise DlmdError(
            f"truncated: {frames} whole frames and {rest} bytes more, the header counts {counted}",
            where=str(path),
            remedy=TRUNCATED,
        )
    # programs that write frames again leave a stride of one
    known = stride > 1
    for number, frame in enumerate(
        _dcd_in_one_cell(path, frames) or library_frames.by_chemfiles(path, "DCD", frames)
    ):
        frame.step, frame.stride = (first + number * stride, stride) if known else (None, None)
        yield frame
    if rest:
        raise CutShort(f"{frames} whole frames and {rest} bytes more", where=str(path), remedy=TRUNCATED)


def _no_dcd(path: Path, error: Exception) -> DlmdError:
    """What is wrong with the header of a DCD, and what to do about it."""
    with path.open("rb") as file:
        head = file.read(12)
    for mark, what in ((">i", "big-endian"), ("<q", "64-bit"), (">q", "big-endian, 64-bit")):
        if head.startswith(struct.pack(mark, 84) + b"CORD"):
            return DlmdError(
                f"a DCD with {what} record marks; little-endian ones of 32 bits are read",
                where=str(path),
                remedy="write it again with VMD or MDAnalysis, as DCD or XTC",
            )
    what = error.what if isinstance(error, DlmdError) else "damaged trajectory: no whole DCD header"
    return DlmdError(
        what, where=str(path), remedy="give a whole DCD, as LAMMPS, CHARMM, NAMD or OpenMM write it"
    )


# Frames of a DCD taken from the file together.
_DCD_FRAMES = 32
# The record of the cell, with its marks.
_CELL_BYTES = 56


def _dcd_in_one_cell(path: Path, frames: int) -> Iterator[Frame] | None:
    """The frames of a DCD whose cell never changes, straight from the file; None for any other DCD."""
    return _dcd_frames(path, frames) if _has_one_cell(path, frames) else None


def _has_one_cell(path: Path, frames: int) -> bool:
    found = path.stat()
    return _cell_never_changes(path, frames, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=8)
def _cell_never_changes(path: Path, frames: int, size: int, modified_ns: int) -> bool:
    """Whether the record of the cell is the same in all frames; asked twice of a file of the same size and time."""
    atoms, fixed, header, _, record = dcd_sizes(path)
    if fixed or frames < 2 or record != _CELL_BYTES + 3 * (4 * atoms + 8):
        return False
    with path.open("rb") as file:
        cells = {os.pread(file.fileno(), _CELL_BYTES, header + n * record) for n in range(frames)}
    return len(cells) == 1


def mapped_ions(path: Path, mobile: np.ndarray) -> MappedFrames | None:
    """The mobile ions (ions,) where they lie in a DCD: if its cell never changes and has them in a row; None otherwise."""
    if identify(path).read is not read_dcd or not np.array_equal(mobile, np.arange(len(mobile)) + mobile[0]):
        return None
    frames = dcd_frames(path)
    if not _has_one_cell(path, frames):
        return None
    atoms, header, record = dcd_layout(path)
    return MappedFrames(
        path,
        n_ions=len(mobile),
        n_frames=frames,
        offset=header,
        record_bytes=record,
        lead=_CELL_BYTES + 4 + 4 * int(mobile[0]),
        gap=8 + 4 * (atoms - len(mobile)),
    )


def _dcd_frames(path: Path, frames: int) -> Iterator[Frame]:
    atoms, header, record = dcd_layout(path)
    cell = next(library_frames.by_chemfiles(path, "DCD", frames)).cell
    first = _CELL_BYTES // 4 + 1
    starts = [first + axis * (atoms + 2) for axis in range(3)]
    with path.open("rb") as file:
        file.seek(header)
        for start in range(0, frames, _DCD_FRAMES):
            count = min(_DCD_FRAMES, frames - start)
            words = np.fromfile(file, dtype="<i4", count=count * record // 4).reshape(count, -1)
            marks = words[:, [at + side for at in starts for side in (-1, atoms)]]
            if (marks != 4 * atoms).any():
                number = start + int((marks != 4 * atoms).any(axis=1).argmax())
                raise DlmdError(f"damaged: frame {number} is no DCD frame", where=str(path), remedy=TRUNCATED)
            planes = np.empty((count, 3, atoms))
            for axis, at in enumerate(starts):
                planes[:, axis] = words[:, at : at + atoms].view("<f4")
            for positions in planes:
                yield Frame(positions.T, cell)


def read_xtc(path: Path) -> Iterator[Frame]:
    """GROMACS or LAMMPS XTC, by chemfiles.

    Raises
    ------
    DlmdError
        for a file that is truncated or no XTC.
    """
    yield from _whole_frames(path, "XTC", xtc_offsets)


def _whole_frames(path: Path, name: str, offsets_of: Callable[[Path], list[int]]) -> Iterator[Frame]:
    """Frames by chemfiles, which passes over an end that is missing."""
    try:
        offsets = offsets_of(path)
    except DlmdError as error:
        raise DlmdError(error.what, where=str(path), remedy=TRUNCATED) from error
    yield from library_frames.by_chemfiles(path, name, len(offsets) - 1)
    rest = path.stat().st_size - offsets[-1]
    if rest:
        raise CutShort(
            f"{len(offsets) - 1} whole frames and {rest} bytes more", where=str(path), remedy=TRUNCATED
        )


def read_trr(path: Path) -> Iterator[Frame]:
    """GROMACS TRR, by chemfiles.

    Raises
    ------
    DlmdError
        for a file that is truncated or no TRR.
    """
    yield from _whole_frames(path, "TRR", trr_offsets)


def read_netcdf(path: Path) -> Iterator[Frame]:
    """Amber NetCDF (LAMMPS dump netcdf, Amber), by chemfiles; its times by SciPy."""
    times, unit = _netcdf_times(path)
    for number, frame in enumerate(library_frames.by_chemfiles(path, "Amber NetCDF", None)):
        if number < len(times):
            frame.time, frame.time_unit = float(times[number]), unit
        yield frame


def _netcdf_times(path: Path) -> tuple[np.ndarray, str | None]:
    """Times of all frames and their unit; none where there are none, or in a kind of NetCDF that SciPy does not read."""
    from scipy.io import netcdf_file

    try:
        with netcdf_file(str(path), "r", mmap=False) as file:
            variable = file.variables["time"]
            times = np.array(variable[:], dtype=float) * float(getattr(variable, "scale_factor", 1.0))
            unit = getattr(variable, "units", b"")
    except (KeyError, OSError, TypeError, ValueError, IndexError):
        return np.empty(0), None
    word = (unit.decode() if isinstance(unit, bytes) else str(unit)).strip().lower()
    return times, {"picosecond": "ps", "femtosecond": "fs", "ps": "ps", "fs": "fs"}.get(word)


FORMATS = (
    Format(
        "LAMMPS or CHARMM DCD (.dcd)",
        lambda name, head: name.endswith(".dcd") or head[4:8] == b"CORD",
        read_dcd,
        counts_steps=True,
    ),
    Format("XTC (.xtc)", lambda name, head: name.endswith(".xtc"), read_xtc, counts_steps=True),
    Format("TRR (.trr)", lambda name, head: name.endswith(".trr"), read_trr, counts_steps=True),
    Format(
        "LAMMPS text dump",
        lambda name, head: head.startswith((b"ITEM: TIMESTEP", b"ITEM: UNITS", b"ITEM: TIME")),
        read_dump,
        counts_steps=True,
        text=True,
    ),
    Format(
        "vasprun.xml",
        lambda name, head: name.endswith(".xml") or b"<modeling>" in head,
        read_vasprun,
        text=True,
    ),
    Format(
        "(extended) XYZ (.xyz, .extxyz; CP2K's with --cell)",
        lambda name, head: name.endswith("xyz"),
        read_extxyz,
        text=True,
    ),
    Format(
        "XDATCAR",
        lambda name, head: "xdatcar" in name or b"irect configuration" in head,
        read_xdatcar,
        text=True,
    ),
    Format("GRO (.gro)", lambda name, head: name.endswith(".gro"), read_gro, text=True),
    Format("Amber NetCDF (.nc)", lambda name, head: name.endswith((".nc", ".ncdf")), read_netcdf),
    Format("ASE trajectory (.traj)", lambda name, head: name.endswith(".traj"), library_frames.read_traj),
    Format(
        "DL_POLY HISTORY",
        lambda name, head: "history" in name,
        library_frames.read_history,
        counts_steps=True,
        text=True,
    ),
    Format("H5MD (.h5md)", lambda name, head: name.endswith((".h5md", ".h5")), library_frames.read_h5md),
)
