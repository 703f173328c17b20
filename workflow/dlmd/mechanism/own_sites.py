"""Sites that a user gives as the atoms of a structure file, in the place of a crystal's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlmd.base.carriers import elements
from dlmd.base.errors import DlmdError, first_line
from dlmd.mechanism.analysis import Host
from dlmd.mechanism.own_run import repeat_of
from dlmd.structures.crystal import Crystal, Site
from dlmd.trajectory.trajectory import Trajectory

# Two sites nearer than this are one, given twice.
_APART_A = 0.5


@dataclass(frozen=True)
class Places:
    """Sites of a unit cell or of the whole one: (n, 3) fractional positions by kind, and the (3, 3) cell in Å."""

    kinds: dict[str, np.ndarray]
    cell: np.ndarray
    path: Path


def read_sites(path: str | Path) -> Places:
    """The atoms of a structure file as sites, their elements as kinds.

    Raises
    ------
    DlmdError
        for a file that is missing or unreadable, without a cell, or with the same site twice.
    """
    import ase.io
    from ase.geometry import get_distances

    path = Path(path)
    if not path.is_file():
        raise DlmdError("no such file", where=str(path), remedy="check the path given to --sites")
    try:
        atoms = ase.io.read(path, index=0)
    except Exception as error:  # readers raise whatever their parsing meets
        raise DlmdError(
            f"no readable structure: {first_line(error)}",
            where=str(path),
            remedy="give a POSCAR, an extended XYZ or a CIF whose atoms are the sites",
        ) from error
    if atoms.cell.rank != 3:
        raise DlmdError(
            "the sites have no cell",
            where=str(path),
            remedy="give one with the sites, such as Lattice in XYZ",
        )
    distances = get_distances(atoms.positions, cell=atoms.cell, pbc=True)[1] + 9.0 * np.eye(len(atoms))
    if len(atoms) > 1 and distances.min() < _APART_A:
        i, j = np.unravel_index(distances.argmin(), distances.shape)
        raise DlmdError(
            f"sites {i + 1} and {j + 1} are {distances.min():.2f} Å apart",
            where=str(path),
            remedy="give every site once",
        )
    symbols = np.array(atoms.get_chemical_symbols())
    fractional = atoms.get_scaled_positions(wrap=True)
    return Places(
        {kind: fractional[symbols == kind] for kind in dict.fromkeys(symbols)}, atoms.cell.array, path
    )


def crystal_of(
    places: Places, trajectory: Trajectory, host: Host, *, repeat: Sequence[int] | None
) -> Crystal:
    """A crystal without symmetry in the run's cell: the given sites, and the host's atoms where they are on average."""
    from ase.geometry import cell_to_cellpar

    cell = np.asarray(trajectory.cell)
    repeat = repeat or repeat_of(cell, places.cell)
    shifts = np.stack(np.meshgrid(*map(np.arange, repeat), indexing="ij"), axis=-1).reshape(-1, 3)
    mobile = elements(trajectory.mobile)
    n_sites = len(shifts) * sum(map(len, places.kinds.values()))
    filled = {
        name: n / n_sites for name, n in (trajectory.carriers or {mobile[0]: trajectory.n_ions}).items()
    }
    if sum(filled.values()) > 1 + 1e-9:
        raise DlmdError(
            f"{n_sites} sites for {trajectory.n_ions} ions",
            where=str(places.path),
            remedy="give every site that an ion can take",
        )
    sites = []
    for kind, fractional in places.kinds.items():
        tiled = ((fractional[:, None] + shifts[None]).reshape(-1, 3) / np.array(repeat)) % 1.0
        sites.append(Site(kind, kind, dict(filled), tiled))
    scaled = ((host.positions + host.centre) @ np.linalg.inv(cell)) % 1.0
    species = np.array(host.species)
    sites += [
        Site(f"host {kind}", kind, {kind: 1.0}, scaled[species == kind])
        for kind in dict.fromkeys(host.species)
    ]
    return Crystal(
        name=places.path.stem,
        source=str(places.path),
        spacegroup="P 1",
        cell_parameters=tuple(cell_to_cellpar(cell).tolist()),
        lattice=cell,
        sites=tuple(sites),
        rotations=np.eye(3, dtype=int)[None],
        translations=np.zeros((1, 3)),
    )
