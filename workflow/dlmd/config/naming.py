"""Names that become folders."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dlmd.config.model import RunFields

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
LONGEST_NAME = 80


def plain_name(name: str) -> str | None:
    """Why `name` cannot be the name of a folder on every file system; None where it can."""
    if not NAME.fullmatch(name):
        return (
            "use letters, digits, '.', '_' and '-', and begin with a letter or a digit: it becomes a folder"
        )
    if len(name) > LONGEST_NAME:
        return f"use at most {LONGEST_NAME} characters: it becomes a folder"
    return None


def shortened(text: str) -> str:
    """At most `LONGEST_NAME` characters of a text that an error shows, on one line."""
    text = text.replace("\n", "\\n")
    return text if len(text) <= LONGEST_NAME else text[:40] + "..."


def names(cfg: RunFields) -> Iterator[tuple[str, str, str]]:
    """Names become folders, on file systems that may not tell capitals from small letters."""
    structures = cfg.structures
    for path, given in (
        ("structures.occupancies", structures.occupancies),
        ("structures.cells", structures.cells),
        ("levels", cfg.levels),
    ):
        seen: dict[str, str] = {}
        for name in given:
            hint = plain_name(name)
            if hint is not None:
                yield f"{path}.{name}", f"'{shortened(name)}' is no plain name", hint
            other = seen.setdefault(name.lower(), name)
            if other != name:
                yield (
                    f"{path}.{name}",
                    f"'{name}' and '{other}' differ in capitals only",
                    "give them other names: they become folders, which some file systems take for one",
                )
