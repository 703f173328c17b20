"""Frames of anybody's trajectory file, one after the other, whatever the format.

Every reader yields all whole frames and raises for a file that ends in the middle of one: the libraries below some of
them stop there without a word.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.base.units import FS_PER_PS
from dlmd.trajectory.binary import dcd_frames, dcd_layout, xtc_offsets
from dlmd.trajectory.text_frames import TRUNCATED, Frame, open_file, read_dump, read_extxyz, read_xdatcar


@dataclass(frozen=True)
class Format:
    """A trajectory format: how its files are named or begin, and how they are read."""

    name: str
    matches: Callable[[str, bytes], bool]
    read: Callable[[Path], Iterator[Frame]]
    # True: frames are numbered by MD step. False: by frame.
    counts_steps: bool = False


def require(path: Path) -> None:
    """Raises DlmdError, naming the nearest file beside it, where there is no such file."""
    if path.is_file():
        return
    hint = did_you_mean(path.name, [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else [])
    # A list of all files in the folder would not help.
    remedy = hint if hint.startswith("did you mean") else "check the path"
    raise DlmdError("no such file", where=str(path), remedy=remedy)


def identify(path: Path) -> Format:
    """The format of a file, by its name or its first bytes.

    Raises
    ------
    DlmdError
        for a missing, empty or unknown file.
    """
    require(path)
    with open_file(path, "rb") as file:
        head = file.read(400)
    if not head:
        raise DlmdError(
            "the file is empty", where=str(path), remedy="copy it again, or look why the run wrote nothing"
        )
    name = path.name.removesuffix(".gz").lower()
    for known in FORMATS:
        if known.matches(name, head):
            return known
    raise DlmdError(
        "unknown trajectory format",
        where=str(path),
        remedy=f"give one of: {', '.join(f.name for f in FORMATS)}",
    )


def read_vasprun(path: Path) -> Iterator[Frame]:
    """Ionic steps of an MD run (IBRION = 0) from vasprun.xml, by pymatgen; the time step is the run's POTIM.

    Raises
    ------
    DlmdError
        for damaged XML, and a run that is no molecular dynamics.
    """
    import warnings

    from pymatgen.io.vasp import Vasprun

    try:
        with warnings.catch_warnings():
            # Whether the electrons of a step converged does not matter for the trajectory.
            warnings.simplefilter("ignore")
            run = Vasprun(str(path), parse_dos=False, parse_eigen=False, parse_potcar_file=False)
    except (
        SyntaxError,
        EOFError,
        gzip.BadGzipFile,
    ) as error:  # what XML parsers raise derives from SyntaxError
        raise DlmdError(
            f"truncated or damaged XML: {error}", where=str(path), remedy="use the XDATCAR of the same run"
        ) from error
    settings = run.parameters
    if settings.get("IBRION") != 0:
        raise DlmdError(
            f"no molecular dynamics: IBRION = {settings.get('IBRION')}",
            where=str(path),
            remedy="give an MD run (IBRION = 0)",
        )
    for number, step in enumerate(run.ionic_steps, start=1):
        structure = step["structure"]
        yield Frame(
            structure.cart_coords,
            np.array(structure.lattice.matrix),
            symbols=[site.specie.symbol for site in structure],
            step=number,
            interval_ps=settings["POTIM"] / FS_PER_PS,
        )


def read_dcd(path: Path) -> Iterator[Frame]:
    """DCD (LAMMPS, CHARMM, NAMD), by chemfiles. Its step and time are not used.

    Raises
    ------
    DlmdError
        for a file that is truncated, or no DCD that can be read.
    """
    try:
        _, header, record = dcd_layout(path)
    except DlmdError as error:
        raise DlmdError(
            error.what, where=str(path), remedy="give a little-endian DCD without fixed atoms"
        ) from error
    frames, rest = dcd_frames(path), (path.stat().st_size - header) % record
    with path.open("rb") as file:
        file.seek(8)
        counted = int.from_bytes(file.read(4), "little")
    # some writers leave the count at zero; LAMMPS keeps it up to date
    if rest or counted not in (0, frames):
        raise DlmdError(
            f"truncated: {frames} whole frames and {rest} bytes more, the header counts {counted}",
            where=str(path),
            remedy=TRUNCATED,
        )
    yield from _chemfiles(path, "DCD", frames, steps=False)


def read_xtc(path: Path) -> Iterator[Frame]:
    """GROMACS or LAMMPS XTC, by chemfiles.

    Raises
    ------
    DlmdError
        for a file that is truncated or no XTC.
    """
    try:
        offsets = xtc_offsets(path)
    except DlmdError as error:
        raise DlmdError(error.what, where=str(path), remedy=TRUNCATED) from error
    rest = path.stat().st_size - offsets[-1]
    if rest:
        raise DlmdError(
            f"truncated: {len(offsets) - 1} whole frames and {rest} bytes more",
            where=str(path),
            remedy=TRUNCATED,
        )
    yield from _chemfiles(path, "XTC", len(offsets) - 1, steps=True)


def _chemfiles(path: Path, name: str, frames: int, *, steps: bool) -> Iterator[Frame]:
    import chemfiles

    try:
        with chemfiles.Trajectory(str(path), "r", name) as file:
            if file.nsteps != frames:
                raise DlmdError(
                    f"{file.nsteps} of {frames} frames are readable", where=str(path), remedy=TRUNCATED
                )
            for _ in range(frames):
                frame = file.read()
                # chemfiles keeps the vectors in columns
                cell = np.array(frame.cell.matrix).T if frame.cell.volume > 0 else None
                yield Frame(np.array(frame.positions), cell, step=frame.step if steps else None)
    except chemfiles.ChemfilesError as error:
        raise DlmdError(f"unreadable: {error}", where=str(path), remedy=TRUNCATED) from error


FORMATS = (
    Format(
        "LAMMPS or CHARMM DCD (.dcd)",
        lambda name, head: name.endswith(".dcd") or head[4:8] == b"CORD",
        read_dcd,
    ),
    Format("XTC (.xtc)", lambda name, head: name.endswith(".xtc"), read_xtc, counts_steps=True),
    Format(
        "LAMMPS text dump",
        lambda name, head: head.startswith(b"ITEM: TIMESTEP"),
        read_dump,
        counts_steps=True,
    ),
    Format("vasprun.xml", lambda name, head: name.endswith(".xml") or b"<modeling>" in head, read_vasprun),
    Format("extended XYZ (.xyz, .extxyz)", lambda name, head: name.endswith("xyz"), read_extxyz),
    Format("XDATCAR", lambda name, head: "xdatcar" in name or b"irect configuration" in head, read_xdatcar),
)
