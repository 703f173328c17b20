"""How many labels of a second teacher a potential needs, measured where the truth can be run.

    python run.py explore  RUN OUT                 # frames from long dynamics with the run's potential, in their order of choice
    python run.py label    RUN OUT                 # energies and forces of SevenNet-0; needs the extra sevennet
    python run.py stand-in RUN OUT                 # a DeePMD potential of SevenNet-0 that stands for DFT in dynamics
    python run.py tune     RUN OUT --truth T --labels N [--chosen C] [--seed S] [--from-scratch]
    python run.py sweep    RUN OUT --truth T       # every N, choice and seed of SWEEP; may be stopped, and goes on
    python run.py dynamics RUN OUT --temperature K [--ps PS] [--truth T --labels N]
    python run.py table    RUN OUT

RUN is the folder of a finished training of the demo's level `chgnet` (results/demo); OUT is made. T is `sevennet`, whose labels
are its own, or `stand-in`, a network of another size and cutoff that was trained on all SevenNet frames: only it is fast enough
for its own dynamics to be the truth of D. C is where the labels come from: `far` (farthest points of the long dynamics, as the
pipeline chooses), `random` (of the same dynamics at random) or `short` (farthest points of the first 0.6 ps alone).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from moved import SPECIES, dynamics, moved, relaxed

TRAIN_CELLS, TEST_CELL = ("80/0",), "80r/1"
TRAIN_K, TEST_K = (450, 600, 750, 900), (525, 675)
EXPLORE_PS, DISCARD_PS, STRIDE_PS = 8.0, 0.5, 0.05
SHORT_PS, SHORT_DISCARD_PS, SHORT_STRIDE_PS = 0.6, 0.1, 0.01
POOL, STAND_IN_POOL, HELD_OUT = 600, 80, 20
CHOICES = ("far", "random", "short")
SWEEP = [
    *(("far", n, False) for n in (10, 25, 50, 100, 400)),
    *(("random", n, False) for n in (10, 25, 50, 100)),
    *(("short", n, False) for n in (10, 25, 50, 100)),
    *(("far", n, True) for n in (25, 50, 100, 400)),
]
SEEDS = (3, 4, 5)
NETWORK = {
    "cutoff_angstrom": 6.0,
    "cutoff_smooth_angstrom": 1.0,
    "embedding": [16, 32, 64],
    "axis_neurons": 8,
    "fitting": [96, 96, 96],
    "batch_size": 1,
    "stop_lr": 3e-6,
    "energy_prefactor": [0.02, 1.0],
    "force_prefactor": [1000.0, 20.0],
    "virial_prefactor": [0.01, 0.1],
    "precision": "float32",
}
FINE = {"steps": 3000, "start_lr": 2e-3, "decay_steps": 42}
SCRATCH = {"steps": 7000, "start_lr": 1e-2, "decay_steps": 100}
STAND_IN = {
    "cutoff_angstrom": 7.0,
    "fitting": [120, 120, 120],
    "steps": 12000,
    "start_lr": 1e-2,
    "decay_steps": 170,
}


def explore(run: Path, out: Path) -> None:
    """Frames of long dynamics, of short ones and what is held out, each in the order of farthest points."""
    import ase.io
    from ase import Atoms
    from deepmd.infer import DeepPot

    from dlmd.learning import selection

    model = run / "training/chgnet/0/compressed.pb"
    potential = DeepPot(str(model.resolve()))
    long = {"ps": EXPLORE_PS, "stride_ps": STRIDE_PS, "discard_ps": DISCARD_PS}
    short = {"ps": SHORT_PS, "stride_ps": SHORT_STRIDE_PS, "discard_ps": SHORT_DISCARD_PS}
    for name, cells, temperatures, most, lengths in (
        ("pool", TRAIN_CELLS, TRAIN_K, POOL, long),
        ("short", TRAIN_CELLS, TRAIN_K, POOL, short),
        ("test", (TEST_CELL,), TEST_K, HELD_OUT, long),
    ):
        frames, points, environments, kinds = [], [], [], []
        for cell in cells:
            start = relaxed(run, cell)
            for kelvin in temperatures:
                place = out / "explore" / f"{name}_{cell.replace('/', '_')}_{kelvin}"
                found = moved(start, place, model, kelvin=kelvin, seed=kelvin, **lengths)
                n = len(found.positions)
                print(cell, kelvin, n, found.ended or "whole", flush=True)
                types = np.array([SPECIES.index(s) for s in found.symbols])
                boxes = np.broadcast_to(found.cell, (n, 3, 3)).reshape(n, 9)
                described = potential.eval_descriptor(found.positions.reshape(n, -1), boxes, types)
                points.append(selection.mean_descriptors(described, types, len(SPECIES)))
                environments.append(selection.projected(described))
                kinds.append(types)
                for p in found.positions:
                    frames.append(Atoms(found.symbols, positions=p, cell=found.cell, pbc=True))
                    frames[-1].info |= {"cell": cell, "temperature_k": float(kelvin)}
        points = np.concatenate(
            selection.together(points, selection.environment_composition(environments, kinds, len(SPECIES)))
        )
        order = selection.spread_out(points, np.zeros(len(points)), most=most, distance=0.0)
        ase.io.write(out / f"{name}.extxyz", [frames[i] for i in order], format="extxyz")


def label(_: Path, out: Path) -> None:
    """SevenNet-0 on all frames."""
    import ase.io
    from sevenn.calculator import SevenNetCalculator

    calculator = SevenNetCalculator("7net-0", device="cpu")
    for name in ("pool", "short", "test"):
        frames = ase.io.read(out / f"{name}.extxyz", ":")
        values = {"energy": [], "forces": [], "stress": []}
        for atoms in frames:
            atoms.calc = calculator
            for key, value in zip(
                values,
                (atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress(voigt=False)),
                strict=True,
            ):
                values[key].append(np.array(value, float))
        np.savez(out / f"{name}.sevennet.npz", **{k: np.array(v) for k, v in values.items()})


def labels_of(out: Path, name: str, truth: str):
    """Frames with energy, forces and stress of a truth, as ASE atoms."""
    import ase.io
    from ase.calculators.singlepoint import SinglePointCalculator

    frames = ase.io.read(out / f"{name}.extxyz", ":")
    values = np.load(out / f"{name}.{truth}.npz")
    for atoms, e, f, s in zip(frames, values["energy"], values["forces"], values["stress"], strict=True):
        atoms.calc = SinglePointCalculator(
            atoms, energy=float(e), forces=f, stress=s[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
        )
    return frames


def predicted(model: Path, frames) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies, forces and stresses (3x3) of frames of one composition each, one by one."""
    from deepmd.infer import DeepPot

    potential = DeepPot(str(model.resolve()))
    found = []
    for atoms in frames:
        types = [SPECIES.index(s) for s in atoms.get_chemical_symbols()]
        e, f, v = potential.eval(atoms.positions.reshape(1, -1), atoms.cell.array.reshape(1, 9), types)
        found.append((float(e.ravel()[0]), f[0], -v.reshape(3, 3) / atoms.get_volume()))
    return tuple(np.array(part) for part in zip(*found, strict=True))


