"""Which orderings are the same up to the crystal's symmetry."""

from __future__ import annotations

import numpy as np

from dlmd.structures.supercell import Supercell

# At most so many positions times operations are tested; in larger cells a repeat by chance is practically impossible.
LARGEST_TEST = 2_000_000


def permutations(supercell: Supercell) -> np.ndarray | None:
    """(operations, positions): where every symmetry operation of the supercell takes each position.

    Operations are the space group's that map the supercell's lattice on itself, combined with all
    translations by unit cells. None where testing them all would be long (see LARGEST_TEST).
    """
    from scipy.spatial import cKDTree

    crystal, repeat = supercell.crystal, np.array(supercell.repeat)
    n_operations = len(crystal.rotations) * supercell.n_cells
    if n_operations * supercell.n_positions > LARGEST_TEST:
        return None
    fractional = supercell.fractional()
    tree = cKDTree(_in_box(fractional), boxsize=1.0)
    found = []
    for rotation, translation in zip(crystal.rotations, crystal.translations, strict=True):
        # in the supercell's fractional coordinates the rotation must stay integer to keep its lattice
        scaled = rotation * repeat[None, :] / repeat[:, None]
        if not np.allclose(scaled, np.round(scaled), atol=1e-6):
            continue
        image = fractional @ scaled.T + translation / repeat
        for cell in supercell.cells:
            distance, index = tree.query(_in_box(image + cell / repeat))
            if distance.max() * np.linalg.norm(supercell.lattice, axis=1).max() < 0.2:
                found.append(index)
    return np.unique(np.array(found), axis=0)


def _in_box(fractional: np.ndarray) -> np.ndarray:
    wrapped = fractional % 1.0
    return np.where(wrapped >= 1.0, 0.0, wrapped)


def canonical(content: np.ndarray, permutation_table: np.ndarray | None) -> bytes:
    """The same bytes for all orderings (positions,) that a symmetry operation takes into each other."""
    if permutation_table is None:
        return content.tobytes()
    images = np.ascontiguousarray(content[permutation_table])
    return min(row.tobytes() for row in images)
