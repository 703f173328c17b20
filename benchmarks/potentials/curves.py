"""What sets a potential's error: trainings that differ from the demo's in one thing each, judged on held-out frames.

    python benchmarks/potentials/curves.py results/pretrained OUT [VARIANT ...]

Each variant leaves OUT/<variant>/: the compressed potential, its learning curve, errors.json (held-out trajectories) and
cost.json (CPU seconds of the training, milliseconds per MD step of the production cell). What is there is not made again. With
--teacher, frames of the teacher's own runs (benchmarks/teacher) are at hand as data, and unseen.json has the errors on them,
by temperature. `table.py` puts the results side by side, with the ratio of D to the teacher's where
`benchmarks/teacher/run.py potential --model` has run dynamics.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlmd.base.files import write_json
from dlmd.config.reading import load
from dlmd.config.run_config import RunConfig
from dlmd.training.input import systems, write_input
from dlmd.training.run import train as train_potential
from dlmd.validation import errors

sys.path += [str(Path(__file__).parents[1] / name) for name in ("precision", "learning")]
from judge import draw_frames, label_frames
from speed import measure

SEED = 1
PAPER = {
    "cutoff_angstrom": 7.0,
    "cutoff_smooth_angstrom": 0.5,
    "embedding": [32, 64, 128],
    "axis_neurons": 16,
    "fitting": [256, 256, 256],
}
SHORT = {"steps": 6000, "decay_steps": 85}
SMALL = {"embedding": [10, 20, 40], "axis_neurons": 4, "fitting": [64, 64, 64]}
LONG_SCHEDULE = {"steps": 48000, "decay_steps": 680}
EXPLORED = {"explored": 400, "start_lr": 5.0e-3}
# `every` keeps each so manieth frame, `first` the first part of every trajectory, as if it had been run for less long;
# `teacher` adds so many frames of the teacher's own runs, `explored` of the last explorations of a learning loop, labelled by
# the engine, `long` each so manieth frame of `frames.py`; `start` begins with the weights of another variant; the rest are keys
# of the config
VARIANTS = {
    "demo": {},
    "frames-half": {"every": 2},
    "frames-quarter": {"every": 4},
    "frames-eighth": {"every": 8},
    "labels-half": {"first": 0.5},
    "labels-quarter": {"first": 0.25},
    "frames-more": {"teacher": 800},
    "steps-3k": {"steps": 3000, "decay_steps": 42},
    "steps-6k": SHORT,
    "steps-24k": {"steps": 24000, "decay_steps": 340},
    # of 6,000 steps, to be held against steps-6k
    "cutoff-5": SHORT | {"cutoff_angstrom": 5.0},
    "cutoff-7": SHORT | {"cutoff_angstrom": 7.0},
    "smooth-3": SHORT | {"cutoff_smooth_angstrom": 3.0},
    "two-sided": SHORT | {"type_one_side": False},
    "lr-2e-2": SHORT | {"start_lr": 2.0e-2},
    "lr-5e-3": SHORT | {"start_lr": 5.0e-3},
    "axis-16": SHORT | {"axis_neurons": 16},
    "fitting-256": SHORT | {"fitting": [256, 256, 256]},
    "small": SHORT | SMALL,
    "paper": PAPER,
    "paper-48k": PAPER | LONG_SCHEDULE,
    "paper-long": PAPER | LONG_SCHEDULE | {"long": 1},
    "paper-long-fifth": PAPER | LONG_SCHEDULE | {"long": 5},
    "demo-long": {"long": 1},
    # trained on from the weights of another variant, with frames of longer dynamics in other cells
    "demo-explored": EXPLORED | {"start": "demo"},
    "paper-explored": PAPER | EXPLORED | {"start": "paper-48k"},
}
# frames of the teacher's own runs per temperature that errors are taken on
UNSEEN = 100


def subset(source: Path, target: Path, every: int, first: float) -> None:
    """A copy of one deepmd system with every so manieth frame of its first part."""
    for path in source.rglob("*"):
        if path.is_file():
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".npy":
                frames = np.load(path)
                np.save(copy, frames[: round(first * len(frames)) : every])
            else:
                shutil.copyfile(path, copy)


def teacher_frames(source: Path, target: Path, cell: Path, species: Sequence[str], frames: int) -> None:
    """Frames of the teacher's run in the folder `source` as a deepmd system, evenly spread; `cell` is what it started from."""
    import ase.io

    chunks = [np.load(path) for path in sorted(source.glob("r*/[0-9]*.npz"))]
    # the first picosecond remembers the relaxed cell
    data = {key: np.concatenate([c[key] for c in chunks[1:]]) for key in ("positions", "forces", "energy_ev")}
    chosen = np.linspace(0, len(data["positions"]) - 1, frames).round().astype(int)
    folder = target / "set.000"
    folder.mkdir(parents=True)
    start = ase.io.read(cell)
    (target / "type.raw").write_text("\n".join(str(species.index(s)) for s in start.symbols) + "\n")
    (target / "type_map.raw").write_text("\n".join(species) + "\n")
    np.save(folder / "box.npy", np.tile(start.cell.array.ravel(), (frames, 1)).astype(np.float32))
    for name, key in (("coord", "positions"), ("force", "forces"), ("energy", "energy_ev")):
        np.save(folder / f"{name}.npy", data[key][chosen].reshape(frames, -1).squeeze().astype(np.float32))


