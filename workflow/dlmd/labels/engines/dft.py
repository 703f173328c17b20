"""What the DFT engines share: checked settings, the range of moments, folders and failures of foreign programs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import (
    ValidationError,
)

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.config.levels.dft import RENAMED, DftSettings
from dlmd.config.levels.origin import Origin

LAST_LINES = 15


S = TypeVar("S", bound=DftSettings)


def validated(model: type[S], settings: Mapping[str, Any], *, engine: str) -> S:
    """The settings of a level, as the config has them or as rules record them, as `model`.

    Raises
    ------
    DlmdError
        naming the first unknown key or wrong value.
    """
    known = {key: value for key, value in settings.items() if key not in Origin.model_fields}
    settings = model.HANDED.from_record(known)
    for key in settings:
        if RENAMED.get(key, key) not in model.model_fields:
            raise DlmdError(
                f"the engine {engine} has no key '{key}'",
                where="the level",
                remedy=did_you_mean(key, model.model_fields),
            )
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise DlmdError(
            f"{place} is {first['input']!r}: {first['msg']}" if place else first["msg"],
            where="the level",
            remedy="see config/README.md",
        ) from None


def moments_in_range(
    symbols: Iterable[str], moments: Sequence[float] | None, ranges: Mapping[str, tuple[float, float]]
) -> bool | None:
    """Whether every |moment| (Bohr magnetons) lies in the range of its element; None where nothing can be judged."""
    if not ranges or moments is None:
        return None
    return all(
        ranges[s][0] <= abs(m) <= ranges[s][1] for s, m in zip(symbols, moments, strict=True) if s in ranges
    )


def judged(
    results: dict[str, Any],
    symbols: Iterable[str],
    settings: DftSettings,
    moments: Any = None,
) -> dict[str, Any]:
    """`results` of a step with its moments, where there are any, and the key `moments_in_range` where the level sets a range."""
    if moments is not None:
        results = results | {"magmoms": moments}
    verdict = moments_in_range(symbols, results.get("magmoms"), settings.moment_range)
    return results if verdict is None else results | {"moments_in_range": verdict}


def one_thread_per_rank() -> None:
    """Keep programs started from here from taking a thread per core in each of their ranks."""
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def own_folder(owner: object, parent: Path | None, *, prefix: str) -> Path:
    """A new folder for a program's files, removed together with `owner`.

    Parameters
    ----------
    parent
        Folder it is made in; the machine's temporary folder (TMPDIR) where None.

    Raises
    ------
    DlmdError
        where it cannot be made.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True)
    except OSError as error:
        raise DlmdError(
            f"no folder can be made for the program's files: {error.strerror}",
            where=str(parent or tempfile.gettempdir()),
            remedy="set scratch of the level to a folder that exists, or TMPDIR",
        ) from None
    weakref.finalize(owner, folder.cleanup)
    return Path(folder.name)


def show_end(output: Path) -> None:
    """Print the last lines of a program's output into the job's log: its folder will be gone."""
    if output.exists():
        lines = output.read_text(errors="replace").splitlines()[-LAST_LINES:]
        print(f"--- end of {output.name}", *lines, "---", sep="\n", file=sys.stderr)


@contextmanager
def end_shown(output: Path) -> Iterator[None]:
    """Show the end of a program's output where what it says is refused."""
    try:
        yield
    except DlmdError:
        show_end(output)
        raise


def first_output(command: Sequence[str]) -> str:
    """What a program prints when it is started without input (stdout and stderr); for its version.

    Raises
    ------
    DlmdError
        if it cannot be started.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            return subprocess.run(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
            ).stdout
        except OSError as error:
            raise cannot_start(command[0], error) from None


def cannot_start(program: str, error: OSError) -> DlmdError:
    """The error for a program that is not there or not executable."""
    return DlmdError(
        f"'{program}' cannot be started: {error.strerror}",
        where="key command of the level",
        remedy="give the program's path, or load its module in the job",
    )
