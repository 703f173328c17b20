"""Files of arrays: read with an error that names the file, and saved states of which the one before the newest is kept too."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.files import whole

# what numpy raises for files that are cut short or damaged
DAMAGED = (zipfile.BadZipFile, zlib.error, ValueError, EOFError, KeyError, OSError)
_AGAIN = "delete it; the rule that wrote it writes it again"


def read_npz(path: str | Path, *, remedy: str = _AGAIN) -> dict[str, np.ndarray]:
    """All arrays (n, ...) of an npz file by name, read whole.

    Raises
    ------
    DlmdError
        for a file that is absent or damaged.
    """
    try:
        with np.load(path) as stored:
            return {name: stored[name] for name in stored.files}
    except DAMAGED as error:
        raise _unreadable(path, error, remedy) from error


def read_npy(path: str | Path, *, remedy: str = _AGAIN) -> np.ndarray:
    """The array (n, ...) of an npy file.

    Raises
    ------
    DlmdError
        for a file that is absent or damaged.
    """
    try:
        return np.load(path)
    except DAMAGED as error:
        raise _unreadable(path, error, remedy) from error


def _unreadable(path: str | Path, error: Exception, remedy: str) -> DlmdError:
    if isinstance(error, FileNotFoundError):
        return DlmdError("no such file", where=str(path), remedy="run the rule that writes it")
    return DlmdError(f"the file is damaged: {error}", where=str(path), remedy=remedy)


def save_state(path: Path, **arrays: Any) -> None:
    """Save the state of a calculation; the one before stays beside it, for the case that this one is damaged later."""
    with whole(path) as part:
        with part.open("wb") as out:
            np.savez(out, **arrays)
        if path.exists():
            path.replace(_before(path))


def load_state(path: Path, stream: TextIO | None) -> dict[str, np.ndarray] | None:
    """The newest saved state that can be read, arrays (n, ...) by name; None where there is none.

    A damaged one is said to be passed over.
    """
    for candidate in (path, _before(path)):
        if not candidate.exists():
            continue
        try:
            return read_npz(candidate)
        except DlmdError as error:
            if stream:
                print(f"{candidate.name}: {error.what}; it is passed over", file=stream)
    return None


def drop_state(path: Path) -> None:
    """Remove the saved states of a calculation that is over."""
    for candidate in (path, _before(path)):
        candidate.unlink(missing_ok=True)


def _before(path: Path) -> Path:
    return path.with_name(f"{path.name}.before")
