"""Does the learning loop help? Its potentials, round by round, on held-out trajectories; and two controls of as many steps:
one trains on with the frames it began with, the other gets as many new frames, picked at random instead of by the committee.

    python benchmarks/learning/judge.py results/learning OUT --config benchmarks/learning/learning.yaml

OUT gets judged.json and the controls' trainings; what is there is not made again.
"""

import argparse
import shutil
from pathlib import Path

import numpy as np
from ase import Atoms

from dlmd.base.files import read_json, write_json
from dlmd.config.model import Learning
from dlmd.config.reading import load
from dlmd.config.run_config import RunConfig
from dlmd.dataset import frames as dataset
from dlmd.labels import engines
from dlmd.labels.single_points import labelled
from dlmd.learning.exploration import Explored
from dlmd.learning.labels import not_too_strange
from dlmd.training.input import write_input
from dlmd.training.run import train
from dlmd.validation import errors as validation

LEVEL = "chgnet"
SEED = 11


def draw_frames(explored: Path, count: int, rng: np.random.Generator) -> list[Atoms]:
    """Frames of all explorations below a folder, drawn at random, without results."""
    runs = [Explored.load(path) for path in sorted(explored.rglob("*.npz"))]
    place = [(run, k) for run in runs for k in range(len(run.positions))]
    drawn = [place[i] for i in rng.choice(len(place), count, replace=False)]
    return [Atoms(run.symbols, positions=run.positions[k], cell=run.cell, pbc=True) for run, k in drawn]


def label_frames(frames: list[Atoms], folder: Path, cfg: RunConfig, level: str) -> int:
    """A deepmd system of the frames with the engine's labels, without those that the loop would drop, and how many it holds."""
    calculator = engines.get(cfg.levels[level].model_dump(mode="json")).calculator(threads=1)
    found = []
    for atoms in frames:
        calculator.calculate(atoms, ["energy", "forces", "stress"])
        found.append(labelled(atoms, {}, calculator.results))
    field = "max_force_ev_per_angstrom"
    kept = not_too_strange(
        found, getattr(cfg.learning, field) if cfg.learning else Learning.model_fields[field].default
    )
    print(f"{folder}: {len(kept)} of {len(found)} frames", flush=True)
    dataset.write_system(kept, folder, species=cfg.material.species)
    return len(kept)


def control(run: Path, out: Path, cfg: RunConfig, *, rounds: int, random: bool) -> list[Path]:
    """Potential 0 of the first round, trained on as the loop does, without its choice of frames; one model per round."""
    loop = run / "learning" / LEVEL
    rng = np.random.default_rng(SEED)
    data = out / "train"
    start, models = loop / "0/training/0/model.pb", []
    settings = cfg.training.model_dump(mode="json", exclude={"potentials"})
    settings |= dict(steps=cfg.learning.steps, start_lr=cfg.learning.start_lr)
    if not data.exists():
        shutil.copytree(loop / "0/dataset/train", data)
    for i in range(1, rounds + 1):
        home = out / str(i)
        models.append(home / "compressed.pb")
        before = loop / str(i - 1)
        count = read_json(before / "labels.json")["labelled"] if random else 0
        frames = draw_frames(before / "explore", count, rng) if random else []
        if not models[-1].exists():
            home.mkdir(parents=True, exist_ok=True)
            # cells of different orderings hold the same atoms in the same order
            if frames:
                shutil.rmtree(data / f"random{i}", ignore_errors=True)
                label_frames(frames, data / f"random{i}", cfg, LEVEL)
            write_input(
                home / "input.json",
                train=data,
                valid=loop / "0/dataset/valid",
                settings=settings,
                species=cfg.material.species,
                seed=SEED + i,
                start=start,
            )
            train(
                home / "input.json",
                model=home / "model.pb",
                compressed=models[-1],
                lcurve=home / "lcurve.csv",
                threads=1,
                log=home / "train.log",
            )
        start = home / "model.pb"
    return models


def judged(model: Path, run: Path, home: Path, cfg: RunConfig) -> dict:
    """Force RMSE (meV/Å) of a potential by held-out trajectory, and relative to the RMS force over all of them."""
    home.mkdir(parents=True, exist_ok=True)
    errors = home / "errors.json"
    if not errors.exists():
        validation.test_errors(
            model,
            run / "dataset" / LEVEL / "test",
            errors=errors,
            parity=home / "parity.npz",
            species=cfg.material.species,
            threads=1,
            log=home / "test.log",
        )
    found = read_json(errors)
    by_trajectory = {
        name: round(one["force_rmse_mev_per_a"], 1) for name, one in found["trajectories"].items()
    }
    return {
        "force_rmse_mev_per_a": by_trajectory,
        "relative_force_rmse": round(found["relative_force_rmse"], 4),
        "energy_rmse_mev_per_atom": round(found["energy_rmse_mev_per_atom"], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a run whose loop is done")
    parser.add_argument("out", type=Path)
    parser.add_argument("--config", default="benchmarks/learning/learning.yaml")
    options = parser.parse_args()
    cfg, run, out = load(options.config), options.run, options.out
    rounds, members = cfg.learning.iterations, range(cfg.training.potentials)
    models = {
        f"loop, round {i}, potential {m}": (
            run / "training" / LEVEL if i == rounds else run / "learning" / LEVEL / str(i) / "training"
        )
        / str(m)
        / "compressed.pb"
        for i in range(rounds + 1)
        for m in members
    }
    for name, random in (("same frames", False), ("random frames", True)):
        made = control(run, out / name.replace(" ", "_"), cfg, rounds=rounds, random=random)
        models |= {f"{name}, round {i}, potential 0": model for i, model in enumerate(made, start=1)}
    found = {
        name: judged(model, run, out / "errors" / name.replace(", ", "_").replace(" ", "_"), cfg)
        for name, model in models.items()
    }
    write_json(out / "judged.json", found)
    for name, one in found.items():
        print(name, one)


if __name__ == "__main__":
    main()
