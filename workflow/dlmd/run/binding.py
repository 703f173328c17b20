"""Which function each rule runs, and how a rule's names become the arguments of that function.

The one script of all rules, `workflow/scripts/job.py`, hands its job over to this module. It is strict: every name of an input,
an output or a param is an argument of the function or is listed here as not read, and every argument has a value.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from dlmd.base.errors import DlmdError
from dlmd.config.launch import Launch, LevelLaunch
from dlmd.config.production import Md
from dlmd.run import checksums, clock_skew, post_mortem, tree

# The param that only marks results as old when a method changes.
VERSION_PARAM = "algorithm"
# Wildcards under the names that arguments have.
WILDCARDS = {
    "k": "replica",
    "T": "temperature_k",
    "aimd_T": "temperature_k",
    "segment": "number",
    "i": "number",
    "m": "potential",
    "n": "ordering",
}


@dataclass(frozen=True)
class Job:
    """The function of a rule.

    Parameters
    ----------
    target
        "package.module:function".
    unread
        Names of the rule that the function does not take: files that must only be there or that lie beside another one, and
        params that are only shown.
    """

    target: str
    unread: Collection[str] = ()

    def function(self) -> Callable:
        """The function itself; this imports its module."""
        module, name = self.target.split(":")
        return getattr(importlib.import_module(module), name)


@dataclass(frozen=True)
class Given:
    """What a rule gives to its job, as plain mappings: name -> path or list of paths, name -> value."""

    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    params: Mapping[str, Any]
    wildcards: Mapping[str, str]
    threads: int
    log: str
    config: Mapping[str, Any]


class BindingError(Exception):
    """A rule and its function do not fit together."""


JOBS = {
    # structures
    "orderings": Job("dlmd.structures.jobs:build", unread=("extxyz", "number")),
    "structure_table": Job("dlmd.structures.tables:occupancies"),
    "plot_layers": Job("dlmd.structures.jobs:draw"),
    "plot_powder": Job("dlmd.structures.jobs:powder"),
    # labels
    "relax": Job("dlmd.labels.jobs:relax"),
    "relax_potential": Job("dlmd.labels.jobs:relax_with_potential"),
    "given_labels": Job("dlmd.labels.given:read"),
    "aimd": Job("dlmd.labels.jobs:aimd"),
    "lattice_table": Job("dlmd.labels.tables:lattice"),
    "lattice_comparison": Job("dlmd.labels.jobs:lattice_comparison"),
    "vasp_stage_relax": Job("dlmd.labels.vasp.jobs:stage_relax"),
    "vasp_run_relax": Job("dlmd.labels.vasp.jobs:run", unread=("before", "done")),
    "vasp_relax": Job("dlmd.labels.vasp.jobs:collect_relax", unread=("done",)),
    "vasp_stage_aimd": Job("dlmd.labels.vasp.jobs:stage_aimd"),
    "vasp_run_aimd": Job("dlmd.labels.vasp.jobs:run", unread=("before", "done")),
    "vasp_aimd": Job("dlmd.labels.vasp.jobs:collect_aimd", unread=("done",)),
    # dataset, training, validation
    "dataset": Job("dlmd.dataset.jobs:build", unread=("train", "valid", "test", "number")),
    "training_input": Job("dlmd.training.jobs:write_input"),
    "train": Job("dlmd.learning.jobs:train", unread=("train", "valid")),
    "start_model": Job("dlmd.training.start:make"),
    "own_potential": Job("dlmd.training.start:take"),
    "test_errors": Job("dlmd.validation.errors:test_errors"),
    "plot_potential": Job("dlmd.validation.jobs:plot_potential"),
    "committee": Job("dlmd.validation.jobs:held_out"),
    "md_deviation": Job("dlmd.validation.jobs:deviation", unread=("positions",)),
    "plot_deviation": Job("dlmd.validation.jobs:plot_deviation"),
    "few_labels": Job("dlmd.validation.few_labels:judge"),
    "learning_part": Job("dlmd.validation.few_labels:train_part"),
    "trial": Job("dlmd.validation.jobs:try_out"),
    "met_anions": Job("dlmd.validation.met_anions:judge"),
    "accept": Job("dlmd.validation.jobs:accept", unread=("figure",)),
    # learning
    "learning_dataset": Job("dlmd.dataset.jobs:build", unread=("train", "valid", "test")),
    "learning_input": Job("dlmd.training.jobs:write_input"),
    "learning_train": Job("dlmd.learning.jobs:train", unread=("train", "valid")),
    "explore": Job("dlmd.learning.jobs:explore"),
    "learning_select": Job("dlmd.learning.jobs:select"),
    "learning_label": Job("dlmd.learning.labels:label"),
    "learning_stage_vasp": Job("dlmd.labels.vasp.static:stage"),
    "learning_run_vasp": Job("dlmd.labels.vasp.static:run"),
    "learning_collect_vasp": Job("dlmd.labels.vasp.static:collect", unread=("done",)),
    "learning_gather": Job("dlmd.learning.labels:gather"),
    "learning_summary": Job("dlmd.learning.jobs:summarise"),
    # md
    "md_swap": Job("dlmd.md.swapping:sample", unread=("accepted",)),
    "md_cell": Job("dlmd.md.jobs:cell"),
    "md_equilibrate": Job("dlmd.md.jobs:equilibrate", unread=("accepted", "thermo", "xtc", "sidecar")),
    "md_segment": Job("dlmd.md.jobs:segment", unread=("previous", "dcd", "xtc", "host", "thermo", "restart")),
    # the lattice of production
    "npt_equilibrate": Job("dlmd.md.jobs:equilibrate", unread=("accepted", "thermo", "xtc", "sidecar")),
    "npt_segment": Job("dlmd.md.lattice_jobs:npt_segment", unread=("previous", "thermo", "xtc", "restart")),
    "lattice_at": Job("dlmd.md.lattice_jobs:lattice_at"),
    "md_thermal_cell": Job("dlmd.md.jobs:cell"),
    "expansion": Job("dlmd.md.lattice_jobs:expansion"),
    # the second cell of production
    "size_swap": Job("dlmd.md.swapping:sample", unread=("accepted",)),
    "size_cell": Job("dlmd.md.jobs:cell"),
    "size_equilibrate": Job("dlmd.md.jobs:equilibrate", unread=("accepted", "thermo", "xtc", "sidecar")),
    "size_segment": Job(
        "dlmd.md.jobs:segment", unread=("previous", "dcd", "xtc", "host", "thermo", "restart")
    ),
    "size_transport": Job("dlmd.transport.jobs:temperature", unread=("positions",)),
    "size_check": Job("dlmd.transport.size_check:check"),
    # transport
    "transport": Job("dlmd.transport.jobs:temperature", unread=("positions",)),
    "transport_of_run": Job("dlmd.transport.jobs:temperature", unread=("positions",)),
    "plot_msd": Job("dlmd.transport.jobs:plot_msd"),
    "arrhenius": Job("dlmd.transport.jobs:arrhenius"),
    "rdf": Job("dlmd.transport.jobs:compare_rdf", unread=("positions",)),
    "error_budget": Job("dlmd.transport.jobs:budget"),
    # mechanism
    "mechanism": Job("dlmd.mechanism.jobs:temperature", unread=("positions",)),
    "plot_mechanism": Job("dlmd.mechanism.jobs:plot"),
    "mechanism_summary": Job("dlmd.mechanism.jobs:summary"),
    # barriers
    "barrier_paths": Job("dlmd.barriers.jobs:paths"),
    "barrier_band": Job("dlmd.barriers.jobs:band", unread=("accepted", "images")),
    "barrier_band_engine": Job("dlmd.barriers.jobs:engine_band", unread=("images",)),
    "vasp_neb_stage": Job("dlmd.barriers.jobs:stage_vasp"),
    "vasp_neb": Job("dlmd.barriers.jobs:collect_vasp", unread=("images",)),
    "barriers": Job("dlmd.barriers.jobs:summary", unread=("staged",)),
    # report
    "costs": Job("dlmd.run.jobs:costs", unread=("last",)),
    "report": Job(
        "dlmd.report.page:write",
        unread=(
            *("structures", "layers", "powder", "lattice", "provenance", "errors", "parity", "rdf"),
            *(
                "committee",
                "few",
                "learning",
                "budget",
                "expansion",
                "cells",
                "training",
                "swaps",
                "size_check",
                "transport",
                "mechanism",
                "barriers",
                "costs",
                "throughput",
            ),
            # what is on the page, so that another value makes it anew
            *("run", "seed", "levels", "temperatures"),
        ),
    ),
    "ro_crate": Job("dlmd.report.jobs:ro_crate"),
}


# Values of the config that are no params, because they make no result stale: argument -> how it is read and validated. Only
# the section that is asked for is looked at, because the environment of the potentials lacks what other sections need.
def _lammps(config: Mapping, wildcards: Mapping) -> Any:
    return Launch.model_validate(config.get("launch", {})).lammps


def _level_launch(config: Mapping, wildcards: Mapping) -> LevelLaunch:
    return Launch.model_validate(config.get("launch", {})).of(wildcards["level"])


def _max_deviation(config: Mapping, wildcards: Mapping) -> float | None:
    return Md.model_validate(config["md"]).max_deviation_ev_per_angstrom


CONFIG = {
    "lammps": _lammps,
    "launch": _level_launch,
    "max_deviation_ev_per_angstrom": _max_deviation,
}


def run(rule: str, given: Given) -> None:
    """Do the job of a rule, whose inputs must be as they were written.

    Raises
    ------
    DlmdError
        for an input that was changed since, is damaged or from the future, and whatever the job raises.
    """
    job = JOBS.get(rule)
    if job is None:
        raise BindingError(f"rule {rule} has no function: add it to JOBS in dlmd/run/binding.py")
    function = job.function()
    values = arguments(function, given, unread=job.unread)
    home = Path(tree.home(given.config["run"]))
    clock_skew.require_past(_paths(given.inputs), home=home)
    checksums.forget(_paths(given.outputs), home=home)
    checksums.require_same(_paths(given.inputs), home=home)
    try:
        function(**values)
    except Exception as error:
        damaged = post_mortem.damaged_input(_paths(given.inputs))
        if damaged is None or (isinstance(error, DlmdError) and str(damaged.where) in str(error)):
            raise
        raise damaged from error
    checksums.remember(_paths(given.outputs), home=home)


def _paths(named: Mapping[str, Any]) -> list[str]:
    """All paths of a rule's inputs or outputs."""
    return [str(p) for value in named.values() for p in ([value] if isinstance(value, str) else value)]


