"""Like ions keep apart: distances derived from the crystal, bounds on the occupancies, and arrangements that always exist."""

from collections import Counter
from math import prod

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlmd.base.errors import DlmdError
from dlmd.structures import cells, distances, exclusion, ordering, packing, repairing
from dlmd.structures.crystal import read_cif
from dlmd.structures.occupancy import apportion, nearest
from dlmd.structures.ordering import METHODS, orderings
from dlmd.structures.supercell import Supercell
from drawn_cifs import cubic, write_cif
from small_crystals import crystal, split_pairs

CHARGES = {
    "Li": 1,
    "Na": 1,
    "Ag": 1,
    "La": 3,
    "Zr": 4,
    "P": 5,
    "Co": 3,
    "Al": 3,
    "O": -2,
    "S": -2,
    "Cl": -1,
    "I": -1,
}
GARNET = (
    cubic(12.97),
    [
        "La1 La 0.125 0 0.25 1",
        "Zr1 Zr 0 0 0 1",
        "O1 O -0.0318 0.0551 0.1495 1",
        "Li1 Li 0.375 0 0.25 0.5417",
        "Li2 Li 0.0966 0.6853 0.5770 0.4479",
    ],
)


def of(sites, charges, **options):
    content = {site.label: dict(site.occupancy) for site in sites.sites}
    return exclusion.derived(sites, content, charges, **options)


def line(*occupied, spacing=1.8, species="Li"):
    """Sites `spacing` Å apart in a row, each with its occupancy, and an anion far away; a = 12 Å."""
    sites = {f"M{k}": ({species: x}, [[k * spacing / 12, 0, 0]]) for k, x in enumerate(occupied)}
    charge = sum(occupied)
    anions = int(np.ceil(charge))
    sites["X"] = ({"Cl": charge / anions}, [[0.5, (k + 1) / (anions + 1), 0.5] for k in range(anions)])
    return crystal(sites, lattice=[12.0, 12.0, 12.0])


@pytest.mark.parametrize(
    ("occupied", "spacing", "expected"),
    [
        ((0.5, 0.5), 1.8, 2.1),  # half and half: apart
        ((0.4, 0.4), 2.05, 2.1),
        ((1.0, 1.0), 1.8, 1.8),  # full sites show that it occurs
        ((0.7, 0.7), 2.05, 2.05),  # must meet, and can
        ((0.7, 0.7), 1.6, 2.1),  # must meet, and cannot: refused when counted
    ],
)
def test_lithium_keeps_two_angstrom_unless_the_crystal_shows_less(occupied, spacing, expected):
    found = of(line(*occupied, spacing=spacing), {"Li": 1, "Cl": -1})
    assert found["Li", "Li"] == pytest.approx(expected, abs=1e-5)


def test_a_little_beside_a_full_site_is_near_it():
    """A hydrogen in a hundred on each bond of a full oxygen: nothing of the oxygen can give way to it."""
    sites = {"O": ({"O": 1.0}, [[0, 0, 0]]), "H": ({"H": 0.01}, [[0.97 / 6, 0, 0]])}
    found = of(crystal(sites, lattice=[6.0] * 3), {"O": -2, "H": 1}, default_a=1.2)
    assert 0.9 < found["O", "H"] <= 0.97
    sites["O"] = ({"O": 0.9}, [[0, 0, 0]])
    assert of(crystal(sites, lattice=[6.0] * 3), {"O": -2, "H": 1}, default_a=1.2)["O", "H"] == 1.2
    # an overlap is none: refused when counted
    close = {"O": ({"O": 1.0}, [[0, 0, 0]]), "H": ({"H": 0.01}, [[0.4 / 6, 0, 0]])}
    assert of(crystal(close, lattice=[6.0] * 3), {"O": -2, "H": 1}, default_a=1.2)["O", "H"] == 1.2


def test_the_carbon_of_cyanide_is_bonded_to_metals_and_that_of_carbonate_is_not():
    sites = {"Fe": ({"Fe": 0.5}, [[0, 0, 0]]), "C": ({"C": 0.5}, [[0.32, 0, 0]])}
    found = [
        of(crystal(sites, lattice=[6.0] * 3), {"Fe": 2, "C": q}, default_a=1.2)["Fe", "C"] for q in (2, 4)
    ]
    assert found[0] == 1.2 and found[1] > 1.2
    assert not exclusion.overlap({"Fe": 2, "C": 2}, "Fe", "C") and exclusion.overlap(
        {"Fe": 2, "C": 4}, "C", "Fe"
    )


