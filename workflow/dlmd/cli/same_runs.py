"""The same run twice is no second run: its interval would be too narrow, and its point would count double."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dlmd.base.errors import DlmdError

_REMEDY = "give each run once"


def refuse_same_files(runs: Sequence[Sequence[Path]]) -> None:
    """Raises DlmdError where two runs have a trajectory file in common, by its content."""
    from dlmd.base.provenance import file_record

    seen: dict[tuple, tuple[int, Path]] = {}
    for number, files in enumerate(runs):
        for path in files:
            beside = path.with_suffix(".dcd")
            record = file_record(beside if path.suffix == ".json" and beside.is_file() else path)
            content = tuple(str(value) for key, value in record.items() if key != "path")
            first, name = seen.setdefault(content, (number, path))
            if first != number:
                raise DlmdError(f"the same run twice: {name} and {path}", remedy=_REMEDY)


def refuse_same_results(results: Sequence[Mapping], names: Sequence[str | Path]) -> None:
    """Raises DlmdError where two results are of the same files, or are one result."""
    seen: dict[object, str] = {}
    for result, name in zip(results, names, strict=True):
        inputs = result.get("provenance", {}).get("inputs", [])
        contents = frozenset(
            tuple(str(value) for key, value in record.items() if key != "path") for record in inputs
        )
        for what in (Path(name).resolve(), contents):
            if what and seen.setdefault(what, str(name)) != str(name):
                raise DlmdError(f"the same run twice: {seen[what]} and {name}", remedy=_REMEDY)
    if len({str(name) for name in names}) < len(names):
        raise DlmdError("the same result twice", remedy=_REMEDY)
