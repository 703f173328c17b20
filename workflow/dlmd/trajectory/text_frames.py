"""Frames of trajectories in text files: VASP XDATCAR and (extended) XYZ, compressed or not; LAMMPS dumps are in `lammps_dump`.

Readers yield whole frames and raise `CutShort` for a file that ends in the middle of one.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from dlmd.base.errors import DlmdError

TRUNCATED = "copy the file again, or cut it back to its last whole frame"
COMPRESSED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
# ASE's unit of time, Å (u/eV)^(1/2).
ASE_TIME_PS = 0.010180505671156723
# " i =       10, time =        5.000, E =       -17.16": MD step and time in fs
CP2K_COMMENT = re.compile(r"\s*i\s*=\s*(\d+)\s*,\s*time\s*=\s*([-+.\deE]+)")
# "Atoms. Timestep: 500 Time: 0.5" (LAMMPS' dump xyz, with `dump_modify time yes`)
LAMMPS_COMMENT = re.compile(r"\s*Atoms\. Timestep: (\d+)(?:\s+Time: ([-+.\deE]+))?")
_DAMAGED = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)


class CutShort(DlmdError):
    """A file that ends in the middle of a frame: a run that was killed, or a copy that stopped."""


@dataclass
class Frame:
    """One frame.

    Attributes
    ----------
    positions
        (atoms, 3), Å.
    cell
        (3, 3), Å, vectors in rows; None where the file has none.
    symbols
        The file's own names of the atoms; None where it has none.
    labels
        True where these names are LAMMPS' type labels.
    types
        LAMMPS types (from 1), where the file has these.
    step
        Number that the file gives the frame, or None.
    unwrapped
        True where the file says that its coordinates are unwrapped; None where it does not say.
    interval_ps
        Time between frames, where the file records it reliably.
    time, time_unit
        The frame's time in the file's unit: "ps", "fs", or None where the file does not say which.
    stride
        MD steps between frames, where a header says so.
    origin
        (3,), Å: corner of the cell; None for zero.
    note
        Something odd about the file that was mended on the way.
    counts_steps
        True where `step` counts MD steps though files of this format need not; False for what the format says.
    by_time
        True where `step` is the number of the frame by its time.
    velocities, momenta
        (atoms, 3), Å/ps and u Å/ps, where the file has these.
    metal_or_real
        True where the velocities may as well be in Å/fs: LAMMPS' styles of units that have Å.
    masses
        (atoms,), u, where the file has these.
    set_point_k
        Temperature that the file says the thermostat held.
    """

    positions: np.ndarray
    cell: np.ndarray | None
    symbols: list[str] | None = None
    labels: bool = False
    types: np.ndarray | None = None
    step: int | None = None
    unwrapped: bool | None = None
    interval_ps: float | None = None
    time: float | None = None
    time_unit: str | None = None
    stride: int | None = None
    origin: np.ndarray | None = None
    note: str | None = None
    counts_steps: bool = False
    by_time: bool = False
    velocities: np.ndarray | None = None
    momenta: np.ndarray | None = None
    metal_or_real: bool = False
    masses: np.ndarray | None = None
    set_point_k: float | None = None


def open_file(path: Path, mode: str) -> IO[Any]:
    """The file at `path`, decompressed where its name ends in .gz, .bz2 or .xz."""
    if path.suffix in COMPRESSED:
        return cast(IO[Any], COMPRESSED[path.suffix](path, mode))
    return path.open(mode)


def plain_name(path: Path) -> str:
    """The file's name in lower case, without the ending of its compression."""
    return (path.stem if path.suffix in COMPRESSED else path.name).lower()


def text_lines(path: Path) -> Iterator[str]:
    """Lines of a text file, compressed or not.

    Raises
    ------
    CutShort
        at a last line without its end, and where the compressed data break off.
    DlmdError
        for a file that is no text.
    """
    try:
        with open_file(path, "rt") as file:
            for line in file:
                if not line.endswith("\n"):
                    raise CutShort(
                        f"the last line has no end: {line[:40]!r}", where=str(path), remedy=TRUNCATED
                    )
                yield line
    except _DAMAGED as error:
        raise CutShort(f"damaged compression: {error}", where=str(path), remedy=TRUNCATED) from error
    except UnicodeDecodeError as error:
        raise DlmdError("not a text file", where=str(path), remedy="check the format") from error


