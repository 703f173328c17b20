"""Checksums of what jobs have written, checked by the jobs that read it: a file that was cut, zeroed or edited since is refused.

The record of a file lies below `.checksums` in the folder of the run, at the same place. A file without one is read unchecked:
the user's own files, and results that were made before there were records.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json, write_text
from dlmd.base.provenance import file_sha256
from dlmd.run import tree

# a file system of many nodes may still show a job what was there before
READ_AGAIN_S = (1.0, 4.0)
# longer files are trajectories of one's own
LARGEST_BYTES = 1 << 28
# trajectories whose checksums are in their sidecars, against which they are held when they are read (`dlmd.trajectory.segments`)
TRAJECTORIES = {".dcd": "dcd", ".xtc": "xtc"}
# Snakemake puts it into a folder when the job has ended
NOT_THE_JOBS = ".snakemake_timestamp"


def forget(outputs: Iterable[str | Path], *, home: Path) -> None:
    """Remove the records of files that are about to be written, so that a killed job leaves none that is wrong."""
    for path in outputs:
        record = record_of(path, home=home)
        if record is not None:
            record.unlink(missing_ok=True)


def remember(outputs: Iterable[str | Path], *, home: Path) -> None:
    """Record what a job has written below `home`: a line for a file, and one for every file of a folder.

    Trajectories that a sidecar among them vouches for have no other record: they are long, and would be read twice.
    """
    written = list(map(Path, outputs))
    vouched = {path for path in written if path.suffix in TRAJECTORIES and _has_sidecar(path, written)}
    for path in written:
        if path in vouched:
            continue
        record, found = record_of(path, home=home), _digests(Path(path))
        if record is not None and found:
            record.parent.mkdir(parents=True, exist_ok=True)
            write_text(record, "".join(f"{digest}  {name}\n" for name, digest in found.items()))


def _has_sidecar(trajectory: Path, outputs: Iterable[Path]) -> bool:
    """Whether the sidecar of a trajectory is among the outputs, and has its checksum."""
    sidecar = trajectory.with_suffix(".json")
    if sidecar not in outputs:
        return False
    found = read_json(sidecar, remedy="delete it and run again")
    key = TRAJECTORIES[trajectory.suffix]
    return isinstance(found, dict) and found.get(key) == trajectory.name and key in found.get("sha256", {})


def require_same(inputs: Iterable[str | Path], *, home: Path) -> None:
    """That the inputs of a job are as they were written.

    Raises
    ------
    DlmdError
        naming the first file that is not.
    """
    for path in map(Path, inputs):
        record = record_of(path, home=home)
        if record is None or not record.is_file():
            continue
        written = dict(line.split("  ", 1)[::-1] for line in record.read_text(encoding="utf-8").splitlines())
        for wait in (*READ_AGAIN_S, None):
            found = _digests(path)
            other = sorted(name for name in {*found, *written} if found.get(name) != written.get(name))
            if not other or not found:
                break
            if wait is None:
                file = path / other[0] if path.is_dir() else path
                raise DlmdError(
                    "the file is damaged, or was changed since it was written: its checksum is another one",
                    where=str(file),
                    remedy=f"get it back from a copy, or delete {path} and run again; if the change is meant, delete {record}",
                )
            time.sleep(wait)


def record_of(path: str | Path, *, home: Path) -> Path | None:
    """Where the record of a file is; None for files that are not the run's."""
    path = Path(path)
    if path == home or not path.is_relative_to(home):
        return None
    return home / tree.CHECKSUMS / path.relative_to(home).with_name(f"{path.name}.sha256")


def _digests(path: Path) -> dict[str, str]:
    """SHA-256 of a file, or of all files of a folder, by name; nothing for what is not there or too long."""
    if path.is_dir():
        files = {
            file.relative_to(path).as_posix(): file
            for file in sorted(path.rglob("*"))
            if file.is_file() and file.name != NOT_THE_JOBS
        }
        return {name: file_sha256(file) for name, file in files.items()}
    if not path.is_file() or path.stat().st_size > LARGEST_BYTES:
        return {}
    return {path.name: file_sha256(path)}
