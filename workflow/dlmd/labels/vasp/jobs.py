"""Jobs of the VASP rules: staging, running one step, collecting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dlmd.base.files import whole, write_json
from dlmd.config.launch import LevelLaunch
from dlmd.config.levels.vasp import VaspSettings


def level_settings(engine: Mapping) -> VaspSettings:
    """Settings of a level as `VaspSettings.staging` gives them."""
    return VaspSettings.of_staging(engine)


def stage_relax(structure: str, *, job: str, engine: Mapping, level: str, cell: str, source: str) -> None:
    """Stage a relaxation beside `job`, its record."""
    import ase.io

    from dlmd.labels.vasp import stage

    stage.stage_relax(
        ase.io.read(structure),
        Path(job).parent,
        settings=level_settings(engine),
        level=level,
        cell=cell,
        source=source,
    )


def stage_aimd(
    relaxed: str,
    *,
    job: str,
    engine: Mapping,
    level: str,
    cell: str,
    source: str,
    temperature_k: float,
    strain: float,
    steps: int,
    time_step_fs: float,
    seed: int,
) -> None:
    """Stage dynamics of the strained relaxed cell beside `job`, its record."""
    import ase.io

    from dlmd.labels.vasp import stage
    from dlmd.structures import cells

    stage.stage_aimd(
        cells.strain(ase.io.read(relaxed), strain),
        Path(job).parent,
        settings=level_settings(engine),
        level=level,
        cell=cell,
        source=source,
        temperature_k=temperature_k,
        strain=strain,
        steps=steps,
        time_step_fs=time_step_fs,
        seed=seed,
    )


def run(job: str, *, step: str, engine: Mapping, launch: LevelLaunch) -> None:
    """Run one step of a staged job within the scheduler's walltime; its done.json is written last."""
    from dlmd.labels.vasp import run
    from dlmd.process import walltime

    run.run_step(
        Path(job).parent,
        step,
        settings=level_settings(engine),
        launch=launch,
        walltime_s=walltime.remaining_s(),
    )


def collect_relax(job: str, *, relaxed: str, info: str, repeat: Sequence[int]) -> None:
    """Relaxed structure and its numbers, in the files of the embedded engines."""
    import ase.io

    from dlmd.labels.vasp import collect
    from dlmd.structures import cells

    atoms, result = collect.collect_relax(Path(job).parent)
    with whole(relaxed) as part:
        ase.io.write(part, atoms, format="extxyz")
        write_json(Path(info), {**result, "unit_cell": cells.unit_cell_parameters(atoms, repeat=repeat)})


def collect_aimd(job: str, *, frames: str, record: str, stride: int, max_rejected: float) -> None:
    """Frames of a trajectory, in the file of the embedded engines, and the record of what was refused."""
    from dlmd.labels.vasp import collect

    collect.collect_aimd(
        Path(job).parent, stride=stride, max_rejected_fraction=max_rejected, frames=frames, record=record
    )
