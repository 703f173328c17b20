"""Labels of the frames that a round of the learning loop selected: one file per job, and what came of them by cell."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json, whole, write_json, write_text
from dlmd.config.launch import LevelLaunch
from dlmd.labels import numerics
from dlmd.labels.single_points import label_info, selected_frames, write_label
from dlmd.process.ownership import owned

if TYPE_CHECKING:
    from ase import Atoms

    from dlmd.labels.engines import Engine

EXTERNAL = "external"


def label(
    selected: str,
    *,
    numbers: Sequence[int],
    frames: str,
    engine: Mapping,
    launch: LevelLaunch,
    level: str,
    threads: int,
) -> None:
    """Energy, forces and stress of the selected frames with these numbers by the engine, as extxyz in `frames`; those beyond
    the last selected one are passed over, and what is left of them is an empty file.

    A frame whose electrons do not converge is kept without results, to be counted. A job that is killed leaves the frames it
    has labelled in `labelled/` beside `frames`, and the next one goes on from there.
    """
    from dlmd.labels import engines
    from dlmd.labels.engines.dft import numbers as all_settings
    from dlmd.labels.relaxation import structure_mark

    label_engine, calculator = engines.get(engine, launch), None
    theory, decided = label_engine.level, all_settings(label_engine)
    folder, paths = Path(frames).parent, []
    with owned(folder):
        done = folder / "labelled"
        done.mkdir(exist_ok=True)
        for number, atoms in selected_frames(selected, numbers).items():
            paths.append(done / f"{structure_mark(atoms, decided)}.extxyz")
            if paths[-1].exists():
                continue
            calculator = calculator or _calculator(label_engine, selected, launch, threads=threads)
            info = label_info(atoms, number=number, level=level, theory=theory)
            info |= numerics.beside(getattr(label_engine, "settings", None), atoms)
            results = None
            try:
                calculator.calculate(atoms, ["energy", "forces", "stress"])
                results = calculator.results
            except engines.Unconverged as error:
                print(f"frame {number} is dropped: {error}", file=sys.stderr)
            write_label(paths[-1], atoms, info, results)
        write_text(frames, "".join(path.read_text(encoding="utf-8") for path in paths))
        shutil.rmtree(done)


def _calculator(label_engine: Engine, selected: str, launch: LevelLaunch, *, threads: int) -> Any:
    """The engine's calculator, or what stands in for it where its program runs elsewhere."""
    if not launch.external:
        return label_engine.calculator(threads=threads)
    import ase.io

    from dlmd.labels.external import Elsewhere

    # all of them, whatever this job's own are: they travel in one folder
    frames = ase.io.read(selected, ":", format="extxyz")
    return Elsewhere(label_engine, Path(selected).with_name(EXTERNAL), frames)


def not_too_strange(frames: Sequence[Atoms], max_force_ev_per_angstrom: float) -> list[Atoms]:
    """Those of the labelled frames without a force above `max_force_ev_per_angstrom` (eV/Å) on any atom."""
    return [
        atoms
        for atoms in frames
        if np.linalg.norm(atoms.get_forces(), axis=1).max() <= max_force_ev_per_angstrom
    ]


def gather(
    slots: Sequence[str],
    selection: str,
    *,
    result: str,
    frames: Sequence[str],
    cells: Sequence[str],
    max_force_ev_per_angstrom: float,
) -> None:
    """Labelled frames of a round by cell, for the dataset, and their counts.

    Parameters
    ----------
    slots
        Files of labelled frames, in order.
    frames, cells
        Files to write, and the cell (occupancy/cell/ordering) each is for.
    max_force_ev_per_angstrom
        Frames with a larger force on any atom (eV/Å) are dropped.

    Raises
    ------
    DlmdError
        where frames were selected and none of them could be labelled.
    """
    import ase.io

    found = [
        atoms
        for path in slots
        if Path(path).stat().st_size
        for atoms in ase.io.read(path, ":", format="extxyz")
    ]
    converged = [atoms for atoms in found if atoms.info["converged"]]
    good = not_too_strange(converged, max_force_ev_per_angstrom)
    if found and not good:
        raise DlmdError(
            f"none of the {len(found)} selected frames gives a label: {len(found) - len(converged)} did not converge, "
            f"{len(converged)} have forces above {max_force_ev_per_angstrom:g} eV/Å",
            where=str(Path(slots[0]).parent.parent),
            remedy="lower the upper bound of learning.deviation_ev_per_angstrom, or see the logs of the labels",
        )
    for path, cell in zip(frames, cells, strict=True):
        here = [atoms for atoms in good if atoms.info["explored_cell"] == cell]
        with whole(path) as part:
            part.write_text("")
            if here:
                ase.io.write(part, here, format="extxyz")
    picked = read_json(selection)
    counts = {
        "selected": picked["selected"],
        "labelled": len(good),
        "unconverged": len(found) - len(converged),
        "too_strange": len(converged) - len(good),
    }
    write_json(Path(result), {"round": picked["round"], **counts, "settled": picked["settled"]})
