"""Atoms of the host that turn about the one they are bonded to, and those that go to another place and stay there."""

import numpy as np
import pytest

from dlmd.trajectory.host import host_health

FRAMES = 400
TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5
CENTRES = np.array([[2.0, 2, 2], [9, 2, 9], [2, 9, 9], [9, 9, 2]])
CELL = np.eye(3) * 14.0


def health(places, species, *, vibration_a=0.06, cell=CELL, seed=3):
    """Of atoms that vibrate about (frames, atoms, 3) places, one of which is their centre's, at rest."""
    places = np.asarray(places, float)
    noisy = places + np.random.default_rng(seed).normal(0, vibration_a, places.shape)
    return host_health(noisy, np.zeros((len(places), 3)), species, cell=cell)


def stepped(before, after, share):
    """Places that change at a share of the run."""
    at = int(share * FRAMES)
    return np.concatenate([np.repeat([before], at, axis=0), np.repeat([after], FRAMES - at, axis=0)])


@pytest.mark.parametrize(
    ("centre", "ligand", "bond_a"), [("P", "S", 2.05), ("B", "H", 1.22), ("P", "O", 1.54), ("N", "H", 1.03)]
)
@pytest.mark.parametrize("when", [0.25, 0.6])
def test_tetrahedra_that_turn_once(centre, ligand, bond_a, when):
    before = np.concatenate([CENTRES, *(bond_a * TETRAHEDRON + place for place in CENTRES)])
    after = np.concatenate([CENTRES, *(bond_a * TETRAHEDRON[[1, 2, 3, 0]] + place for place in CENTRES)])
    found = health(stepped(before, after, when), [centre] * 4 + [ligand] * 16)
    assert found.turned == {ligand: 16}
    assert found.msd_a2[ligand] < 0.01 and found.median_shift_a[ligand] < 0.1


def test_hydroxide_that_turns_all_the_time():
    """Half a turn in the whole run, so that no two of its fifths have one place in common."""
    angle = np.linspace(0, np.pi, FRAMES)[:, None] + np.arange(4)
    way = 0.97 * np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=2)
    places = np.concatenate([np.broadcast_to(CENTRES, way.shape), CENTRES + way], axis=1)
    found = health(places, ["O"] * 4 + ["H"] * 4, vibration_a=0.03)
    assert found.turned == {"H": 4} and found.hopped["H"] == 0


def rock_salt(edge_a, n=4):
    grid = np.array([[i, j, k] for i in range(n) for j in range(n) for k in range(n)])
    even = grid.sum(axis=1) % 2 == 0
    return grid[even] * edge_a, grid[~even] * edge_a


@pytest.mark.parametrize("when", [0.25, 0.5, 0.6])
@pytest.mark.parametrize("edge_a", [2.4, 3.0])
def test_atoms_that_go_to_other_places_and_stay_have_not_turned(edge_a, when):
    """Half of the S go up, half down, to a distance from P that is then kept: their own, whether it was a bond (2.4 Å) or not."""
    phosphorus, sulphur = rock_salt(edge_a)
    away = 1.5 * np.where(np.arange(len(sulphur)) % 2, 1, -1)[:, None] * np.array([0, 0, 1.0])
    places = stepped(
        np.concatenate([phosphorus, sulphur]), np.concatenate([phosphorus, sulphur + away]), when
    )
    found = health(places, ["P"] * 32 + ["S"] * 32, cell=np.eye(3) * 4 * edge_a)
    assert found.turned == {}
    assert found.median_shift_a["S"] > 1.0 and found.msd_a2["S"] > 1.0


def test_a_bond_that_grows_is_not_kept():
    """One S on each P: from 2.0 Å on one side to 2.6 Å at a right angle, less than any bond is stretched while it vibrates."""
    before = np.concatenate([CENTRES, CENTRES + np.array([0, 0, 2.0])])
    after = np.concatenate([CENTRES, CENTRES + np.array([2.6, 0, 0])])
    assert health(stepped(before, after, 0.25), ["P"] * 4 + ["S"] * 4).turned == {}
    turned = np.concatenate([CENTRES, CENTRES + np.array([2.0, 0, 0])])
    assert health(stepped(before, turned, 0.25), ["P"] * 4 + ["S"] * 4).turned == {"S": 4}


def test_a_network_changes_its_structure_and_does_not_turn():
    """Zinc blende: every S has four bonds and goes to the empty tetrahedra, which share two corners with its own."""
    edge = 5.4
    face = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    cells = np.array([[i, j, k] for i in range(2) for j in range(2) for k in range(2)])
    metal = (cells[:, None] + face).reshape(-1, 3) * edge
    before = np.concatenate([metal, metal + 0.25 * edge])
    after = np.concatenate([metal, metal + np.array([0.25, 0.25, -0.25]) * edge])
    found = health(stepped(before, after, 0.25), ["Zn"] * 32 + ["S"] * 32, cell=np.eye(3) * 2 * edge)
    assert found.turned == {} and found.median_shift_a["S"] > 2.0


def test_atoms_that_diffuse_have_not_turned():
    phosphorus, sulphur = rock_salt(3.5)
    steps = np.random.default_rng(2).normal(0, 0.06, (FRAMES, len(sulphur), 3))
    steps[0] = 0
    places = np.concatenate(
        [np.broadcast_to(phosphorus, steps.shape), sulphur + steps.cumsum(axis=0)], axis=1
    )
    found = health(places, ["P"] * 32 + ["S"] * 32, cell=np.eye(3) * 14.0)
    assert found.turned == {} and found.msd_a2["S"] > 1.0
