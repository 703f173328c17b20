"""Ions of several atoms whose places are partly filled: every centre has as many ligands as its ion."""

import itertools
from collections import Counter

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.structures import molecules
from dlmd.structures.occupancy import apportion
from dlmd.structures.ordering import METHODS, exclusions_of, orderings
from dlmd.structures.supercell import Supercell
from small_crystals import crystal

HYDROXIDE = {"Na": 1, "O": -2, "H": 1}
A = 5.0
CORNERS = [list(s) for s in itertools.product((1, -1), repeat=3)]
TETRAHEDRON = [c for c in CORNERS if np.prod(c) > 0]


def hydroxide(occupancy):
    """NaOH with hydrogen on the corners of a cube around every oxygen, 0.97 Å from it; a = 5 Å."""
    sites = {
        "O": ({"O": 1.0}, [[0, 0, 0]]),
        "H": ({"H": occupancy}, (0.56 / A * np.array(CORNERS)).tolist()),
        "Na": ({"Na": 1 - 4 * occupancy}, [[0.5, 0.5, 0.5], [0.5, 0.5, 0]]),
    }
    return crystal(sites, lattice=[A] * 3)


def tetrahedra(occupancy=0.5, boron=1.0):
    """BH4 in two orientations, and iodine where boron is not."""
    places = (0.7 / A * np.array(CORNERS)).tolist()
    sites = {
        "B": ({"B": boron} | ({"I": 1 - boron} if boron < 1 else {}), [[0, 0, 0]]),
        "H": ({"H": occupancy}, places),
        "Na": ({"Na": 1.0}, [[0.5, 0.5, 0.5]]),
    }
    return crystal(sites, lattice=[A] * 3)


def ligands(atoms, centre, ligand, bond):
    """Number of ligands -> how many centres have it."""
    symbols = np.array(atoms.get_chemical_symbols())
    away = atoms.get_all_distances(mic=True)
    near = (away[np.ix_(symbols == centre, symbols == ligand)] < bond).sum(axis=1)
    return Counter(near.tolist())


@pytest.mark.parametrize("method", METHODS)
def test_every_hydroxide_has_one_hydrogen(method):
    counts = apportion(hydroxide(1 / 8), repeat=(3, 3, 2), charges=HYDROXIDE)
    for atoms in orderings(counts.crystal, counts, n=2, seed=3, method=method):
        assert ligands(atoms, "O", "H", 1.2) == {1: 18}


def test_a_part_of_the_oxygens_has_one_and_none_has_two():
    counts = apportion(hydroxide(1 / 16), repeat=(4, 2, 2), charges=HYDROXIDE)
    (atoms,) = orderings(counts.crystal, counts, n=1, seed=5)
    assert ligands(atoms, "O", "H", 1.2) == {0: 8, 1: 8}


@pytest.mark.parametrize("boron", [1.0, 0.75])
def test_tetrahedra_in_two_orientations_stay_whole(boron):
    charges = {"Na": 1, "B": 3, "I": -1, "H": -1}
    counts = apportion(
        tetrahedra(0.5 * boron, boron), repeat=(4, 2, 2), charges=charges, min_distance_angstrom={"H-H": 1.2}
    )
    (atoms,) = orderings(counts.crystal, counts, n=1, seed=7)
    assert ligands(atoms, "B", "H", 1.3) == {4: 16 * boron}
    if boron < 1:
        assert ligands(atoms, "I", "H", 1.3) == {0: 4}


def test_centres_that_cannot_have_their_ligands_are_refused():
    """Two hydrogens to an oxygen on average, with no room for two around one."""
    water = hydroxide(1 / 4)
    counts = apportion(water, repeat=(2, 2, 2), charges=HYDROXIDE, min_distance_angstrom={"H-H": 0.5})
    (atoms,) = orderings(water, counts, n=1, seed=1)
    assert ligands(atoms, "O", "H", 1.2) == {2: 8}
    with pytest.raises(DlmdError) as refused:
        orderings(water, counts, n=1, seed=1, min_distance_angstrom={"H-H": 3.0})
    assert "H-H" in str(refused.value) or "around it" in str(refused.value)


