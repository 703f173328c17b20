"""Frames of LAMMPS text dumps: any coordinates, image flags, type labels, units and times of `dump_modify`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.trajectory.text_frames import TRUNCATED, CutShort, Frame, table, text_lines

# Å of a length, and the unit of time (None: neither ps nor fs), by the style of `units`
UNITS = {
    "metal": (1.0, "ps"),
    "real": (1.0, "fs"),
    "electron": (0.529177210544, "fs"),
    "nano": (10.0, "ns"),
    "micro": (1e4, "us"),
    "si": (1e10, "s"),
    "cgs": (1e8, "s"),
}
# Å/ps of a velocity, by the style of `units`
VELOCITIES = {
    "metal": 1.0,
    "real": 1e3,
    "electron": 0.529177210544 / 1.03275e-3,
    "nano": 1e-2,
    "micro": 1e-2,
    "si": 1e-2,
    "cgs": 1e-4,
}
_BEGIN = "ITEM: TIMESTEP"


@dataclass
class _Head:
    """What stands before the atoms of a frame."""

    step: int = -1
    n_atoms: int = -1
    time: float | None = None
    box: str = ""
    bounds: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)


def read_dump(path: Path) -> Iterator[Frame]:
    """LAMMPS text dump with an `id` column, coordinates x, xs, xu or xsu (and ix iy iz), and `element` or `type`.

    Lengths are in the units of `ITEM: UNITS`, in Å where there is none. A frame that breaks off where the next one begins
    (a killed run to whose file the restarted one appended) is left out with a note.

    Raises
    ------
    DlmdError
        for a file that is truncated, lacks columns, or has ids that repeat or change.
    """
    lines = text_lines(path)
    known_ids = None
    units: str | None = None
    note = None
    count = 0
    while (first := next(lines, None)) is not None:
        units, head = _head(first, lines, units, path, count)
        rows = list(islice(lines, head.n_atoms))
        torn = next((i for i, row in enumerate(rows) if "ITEM:" in row), None)
        if torn is not None:
            # what follows in that row and after it is the next frame
            rest = [rows[torn][rows[torn].index("ITEM:") :], *rows[torn + 1 :]]
            lines = chain(rest, lines)
            note = (
                f"a frame that breaks off after {torn} of {head.n_atoms} atoms (step {head.step}) is left out"
            )
            continue
        frame, ids = _frame(head, rows, units, path, count)
        if known_ids is not None and not np.array_equal(ids, known_ids):
            raise DlmdError(
                f"frame {count} has {len(ids)} atoms with other ids than the frame before ({len(known_ids)} atoms)",
                where=str(path),
                remedy="dump a group of fixed membership",
            )
        known_ids = ids
        frame.note, note = note, None
        yield frame
        count += 1


def _head(
    first: str, lines: Iterator[str], units: str | None, path: Path, count: int
) -> tuple[str | None, _Head]:
    """The units so far, and the head of a frame up to the line that names its columns."""
    head, line = _Head(), first
    try:
        while True:
            if line.startswith("ITEM: UNITS"):
                units = next(lines).strip()
            elif line.startswith("ITEM: TIMESTEP"):
                head.step = int(next(lines))
            elif line.startswith("ITEM: TIME"):
                head.time = float(next(lines))
            elif line.startswith("ITEM: NUMBER OF ATOMS"):
                head.n_atoms = int(next(lines))
            elif line.startswith("ITEM: BOX BOUNDS"):
                head.box, head.bounds = line, [next(lines) for _ in range(3)]
            elif line.startswith("ITEM: ATOMS"):
                head.columns = line.split()[2:]
                break
            elif line.startswith("ITEM: "):
                next(lines)
            elif line.strip() or line is not first:
                raise DlmdError(
                    f"frame {count}: expected 'ITEM: ...', found {line.strip()[:40]!r}",
                    where=str(path),
                    remedy=TRUNCATED,
                )
            line = next(lines)
    except StopIteration as error:
        raise CutShort(f"frame {count} ends in its header", where=str(path), remedy=TRUNCATED) from error
    except ValueError as error:
        raise DlmdError(
            f"damaged header of frame {count}: {error}", where=str(path), remedy=TRUNCATED
        ) from error
    if head.step < 0 or head.n_atoms < 0 or not head.bounds:
        raise DlmdError(
            f"damaged header of frame {count}: no step, number of atoms or box",
            where=str(path),
            remedy=TRUNCATED,
        )
    return units, head


def _frame(
    head: _Head, rows: list[str], units: str | None, path: Path, count: int
) -> tuple[Frame, np.ndarray]:
    """The frame with its atoms sorted by id, and the ids."""
    names = head.columns
    style = next((s for s in ("u", "su", "", "s") if f"x{s}" in names), None)
    if style is None or "id" not in names:
        raise DlmdError(
            f"the dump has columns {' '.join(names)}; id and x, xu, xs or xsu are needed (rows change order without an id)",
            where=str(path),
            remedy="dump with: dump 1 all custom N file id element xu yu zu",
        )
    try:
        bounds = np.array([[float(x) for x in row.split()[:4]] for row in head.bounds])
        origin, cell = _box(head.box, bounds)
    except (ValueError, IndexError) as error:
        raise DlmdError(
            f"damaged header of frame {count}: {error}", where=str(path), remedy=TRUNCATED
        ) from error
    length, time_unit = _units(units, path)
    images = style in ("", "s") and {"ix", "iy", "iz"} <= set(names)
    wanted = ["id", *(f"{axis}{style}" for axis in "xyz"), *(["ix", "iy", "iz"] if images else [])]
    # without `dump_modify units yes` the style of units is unknown: lengths in Å leave two
    moving = (units is None or units in VELOCITIES) and {"vx", "vy", "vz"} <= set(names)
    wanted += ["vx", "vy", "vz"] if moving else []
    numbers = table(rows, [names.index(name) for name in wanted], path, count, head.n_atoms)
    order = np.argsort(numbers[:, 0], kind="stable")
    ids, coordinates = numbers[order, 0].astype(np.int64), numbers[order, 1:4]
    if len(np.unique(ids)) != head.n_atoms:
        raise DlmdError(f"frame {count} has an id twice", where=str(path), remedy="dump again from one run")
    if "s" in style:
        coordinates = coordinates @ cell + origin
    if images:
        coordinates = coordinates + numbers[order, 4:7] @ cell
    frame = Frame(
        coordinates * length,
        cell * length,
        step=head.step,
        unwrapped=True if images or "u" in style else None,
        time=head.time,
        time_unit=time_unit,
        origin=origin * length,
    )
    if moving:
        frame.velocities = numbers[order, -3:] * VELOCITIES[units or "metal"]
        frame.metal_or_real = units is None
    _name(frame, names, rows, order, path, count)
    return frame, ids


def _name(frame: Frame, names: list[str], rows: list[str], order: np.ndarray, path: Path, count: int) -> None:
    """Elements and types of the frame; type labels (`labelmap`) count as names."""

    def words(column: int) -> list[str]:
        return [rows[i].split(None, column + 1)[column] for i in order]

    if "element" in names:
        frame.symbols = words(names.index("element"))
    if "mass" in names:
        frame.masses = table(rows, [names.index("mass")], path, count, len(order))[order, 0]
    if "type" in names:
        column = names.index("type")
        if rows and not rows[0].split(None, column + 1)[column].isdigit():
            frame.labels = frame.symbols is None
            frame.symbols = frame.symbols or words(column)
            return
        frame.types = table(rows, [column], path, count, len(order))[order, 0].astype(int)


def _units(units: str | None, path: Path) -> tuple[float, str | None]:
    if units is None:
        return 1.0, None
    if units not in UNITS:
        raise DlmdError(
            f"the dump is in units {units}, which have no length in Å",
            where=str(path),
            remedy=f"give a run in units {', '.join(UNITS)}",
        )
    return UNITS[units]


def _box(item: str, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Origin and cell of 'ITEM: BOX BOUNDS'; with tilts, bounds are of the enclosing box (LAMMPS manual, Howto triclinic)."""
    if "abc" in item:
        # `triclinic/general`: three vectors, each followed by a component of the origin
        return bounds[:, 3].copy(), bounds[:, :3].copy()
    low, high = bounds[:, 0].copy(), bounds[:, 1].copy()
    xy, xz, yz = bounds[:, 2] if "xy" in item else (0.0, 0.0, 0.0)
    low[0] -= min(0.0, xy, xz, xy + xz)
    high[0] -= max(0.0, xy, xz, xy + xz)
    low[1] -= min(0.0, yz)
    high[1] -= max(0.0, yz)
    lx, ly, lz = high - low
    return low, np.array([[lx, 0.0, 0.0], [xy, ly, 0.0], [xz, yz, lz]])
