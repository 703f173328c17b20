"""Crystals of `spelled.py` from the data files in `crystals`: what is published of them, rounded.

A line that begins at the margin is a crystal: `name: space group and setting; cell; charges; source`, as in
`AgCuSe: 225; 6.08 6.08 6.08 90 90 90; Ag+1 Cu+1 Se-2; vesta`. The indented lines below it are its sites: label, element, x, y,
z (fractions as 1/3 too), occupancy. `#` begins a comment, in which the reference stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

FOLDER = Path(__file__).with_name("crystals")


@dataclass(frozen=True)
class Crystal:
    """Space group (number, setting of spglib's table), cell (Å, degrees), charges, sites, and whose spelling the CIF has.

    `sites`: (label, element, x, y, z, occupancy).
    """

    group: tuple[int, str]
    cell: tuple[float, ...]
    charges: dict[str, int]
    sites: tuple[tuple, ...]
    source: str


def read(path: Path) -> dict[str, Crystal]:
    """Name -> crystal of one data file."""
    found: dict[str, Crystal] = {}
    head, sites = "", []
    for line in [*path.read_text(encoding="utf-8").splitlines(), ":"]:
        text = line.partition("#")[0].rstrip()
        if text.startswith(" "):
            label, element, *numbers = text.split()
            sites.append((label, element, *map(number, numbers)))
        elif text:
            if head:
                name, crystal = _crystal(head, tuple(sites))
                found[name] = crystal
            head, sites = text, []
    return found


def number(text: str) -> float:
    """A number, or a fraction such as 1/3."""
    return float(Fraction(text))


def _crystal(head: str, sites: tuple[tuple, ...]) -> tuple[str, Crystal]:
    name, _, rest = head.partition(": ")
    group, cell, charges, source = (part.strip() for part in rest.split(";"))
    symbol, _, setting = group.partition(" ")
    each = re.findall(r"([A-Z][a-z]?)([+-]\d)", charges)
    return name, Crystal(
        (int(symbol), setting), tuple(map(number, cell.split())), {s: int(q) for s, q in each}, sites, source
    )


CRYSTALS = {name: crystal for path in sorted(FOLDER.glob("*.txt")) for name, crystal in read(path).items()}
