"""How programs are started: nothing here decides a number, so changing it makes no result stale."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from dlmd.config.fields import PositiveInt, Section

# engine -> its program where the config names no command
PROGRAMS = {"espresso": "pw.x", "cp2k": "cp2k.psmp"}


class LammpsLaunch(Section):
    """LAMMPS: production, exploration and trial runs."""

    command: str | None = Field(
        None,
        description="how LAMMPS is started where not by the lmp (and mpirun) of this environment; {ranks} in it is replaced, "
        "e.g. 'srun -n {ranks} lmp'",
    )
    ranks: PositiveInt = Field(
        1, description="MPI ranks of production MD; with `accelerator: cuda` every rank has a GPU of its own"
    )


class LevelLaunch(Section):
    """The program of one level of theory; the pretrained potentials run in the job itself and need nothing of this."""

    command: str | None = Field(
        None,
        description="how the program is started, e.g. 'srun -n {cores} vasp_std', 'srun pw.x -nk 4' or 'srun cp2k.psmp' "
        "(-s is added); {cores} in VASP's is replaced; null: pw.x or cp2k.psmp; VASP has no default",
    )
    cores: PositiveInt = Field(
        1,
        description="MPI ranks that `command` starts, a core each: what a job asks a scheduler for. Threads per rank are "
        "`command`'s to set, as in 'env OMP_NUM_THREADS=2 srun ...'",
    )
    gpus: Annotated[int, Field(ge=0)] = Field(0, description="GPUs of one job")
    scratch: Path | None = Field(
        None,
        description="folder below which each job of Quantum ESPRESSO or CP2K keeps the program's files while it runs, seen by "
        "all nodes of the job; null: TMPDIR",
    )
    external: bool = Field(
        False,
        description="GPAW, Quantum ESPRESSO, CP2K: single points are staged, to be run elsewhere with their run.sh, and read "
        "once they are back; for levels with `start_from`, which need nothing else (VASP: `run: external` of the level)",
    )
    electrons: dict[str, Any] = Field(
        {},
        description="GPAW, Quantum ESPRESSO, CP2K: keywords of iterations, mixing and first guesses, written as in `keywords`, "
        "`input_data` or `input` of the level and laid over those, for steps that do not converge: finished labels stay "
        "valid, an unfinished trajectory goes on from its last frame",
    )
    custodian: bool = Field(
        True,
        description="VASP's relaxations run under custodian, which mends known errors; dynamics are watched by the same "
        "detectors, never altered",
    )
    stop_margin_s: Annotated[float, Field(ge=0)] = Field(
        900.0,
        description="a STOPCAR is written this long before the walltime, so that VASP ends a whole step",
    )

    def started(self) -> str:
        """The command with its number of ranks.

        Raises
        ------
        ValueError
            where there is no command.
        """
        if self.command is None:
            raise ValueError("no command is set")
        return self.command.replace("{cores}", str(self.cores))


# of a level that the config says nothing of
DEFAULT = LevelLaunch()


class Launch(Section):
    """How programs are started: accelerator, commands, cores. Results do not depend on it."""

    accelerator: Literal["cpu", "cuda"] = Field(
        "cpu",
        description="cuda: training and MD ask for GPUs, and use the CUDA environment of envs/ with `--sdm conda`",
    )
    lammps: LammpsLaunch = LammpsLaunch()
    levels: dict[str, LevelLaunch] = Field(
        {},
        description="level of theory -> how its program is started; a level that is left out has the defaults",
    )

    def of(self, level: str) -> LevelLaunch:
        """How the program of a level is started."""
        return self.levels.get(level, DEFAULT)
