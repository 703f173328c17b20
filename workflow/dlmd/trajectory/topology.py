"""What is known of the atoms from a file of one structure beside the trajectory: elements, LAMMPS types, the cell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError, first_line
from dlmd.trajectory.names import element_of, elements_of_masses

# endings that chemfiles reads and ASE does not, or only by guessing elements
_CHEMFILES = (".gro", ".tpr", ".psf", ".mol2", ".prmtop")


@dataclass(frozen=True)
class Topology:
    """Elements of all atoms in the order of the trajectory, and the (3, 3) cell in Å where the file has one.

    Attributes
    ----------
    symbols
        None where the file has types without masses or labels.
    types
        LAMMPS types (from 1), where the file has these.
    problem
        Why there are no symbols.
    """

    symbols: list[str] | None
    cell: np.ndarray | None
    path: Path
    types: np.ndarray | None = None
    problem: str = ""


def read_topology(path: str | Path) -> Topology:
    """Elements and cell from a LAMMPS data file (by its labels or masses), or any structure file that ASE or chemfiles reads
    (POSCAR, PDB, CIF, XYZ, GRO, TPR ...).

    Raises
    ------
    DlmdError
        for a missing file, an unknown format, or elements that cannot be told.
    """
    path = Path(path)
    if not path.is_file():
        raise DlmdError("no such topology file", where=str(path), remedy="check the path given to --topology")
    try:
        if _is_lammps_data(path):
            return _lammps_data(path)
        if path.suffix.lower() in _CHEMFILES:
            return _chemfiles_topology(path)
        return _ase_topology(path)
    except DlmdError:
        raise
    except Exception as error:  # readers raise whatever their parsing meets
        raise DlmdError(
            f"no readable topology: {first_line(error)}",
            where=str(path),
            remedy="give a LAMMPS data file with Masses, a POSCAR, a PDB, a CIF or an extended XYZ",
        ) from error


def _ase_topology(path: Path) -> Topology:
    import ase.io

    atoms: Any = ase.io.read(path, index=0)
    if (atoms.numbers == 0).any():
        raise DlmdError("atoms without an element", where=str(path), remedy="give a file with elements")
    return Topology(
        atoms.get_chemical_symbols(), np.array(atoms.cell) if atoms.cell.rank == 3 else None, path
    )


def _chemfiles_topology(path: Path) -> Topology:
    import chemfiles

    with chemfiles.Trajectory(str(path)) as file:
        frame = file.read()
    names = [atom.type or atom.name for atom in frame.atoms]
    symbols = [element_of(name) for name in names]
    missing = sorted({name for name, symbol in zip(names, symbols, strict=True) if symbol is None})
    if missing:
        raise DlmdError(
            f"no elements: {', '.join(missing[:5])}", where=str(path), remedy="give a file with elements"
        )
    cell = np.array(frame.cell.matrix).T if frame.cell.volume > 0 else None
    return Topology([str(s) for s in symbols], cell, path)


def _is_lammps_data(path: Path) -> bool:
    with path.open("rb") as file:
        return b" xlo xhi" in file.read(4000)


def _lammps_data(path: Path) -> Topology:
    """Types by ASE, which knows the atom styles; their elements from the labels, else from the comments or values of Masses."""
    import ase.io

    labels, masses, comments = _type_tables(path)
    text = path.read_text(encoding="utf-8", errors="replace")
    if labels:
        text = _numbered(text, labels)
    from io import StringIO

    atoms: Any = ase.io.read(StringIO(text), format="lammps-data", sort_by_id=True, units="metal")
    types = np.asarray(atoms.arrays["type"])
    cell = np.array(atoms.cell) if atoms.cell.rank == 3 else None
    kinds = sorted({int(t) for t in types})
    by_type, problem = _elements_of_types(kinds, labels, masses, comments)
    symbols = [by_type[int(t)] for t in types] if by_type else None
    return Topology(symbols, cell, path, types, problem)


def _elements_of_types(
    kinds: list[int], labels: dict[int, str], masses: dict[int, float], comments: dict[int, str]
) -> tuple[dict[int, str], str]:
    """Element of each type, or none and the reason."""
    for names in (labels, comments):
        found = {kind: element_of(names.get(kind, "")) for kind in kinds}
        if all(found.values()):
            return {kind: str(symbol) for kind, symbol in found.items()}, ""
    if not masses:
        return {}, "the LAMMPS data file has types without Masses, so that their elements are unknown"
    by_mass = elements_of_masses([masses.get(kind, 0.0) for kind in kinds])
    missing = [f"{kind} ({masses.get(kind, 0.0):g})" for kind, s in zip(kinds, by_mass, strict=True) if not s]
    if missing:
        return {}, f"the masses of types {', '.join(missing)} are those of no element"
    return {kind: str(symbol) for kind, symbol in zip(kinds, by_mass, strict=True)}, ""


def _type_tables(path: Path) -> tuple[dict[int, str], dict[int, float], dict[int, str]]:
    """Labels, masses and comments behind masses, by type, from the sections of a LAMMPS data file."""
    labels: dict[int, str] = {}
    masses: dict[int, float] = {}
    comments: dict[int, str] = {}
    section = ""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            body, _, comment = line.partition("#")
            words = body.split()
            if not words:
                continue
            if words[0][0].isalpha():
                section = body.strip()
                if section == "Atoms":
                    break
            elif section == "Atom Type Labels" and len(words) == 2:
                labels[int(words[0])] = words[1]
            elif section == "Masses" and len(words) == 2:
                # `labelmap` lets masses name their types by label
                kind = next((k for k, label in labels.items() if label == words[0]), None)
                kind = int(words[0]) if kind is None else kind
                masses[kind] = float(words[1])
                comments[kind] = comment.strip()
    return labels, masses, comments


def _numbered(text: str, labels: dict[int, str]) -> str:
    """The data file without its section of labels, and with numbers in their place, for readers that know no labels."""
    numbers = {label: str(kind) for kind, label in labels.items()}
    out, section = [], ""
    for line in text.splitlines():
        body = line.partition("#")[0].strip()
        if body and body[0].isalpha() and body not in numbers:
            section = body
        if section == "Atom Type Labels":
            continue
        if section in ("Masses", "Atoms") and body != section:
            line = " ".join(numbers.get(word, word) for word in line.split())
        out.append(line)
    return "\n".join(out) + "\n"
