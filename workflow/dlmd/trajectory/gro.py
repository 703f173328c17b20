"""Frames of GROMACS' GRO files of several frames."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.trajectory.text_frames import TRUNCATED, CutShort, Frame, text_lines

_TIME = re.compile(r"\bt=\s*([-+]?\d[\d.]*(?:[eE][-+]?\d+)?)")
_STEP = re.compile(r"\bstep=\s*(\d+)")
# residue, its name, name and number of the atom
_NAME, _POSITIONS = slice(10, 15), 20
_A_PER_NM = 10.0


def read_gro(path: Path) -> Iterator[Frame]:
    """GROMACS GRO of several frames; times (ps) and steps are those of its titles ("... t= 5.0 step= 2500").

    Three digits of a nanometre are its usual precision.

    Raises
    ------
    DlmdError
        for a file that is truncated or no GRO.
    """
    lines = text_lines(path)
    for count, title in enumerate(lines):
        counted = next(lines, "").strip()
        if not counted:
            if not title.strip():
                return
            raise CutShort(f"frame {count} has no number of atoms", where=str(path), remedy=TRUNCATED)
        if not counted.isdigit():
            raise DlmdError(
                f"frame {count}: expected a number of atoms, found {counted[:40]!r}",
                where=str(path),
                remedy="check that all frames are whole",
            )
        n_atoms = int(counted)
        rows = list(islice(lines, n_atoms + 1))
        if len(rows) <= n_atoms:
            raise CutShort(
                f"frame {count} has {len(rows)} of {n_atoms} atoms", where=str(path), remedy=TRUNCATED
            )
        yield _frame(title, rows, path, count)


def _frame(title: str, rows: list[str], path: Path, count: int) -> Frame:
    try:
        numbers = _numbers(rows[:-1])
        cell = _cell([float(word) for word in rows[-1].split()])
    except (ValueError, IndexError) as error:
        raise DlmdError(
            f"frame {count}: {error}", where=str(path), remedy="look at that frame of the file"
        ) from error
    frame = Frame(_A_PER_NM * numbers[:, :3], cell, symbols=[row[_NAME].strip() for row in rows[:-1]])
    if numbers.shape[1] == 6:
        frame.velocities = _A_PER_NM * numbers[:, 3:]
    if time := _TIME.search(title):
        frame.time, frame.time_unit = float(time[1]), "ps"
    if step := _STEP.search(title):
        frame.step, frame.counts_steps = int(step[1]), True
    return frame


def _numbers(rows: list[str]) -> np.ndarray:
    """(atoms, 3) positions, or (atoms, 6) with velocities: fields as wide as the distance of two decimal points."""
    first = rows[0].rstrip("\n")
    points = [i for i, letter in enumerate(first) if letter == "." and i >= _POSITIONS]
    if len(points) < 3:
        raise ValueError("no three coordinates")
    width = points[1] - points[0]
    columns = 6 if len(points) == 6 else 3
    # velocities have one digit more in fields of the same width
    starts = [_POSITIONS + width * i for i in range(columns)]
    return np.array([[float(row[at : at + width]) for at in starts] for row in rows])


def _cell(box: list[float]) -> np.ndarray | None:
    """(3, 3), Å, from v1x v2y v3z (v1y v1z v2x v2z v3x v3y); None for a box of zeros."""
    if len(box) not in (3, 9):
        raise ValueError(f"a box of {len(box)} numbers")
    xx, yy, zz, xy, xz, yx, yz, zx, zy = [*box, *([0.0] * (9 - len(box)))]
    cell = _A_PER_NM * np.array([[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]])
    return cell if abs(np.linalg.det(cell)) > 0 else None
