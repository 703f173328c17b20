"""One writer per folder: a job owns the folder it writes to, refuses where the owner lives, and takes over from a dead one.

A scheduler that is killed leaves its jobs running, and the next one starts the same jobs again: both would write to one
trajectory. File locks (flock) do not reach from node to node on many cluster file systems, so the owner is a file: it is
renewed while its owner lives, and whether it is renewed is what a job on another node looks at. Clocks are not compared.
"""

from __future__ import annotations

import json
import os
import random
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dlmd.base.errors import DlmdError

OWNER = "owner.json"
RENEWAL_S = 10.0
# an owner on another node is dead when its file stays as it is for this long
SILENCE_S = 4 * RENEWAL_S
# pauses before a file that cannot be read is read again
READ_AGAIN_S = (0.2, 1.0, 3.0)
OWNER_KEYS = {"token", "host", "machine", "pid", "started"}


@contextmanager
def owned(
    folder: str | Path,
    *,
    name: str = OWNER,
    renewal_s: float = RENEWAL_S,
    silence_s: float = SILENCE_S,
    lost: Callable[[], None] | None = None,
) -> Iterator[None]:
    """Own `folder` within the block.

    Parameters
    ----------
    folder
        Where the block writes; it is made if it is not there.
    name
        The owner's file in it.
    renewal_s, silence_s
        Time between renewals, and how long an owner elsewhere may be silent before it counts as dead.
    lost
        Called (from another thread) when the file has become somebody else's; default: this process ends at once,
        with its programs, before two write to one file.

    Raises
    ------
    DlmdError
        if another process owns it and lives.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    owner = _identity()
    _acquire(path, owner, silence_s=silence_s)
    stop = threading.Event()
    keeper = threading.Thread(
        target=_keep, args=(path, owner, stop, renewal_s, lost or _end_process), daemon=True
    )
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()
        _release(path, owner)


def _release(path: Path, owner: dict) -> None:
    """Delete the owner's file; where that cannot be done now, it is a dead owner's for the next job."""
    try:
        if (_read(path) or {}).get("token") == owner["token"]:
            path.unlink(missing_ok=True)
    except OSError as error:
        print(f"{path}: not deleted ({error.strerror})", file=sys.stderr)


def write_owner(path: str | Path) -> None:
    """Write who this process is, for `look`; nothing renews it."""
    Path(path).write_text(json.dumps(_identity()))


def look(path: str | Path) -> dict | None:
    """Who owns a folder, from its owner file `path`, without touching it; None where the file is gone.

    Returns
    -------
    host, pid, job (Slurm's number or None); `state`: 'alive', 'dead', or, where the owner is on another machine and its clock is
    all there is, 'silent for N s' after `SILENCE_S`, else 'alive'.
    """
    path = Path(path)
    try:
        found = _read(path)
        silent = time.time() - path.stat().st_mtime if found else 0.0
    except OSError:
        return None
    if found is None:
        return None
    if found["machine"] == _machine():
        state = "alive" if _start_time(found["pid"]) == found["started"] else "dead"
    else:
        state = "alive" if silent < SILENCE_S else f"silent for {silent:.0f} s"
    return {key: found.get(key) for key in ("host", "pid", "job")} | {"state": state}


def _identity() -> dict:
    return {
        "token": uuid.uuid4().hex,
        "host": socket.gethostname(),
        "machine": _machine(),
        "pid": os.getpid(),
        "started": _start_time(os.getpid()),
        "job": os.environ.get("SLURM_JOB_ID"),
        "renewed": 0,
    }


def _machine() -> str:
    """What two processes share if they can see each other's process numbers: this boot and this namespace."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    namespace = Path("/proc/self/ns/pid")
    parts = [
        socket.gethostname(),
        boot.read_text().strip() if boot.exists() else "",
        str(namespace.readlink()) if namespace.is_symlink() else "",
    ]
    return "/".join(parts)


def _start_time(pid: int) -> str | None:
    """Start of the process, which tells it from a later one of the same number; None where there is no such process."""
    try:
        # the command's name, in parentheses, may hold spaces
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _acquire(path: Path, owner: dict, *, silence_s: float) -> None:
    try:
        _create(path, owner)
        return
    except FileExistsError:
        pass
    former = _read_or_explain(path)
    if former is not None and _lives(path, former, silence_s=silence_s):
        job = f", Slurm job {former['job']}" if former.get("job") else ""
        raise DlmdError(
            f"another job writes here: process {former['pid']} on {former['host']}{job}",
            where=str(path.parent),
            remedy="wait for it, or cancel it first (scancel, kill); a scheduler that was killed leaves its jobs running",
        )
    if former is not None:
        print(
            f"{path.parent}: taking over from process {former['pid']} on {former['host']}, which is dead",
            file=sys.stderr,
        )
    _replace(path, owner)
    # If two jobs take over at the same time, the one that writes last owns the folder.
    time.sleep(random.uniform(0.3, 0.6))
    found = _read_or_explain(path)
    if found is None or found["token"] != owner["token"]:
        raise DlmdError(
            "another job has taken this folder over at the same time",
            where=str(path.parent),
            remedy="let that one finish",
        )


def _lives(path: Path, former: dict, *, silence_s: float) -> bool:
    if former["machine"] == _machine():
        return _start_time(former["pid"]) == former["started"]
    print(f"{path.parent}: is its owner on {former['host']} alive? up to {silence_s:.0f} s", file=sys.stderr)
    end = time.monotonic() + silence_s
    while time.monotonic() < end:
        time.sleep(min(1.0, silence_s / 10))
        try:
            now = _read(path)
        except OSError:
            continue
        if now is None:
            return False
        if now != former:
            return True
    return False


def _keep(path: Path, owner: dict, stop: threading.Event, renewal_s: float, lost: Callable[[], None]) -> None:
    while not stop.wait(renewal_s):
        try:
            found = _read(path)
        except OSError as error:
            print(f"{path}: not read ({error.strerror})", file=sys.stderr)
            continue
        if found is not None and found["token"] != owner["token"]:
            lost()
            return
        owner["renewed"] += 1
        # A full disk must not kill the job whose ownership is renewed here. Without renewal another job may take the folder;
        # the check above then ends this one.
        try:
            _replace(path, owner)
        except OSError as error:
            print(f"{path}: not renewed ({error.strerror})", file=sys.stderr)


def _end_process() -> None:
    print("this job's folder has been taken over by another job: ending", file=sys.stderr, flush=True)
    # its programs die with it (dlmd.process.programs)
    os._exit(1)


def _create(path: Path, owner: dict) -> None:
    """Make the file whole at once, or fail where there is one: a link to a finished file does both."""
    draft = path.with_name(f"{path.name}.{owner['token']}")
    draft.write_text(json.dumps(owner))
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:
        # a file system without hard links: the file is made empty and then filled, and whoever reads it in between looks again
        with path.open("x") as file:
            file.write(json.dumps(owner))
    finally:
        draft.unlink()


def _replace(path: Path, owner: dict) -> None:
    draft = path.with_name(f"{path.name}.{owner['token']}")
    draft.write_text(json.dumps(owner))
    draft.replace(path)


def _read_or_explain(path: Path) -> dict | None:
    try:
        return _read(path)
    except OSError as error:
        raise DlmdError(
            f"whether another job writes here cannot be seen: {error.strerror}",
            where=str(path),
            remedy="run again once the file system answers; delete the file only if no such job is alive",
        ) from error


def _read(path: Path) -> dict | None:
    """The owner in the file; None where there is no file, or one that is no owner's.

    Raises
    ------
    OSError
        where the file is there and cannot be read, again and again: a stale handle of a network file system is no dead owner.
    """
    for wait in (*READ_AGAIN_S, None):
        try:
            found = json.loads(path.read_text())
            return found if isinstance(found, dict) and OWNER_KEYS <= found.keys() else None
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            # ValueError: it is being written on a file system that replaces files in two steps, or is damaged for good
            if wait is None:
                if isinstance(error, OSError):
                    raise
                return None
            time.sleep(wait)
    return None