def write_data(frames, folder: Path) -> None:
    """Systems of deepmd/npy, one per cell."""
    from dlmd.dataset.frames import write_system

    for cell in dict.fromkeys(atoms.info["cell"] for atoms in frames):
        write_system(
            [a for a in frames if a.info["cell"] == cell], folder / cell.replace("/", "_"), species=SPECIES
        )


def train(place: Path, frames, settings: dict, *, seed: int, start: Path | None = None) -> Path:
    """A potential of the frames, from scratch or from the weights of `start` with the frames' energies per atom."""
    from dlmd.training import input as training_input
    from dlmd.training import run as training
    from dlmd.training import start as starting

    if (place / "compressed.pb").exists():
        return place / "compressed.pb"
    write_data(frames, place / "data")
    (place / "none").mkdir(exist_ok=True)
    if start is not None:
        starting.make(
            str(start),
            str(place / "data"),
            start=str(place / "start.pb"),
            record=str(place / "start.json"),
            species=SPECIES,
        )
    training_input.write_input(
        place / "input.json",
        train=place / "data",
        valid=place / "none",
        settings=NETWORK | settings | {"save_steps": 1000},
        species=SPECIES,
        seed=seed,
        start=place / "start.pb" if start is not None else None,
    )
    training.train(
        place / "input.json",
        model=place / "model.pb",
        compressed=place / "compressed.pb",
        lcurve=place / "lcurve.csv",
        threads=1,
        log=place / "train.log",
    )
    return place / "compressed.pb"


def stand_in(_: Path, out: Path) -> None:
    """A network of another size that learns all of SevenNet's frames, and its own labels of them."""
    pool, test = (labels_of(out, name, "sevennet") for name in ("pool", "test"))
    model = train(out / "stand-in", pool[: STAND_IN_POOL - HELD_OUT] + test, STAND_IN, seed=5)
    for name in ("pool", "short", "test"):
        e, f, s = predicted(model, labels_of(out, name, "sevennet"))
        np.savez(out / f"{name}.stand-in.npz", energy=e, forces=f, stress=s)


