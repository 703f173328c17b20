"""A folder for a program's files and the programs that run in it; none of them outlives its owner, or this process."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from dlmd.base.errors import DlmdError
from dlmd.process.caretaker import PATIENCE_S
from dlmd.process.ownership import look, write_owner
from dlmd.process.programs import die_with_parent

HERE = Path(__file__).parent
# in every folder: whose it is
OWNER = ".owner.json"


class Scratch:
    """A new folder, removed together with `owner`.

    Where this process ends without doing so (SIGTERM, SIGKILL), a second one does (`dlmd.process.caretaker`), and ends the
    programs that it was told of. Where both are killed at once, as with a scheduler's memory limit, the next one that is made in
    the same place removes what they left.

    Parameters
    ----------
    parent
        Folder it is made in; the machine's temporary folder (TMPDIR) where None.
    before
        Called before the folder is removed: ends what still writes there. It must not refer to `owner`.

    Raises
    ------
    DlmdError
        where it cannot be made.
    """

    def __init__(
        self, owner: object, parent: Path | None, *, prefix: str, before: Callable[[], None] | None = None
    ):
        try:
            temporary = tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True)
        except OSError as error:
            raise DlmdError(
                f"no folder can be made for the program's files: {error.strerror}",
                where=str(parent or tempfile.gettempdir()),
                remedy="set scratch of the level to a folder that exists, or TMPDIR",
            ) from None
        self.folder = Path(temporary.name).absolute()
        write_owner(self.folder / OWNER)
        _sweep(self.folder.parent, prefix)
        # in a session of its own: Ctrl-C is for the job
        self._caretaker = subprocess.Popen(
            [sys.executable, "-I", "-S", str(HERE / "caretaker.py"), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        weakref.finalize(owner, _close, before, temporary, self._caretaker)

    def started(self, pid: int) -> None:
        """A program that leads its own process group runs for this folder."""
        self._tell(f"+{pid}")

    def ended(self, pid: int) -> None:
        """That program has ended."""
        self._tell(f"-{pid}")

    def _tell(self, line: str) -> None:
        # a caretaker that somebody has killed cannot be told; `die_with_parent` is what is left then
        with suppress(OSError):
            print(line, file=self._caretaker.stdin, flush=True)

    def run(self, command: Sequence[str], *, output: Path, errors: Path) -> int:
        """Run a program in the folder to its end; its exit code.

        Raises
        ------
        OSError
            if it cannot be started.
        """
        with output.open("w") as out, errors.open("w") as err:
            program = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                process_group=0,
                preexec_fn=die_with_parent,
            )
            self.started(program.pid)
            try:
                code = program.wait()
            except BaseException:
                end_program(program)
                raise
            finally:
                self.ended(program.pid)
            return code

    def shell_command(self, command: str) -> str:
        """`command` for a shell, in this folder and in a process group of its own; the process that the shell was leads it."""
        return "exec " + shlex.join(
            [sys.executable, "-I", "-S", str(HERE / "start_group.py"), str(self.folder), command]
        )


def end_program(program: subprocess.Popen[Any]) -> None:
    """End a child that leads its own process group, with all of the group."""
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGTERM)
        try:
            program.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(program.pid, signal.SIGKILL)
    program.wait()


def _sweep(place: Path, prefix: str) -> None:
    """Remove the folders of jobs of this user that ended on this machine without clearing up."""
    for left in place.glob(f"{prefix}*"):
        try:
            own = left.stat().st_uid == os.getuid()
            owner = look(left / OWNER) if own and (left / OWNER).is_file() else None
        except OSError:
            continue
        if owner is not None and owner["state"] == "dead":
            print(f"{left}: left behind by process {owner['pid']}, removed", file=sys.stderr)
            shutil.rmtree(left, ignore_errors=True)


def _close(
    before: Callable[[], None] | None,
    temporary: tempfile.TemporaryDirectory[str],
    caretaker: subprocess.Popen[str],
) -> None:
    if before:
        before()
    temporary.cleanup()
    if caretaker.stdin:
        caretaker.stdin.close()
    caretaker.wait()
