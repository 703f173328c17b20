"""Which element every atom of a trajectory is, from a file of one structure beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlmd.base.errors import DlmdError


@dataclass(frozen=True)
class Topology:
    """Elements of all atoms in the order of the trajectory, and the (3, 3) cell in Å where the file has one."""

    symbols: list[str]
    cell: np.ndarray | None
    path: Path


def read_topology(path: str | Path) -> Topology:
    """Elements and cell from a LAMMPS data file (by its masses) or any structure file that ASE reads (POSCAR, PDB, CIF, XYZ ...).

    Raises
    ------
    DlmdError
        for a missing file, an unknown format, or elements that cannot be told.
    """
    import ase.io

    path = Path(path)
    if not path.is_file():
        raise DlmdError("no such topology file", where=str(path), remedy="check the path given to --topology")
    try:
        if _is_lammps_data(path):
            atoms = ase.io.read(path, format="lammps-data", sort_by_id=True, units="metal")
        else:
            atoms = ase.io.read(path, index=0)
    except Exception as error:  # ASE's readers raise whatever their parsing meets
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DlmdError(
            f"no readable topology: {reason}",
            where=str(path),
            remedy="give a LAMMPS data file with Masses, a POSCAR, a PDB, a CIF or an extended XYZ",
        ) from error
    if (atoms.numbers == 0).any():
        raise DlmdError(
            "atoms without an element",
            where=str(path),
            remedy="give elements, or Masses in a LAMMPS data file",
        )
    cell = np.array(atoms.cell) if atoms.cell.rank == 3 else None
    return Topology(symbols=atoms.get_chemical_symbols(), cell=cell, path=path)


def _is_lammps_data(path: Path) -> bool:
    with path.open("rb") as file:
        return b" xlo xhi" in file.read(4000)
