"""What a CIF says itself of charges and composition."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

_ION = re.compile(r"([A-Z][a-z]?)(?:(\d*\.?\d*)([+-])|([+-])(\d*\.?\d*))")


def tags(cif: str | Path) -> dict[str, Any]:
    """Lower-case tags of the first data block with atom sites; empty where there is none."""
    from pymatgen.io.cif import CifFile

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blocks = CifFile.from_str(Path(cif).read_text(encoding="utf-8-sig", errors="replace")).data.values()
    for block in blocks:
        found = {key.lower(): value for key, value in block.data.items()}
        if "_atom_site_fract_x" in found:
            return found
    return {}


def charges(cif: str | Path) -> dict[str, float]:
    """Element -> oxidation number, from `_atom_type_oxidation_number` or symbols such as Li1+; the mean where a CIF has several.

    An element without one is left out.
    """
    found = tags(cif)
    symbols, numbers = found.get("_atom_type_symbol"), found.get("_atom_type_oxidation_number")
    of_type: dict[str, float] = {}
    if isinstance(symbols, list) and isinstance(numbers, list):
        for symbol, text in zip(symbols, numbers, strict=False):
            value = _float(text)
            if value is not None:
                of_type[str(symbol)] = value
    on_sites = found.get("_atom_site_type_symbol")
    amounts: dict[str, list[tuple[float, float]]] = {}
    for i, symbol in enumerate(on_sites if isinstance(on_sites, list) else []):
        match = re.match(r"[A-Z][a-z]?", str(symbol))
        value = of_type.get(str(symbol), _written(str(symbol)))
        if match and value is not None:
            amounts.setdefault(match.group(), []).append((value, _weight(found, i)))
    return {
        element: float(np.average([q for q, _ in rows], weights=[w for _, w in rows]))
        for element, rows in amounts.items()
        if sum(w for _, w in rows) > 0
    }


def _weight(found: dict[str, Any], i: int) -> float:
    """Atoms that a row stands for, as far as it says."""
    weight = 1.0
    for tag in (
        "_atom_site_occupancy",
        "_atom_site_symmetry_multiplicity",
        "_atom_site_site_symmetry_multiplicity",
    ):
        column = found.get(tag)
        value = _float(column[i]) if isinstance(column, list) and i < len(column) else None
        weight *= 1.0 if value is None else value
    return weight


def _written(symbol: str) -> float | None:
    """+1 of 'Li1+', 'Li+1' or 'Li+'; None of 'Li' or 'Li1'."""
    match = _ION.fullmatch(symbol)
    if not match:
        return None
    size = match.group(2) or match.group(5) or "1"
    return float(size) * (1 if "+" in (match.group(3) or match.group(4)) else -1)


def _float(text: object) -> float | None:
    try:
        return float(re.sub(r"\(\d*\)", "", str(text)))
    except ValueError:
        return None
