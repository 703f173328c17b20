"""Which element every atom of a trajectory is: from the names in its file, LAMMPS types, masses or a topology."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.trajectory.names import element_of, elements_of_masses
from dlmd.trajectory.text_frames import Frame
from dlmd.trajectory.topology import Topology

# "16*Li": so many atoms in the order of their ids
_COUNTED = re.compile(r"(\d+)\*(\w+)$")


def assign(
    frame: Frame, *, topology: Topology | None, species: Sequence[str] | None, where: str
) -> tuple[list[str], list[str]]:
    """Elements of all atoms from what is there, the user's word first, and notes.

    Raises
    ------
    DlmdError
        where they cannot be told, or the sources contradict each other.
    """
    n_atoms = len(frame.positions)
    if topology is not None and topology.symbols is not None:
        _require_count(n_atoms, len(topology.symbols), topology, where)
    if species:
        symbols, notes = _by_species(frame, topology, species, where)
        _hold_against_masses(symbols, frame.masses, where)
        return symbols, notes
    if topology is not None:
        return _by_topology(frame, topology, where)
    if frame.symbols:
        return _by_names(frame.symbols, where)
    if frame.masses is not None and (by_mass := _by_masses(frame.masses)):
        return by_mass, ["elements by the masses in the file"]
    raise DlmdError(
        "the file has no elements",
        where=where,
        remedy="give --topology FILE"
        + (" or --species in the order of the LAMMPS types" if frame.types is not None else ""),
    )


# Masses this much apart are of two elements, and no isotopes or rounding.
_OTHER_ELEMENT = 0.25


def _by_masses(masses: np.ndarray) -> list[str] | None:
    """Elements of (atoms,) masses in u; None where one of these is that of no element."""
    kinds, index = np.unique(masses, return_inverse=True)
    found = elements_of_masses(kinds.tolist())
    return None if None in found else [str(found[i]) for i in index]


def _hold_against_masses(symbols: Sequence[str], masses: np.ndarray | None, where: str) -> None:
    """Raises DlmdError where the user's elements have other masses than the file; one mass for all atoms says nothing."""
    from ase.data import atomic_masses, atomic_numbers

    if masses is None or len(np.unique(masses)) < 2:
        return
    known = np.array([atomic_masses[atomic_numbers[s]] for s in symbols])
    # heavy hydrogen, to slow it down, is usual
    wrong = (np.abs(masses / known - 1) > _OTHER_ELEMENT) & (np.array(symbols) != "H")
    if wrong.any():
        atom = int(wrong.argmax())
        raise DlmdError(
            f"atom {atom + 1} is {symbols[atom]} by --species, and has a mass of {masses[atom]:g} u in the file",
            where=where,
            remedy="name the elements in the order of the LAMMPS types",
        )


def _require_count(n_atoms: int, expected: int, topology: Topology, where: str) -> None:
    if n_atoms != expected:
        raise DlmdError(
            f"{n_atoms} atoms, but the topology {topology.path.name} has {expected}",
            where=where,
            remedy="give the topology of this trajectory",
        )


def _by_names(names: Sequence[str], where: str) -> tuple[list[str], list[str]]:
    symbols = [element_of(name) for name in names]
    unknown = sorted({name for name, symbol in zip(names, symbols, strict=True) if symbol is None})
    if unknown:
        raise DlmdError(
            f"no elements: {', '.join(unknown[:8])}",
            where=where,
            remedy="give a --topology with chemical symbols, or --species with counts, such as --species 16*Li 24*Cl",
        )
    changed = sorted(
        {f"{name} = {symbol}" for name, symbol in zip(names, symbols, strict=True) if name != symbol}
    )
    notes = [f"names read as elements: {', '.join(changed[:8])}"] if changed else []
    return [str(symbol) for symbol in symbols], notes


def _by_topology(frame: Frame, topology: Topology, where: str) -> tuple[list[str], list[str]]:
    if topology.symbols is None:
        raise DlmdError(
            topology.problem,
            where=str(topology.path),
            remedy="add Masses (or labels) to it, or give --species with one element per type, in their order",
        )
    if frame.types is not None:
        _require_one_element_per_type(frame.types, topology, where)
    if not frame.symbols:
        return topology.symbols, []
    theirs = [element_of(name) for name in frame.symbols]
    if theirs == topology.symbols:
        return topology.symbols, []
    # one name for all atoms is LAMMPS' default "C", or no name at all
    if len(set(frame.symbols)) == 1 or not all(theirs):
        return topology.symbols, [
            f"elements by {topology.path.name}; the file's own name them {', '.join(sorted(set(frame.symbols))[:5])}"
        ]
    raise DlmdError(
        f"the elements differ from those of the topology {topology.path.name}",
        where=where,
        remedy="give the topology of this trajectory, or none",
    )


