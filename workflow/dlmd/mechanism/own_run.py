"""The mechanism of somebody's own trajectory: its host, the repetition of the CIF's cell, charges, the density in its cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.mechanism.analysis import Host
from dlmd.structures.crystal import Crystal
from dlmd.trajectory.trajectory import Trajectory

# Cell parameters of the CIF and of the run may differ by so much: thermal expansion and a level of theory.
_CELL_TOLERANCE = 0.08
_GRID_A = 0.3


def host_of(trajectory: Trajectory) -> Host:
    """Mean places of the host's atoms over the frames that were kept of all atoms.

    Raises
    ------
    DlmdError
        for a trajectory without host, or whose atoms were not recorded.
    """
    atoms = trajectory.atoms
    if atoms is None or trajectory.host_centre is None:
        raise DlmdError(
            "the trajectory holds no atoms of the host",
            where=trajectory.label,
            remedy="give one of all atoms",
        )
    still = np.ones(len(atoms.symbols), dtype=bool)
    still[atoms.mobile] = False
    centres = trajectory.host_centre[atoms.frames]
    relative = atoms.positions[:, still].astype(float) - centres[:, None]
    return Host(
        positions=relative.mean(axis=0),
        species=[s for s, keep in zip(atoms.symbols, still, strict=True) if keep],
        centre=trajectory.host_centre[0],
    )


def require_same_compound(crystal: Crystal, elements: Iterable[str]) -> None:
    """Raises DlmdError where a crystal has other elements than the atoms of the trajectory."""
    of_crystal = sorted({kind for site in crystal.sites for kind in site.occupancy})
    of_run = sorted(set(elements))
    if of_crystal != of_run:
        raise DlmdError(
            f"the CIF has {', '.join(of_crystal)}, the trajectory {', '.join(of_run)}: another compound",
            where=crystal.source,
            remedy="give the CIF of the compound that was run; or its sites as a structure file (--sites)",
        )


def repeat_of(cell: np.ndarray, unit: np.ndarray) -> tuple[int, int, int]:
    """Unit cells along a, b, c in the run's (3, 3) cell, from the (3, 3) unit cell of the CIF.

    Raises
    ------
    DlmdError
        where the cell is no such repetition.
    """
    lengths, units = np.linalg.norm(cell, axis=1), np.linalg.norm(unit, axis=1)
    repeat = np.maximum(1, np.round(lengths / units)).astype(int)
    stretched = np.abs(lengths / (repeat * units) - 1)
    cosines = [
        np.array([v[1] @ v[2], v[0] @ v[2], v[0] @ v[1]])
        for v in (cell / lengths[:, None], unit / units[:, None])
    ]
    if stretched.max() > _CELL_TOLERANCE or np.abs(cosines[0] - cosines[1]).max() > _CELL_TOLERANCE:
        raise DlmdError(
            f"the run's cell ({', '.join(f'{x:.2f}' for x in lengths)} Å) is no repetition of the CIF's "
            f"({', '.join(f'{x:.2f}' for x in units)} Å) with the same angles",
            remedy="give the CIF in the setting of the run, its axes in the same order; or --repeat A B C",
        )
    return int(repeat[0]), int(repeat[1]), int(repeat[2])


def charges_of(composition: Mapping[str, int], given: Mapping[str, float]) -> dict[str, float]:
    """Formal charges of all species in e: given, or those of the likeliest neutral compound.

    Raises
    ------
    DlmdError
        where the composition does not settle them.
    """
    if all(kind in given for kind in composition):
        return {kind: given[kind] for kind in composition}
    from pymatgen.core import Composition

    guesses = Composition(dict(composition)).reduced_composition.oxi_state_guesses(
        oxi_states_override={kind: [int(z)] for kind, z in given.items()} or None, max_sites=-1
    )
    if not guesses:
        raise DlmdError(
            f"no neutral compound of {', '.join(composition)} with common charges",
            remedy="give --charges, such as --charges Li=1 In=3 Cl=-1",
        )
    return {kind: float(guesses[0][kind]) for kind in composition}


def density_in_cell(trajectories: Sequence[Trajectory]) -> np.ndarray:
    """(nx, ny, nz) mobile ions per Å³ in the run's own cell, relative to its corner, the mean over all runs."""
    cell = trajectories[0].cell
    shape = np.maximum(1, np.round(np.linalg.norm(cell, axis=1) / _GRID_A)).astype(int)
    counts = np.zeros(int(np.prod(shape)))
    seen = 0
    for trajectory in trajectories:
        inverse = np.linalg.inv(trajectory.cell)
        corner = np.zeros(3) if trajectory.host_centre is None else trajectory.host_centre[0]
        for block in trajectory.blocks(max_bytes=64 << 20):
            for ion in range(block.shape[1]):
                fractional = (block[:, ion] + corner) @ inverse % 1.0
                index = np.minimum((fractional * shape).astype(int), shape - 1)
                counts += np.bincount(
                    np.ravel_multi_index(tuple(index.T), tuple(shape)), minlength=len(counts)
                )
        seen += trajectory.n_frames
    voxel = abs(np.linalg.det(cell)) / len(counts)
    return counts.reshape(shape) / (seen * voxel)


def write_cube(path: Path, density: np.ndarray, trajectory: Trajectory) -> None:
    """A (nx, ny, nz) density with the host's mean places as a Gaussian cube file, which VESTA and others draw."""
    import ase
    from ase.io.cube import write_cube as write

    cell = trajectory.cell
    if trajectory.atoms is not None and trajectory.host_centre is not None:
        host = host_of(trajectory)
        places = (((host.positions + host.centre) @ np.linalg.inv(cell)) % 1.0) @ cell
        atoms = ase.Atoms(host.species, positions=places, cell=cell, pbc=True)
    else:
        atoms = ase.Atoms(cell=cell, pbc=True)
    with path.open("w", encoding="utf-8") as file:
        write(
            file, atoms, data=density, comment="mobile ions per cubic Angstrom, about the host's mean places"
        )
