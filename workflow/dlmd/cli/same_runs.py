"""The same run twice is no second run: its interval would be too narrow, and its point would count double."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from dlmd.base.errors import DlmdError

_REMEDY = "give each run once"
_TOPOLOGY = "--topology"


def refuse_same_files(runs: Sequence[Sequence[Path]]) -> None:
    """Raises DlmdError where two runs have a trajectory file in common, by its content."""
    from dlmd.base.provenance import content_of, file_record

    seen: dict[tuple, tuple[int, Path]] = {}
    for number, files in enumerate(runs):
        for path in files:
            beside = path.with_suffix(".dcd")
            record = file_record(beside if path.suffix == ".json" and beside.is_file() else path)
            first, name = seen.setdefault(content_of(record), (number, path))
            if first != number:
                raise DlmdError(f"the same run twice: {name} and {path}", remedy=_REMEDY)


def refuse_same_results(results: Sequence[Mapping], names: Sequence[str | Path]) -> None:
    """Raises DlmdError where two results have a trajectory file in common, or are one result."""
    seen: dict[object, str] = {}
    for result, name in zip(results, names, strict=True):
        for what in (Path(name).resolve(), *_trajectory_files(result.get("provenance") or {})):
            if seen.setdefault(what, str(name)) != str(name):
                raise DlmdError(f"the same run twice: {seen[what]} and {name}", remedy=_REMEDY)
    if len({str(name) for name in names}) < len(names):
        raise DlmdError("the same result twice", remedy=_REMEDY)


def _trajectory_files(provenance: Mapping) -> set[tuple]:
    """Sizes and checksums of the files of a result, without the topology, which many runs may share."""
    from dlmd.base.provenance import content_of

    try:
        words = shlex.split(provenance.get("command") or "")
    except ValueError:  # a command that somebody else wrote
        words = []
    topologies = {
        str(Path(after if word == _TOPOLOGY else word.removeprefix(f"{_TOPOLOGY}=")))
        for word, after in zip_longest(words, words[1:], fillvalue="")
        if word == _TOPOLOGY or word.startswith(f"{_TOPOLOGY}=")
    }
    inputs = provenance.get("inputs") or []
    return {content_of(record) for record in inputs if record.get("path") not in topologies}
