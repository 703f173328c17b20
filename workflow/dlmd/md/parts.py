"""Parts of a segment: what the attempts at it left, where the next one goes on, and how they are joined.

A segment works in `NNNN.parts/`, one part per attempt; an attempt starts at the last whole restart file of the ones before.
The joined files are checked against the counts that they must have.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dlmd.base.errors import DlmdError
from dlmd.md.inputs import Strides
from dlmd.trajectory import binary

# LAMMPS ends (and begins) every restart file with this
RESTART_MAGIC = b"LammpS RestartT"
# restart file of the segment's last step
END = "end.restart"


@dataclass(frozen=True)
class Segment:
    """Segment `number` (from 1) of the run in `folder`, from step `first` to step `last`."""

    folder: Path
    number: int
    first: int
    last: int

    @property
    def stem(self) -> str:
        """Name of its files, without endings."""
        return f"{self.number:04d}"

    @property
    def parts(self) -> Path:
        """Where its attempts work."""
        return self.folder / f"{self.stem}.parts"

    @property
    def parent(self) -> Path:
        """Restart file that it begins with."""
        return self.folder / f"{self.number - 1:04d}.restart"

    @property
    def span(self) -> str:
        """Its steps in words."""
        return f"{self.first}..{self.last}"


class Frames(NamedTuple):
    """Stored frames of a whole segment."""

    positions: int
    all_atoms: int


def require_same(parts_dir: Path, mark: str) -> None:
    """Parts of another potential, state or length must not be continued: they are deleted, and that is said."""
    known = parts_dir / "fingerprint"
    if parts_dir.exists() and not (known.exists() and known.read_text() == mark):
        print(
            f"{parts_dir} holds parts of another potential, start or length: starting afresh", file=sys.stderr
        )
        shutil.rmtree(parts_dir)
    parts_dir.mkdir(exist_ok=True)
    known.write_text(mark)


def earlier(parts_dir: Path) -> list[int]:
    """Start steps of the attempts that left a trajectory."""
    return sorted(int(p.stem) for p in parts_dir.glob("*.dcd"))


def resume_point(parts_dir: Path, strides: Strides, last: int) -> tuple[int, Path] | None:
    """Step and file from which the next attempt goes on; None where it has to start afresh.

    It is the latest whole restart file before `last` up to which all frames and rows, of all attempts before, have reached the
    disk and can be read: what LAMMPS still held in its buffers when it was killed is made again."""
    starts = earlier(parts_dir)
    stored = {start: _stored_until(parts_dir, start, strides) for start in starts}
    found = {int(p.suffix[1:]): p for p in parts_dir.glob("restart.*") if p.suffix[1:].isdigit()}
    for step in sorted(found, reverse=True):
        before = [start for start in starts if start < step]
        if step >= last or not before or RESTART_MAGIC not in found[step].read_bytes()[-64:]:
            continue
        if all(stored[a] >= b for a, b in zip(before, [*before[1:], step], strict=True)):
            return step, found[step]
    return None


def _stored_until(parts_dir: Path, start: int, strides: Strides) -> int:
    """The step before which a part has stored all frames and rows."""
    name = f"{start:012d}"
    positions = binary.whole_dcd_frames(parts_dir / f"{name}.dcd")
    try:
        all_atoms = len(binary.xtc_offsets(parts_dir / f"{name}.xtc")) - 1
    except (DlmdError, OSError):
        return start
    until = [start + strides.positions * positions, start + strides.all_atoms * all_atoms]
    for suffix, separator, stride in (
        ("host.txt", None, strides.positions),
        ("thermo.csv", ",", strides.thermo),
    ):
        rows = _rows(parts_dir / f"{name}.{suffix}", separator)[1]
        until.append(max(rows) + stride if rows else start)
    return min(until)


def join(segment: Segment, starts: Sequence[int], strides: Strides) -> Frames:
    """Join the parts that began at the steps `starts`; every one contributes its frames up to the start of the next.

    Raises
    ------
    DlmdError
        where there are not the frames and rows that the segment must have.
    """
    ends = [*starts[1:], segment.last]
    folder, stem = segment.folder, segment.stem

    def counted(suffix: str, stride: int) -> list[tuple[Path, int]]:
        # the frame at a boundary is taken from the later part, the last frame from the last part
        extra = [0] * (len(starts) - 1) + [1]
        return [
            (segment.parts / f"{s:012d}.{suffix}", (e - s) // stride + x)
            for s, e, x in zip(starts, ends, extra, strict=True)
        ]

    dcd_frames = binary.join_dcd(counted("dcd", strides.positions), folder / f"{stem}.dcd.tmp")
    xtc_frames = binary.join_xtc(counted("xtc", strides.all_atoms), folder / f"{stem}.xtc.tmp")
    host = _join_rows([segment.parts / f"{s:012d}.host.txt" for s in starts], ends, separator=None)
    thermo = _join_rows([segment.parts / f"{s:012d}.thermo.csv" for s in starts], ends, separator=",")
    (folder / f"{stem}.host.txt.tmp").write_text(host)
    (folder / f"{stem}.thermo.csv.tmp").write_text(thermo)
    length = segment.last - segment.first
    found = {
        "stored positions": (dcd_frames, strides.positions),
        "frames of all atoms": (xtc_frames, strides.all_atoms),
        "rows of the host": (_count(host), strides.positions),
        "rows of thermo.csv": (_count(thermo), strides.thermo),
    }
    for name, (count, stride) in found.items():
        if count != length // stride + 1:
            raise DlmdError(
                f"segment {segment.number} has {count} {name}, not {length // stride + 1}",
                where=str(segment.parts),
                remedy=f"delete {segment.parts.name} and run again",
            )
    shutil.copyfile(segment.parts / END, folder / f"{stem}.restart.tmp")
    for suffix in ("dcd", "xtc", "host.txt", "thermo.csv", "restart"):
        (folder / f"{stem}.{suffix}.tmp").replace(folder / f"{stem}.{suffix}")
    return Frames(dcd_frames, xtc_frames)


def _count(table: str) -> int:
    return sum(line[:1].isdigit() for line in table.splitlines())


def _join_rows(paths: Sequence[Path], ends: Sequence[int], *, separator: str | None) -> str:
    """Header of the first part, then one row per step; where two parts hold a step, the later part's row."""
    head: list[str] = []
    rows: dict[int, str] = {}
    for i, (path, end) in enumerate(zip(paths, ends, strict=True)):
        found_head, found = _rows(path, separator)
        head = head if i else found_head
        rows |= {step: line for step, line in found.items() if step <= end}
    return "\n".join([*head, *(rows[step] for step in sorted(rows))]) + "\n"


def _rows(path: Path, separator: str | None) -> tuple[list[str], dict[int, str]]:
    """Header lines, and rows by their step; a line that a kill has cut short is none."""
    head: list[str] = []
    rows: dict[int, str] = {}
    for line in path.read_text().splitlines(keepends=True) if path.exists() else ():
        first_field = line.split(separator)[0] if line.strip() else ""
        if not line.endswith("\n"):
            continue
        if first_field.isdigit():
            rows[int(first_field)] = line.rstrip("\n")
        else:
            head.append(line.rstrip("\n"))
    return head, rows
