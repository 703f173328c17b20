"""Whether a run can start: all checks of `dlmd.run.preflight`, and those of this machine, of the profile and of the disk.

Unlike the Snakefile, which stops at the first thing that is wrong, this finds all of them.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.config import advice, routes
from dlmd.config.run_config import RunConfig
from dlmd.process import programs
from dlmd.run import estimates, given_labels, preflight, same_name, structure_checks, tree

# A scheduler that does not answer within this time is busy; the run is not at fault.
ANSWER_S = 3.0
PARTITION = "slurm_partition"


@dataclass(frozen=True)
class Finding:
    """One line of the answer. A note asks for attention; a problem will stop the run."""

    subject: str
    state: Literal["ok", "note", "problem"]
    text: str
    where: str | None = None
    remedy: str | None = None


def findings(cfg: RunConfig, *, file: str, profile: str | None, snakefile: Path) -> Iterator[Finding]:
    """Everything that was looked at, in the order of the run.

    Parameters
    ----------
    file
        The config file.
    profile
        Snakemake profile by name or folder, as `snakemake --profile` takes it; None for a run on this machine.
    snakefile
        The Snakefile, beside which the rules are.
    """
    for subject, what, check in preflight.checks(cfg, file=file, arrange=True):
        try:
            check()
        except DlmdError as error:
            yield Finding(subject, "problem", error.what, error.where, error.remedy)
        else:
            yield from _labels(cfg, subject, what)
        if subject == "crystal":
            yield from (Finding(subject, "note", text) for text in structure_checks.notes(cfg))
            for text, remedy in same_name.remarks(cfg, file=file):
                yield Finding("run", "note", text, remedy=remedy)
    for key, text in advice.unwise(cfg):
        yield Finding("unwise", "note", f"{key}: {text}")
    yield from _programs(cfg)
    yield from _licensed(cfg)
    try:
        settings = _profile(profile) if profile else None
    except DlmdError as error:
        yield Finding("profile", "problem", error.what, error.where, error.remedy)
    else:
        if settings is not None:
            yield from _rules_of_profile(settings, snakefile)
            yield from _executor(settings)
        elif cfg.launch.accelerator == "cuda" and shutil.which("nvidia-smi") is None:
            yield Finding("GPU", "problem", "launch.accelerator: cuda, and this machine has no NVIDIA driver")
    yield _disk(cfg)


def _labels(cfg: RunConfig, subject: str, what: str) -> Iterator[Finding]:
    """That a check has passed; for a level with files of labels, after these are read."""
    name = subject.removeprefix("level ")
    files = name != subject and routes.given_frames(cfg, name)
    found = list(given_labels.problems_and_notes(cfg, name)) if files else []
    problems = [error for error in found if isinstance(error, DlmdError)]
    for error in problems:
        yield Finding(subject, "problem", error.what, error.where, error.remedy)
    if not problems:
        yield Finding(subject, "ok", what)
    yield from (Finding(subject, "note", text) for text in found if isinstance(text, str))


def _programs(cfg: RunConfig) -> Iterator[Finding]:
    """DeePMD's and LAMMPS' programs; a command of the config's own may come from the modules of the job."""
    for name in ("dp", "lmp") if cfg.launch.lammps.command is None else ("dp",):
        try:
            yield Finding(name, "ok", str(programs.locate(name)))
        except DlmdError as error:
            yield Finding(name, "problem", error.what, error.where, error.remedy)
    if cfg.launch.lammps.command is not None:
        program = shlex.split(cfg.launch.lammps.command)[0]
        found = shutil.which(program)
        text = found or f"'{program}' is not on the PATH here: the jobs' own environment must have it"
        yield Finding("lmp", "ok" if found else "note", text)
    elif cfg.launch.lammps.ranks > 1:
        try:
            yield Finding("mpirun", "ok", str(programs.locate("mpirun")))
        except DlmdError as error:
            yield Finding("mpirun", "problem", error.what, error.where, error.remedy)


def _licensed(cfg: RunConfig) -> Iterator[Finding]:
    """VASP's potentials are the user's own: that a library is named at all."""
    from dlmd.labels.vasp import potcar

    for name, level in cfg.levels.items():
        if level.engine != "vasp" or not routes.uses_engine(cfg, name):
            continue
        try:
            library = potcar.library(level)
        except DlmdError:
            continue  # reported with its level
        if library:
            yield Finding(f"POTCAR {name}", "ok", str(library))
            continue
        yield Finding(
            f"POTCAR {name}",
            "problem" if level.run == "local" else "note",
            "no library of potentials is named: jobs are staged without POTCAR",
            remedy=f"set levels.{name}.potcar.directory, or PMG_VASP_PSP_DIR",
        )


