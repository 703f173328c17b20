"""Whether programs can be started as the config says, and networks trained."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from dlmd.base.errors import did_you_mean
from dlmd.config.levels.dft import DftSettings, told
from dlmd.config.model import RunFields
from dlmd.config.naming import shortened

Found = Iterator[tuple[str, str, str]]


def launch(cfg: RunFields) -> Found:
    """How levels are started is said of levels that are there, and of programs that are started at all."""
    for name, started in cfg.launch.levels.items():
        if name not in cfg.levels:
            yield f"launch.levels.{name}", f"there is no level {name}", did_you_mean(name, cfg.levels)
        elif started.external and (
            not isinstance(cfg.levels[name], DftSettings) or not cfg.levels[name].start_from
        ):
            yield (
                f"launch.levels.{name}.external",
                "only single points of GPAW, Quantum ESPRESSO and CP2K are computed elsewhere",
                f"name a pretrained level in levels.{name}.start_from, which relaxes and explores; VASP has run: external",
            )
        elif started.electrons:
            yield from _electrons(f"launch.levels.{name}.electrons", cfg.levels[name], started.electrons)
    commands = {f"launch.levels.{name}.command": level.command for name, level in cfg.launch.levels.items()}
    lammps = cfg.launch.lammps
    for path, command in {"launch.lammps.command": lammps.command, **commands}.items():
        if command is None:
            continue
        try:
            words = shlex.split(command)
        except ValueError as error:
            yield path, f"{shortened(command)}: {str(error).lower()}", "close the quote"
            continue
        if not words:
            yield path, "the command is empty", "give a program, or null for the default"
    if lammps.command is not None and lammps.ranks > 1 and "{ranks}" not in lammps.command:
        yield (
            "launch.lammps.command",
            f"launch.lammps.ranks is {lammps.ranks}, and the command does not say so to LAMMPS",
            "write {ranks} where the number of ranks belongs, as in 'srun -n {ranks} lmp'",
        )


def _electrons(path: str, level: Any, given: Mapping[str, Any]) -> Found:
    """Keywords for steps that do not converge are such that decide no result."""
    if not isinstance(level, DftSettings):
        yield path, f"the engine {level.engine} takes none", "remove it"
        return
    try:
        level.with_electrons(given)
    except ValueError as error:
        yield path, told(error), "see config/README.md"


def networks(cfg: RunFields) -> Found:
    """A network and a loss that can be trained."""
    training = cfg.training
    if training.axis_neurons > training.embedding[-1]:
        yield (
            "training.axis_neurons",
            f"{training.axis_neurons} is more than the last layer of training.embedding has, {training.embedding[-1]}",
            "the axis submatrix is a part of it: lower axis_neurons",
        )
    if training.stop_lr >= training.start_lr:
        yield (
            "training.stop_lr",
            f"{training.stop_lr:g} is not below training.start_lr = {training.start_lr:g}",
            "the learning rate decays: give a smaller one for the end",
        )
    for path, start in (("training.force_prefactor", training.force_prefactor),):
        if not any(start):
            yield (
                path,
                "the forces have no weight in the loss at all",
                "leave the key out for the paper's weights",
            )
