from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from dlmd.barriers import paths as neb_paths
from dlmd.barriers.paths import EMPTY, VACANCY, Hop
from dlmd.base.errors import DlmdError
from dlmd.structures.crystal import read_cif
from dlmd.structures.ion_sites import IonSites

ROOT = Path(__file__).parents[3]
CHARGES = {"Li": 1, "Ti": 3, "Cl": -1}
REPEAT = (2, 2, 2)


@pytest.fixture(scope="module")
def crystal():
    return read_cif(ROOT / "structures/Li3TiCl6.cif")


def cell_with(crystal, full, repeat=REPEAT):
    """A supercell on ideal positions: Li on Li1 and Li2, Cl, and Ti on the sites for which `full(label, k)`."""
    sites = IonSites.of(crystal, repeat=repeat, charges=CHARGES, mobile="Li")
    lattice = sites.supercell.lattice
    symbols, places = [], []
    for label in ("Li1", "Li2", "Ti1", "Ti2"):
        for k, place in enumerate(sites.places.ions[sites.label == label]):
            if label.startswith("Li") or full(label, k):
                symbols.append(label[:2])
                places.append(place)
    symbols += ["Cl"] * len(sites.places.framework)
    places = np.concatenate([places, sites.places.framework])
    return Atoms(symbols, scaled_positions=places, cell=lattice, pbc=True)


@pytest.fixture(scope="module")
def ordered(crystal):
    """Ti on all 2a sites, none on 4g: Li6Ti2Cl12 per cell."""
    return cell_with(crystal, lambda label, k: label == "Ti1")


def find(crystal, atoms, hop, repeat=REPEAT, seed=1):
    cells = atoms if isinstance(atoms, list) else [atoms]
    return neb_paths.find_paths(
        crystal, cells, hop, repeat=[repeat] * len(cells), charges=CHARGES, mobile="Li", seed=seed
    )


A, B, C, BETA = 6.350, 10.89, 6.353, np.radians(110.1)


@pytest.mark.parametrize(
    ("direction", "length", "mechanism", "number"),
    [
        # half of each lattice vector joins sites, by the C centring or from layer to layer; the whole [100] does
        ((1, 1, 0), sqrt(A**2 + B**2) / 2, VACANCY, 96),
        ((1, 0, 0), A, VACANCY, 48),
        # Li1 and Li2 face Ti1 (full) and Ti2 (empty): only 32 of 48 ions have an empty end, above and below
        ((1, 0, 1), sqrt(A**2 + C**2 + 2 * A * C * np.cos(BETA)) / 2, EMPTY, 64),
        ((-1, 0, 1), sqrt(A**2 + C**2 - 2 * A * C * np.cos(BETA)) / 2, EMPTY, 64),
    ],
)
def test_the_next_site_along_a_direction(crystal, ordered, direction, length, mechanism, number):
    paths = find(crystal, ordered, Hop("h", direction))
    assert len(paths) == number
    # Li2 at y = 0.168 faces Ti2 at 1/3, whose mirror image is at 0.167: hundredths of an ångström
    assert [p.length_angstrom for p in paths] == pytest.approx([length] * number, abs=2e-3)
    assert {p.mechanism for p in paths} == {mechanism}
    symbols = np.array(ordered.get_chemical_symbols())
    for p in paths:
        assert symbols[p.ion] == "Li"
        if mechanism == VACANCY:
            assert symbols[p.removed] == "Li" and p.removed != p.ion
            assert p.start_site == p.end_site
        else:
            assert p.removed is None and (p.start_site, p.end_site) == ("Li2", "Ti2")


def test_a_hop_and_the_way_back_through_one_vacancy_are_one_band(crystal, ordered):
    paths = find(crystal, ordered, Hop("h", (1, 0, 0)))
    keys = {(p.ion, p.removed, *np.round(p.vector_angstrom, 3) + 0.0) for p in paths}
    assert len(keys) == len(paths)
    assert not keys & {(p.removed, p.ion, *-np.round(p.vector_angstrom, 3) + 0.0) for p in paths}


def test_directions_equivalent_by_symmetry_are_taken_and_others_not(crystal):
    assert neb_paths.equivalent_directions(crystal, (1, 1, 0)) == [
        (1, 1, 0),
        (1, -1, 0),
        (-1, 1, 0),
        (-1, -1, 0),
    ]
    # in a monoclinic cell [101] is not [-101]
    assert neb_paths.equivalent_directions(crystal, (1, 0, 1)) == [(1, 0, 1), (-1, 0, -1)]


def test_sites_by_label_join_the_nearest_of_them(crystal, ordered):
    paths = find(crystal, ordered, Hop("h", start="4h", end="Li1"))
    # within the full layer every Li1 has six neighbours, all on Li2
    assert len(paths) == 16 * 6
    assert {(p.start_site, p.end_site, p.mechanism) for p in paths} == {("Li2", "Li1", VACANCY)}
    assert max(p.length_angstrom for p in paths) < 3.8


def test_a_direction_and_a_site_together(crystal, ordered):
    paths = find(crystal, ordered, Hop("h", (0, 1, 0), start="Li1"))
    assert {p.start_site for p in paths} == {"Li1"} and {p.end_site for p in paths} == {"Li2"}
    assert [p.length_angstrom for p in paths] == pytest.approx([0.332 * B] * len(paths), abs=1e-6)