def _require_one_element_per_type(types: np.ndarray, topology: Topology, where: str) -> None:
    symbols = np.array(topology.symbols)
    for kind in np.unique(types):
        found = sorted(set(symbols[types == kind]))
        if len(found) > 1:
            raise DlmdError(
                f"atoms of type {kind} are {' and '.join(found)} by {topology.path.name}: its atoms have another order",
                where=where,
                remedy="give the topology of this trajectory, its atoms in the order of their ids",
            )


def _by_species(
    frame: Frame, topology: Topology | None, species: Sequence[str], where: str
) -> tuple[list[str], list[str]]:
    n_atoms = len(frame.positions)
    counted = [_COUNTED.match(name) for name in species]
    names = [found[2] if found else name for found, name in zip(counted, species, strict=True)]
    wrong = [name for name in names if element_of(name) is None]
    if wrong:
        raise DlmdError(
            f"--species {wrong[0]} is no element", remedy="give chemical symbols, such as --species Li Cl"
        )
    chosen = [str(element_of(name)) for name in names]
    if any(counted):
        return _by_counts(chosen, [int(c[1]) if c else 1 for c in counted], n_atoms, where), []
    types = frame.types
    if types is None and frame.symbols is None and len(chosen) == n_atoms:
        return chosen, []
    if types is None and topology is not None and topology.types is not None:
        _require_count(n_atoms, len(topology.types), topology, where)
        types = topology.types
    if types is None:
        return _labels_by_species(frame, chosen, where)
    if types.max() > len(chosen):
        raise DlmdError(
            f"atoms of type {types.max()}, but {len(chosen)} species",
            where=where,
            remedy="name one element per LAMMPS type, in their order",
        )
    symbols = [chosen[t - 1] for t in types]
    notes = _unused(chosen, types)
    given = frame.symbols or (topology.symbols if topology is not None else None)
    if given is None or [element_of(name) for name in given] == symbols:
        return symbols, notes
    return symbols, [
        *notes,
        f"elements by --species; the file names them {', '.join(sorted(set(given))[:5])}",
    ]


def _unused(chosen: list[str], types: np.ndarray) -> list[str]:
    """Species that no atom is of: a slip, or a type that LAMMPS knows and the run has not."""
    left = [f"{name} (type {kind})" for kind, name in enumerate(chosen, start=1) if not (types == kind).any()]
    return [f"no atom is of --species {', '.join(left)}"] if left else []


def _by_counts(chosen: list[str], counts: list[int], n_atoms: int, where: str) -> list[str]:
    if sum(counts) != n_atoms:
        raise DlmdError(
            f"--species counts {sum(counts)} atoms, the file has {n_atoms}",
            where=where,
            remedy="give the numbers of all atoms in the order of their ids, such as --species 16*Li 24*Cl",
        )
    return [name for name, count in zip(chosen, counts, strict=True) for _ in range(count)]


def _labels_by_species(frame: Frame, chosen: list[str], where: str) -> tuple[list[str], list[str]]:
    """A file without types, but with names: these may be the elements already, or type labels that hold them."""
    if frame.symbols is None:
        raise DlmdError(
            "--species names elements of LAMMPS types, and the file has no types",
            where=where,
            remedy="give --topology FILE, or --species with counts, such as --species 16*Li 24*Cl",
        )
    symbols = [element_of(name) for name in frame.symbols]
    if frame.labels and all(symbols) and set(symbols) == set(chosen):
        return [str(s) for s in symbols], []
    if len(set(frame.symbols)) == 1:
        raise DlmdError(
            f"the file names all atoms {frame.symbols[0]} (LAMMPS' default) and has no types, so that --species cannot "
            "tell them apart",
            where=where,
            remedy="give --topology FILE, or --species with counts in the order of the ids, such as --species 16*Li 24*Cl",
        )
    raise DlmdError(
        "the file names its elements, --species has no meaning", where=where, remedy="leave it out"
    )