def table(rows: list[str], columns: list[int], path: Path, frame: int, expected: int) -> np.ndarray:
    """(rows, columns) numbers of a frame.

    Raises
    ------
    CutShort
        for fewer rows than expected.
    DlmdError
        for something that is no number.
    """
    if len(rows) < expected:
        raise CutShort(
            f"frame {frame} has {len(rows)} of {expected} atoms", where=str(path), remedy=TRUNCATED
        )
    try:
        return np.loadtxt(rows, usecols=columns, ndmin=2, comments=None)
    except ValueError as error:
        raise DlmdError(
            f"frame {frame}: {error}", where=str(path), remedy="look at that line of the file"
        ) from error


def read_xdatcar(path: Path) -> Iterator[Frame]:
    """VASP XDATCAR; several runs appended to one file are allowed, and so is a header before every frame.

    Raises
    ------
    DlmdError
        for a file that does not begin with a header, or is truncated.
    """
    lines = text_lines(path)
    cell: np.ndarray | None = None
    symbols: list[str] = []
    count = 0
    for line in lines:
        if cell is not None and not line.strip():
            continue
        if not re.match(r"\s*direct configuration", line, re.IGNORECASE):
            cell, symbols = _xdatcar_header(lines, path)
            continue
        if cell is None:
            raise DlmdError(
                "no header before the first frame",
                where=str(path),
                remedy="give the XDATCAR from its first line",
            )
        number = re.search(r"=\s*(\d+)", line)
        rows = list(islice(lines, len(symbols)))
        fractional = table(rows, [0, 1, 2], path, count, len(symbols))
        yield Frame(fractional @ cell, cell, symbols=symbols, step=int(number[1]) if number else None)
        count += 1


def _xdatcar_header(lines: Iterator[str], path: Path) -> tuple[np.ndarray, list[str]]:
    """Cell and symbols from the six lines after the comment line."""
    head = list(islice(lines, 6))
    if len(head) < 6:
        raise CutShort("no whole header", where=str(path), remedy=TRUNCATED)
    try:
        scale = float(head[0])
        cell = np.array([[float(x) for x in row.split()] for row in head[1:4]])
        names, counts = head[4].split(), [int(n) for n in head[5].split()]
        symbols = [name for name, n in zip(names, counts, strict=True) for _ in range(n)]
    except (ValueError, IndexError) as error:
        raise DlmdError(
            f"no XDATCAR header: {error}",
            where=str(path),
            remedy="expected: comment, scale, three cell vectors, elements, counts (VASP 5 or later)",
        ) from error
    # a negative scale is the volume
    factor = scale if scale > 0 else (-scale / abs(np.linalg.det(cell))) ** (1 / 3)
    return cell * factor, symbols


def read_extxyz(path: Path) -> Iterator[Frame]:
    """Extended XYZ with `Lattice` and, where the columns are not element x y z, `Properties`; plain XYZ, also as CP2K writes it.

    Rows are sorted by the column `id`, where there is one.

    Raises
    ------
    DlmdError
        for a file that is truncated, and frames without species or positions.
    """
    from ase.io.extxyz import key_val_str_to_dict

    lines = text_lines(path)
    for count, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            n_atoms = int(line)
        except ValueError as error:
            raise DlmdError(
                f"frame {count}: expected a number of atoms, found {line.strip()[:40]!r}",
                where=str(path),
                remedy="check that all frames are whole",
            ) from error
        comment = next(lines, None)
        if comment is None:
            raise CutShort(f"frame {count} has 0 of {n_atoms} atoms", where=str(path), remedy=TRUNCATED)
        info = key_val_str_to_dict(comment) if "=" in comment else {}
        yield _xyz_frame(list(islice(lines, n_atoms)), n_atoms, info, comment, path, count)


