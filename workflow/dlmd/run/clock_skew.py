"""Files from the future: Snakemake deletes what a job has made of an input that is newer, so that such a job must not begin."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from pathlib import Path

from dlmd.base.errors import DlmdError

# clocks of the nodes of a cluster differ by less; so long is waited for
WAITED_S = 60.0


def require_past(inputs: Iterable[str | Path], *, home: Path) -> None:
    """That no input is newer than now; waits where it is by little.

    Raises
    ------
    DlmdError
        naming the newest of them, with the command that sets the files of the run back.
    """
    newest, path = max(((_changed(Path(p)), Path(p)) for p in inputs), default=(0.0, home))
    ahead = newest - time.time()
    if ahead > WAITED_S:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(newest))
        raise DlmdError(
            f"the file is from the future ({when}): a clock was wrong then, or is now",
            where=str(path),
            remedy=f"set the clock right; or the files back: {_set_back(path, home=home)}",
        )
    if ahead > 0:
        time.sleep(ahead)


def _set_back(path: Path, *, home: Path) -> str:
    """The command (GNU touch) that makes files of the past of all of the run's, in the order in which they were made; or of one
    of the user's."""
    if not path.is_relative_to(home):
        return f"touch {path}"
    newest = max(map(_changed, home.rglob("*")), default=0.0)
    seconds = math.ceil(newest - time.time()) + 1
    return f"find {home} -type f -exec touch -r {{}} -d '-{seconds} seconds' {{}} \\;"


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
