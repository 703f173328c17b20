"""Where a result came from: fingerprints, the record of its inputs, versions of the packages, and the command."""

from __future__ import annotations

import hashlib
import platform
import shlex
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_MB = 1 << 20
PACKAGES = ("dlmd", "numpy", "scipy", "chemfiles", "pymatgen", "ase")


def fingerprint(*parts: bytes | str) -> str:
    """SHA-256 of `parts` put together (text as UTF-8), as hexadecimal digits.

    Checkpoints store it to know whether they belong to the job that finds them: the parts must not change without need.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
    return digest.hexdigest()


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a whole file, as hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def provenance(
    inputs: Iterable[str | Path], *, command: Sequence[str], packages: Sequence[str] = PACKAGES
) -> dict[str, Any]:
    """JSON-ready record of the input files, package versions and the exact command line."""
    return {
        "command": shlex.join(command),
        "inputs": [file_record(path) for path in inputs],
        "versions": {"python": platform.python_version(), **versions(packages)},
    }


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Versions of the packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def content_of(record: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Size and checksum in a file's record, wherever the file lies."""
    return tuple(sorted((key, value) for key, value in record.items() if key != "path"))


def file_record(path: str | Path) -> dict[str, Any]:
    """Path, size and SHA-256 of a file; of its first and last MB where it has more than two, which the key says."""
    path = Path(path)
    size = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        if size <= 2 * _MB:
            digest.update(file.read())
            key = "sha256"
        else:
            digest.update(file.read(_MB))
            file.seek(-_MB, 2)
            digest.update(file.read(_MB))
            key = "sha256_of_first_and_last_mb"
    return {"path": str(path), "bytes": size, key: digest.hexdigest()}
