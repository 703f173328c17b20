"""A cell that the user gives for trajectories without: numbers, or CP2K's file of cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.trajectory.text_frames import Frame

_FORMS = "give A B C in Å, A B C ALPHA BETA GAMMA, nine numbers, or CP2K's PROJECT-1.cell"


def given_cell(cell: Any, sources: Sequence[Any]) -> Cells | None:
    """What is given as a cell; without anything, CP2K's file of cells that lies beside its `PROJECT-pos-1.xyz`.

    Raises
    ------
    DlmdError
        for anything that is no cell.
    """
    if cell is None:
        beside = _cp2k_beside(sources[0]) if sources else None
        return None if beside is None else Cells(read_cp2k_cells(beside))
    if isinstance(cell, list | tuple) and len(cell) == 1 and isinstance(cell[0], str):
        cell = cell[0]
    if isinstance(cell, str | Path) and Path(cell).is_file():
        return Cells(read_cp2k_cells(Path(cell)))
    try:
        numbers = np.asarray(cell, dtype=float).ravel()
    except ValueError as error:
        raise DlmdError(f"--cell {cell}: no file and no numbers", remedy=_FORMS) from error
    if not np.isfinite(numbers).all() or not numbers.any():
        raise DlmdError(f"--cell {' '.join(f'{x:g}' for x in numbers)}: no lengths", remedy=_FORMS)
    if len(numbers) == 9:
        return Cells({None: numbers.reshape(3, 3)})
    if len(numbers) in (3, 6):
        from ase.geometry import cellpar_to_cell

        return Cells(
            {None: cellpar_to_cell([*numbers[:3], *(numbers[3:] if len(numbers) == 6 else (90.0,) * 3)])}
        )
    if len(numbers) == 1:
        edge = f"{numbers[0]:g}"
        raise DlmdError(
            "--cell has one number, a cell three edges", remedy=f"a cubic one is --cell {edge} {edge} {edge}"
        )
    raise DlmdError(f"--cell has {len(numbers)} numbers: no cell has so many", remedy=_FORMS)


# Two cells that differ by less than this fraction are one, rounded.
_SAME_CELL = 0.01


class Cells:
    """Cells by MD step; one under None holds for all frames."""

    def __init__(self, by_step: dict[int | None, np.ndarray]):
        self._by_step = by_step

    def give(self, frame: Frame, where: str) -> None:
        """Give a frame its cell, where the file has none.

        Raises
        ------
        DlmdError
            where the file has another one, and where the file of cells lacks its step.
        """
        own = frame.cell
        given = (
            self.of(None if frame.by_time else frame.step, where) if own is None or self._constant else own
        )
        if own is not None and np.abs(given - own).max() > _SAME_CELL * np.abs(own).max():
            raise DlmdError(
                f"--cell has edges {_edges(given)} Å, the file's own cell {_edges(own)} Å",
                where=where,
                remedy="leave --cell out",
            )
        frame.cell = given if own is None else own

    @property
    def _constant(self) -> bool:
        return None in self._by_step

    def of(self, step: int | None, where: str) -> np.ndarray:
        """The (3, 3) cell of a frame.

        Raises
        ------
        DlmdError
            where the file of cells lacks its step.
        """
        found = self._by_step.get(None, self._by_step.get(step))
        if found is None:
            raise DlmdError(
                f"no cell for step {step}",
                where=where,
                remedy="write cells as often as positions (CP2K: MOTION%PRINT%CELL)",
            )
        return found


def _edges(cell: np.ndarray) -> str:
    return ", ".join(f"{x:.4g}" for x in np.linalg.norm(cell, axis=1))


def _cp2k_beside(source: Any) -> Path | None:
    if not isinstance(source, Path) or "-pos-" not in source.name:
        return None
    beside = source.with_name(source.name.split(".")[0].replace("-pos-", "-") + ".cell")
    return beside if beside.is_file() else None


def read_cp2k_cells(path: Path) -> dict[int | None, np.ndarray]:
    """(3, 3) cells by step from CP2K's `PROJECT-1.cell`: step, time, then the three vectors in Å and the volume.

    Raises
    ------
    DlmdError
        for another file.
    """
    try:
        rows = np.loadtxt(path, ndmin=2)
    except (ValueError, UnicodeDecodeError) as error:
        raise DlmdError(f"no cells of CP2K: {error}", where=str(path), remedy=_FORMS) from error
    if rows.shape[1] < 11:
        raise DlmdError(f"{rows.shape[1]} columns, 12 expected", where=str(path), remedy=_FORMS)
    cells: dict[int | None, np.ndarray] = {int(row[0]): row[2:11].reshape(3, 3) for row in rows}
    if all(np.allclose(cell, rows[0, 2:11].reshape(3, 3)) for cell in cells.values()):
        return {None: rows[0, 2:11].reshape(3, 3)}
    return cells