def errors(model: Path, frames) -> dict[str, float]:
    """Force error and slopes of a potential over held-out labels."""
    e, f, _ = predicted(model, frames)
    reference = np.array([a.get_forces() for a in frames])
    energy = np.array([a.get_potential_energy() / len(a) for a in frames])
    groups = [atoms.info["temperature_k"] for atoms in frames]
    mine = e / len(frames[0])
    for kelvin in set(groups):  # energies within a trajectory, as the gate compares them
        own = np.array([g == kelvin for g in groups])
        energy[own] -= energy[own].mean()
        mine[own] -= mine[own].mean()
    error = f - reference
    return {
        "force_rmse_mev_per_a": float(1e3 * np.sqrt((error**2).mean())),
        "relative_force_rmse": float(np.sqrt((error**2).sum() / (reference**2).sum())),
        "force_slope": float((f * reference).sum() / (reference**2).sum()),
        "energy_slope": float((mine * energy).sum() / (energy**2).sum()),
    }


def tuned(out: Path, truth: str, number: int, scratch: bool, chosen: str = "far", seed: int = 3) -> Path:
    """Folder of a potential."""
    return out / "tuned" / f"{truth}_{chosen}_{number}{'_scratch' if scratch else ''}_{seed}"


def chosen_frames(out: Path, truth: str, number: int, chosen: str, seed: int) -> list:
    """The labels of one training."""
    pool = labels_of(out, "short" if chosen == "short" else "pool", truth)
    if chosen == "random":
        return [pool[i] for i in np.random.default_rng(seed).permutation(len(pool))[:number]]
    return pool[:number]


def tune(run: Path, out: Path, truth: str, number: int, scratch: bool, chosen: str, seed: int) -> None:
    """One potential from `number` frames, and its errors."""
    place = tuned(out, truth, number, scratch, chosen, seed)
    if (place / "errors.json").exists():
        return
    place.mkdir(parents=True, exist_ok=True)
    start = run / "training/chgnet/0/model.pb"
    test = labels_of(out, "test", truth)
    if number:
        frames = chosen_frames(out, truth, number, chosen, seed)
        settings = SCRATCH if scratch else FINE
        model = train(place, frames, settings, seed=seed, start=None if scratch else start)
    else:
        model = run / "training/chgnet/0/compressed.pb"
    which = {"truth": truth, "labels": number, "scratch": scratch, "chosen": chosen, "seed": seed}
    found = which | errors(model, test)
    (place / "errors.json").write_text(json.dumps(found, indent=1) + "\n")
    print(found, flush=True)


def sweep(run: Path, out: Path, truth: str) -> None:
    """All of SWEEP, one seed after the other, each training in a process of its own: TensorFlow frees no memory."""
    tune(run, out, truth, 0, False, "far", SEEDS[0])
    for seed in SEEDS:
        for chosen, number, scratch in SWEEP:
            command = [sys.executable, __file__, "tune", str(run), str(out), "--truth", truth]
            command += ["--labels", str(number), "--chosen", chosen, "--seed", str(seed)]
            subprocess.run([*command, *(["--from-scratch"] if scratch else [])], check=True)


def potential_of(run: Path, out: Path, truth: str, number: int | None) -> tuple[str, Path]:
    """Name and file of a tuned potential; of the stand-in itself where `number` is None, of CHGNet's where it is 0."""
    if number is None:
        return "truth", out / "stand-in/compressed.pb"
    if number == 0:
        return f"{truth}_0", run / "training/chgnet/0/compressed.pb"
    return f"{truth}_{number}", tuned(out, truth, number, False) / "compressed.pb"


def table(_: Path, out: Path) -> None:
    """All numbers as one JSON."""
    found = {
        "errors": [json.loads(p.read_text()) for p in sorted(out.glob("tuned/*/errors.json"))],
        "dynamics": [json.loads(p.read_text()) for p in sorted(out.glob("dynamics/*.json"))],
    }
    print(json.dumps(found, indent=1))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "step", choices=("explore", "label", "stand-in", "tune", "sweep", "dynamics", "table")
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--truth", choices=("sevennet", "stand-in"), default="stand-in")
    parser.add_argument("--labels", type=int)
    parser.add_argument("--chosen", choices=CHOICES, default="far")
    parser.add_argument("--seed", type=int, default=SEEDS[0])
    parser.add_argument("--from-scratch", action="store_true")
    parser.add_argument("--temperature", type=float)
    parser.add_argument("--ps", type=float, default=100.0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.step == "tune":
        tune(args.run, args.out, args.truth, args.labels, args.from_scratch, args.chosen, args.seed)
    elif args.step == "sweep":
        sweep(args.run, args.out, args.truth)
    elif args.step == "dynamics":
        (args.out / "dynamics").mkdir(exist_ok=True)
        name, model = potential_of(args.run, args.out, args.truth, args.labels)
        dynamics(
            args.run, args.out, model, name=name, labels=args.labels, kelvin=args.temperature, ps=args.ps
        )
    else:
        {"explore": explore, "label": label, "stand-in": stand_in, "table": table}[args.step](
            args.run, args.out
        )


if __name__ == "__main__":
    main()
