"""One self-consistent DFT+U calculation of the smallest ordered cell of Li3TiCl6 (10 atoms), through the engine's own code.

Prints time, energy, moments, and the force on Ti against the finite difference of the energy.

    python benchmarks/gpaw/run.py results.json
"""

import json
import sys
import time
from pathlib import Path

from ase.spacegroup import crystal

from dlmd import engines

SETTINGS = {
    "engine": "gpaw",
    "hubbard_u_ev": {"Ti": 4.0},
    "magmom": {"Ti": 1.0},
    "ecut_ev": 450.0,
    "kpoint_mesh": [2, 2, 2],
}
STEP_A = 0.02


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


def main(output: str) -> None:
    engine = engines.get(SETTINGS)
    atoms = li3ticl6()
    titanium = list(atoms.symbols).index("Ti")
    atoms.calc = engine.calculator()
    seconds, energies = [], []
    start = time.perf_counter()
    forces, stress, moments = atoms.get_forces(), atoms.get_stress(), atoms.get_magnetic_moments()
    energy = atoms.get_potential_energy()
    seconds.append(time.perf_counter() - start)
    for shift in (-STEP_A, 2 * STEP_A):
        start = time.perf_counter()
        atoms.positions[titanium, 0] += shift
        energies.append(atoms.get_potential_energy())
        seconds.append(time.perf_counter() - start)
    result = {
        "atoms": str(atoms.symbols),
        "settings": SETTINGS,
        "level": engine.level,
        "versions": engine.versions(),
        "seconds_per_call": [round(s, 1) for s in seconds],
        "energy_ev": energy,
        "total_moment": float(moments.sum()),
        "moment_of_ti": float(moments[titanium]),
        "force_on_ti_ev_per_a": float(forces[titanium, 0]),
        "force_by_finite_difference": -(energies[1] - energies[0]) / (2 * STEP_A),
        "largest_net_force_ev_per_a": float(abs(forces.sum(axis=0)).max()),
        "stress_ev_per_a3": stress.tolist(),
    }
    Path(output).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