def test_vacancies_on_anion_sites_are_no_group():
    """A few per cent of vacant sulfur around phosphorus are vacancies; so is all of an oxide's oxygen."""
    sites = {"P": ({"P": 1.0}, [[0, 0, 0]]), "S": ({"S": 0.93}, (1.15 / A * np.array(TETRAHEDRON)).tolist())}
    thiophosphate = crystal(sites, lattice=[A] * 3)
    held = {site.label: dict(site.occupancy) for site in thiophosphate.sites}
    assert not molecules.of_crystal(thiophosphate, held, {"P": 5, "S": -2})
    whole = {"P": {"P": 1.0}, "S": {"S": 1.0}}
    assert not molecules.of_crystal(thiophosphate, whole, {"P": 5, "S": -2})


def test_what_shares_a_site_with_a_centre_has_as_many_ligands():
    """Germanium beside phosphorus: four of eight places around both."""
    sites = {
        "P": ({"P": 0.5, "Ge": 0.5}, [[0, 0, 0]]),
        "S": ({"S": 0.5}, (1.2 / A * np.array(CORNERS)).tolist()),
    }
    mixed = crystal(sites, lattice=[A] * 3)
    held = {site.label: dict(site.occupancy) for site in mixed.sites}
    (group,) = molecules.of_crystal(mixed, held, {"P": 5, "Ge": 4, "S": -2})
    assert group.centres == {"P", "Ge"} and (group.fewest, group.most) == (4, 4)


def shapes(atoms, centre, bond):
    """Shortest distance (Å) between hydrogens of each centre."""
    symbols = np.array(atoms.get_chemical_symbols())
    away = atoms.get_all_distances(mic=True)
    found = []
    for n in np.flatnonzero(symbols == centre):
        own = np.flatnonzero((symbols == "H") & (away[n] < bond))
        found.append(min(away[i, j] for i, j in itertools.combinations(own, 2)))
    return np.array(found)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("length", [0.58, 0.65])
def test_four_of_eight_corners_are_a_tetrahedron(method, length):
    """Edges of the cube are left out, whatever the default allows: 1.16 and 1.3 Å, where the tetrahedron has 1.64 and 1.84."""
    charges = {"Na": 1, "N": -3, "H": 1, "O": -2}
    sites = {
        "N": ({"N": 1.0}, [[0, 0, 0]]),
        "H": ({"H": 0.5}, (length / A * np.array(CORNERS)).tolist()),
        "Na": ({"Na": 0.5}, [[0.5, 0.5, 0.5], [0.5, 0.5, 0]]),
        "O": ({"O": 1.0}, [[0.5, 0, 0.5]]),
    }
    counts = apportion(
        crystal(sites, lattice=[A] * 3), repeat=(3, 2, 2), charges=charges, min_distance_angstrom=1.1
    )
    for atoms in orderings(counts.crystal, counts, n=2, seed=7, method=method):
        assert ligands(atoms, "N", "H", 1.3) == {4: 12}
        assert shapes(atoms, "N", 1.3) == pytest.approx(2 * np.sqrt(2) * length, abs=1e-6)


def test_hydrogens_of_a_stated_distance_and_of_hydroxides_keep_their_own():
    assert apportion(hydroxide(1 / 8), repeat=(2, 2, 2), charges=HYDROXIDE).limits.max() < 2.6
    charges = {"Na": 1, "B": 3, "H": -1}
    table = {
        x: apportion(tetrahedra(), repeat=(2, 2, 2), charges=charges, min_distance_angstrom=x).limits[-1, -1]
        for x in (1.2, 1.0)
    }
    assert table == {1.2: pytest.approx(1.4, abs=0.01), 1.0: pytest.approx(1.4, abs=0.01)}
    stated = apportion(tetrahedra(), repeat=(2, 2, 2), charges=charges, min_distance_angstrom={"H-H": 1.2})
    assert stated.limits[-1, -1] == 1.2


