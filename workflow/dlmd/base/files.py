"""Result files: written so that a killed job leaves none that is half written, and read with an error that names the file."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlmd.base.errors import DlmdError

PLAIN = re.compile(r"[A-Za-z0-9_./+@:,=~^%-]+")


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """A path beside `path` to write to. The file takes its place at the end of the block, and only if nothing was raised,
    so that `path` is either absent (or the one before) or whole. It keeps the suffix, by which writers know their format."""
    path = Path(path)
    part = path.with_name(f".part.{path.name}")
    try:
        yield part
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def seen_from(folder: str | Path, path: str | Path) -> str:
    """`path` relative to `folder`, for a program that runs there and cannot read every absolute path.

    LAMMPS splits lines at spaces and reads `$`, quotes and `#` as its own; what leads to the folder is nothing to it this way.

    Raises
    ------
    DlmdError
        where the part that is left has such characters.
    """
    found = os.path.relpath(os.path.realpath(path), os.path.realpath(folder))
    if not PLAIN.fullmatch(found):
        raise DlmdError(
            "LAMMPS cannot read a path with spaces, quotes, $, #, & or letters that are no ASCII",
            where=found,
            remedy="give the folders of the run plain names, or keep potential and results below one folder",
        )
    return found


def write_text(path: str | Path, text: str) -> None:
    """Write `text` (UTF-8) so that the file is either absent or whole."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: str | Path, data: Mapping[str, Any]) -> None:
    """Write `data` so that the file is either absent or whole."""
    write_text(path, json.dumps(data, indent=1) + "\n")


def read_json(
    path: str | Path, *, remedy: str = "delete it; the rule that wrote it writes it again"
) -> dict[str, Any]:
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


def read_result(path: str | Path) -> dict[str, Any]:
    """A result file of the pipeline or of `dlmd transport`, as it was written.

    Raises
    ------
    DlmdError
        for a file that is absent or damaged.
    """
    if not Path(path).is_file():
        raise DlmdError(
            "there is no such result", where=str(path), remedy="`dlmd status` shows what a run has so far"
        )
    return read_json(path)


def write_csv(
    path: str | Path,
    rows: Iterable[Mapping[str, Any]],
    columns: Iterable[str] | None = None,
    *,
    line_end: str = "\r\n",
) -> None:
    """Write rows so that the file is either absent or whole.

    Parameters
    ----------
    columns
        Keys to write, in this order; other keys of a row are left out, and missing ones are empty cells. Without them, the
        keys of the first row.
    line_end
        Of every row; by default that of RFC 4180.
    """
    if columns is None:
        rows = list(rows)
        columns = rows[0]
    columns = list(columns)
    write_table(path, columns, ([row.get(key, "") for key in columns] for row in rows), line_end=line_end)


def write_table(
    path: str | Path, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, line_end: str = "\r\n"
) -> None:
    """Write `rows` of cells below `columns` as CSV, so that the file is either absent or whole."""
    with whole(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator=line_end)
        writer.writerow(columns)
        writer.writerows(rows)


def read_csv(path: str | Path, *, columns: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Rows of a CSV file, which has these `columns` at least.

    Raises
    ------
    DlmdError
        for a file that is damaged: empty, with rows that are cut or longer than the others, or without those columns.
    """
    with Path(path).open(newline="", encoding="utf-8") as file:
        try:
            reader = csv.DictReader(file)
            names, rows = reader.fieldnames or (), list(reader)
        except (UnicodeDecodeError, csv.Error) as error:
            raise _damaged(path, str(error)) from error
    if not names:
        raise _damaged(path, "it is empty")
    if missing := [column for column in columns if column not in names]:
        raise _damaged(path, f"no column {missing[0]}")
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values() or any("\0" in str(cell) for cell in row.values()):
            raise _damaged(path, f"row {number} is not whole")
    return rows


def _damaged(path: str | Path, what: str) -> DlmdError:
    return DlmdError(
        f"the table is damaged: {what}",
        where=str(path),
        remedy="delete it; the rule that wrote it writes it again",
    )
