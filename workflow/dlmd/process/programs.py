"""Foreign programs: found beside this Python (never by luck of PATH), run in their own folder, failures explained."""

from __future__ import annotations

import ctypes
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dlmd.base.errors import DlmdError

LOG_LINES = 12
PR_SET_PDEATHSIG = 1  # prctl(2)
WATCH_S = 2.0


class Ended(Exception):
    """A program was ended by the one who watched it, for the reason given."""


def locate(name: str) -> Path:
    """The program `name` of this environment.

    Raises
    ------
    DlmdError
        if the environment does not have it.
    """
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise DlmdError(
            f"the program '{name}' is not in this environment",
            where=str(path.parent),
            remedy='install the pipeline: pip install -e ".[pipeline]"',
        )
    return path


def command(name: str, override: str | None = None, *, ranks: int = 1) -> list[str]:
    """The command line that starts `name`: the config's own ({ranks} in it replaced), or the program of this environment,
    by its own mpirun where there are several ranks."""
    if override:
        return shlex.split(override.replace("{ranks}", str(ranks)))
    program = [str(locate(name))]
    if name == "lmp":
        program = [sys.executable, str(Path(__file__).with_name("start_lammps.py"))]
    return program if ranks == 1 else [str(locate("mpirun")), "-n", str(ranks), *program]


def thread_environment(threads: int) -> dict[str, str]:
    """Environment that keeps BLAS, OpenMP and TensorFlow to `threads` threads."""
    n = str(threads)
    return {
        "OMP_NUM_THREADS": n,
        "OPENBLAS_NUM_THREADS": n,
        "MKL_NUM_THREADS": n,
        "DP_INTRA_OP_PARALLELISM_THREADS": n,
        "DP_INTER_OP_PARALLELISM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }


def run(
    args: Sequence[str],
    *,
    cwd: Path,
    log: Path,
    threads: int,
    env: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
    watch: Callable[[], str | None] | None = None,
) -> bool:
    """Run a program with its output in `log` (appended); it dies with this process.

    Parameters
    ----------
    watch
        Called every `WATCH_S` while the program runs and once after it; a text that it returns ends the program.

    Returns
    -------
    bool
        False if it had to be ended (SIGTERM) because `timeout_s` had passed.

    Raises
    ------
    Ended
        with the text of `watch`.
    DlmdError
        if it cannot be started, or with the last lines of the log if it fails.
    """
    environment = {**os.environ, **thread_environment(threads), **(env or {})}
    with log.open("a") as out:
        out.write(f"$ {shlex.join(args)}\n")
        out.flush()
        try:
            program = subprocess.Popen(
                args,
                cwd=cwd,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment,
                preexec_fn=die_with_parent,
            )
        except OSError as error:
            raise DlmdError(
                f"'{args[0]}' cannot be started: {error.strerror}",
                where=str(cwd),
                remedy="check the command in the config",
            ) from None
        with program:
            try:
                code = _wait(program, timeout_s, watch)
            except subprocess.TimeoutExpired:
                program.terminate()
                program.wait()
                return False
            except BaseException:
                program.terminate()
                raise
    if watch and (found := watch()):
        raise Ended(found)
    if code:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])
        print(tail, file=sys.stderr)
        raise DlmdError(
            f"{Path(args[0]).name} ended with exit code {code}",
            where=str(log),
            remedy="the lines above are the end of its log",
        )
    return True


def _wait(program: subprocess.Popen, timeout_s: float | None, watch: Callable[[], str | None] | None) -> int:
    """The exit code; raises `Ended` as soon as `watch` has something to say."""
    if watch is None:
        return program.wait(timeout_s)
    end = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        left = WATCH_S if end is None else min(WATCH_S, end - time.monotonic())
        try:
            return program.wait(max(0.0, left))
        except subprocess.TimeoutExpired:
            if end is not None and time.monotonic() >= end:
                raise
        if found := watch():
            raise Ended(found)


# loaded here: the child between fork and exec must do no more than the call
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """In the child: be sent SIGTERM when the parent dies, however it dies. Else the program of a killed job writes on."""
    if _LIBC:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
