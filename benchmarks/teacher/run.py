"""The same molecular dynamics with the teacher (the label engine itself) and with the potential trained on it.

Both start from one relaxed cell of a finished run and go on at constant volume with a Nosé-Hoover chain of three, the same
time step and damping; positions of all atoms are kept every 20 fs, the teacher's with their labels, so that its run is also
data to train on. Killed runs go on where they stopped.

    python benchmarks/teacher/run.py teacher   results/pretrained OUT --temperature 700 --ps 40
    python benchmarks/teacher/run.py potential results/pretrained OUT --temperature 700 --ps 40 --runs 4
    python benchmarks/teacher/run.py lattice   results/pretrained OUT
    python benchmarks/teacher/compare.py OUT

A run of the teacher may be stopped at any time: what is there is compared.
"""

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np

from dlmd.base.files import write_json

sys.path.append(str(Path(__file__).parents[1] / "potentials"))
from frames import relaxed_ordering

# A seventeenth of the shortest period (14 THz): frequencies are off by half a percent, in both alike, for half the price of 2 fs
TIME_STEP_FS = 4.0
DAMPING_FS = 100.0
STRIDE = 5  # steps between kept frames
CHUNK_STEPS = 250
THERMALISE_STEPS = 250
LANGEVIN_PER_PS = 5.0


def starting_cell(run: Path, out: Path, options: argparse.Namespace) -> Path:
    """The relaxed cell that both start from: the run's own, or with --repeat another, relaxed by the engine."""
    path = out / "relaxed.extxyz"
    if path.exists():
        return path
    out.mkdir(parents=True, exist_ok=True)
    if options.repeat is None:
        shutil.copyfile(run / "labels" / options.level / "relax" / options.cell / "relaxed.extxyz", path)
        return path
    import ase.io

    from dlmd.config.reading import load

    cfg = load(options.config)
    occupancies = cfg.structures.occupancies[options.cell.split("/")[0]]
    relaxed = relaxed_ordering(cfg, options.level, occupancies, repeat=options.repeat, seed=options.seed)
    ase.io.write(path, relaxed)
    return path


