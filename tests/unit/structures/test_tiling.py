"""Large cells that are nearly as full as their exclusions allow: arranged by tiles, whatever is left over put in."""

import numpy as np
import pytest

from dlmd.structures import ordering, repairing, tiling
from dlmd.structures.occupancy import apportion
from dlmd.structures.supercell import Supercell
from small_crystals import crystal

CHARGES = {"Na": 1, "F": -1}


def board(occupancy):
    """A square lattice of which neighbours exclude each other: half of it is the most, and swaps do not find that."""
    sites = {"M": ({"Na": occupancy}, [[0, 0, 0]]), "X": ({"F": occupancy}, [[0.5, 0.5, 0.5]])}
    return crystal(sites, lattice=[2.0, 2.0, 12.0])


def prepared(occupancy, repeat):
    counts = apportion(
        board(occupancy), repeat=repeat, charges=CHARGES, min_distance_angstrom={"Na-Na": 2.5, "F-F": 1.0}
    )
    supercell = Supercell(counts.crystal, counts.repeat)
    exclusions = ordering.exclusions_of(supercell, counts, None)
    return supercell, counts, exclusions, ordering.movable(supercell, counts)


@pytest.mark.parametrize("occupancy", [0.5, 0.48, 0.3])
def test_counts_and_distances_are_kept(occupancy, monkeypatch):
    monkeypatch.setattr(tiling, "TILE_POSITIONS", 50)
    monkeypatch.setattr(tiling, "PART_POSITIONS", 120)
    supercell, counts, exclusions, groups = prepared(occupancy, (20, 10, 1))
    content = np.zeros(supercell.n_positions, int)
    for positions, n in zip(groups, counts.composition.values(), strict=True):
        content[positions[:n]] = 1 + counts.species.index("Na" if positions is groups[0] else "F")
    made = tiling.tiled(content, groups, exclusions, np.random.default_rng(1))
    assert np.bincount(made).tolist() == np.bincount(content).tolist()
    assert not len(exclusions.conflicting(made))


def test_what_whole_tiles_do_not_hold_is_added(monkeypatch):
    monkeypatch.setattr(tiling, "TILE_POSITIONS", 16)
    monkeypatch.setattr(tiling, "PART_POSITIONS", 80)
    supercell, _, exclusions, groups = prepared(0.45, (20, 10, 1))
    content = np.zeros(supercell.n_positions, int)
    content[groups[0][:87]], content[groups[1][:87]] = (
        1,
        2,
    )  # 25 tiles of eight cells hold three each: twelve are left
    made = tiling.tiled(content, groups, exclusions, np.random.default_rng(2))
    assert np.bincount(made).tolist()[1:] == [87, 87] and not len(exclusions.conflicting(made))


def test_a_repair_that_swaps_do_not_find_takes_the_tiles(monkeypatch):
    monkeypatch.setattr(repairing, "REPAIR_TRIES_PER_POSITION", 1)
    monkeypatch.setattr(repairing, "LARGE_POSITIONS", 100)
    monkeypatch.setattr(repairing.packing, "TIME_LIMIT_S", 0.0)
    supercell, counts, exclusions, _ = prepared(0.5, (10, 10, 1))
    made = [
        ordering.random_content(supercell, counts, exclusions, np.random.default_rng(k)) for k in (0, 0, 1)
    ]
    assert all(not len(exclusions.conflicting(content)) for content in made)
    assert (made[0] == made[1]).all()
