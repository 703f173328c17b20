"""Frames of trajectories in text files: VASP XDATCAR, extended XYZ and LAMMPS dumps, gzipped or not.

Readers yield whole frames and raise for a file that ends in the middle of one.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from dlmd.base.errors import DlmdError

TRUNCATED = "copy the file again, or cut it back to its last whole frame"


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
        Elements of the atoms; None where the file has none.
    types
        LAMMPS types (from 1), where the file has these.
    step
        Number that the file gives the frame, or None.
    unwrapped
        True where the file says that its coordinates are unwrapped; None where it does not say.
    interval_ps
        Time between frames, where the file records it reliably.
    """

    positions: np.ndarray
    cell: np.ndarray | None
    symbols: list[str] | None = None
    types: np.ndarray | None = None
    step: int | None = None
    unwrapped: bool | None = None
    interval_ps: float | None = None


def open_file(path: Path, mode: str) -> IO[Any]:
    """The file at `path`, decompressed where its name ends in .gz."""
    if path.suffix == ".gz":
        return cast(IO[Any], gzip.open(path, mode))
    return path.open(mode)


def _lines(path: Path) -> Iterator[str]:
    """Lines of a text file, gzipped or not. A last line without its end is a truncated file."""
    try:
        with open_file(path, "rt") as file:
            for line in file:
                if not line.endswith("\n"):
                    raise DlmdError(
                        f"truncated: the last line has no end: {line[:40]!r}",
                        where=str(path),
                        remedy=TRUNCATED,
                    )
                yield line
    except (EOFError, gzip.BadGzipFile) as error:
        raise DlmdError(
            f"truncated or damaged gzip file: {error}", where=str(path), remedy=TRUNCATED
        ) from error
    except UnicodeDecodeError as error:
        raise DlmdError("not a text file", where=str(path), remedy="check the format") from error


