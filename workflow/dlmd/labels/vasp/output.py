"""What one VASP run left behind, frame by frame: from OUTCAR through dpdata, or from vasprun.xml through pymatgen."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError

NAMES = ("OUTCAR", "vasprun.xml")


@dataclass
class Frame:
    """One ionic step; `reason` says why it must not be used, or is None.

    Lengths in Å, energies in eV (the free energy, which the forces are derivatives of), forces in eV/Å, stress in
    eV/Å³ with ASE's sign (positive under tension), moments in Bohr magnetons, temperature in K.
    """

    step: int
    electronic_steps: int
    reason: str | None = None
    cell: np.ndarray | None = None
    positions: np.ndarray | None = None
    energy: float | None = None
    forces: np.ndarray | None = None
    stress: np.ndarray | None = None
    moments: np.ndarray | None = None
    total_moment: float | None = None
    temperature_k: float | None = None

    @property
    def whole(self) -> bool:
        """Whether cell, positions, energy and forces are all there, converged or not."""
        return self.forces is not None


@dataclass
class Run:
    """One run: what it says about itself, and its frames."""

    path: Path
    species: list[str]
    counts: list[int]
    titels: list[str]
    settings: dict[str, Any]  # INCAR names -> values as VASP echoes them
    kpoints: tuple[int, ...] | None  # subdivisions, where the output says so
    frames: list[Frame] = field(default_factory=list)
    finished: bool = False  # VASP ended by itself and said so
    relaxed: bool = False  # 'reached required accuracy'
    elapsed_s: float | None = None

    @property
    def symbols(self) -> list[str]:
        """Element of every atom."""
        return [s for s, n in zip(self.species, self.counts, strict=True) for _ in range(n)]

    @property
    def whole_frames(self) -> list[Frame]:
        """Frames that can be read, converged or not."""
        return [f for f in self.frames if f.whole]


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
    from dlmd.labels.vasp.outcar import parse_outcar
    from dlmd.labels.vasp.vasprun import parse_vasprun

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
