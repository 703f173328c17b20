"""The Wolf energy against Madelung and Ewald, its increments against recalculation, and the annealing."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from dlmd.base.units import COULOMB_EV_A
from dlmd.structures import distances
from dlmd.structures.coulomb import Annealer, CoulombModel
from dlmd.structures.crystal import read_cif
from dlmd.structures.occupancy import apportion
from dlmd.structures.ordering import build, movable, random_content
from dlmd.structures.supercell import Supercell
from small_crystals import chain, crystal, rocksalt

STRUCTURES = Path(__file__).parents[3] / "structures"


def prepared(small, repeat, charges, **options):
    counts = apportion(small, repeat=repeat, charges=charges, **options)
    cell = Supercell(small, repeat)
    exclusions = distances.Exclusions(cell, distances.limits(1.5, counts.species))
    return cell, counts, exclusions, CoulombModel(cell, counts)


def test_the_coulomb_constant():
    assert COULOMB_EV_A == pytest.approx(14.399645, abs=1e-5)


@pytest.mark.parametrize("repeat", [(1, 1, 1), (3, 2, 1)])
def test_rocksalt_has_its_madelung_energy(repeat):
    counts = apportion(rocksalt(), repeat=repeat, charges={"Na": 1, "Cl": -1})
    cell = Supercell(rocksalt(), repeat)
    content = np.repeat([1, 2], cell.n_positions // 2)
    madelung = -1.747565 * COULOMB_EV_A / 2.82 * counts.n_atoms / 2
    damped = CoulombModel(cell, counts, cutoff_angstrom=15.0, damping_per_a=0.2)
    assert damped.energy(content) == pytest.approx(madelung, rel=1e-3)
    assert CoulombModel(cell, counts).energy(content) == pytest.approx(madelung, rel=0.03)


def test_the_potential_is_the_direct_sum():
    cell, counts, exclusions, model = prepared(chain(), (4, 2, 1), {"Na": 1, "F": -1})
    content = random_content(cell, counts, exclusions, np.random.default_rng(1))
    charges = model.charges(content)
    start, neighbour, pair = cell.neighbour_table(model.pairs)
    direct = [(model.kernel[pair[a:b]] * charges[neighbour[a:b]]).sum() for a, b in itertools.pairwise(start)]
    np.testing.assert_allclose(model.potential(charges), direct, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "occupancies"), [("Li3TiCl6", {"2a": 0.5, "4g": 0.25}), ("Li3YBr6", {"4g": 0.5})]
)
def test_the_change_of_a_swap_is_that_of_the_whole_energy(name, occupancies):
    charges = {"Li": 1, "Ti": 3, "Y": 3, "Cl": -1, "Br": -1}
    cell, counts, exclusions, model = prepared(
        read_cif(STRUCTURES / f"{name}.cif"), (1, 1, 1), charges, tolerance=0.3, occupancies=occupancies
    )
    rng = np.random.default_rng(2)
    content = random_content(cell, counts, exclusions, rng)
    annealer = Annealer(model, movable(cell, counts), exclusions)
    potential = model.potential(model.charges(content))[annealer.positions]
    before, tested = model.energy(content), 0
    for a, b in zip(*annealer._proposals(60, rng), strict=True):
        here, there = annealer.positions[[a, b]]
        shift = model.charges(content)[there] - model.charges(content)[here]
        if not shift:
            continue
        swapped = content.copy()
        swapped[[here, there]] = content[[there, here]]
        change = annealer._change(a, b, shift, potential)
        assert change == pytest.approx(model.energy(swapped) - before, abs=1e-8)
        tested += 1
    assert tested > 5


def test_annealing_finds_the_best_of_all_arrangements():
    sites = {
        "M": ({"Na": 0.5}, [[0, 0, 0], [0.5, 0.1, 0], [0.2, 0.5, 0.5]]),
        "X": ({"Cl": 1.0}, [[0.1, 0.2, 0.7]]),
    }
    small = crystal(sites, lattice=[5.0, 6.0, 7.0])
    cell, counts, exclusions, model = prepared(small, (2, 2, 1), {"Na": 1, "Cl": -1.5})
    positions = cell.positions_of(small.sites[0])
    start = random_content(cell, counts, exclusions, np.random.default_rng(0))
    energies = []
    for chosen in itertools.combinations(positions, 6):
        content = start.copy()
        content[positions] = 0
        content[list(chosen)] = 1
        energies.append(model.energy(content))
    annealer = Annealer(model, movable(cell, counts), exclusions)
    annealer.run(start, np.random.default_rng(5))
    assert model.energy(start) == pytest.approx(min(energies), abs=1e-8)


def test_annealing_keeps_counts_and_distances():
    small = read_cif(STRUCTURES / "Li3YBr6.cif")
    charges = {"Li": 1, "Y": 3, "Br": -1}
    counts = apportion(small, repeat=(2, 1, 2), charges=charges, tolerance=0.1)
    cell = Supercell(small, (2, 1, 2))
    exclusions = distances.Exclusions(cell, distances.limits({"Li-Li": 2.44, "Li-Y": 2.44}, counts.species))
    model = CoulombModel(cell, counts)
    rng = np.random.default_rng(3)
    content = random_content(cell, counts, exclusions, rng)
    before = model.energy(content)
    Annealer(model, movable(cell, counts), exclusions).run(content, rng, sweeps=100)
    assert model.energy(content) < before - 1
    assert len(exclusions.conflicting(content)) == 0
    for site in small.sites:
        found = content[cell.positions_of(site)]
        for species, n in counts.counts[site.label].items():
            assert (found == counts.species.index(species) + 1).sum() == n


def test_orderings_are_ranked_as_by_ewald():
    from pymatgen.analysis.ewald import EwaldSummation
    from pymatgen.core import Lattice, Structure

    charges = {"Li": 1, "Ti": 3, "Cl": -1}
    cell, counts, exclusions, model = prepared(
        read_cif(STRUCTURES / "Li3TiCl6.cif"), (2, 1, 2), charges, occupancies={"2a": 0.75, "4g": 0.125}
    )
    wolf, ewald = [], []
    for k in range(6):
        content = random_content(cell, counts, exclusions, np.random.default_rng(k))
        atoms = build(cell, counts, content)
        structure = Structure(
            Lattice(atoms.cell.array), atoms.get_chemical_symbols(), atoms.get_scaled_positions()
        )
        structure.add_oxidation_state_by_element(charges)
        ewald.append(EwaldSummation(structure).total_energy)
        wolf.append(model.energy(content))
    assert np.corrcoef(wolf, ewald)[0, 1] > 0.99
    assert np.abs(np.subtract(wolf, ewald)).max() / counts.n_atoms < 0.05