@pytest.mark.parametrize("method", METHODS)
def test_water_that_is_there_in_part_keeps_its_hydrogen(method):
    """Every other oxygen, each with two of twelve places: their bonds are shorter than what unlike atoms keep elsewhere."""
    places = [list(s) for s in itertools.product((1, 0, -1), repeat=3) if np.abs(s).sum() == 2]
    sites = {
        "O": ({"O": 0.5}, [[0, 0, 0]]),
        "H": ({"H": 1 / 12}, (0.69 / A * np.array(places)).tolist()),
        "Na": ({"Na": 1.0}, [[0.5, 0.5, 0.5]]),
        "F": ({"F": 1.0}, [[0.5, 0, 0.5]]),
    }
    charges = {"Na": 1, "F": -1, "O": -2, "H": 1}
    counts = apportion(
        crystal(sites, lattice=[A] * 3), repeat=(3, 2, 2), charges=charges, min_distance_angstrom=1.2
    )
    for atoms in orderings(counts.crystal, counts, n=2, seed=2, method=method):
        assert ligands(atoms, "O", "H", 1.1) == {2: 6}
        away = atoms.get_all_distances(mic=True)[atoms.symbols == "H"][:, atoms.symbols == "H"]
        assert away[away > 0].min() > 1.3


def angles_of(atoms, centre, bond):
    """Angles (degrees) between the hydrogens of every centre."""
    symbols = np.array(atoms.get_chemical_symbols())
    away = atoms.get_all_distances(mic=True, vector=True)
    found = []
    for n in np.flatnonzero(symbols == centre):
        own = [v / np.linalg.norm(v) for v in away[n][symbols == "H"] if np.linalg.norm(v) < bond]
        found += [np.degrees(np.arccos(np.clip(u @ v, -1, 1))) for u, v in itertools.combinations(own, 2)]
    return np.array(found)


def bent(places, occupancy, centre=None, sodium=0.5):
    """A molecule on `places` around the origin, Å, with sodium and oxide between."""
    sites = {
        "X": (centre or {"O": 1.0}, [[0, 0, 0]]),
        "H": ({"H": occupancy}, (np.array(places) / A).tolist()),
        "Na": ({"Na": sodium}, [[0.5, 0.5, 0.5], [0.5, 0.5, 0]]),
        "F": ({"F": 1.0}, [[0.5, 0, 0.5]]),
    }
    return crystal(sites, lattice=[A] * 3)


BENT = {"Na": 1, "F": -1, "O": -2, "N": -3, "Cl": -1, "H": 1}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shortest", [0.5, 1.5])
def test_two_of_eight_corners_are_at_the_angle_of_water(method, shortest):
    """Not at 71 and 180 degrees, also where the default is longer than what hydrogens have in water."""
    water = bent(0.53 * np.array(CORNERS), 1 / 4)
    counts = apportion(water, repeat=(3, 2, 2), charges=BENT, min_distance_angstrom=shortest)
    cells = [orderings(water, counts, n=2, seed=4, method=method) for _ in range(2)]
    for atoms, again in zip(*cells, strict=True):
        assert ligands(atoms, "O", "H", 1.1) == {2: 12}
        assert angles_of(atoms, "O", 1.1) == pytest.approx(109.47, abs=0.01)
        assert np.array_equal(atoms.positions, again.positions)


def test_amide_beside_chloride_and_water_beside_hydroxide():
    amide = bent(0.58 * np.array(CORNERS), 3 / 16, {"N": 0.75, "Cl": 0.25}, sodium=1.0)
    counts = apportion(amide, repeat=(4, 2, 2), charges=BENT, min_distance_angstrom=1.0)
    (atoms,) = orderings(amide, counts, n=1, seed=2)
    assert ligands(atoms, "N", "H", 1.1) == {2: 12} and ligands(atoms, "Cl", "H", 1.1) == {0: 4}
    assert angles_of(atoms, "N", 1.1) == pytest.approx(109.47, abs=0.01)
    mixed = bent(0.56 * np.array(CORNERS), 3 / 16, sodium=0.75)
    counts = apportion(mixed, repeat=(4, 2, 2), charges=BENT, min_distance_angstrom=0.5)
    (atoms,) = orderings(mixed, counts, n=1, seed=2)
    assert ligands(atoms, "O", "H", 1.1) == {1: 8, 2: 8}
    assert angles_of(atoms, "O", 1.1) == pytest.approx(109.47, abs=0.01)


