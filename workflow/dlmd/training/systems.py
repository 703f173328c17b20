"""Systems of deepmd/npy as they lie on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlmd.base.arrays import read_npy


@dataclass(frozen=True)
class System:
    """Frames of one composition: positions and forces (frames, atoms, 3), cells and virials (frames, 3, 3), energies (frames,),
    types (atoms,); eV and Å. The virial is minus the volume times the stress."""

    positions: np.ndarray
    cells: np.ndarray
    types: np.ndarray
    forces: np.ndarray
    energies: np.ndarray
    virials: np.ndarray

    def counts(self, elements: int) -> np.ndarray:
        """(elements,) atoms of each type."""
        return np.bincount(self.types, minlength=elements)


def systems(folder: str | Path) -> list[Path]:
    """Folders of deepmd systems below `folder`, sorted."""
    return sorted(found.parent for found in Path(folder).rglob("type.raw"))


def read_system(folder: Path) -> System:
    """All sets of a system, one after the other."""
    types = np.loadtxt(folder / "type.raw", dtype=int, ndmin=1)
    sets = sorted(folder.glob("set.*"))
    coord, box, force, energy = (
        np.concatenate([read_npy(s / f"{name}.npy") for s in sets])
        for name in ("coord", "box", "force", "energy")
    )
    virial = [read_npy(s / "virial.npy") if (s / "virial.npy").exists() else _none(s) for s in sets]
    shape = (len(coord), len(types), 3)
    return System(
        positions=coord.reshape(shape),
        cells=box.reshape(-1, 3, 3),
        types=types,
        forces=force.reshape(shape),
        energies=energy.ravel(),
        virials=np.concatenate(virial).reshape(-1, 3, 3),
    )


def _none(folder: Path) -> np.ndarray:
    """Virials of a set without any."""
    return np.full((len(np.load(folder / "energy.npy")), 9), np.nan)