def _profile(name: str) -> Mapping:
    """Settings of a profile, found as Snakemake finds it.

    Raises
    ------
    DlmdError
        if there is none of that name, it is no mapping, or the plugin of its executor is not installed.
    """
    import yaml
    from snakemake.cli import get_profile_dir

    found = get_profile_dir(name)
    if found is None:
        here = [path.parent.name for path in Path().glob("*/config*.yaml")]
        raise DlmdError(f"there is no profile '{name}'", where="--profile", remedy=did_you_mean(name, here))
    path = found[1]
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise DlmdError(
            f"not valid YAML: {error}".splitlines()[0], where=str(path), remedy="mend it"
        ) from None
    if not isinstance(settings, dict):
        raise DlmdError("a profile is a mapping of options", where=str(path), remedy="see profiles/slurm")
    executor = settings.get("executor")
    plugin = f"snakemake_executor_plugin_{str(executor).replace('-', '_')}"
    if executor and executor not in ("local", "dryrun", "touch") and importlib.util.find_spec(plugin) is None:
        raise DlmdError(
            f"the executor '{executor}' is not installed",
            where=str(path),
            remedy=f"pip install {plugin.replace('_', '-')}",
        )
    return settings | {"path": str(path)}


# a rule of its own, or one made from another
_RULE = r"^\s*(?:rule|use rule \w+ as) (\w+)(?: with)?:"


def _rules_of_profile(settings: Mapping, snakefile: Path) -> Iterator[Finding]:
    """Snakemake ignores what a profile sets for rules that do not exist, without a word."""
    files = [snakefile, *snakefile.parent.glob("workflow/rules/*.smk")]
    rules = {name for f in files for name in re.findall(_RULE, f.read_text(encoding="utf-8"), re.MULTILINE)}
    wrong = False
    for key in ("set-resources", "set-threads"):
        entries = settings.get(key) or {}
        # Snakemake takes both a mapping and a list of RULE:RESOURCE=VALUE or RULE=THREADS
        named = entries if isinstance(entries, dict) else [re.split("[:=]", str(e))[0] for e in entries]
        for name in named:
            if name not in rules:
                wrong = True
                yield Finding(
                    "profile",
                    "problem",
                    f"{key} is for '{name}', which is no rule: it would be ignored",
                    settings["path"],
                    did_you_mean(name, rules),
                )
    if not wrong:
        yield Finding("profile", "ok", settings["path"])


def _executor(settings: Mapping) -> Iterator[Finding]:
    """Whether jobs can be submitted from here, and to which partitions."""
    if settings.get("executor") != "slurm":
        return
    if shutil.which("sbatch") is None:
        yield Finding(
            "slurm",
            "problem",
            "there is no sbatch here",
            remedy="start the run on a login node of the cluster",
        )
        return
    answer = _ask("sinfo", "-h", "-o", "%R")
    if answer is None:
        yield Finding("slurm", "problem", "sinfo does not answer", remedy="is the controller up?")
        return
    known, wanted = set(answer.split()), _partitions(settings)
    for name in sorted(wanted - known):
        yield Finding(
            "slurm", "problem", f"there is no partition '{name}'", settings["path"], did_you_mean(name, known)
        )
    if wanted <= known:
        yield Finding("slurm", "ok", f"partitions {', '.join(sorted(wanted or known))}")
    if settings.get("slurm-status-command") in (None, "sacct") and _ask("sacct", "-X", "-n") is None:
        yield Finding(
            "slurm",
            "problem",
            "sacct fails: without accounting Snakemake would wait for ever for its jobs",
            settings["path"],
            "set slurm-status-command: squeue there",
        )


def _partitions(settings: Mapping) -> set[str]:
    """Partitions that a profile names: for all jobs, and for single rules."""
    default = settings.get("default-resources") or []
    if not isinstance(default, dict):
        default = dict(str(entry).split("=", 1) for entry in default)
    rules = settings.get("set-resources") or {}
    each = [default, *(rules.values() if isinstance(rules, dict) else [])]
    return {str(entry[PARTITION]) for entry in each if isinstance(entry, dict) and PARTITION in entry}


def _ask(*command: str) -> str | None:
    """What a program of the scheduler prints; None where it fails, is absent or does not answer."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _disk(cfg: RunConfig) -> Finding:
    """Room for what the run will leave, less what it has left already."""
    try:
        wanted = estimates.disk_bytes(cfg)
    except DlmdError:
        return Finding("disk", "note", "not estimated: the crystal must be right first")
    run = Path(tree.home(cfg.run))
    folder = run.parent
    there = sum(p.stat().st_size for p in run.rglob("*") if p.is_file())
    left = max(0.0, wanted - there)
    free = shutil.disk_usage(folder if folder.exists() else Path()).free
    text = f"{left / 1e9:.3g} GB still to write (estimated), {free / 1e9:.3g} GB free in {folder.resolve()}"
    if left > free:
        return Finding(
            "disk", "problem", text, remedy="make room, or make results a link to a larger file system"
        )
    return Finding("disk", "ok", text)
