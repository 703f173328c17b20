"""Pair counts against counting by hand, and orderings that meet the random alloy."""

from pathlib import Path

import numpy as np
import pytest
from ase.neighborlist import primitive_neighbor_list

from dlmd.structures import distances
from dlmd.structures.crystal import read_cif
from dlmd.structures.occupancy import apportion
from dlmd.structures.ordering import movable, random_content
from dlmd.structures.quasirandom import PairCorrelations
from dlmd.structures.supercell import Supercell
from small_crystals import chain

STRUCTURES = Path(__file__).parents[3] / "structures"


def prepared(small, repeat, charges, *, cutoff_angstrom=8.0, min_distance_angstrom=1.5, **options):
    counts = apportion(small, repeat=repeat, charges=charges, **options)
    cell = Supercell(small, repeat)
    limits = distances.limits(min_distance_angstrom, counts.species)
    exclusions = distances.Exclusions(cell, limits)
    return (
        cell,
        counts,
        exclusions,
        PairCorrelations(cell, counts, movable(cell, counts), limits, cutoff_angstrom=cutoff_angstrom),
    )


def test_a_ring_by_hand():
    cell, _, _, pairs = prepared(chain(), (8, 1, 1), {"Na": 1, "F": -1}, cutoff_angstrom=9.0)
    sodium = {round(o.distance_a): (k, o) for k, o in enumerate(pairs.observables) if o.sites == ("M", "M")}
    assert set(sodium) == {4, 8}
    assert all(o.pairs == 8 and o.random_alloy == 2.0 for _, o in sodium.values())
    content = np.zeros(cell.n_positions, dtype=np.int8)
    content[[0, 1, 2, 4]] = 1
    counts = pairs.counts(content)
    assert counts[sodium[4][0]] == 2  # 01 12
    assert counts[sodium[8][0]] == 2  # 02 24


@pytest.mark.parametrize("repeat", [(1, 1, 1), (2, 1, 2)])
def test_counts_of_a_mixed_crystal_are_those_of_a_search(repeat):
    small = read_cif(STRUCTURES / "Li3YBr6.cif")
    cell, counts, exclusions, pairs = prepared(small, repeat, {"Li": 1, "Y": 3, "Br": -1}, tolerance=0.3)
    content = random_content(cell, counts, exclusions, np.random.default_rng(4))
    positions = cell.fractional() @ cell.lattice
    i, j, d = primitive_neighbor_list("ijd", [True] * 3, cell.lattice, positions, 8.0)
    labels = np.array([site.label for site in small.sites])[cell.site_of_position]
    names = np.array(["", *counts.species])[content]
    for observable, count in zip(pairs.observables, pairs.counts(content), strict=True):
        (s, t), (p, q) = observable.sites, observable.species
        here = np.abs(d - observable.distance_a) < 0.01
        ahead = here & (labels[i] == s) & (labels[j] == t) & (names[i] == p) & (names[j] == q)
        back = here & (labels[i] == t) & (labels[j] == s) & (names[i] == q) & (names[j] == p)
        assert count == (ahead | back).sum() / 2


@pytest.mark.parametrize("repeat", [(1, 1, 1), (2, 1, 2)])
def test_the_change_of_a_swap_is_that_of_the_counts(repeat):
    small = read_cif(STRUCTURES / "Li3YBr6.cif")
    cell, counts, exclusions, pairs = prepared(small, repeat, {"Li": 1, "Y": 3, "Br": -1}, tolerance=0.3)
    rng = np.random.default_rng(5)
    content = random_content(cell, counts, exclusions, rng)
    for group in movable(cell, counts):
        for a, b in rng.choice(group, (10, 2)):
            if content[a] == content[b]:
                continue
            before = pairs.counts(content)
            change = pairs._swap(content, a, b)
            np.testing.assert_allclose(before + change, pairs.counts(content), atol=1e-9)


def test_refining_meets_the_random_alloy_where_it_can():
    cell, counts, exclusions, pairs = prepared(chain(), (8, 2, 2), {"Na": 1, "F": -1}, cutoff_angstrom=9.0)
    rng = np.random.default_rng(6)
    content = random_content(cell, counts, exclusions, rng)
    assert pairs.mismatch(pairs.counts(content)) > 0
    pairs.refine(content, exclusions, rng)
    assert pairs.deviation(content) == {"pair_correlation_rms": 0.0, "pair_correlation_max": 0.0}
    assert [(content == k).sum() for k in (1, 2)] == [16, 16]


def test_refining_brings_a_real_crystal_closer_and_keeps_the_distances():
    small = read_cif(STRUCTURES / "Li3YBr6.cif")
    cell, counts, exclusions, pairs = prepared(
        small,
        (2, 1, 2),
        {"Li": 1, "Y": 3, "Br": -1},
        min_distance_angstrom={"Li-Li": 2.44, "Li-Y": 2.44},
        cutoff_angstrom=5.0,
        tolerance=0.1,
    )
    rng = np.random.default_rng(7)
    content = random_content(cell, counts, exclusions, rng)
    before = pairs.mismatch(pairs.counts(content))
    pairs.refine(content, exclusions, rng)
    assert pairs.mismatch(pairs.counts(content)) < 0.6 * before
    assert len(exclusions.conflicting(content)) == 0