def arguments(function: Callable, given: Given, *, unread: Collection[str] = ()) -> dict[str, Any]:
    """Values of all arguments of `function`; paths and wildcards are converted to the annotated types.

    Raises
    ------
    BindingError
        for an argument without a value, and for a name that is no argument and not in `unread`.
    """
    wanted = inspect.signature(function, eval_str=True).parameters
    check(
        function,
        named=[*given.inputs, *given.outputs, *given.params],
        wildcards=given.wildcards,
        unread=unread,
    )
    wildcards = {WILDCARDS.get(name, name): value for name, value in given.wildcards.items()}
    values: dict[str, Any] = {}
    for name, parameter in wanted.items():
        kind = parameter.annotation
        if name in given.inputs or name in given.outputs:
            values[name] = _files(name, given.inputs.get(name, given.outputs.get(name)), kind)
        elif name in given.params:
            values[name] = given.params[name]
        elif name in wildcards:
            values[name] = _single(kind)(wildcards[name])
        elif name in CONFIG:
            values[name] = CONFIG[name](given.config, given.wildcards)
        else:
            values[name] = {"threads": given.threads, "log": given.log}[name]
    return values


def check(
    function: Callable, *, named: Sequence[str], wildcards: Collection[str], unread: Collection[str] = ()
) -> None:
    """Compare the names of a rule with the arguments of its function; wildcards need not be read.

    Parameters
    ----------
    named
        Names of its inputs, outputs and params.

    Raises
    ------
    BindingError
        with all that is missing, surplus or ambiguous.
    """
    wanted = set(inspect.signature(function).parameters)
    names = [name for name in named if name != VERSION_PARAM]
    read = set(names) - set(unread)
    offered = [WILDCARDS.get(name, name) for name in wildcards] + ["threads", "log", *CONFIG]
    wrong = {
        "has no value for": wanted - read - set(offered),
        "does not take": read - wanted,
        "takes, against `unread`,": wanted & set(unread),
        "is said not to read, where there is none,": set(unread) - set(names),
        "would get two values for": {
            name for name in wanted if (names + offered).count(name) > 1 and name in read | set(offered)
        },
    }
    found = [f"{what} {', '.join(sorted(which))}" for what, which in wrong.items() if which]
    if found:
        raise BindingError(f"{function.__module__}.{function.__qualname__} " + "; it ".join(found))


def _files(name: str, value: Any, kind: Any) -> Any:
    """Paths as the annotation wants them: one, one or None, or a list."""
    paths = [str(value)] if isinstance(value, str) else [str(path) for path in value]
    if get_origin(kind) in (Sequence, list):
        one = _single(get_args(kind)[0])
        return [one(path) for path in paths]
    if not paths and NoneType in get_args(kind):
        return None
    if len(paths) != 1:
        raise BindingError(f"{name} is one path, {len(paths)} are given")
    return _single(kind)(paths[0])


def _single(kind: Any) -> Callable:
    """The type inside an annotation such as str, str | None or str | Path."""
    if get_origin(kind) in (Union, UnionType):
        return next(part for part in get_args(kind) if part is not NoneType)
    return kind
