"""Arrangements of large cells, tile by tile: a small supercell is arranged once and repeated, then what is left over is put in.

Where positions exclude each other and are nearly as full as they can be (a garnet with a lithium on every site or on all four
beside it), swaps get stuck in a large cell, and an integer programme of all its positions takes too long. That of a tile does
not. Atoms that whole tiles do not hold are added by programmes of parts of the cell, everything around them as it is.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from math import prod

import numpy as np

from dlmd.structures.distances import Exclusions
from dlmd.structures.packing import Packing, counted
from dlmd.structures.supercell import Supercell

TILE_POSITIONS = 2500  # movable ones: such a programme takes seconds
PART_POSITIONS = 1500
MOST_TILES_TRIED = 6
TIME_LIMIT_S = 20.0  # of one programme
PARTS_LIMIT_S = 120.0


def tiled(
    content: np.ndarray, groups: Sequence[np.ndarray], exclusions: Exclusions, rng: np.random.Generator
) -> np.ndarray | None:
    """(positions,) an arrangement of the counts of `content` (positions,) that keeps all distances; None where none is found.

    `groups` are the positions of every site whose contents may move; those of other sites are alike in all cells.
    """
    supercell = exclusions.supercell
    wanted = [counted(content[positions]) for positions in groups]
    for shape in _shapes(supercell, groups)[:MOST_TILES_TRIED]:
        tile = _tile(supercell, shape, content, groups, wanted, exclusions, rng)
        if tile is None:
            continue
        found = _added(_repeated(supercell, shape, tile), groups, wanted, exclusions, rng)
        if found is not None:
            return found
    return None


def _shapes(supercell: Supercell, groups: Sequence[np.ndarray]) -> list[tuple[int, int, int]]:
    """Tiles that fill the cell, the largest first that are small enough."""
    per_cell = sum(map(len, groups)) / supercell.n_cells
    divisors = [[d for d in range(1, n + 1) if n % d == 0] for n in supercell.repeat]
    found = [
        (i, j, k)
        for i, j, k in itertools.product(*divisors)
        if i * j * k * per_cell <= TILE_POSITIONS and (i, j, k) != supercell.repeat
    ]
    return sorted(found, key=lambda shape: -prod(shape))


def _tile(
    supercell: Supercell,
    shape: tuple[int, int, int],
    content: np.ndarray,
    groups: Sequence[np.ndarray],
    wanted: Sequence[dict[int, int]],
    exclusions: Exclusions,
    rng: np.random.Generator,
) -> np.ndarray | None:
    """(positions of the tile,) an arrangement of its part of the wanted atoms, rounded down."""
    small, n_tiles = Supercell(supercell.crystal, shape), supercell.n_cells // prod(shape)
    basis = [positions[:: supercell.n_cells] // supercell.n_cells for positions in groups]
    part = [(b[:, None] * small.n_cells + np.arange(small.n_cells)).ravel() for b in basis]
    start = np.repeat(content[:: supercell.n_cells], small.n_cells)
    allowed = np.zeros((len(supercell.crystal.sites), len(exclusions.table)), dtype=bool)
    allowed[supercell.site_of_position, content] = True
    ligands = exclusions.groups.groups if exclusions.groups is not None else ()
    within = Exclusions(small, exclusions.table, allowed=allowed, species=exclusions.species, groups=ligands)
    counts = [{s: n // n_tiles for s, n in row.items()} for row in wanted]
    return Packing(start, part, within, wanted=counts).solve(rng, time_limit_s=TIME_LIMIT_S).content


def _repeated(supercell: Supercell, shape: tuple[int, int, int], tile: np.ndarray) -> np.ndarray:
    """(positions,) the tile in every place of the cell."""
    x, y, z = (supercell.cells % np.array(shape)).T
    in_tile = (x * shape[1] + y) * shape[2] + z
    return tile.reshape(-1, prod(shape))[:, in_tile].ravel()


def _added(
    content: np.ndarray,
    groups: Sequence[np.ndarray],
    wanted: Sequence[dict[int, int]],
    exclusions: Exclusions,
    rng: np.random.Generator,
) -> np.ndarray | None:
    """The arrangement with the atoms that are still wanted put in, part by part; None where they find no room in time."""
    supercell, until = exclusions.supercell, time.monotonic() + PARTS_LIMIT_S
    cells = max(1, int(PART_POSITIONS * supercell.n_cells / sum(map(len, groups))))
    middle = supercell.cells @ supercell.crystal.lattice
    while time.monotonic() < until:
        missing = [
            {s: n - counted(content[positions]).get(s, 0) for s, n in row.items()}
            for positions, row in zip(groups, wanted, strict=True)
        ]
        if not any(n for row in missing for n in row.values()):
            return content
        apart = (supercell.cells - supercell.cells[int(rng.random() * len(middle))]) / np.array(
            supercell.repeat
        )
        near = np.linalg.norm((apart - np.round(apart)) @ supercell.lattice, axis=1)
        here = np.zeros(supercell.n_cells, dtype=bool)
        here[np.argsort(near, kind="stable")[:cells]] = True
        part = [positions[here[positions % supercell.n_cells]] for positions in groups]
        counts = [
            {s: n + counted(content[positions]).get(s, 0) for s, n in row.items()}
            for positions, row in zip(part, missing, strict=True)
        ]
        found = Packing(content, part, exclusions, wanted=counts).most(rng, time_limit_s=TIME_LIMIT_S)
        if found is not None and np.count_nonzero(found) >= np.count_nonzero(content):
            content = found
    return None