def test_large_ions_keep_more_and_unlike_ones_only_the_default():
    small = line(0.3, 0.3)
    assert of(line(0.3, 0.3, species="Na"), {"Na": 1, "Cl": -1})["Na", "Na"] == pytest.approx(2.448)
    assert of(line(0.3, 0.3, species="Ag"), {"Ag": 1, "Cl": -1})["Ag", "Ag"] == pytest.approx(2.76)
    assert of(small, {"Li": 1, "Cl": -1}, default_a=1.3)["Li", "Cl"] == 1.3
    assert ("Li", "Li") not in of(small, {"Li": 1, "Cl": -1}, fixed=[("Li", "Li")])


def test_cliques_of_a_row_are_its_neighbouring_pairs():
    row = line(0.3, 0.3, 0.3)
    content = {site.label: dict(site.occupancy) for site in row.sites}
    found = exclusion.Surroundings(row, content, 4.0).cliques({("Li", "Li"): 2.1})
    assert {frozenset(c.sites) for c in found} == {frozenset({"M0", "M1"}), frozenset({"M1", "M2"})}
    assert all(c.filled(content) == pytest.approx(0.6) for c in found)
    (all_three,) = exclusion.Surroundings(row, content, 4.0).cliques({("Li", "Li"): 3.7})
    assert set(all_three.sites) == {"M0", "M1", "M2"} and all_three.distance_a == pytest.approx(1.8)


def test_counts_keep_to_the_room_that_split_sites_have(tmp_path):
    rows = ["Li1 Li 0 0 0 0.16", "Li2 Li 0.1 0 0 0.86", "Na1 Na 0.5 0 0.5 0.98"]
    anions = ["Cl1 Cl 0.5 0.5 0.5 1", "Cl2 Cl 0 0.5 0 1"]
    small = read_cif(write_cif(tmp_path, cubic(8), [*rows, *anions]))
    charges = {"Li": 1, "Na": 1, "Cl": -1}
    made = apportion(small, repeat=(4, 4, 2), charges=charges, tolerance=0.05)
    assert made.counts["Li1"]["Li"] + made.counts["Li2"]["Li"] <= 32
    (atoms,) = orderings(small, made, n=1, seed=1)
    assert cells.shortest_distances(atoms)["Li-Li"] is None  # above 6 Å
    overfull = read_cif(
        write_cif(
            tmp_path, cubic(8), [rows[0].replace("0.16", "0.5"), rows[1], "Na1 Na 0.5 0 0.5 0.64", *anions]
        )
    )
    with pytest.raises(
        DlmdError, match=r"Li1 and Li2 exclude each other \(0.80 Å apart\) and would hold 1.36"
    ) as no:
        apportion(overfull, repeat=(2, 5, 5), charges=charges)
    # two halves of one site are not filled both, whatever is stated
    assert "min_distance" not in no.value.remedy and len(str(no.value).splitlines()) == 3
    apart = [row.replace("0.1 0 0", "0.235 0 0") for row in (rows[0].replace("0.16", "0.5"), rows[1])]
    cif = write_cif(tmp_path, cubic(8), [*apart, "Na1 Na 0.5 0 0.5 0.64", *anions], name="apart")
    with pytest.raises(DlmdError, match=r"1.88 Å apart\) and would hold 1.36") as no:
        apportion(read_cif(cif), repeat=(2, 5, 5), charges=charges)
    assert "min_distance_angstrom: {Li-Li: 1.87}" in no.value.remedy


def test_pairs_that_are_named_decide(tmp_path):
    small = split_pairs()
    charges = {"Na": 1, "Cl": -1}
    table = apportion(small, repeat=(2, 1, 1), charges=charges, min_distance_angstrom={"Na-Na": 0.5}).limits
    assert table[1, 1] == 0.5 and table[1, 2] == distances.DEFAULT_A
    table = apportion(small, repeat=(2, 1, 1), charges=charges, min_distance_angstrom={"default": 1.2}).limits
    assert table[1, 1] == pytest.approx(2.448) and table[1, 2] == 1.2
    with pytest.raises(DlmdError, match="'Na-K' is no pair"):
        apportion(small, repeat=(2, 1, 1), charges=charges, min_distance_angstrom={"Na-K": 2})


@pytest.mark.parametrize("method", METHODS)
def test_a_garnet_at_its_limit_is_arranged_by_every_method(tmp_path, method, monkeypatch):
    """0.54 + 0.45 of 1: swaps at random come to a stop; an arrangement exists."""
    monkeypatch.setattr(ordering, "COLDEST", 0.3)
    garnet = read_cif(write_cif(tmp_path, *GARNET, group="I a -3 d"))
    made = apportion(garnet, repeat=(1, 1, 1), charges=CHARGES, tolerance=1e-3)
    assert made.composition == {"Li": 56, "La": 24, "Zr": 16, "O": 96}
    (atoms,) = orderings(garnet, made, n=1, seed=3, method=method)
    assert cells.shortest_distances(atoms)["Li-Li"] > 2.3
    ordering.check(made, n=2)


