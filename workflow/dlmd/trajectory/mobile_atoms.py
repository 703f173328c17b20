"""Which atoms are the mobile ions: all of an element, those of a LAMMPS type, or atoms by their numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from dlmd.base.carriers import elements
from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.trajectory.names import element_of

TYPE = re.compile(r"type[ :=]*(\S+)$", re.IGNORECASE)
NUMBERS = re.compile(r"(\d+)(?:-(\d+))?$")


def chosen(
    mobile: str, symbols: Sequence[str], *, types: Sequence[str] | np.ndarray | None, where: str
) -> tuple[dict[str, np.ndarray], list[str]]:
    """(ions,) indices of the mobile ions of each element, and notes.

    Parameters
    ----------
    mobile
        Elements ("Li", "Li,Na"), types ("type 2"), or numbers of atoms from 1 in the order of their ids ("1-48,60").

    types
        LAMMPS types of all atoms, or their labels, where these are known.

    Raises
    ------
    DlmdError
        for a part that names no atom.
    """
    parts = elements(mobile)
    if not parts:
        raise DlmdError("no mobile ions are named", remedy="give an element, such as Li")
    taken = np.zeros(len(symbols), dtype=bool)
    order: dict[str, None] = {}
    selected = False
    for part in parts:
        index = _atoms_of(part, types, symbols, where)
        selected |= bool(TYPE.match(part) or NUMBERS.match(part))
        taken[index] = True
        order.update(dict.fromkeys(symbols[i] for i in index))
    kinds = np.array(symbols)
    found = {kind: np.flatnonzero(taken & (kinds == kind)) for kind in order}
    if not selected:
        return found, []
    counts = Counter(symbols)
    told = ", ".join(f"{len(index)} of {counts[kind]} {kind}" for kind, index in found.items())
    return found, [f"mobile by {mobile}: {told}; all other atoms are the host"]


def _atoms_of(
    part: str, types: Sequence[str] | np.ndarray | None, symbols: Sequence[str], where: str
) -> np.ndarray:
    """Indices of one part of a selection."""
    numbers, kind = NUMBERS.match(part), TYPE.match(part)
    if numbers:
        first, last = int(numbers[1]), int(numbers[2] or numbers[1])
        if not 1 <= first <= last <= len(symbols):
            raise DlmdError(
                f"mobile atoms {part}: the atoms are 1 to {len(symbols)}",
                where=where,
                remedy="number the atoms from 1, in the order of their ids",
            )
        return np.arange(first - 1, last)
    if kind:
        return _of_type(kind[1], types, where)
    name = part if part in symbols or part.isalpha() else element_of(part) or part
    return mobile_atoms(symbols, name, where=where)


def _of_type(kind: str, types: Sequence[str] | np.ndarray | None, where: str) -> np.ndarray:
    if types is None:
        raise DlmdError(
            f"mobile type {kind}: the file has no types",
            where=where,
            remedy="name the element, or the atoms' numbers, such as --mobile 1-48",
        )
    named = np.array([str(t) for t in types])
    found = np.flatnonzero(named == kind)
    if not len(found):
        raise DlmdError(
            f"no atoms of type {kind}; there are types {', '.join(sorted(set(named)))}",
            where=where,
            remedy="name one of them",
        )
    return found


def mobile_atoms(symbols: Sequence[str], mobile: str, *, where: str) -> np.ndarray:
    """(ions,) indices of the ions of one mobile element.

    Raises
    ------
    DlmdError
        where there are none.
    """
    found = np.flatnonzero(np.array(symbols) == mobile)
    if len(found):
        return found
    counts = Counter(symbols)
    there = ", ".join(f"{kind} {n}" for kind, n in sorted(counts.items()))
    remedy = did_you_mean(mobile.capitalize(), sorted(counts))
    if set(counts) == {"C"}:
        remedy = "C is LAMMPS' default for all types: give --topology FILE, or --species with counts, such as 16*Li 24*Cl"
    raise DlmdError(f"no atoms of species '{mobile}'; there are {there}", where=where, remedy=remedy)