def _table(rows: list[str], columns: list[int], path: Path, frame: int, expected: int) -> np.ndarray:
    """(rows, columns) numbers of a frame; raises where there are fewer rows than expected or no numbers."""
    if len(rows) < expected:
        raise DlmdError(
            f"truncated: frame {frame} has {len(rows)} of {expected} atoms",
            where=str(path),
            remedy=TRUNCATED,
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
    lines = _lines(path)
    cell: np.ndarray | None = None
    symbols: list[str] = []
    count = 0
    for line in lines:
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
        fractional = _table(rows, [0, 1, 2], path, count, len(symbols))
        yield Frame(fractional @ cell, cell, symbols=symbols, step=int(number[1]) if number else None)
        count += 1


def _xdatcar_header(lines: Iterator[str], path: Path) -> tuple[np.ndarray, list[str]]:
    """Cell and symbols from the six lines after the comment line."""
    head = list(islice(lines, 6))
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
    """Extended XYZ with `Lattice` and, where the columns are not element x y z, `Properties`.

    Raises
    ------
    DlmdError
        for a file that is truncated, and frames without species or positions.
    """
    from ase.io.extxyz import key_val_str_to_dict

    lines = _lines(path)
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
        info = key_val_str_to_dict(next(lines, ""))
        properties = str(info.get("Properties", "species:S:1:pos:R:3")).split(":")
        columns, at = {}, 0
        for name, width in zip(properties[::3], properties[2::3], strict=True):
            columns[name.lower()] = at
            at += int(width)
        if not {"species", "pos"} <= columns.keys():
            raise DlmdError(
                f"frame {count} has no species or pos: {properties}",
                where=str(path),
                remedy="write both columns",
            )
        rows = list(islice(lines, n_atoms))
        first = columns["pos"]
        positions = _table(rows, [first, first + 1, first + 2], path, count, n_atoms)
        symbols = [row.split(None, columns["species"] + 1)[columns["species"]] for row in rows]
        lattice = info.get("Lattice")
        # ASE returns the vectors in columns
        cell = None if lattice is None else np.asarray(lattice, dtype=float).T
        yield Frame(positions, cell, symbols=symbols)


def read_dump(path: Path) -> Iterator[Frame]:
    """LAMMPS text dump with an `id` column, coordinates x, xs, xu or xsu (and ix iy iz), and `element` or `type`.

    Raises
    ------
    DlmdError
        for a file that is truncated, lacks columns, or has ids that repeat or change.
    """
    lines = _lines(path)
    known_ids = None
    for count, line in enumerate(lines):
        if not line.startswith("ITEM: TIMESTEP"):
            raise DlmdError(
                f"frame {count}: expected 'ITEM: TIMESTEP', found {line.strip()[:40]!r}",
                where=str(path),
                remedy=TRUNCATED,
            )
        head = list(islice(lines, 8))
        try:
            step, n_atoms = int(head[0]), int(head[2])
            origin, cell = _dump_box(
                head[3], np.array([[float(x) for x in row.split()[:3]] for row in head[4:7]])
            )
            names = head[7].split()[2:]
        except (ValueError, IndexError) as error:
            raise DlmdError(
                f"truncated or damaged header of frame {count}: {error}", where=str(path), remedy=TRUNCATED
            ) from error
        style = next((s for s in ("u", "su", "", "s") if f"x{s}" in names), None)
        if style is None or "id" not in names:
            raise DlmdError(
                f"the dump has columns {' '.join(names)}; id and x, xu, xs or xsu are needed (rows change order without an id)",
                where=str(path),
                remedy="dump with: dump 1 all custom N file id element xu yu zu",
            )
        images = style in ("", "s") and {"ix", "iy", "iz"} <= set(names)
        wanted = ["id", *(f"{axis}{style}" for axis in "xyz"), *(["ix", "iy", "iz"] if images else [])]
        rows = list(islice(lines, n_atoms))
        table = _table(rows, [names.index(name) for name in wanted], path, count, n_atoms)
        order = np.argsort(table[:, 0], kind="stable")
        ids, coordinates = table[order, 0].astype(np.int64), table[order, 1:4]
        if len(np.unique(ids)) != n_atoms:
            raise DlmdError(
                f"frame {count} has an id twice", where=str(path), remedy="dump again from one run"
            )
        if known_ids is not None and not np.array_equal(ids, known_ids):
            raise DlmdError(
                f"frame {count} has {n_atoms} atoms with other ids than the frame before ({len(known_ids)} atoms)",
                where=str(path),
                remedy="dump a group of fixed membership",
            )
        known_ids = ids
        if "s" in style:
            coordinates = coordinates @ cell + origin
        if images:
            coordinates = coordinates + table[order, 4:7] @ cell
        frame = Frame(coordinates, cell, step=step, unwrapped=True if images or "u" in style else None)
        if "element" in names:
            column = names.index("element")
            frame.symbols = [rows[i].split(None, column + 1)[column] for i in order]
        elif "type" in names:
            frame.types = _table(rows, [names.index("type")], path, count, n_atoms)[order, 0].astype(int)
        yield frame


def _dump_box(item: str, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Origin and cell of 'ITEM: BOX BOUNDS'; with tilts, bounds are of the enclosing box (LAMMPS manual, Howto triclinic)."""
    low, high = bounds[:, 0].copy(), bounds[:, 1].copy()
    if "abc" in item:
        raise ValueError("general triclinic dumps are not read; write without triclinic/general")
    xy, xz, yz = bounds[:, 2] if "xy" in item else (0.0, 0.0, 0.0)
    low[0] -= min(0.0, xy, xz, xy + xz)
    high[0] -= max(0.0, xy, xz, xy + xz)
    low[1] -= min(0.0, yz)
    high[1] -= max(0.0, yz)
    lx, ly, lz = high - low
    return low, np.array([[lx, 0.0, 0.0], [xy, ly, 0.0], [xz, yz, lz]])