def test_host_neighbours_are_counted_at_both_ends(crystal):
    sites = IonSites.of(crystal, repeat=REPEAT, charges=CHARGES, mobile="Li")
    cell = sites.supercell.lattice
    # one Ti alone: only hops that begin or end within 4.5 Å of it see it
    atoms = cell_with(crystal, lambda label, k: (label, k) == ("Ti1", 0))
    ti = atoms.positions[atoms.get_chemical_symbols().index("Ti")]
    for p in find(crystal, atoms, Hop("h", (1, 0, 1))):
        ends = atoms.positions[p.ion], atoms.positions[p.ion] + p.vector_angstrom
        near = []
        for place in ends:
            d = np.linalg.solve(cell.T, place - ti)
            near.append(int(np.linalg.norm((d - np.round(d)) @ cell) < 4.5))
        assert [p.host_neighbours_start, p.host_neighbours_end] == near
        assert p.host_neighbours == max(near)


def test_the_cell_may_drift_and_the_ions_be_off_their_sites(crystal, ordered):
    moved = ordered.copy()
    rng = np.random.default_rng(3)
    moved.positions += np.array([0.7, -0.4, 0.5]) + rng.normal(scale=0.1, size=moved.positions.shape)
    ideal = find(crystal, ordered, Hop("h", (1, 1, 0)))
    found = find(crystal, moved, Hop("h", (1, 1, 0)))
    assert {(p.ion, p.removed, p.direction) for p in found} == {
        (p.ion, p.removed, p.direction) for p in ideal
    }


def test_ions_between_sites_make_no_hop_and_block_empty_ends(crystal, ordered):
    whole = find(crystal, ordered, Hop("h", (1, 0, 1)))
    path = whole[0]
    moved = ordered.copy()
    moved.positions[path.ion] += np.array(path.vector_angstrom) / 2
    left = find(crystal, moved, Hop("h", (1, 0, 1)))
    assert path.ion not in {p.ion for p in left}
    assert len(left) < len(whole) - 1


def test_two_ions_on_one_site_are_refused(crystal, ordered):
    wrong = ordered.copy()
    wrong.positions[1] = wrong.positions[0] + 0.1
    with pytest.raises(DlmdError, match="two ions sit on one site"):
        find(crystal, wrong, Hop("h", (1, 0, 1)))


def test_the_first_paths_sample_the_environments_and_more_add_to_them(crystal):
    rng = np.random.default_rng(0)
    atoms = cell_with(crystal, lambda label, k: rng.random() < (0.75 if label == "Ti1" else 0.125))
    paths = find(crystal, atoms, Hop("h", (1, 1, 0)))
    assert find(crystal, atoms, Hop("h", (1, 1, 0))) == paths
    everything = np.array([p.host_neighbours for p in paths])
    # eight of van der Corput's are one from every eighth of the sorted list
    first = np.sort(everything[:8])
    eighths = np.sort(everything).reshape(8, -1)
    assert (eighths.min(axis=1) <= first).all() and (first <= eighths.max(axis=1)).all()
    assert len(np.unique(everything)) > 2


def test_spread_visits_every_index_once():
    assert sorted(neb_paths._spread(13, 13, 0.77)) == list(range(13))
    assert neb_paths._spread(1000, 5, 0.3) == neb_paths._spread(1000, 100, 0.3)[:5]


def test_endpoints_of_a_vacancy_hop(crystal, ordered):
    path = next(p for p in find(crystal, ordered, Hop("h", (1, 1, 0))) if p.removed < p.ion)
    start, end, ion = neb_paths.endpoints(ordered, path)
    assert len(start) == len(ordered) - 1 and start.symbols[ion] == "Li"
    np.testing.assert_allclose(start.positions[ion], ordered.positions[path.ion])
    # the end is where the removed ion was, in whatever image
    scaled = np.linalg.solve(ordered.cell.array.T, end.positions[ion] - ordered.positions[path.removed])
    np.testing.assert_allclose(scaled, np.round(scaled), atol=1e-9)
    others = np.arange(len(start)) != ion
    np.testing.assert_array_equal(start.positions[others], end.positions[others])


def test_endpoints_of_a_hop_into_an_empty_site_keep_all_atoms(crystal, ordered):
    path = find(crystal, ordered, Hop("h", (1, 0, 1)))[0]
    start, end, ion = neb_paths.endpoints(ordered, path)
    assert len(start) == len(ordered) and ion == path.ion
    assert np.linalg.norm(end.positions[ion] - start.positions[ion]) == pytest.approx(path.length_angstrom)


def test_an_ion_does_not_hop_onto_its_own_image(crystal):
    atoms = cell_with(crystal, lambda label, k: label == "Ti1", repeat=(1, 1, 1))
    with pytest.raises(DlmdError, match="no Li ion"):
        find(crystal, atoms, Hop("h", (1, 0, 0)), repeat=(1, 1, 1))


@pytest.mark.parametrize(
    ("hop", "message"),
    [
        (Hop("h", start="Li9", end="Li1"), "no site 'Li9'"),
        (Hop("h", start="Cl1", end="Li1"), "other sign"),
        (Hop("h", (1, 1, 0), start="Li1", end="Ti1"), "no two sites"),
        (Hop("h", start="Ti1", end="Ti1"), "no Li ion"),
    ],
)
def test_hops_that_lead_nowhere_are_refused(crystal, ordered, hop, message):
    with pytest.raises(DlmdError, match=message):
        find(crystal, ordered, hop)


def test_labels():
    assert Hop("h", (-1, 0, 1)).label == "[-101]"
    assert Hop("h", (3, 1, 0), start="Li1").label == "Li1 to any [310]"
    assert Hop("h", start="Li1", end="Ti2").label == "Li1 to Ti2"