def test_one_number_above_the_bonds_of_the_crystal_does_not_forbid_them(tmp_path):
    garnet = read_cif(write_cif(tmp_path, *GARNET, group="I a -3 d"))
    made = apportion(garnet, repeat=(1, 1, 1), charges=CHARGES, tolerance=1e-3, min_distance_angstrom=2.0)
    shortest = cells.shortest_distances(orderings(garnet, made, n=1, seed=0)[0])
    assert shortest["Li-Li"] > 2.0 > shortest["Li-O"] > 1.5


def test_more_than_fit_is_refused_with_the_number_that_fits():
    """A ring of five positions, each excluding its two neighbours: two fit, although no pair is overfilled by 2.5."""
    angle = 2 * np.pi * np.arange(5) / 5
    ring = 0.5 + 0.085 * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    sites = {"M": ({"Li": 0.5}, ring), "X": ({"Cl": 0.5}, [[0, 0, z / 5] for z in range(5)])}
    pentagon = crystal(sites, lattice=[18.0, 18.0, 18.0])
    made = apportion(pentagon, repeat=(2, 1, 1), charges=CHARGES)
    for check in (lambda: ordering.check(made, n=1), lambda: orderings(pentagon, made, n=1, seed=0)):
        with pytest.raises(DlmdError, match="at most 9 of 10 atoms") as refused:
            check()
        assert "Li-Li: 1.79" in refused.value.remedy


def test_thousands_of_atoms_of_a_split_crystal(tmp_path):
    """Alpha-AgI: of twelve sites around each iodide two are filled, none beside another."""
    path = write_cif(tmp_path, cubic(5.0855), ["I1 I 0 0 0 1", "Ag1 Ag 0.25 0 0.5 0.16667"], group="I m -3 m")
    iodide = read_cif(path)
    made = apportion(iodide, repeat=(8, 8, 16), charges=CHARGES)
    (atoms,) = orderings(iodide, made, n=1, seed=1)
    assert len(atoms) == 4 * 8 * 8 * 16 and made.charge == 0
    assert cells.shortest_distances(atoms)["Ag-Ag"] > 2.5


def test_an_ordered_crystal_has_one_ordering_for_all_replicas():
    full = crystal(
        {"M": ({"Na": 1.0}, [[0, 0, 0]]), "X": ({"Cl": 1.0}, [[0.5, 0.5, 0.5]])}, lattice=[3.4, 3.4, 3.4]
    )
    made = apportion(full, repeat=(2, 2, 2), charges=CHARGES)
    assert ordering.is_ordered(made)
    ordering.check(made, n=5)
    one, other = orderings(full, made, n=2, seed=0)
    np.testing.assert_array_equal(one.positions, other.positions)
    assert [atoms.info["ordering"] for atoms in (one, other)] == [0, 1]


def test_the_check_counts_orderings_as_the_job_does():
    made = apportion(split_pairs(), repeat=(1, 1, 1), charges={"Na": 1, "Cl": -1})
    ordering.check(made, n=2)
    with pytest.raises(DlmdError, match="3 orderings requested, only 2 distinct"):
        ordering.check(made, n=3)


def test_neutral_in_other_sizes_names_them():
    alumina = crystal(
        {"M": ({"Al": 0.6667}, [[0, 0, 0]]), "X": ({"O": 1.0}, [[0.5, 0.5, 0.5]])}, lattice=[4, 4, 4]
    )
    with pytest.raises(
        DlmdError, match="is neutral, but not with whole numbers of atoms in 2x2x2"
    ) as refused:
        apportion(alumina, repeat=(2, 2, 2), charges=CHARGES)
    assert refused.value.remedy == "take a multiple of 3 cells: 1x1x3, such as 2x2x3"
    assert apportion(alumina, repeat=(2, 2, 3), charges=CHARGES).composition == {"Al": 8, "O": 12}


def cobaltate(na=0.74):
    sites = {
        "Na": ({"Na": na}, [[0, 0, 0.25], [0, 0, 0.75]]),
        "Co": ({"Co": 1.0}, [[0.5, 0.5, 0], [0.5, 0.5, 0.5]]),
        "O": ({"O": 1.0}, [[0.5, 0, 0.1], [0, 0.5, 0.9], [0.5, 0, 0.6], [0, 0.5, 0.4]]),
    }
    return crystal(sites, lattice=[4.0, 4.0, 11.0])


