"""Result files: written so that a killed job leaves none that is half written, and read with an error that names the file."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

from dlmd.errors import DlmdError


def write_json(path: Path, data: Mapping) -> None:
    """Write `data` so that the file is either absent or whole."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


def read_json(path: str | Path, *, remedy: str = "delete it; the rule that wrote it writes it again") -> dict:
    """What `write_json` wrote.

    Raises
    ------
    DlmdError
        for a damaged file, with `remedy` as what to do about it.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DlmdError(f"no valid JSON: {error}", where=str(path), remedy=remedy) from error


def read_csv(path: str | Path) -> list[dict]:
    """Rows of a CSV file."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
