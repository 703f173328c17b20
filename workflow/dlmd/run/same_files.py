"""Whether labels that are there were made with the pseudopotentials that a level's files hold today.

Snakemake compares settings, which have names of files; every label has the beginning of their hashes too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from dlmd.base.errors import DlmdError
from dlmd.run import tree

FRAMES = (tree.AIMD_FRAMES, tree.SLOT_FRAMES, tree.RELAXED)


def require(run: str, level: str, theory: Mapping[str, Any], *, where: str) -> None:
    """That no label of the level was made with other editions of its pseudopotentials.

    Raises
    ------
    DlmdError
        naming the first element with another edition, and a result that has it.
    """
    today = theory.get("pseudopotentials", {})
    for path, made in _made(run, level):
        for element, edition in made.items():
            own = today.get(element)
            if own is not None and own != edition and own.split()[0] == edition.split()[0]:
                raise DlmdError(
                    f"{own.split()[0]} of {element} is another file (SHA-256 {own.split()[1]}) than the one that results of "
                    f"this level were made with ({edition.split()[1]})",
                    where=f"{where}, key pseudopotentials; {path}",
                    remedy=f"put the former file back, give the level another name, or move {tree.LABELS}/{level} away",
                )


def _made(run: str, level: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """Results of a level with the pseudopotentials that they were made with."""
    home = Path(tree.home(run))
    for path in sorted(chain.from_iterable(home.glob(_pattern(p, level)) for p in FRAMES)):
        theory = _theory(
            path.with_name(Path(tree.RELAX_RECORD).name) if path.name == "relaxed.extxyz" else path
        )
        if isinstance(theory.get("pseudopotentials"), dict):
            yield path, theory["pseudopotentials"]


def _pattern(pattern: str, level: str) -> str:
    return re.sub(r"\{\w+\}", "*", tree.fill(pattern, level=level))


def _theory(path: Path) -> dict[str, Any]:
    """What the record of a relaxation or the first of some frames says; empty where it says nothing."""
    from ase.io.extxyz import key_val_str_to_dict

    try:
        if path.suffix == ".json":
            return dict(json.loads(path.read_text(encoding="utf-8"))["theory"])
        with path.open(encoding="utf-8") as file:
            file.readline()
            theory = key_val_str_to_dict(file.readline()).get("theory", {})
        return dict(json.loads(theory) if isinstance(theory, str) else theory)
    except (OSError, ValueError, LookupError, TypeError):
        return {}