def test_mean_charges_of_mixed_valence_make_the_cell_neutral():
    charges = {"Na": 1, "Co": 3.26, "O": -2}
    made = apportion(cobaltate(), repeat=(5, 5, 2), charges=charges)
    assert made.composition == {"Na": 74, "Co": 100, "O": 200}
    assert made.charge == 0 and made.charges["Co"] == pytest.approx(3.26)
    near = apportion(cobaltate(), repeat=(4, 4, 1), charges=charges, tolerance=0.02)
    assert near.composition == {"Na": 24, "Co": 32, "O": 64}
    assert near.charge == 0 and near.charge_shift == "Co 3.25 for 3.26"
    assert near.composition_difference == "Na 24 for 23.68"


def test_a_refusal_says_what_another_compound_the_nearest_is():
    with pytest.raises(DlmdError, match=r"not neutral: Na 0.74 .* carries -0.52 e per cell") as refused:
        apportion(cobaltate(), repeat=(4, 4, 1), charges=CHARGES, mobile="Na")
    assert "neutral with a mean charge of 3.26 of Co" in refused.value.remedy
    assert "another composition: Na 32 for 23.68 atoms" in refused.value.remedy
    with pytest.raises(DlmdError, match="cannot be realised") as refused:
        apportion(cobaltate(), repeat=(4, 4, 1), charges={"Na": 1, "Co": 3.26, "O": -2})
    assert "0.0101 for the nearest" in refused.value.remedy or "0.011 for the nearest" in refused.value.remedy
    tolerance = float(refused.value.remedy.split(" by tolerance: ")[1].split()[0])
    apportion(cobaltate(), repeat=(4, 4, 1), charges={"Na": 1, "Co": 3.26, "O": -2}, tolerance=tolerance)


def test_the_mobile_ion_changes_rather_than_the_host():
    sites = {
        "M": ({"Li": 0.9}, [[x / 4, 0, 0] for x in range(4)]),
        "T": ({"P": 0.95}, [[x / 4, 0.5, 0] for x in range(4)]),
        "X": ({"S": 1.0}, [[x / 12, 0.25, 0.5] for x in range(12)]),
    }
    small = crystal(sites, lattice=[40.0, 12.0, 12.0])
    made = nearest(small, repeat=(1, 1, 1), charges={"Li": 1, "P": 5, "S": -2}, mobile="Li")
    assert made.charge == 0 and made.composition == {"Li": 4, "P": 4, "S": 12}
    again = apportion(
        small, repeat=(1, 1, 1), charges={"Li": 1, "P": 5, "S": -2}, occupancies=made.occupancies
    )
    assert again.counts == made.counts


def test_no_species_is_lost():
    sites = {
        "M": ({"Na": 0.5, "K": 0.49, "Li": 0.01}, [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]),
        "X": ({"Cl": 1.0}, [[0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5], [0.5, 0.5, 0.5]]),
    }
    salt = crystal(sites, lattice=[5.6, 5.6, 5.6])
    made = apportion(salt, repeat=(2, 2, 2), charges={**CHARGES, "K": 1}, tolerance=0.05)
    assert made.composition["Li"] == 1 and made.charge == 0


@st.composite
def split_crystals(draw):
    """Cations on clusters of positions that partly exclude each other, a full host and anions that make it neutral."""
    spacing = draw(st.sampled_from([0.7, 1.3, 1.8, 2.4]))
    size = draw(st.integers(2, 4))
    clusters = draw(st.integers(1, 3))
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])[:size] * spacing / 12
    centres = np.outer(np.arange(clusters), [0.5, 0.3, 0.4])
    positions = (centres[:, None] + corners).reshape(-1, 3) % 1.0
    share = draw(st.sampled_from([1, 2, 3, 4])) / 4
    charge = share / size * len(positions)
    anions = max(1, int(np.ceil(charge)))
    sites = {
        "M": ({draw(st.sampled_from(["Li", "Na", "Ag"])): share / size}, positions),
        "X": ({"Cl": charge / anions}, [[0.75, (k + 0.5) / anions, 0.8] for k in range(anions)]),
    }
    return crystal(sites, lattice=[12.0, 12.0, 12.0])


