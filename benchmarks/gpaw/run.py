"""Self-consistent DFT calculations of the smallest ordered cell of Li3TiCl6 (10 atoms), U = 4 and 0 eV, through the engine's
own code.

Writes time, iterations, energy, moments and gap, and the force on Ti and a stress component against finite differences.

    python benchmarks/gpaw/run.py results.json
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from ase.spacegroup import crystal

from dlmd.labels import engines

SETTINGS = {
    "engine": "gpaw",
    "magmom": {"Ti": 1.0},
    "moment_range": {"Ti": [0.5, 1.5]},
    "ecut_ev": 450.0,
    "kpoint_mesh": [2, 2, 2],
}
STEP_A = 0.02
STRAIN = 0.005


def li3ticl6():
    """The ordered cell: all Ti on 2a, displaced so that no force vanishes by symmetry."""
    atoms = crystal(
        ["Li", "Li", "Ti", "Cl", "Cl"],
        basis=[(0, 0.5, 0.5), (0, 0.168, 0.5), (0, 0, 0), (0.243, 0, 0.76), (0.239, 0.161, 0.237)],
        spacegroup=12,
        cellpar=[6.35, 10.89, 6.353, 90, 110.1, 90],
        primitive_cell=True,
    )
    atoms.rattle(0.05, seed=1)
    return atoms


def calculate(u_ev: float) -> dict:
    """One cold calculation, then the energies of finite differences, each from the wave functions of the one before."""
    engine = engines.get(SETTINGS | {"hubbard_u_ev": {"Ti": u_ev}})
    start = li3ticl6()
    titanium = list(start.symbols).index("Ti")
    calculator = engine.calculator()
    cost = []

    def energy(atoms) -> float:
        atoms.calc = calculator
        begin = time.process_time()
        value = atoms.get_potential_energy()
        cost.append(
            {
                "cpu_s": round(time.process_time() - begin, 1),
                "iterations": calculator.dft.get_number_of_iterations(),
            }
        )
        return value

    atoms = start.copy()
    value = energy(atoms)
    results = dict(calculator.results)
    top, bottom = calculator.dft.get_homo_lumo()
    shifted = []
    for shift in (-STEP_A, STEP_A):
        atoms = start.copy()
        atoms.positions[titanium, 0] += shift
        shifted.append(energy(atoms))
    strained = []
    for strain in (-STRAIN, STRAIN):
        atoms = start.copy()
        atoms.set_cell(start.cell.array @ (np.eye(3) + np.diag([strain, 0, 0])), scale_atoms=True)
        strained.append(energy(atoms))
    return {
        "level": engine.level,
        "calls": cost,
        "energy_ev": value,
        "gap_ev": float(bottom - top),
        "total_moment": float(calculator.dft.get_magnetic_moment()),
        "moment_of_ti": float(results["magmoms"][titanium]),
        "moments_in_range": results["moments_in_range"],
        "force_on_ti_ev_per_a": float(results["forces"][titanium, 0]),
        "force_by_finite_difference": -(shifted[1] - shifted[0]) / (2 * STEP_A),
        "largest_net_force_ev_per_a": float(abs(results["forces"].sum(axis=0)).max()),
        "stress_xx_ev_per_a3": float(results["stress"][0]),
        "stress_by_finite_difference": (strained[1] - strained[0]) / (2 * STRAIN * start.get_volume()),
        "energies_ev": {"shifted": shifted, "strained": strained},
    }


def main(output: str) -> None:
    found = {
        "atoms": str(li3ticl6().symbols),
        "settings": SETTINGS,
        "versions": engines.get(SETTINGS).versions(),
    }
    for u_ev in (4.0, 0.0):
        found[f"U = {u_ev:g} eV"] = calculate(u_ev)
        Path(output).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