def teacher(run: Path, out: Path, options: argparse.Namespace) -> None:
    """Chunks NNNN.npz of positions, each with the state from which the next one goes on."""
    import ase.io
    from ase import units
    from ase.md.langevin import Langevin
    from ase.md.nose_hoover_chain import NoseHooverChainNVT
    from ase.md.velocitydistribution import Stationary, thermalize_momenta

    from dlmd.config.reading import load
    from dlmd.labels import engines

    engine = engines.get(load(options.config).levels[options.level].model_dump(mode="json"))
    folder = out / "teacher" / f"{options.temperature}K" / f"r{options.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    atoms = ase.io.read(starting_cell(run, out, options))
    atoms.calc = engine.calculator(threads=1)
    chunks = sorted(folder.glob("[0-9]*.npz"))
    if not chunks:
        rng = np.random.default_rng(options.seed)
        thermalize_momenta(atoms, 2 * options.temperature, rng=rng)
        friction = LANGEVIN_PER_PS / (1000 * units.fs)
        start = Langevin(
            atoms,
            TIME_STEP_FS * units.fs,
            temperature_K=options.temperature,
            friction=friction,
            fixcm=False,
            rng=rng,
        )
        start.run(THERMALISE_STEPS)
        Stationary(atoms)
    # ASE counts 3N degrees of freedom, LAMMPS 3N - 3; momentum is conserved, so LAMMPS is right
    set_point = options.temperature * (len(atoms) - 1) / len(atoms)
    dynamics = NoseHooverChainNVT(
        atoms, TIME_STEP_FS * units.fs, temperature_K=set_point, tdamp=DAMPING_FS * units.fs, tchain=3
    )
    chain = dynamics._thermostat
    if chunks:
        with np.load(chunks[-1]) as last:
            dynamics._q[:], dynamics._p[:] = last["end_positions"], last["end_momenta"]
            chain._eta[:], chain._p_eta[:] = last["eta"], last["p_eta"]
        dynamics._update_atoms()
    for number in range(len(chunks), round(options.ps * 1000 / TIME_STEP_FS / CHUNK_STEPS)):
        begun = time.perf_counter()
        positions, forces, energies, temperatures, conserved = [], [], [], [], []
        for _ in range(CHUNK_STEPS // STRIDE):
            for _ in range(STRIDE):
                dynamics.step()
            positions.append(atoms.positions.copy())
            forces.append(atoms.get_forces())
            energies.append(atoms.get_potential_energy())
            temperatures.append(atoms.get_temperature() * len(atoms) / (len(atoms) - 1))
            conserved.append(dynamics.get_conserved_energy())
        part = folder / "part.npz"
        np.savez(
            part,
            positions=np.array(positions, dtype=np.float32),
            forces=np.array(forces, dtype=np.float32),
            energy_ev=energies,
            temperature_k=temperatures,
            conserved_ev=conserved,
            seconds=time.perf_counter() - begun,
            eta=chain._eta,
            p_eta=chain._p_eta,
            end_positions=atoms.positions,
            end_momenta=atoms.get_momenta(),
        )
        part.replace(folder / f"{number:04d}.npz")
        print(
            f"{(number + 1) * CHUNK_STEPS * TIME_STEP_FS / 1000:.1f} ps, mean {np.mean(temperatures):.0f} K, "
            f"{(time.perf_counter() - begun) / CHUNK_STEPS:.3f} s per step",
            flush=True,
        )


def potential(run: Path, out: Path, options: argparse.Namespace) -> None:
    """Runs of the pipeline's own production code, one segment each, all atoms every 10 fs."""
    from dlmd.config.launch import LammpsLaunch
    from dlmd.config.reading import load
    from dlmd.md import jobs

    cfg = load(options.config)
    species, mobile = cfg.material.species, cfg.material.mobile
    model = options.model or run / "training" / options.level / "0" / "compressed.pb"
    cell = out / "potential" / "cell"
    cell.mkdir(parents=True, exist_ok=True)
    relaxed = starting_cell(run, out, options)
    repeat = options.repeat or cfg.structures.cells[options.cell.split("/")[1]]
    jobs.cell(
        "",
        [str(relaxed)],
        data=str(cell / "cell.data"),
        info=str(cell / "cell.json"),
        repeat=repeat,
        lattice_repeat=repeat,
        own=True,
        species=species,
        mobile=mobile,
    )
    dynamics = {
        "species": species,
        "mobile": mobile,
        "time_step_fs": TIME_STEP_FS,
        "damping_fs": DAMPING_FS,
    }
    for k in range(options.runs):
        folder = out / "potential" / f"{options.temperature}K" / f"r{k}"
        folder.mkdir(parents=True, exist_ok=True)
        common = {
            "level": options.level,
            "replica": k,
            "temperature_k": options.temperature,
            "threads": 1,
            "log": str((folder / "log").absolute()),
            "dynamics": dynamics,
            "seed": options.seed + 1000 * (k + 1),
            "lammps": LammpsLaunch(),
        }
        if not (folder / "0000.restart").exists():
            jobs.equilibrate(
                str(cell / "cell.data"),
                str(cell / "cell.json"),
                str(model),
                restart=str(folder / "0000.restart"),
                steps=round(2000 / TIME_STEP_FS),
                thermo_stride=STRIDE,
                all_atoms_stride=STRIDE,
                **common,
            )
        if not (folder / "0001.json").exists():
            begun = time.perf_counter()
            steps = round(options.ps * 1000 / TIME_STEP_FS)
            jobs.segment(
                str(cell / "cell.json"),
                str(model),
                sidecar=str(folder / "0001.json"),
                number=1,
                steps=steps,
                strides={"positions": STRIDE, "all_atoms": STRIDE, "thermo": STRIDE, "restart": steps},
                **common,
            )
            seconds = (time.perf_counter() - begun) / steps
            print(f"run {k}: {options.ps:g} ps, {1000 * seconds:.1f} ms per step", flush=True)


def lattice(run: Path, out: Path, options: argparse.Namespace) -> None:
    """Relax the teacher's relaxed cells once more with the potential: how far their lattice parameters move."""
    import ase.io
    from deepmd.calculator import DP

    from dlmd.config.reading import load
    from dlmd.labels import relaxation
    from dlmd.structures import cells

    cfg = load(options.config)
    calculator = DP(str(run / "training" / options.level / "0" / "compressed.pb"))
    rows = {}
    for path in sorted((run / "labels" / options.level / "relax").glob("*/*/*/relaxed.extxyz")):
        name = "/".join(path.parts[-4:-1])
        before = ase.io.read(path)
        after, info = relaxation.relax(before, calculator, fmax_ev_per_angstrom=0.03, max_steps=400)
        repeat = cfg.structures.cells[path.parts[-3]]
        rows[name] = {
            "teacher": cells.unit_cell_parameters(before, repeat=repeat),
            "potential": cells.unit_cell_parameters(after, repeat=repeat),
            "steps": info["steps"],
        }
        print(name, rows[name], flush=True)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "lattice.json", rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["teacher", "potential", "lattice"])
    parser.add_argument(
        "run", type=Path, help="folder of a finished run, or of one that has trained its potential"
    )
    parser.add_argument("out", type=Path, help="folder for trajectories and results")
    parser.add_argument("--config", default="config/pretrained.yaml", help="the run's config file")
    parser.add_argument("--level", default="chgnet")
    parser.add_argument(
        "--cell", default="0.750/80/0", help="occupancy/cell/ordering, below labels/<level>/relax/"
    )
    parser.add_argument(
        "--repeat",
        type=int,
        nargs=3,
        metavar="N",
        help="unit cells along a, b, c of another cell of the same occupancy; MSD_total is as sharp in a small one",
    )
    parser.add_argument("--temperature", type=int, default=700, help="K")
    parser.add_argument("--ps", type=float, default=40.0, help="length of each run")
    parser.add_argument("--runs", type=int, default=4, help="runs of the potential")
    parser.add_argument("--model", type=Path, help="another potential than the run's own")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    # one core each, so that timings mean something
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    {"teacher": teacher, "potential": potential, "lattice": lattice}[options.what](
        options.run, options.out, options
    )


if __name__ == "__main__":
    main()
