from pathlib import Path

import numpy as np
import pytest

from dlmd.mechanism.site_lattice import site_lattice
from dlmd.mechanism.site_network import HostLeft, build
from dlmd.structures.crystal import read_cif

CHARGES = {"Li": 1, "Ti": 3, "Cl": -1}
REPEAT = (2, 1, 2)
CRYSTAL = read_cif(Path(__file__).parents[3] / "structures" / "Li3TiCl6.cif")
LATTICE = site_lattice(CRYSTAL, mobile="Li", charges=CHARGES)
CELL = np.array(REPEAT)[:, None] * CRYSTAL.lattice * 1.03


def host(*, ti=((0, 0, 0), (0.5, 0.5, 1)), shuffle=0):
    """Anions and Ti of a 2 x 1 x 2 cell on ideal positions (Å), Ti at unit-cell coordinates; and their species."""
    cells = np.stack(np.meshgrid(*map(np.arange, REPEAT), indexing="ij"), -1).reshape(-1, 3)
    anions = (LATTICE.anions[:, None] + cells[None]).reshape(-1, 3)
    fractional = np.concatenate([anions, np.array(ti, float)]) / np.array(REPEAT)
    order = np.random.default_rng(shuffle).permutation(len(fractional))
    species = np.array(["Cl"] * len(anions) + ["Ti"] * len(ti))[order]
    return (fractional @ CELL)[order], list(species)


ORIGIN = np.zeros(3)


def built(positions, species, centre=ORIGIN):
    return build(
        LATTICE,
        repeat=REPEAT,
        cell=CELL,
        host=positions - centre,
        species=species,
        charges=CHARGES,
        host_centre=centre,
    )


def count(network, label):
    return int((network.type_of_site == network.labels.index(label)).sum())


def test_sites_that_the_host_holds_are_left_out():
    network = built(*host())
    assert count(network, "oct 2a") == 2 * 4 - 2
    assert count(network, "oct 4g") == 4 * 4
    assert count(network, "tet 8j (1)") == 8 * 4


def test_sites_follow_a_shift_of_the_whole_host_and_the_frame_of_its_centre():
    positions, species = host()
    still = built(positions, species)
    shift, centre = np.array([0.4, -0.3, 0.2]), np.array([5.0, 7.0, 3.0])
    moved = built(positions + shift, species, centre)
    assert np.allclose(moved.positions + centre, still.positions + shift, atol=1e-6)


def test_a_site_follows_the_mean_displacement_of_its_own_anions():
    positions, species = host()
    still = built(positions, species)
    site = int(np.flatnonzero(still.type_of_site == still.labels.index("oct 2d"))[0])
    away = positions - still.positions[site]
    fractional = away @ np.linalg.inv(CELL)
    distance = np.linalg.norm((fractional - np.round(fractional)) @ CELL, axis=1)
    around = np.argsort(np.where(np.array(species) == "Cl", distance, np.inf))[:6]
    displaced = positions.copy()
    displaced[around] += [0.0, 0.0, 0.3]
    moved = built(displaced, species)
    assert np.allclose(moved.positions[site] - still.positions[site], [0, 0, 0.3], atol=1e-6)
    fractional = (still.positions - still.positions[site]) @ np.linalg.inv(CELL)
    apart = np.linalg.norm((fractional - np.round(fractional)) @ CELL, axis=1) > 5.6
    assert apart.any()
    assert np.allclose(moved.positions[apart], still.positions[apart], atol=1e-6)


def test_layers_count_up_through_the_whole_cell():
    network = built(*host())
    assert sorted(set(network.layer)) == [-1, 0, 1, 2, 3]
    octahedra = network.layer >= 0
    height = network.unit_fractional(network.positions)[octahedra, 2]
    assert np.allclose(network.layer[octahedra] % 4, np.round(2 * height) % 4)


def test_host_neighbours_are_counted_within_the_first_shell():
    # six octahedra about (0, 0, 0) in its layer, and as many above and below
    network = built(*host(ti=((0, 0, 0),)))
    near = np.flatnonzero(network.host_neighbours > 0)
    resting = near[network.resting[near]]
    assert len(resting) == 12
    assert set(network.host_neighbours[resting]) == {1}
    assert (network.layer[resting] == 0).sum() == 6


def test_a_host_off_its_sites_is_refused():
    positions, species = host()
    positions[species.index("Ti")] += [1.8, 1.0, 1.4]
    with pytest.raises(HostLeft, match="1 of 2 cations of the host"):
        built(positions, species)
    positions, species = host()
    anions = [k for k, s in enumerate(species) if s == "Cl"][:2]
    positions[anions] += [0.0, 1.7, 0.3]
    with pytest.raises(HostLeft, match="2 of 48 anions"):
        built(positions, species)


def test_a_single_anion_on_the_loose_moves_no_site():
    positions, species = host(shuffle=1)
    still = built(positions, species)
    loose = species.index("Cl")
    positions[loose] += [1.3, 1.3, 0.3]
    moved = built(positions, species)
    # the lattice is laid over all others, up to what the one at a wrong place weighs in them
    assert np.abs(moved.positions - still.positions).max() < 0.02
