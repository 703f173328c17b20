"""Is the potential still its teacher's where production has gone? Frames of production, again by CHGNet.

    python benchmarks/experiment/against_teacher.py Li10GeP2S12 --frames 3

prints, for each segment and frame, by how much the potential's energy lies below or above CHGNet's, the error of the forces as a
part of the RMS force, and the shortest distance. A potential that has found a false minimum shows an offset that grows with the
time of the run. Start it from the repository's root, after run.py; only for materials whose teacher is CHGNet alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import chemfiles
import numpy as np
from ase import Atoms
from ase.io import read
from materials import chosen

from dlmd.config.reading import load

LEVEL = "chgnet"


def compared(atoms: Atoms, teacher: Any, potential: Any) -> tuple[float, float, float]:
    """Energy offset (meV per atom), force error as a part of the teacher's RMS force, shortest distance (Å) of one frame."""
    one, other = atoms.copy(), atoms.copy()
    one.calc, other.calc = teacher, potential
    offset = 1e3 * (other.get_potential_energy() - one.get_potential_energy()) / len(atoms)
    forces = one.get_forces()
    error = np.sqrt(((other.get_forces() - forces) ** 2).mean() / (forces**2).mean())
    distances = atoms.get_all_distances(mic=True)
    return float(offset), float(error), float(distances[np.triu_indices(len(atoms), 1)].min())


def frames(segment: Path, symbols: list[str], n: int) -> list[tuple[int, Atoms]]:
    """So many frames of a segment's all-atom file, evenly from the first to the last, each with its number."""
    found = []
    with chemfiles.Trajectory(str(segment)) as file:
        for i in np.unique(np.linspace(0, file.nsteps - 1, n).astype(int)):
            frame = file.read_step(int(i))
            cell = np.array(frame.cell.matrix).T
            found.append((int(i), Atoms(symbols, positions=np.array(frame.positions), cell=cell, pbc=True)))
    return found


def main() -> None:
    """Compare the materials that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("materials", nargs="+", metavar="NAME", help="names in materials.yaml")
    parser.add_argument("--frames", type=int, default=3, help="of each segment; default: %(default)d")
    args = parser.parse_args()
    from chgnet.model.dynamics import CHGNetCalculator
    from deepmd.calculator import DP

    teacher = CHGNetCalculator(use_device="cpu")
    for material in chosen(args.materials):
        results = Path("results") / material.run
        species = load(f"results/experiment/configs/{material.run}.yaml").material.species
        potential = DP(str(results / f"training/{LEVEL}/0/compressed.pb"))
        for segment in sorted(results.glob(f"md/{LEVEL}/*K/r0/000[1-9].xtc")):
            built = read(segment.with_name("0000.minimised.data"), format="lammps-data", atom_style="atomic")
            symbols = [species[kind - 1] for kind in built.arrays["type"]]
            for number, atoms in frames(segment, symbols, args.frames):
                offset, error, nearest = compared(atoms, teacher, potential)
                print(
                    f"{material.name} {segment.parts[-3]} segment {segment.stem} frame {number}: "
                    f"{offset:+.1f} meV per atom, force error {100 * error:.0f} %, nearest atoms {nearest:.2f} Å",
                    flush=True,
                )


if __name__ == "__main__":
    main()
