"""Measure the orderings: time against atoms, Wolf against Ewald, annealing against pymatgen's ranking.

python benchmarks/structures/run.py            all tables, about five minutes
python benchmarks/structures/run.py scaling    one of: scaling, ewald, ranking
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
import warnings
from pathlib import Path

import numpy as np

from dlmd.structures.coulomb import CoulombModel
from dlmd.structures.crystal import read_cif
from dlmd.structures.distances import Exclusions, limits
from dlmd.structures.occupancy import apportion
from dlmd.structures.ordering import METHODS, build, orderings, random_content
from dlmd.structures.supercell import Supercell

CRYSTAL = read_cif(Path(__file__).parents[2] / "structures" / "Li3TiCl6.cif")
CHARGES = {"Li": 1, "Ti": 3, "Cl": -1}
OCCUPANCIES = {"2a": 0.75, "4g": 0.125}
LIMIT_S = 120


def counts(repeat, occupancies=None):
    return apportion(CRYSTAL, repeat=repeat, occupancies=occupancies or OCCUPANCIES, charges=CHARGES)


def scaling() -> None:
    """CPU seconds for one ordering; the slope of log(time) against log(atoms) from 4,320 atoms on."""
    sizes = [(2, 2, 2), (4, 4, 4), (6, 6, 6), (8, 8, 8), (10, 10, 10), (14, 14, 14)]
    print("| atoms |", " | ".join(f"{m} (s)" for m in METHODS), "|")
    print("| ---: |" + " ---: |" * len(METHODS))
    table = []
    for repeat in sizes:
        apportionment = counts(repeat)
        row = []
        for method in METHODS:
            start = time.process_time()
            orderings(CRYSTAL, apportionment, n=1, seed=1, method=method)
            row.append(time.process_time() - start)
        table.append((apportionment.n_atoms, *row))
        print(f"| {apportionment.n_atoms:,} |", " | ".join(f"{x:.2f}" for x in row), "|", flush=True)
    log = np.log(np.array(table)[2:])
    slopes = [np.polyfit(log[:, 0], column, 1)[0] for column in log[:, 1:].T]
    print("| slope |", " | ".join(f"{slope:.2f}" for slope in slopes), "|")


def ewald_energy(atoms) -> float:
    from pymatgen.analysis.ewald import EwaldSummation
    from pymatgen.core import Lattice, Structure

    structure = Structure(
        Lattice(atoms.cell.array), atoms.get_chemical_symbols(), atoms.get_scaled_positions()
    )
    structure.add_oxidation_state_by_element(CHARGES)
    return EwaldSummation(structure).total_energy


def ewald() -> None:
    """20 random orderings: the Wolf energy against pymatgen's Ewald sum."""
    from scipy.stats import spearmanr

    print(
        "| atoms | spread (meV/atom) | offset (meV/atom) | rms difference (meV/atom) | r | rank correlation |",
        end="",
    )
    print(" Wolf (ms) | Ewald (ms) |")
    print("| ---: |" + " ---: |" * 7)
    for repeat in [(2, 1, 2), (2, 2, 2), (4, 2, 2)]:
        apportionment, cell = counts(repeat), Supercell(CRYSTAL, repeat)
        exclusions, model = (
            Exclusions(cell, limits(1.5, apportionment.species)),
            CoulombModel(cell, apportionment),
        )
        fillings = [
            random_content(cell, apportionment, exclusions, np.random.default_rng(k)) for k in range(20)
        ]
        model.energy(fillings[0])  # sets up its tables
        start = time.process_time()
        wolf = np.array([model.energy(filling) for filling in fillings])
        half = time.process_time()
        reference = np.array([ewald_energy(build(cell, apportionment, filling)) for filling in fillings])
        end = time.process_time()
        per_atom = 1e3 / apportionment.n_atoms
        difference = wolf - reference
        print(
            f"| {apportionment.n_atoms} | {reference.std() * per_atom:.0f} | {difference.mean() * per_atom:.1f} | "
            f"{difference.std() * per_atom:.1f} | {np.corrcoef(wolf, reference)[0, 1]:.4f} | "
            f"{spearmanr(wolf, reference)[0]:.3f} | {(half - start) * 50:.2f} | {(end - half) * 50:.0f} |",
            flush=True,
        )


def _pymatgen_best(repeat, occupancies, answer) -> None:
    from pymatgen.core import Structure
    from pymatgen.transformations.standard_transformations import OrderDisorderedStructureTransformation

    structure = Structure.from_file(CRYSTAL.source)
    for site in structure:
        ion = {"Ti1": {"Ti3+": occupancies["2a"]}, "Ti2": {"Ti3+": occupancies["4g"]}}
        site.species = ion.get(site.label) or {"Li+" if site.label.startswith("Li") else "Cl-": 1}
    structure.make_supercell(repeat)
    ranked = OrderDisorderedStructureTransformation().apply_transformation(structure, return_ranked_list=1)
    answer.put(ranked[0]["energy"])


def ranking() -> None:
    """The lowest Ewald energy (eV/atom) found by pymatgen's ranking and by annealing."""
    print(
        "| atoms | pymatgen (eV/atom) | (s) | annealing, best of 5, of 2 to 40 atoms (eV/atom) | (s) | random, mean (eV/atom) |"
    )
    print("| ---: |" + " ---: |" * 5)
    halves = {"2a": 0.5, "4g": 0.25}
    for repeat, occupancies in [((1, 1, 1), halves), ((2, 1, 1), None), ((2, 1, 2), None), ((2, 2, 2), None)]:
        apportionment = counts(repeat, occupancies)
        n_atoms = apportionment.n_atoms
        answer = multiprocessing.Queue()
        child = multiprocessing.Process(
            target=_pymatgen_best, args=(repeat, occupancies or OCCUPANCIES, answer)
        )
        start = time.perf_counter()
        child.start()
        child.join(LIMIT_S)
        elapsed = time.perf_counter() - start
        if child.is_alive():
            child.terminate()
            theirs = f"none in {LIMIT_S} s | {LIMIT_S}"
        else:
            theirs = f"{answer.get() / n_atoms:.4f} | {elapsed:.1f}"
        wanted = 5 if n_atoms > 40 else 2
        start = time.perf_counter()
        annealed = orderings(CRYSTAL, apportionment, n=wanted, seed=1, method="coulomb")
        elapsed = time.perf_counter() - start
        random = orderings(CRYSTAL, apportionment, n=wanted, seed=1)
        best = min(ewald_energy(atoms) for atoms in annealed) / n_atoms
        mean = np.mean([ewald_energy(atoms) for atoms in random]) / n_atoms
        print(f"| {n_atoms} | {theirs} | {best:.4f} | {elapsed:.1f} | {mean:.4f} |", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    tables = {"scaling": scaling, "ewald": ewald, "ranking": ranking}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "tables", nargs="*", metavar="TABLE", help=f"any of {', '.join(tables)}; default: all"
    )
    chosen = parser.parse_args().tables
    if unknown := set(chosen) - set(tables):
        parser.error(f"no table {', '.join(sorted(unknown))}: choose from {', '.join(tables)}")
    for name in chosen or tables:
        print(f"\n{name}: {tables[name].__doc__}\n", flush=True)
        tables[name]()
