"""What was written is read again, by a reader of its own, and compared with what was meant."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.labels.vasp import potcar


@dataclass(frozen=True)
class Poscar:
    """The part of a POSCAR or CONTCAR that says what and where; `tail` is the rest (velocities and on)."""

    species: list[str]
    counts: list[int]
    cell: np.ndarray
    scaled: np.ndarray
    tail: list[str]


def parse_incar(text: str) -> dict[str, str]:
    """Tags of an INCAR, values as written, repeats (48*1.0) expanded. Comments and ';' as VASP takes them."""
    tags = {}
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.split(r"[#!]", line)[0].split(";"):
            name, equals, value = part.partition("=")
            if equals:
                tags[name.strip().upper()] = " ".join(_expand(word) for word in value.split())
    return tags


def _expand(word: str) -> str:
    match = re.fullmatch(r"(\d+)\*(\S+)", word)
    return " ".join([match[2]] * int(match[1])) if match else word


def parse_poscar(text: str) -> Poscar:
    """POSCAR or CONTCAR in direct coordinates.

    Raises
    ------
    ValueError
        if it is truncated, has no element line, or is in Cartesian coordinates.
    """
    lines = text.splitlines()
    if len(lines) < 8:
        raise ValueError(f"only {len(lines)} lines")
    scale = float(lines[1])
    cell = scale * np.array([[float(x) for x in line.split()[:3]] for line in lines[2:5]])
    species, counts = lines[5].split(), [int(n) for n in lines[6].split()]
    start = 8 if lines[7].strip()[:1] not in "Ss" else 9
    if lines[start - 1].strip()[:1] not in "Dd":
        raise ValueError(f"line {start} is '{lines[start - 1].strip()}', not Direct")
    rows = [line.split()[:3] for line in lines[start : start + sum(counts)]]
    if len(rows) != sum(counts) or any(len(row) != 3 for row in rows):
        raise ValueError(f"fewer than {sum(counts)} positions")
    scaled = np.array(rows, dtype=float)
    if cell.shape != (3, 3) or not np.isfinite(cell).all() or not np.isfinite(scaled).all():
        raise ValueError("cell or positions are not numbers")
    return Poscar(species, counts, cell, scaled, lines[start + sum(counts) :])


def parse_kpoints(text: str) -> tuple[str, list[int]]:
    """(centring, subdivisions) of an automatic KPOINTS file.

    Raises
    ------
    ValueError
        if it is not an automatic mesh.
    """
    lines = text.splitlines()
    if len(lines) < 4 or lines[1].split()[:1] != ["0"]:
        raise ValueError("not an automatic mesh")
    centring = {"g": "gamma", "m": "monkhorst"}.get(lines[2].strip()[:1].lower())
    if centring is None:
        raise ValueError(f"mesh '{lines[2].strip()}' is neither Gamma nor Monkhorst")
    return centring, [int(n) for n in lines[3].split()[:3]]


def same_value(found: str | None, meant: object) -> bool:
    """Whether INCAR text says the value that was meant: booleans by letter, numbers by value, the rest by case."""
    if found is None:
        return False
    if isinstance(meant, bool):
        return found.strip(".").upper()[:1] == ("T" if meant else "F")
    if isinstance(meant, int | float):
        value = number(found)
        return value is not None and math.isclose(value, meant, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(meant, list | tuple):
        words = found.split()
        return len(words) == len(meant) and all(same_value(w, m) for w, m in zip(words, meant, strict=True))
    return found.strip().lower() == str(meant).strip().lower()


def number(value: object) -> float | None:
    """A number as VASP reads it (1d-5 is one); None for what is none."""
    try:
        return float(re.sub(r"(?<=[\d.])[dD](?=[-+\d])", "e", str(value)))
    except ValueError:
        return None


def mismatches(
    folder: Path,
    *,
    tags: Mapping[str, object],
    moments: Sequence[float] | None,
    kpoints: tuple[str, Sequence[int]],
    species: Sequence[str],
    counts: Sequence[int],
    potential_names: Sequence[str],
    potentials: str | None = None,
    cell: np.ndarray | None = None,
    scaled: np.ndarray | None = None,
) -> list[str]:
    """Differences between the inputs in `folder` and what was meant; empty if there are none.

    `potentials` is the text of the POTCAR, where there is one; `cell` (Å, rows are vectors) and `scaled`
    (fractional) are compared where a POSCAR is expected.
    """
    wrong = []
    incar = parse_incar((folder / "INCAR").read_text())
    meant = dict(tags) | ({"MAGMOM": list(moments)} if moments is not None else {})
    for name, value in meant.items():
        if not same_value(incar.get(name), value):
            wrong.append(f"INCAR {name} is {incar.get(name, 'absent')}, meant {value}")
    wrong += [f"INCAR {name} = {value} was not meant" for name, value in incar.items() if name not in meant]
    try:
        found = parse_kpoints((folder / "KPOINTS").read_text())
        if found != (kpoints[0], list(kpoints[1])):
            wrong.append(f"KPOINTS is {found}, meant {tuple(kpoints)}")
    except ValueError as error:
        wrong.append(f"KPOINTS: {error}")
    if cell is not None:
        try:
            poscar = parse_poscar((folder / "POSCAR").read_text())
            if (poscar.species, poscar.counts) != (list(species), list(counts)):
                wrong.append(f"POSCAR has {poscar.species} {poscar.counts}, meant {species} {counts}")
            elif not np.allclose(poscar.cell, cell, atol=1e-9):
                wrong.append("POSCAR cell differs from the structure's")
            elif np.abs((poscar.scaled - scaled + 0.5) % 1.0 - 0.5).max() > 1e-9:
                wrong.append("POSCAR positions differ from the structure's")
        except ValueError as error:
            wrong.append(f"POSCAR: {error}")
    listed = (folder / "POTCAR.spec").read_text().split()
    if listed != list(potential_names):
        wrong.append(f"POTCAR.spec lists {listed}, meant {list(potential_names)}")
    if potentials is not None:
        titled = [potcar.titel_name(t) for t in potcar.titels(potentials)]
        if titled != list(potential_names):
            wrong.append(f"POTCAR holds {titled}, meant {list(potential_names)}")
    return wrong


def require(wrong: Sequence[str], folder: Path) -> None:
    """Raise DlmdError if anything written is not what was meant."""
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise DlmdError(
            f"the written VASP input is not what was meant: {wrong[0]}{more}",
            where=str(folder),
            remedy="report it with this message: the input writer and the settings disagree",
        )
