"""DeePMD-kit potentials: input, resumable training, freezing, compression and the learning curve.

Descriptor se_e2_a (Zhang et al., NeurIPS 2018), TensorFlow backend.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json
from dlmd.process import programs, walltime
from dlmd.process.ownership import owned

VERSION = 1

# Everything dp leaves behind lies in this folder beside the input, and is deleted when the potential is there.
WORK = "work"
CURVE_POINTS = 100
# One embedding network per neighbour species instead of per pair of species: with one per pair trainings take longer, and
# forces are no better (variant two-sided in benchmarks/potentials).
TYPE_ONE_SIDE = True
# key of the input that names the model whose weights a training starts with
START = "_init_frz_model"
# column of lcurve.out -> column of the learning curve's table
CURVE_COLUMNS = {
    "step": "step",
    "rmse_e_trn": "energy_rmse_train_ev_per_atom",
    "rmse_e_val": "energy_rmse_valid_ev_per_atom",
    "rmse_f_trn": "force_rmse_train_ev_per_a",
    "rmse_f_val": "force_rmse_valid_ev_per_a",
    "rmse_v_trn": "virial_rmse_train_ev_per_atom",
    "rmse_v_val": "virial_rmse_valid_ev_per_atom",
    "lr": "learning_rate",
}


def make_input(
    *,
    species: Sequence[str],
    train: Sequence[str],
    valid: Sequence[str],
    seed: int,
    cutoff_angstrom: float = 7.0,
    cutoff_smooth_angstrom: float = 0.5,
    sel: str | Sequence[int] = "auto",
    embedding: Sequence[int] = (32, 64, 128),
    axis_neurons: int = 16,
    type_one_side: bool = TYPE_ONE_SIDE,
    fitting: Sequence[int] = (256, 256, 256),
    steps: int = 10_000,
    batch_size: int | str = "auto",
    start_lr: float = 1e-3,
    stop_lr: float = 1e-8,
    decay_steps: int = 5000,
    energy_prefactor: tuple[float, float] = (0.02, 1.0),
    force_prefactor: tuple[float, float] = (1000.0, 1.0),
    virial_prefactor: tuple[float, float] = (0.0, 0.0),
    precision: str = "float64",
    save_steps: int = 1000,
) -> dict[str, Any]:
    """Input of `dp --tf train`. The defaults are the reference paper's network and learning rate.

    Parameters
    ----------
    train, valid
        Folders of deepmd systems, as seen from where dp runs.
    sel
        Most neighbours of each type within the cutoff, or 'auto' to have them counted.
    *_prefactor
        Weights in the loss at the start and at the end; they follow the learning rate.
    save_steps
        Steps between checkpoints; must divide `steps`.

    Raises
    ------
    DlmdError
        where `steps` is no multiple of `save_steps` (dp would end without a checkpoint), or there is no training data.
    """
    if steps % save_steps:
        near = max(save_steps, round(steps / save_steps) * save_steps)
        raise DlmdError(
            f"steps = {steps} is no multiple of save_steps = {save_steps}: the last steps would never be saved",
            where="training.steps",
            remedy=f"use {near} steps, or another save_steps",
        )
    if not train:
        raise DlmdError("no training systems", remedy="build the dataset first")
    display = next(
        n for n in range(max(1, min(save_steps, steps // CURVE_POINTS)), 0, -1) if save_steps % n == 0
    )
    training = {
        "training_data": {"systems": list(train), "batch_size": batch_size},
        "numb_steps": steps,
        "seed": seed,
        "disp_file": "lcurve.out",
        "disp_freq": display,
        "save_freq": save_steps,
        "save_ckpt": "model.ckpt",
        "max_ckpt_keep": 2,
    }
    if valid:
        training["validation_data"] = {"systems": list(valid), "batch_size": 1, "numb_btch": 4}
    weights = {"e": energy_prefactor, "f": force_prefactor, "v": virial_prefactor}
    return {
        "model": {
            "type_map": list(species),
            "descriptor": {
                "type": "se_e2_a",
                "rcut": cutoff_angstrom,
                "rcut_smth": cutoff_smooth_angstrom,
                "sel": sel if isinstance(sel, str) else list(sel),
                "neuron": list(embedding),
                "axis_neuron": axis_neurons,
                "type_one_side": type_one_side,
                "activation_function": "tanh",
                "resnet_dt": False,
                "precision": precision,
                "seed": seed,
            },
            "fitting_net": {
                "neuron": list(fitting),
                "activation_function": "tanh",
                "resnet_dt": True,
                "precision": precision,
                "seed": seed,
            },
        },
        "learning_rate": {
            "type": "exp",
            "start_lr": start_lr,
            "stop_lr": stop_lr,
            "decay_steps": decay_steps,
        },
        "loss": {
            "type": "ener",
            **{f"start_pref_{key}": start for key, (start, _) in weights.items()},
            **{f"limit_pref_{key}": limit for key, (_, limit) in weights.items()},
        },
        "training": training,
    }


def write_input(
    path: str | Path,
    *,
    train: str | Path,
    valid: str | Path,
    settings: Mapping[str, Any],
    species: Sequence[str],
    seed: int,
    start: str | Path | None = None,
) -> None:
    """Write dp's input for all systems below the folders `train` and `valid`; `settings` are those of `make_input`.

    Paths in it are relative to the folder `work` beside `path`, where dp is to run and leaves all its files. With `start`, a
    frozen model, training begins with its weights: dp takes no key for that, and leaves keys with an underscore to others.
    """
    path = Path(path)
    work = path.parent / WORK
    settings = dict(settings)
    if start is not None:
        # the descriptor is divided by the number of neighbours that the network was laid out for
        settings["sel"] = neighbours_of(start)
    listed: dict[str, Any] = {
        split: [os.path.relpath(system, work) for system in systems(folder)]
        for split, folder in (("train", train), ("valid", valid))
    }
    made = make_input(species=species, seed=seed, **listed, **settings)
    if start is not None:
        made |= {
            START: os.path.relpath(start, work),
            f"{START}_sha256": hashlib.sha256(Path(start).read_bytes()).hexdigest(),
        }
    path.write_text(json.dumps(made, indent=2) + "\n")


def neighbours_of(model: str | Path) -> list[int]:
    """Most neighbours of each type (`sel`) that a frozen model was laid out for."""
    from deepmd.infer import DeepPot

    return list(DeepPot(str(Path(model).resolve())).get_model_def_script()["descriptor"]["sel"])


def systems(folder: str | Path) -> list[Path]:
    """Folders of deepmd systems below `folder`, sorted."""
    return sorted(found.parent for found in Path(folder).rglob("type.raw"))


def train(
    input: str | Path,
    *,
    model: str | Path,
    compressed: str | Path,
    lcurve: str | Path,
    threads: int,
    log: str | Path,
) -> None:
    """Train, freeze and compress; a training that was killed goes on from its last checkpoint.

    Checkpoints lie in `work/` beside the input. They are used only if the input and the data are the same, and are
    deleted once the three outputs are complete; the outputs appear last.

    Raises
    ------
    DlmdError
        where another job trains here, dp fails, with the end of its log, or has saved no checkpoint, or the walltime comes first.
    """
    with owned(Path(input).parent):
        _train(
            Path(input),
            model=model,
            compressed=compressed,
            lcurve=lcurve,
            threads=threads,
            log=Path(log).resolve(),
        )


def _train(
    path: Path, *, model: str | Path, compressed: str | Path, lcurve: str | Path, threads: int, log: Path
) -> None:
    work = path.parent / WORK
    settings = read_json(path)
    mark = fingerprint(settings, work)
    if not (work / "fingerprint").exists() or (work / "fingerprint").read_text() != mark:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        (work / "fingerprint").write_text(mark)

    dp = [str(programs.locate("dp").absolute()), "--tf"]
    steps, done = settings["training"]["numb_steps"], last_checkpoint(work)
    if done < steps:
        begin = ["--init-frz-model", settings[START]] if START in settings else []
        if done:
            begin = ["--restart", "model.ckpt"]
            print(f"going on after step {done} of {steps}", file=sys.stderr)
        args = [*dp, "train", str(path.absolute()), "-o", "out.json", *begin]
        # dp knows no walltime. It is stopped, and repeats what it did after its last checkpoint.
        if not programs.run(args, cwd=work, log=log, threads=threads, timeout_s=walltime.usable_s()):
            raise walltime.stopped(f"training is at step {last_checkpoint(work)} of {steps}", where=str(log))
    if last_checkpoint(work) < steps:
        raise DlmdError(
            f"training ended at checkpoint {last_checkpoint(work)} of {steps} steps",
            where=str(log),
            remedy="run again to go on from there",
        )
    programs.run([*dp, "freeze", "-c", ".", "-o", "frozen.pb"], cwd=work, log=log, threads=threads)
    compress = [*dp, "compress", "-i", "frozen.pb", "-o", "compressed.pb", "-t", str(path.absolute())]
    programs.run(compress, cwd=work, log=log, threads=threads)

    rows = parse_lcurve((work / "lcurve.out").read_text())
    write_curve(rows, work / "lcurve.csv")
    (work / "lcurve.csv").replace(lcurve)
    (work / "frozen.pb").replace(model)
    (work / "compressed.pb").replace(compressed)
    shutil.rmtree(work)


def fingerprint(settings: Mapping[str, Any], work: Path) -> str:
    """Hash of dp's input and of the energies of all systems it names, their paths being relative to `work`."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for part in ("training_data", "validation_data"):
        for system in settings["training"].get(part, {}).get("systems", ()):
            # textual, because `work` need not exist yet
            for energies in sorted(Path(os.path.normpath(work / system)).glob("set.*/energy.npy")):
                digest.update(energies.read_bytes())
    return digest.hexdigest()


