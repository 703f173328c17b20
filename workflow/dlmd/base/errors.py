"""The one error type shown to users: what is wrong, where, and how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class DlmdError(Exception):
    """A problem the user can mend, printed in at most three lines and without a traceback.

    Parameters
    ----------
    what
        What was found, with the offending value and, where there is one, the limit.
    where
        File, key or line it was found in.
    remedy
        What to do about it.
    """

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None):
        super().__init__(what)
        self.what, self.where, self.remedy = what, where, remedy

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  in:  {self.where}")
        if self.remedy:
            lines.append(f"  fix: {self.remedy}")
        # a line break comes from the value that the text quotes
        return "\n".join(line.replace("\n", "\\n") for line in lines)


def first_line(error: BaseException) -> str:
    """What an error of a library says in one line, its kind where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def did_you_mean(name: object, options: Iterable[object]) -> str:
    """A hint naming the option nearest to `name`, or all options where none is near."""
    known = [str(option) for option in options]
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known: {', '.join(known)}" if known else "there are none"


def similar_file(path: str | Path) -> str | None:
    """A hint naming the file beside `path` whose name is nearest; None where there is no such folder."""
    wanted = Path(path)
    if not wanted.parent.is_dir():
        return None
    return did_you_mean(wanted.name, sorted(p.name for p in wanted.parent.iterdir()))