@settings(max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=HealthCheck)
@given(
    drawn=split_crystals(),
    repeat=st.sampled_from([(1, 1, 1), (2, 1, 1), (2, 2, 1)]),
    tolerance=st.sampled_from([5e-4, 0.1, 0.3]),
    seed=st.integers(0, 2**31 - 1),
)
def test_whatever_is_made_keeps_distances_by_pair_composition_and_neutrality(drawn, repeat, tolerance, seed):
    try:
        made = apportion(drawn, repeat=repeat, charges=CHARGES, tolerance=tolerance)
        (atoms,) = orderings(drawn, made, n=1, seed=seed)
    except DlmdError as error:
        assert error.remedy and len(str(error).splitlines()) <= 3
        return
    symbols = atoms.get_chemical_symbols()
    assert Counter(symbols) == {s: n for s, n in made.composition.items() if n}
    assert sum(CHARGES[s] for s in symbols) == 0
    (mobile,) = drawn.sites[0].occupancy
    shortest = cells.shortest_distances(atoms)
    for pair, d in shortest.items():
        a, b = (made.species.index(s) + 1 for s in pair.split("-"))
        assert d is None or d >= made.limits[a, b] - 1e-6
    need = {"Li": 1.95, "Na": 2.04, "Ag": 2.3}[mobile]
    assert made.limits[made.species.index(mobile) + 1, made.species.index(mobile) + 1] >= need - 1e-5
    total = drawn.sites[0].multiplicity * prod(repeat)
    asked = drawn.sites[0].occupancy[mobile]
    assert abs(made.composition[mobile] / total - asked) <= tolerance + 1e-6


@settings(max_examples=50, derandomize=True, deadline=None, database=None, suppress_health_check=HealthCheck)
@given(data=st.data())
def test_an_arrangement_is_found_where_there_is_one(data):
    """Planted solutions: random positions in a box; a set of them that keeps the distance is known to exist."""
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    points = rng.random((data.draw(st.integers(8, 30)), 3))
    box = data.draw(st.sampled_from([6.0, 8.0, 11.0]))
    chosen: list[int] = []
    for k in range(len(points)):
        gap = (points[k] - points[chosen] + 0.5) % 1 - 0.5 if chosen else np.full((1, 3), 9.0)
        if np.linalg.norm(gap * box, axis=1).min() >= 2.4:
            chosen.append(k)
    planted = crystal(
        {
            "M": ({"Li": len(chosen) / len(points)}, points),
            "X": ({"Cl": 1.0}, np.full((len(chosen), 3), 0.5)),
        },
        lattice=[box] * 3,
    )
    supercell = Supercell(planted, (1, 1, 1))
    exclusions = distances.Exclusions(supercell, np.array([[0, 0], [0, 2.4]]), species=["Li"])
    content = np.zeros(supercell.n_positions, dtype=np.int8)
    content[rng.permutation(len(points))[: len(chosen)]] = 1
    repairing.repair(content, [np.arange(len(points))], exclusions, rng)
    assert content[: len(points)].sum() == len(chosen)
    filled = points[content[: len(points)] > 0]
    gaps = (filled[:, None] - filled[None] + 0.5) % 1 - 0.5
    apart = np.linalg.norm(gaps * box, axis=2) + 9 * np.eye(len(filled))
    assert apart.min() >= 2.4


def test_packing_of_two_species_on_one_position_and_of_fixed_neighbours():
    sites = {
        "M": ({"Li": 0.25, "Na": 0.25}, [[k / 4, 0, 0] for k in range(4)]),
        "F": ({"Na": 1.0}, [[0, 0.15, 0]]),
        "X": ({"Cl": 1.0}, [[0.5, 0.5, z / 3] for z in range(3)]),
    }
    small = crystal(sites, lattice=[8.0, 8.0, 8.0])
    made = apportion(small, repeat=(1, 1, 1), charges=CHARGES, min_distance_angstrom={"Li-Na": 1, "Na-Na": 1})
    apart = {"Li-Na": 2.2, "Na-Na": 1.5}
    for seed in range(5):
        (atoms,) = orderings(small, made, n=1, seed=seed, min_distance_angstrom=apart)
        assert cells.shortest_distances(atoms)["Li-Na"] >= 2.2
    supercell = Supercell(small, (1, 1, 1))
    exclusions = ordering.exclusions_of(supercell, made, apart)
    content = np.zeros(supercell.n_positions, dtype=np.int8)
    content[[0, 1]] = [1, 2]
    content[4:] = [2, *(3,) * 3]
    outcome = packing.Packing(content, [np.arange(4)], exclusions).solve(np.random.default_rng(0))
    assert outcome.content is not None and sorted(outcome.content[:4].tolist()) == [0, 0, 1, 2]
    assert outcome.content[0] != 1  # 1.2 Å from the fixed sodium
