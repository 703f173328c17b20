"""Clear up after a job that can no longer do it: run as a script, with the folder of the job's scratch files.

Its input is a pipe that only the job holds, so that it ends however the job ends. A line `+7` says that the process group 7 runs
for the job, `-7` that it has ended. At the end of the input the groups that still run are ended and the folder is removed.
A scheduler's SIGTERM goes to every process of a job; this one passes over it, because its work begins then.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable

# what a program may take to end in good order
PATIENCE_S = 5.0


def end_groups(groups: Iterable[int], *, patience_s: float = PATIENCE_S) -> None:
    """Send SIGTERM to every process of these groups, and SIGKILL to what is left of them after `patience_s`."""
    left = {group for group in groups if _send(group, signal.SIGTERM)}
    end = time.monotonic() + patience_s
    while left and time.monotonic() < end:
        time.sleep(0.05)
        left = {group for group in left if _send(group, 0)}
    for group in left:
        _send(group, signal.SIGKILL)


def _send(group: int, number: int) -> bool:
    """Whether there was such a group."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main(folder: str) -> None:
    """Wait for the end of the input, then clear up."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    running: set[int] = set()
    for line in sys.stdin:
        (running.add if line[0] == "+" else running.discard)(int(line[1:]))
    end_groups(running)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
