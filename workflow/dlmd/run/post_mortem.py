"""After a job has failed: is one of its inputs damaged? Then that is the reason to tell, and the file to name.

Readers check what they can. What they cannot tell from other failures, or only some library notices with an error of its own, is
looked for here, where it costs nothing unless something went wrong.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from dlmd.base.errors import DlmdError, first_line
from dlmd.run import tree

# a file of text does not hold it
NUL = b"\0"
# longer files are left to their readers
LARGEST_BYTES = 1 << 28
# frames of which a part of the dataset, or a round of learning, may have none
MAY_BE_EMPTY = [re.sub(r"{\w+}", "*", path) for path in (tree.GIVEN_FRAMES, tree.LEARNED_FRAMES)]


def damaged_input(paths: Iterable[str | Path]) -> DlmdError | None:
    """What is wrong with the first input that is damaged; None where none is, as far as can be seen."""
    for path in map(Path, paths):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            what = damage(file)
            if what:
                return DlmdError(
                    f"the file is damaged: {what}",
                    where=str(file),
                    remedy="get it back from a copy, or delete it and run again: the rule that wrote it writes it again",
                )
    return None


def damage(path: Path) -> str | None:
    """What is wrong with a file in itself; None where nothing is seen."""
    if not path.is_file() or path.stat().st_size > LARGEST_BYTES:
        return None
    size = path.stat().st_size
    if size == 0:
        if any(path.match(pattern) for pattern in MAY_BE_EMPTY):
            return None
        return "it is empty" if path.suffix in (*_READERS, *_BINARY) else None
    if path.suffix in _READERS:
        data = path.read_bytes()
        if NUL in data:
            return f"it has zeros where text should be, from byte {data.index(NUL)}"
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            return f"it is no text at byte {error.start}"
        return _said(_READERS[path.suffix], text)
    return _said(_BINARY[path.suffix], path) if path.suffix in _BINARY else None


def _said(read: Callable, given: str | Path) -> str | None:
    try:
        read(given)
    except DlmdError as error:
        return error.what.removeprefix("the file is damaged: ")
    except Exception as error:
        return first_line(error)
    return None


def _csv(text: str) -> None:
    if not text.endswith("\n"):
        raise ValueError("its last line is cut")
    lengths = {len(row) for row in csv.reader(io.StringIO(text))}
    if len(lengths) > 1:
        raise ValueError(f"its rows have {min(lengths)} to {max(lengths)} columns")


def _extxyz(text: str) -> None:
    import ase.io

    ase.io.read(io.StringIO(text), ":", format="extxyz")
    if not text.endswith("\n"):
        raise ValueError("its last line is cut")


def _data(text: str) -> None:
    """A data file of LAMMPS: its atoms are as many as it says."""
    lines = [line.split("#")[0].split() for line in text.splitlines()]
    counts = [int(words[0]) for words in lines[1:] if words[1:] == ["atoms"]]
    starts = [i for i, words in enumerate(lines) if words[:1] == ["Atoms"]]
    if not counts or not starts:
        raise ValueError("no data file of LAMMPS")
    rows = [words for words in lines[starts[0] + 1 :] if words]
    if len(rows) < counts[0] or any(len(words) < 5 for words in rows[: counts[0]]):
        raise ValueError(f"it has {len(rows)} of {counts[0]} atoms")


def _restart(path: Path) -> None:
    from dlmd.md.parts import RESTART_MAGIC

    data = path.read_bytes()
    if not (data.startswith(RESTART_MAGIC) and RESTART_MAGIC in data[-64:]):
        raise ValueError("a restart file of LAMMPS begins and ends otherwise")


def _array(path: Path) -> None:
    from dlmd.base.arrays import read_npy, read_npz

    (read_npz if path.suffix == ".npz" else read_npy)(path)


def _dcd(path: Path) -> None:
    from dlmd.trajectory.binary import dcd_layout

    _, header, record = dcd_layout(path)
    if (path.stat().st_size - header) % record:
        raise ValueError("its last frame is cut")


def _xtc(path: Path) -> None:
    from dlmd.trajectory.binary import xtc_offsets

    if xtc_offsets(path)[-1] != path.stat().st_size:
        raise ValueError("its last frame is cut")


def _model(path: Path) -> None:
    """A frozen graph of TensorFlow: messages of protobuf, one after the other, to the very end."""
    data = path.read_bytes()
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 == 2:
            length, at = _varint(data, at)
        elif tag & 7 == 0:
            length, (_, at) = 0, _varint(data, at)
        else:
            raise ValueError("no frozen graph of TensorFlow")
        at += length
        # of a graph: nodes, library, old version, versions, debug information
        if tag >> 3 not in (1, 2, 3, 4, 5) or at > len(data):
            raise ValueError(f"the graph is cut or broken near byte {min(at, len(data))} of {len(data)}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("the graph is cut or broken")
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 128:
            return value, at


_READERS: dict[str, Callable[[str], object]] = {
    ".json": json.loads,
    ".csv": _csv,
    ".extxyz": _extxyz,
    ".data": _data,
    ".cif": str,
    ".yaml": str,
    ".txt": str,
}
_BINARY: dict[str, Callable[[Path], object]] = {
    ".npz": _array,
    ".npy": _array,
    ".dcd": _dcd,
    ".xtc": _xtc,
    ".restart": _restart,
    ".pb": _model,
}
