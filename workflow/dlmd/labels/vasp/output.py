"""Finding and reading what one VASP run left behind: its OUTCAR through dpdata, or its vasprun.xml through pymatgen."""

from __future__ import annotations

import contextlib
import lzma
import zlib
from pathlib import Path

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.labels.packed import PACKED, find, read_text
from dlmd.labels.vasp.frames import Frame, Run
from dlmd.labels.vasp.outcar import parse_outcar
from dlmd.labels.vasp.vasprun import incar_of, parse_vasprun

NAMES = ("OUTCAR", "vasprun.xml")
HEAD_BYTES = 1_000_000
# OUTCARs print five decimals
SAME_FRAME_A = 1e-3


def has_output(folder: Path) -> bool:
    """Whether the folder holds something that can be collected."""
    return any(find(folder, name) for name in NAMES)


def read_head(path: Path) -> str:
    """The first part of a file, packed or not: settings come first, and a trajectory may be long."""
    data = b""
    with contextlib.suppress(OSError, EOFError, zlib.error, lzma.LZMAError), path.open("rb") as file:
        data = file.read(HEAD_BYTES)
        if path.suffix in PACKED:
            data = PACKED[path.suffix]().decompress(data)
    return data[:HEAD_BYTES].decode(errors="replace")


def read_run(folder: str | Path) -> Run:
    """Read the output in `folder`: the OUTCAR, which has the moments of every frame. The vasprun.xml is read where the OUTCAR
    is missing, damaged, or shows fewer frames (NWRITE = 0 hides them), and then the one with more whole frames counts.

    Raises
    ------
    DlmdError
        if there is neither, if nothing of what is there can be read, or if the two are of different runs.
    """
    folder = Path(folder)
    outcar, vasprun = (find(folder, name) for name in NAMES)
    if outcar is None and vasprun is None:
        raise DlmdError(
            "neither OUTCAR nor vasprun.xml, plain or packed, is here",
            where=str(folder),
            remedy="run VASP, or bring its results back to this folder",
        )
    runs: list[Run] = []
    problems: list[DlmdError] = []
    for path, parse in ((outcar, parse_outcar), (vasprun, parse_vasprun)):
        if path is None or (runs and _complete(runs[0])):
            continue
        try:
            runs.append(parse(read_text(path), path))
        except DlmdError as error:
            problems.append(error)
    if not runs:
        raise problems[0]
    run = _better(*runs) if len(runs) == 2 else runs[0]
    if run.incar is None and vasprun is not None:
        run.incar = incar_of(read_head(vasprun))  # an OUTCAR of VASP 5 does not repeat it
    return run


def _complete(run: Run) -> bool:
    """Whether the OUTCAR tells all there is to know of a run."""
    hides = str(run.settings.get("NWRITE", "2")) in ("0", "1")
    return run.finished and bool(run.frames) and not hides and all(f.whole or f.learned for f in run.frames)


def _better(outcar: Run, vasprun: Run) -> Run:
    """The one with more whole frames; where it is the vasprun.xml, with the moments that the OUTCAR has."""
    known = {f.step: f for f in outcar.whole_frames}
    common = [(known[f.step], f) for f in vasprun.whole_frames if f.step in known]
    if (outcar.species, outcar.counts) != (vasprun.species, vasprun.counts) or not all(
        _same_frame(a, b) for a, b in common
    ):
        raise DlmdError(
            "OUTCAR and vasprun.xml are of different runs",
            where=str(outcar.path.parent),
            remedy="give every run a folder of its own, and bring back both files of one run",
        )
    # a number that overflowed its columns is no damage of the file: the step had gone astray
    astray = {f.step: f.reason for f in outcar.frames if f.reason and "**" in f.reason}
    more = sum(f.step not in astray for f in vasprun.whole_frames) > len(outcar.whole_frames)
    best = vasprun if more else outcar
    if best is vasprun:
        for frame in vasprun.frames:
            frame.reason = frame.reason or astray.get(frame.step)
        for mine, other in common:
            other.moments, other.total_moment = mine.moments, mine.total_moment
            other.reason = other.reason or mine.reason
    best.finished = outcar.finished or vasprun.finished
    best.relaxed = outcar.relaxed or vasprun.relaxed
    return best


def _same_frame(a: Frame, b: Frame) -> bool:
    assert a.cell is not None and b.cell is not None and a.positions is not None and b.positions is not None
    scaled = np.linalg.solve(a.cell.T, (b.positions - a.positions).T).T
    far = np.linalg.norm((scaled - np.round(scaled)) @ a.cell, axis=1).max()
    return bool(np.allclose(a.cell, b.cell, atol=SAME_FRAME_A) and far < SAME_FRAME_A)
