"""Orderings: exact counts, reproducible, distinct, and the same for every method."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.structures import cells, duplicates
from dlmd.structures.crystal import read_cif
from dlmd.structures.occupancy import apportion
from dlmd.structures.ordering import METHODS, orderings
from dlmd.structures.supercell import Supercell
from small_crystals import chain

STRUCTURES = Path(__file__).parents[3] / "structures"
CHARGES = {"Li": 1, "Ti": 3, "In": 3, "Y": 3, "Na": 1, "Cl": -1, "Br": -1, "F": -1}
# (crystal, repeat, tolerance of the occupancies, minimum distances)
CASES = [
    ("Li3TiCl6", (2, 1, 2), 0.01, 1.5),
    ("Li3InCl6", (1, 2, 2), 0.01, 1.5),
    ("Li3YCl6", (2, 2, 1), 0.06, 2.0),
    ("Li3YBr6", (2, 1, 2), 0.1, {"Li-Li": 2.44, "Li-Y": 2.44}),
]


def made(name, repeat, tolerance, min_distance_angstrom, **options):
    crystal = read_cif(STRUCTURES / f"{name}.cif")
    counts = apportion(crystal, repeat=repeat, charges=CHARGES, tolerance=tolerance)
    return counts, orderings(crystal, counts, min_distance_angstrom=min_distance_angstrom, **options)


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
@pytest.mark.parametrize("method", METHODS)
def test_counts_charge_and_distances_hold_for_every_crystal(case, method):
    n = 2 if method == "random" else 1
    counts, found = made(*case, n=n, seed=1, method=method)
    assert len(found) == n
    for atoms in found:
        symbols = atoms.get_chemical_symbols()
        assert Counter(zip(atoms.arrays["site"].tolist(), symbols, strict=True)) == {
            (site, species): n for site, row in counts.counts.items() for species, n in row.items() if n
        }
        assert sum(CHARGES[s] for s in symbols) == 0
        assert list(dict.fromkeys(symbols)) == list(counts.species)
        shortest = cells.shortest_distances(atoms)
        limits = case[3] if isinstance(case[3], dict) else dict.fromkeys(shortest, case[3])
        assert all(shortest[pair] is None or shortest[pair] >= limits[pair] for pair in limits)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_bytes(tmp_path, method):
    written = []
    for folder in ("first", "second"):
        _, (_, atoms) = made(*CASES[0], n=2, seed=11, method=method)
        cif, extxyz = cells.write(atoms, tmp_path / folder / "1")
        written.append((cif.read_bytes(), extxyz.read_bytes()))
    assert written[0] == written[1]


def test_an_ordering_does_not_depend_on_how_many_follow_but_on_the_seed():
    _, three = made(*CASES[0], n=3, seed=11)
    _, one = made(*CASES[0], n=1, seed=11)
    _, other = made(*CASES[0], n=1, seed=12)
    np.testing.assert_array_equal(one[0].positions, three[0].positions)
    assert not np.allclose(other[0].positions, one[0].positions)


def test_no_two_orderings_are_the_same_up_to_symmetry():
    crystal = chain()
    counts = apportion(crystal, repeat=(6, 1, 1), charges=CHARGES)
    found = orderings(crystal, counts, n=20, seed=0)
    cell = Supercell(crystal, (6, 1, 1))
    table = duplicates.permutations(cell)
    keys = set()
    for atoms in found:
        # Na lies on x = k / 6 in the first six positions, F halfway between in the last six
        place = np.floor(6 * atoms.get_scaled_positions()[:, 0] + 1e-6).astype(int)
        kind = np.array([1 if s == "Na" else 2 for s in atoms.symbols])
        content = np.zeros(12, dtype=np.int8)
        content[place + 6 * (kind - 1)] = kind
        keys.add(duplicates.canonical(content, table))
    assert len(keys) == 20
    assert all(atoms.info["distinct_by_symmetry"] for atoms in found)


def test_more_orderings_than_there_are_is_refused():
    crystal = read_cif(STRUCTURES / "Li3TiCl6.cif")
    counts = apportion(crystal, repeat=(1, 1, 1), occupancies={"2a": 0.5, "4g": 0.25}, charges=CHARGES)
    for method in METHODS:
        assert len(orderings(crystal, counts, n=2, seed=0, method=method)) == 2
    with pytest.raises(DlmdError, match="3 orderings requested, only 2 distinct ones"):
        orderings(crystal, counts, n=3, seed=0)


def test_methods_do_what_they_are_for():
    energy, correlation = {}, {}
    for method in METHODS:
        _, found = made("Li3TiCl6", (2, 2, 4), 0.01, 1.5, n=1, seed=2, method=method)
        energy[method] = np.mean([atoms.info["coulomb_energy_ev"] for atoms in found])
        correlation[method] = np.mean([atoms.info["pair_correlation_rms"] for atoms in found])
    assert energy["coulomb"] < energy["random"] - 20
    assert correlation["quasirandom"] < 0.8 * correlation["random"]


def test_twenty_thousand_atoms():
    counts, (atoms,) = made("Li3TiCl6", (10, 10, 10), 5e-4, 1.5, n=1, seed=1)
    sites = Counter(zip(atoms.arrays["wyckoff"].tolist(), atoms.get_chemical_symbols(), strict=True))
    assert sites["2a", "Ti"] == 1508 and sites["4g", "Ti"] == 492
    assert len(atoms) == counts.n_atoms == 20000
    assert not atoms.info["distinct_by_symmetry"]


def test_unknown_methods_and_counts_are_refused():
    with pytest.raises(DlmdError, match="unknown method 'ramdom'") as refused:
        made(*CASES[0], n=1, seed=0, method="ramdom")
    assert "did you mean 'random'" in str(refused.value)
    with pytest.raises(DlmdError, match="0 orderings"):
        made(*CASES[0], n=0, seed=0)
