"""Labelled frames of dynamics long enough that ions forget where they began: a finished run's potential moves the ions, in
cells and orderings that nothing is judged in, and the label engine labels frames of it.

    python benchmarks/potentials/frames.py results/pretrained OUT [CELL ...]

OUT/systems/<cell>_<temperature>K are deepmd systems, for `curves.py --frames OUT/systems`. What is there is not made again.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import ase.io
from ase import Atoms

from dlmd.config.reading import load
from dlmd.config.run_config import RunConfig
from dlmd.labels import engines, relaxation
from dlmd.learning import exploration
from dlmd.md.inputs import deepmd_dynamics
from dlmd.process import programs
from dlmd.structures.crystal import read_cif
from dlmd.structures.occupancy import apportion
from dlmd.structures.ordering import orderings

sys.path.append(str(Path(__file__).parents[1] / "learning"))
from judge import label_frames

SEED = 3
# unit cells along a, b, c; how Ti and Li are placed; which of so many orderings; temperatures in K. The teacher's own cell
# (1, 1, 2, ordering 0) and that of the held-out trajectory (2, 2, 2) are not among them.
CELLS = {
    "212_0": ((2, 1, 2), "coulomb", 0, (300, 450, 600, 750, 900)),
    "212_1": ((2, 1, 2), "coulomb", 1, (300, 450, 600, 750, 900)),
    "212_2": ((2, 1, 2), "coulomb", 2, (300, 450, 600, 750, 900)),
    "122_0": ((1, 2, 2), "coulomb", 0, (300, 450, 600, 750, 900)),
    "112_1": ((1, 1, 2), "coulomb", 1, (450, 600, 750, 900)),
    "212_random": ((2, 1, 2), "random", 0, (600, 900)),
}
ORDERINGS = 3
LENGTH_PS = 12.0
DISCARD_PS = 1.0
INTERVAL_PS = 0.2
TIME_STEP_FS = 2.0


def relaxed_ordering(
    cfg: RunConfig,
    level: str,
    occupancies: Mapping[str, float],
    *,
    repeat: Sequence[int],
    method: str = "coulomb",
    number: int = 0,
    seed: int,
) -> Atoms:
    """Ordering `number` of a supercell, relaxed by the level's engine."""
    crystal = read_cif(cfg.material.cif)
    counts = apportion(crystal, repeat=repeat, occupancies=occupancies, charges=cfg.material.charges)
    ideal = orderings(crystal, counts, n=number + 1, seed=seed, method=method)[number]
    calculator = engines.get(cfg.levels[level].model_dump(mode="json")).calculator(threads=1)
    return relaxation.relax(ideal, calculator, fmax_ev_per_angstrom=0.03, max_steps=400)[0]


def explore(name: str, model: Path, out: Path, cfg: RunConfig, options: argparse.Namespace) -> None:
    """Relax the cell, run it at its temperatures, and label frames of every run."""
    repeat, method, number, temperatures = CELLS[name]
    home = out / name
    home.mkdir(parents=True, exist_ok=True)
    cell = home / "relaxed.extxyz"
    if not cell.exists():
        occupancies = cfg.structures.occupancies[options.occupancy]
        atoms = relaxed_ordering(
            cfg, options.level, occupancies, repeat=repeat, method=method, number=number, seed=SEED
        )
        ase.io.write(cell, atoms)
    settings = {
        "species": cfg.material.species,
        "mobile": cfg.material.mobile,
        "time_step_fs": TIME_STEP_FS,
        "damping_fs": cfg.md.thermostat_damping_fs,
    }
    for temperature in temperatures:
        system = out / "systems" / f"{name}_{temperature}K"
        if system.exists():
            continue
        run = exploration.explore(
            ase.io.read(cell),
            home / f"{temperature}K",
            dynamics=deepmd_dynamics(model, settings, temperature_k=temperature),
            steps=round(LENGTH_PS * 1000 / TIME_STEP_FS),
            stride=round(INTERVAL_PS * 1000 / TIME_STEP_FS),
            discard_ps=DISCARD_PS,
            seed=SEED + temperature,
            lmp=programs.command("lmp", None),
            threads=1,
            log=(home / f"{temperature}K.log").resolve(),
        )
        frames = [Atoms(run.symbols, positions=p, cell=run.cell, pbc=True) for p in run.positions]
        part = home / "part"
        label_frames(frames, part, cfg, options.level)
        system.parent.mkdir(exist_ok=True)
        part.rename(system)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("out", type=Path)
    parser.add_argument("cells", nargs="*", help=f"of {', '.join(CELLS)}; default all")
    parser.add_argument("--config", default="config/pretrained.yaml")
    parser.add_argument("--level", default="chgnet")
    parser.add_argument("--occupancy", default="0.750")
    options = parser.parse_args()
    model = options.run / "training" / options.level / "0" / "compressed.pb"
    for name in options.cells or CELLS:
        explore(name, model, options.out, load(options.config), options)


if __name__ == "__main__":
    main()
