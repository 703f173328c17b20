"""Frames of DCD and XTC files as byte ranges, to join the parts of an interrupted run without decoding them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from dlmd.base.errors import DlmdError

TRR_MAGIC, TRR_NAME, TRR_HEADER_BYTES = 1993, b"GMX_trn_file", 76
XTC_MAGIC = 1995
# magic, atoms, step, time, box (9 floats), atoms again
XTC_HEADER_BYTES = 4 * 4 + 9 * 4 + 4
# precision, minint (3), maxint (3), smallidx, byte count
XTC_COMPRESSED_BYTES = 9 * 4
# up to nine atoms are stored uncompressed
XTC_SMALL_SYSTEM = 9


def _damaged(path: Path, what: str) -> DlmdError:
    return DlmdError(
        f"damaged trajectory: {what}",
        where=str(path),
        remedy="delete the file and the .json beside it, and run again",
    )


class DcdSizes(NamedTuple):
    """Numbers of atoms, all and those held in place, and of bytes: of the header, of the first frame and of every later one.

    Atoms that are held are in the first frame only.
    """

    atoms: int
    fixed: int
    header: int
    first: int
    frame: int


def dcd_sizes(path: str | Path) -> DcdSizes:
    """Sizes of a little-endian CHARMM DCD with 32-bit record marks.

    Raises
    ------
    DlmdError
        if the file is no such DCD.
    """
    path = Path(path)
    with path.open("rb") as file:
        head = file.read(92)
        if len(head) < 92 or head[:8] != struct.pack("<i", 84) + b"CORD":
            raise _damaged(path, "no DCD header")
        (fixed,) = struct.unpack_from("<i", head, 40)
        has_cell = struct.unpack_from("<i", head, 48)[0] == 1
        title = struct.unpack("<i", file.read(4))[0]
        file.seek(92 + title + 8)
        (block, atoms) = struct.unpack("<ii", file.read(8))
        header = 92 + title + 8 + 12
        known = block == 4 and 0 <= fixed < max(atoms, 1)
        if known and fixed:
            # numbers of the atoms that are free
            file.seek(header)
            known = struct.unpack("<i", file.read(4))[0] == 4 * (atoms - fixed)
            header += 4 * (atoms - fixed) + 8
        if not known:
            raise _damaged(path, "the DCD header has an unknown form")
    cell = 56 if has_cell else 0
    return DcdSizes(atoms, fixed, header, cell + 3 * (4 * atoms + 8), cell + 3 * (4 * (atoms - fixed) + 8))


def dcd_layout(path: str | Path) -> tuple[int, int, int]:
    """(atoms, bytes of the header, bytes of a frame) of a DCD whose frames are alike, as LAMMPS writes it.

    Raises
    ------
    DlmdError
        if the file is no such DCD.
    """
    sizes = dcd_sizes(path)
    if sizes.fixed:
        raise _damaged(
            Path(path), f"a DCD with {sizes.fixed} atoms that are held, which LAMMPS does not write"
        )
    return sizes.atoms, sizes.header, sizes.frame


def dcd_extent(path: str | Path) -> tuple[int, int]:
    """Number of whole frames that the file's size holds, and of bytes behind them (the header's count is not trusted: a killed
    run leaves it behind)."""
    sizes = dcd_sizes(path)
    body = Path(path).stat().st_size - sizes.header
    if sizes.fixed and body < sizes.first:
        return 0, body
    frames, rest = divmod(body - (sizes.first - sizes.frame), sizes.frame)
    return frames, rest


def dcd_frames(path: str | Path) -> int:
    """Number of whole frames of `dcd_extent`."""
    return dcd_extent(path)[0]


def whole_dcd_frames(path: Path) -> int:
    """As `dcd_frames`, and 0 where a killed run has left no file, or no whole header."""
    if not path.exists():
        return 0
    try:
        return max(0, dcd_frames(path))
    except (DlmdError, struct.error):
        return 0


def join_dcd(parts: Sequence[tuple[Path, int]], out: Path) -> int:
    """Write the first `n` frames of every (path, n) one after the other to `out`; returns the number of frames."""
    total = sum(n for _, n in parts)
    layout = dcd_layout(parts[0][0])
    with out.open("wb") as target:
        for i, (path, n) in enumerate(parts):
            atoms, header, frame = dcd_layout(path)
            if (atoms, frame) != (layout[0], layout[2]):
                raise _damaged(path, f"{atoms} atoms, but {layout[0]} in {parts[0][0].name}")
            if dcd_frames(path) < n:
                raise _damaged(path, f"{dcd_frames(path)} frames where {n} were written")
            with path.open("rb") as source:
                if i == 0:
                    head = bytearray(source.read(header))
                    struct.pack_into("<i", head, 8, total)
                    target.write(head)
                source.seek(header)
                _copy(source, target, n * frame)
    return total


def xtc_offsets(path: str | Path) -> list[int]:
    """Byte offsets of all whole frames of an XTC file, and of the end of the last one."""
    path = Path(path)
    size = path.stat().st_size
    offsets, at = [0], 0
    with path.open("rb") as file:
        while at + XTC_HEADER_BYTES <= size:
            file.seek(at)
            magic, atoms = struct.unpack(">ii", file.read(8))
            if magic != XTC_MAGIC:
                raise _damaged(path, f"no XTC frame at byte {at}")
            if atoms <= XTC_SMALL_SYSTEM:
                end = at + XTC_HEADER_BYTES + 12 * atoms
            else:
                file.seek(at + XTC_HEADER_BYTES + XTC_COMPRESSED_BYTES - 4)
                raw = file.read(4)
                if len(raw) < 4:
                    break
                (count,) = struct.unpack(">i", raw)
                end = at + XTC_HEADER_BYTES + XTC_COMPRESSED_BYTES + (count + 3) // 4 * 4
            if end > size:
                break
            at = end
            offsets.append(at)
    return offsets


def trr_offsets(path: str | Path) -> list[int]:
    """Byte offsets of all whole frames of a TRR file, and of the end of the last one."""
    path = Path(path)
    size = path.stat().st_size
    offsets, at = [0], 0
    with path.open("rb") as file:
        while at + TRR_HEADER_BYTES <= size:
            file.seek(at)
            magic, _, name, *lengths = struct.unpack(">ii4x12s13i", file.read(TRR_HEADER_BYTES))
            if magic != TRR_MAGIC or name != TRR_NAME or min(lengths) < 0:
                raise _damaged(path, f"no TRR frame at byte {at}")
            # the header's two reals, time and lambda, are as long as the frame's numbers
            atoms, (box, positions) = lengths[10], (lengths[2], lengths[7])
            real = box // 9 if box else positions // (3 * atoms) if atoms else 4
            at += TRR_HEADER_BYTES + 2 * real + sum(lengths[:10])
            if at > size:
                break
            offsets.append(at)
    return offsets


def join_xtc(parts: Sequence[tuple[Path, int]], out: Path) -> int:
    """As `join_dcd`, for XTC files."""
    with out.open("wb") as target:
        for path, n in parts:
            offsets = xtc_offsets(path)
            if len(offsets) - 1 < n:
                raise _damaged(path, f"{len(offsets) - 1} frames where {n} were written")
            with path.open("rb") as source:
                _copy(source, target, offsets[n])
    return sum(n for _, n in parts)


def _copy(source: BinaryIO, target: BinaryIO, count: int, chunk: int = 1 << 24) -> None:
    while count > 0:
        data = source.read(min(chunk, count))
        if not data:
            raise EOFError("the file ended early")
        target.write(data)
        count -= len(data)


def read_xtc(xtc: Path, n_atoms: int) -> np.ndarray:
    """Whole frames (frames, atoms, 3) of an XTC file, whose end may be torn, up to the first that has lost atoms."""
    import chemfiles

    found = []
    trajectory = chemfiles.Trajectory(str(xtc))
    try:
        for k in range(len(xtc_offsets(xtc)) - 1):
            frame = trajectory.read_step(k)  # its positions are a view that dies with it
            if len(frame.atoms) != n_atoms:
                break
            found.append(np.array(frame.positions))
    finally:
        trajectory.close()
    return np.array(found).reshape(-1, n_atoms, 3)