def explored_frames(loop: Path, target: Path, cfg: RunConfig, level: str, frames: int) -> int:
    """Frames drawn at random from the last explorations of the run `loop`, labelled, as a deepmd system; how many it holds."""
    rounds = sorted((loop / "learning" / level).glob("[0-9]*"))
    picked = draw_frames(rounds[-1] / "explore", frames, np.random.default_rng(SEED))
    return label_frames(picked, target, cfg, level)


def errors_on(data: Path, home: Path, name: str, species: Sequence[str]) -> None:
    """Errors of the potential in the folder `home` on the systems below `data`: <name>.json, .npz (pairs) and .log."""
    errors.test_errors(
        home / "compressed.pb",
        data,
        errors=home / f"{name}.json",
        parity=home / f"{name}.npz",
        species=species,
        threads=1,
        log=home / f"{name}.log",
    )


def unseen(home: Path, teacher: Path, species: Sequence[str]) -> None:
    """Errors of the potential in the folder `home` on the teacher's own runs, in a cell of another size and ordering."""
    data = home / "unseen"
    shutil.rmtree(data, ignore_errors=True)
    for source in sorted((teacher / "teacher").glob("*K")):
        teacher_frames(source, data / source.name, teacher / "relaxed.extxyz", species, UNSEEN)
    errors_on(data, home, "unseen", species)
    shutil.rmtree(data)


def train(run: Path, out: Path, name: str, options: argparse.Namespace) -> None:
    cfg = load(options.config)
    settings = cfg.training.model_dump(exclude={"potentials"}) | VARIANTS[name]
    own = {"every": 1, "first": 1.0, "teacher": 0, "explored": 0, "long": 0, "start": None}
    every, first, extra, explored, long, start = (settings.pop(k, v) for k, v in own.items())
    home, data = out / name, run / "dataset" / options.level
    home.mkdir(parents=True, exist_ok=True)
    frames = 0
    sources = [(system, every, first) for system in systems(data / "train")]
    if long:
        sources += [(system, long, 1.0) for system in systems(options.frames)]
    for system, *part in sources:
        subset(system, home / "train" / system.name, *part)
        frames += len(np.load(home / "train" / system.name / "set.000" / "energy.npy"))
    if extra:
        runs = sorted((options.teacher / "teacher").glob("*K"))
        for source in runs:
            target = home / "train" / f"teacher_{source.name}"
            teacher_frames(
                source, target, options.teacher / "relaxed.extxyz", cfg.material.species, extra // len(runs)
            )
        frames += extra
    if explored:
        frames += explored_frames(options.loop, home / "train" / "explored", cfg, options.level, explored)
    path = home / "input.json"
    write_input(
        path,
        train=home / "train",
        valid=data / "valid",
        settings=settings,
        species=cfg.material.species,
        seed=SEED,
        start=options.out / start / "model.pb" if start else None,
    )
    before = os.times()
    train_potential(
        path,
        model=home / "model.pb",
        compressed=home / "compressed.pb",
        lcurve=home / "lcurve.csv",
        threads=1,
        log=home / "train.log",
    )
    after = os.times()
    cpu = sum(getattr(after, k) - getattr(before, k) for k in ("children_user", "children_system"))
    errors_on(data / "test", home, "errors", cfg.material.species)
    cell = run / "md" / options.level / "cells" / "r0.data"
    speed = measure(home / "compressed.pb", cell, cfg.material.species, threads=1, ranks=1)
    write_json(
        home / "cost.json",
        {
            "variant": VARIANTS[name],
            "frames": frames,
            "steps": settings["steps"],
            "training_cpu_s": cpu,
            **speed,
        },
    )
    shutil.rmtree(home / "train")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("out", type=Path)
    parser.add_argument("variants", nargs="*", help=f"of {', '.join(VARIANTS)}; default all")
    parser.add_argument("--config", default="config/pretrained.yaml")
    parser.add_argument("--level", default="chgnet")
    parser.add_argument("--teacher", type=Path, help="folder of benchmarks/teacher's runs, for more frames")
    parser.add_argument(
        "--loop", type=Path, help="folder of a run with a learning loop (benchmarks/learning)"
    )
    parser.add_argument("--frames", type=Path, help="folder of the deepmd systems of frames.py")
    options = parser.parse_args()
    species = load(options.config).material.species
    for name in options.variants or VARIANTS:
        home = options.out / name
        if not (home / "cost.json").exists():
            train(options.run, options.out, name, options)
            print(name, (home / "cost.json").read_text(), flush=True)
        if options.teacher and not (home / "unseen.json").exists():
            unseen(home, options.teacher, species)


if __name__ == "__main__":
    main()