def last_checkpoint(work: Path) -> int:
    """Step of the newest complete checkpoint in `work`; 0 where there is none."""
    state = work / "checkpoint"
    found = (
        re.search(r'^model_checkpoint_path: ".*-(\d+)"', state.read_text(), re.M) if state.exists() else None
    )
    return int(found[1]) if found else 0


def parse_lcurve(text: str) -> list[dict[str, float]]:
    """Rows of dp's lcurve.out in ascending steps, under the names of `CURVE_COLUMNS`.

    After a restart the steps between the checkpoint and the end of the killed run occur twice: the later ones count.

    Raises
    ------
    DlmdError
        for a table without a header or without rows.
    """
    header: list[str] = []
    rows: dict[int, dict[str, float]] = {}
    for line in text.splitlines():
        words = line.lstrip("#").split()
        if line.startswith("#"):
            header = words if "step" in words else header
        # a killed run may leave half a line
        elif words and len(words) == len(header):
            row = {
                CURVE_COLUMNS[k]: float(v) for k, v in zip(header, words, strict=True) if k in CURVE_COLUMNS
            }
            rows[int(row["step"])] = row
    if not rows:
        raise DlmdError(
            "the learning curve is empty",
            where="lcurve.out",
            remedy="see the training's log for what went wrong",
        )
    return [rows[step] | {"step": step} for step in sorted(rows)]


def write_curve(rows: Sequence[Mapping[str, float]], path: Path) -> None:
    """Write the rows of `parse_lcurve` as CSV."""
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
