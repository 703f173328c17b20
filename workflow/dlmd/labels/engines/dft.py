"""What the DFT engines share: checked settings, the range of moments, folders and failures of foreign programs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import (
    ValidationError,
)

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.config.launch import DEFAULT, LevelLaunch
from dlmd.config.levels.dft import RENAMED, DftSettings, told
from dlmd.config.levels.origin import Origin
from dlmd.labels.engines.base import Engine, Unconverged

LAST_LINES = 15
# time for a program to say its version
ANSWER_S = 5.0
LAUNCHERS = {
    "srun",
    "mpirun",
    "mpiexec",
    "mpiexec.hydra",
    "orterun",
    "prun",
    "ibrun",
    "aprun",
    "jsrun",
    "lrun",
    "flux",
}
PROGRAM_NAME = re.compile(r"cp2k|^pw(\.x|$|_)")


S = TypeVar("S", bound=DftSettings)


def validated(
    model: type[S], settings: Mapping[str, Any], *, engine: str, launch: LevelLaunch = DEFAULT
) -> S:
    """The settings of a level, as the config has them or as rules record them, as `model`; over their keywords lie those of
    `launch.electrons`.

    Raises
    ------
    DlmdError
        naming the first unknown key or wrong value.
    """
    aside = {*Origin.model_fields, *model.RECORDED_ONLY}
    known = {key: value for key, value in settings.items() if key not in aside}
    settings = model.HANDED.from_record(known)
    for key in settings:
        if RENAMED.get(key, key) not in model.model_fields:
            raise DlmdError(
                f"the engine {engine} has no key '{key}'",
                where="the level",
                remedy=did_you_mean(key, model.model_fields),
            )
    try:
        level = model.model_validate(dict(settings))
    except ValidationError as error:
        raise DlmdError(told(error), where="the level", remedy="see config/README.md") from None
    try:
        return level.with_electrons(launch.electrons)
    except ValueError as error:
        raise DlmdError(
            told(error), where="key electrons of the level's launch", remedy="see config/README.md"
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
    """`results` of a step with its moments, where there are any, and the key `moments_in_range` where the level sets a range.

    Raises
    ------
    Unconverged
        where a number is none.
    """
    for name in ("energy", "forces", "stress"):
        if name in results and not np.isfinite(results[name]).all():
            raise Unconverged(f"the program gave {name} that are not finite", remedy="check the structure")
    if moments is not None:
        results = results | {"magmoms": moments}
    verdict = moments_in_range(symbols, results.get("magmoms"), settings.moment_range)
    return results if verdict is None else results | {"moments_in_range": verdict}


def numbers(engine: Engine) -> dict[str, Any]:
    """All that decides the results of an engine: its level of theory, and what that leaves out (`DftSettings.apart`)."""
    settings = getattr(engine, "settings", None)
    apart = settings.apart if isinstance(settings, DftSettings) else {}
    return engine.level | ({"apart": apart} if apart else {})


def one_thread_per_rank() -> None:
    """Keep programs started from here from taking a thread per core in each of their ranks."""
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


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


def first_output(command: Sequence[str], *, timeout_s: float | None = None) -> str:
    """What a program prints when it is started without input (stdout and stderr); for its version.

    Parameters
    ----------
    timeout_s
        Time after which it is ended; what it has printed by then is lost.

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
                timeout=timeout_s,
            ).stdout
        except subprocess.TimeoutExpired:
            return ""
        except OSError as error:
            raise cannot_start(command[0], error) from None


def require_version(program: str, banner: str, line: re.Pattern[str], oldest: tuple[int, int]) -> None:
    """That the version in a program's banner is no older than `oldest`; a banner without a version says nothing.

    Parameters
    ----------
    line
        What finds the version: its first two groups are its numbers, the third what follows them.

    Raises
    ------
    DlmdError
        if it is older.
    """
    found = line.search(banner)
    if found and (int(found[1]), int(found[2])) < oldest:
        least = f"{oldest[0]}.{oldest[1]}"
        raise DlmdError(
            f"{program} is version {found[1]}.{found[2]}{found[3].rstrip()}, older than {least}",
            where="the command of the level (launch.levels)",
            remedy=f"use version {least} or newer",
        )


def askable(command: str) -> list[str] | None:
    """What can be run here to learn the version of a level's program; None where that would need a job, or it is not here.

    A launcher such as srun would ask the scheduler for cores, so the program is taken from behind it.
    """
    words = [os.path.expandvars(word) for word in shlex.split(command)]
    if not any(Path(word).name in LAUNCHERS for word in words):
        return words if words and shutil.which(words[0]) else None
    program = next((w for w in words if PROGRAM_NAME.search(Path(w).name) and shutil.which(w)), None)
    return [program] if program else None


def cannot_start(program: str, error: OSError) -> DlmdError:
    """The error for a program that is not there or not executable."""
    return DlmdError(
        f"'{program}' cannot be started: {error.strerror}",
        where="key command of the level",
        remedy="give the program's path, or load its module in the job",
    )
