"""Single points of the learning loop's frames: staged, run and collected slot by slot; a slot without a frame is passed over."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from dlmd.base.files import read_json, write_json
from dlmd.config.launch import LevelLaunch
from dlmd.labels import single_points
from dlmd.labels.vasp import collect as collecting
from dlmd.labels.vasp import run as running
from dlmd.labels.vasp import stage as staging
from dlmd.labels.vasp.jobs import level_settings
from dlmd.process import walltime

JOB_FOLDER = "vasp"


def stage(selected: str, *, slot: int, record: str, engine: Mapping, level: str) -> None:
    """Stage the single point of frame `slot`, where there is one, beside `record`, which says whether there is."""
    atoms = single_points.selected_frames(selected, [slot]).get(slot)
    if atoms is not None:
        staging.stage_static(
            atoms,
            Path(record).parent / JOB_FOLDER,
            settings=level_settings(engine),
            level=level,
            cell=atoms.info["explored_cell"].split("/")[1],
            source=f"{atoms.info['source']}_{slot:03d}",
        )
    write_json(Path(record), {"used": atoms is not None})


def run(record: str, *, done: str, engine: Mapping, launch: LevelLaunch) -> None:
    """Run what was staged for the slot of `record`; `done` is written last."""
    if used(record):
        running.run_step(
            Path(record).parent / JOB_FOLDER,
            "1-static",
            settings=level_settings(engine),
            launch=launch,
            walltime_s=walltime.remaining_s(),
        )
    write_json(Path(done), {"used": used(record)})


def collect(record: str, selected: str, *, slot: int, frames: str, level: str) -> None:
    """Write the labelled frame of a slot as `dlmd.learning.labels.label` does; an empty file for an unused slot."""
    if not used(record):
        Path(frames).write_text("")
        return
    atoms, found = collecting.collect_static(Path(record).parent / JOB_FOLDER)
    staged = single_points.selected_frames(selected, [slot])[slot]
    info = single_points.label_info(staged, number=slot, level=level, theory=found["theory"])
    info |= found["numerics"]
    if found["moments_in_range"] is not None:
        info["moments_in_range"] = found["moments_in_range"]
    if atoms is None:
        print(f"frame {slot} is dropped: {found['reason']}", file=sys.stderr)
    single_points.write_label(Path(frames), staged, info, None if atoms is None else atoms.calc.results)


def used(record: str) -> bool:
    """Whether the slot of this record has a frame."""
    return read_json(record)["used"]
