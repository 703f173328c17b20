"""Speed of one potential in LAMMPS: compressed or not, float32 or float64, threads against MPI ranks.

The demo's production cell, NVT, a few hundred steps each. Wall time is what a user waits for, and needs idle cores; CPU time also
compares cases of one thread on a busy machine.

    python benchmarks/precision/run.py results/pretrained results.json

A float64 potential of the same network is trained for a hundred steps first: its speed does not depend on how well it fits.
"""

import argparse
import json
import os
import shutil
from pathlib import Path

from speed import STEPS, measure

from dlmd.base.files import write_json
from dlmd.config.reading import load
from dlmd.training.input import write_input
from dlmd.training.run import train


def double_precision(run: Path, config: str, level: str, folder: Path) -> dict:
    """Paths of a float64 potential of the same network."""
    cfg = load(config)
    settings = cfg.training.model_dump(mode="json", exclude={"potentials"})
    settings |= {"precision": "float64", "steps": 100, "save_steps": 100}
    outputs = {name: folder / f"{name}.pb" for name in ("model", "compressed")}
    if not outputs["compressed"].exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_input(
            folder / "input.json",
            train=run / "dataset" / level / "train",
            valid=run / "dataset" / level / "valid",
            settings=settings,
            species=cfg.material.species,
            seed=1,
        )
        train(folder / "input.json", **outputs, lcurve=folder / "lcurve.csv", threads=1, log=folder / "log")
    return outputs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--config", default="config/pretrained.yaml")
    parser.add_argument("--level", default="chgnet")
    parser.add_argument("--work", type=Path, default=Path("precision.work"))
    options = parser.parse_args()
    species = load(options.config).material.species
    data = options.run / "md" / options.level / "cells" / "r0.data"
    home = options.run / "training" / options.level / "0"
    single = {name: home / f"{name}.pb" for name in ("model", "compressed")}
    double = double_precision(options.run, options.config, options.level, options.work)
    found = []
    for precision, models in (("float32", single), ("float64", double)):
        for kind, model in models.items():
            found.append(
                {"precision": precision, "compressed": kind == "compressed", "threads": 1, "ranks": 1}
                | measure(model, data, species, threads=1, ranks=1)
            )
            print(json.dumps(found[-1]), flush=True)
    for threads, ranks in ((2, 1), (1, 2)):
        found.append(
            {"precision": "float32", "compressed": True, "threads": threads, "ranks": ranks}
            | measure(single["compressed"], data, species, threads=threads, ranks=ranks)
        )
        print(json.dumps(found[-1]), flush=True)
    write_json(options.output, {"steps": STEPS, "load_average": os.getloadavg(), "cases": found})
    shutil.rmtree(options.work)


if __name__ == "__main__":
    main()