def _xyz_frame(
    rows: list[str], n_atoms: int, info: dict[str, Any], comment: str, path: Path, count: int
) -> Frame:
    columns = _xyz_columns(info, path, count)
    first = columns["pos"]
    by_id = "id" in columns
    momenta = columns.get("momenta")
    # LAMMPS' `dump extxyz`
    velocities = None if momenta is not None else columns.get("vel", columns.get("velo"))
    wanted = [first, first + 1, first + 2]
    for moving in (momenta, velocities):
        wanted += [] if moving is None else [moving, moving + 1, moving + 2]
    numbers = table(rows, wanted + ([columns["id"]] if by_id else []), path, count, n_atoms)
    names = [row.split(None, columns["species"] + 1)[columns["species"]] for row in rows]
    types = np.array(names, dtype=int) if all(name.isdigit() for name in names) else None
    if by_id:
        order = np.argsort(numbers[:, -1], kind="stable")
        if len(np.unique(numbers[:, -1])) != n_atoms:
            raise DlmdError(
                f"frame {count} has an id twice",
                where=str(path),
                remedy="write the frames again from one run",
            )
        numbers, names = numbers[order], [names[i] for i in order]
        types = None if types is None else types[order]
    lattice = info.get("Lattice")
    # ASE returns the vectors in columns
    cell = None if lattice is None else np.asarray(lattice, dtype=float).T
    # LAMMPS' `dump xyz` has types for names
    frame = Frame(numbers[:, :3], cell, symbols=names if types is None else None, types=types)
    if momenta is not None:
        # ASE's unit is (eV u)^(1/2)
        frame.momenta = numbers[:, 3:6] / ASE_TIME_PS
    elif velocities is not None:
        frame.velocities, frame.metal_or_real = numbers[:, 3:6], True
    if cp2k := CP2K_COMMENT.match(comment):
        frame.step, frame.time, frame.time_unit = int(cp2k[1]), float(cp2k[2]), "fs"
        frame.counts_steps = True
    elif lammps := LAMMPS_COMMENT.match(comment):
        frame.step, frame.counts_steps = int(lammps[1]), True
        frame.time = float(lammps[2]) if lammps[2] else None
    else:
        _xyz_time(frame, info)
    return frame


def _xyz_time(frame: Frame, info: dict[str, Any]) -> None:
    """Step and time from the comment: `Step`, `Timestep` (LAMMPS), `Time` (of unknown unit), `time_fs`, in any case."""
    said = {key.lower(): value for key, value in info.items()}
    step = next((said[key] for key in ("step", "timestep", "md_step") if _is_number(said.get(key))), None)
    if step is not None and float(step) == int(step):
        frame.step, frame.counts_steps = int(step), True
    if _is_number(said.get("time")):
        frame.time = float(said["time"])
    for unit in ("fs", "ps"):
        if (
            named := next((v for k, v in said.items() if k in _timed(unit) and _is_number(v)), None)
        ) is not None:
            frame.time, frame.time_unit = float(named), unit


def _timed(unit: str) -> tuple[str, ...]:
    """Names of a time in a unit."""
    return (
        f"time_{unit}",
        f"time({unit})",
        f"time[{unit}]",
        f"t_{unit}",
        f"time_in_{unit}",
        f"md_time_{unit}",
    )


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float | np.number)
        and not isinstance(value, bool)
        and bool(np.isfinite(value))
    )


def _xyz_columns(info: dict[str, Any], path: Path, count: int) -> dict[str, int]:
    """First column of each property, by its name in lower case."""
    properties = str(info.get("Properties", "species:S:1:pos:R:3")).split(":")
    columns, at = {}, 0
    for name, width in zip(properties[::3], properties[2::3], strict=True):
        columns[name.lower()] = at
        at += int(width)
    if not {"species", "pos"} <= columns.keys():
        raise DlmdError(
            f"frame {count} has no species or pos: {properties}", where=str(path), remedy="write both columns"
        )
    return columns
