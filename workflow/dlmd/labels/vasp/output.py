"""Finding and reading what one VASP run left behind: its OUTCAR through dpdata, or its vasprun.xml through pymatgen."""

from __future__ import annotations

import zlib
from pathlib import Path

from dlmd.base.errors import DlmdError
from dlmd.labels.vasp.frames import Run
from dlmd.labels.vasp.outcar import parse_outcar
from dlmd.labels.vasp.vasprun import parse_vasprun

NAMES = ("OUTCAR", "vasprun.xml")


def find(folder: Path, name: str) -> Path | None:
    """`name` or `name.gz` in `folder`, if it is there and not empty."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file() and path.stat().st_size > 0:
            return path
    return None


def has_output(folder: Path) -> bool:
    """Whether the folder holds something that can be collected."""
    return any(find(folder, name) for name in NAMES)


def read_text(path: Path) -> str:
    """Text of a file, gzipped or not; a gzip cut short gives what can be unpacked."""
    if path.suffix != ".gz":
        return path.read_text(errors="replace")
    # zlib and not gzip, which throws away what it has when a file ends early
    data, pieces = path.read_bytes(), []
    while data:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            pieces.append(unpacker.decompress(data))
        except zlib.error:
            break  # the whole frames in what came out are still good
        data = unpacker.unused_data
    return b"".join(pieces).decode(errors="replace")


def read_run(folder: str | Path) -> Run:
    """Read the output in `folder`: the OUTCAR (it has the moments of every frame), or the vasprun.xml where there is
    no OUTCAR or it shows fewer frames (NWRITE = 0 hides them).

    Raises
    ------
    DlmdError
        if there is neither, if what is there cannot be read at all, or if it is a machine-learned run.
    """
    folder = Path(folder)
    outcar, vasprun = (find(folder, name) for name in NAMES)
    if outcar is None and vasprun is None:
        raise DlmdError(
            "neither OUTCAR nor vasprun.xml, plain or gzipped, is here",
            where=str(folder),
            remedy="run VASP, or bring its results back to this folder",
        )
    runs = []
    if outcar is not None:
        runs.append(parse_outcar(read_text(outcar), outcar))
    if vasprun is not None and (outcar is None or not runs[0].whole_frames or _hides_frames(runs[0])):
        runs.append(parse_vasprun(read_text(vasprun), vasprun))
    return max(runs, key=lambda run: len(run.whole_frames))


def _hides_frames(run: Run) -> bool:
    return str(run.settings.get("NWRITE", "2")) in ("0", "1")
