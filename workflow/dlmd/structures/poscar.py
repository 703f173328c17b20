"""POSCAR files: the element order recorded, and the written file read again and compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlmd.base.errors import DlmdError

if TYPE_CHECKING:
    from ase import Atoms

TOLERANCE_A = 1e-6


def write(atoms: Atoms, path: str | Path, *, species: Sequence[str]) -> np.ndarray:
    """Write a POSCAR with its atoms grouped in the order of `species`; that order is its comment line too.

    Returns
    -------
    np.ndarray
        (n,) for every line of the POSCAR the index of the atom in `atoms`, so that values per atom (magnetic
        moments, site labels) can be brought into the file's order.

    Raises
    ------
    DlmdError
        An element that is not among `species`, or a file that reads back otherwise than it was meant.
    """
    symbols = np.array(atoms.get_chemical_symbols())
    unknown = sorted(set(symbols) - set(species))
    if unknown:
        raise DlmdError(
            f"{', '.join(unknown)} not among the species {list(species)}",
            where=str(path),
            remedy="list every element of the structure",
        )
    present = [s for s in species if s in symbols]
    order = np.concatenate([np.flatnonzero(symbols == s) for s in present])
    fractional = atoms.get_scaled_positions(wrap=True)[order]
    lines = [
        " ".join(present),
        "1.0",
        *(" ".join(f"{x:.16f}" for x in row) for row in atoms.cell.array),
        " ".join(present),
        " ".join(str(int((symbols == s).sum())) for s in present),
        "Direct",
        *(" ".join(f"{x:.16f}" for x in row) for row in fractional),
    ]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
    _compare(atoms[order], path)
    return order


def _compare(meant: Atoms, path: str | Path) -> None:
    from ase.io.vasp import read_vasp

    found = read_vasp(path)
    shift = meant.get_scaled_positions() - found.get_scaled_positions()
    shift -= np.round(shift)
    if (
        found.get_chemical_symbols() != meant.get_chemical_symbols()
        or np.abs(found.cell.array - meant.cell.array).max() > TOLERANCE_A
        or np.linalg.norm(shift @ meant.cell.array, axis=1).max() > TOLERANCE_A
    ):
        raise DlmdError(
            "the file reads back with other elements, positions or cell than were written",
            where=str(path),
            remedy="check the disk, and that the species are chemical elements",
        )