def test_the_angles_nearest_to_the_molecule_are_taken():
    """Of general places those near 104.5 degrees; of a hexagon's three hydrogens those at 120; of an octahedron's those at 90."""
    ring = [[0.97 * np.cos(t), 0.97 * np.sin(t), 0.0] for t in np.radians([0, 36, 104, 150, 208, 256])]
    water = bent(ring, 1 / 3)
    counts = apportion(water, repeat=(3, 2, 2), charges=BENT, min_distance_angstrom=0.3)
    (atoms,) = orderings(water, counts, n=1, seed=1)
    found = angles_of(atoms, "O", 1.1)
    assert len(found) == 12 and ((found > 98) & (found < 111)).all()
    hexagon = [[0.97 * np.cos(t), 0.97 * np.sin(t), 0.0] for t in np.radians(np.arange(0, 360, 60))]
    flat = bent(hexagon, 1 / 2, sodium=0.0)
    counts = apportion(flat, repeat=(3, 2, 2), charges=BENT, min_distance_angstrom=0.3)
    (atoms,) = orderings(flat, counts, n=1, seed=1)
    assert angles_of(atoms, "O", 1.1) == pytest.approx(120)
    octahedron = bent((0.97 * np.vstack([np.eye(3), -np.eye(3)])).tolist(), 1 / 3)
    counts = apportion(octahedron, repeat=(3, 2, 2), charges=BENT, min_distance_angstrom=0.3)
    (atoms,) = orderings(octahedron, counts, n=1, seed=1)
    assert angles_of(atoms, "O", 1.1) == pytest.approx(90)


def test_angles_that_the_sites_cannot_all_have_are_not_asked_for():
    """One hydrogen stays, the other is on two places at 71 and 180 degrees: 104 would leave these empty."""
    corner = 0.56 * np.array([1, 1, 1])
    water = crystal(
        {
            "O": ({"O": 1.0}, [[0, 0, 0]]),
            "H1": ({"H": 1.0}, [(corner / A).tolist()]),
            "H2": ({"H": 0.5}, (np.array([[1, 1, -1], [-1, -1, -1]]) * 0.56 / A).tolist()),
        },
        lattice=[A] * 3,
    )
    held = {site.label: dict(site.occupancy) for site in water.sites}
    (group,) = molecules.of_crystal(water, held, BENT)
    assert group.bent is None
    counts = apportion(water, repeat=(2, 2, 2), charges=BENT, min_distance_angstrom=0.5)
    (atoms,) = orderings(water, counts, n=1, seed=1)
    assert ligands(atoms, "O", "H", 1.1) == {2: 8}


def test_a_stated_distance_of_hydrogens_goes_before_their_angles():
    water = bent(0.56 * np.array(CORNERS), 1 / 4)
    stated = {"H-H": 1.7, "default": 0.5}
    counts = apportion(water, repeat=(2, 2, 2), charges=BENT, min_distance_angstrom=stated)
    (atoms,) = orderings(water, counts, n=1, seed=1)
    assert angles_of(atoms, "O", 1.1) == pytest.approx(180)


def test_conflicts_after_changes_are_those_of_the_whole_cell():
    water = bent(0.56 * np.array(CORNERS), 1 / 4)
    counts = apportion(water, repeat=(4, 4, 4), charges=BENT, min_distance_angstrom=0.5)
    within = exclusions_of(Supercell(water, (4, 4, 4)), counts)
    rng = np.random.default_rng(0)
    content = rng.integers(0, 2, 64 * 12) * (1 + counts.species.index("H"))
    bad = within.conflicting(content)
    for _ in range(20):
        a, b = rng.integers(len(content), size=2).tolist()
        content[[a, b]] = content[[b, a]]
        found = within.still_conflicting(content, bad, [a, b])
        assert np.array_equal(found, within.conflicting(content))
        bad = found
    assert len(bad)
