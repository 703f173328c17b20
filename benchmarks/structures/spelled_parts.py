"""What the writers of `spelled.py` and `programs.py` share: symmetry operations, names of groups, rows of all atoms."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import spglib

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "tests/support"), str(Path(__file__).parent)]

from listed_crystals import Crystal  # noqa: E402

from conductors import hall_of  # noqa: E402

CELL = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")


def operations(crystal: Crystal, style: str = "x,y,z") -> list[str]:
    """Symmetry operations: 'x,y,z' or as GSAS writes them, '+x,+y,+z'; translations behind ('1/2+x' in front, with 'front')."""
    found = spglib.get_symmetry_from_database(hall_of(*crystal.group))
    return [
        ",".join(_row(row, t, style) for row, t in zip(rotation, shift, strict=True))
        for rotation, shift in zip(found["rotations"], found["translations"], strict=True)
    ]


def _row(row: Sequence[int], shift: float, style: str) -> str:
    text = "".join(f"{'+' if n > 0 else '-'}{axis}" for n, axis in zip(row, "xyz", strict=True) if n)
    part = Fraction(float(shift)).limit_denominator(12)
    if style == "front" and part:
        return f"{part}{text}"
    text = text if style == "+x,+y,+z" else text.removeprefix("+")
    return f"{text}+{part}" if part else text


def kind(crystal: Crystal) -> spglib.SpaceGroupType:
    """The space group's names."""
    return spglib.get_spacegroup_type(hall_of(*crystal.group))


def spaced(crystal: Crystal) -> str:
    """The name with blanks, as 'P 63/m m c'."""
    full = kind(crystal).international_full if kind(crystal).number < 16 else kind(crystal).international
    name = full.split("=")[0].strip().replace("_", "")
    if " " in name:
        return name
    from pymatgen.symmetry.groups import SpaceGroup

    point = name[1:]
    parts, k = [], 0
    while k < len(point):
        n = (
            2
            if point[k] == "-"
            or (point[k].isdigit() and point[k + 1 : k + 2].isdigit() and int(point[k]) > int(point[k + 1]))
            else 1
        )
        if point[k + n : k + n + 1] == "/":
            n += 2
        parts.append(point[k : k + n])
        k += n
    assert SpaceGroup  # the name is one that pymatgen knows
    return " ".join([name[0], *parts])


def head(crystal: Crystal, digits: str = "") -> list[str]:
    return [
        f"_cell_{tag} {value:g}{digits if value not in (90, 120) else ''}"
        for tag, value in zip(CELL, crystal.cell, strict=True)
    ]


def loop(*columns: str) -> list[str]:
    return ["loop_", *(f"_atom_site_{column}" for column in columns)]


def ion(crystal: Crystal, element: str) -> str:
    """'Li1+', as the ICSD types its atoms."""
    q = crystal.charges[element]
    return f"{element}{abs(q)}{'+' if q > 0 else '-'}"


def occupancy(x: float, digits: str = "") -> str:
    return "1" if x == 1 else f"{x:g}{digits}"


def multiplicities(c: Crystal) -> list[int]:
    from pymatgen.core import SymmOp

    found = []
    for _, _, *x, _ in c.sites:
        images = {
            tuple(round(float(v) % 1.0, 2) % 1.0 for v in SymmOp.from_xyz_str(o).operate(x))
            for o in operations(c)
        }
        found.append(len(images))
    return found


def full_list(c: Crystal) -> list[tuple]:
    """All atoms of the cell."""
    from pymatgen.core import SymmOp

    found = []
    for label, e, *x, n in c.sites:
        images = {}
        for o in operations(c):
            place = [float(v) % 1.0 for v in SymmOp.from_xyz_str(o).operate(x)]
            images.setdefault(tuple(round(v, 2) % 1.0 for v in place), place)
        found += [(label, e, *place, n) for place in images.values()]
    return found
