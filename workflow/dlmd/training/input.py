"""Input of `dp --tf train`: descriptor se_e2_a (Zhang et al., NeurIPS 2018), TensorFlow backend."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlmd.base.errors import DlmdError
from dlmd.base.provenance import file_sha256
from dlmd.config.given import FineTuning
from dlmd.config.model import Training
from dlmd.training.systems import systems

VERSION = 1

# Everything dp leaves behind lies in this folder beside the input, and is deleted when the potential is there.
WORK = "work"
CURVE_POINTS = 100
# decays of the learning rate in a fine-tuning
DECAYS = 70
# One embedding network per neighbour species instead of per pair of species: with one per pair trainings take longer, and
# forces are no better (variant two-sided in benchmarks/potentials).
TYPE_ONE_SIDE = True
# key of the input that names the model whose weights a training starts with
START = "_init_frz_model"


def make_input(
    settings: Training,
    *,
    species: Sequence[str],
    train: Sequence[str],
    valid: Sequence[str],
    seed: int,
    sel: str | Sequence[int] = "auto",
    type_one_side: bool = TYPE_ONE_SIDE,
) -> dict[str, Any]:
    """Input of `dp --tf train`.

    Parameters
    ----------
    settings
        The config's section training.
    train, valid
        Folders of deepmd systems, as seen from where dp runs.
    sel
        Most neighbours of each type within the cutoff, or 'auto' to have them counted.

    Raises
    ------
    DlmdError
        where `steps` is no multiple of `save_steps` (dp would end without a checkpoint), or there is no training data.
    """
    if settings.steps % settings.save_steps:
        near = max(settings.save_steps, round(settings.steps / settings.save_steps) * settings.save_steps)
        raise DlmdError(
            f"steps = {settings.steps} is no multiple of save_steps = {settings.save_steps}: the last steps would "
            "never be saved",
            where="training.steps",
            remedy=f"use {near} steps, or another save_steps",
        )
    if not train:
        raise DlmdError("no training systems", remedy="build the dataset first")
    return {
        "model": {
            "type_map": list(species),
            "descriptor": _descriptor(settings, sel=sel, type_one_side=type_one_side, seed=seed),
            "fitting_net": _fitting_net(settings, seed=seed),
        },
        "learning_rate": {
            "type": "exp",
            "start_lr": settings.start_lr,
            "stop_lr": settings.stop_lr,
            "decay_steps": settings.decay_steps,
        },
        "loss": _loss(settings),
        "training": _schedule(settings, train=train, valid=valid, seed=seed),
    }


def _descriptor(
    settings: Training, *, sel: str | Sequence[int], type_one_side: bool, seed: int
) -> dict[str, Any]:
    return {
        "type": "se_e2_a",
        "rcut": settings.cutoff_angstrom,
        "rcut_smth": settings.cutoff_smooth_angstrom,
        "sel": sel if isinstance(sel, str) else list(sel),
        "neuron": list(settings.embedding),
        "axis_neuron": settings.axis_neurons,
        "type_one_side": type_one_side,
        "activation_function": "tanh",
        "resnet_dt": False,
        "precision": settings.precision,
        "seed": seed,
    }


def _fitting_net(settings: Training, *, seed: int) -> dict[str, Any]:
    return {
        "neuron": list(settings.fitting),
        "activation_function": "tanh",
        "resnet_dt": True,
        "precision": settings.precision,
        "seed": seed,
    }


def _loss(settings: Training) -> dict[str, Any]:
    """Weights of energies, forces and virials at the start and at the end; they follow the learning rate."""
    weights = {
        "e": settings.energy_prefactor,
        "f": settings.force_prefactor,
        "v": settings.virial_prefactor,
    }
    return {
        "type": "ener",
        **{f"start_pref_{key}": start for key, (start, _) in weights.items()},
        **{f"limit_pref_{key}": limit for key, (_, limit) in weights.items()},
    }


def _schedule(settings: Training, *, train: Sequence[str], valid: Sequence[str], seed: int) -> dict[str, Any]:
    """Data, steps, and how often dp writes a checkpoint and a line of the learning curve."""
    steps, save = settings.steps, settings.save_steps
    # a line falls on every checkpoint, so that a restart continues the curve without a gap
    display = next(n for n in range(max(1, min(save, steps // CURVE_POINTS)), 0, -1) if save % n == 0)
    schedule = {
        "training_data": {"systems": list(train), "batch_size": settings.batch_size},
        "numb_steps": steps,
        "seed": seed,
        "disp_file": "lcurve.out",
        "disp_freq": display,
        "save_freq": save,
        "save_ckpt": "model.ckpt",
        "max_ckpt_keep": 2,
    }
    if valid:
        schedule["validation_data"] = {"systems": list(valid), "batch_size": 1, "numb_btch": 4}
    return schedule


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
    """Write dp's input for all systems below the folders `train` and `valid`; `settings` are keys of the config's section
    training, those left out have its defaults.

    Paths in it are relative to the folder `work` beside `path`, where dp is to run and leaves all its files. With `start`, a
    frozen model, training begins with its weights: dp takes no key for that, and leaves keys with an underscore to others.
    """
    path = Path(path)
    work = path.parent / WORK
    listed = {
        split: [os.path.relpath(system, work) for system in systems(folder)]
        for split, folder in (("train", train), ("valid", valid))
    }
    # the descriptor is divided by the number of neighbours that the network was laid out for
    sel = "auto" if start is None else neighbours_of(start)
    keys = dict(settings)
    # a constant now, and still among the params, which would otherwise differ from those of earlier trainings
    one_side = keys.pop("type_one_side", TYPE_ONE_SIDE)
    made = make_input(Training(**keys), species=species, seed=seed, sel=sel, type_one_side=one_side, **listed)
    if start is not None:
        made |= {
            START: os.path.relpath(start, work),
            f"{START}_sha256": file_sha256(start),
        }
    path.write_text(json.dumps(made, indent=2) + "\n")


def neighbours_of(model: str | Path) -> list[int]:
    """Most neighbours of each type (`sel`) that a frozen model was laid out for."""
    from deepmd.infer import DeepPot

    return list(DeepPot(str(Path(model).resolve())).get_model_def_script()["descriptor"]["sel"])


def fine_tuning(settings: FineTuning) -> dict[str, Any]:
    """What of the section training is another when a training starts from another level's weights."""
    # the decay follows the number of steps: some seventy steps of the learning rate
    return {
        "steps": settings.steps,
        "start_lr": settings.start_lr,
        "decay_steps": max(1, settings.steps // DECAYS),
    }
