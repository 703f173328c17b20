"""Anions that bond with one another in an engine's own label trajectories: its host comes apart, and what learns from it will.

A pretrained potential whose forces are too soft lets anions meet that no crystal has together (S at 2 Å where tetrahedra keep
them 3.3 Å apart). A potential that learns from it passes every gate against it, for it is right about its teacher.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlmd.base.files import write_json

if TYPE_CHECKING:
    from ase import Atoms

VERSION = 1

# A pair is bonded within this times the sum of its covalent radii: 2.35 Å for S-S, 2.3 Å for Cl-Cl, 3.1 Å for I-I, which at 750 K
# come as near as 3.2 Å without a bond.
_BONDED = 1.12


def bonded_pairs(atoms: Atoms, anions: Sequence[str]) -> set[tuple[int, int]]:
    """Pairs of anions (i < j) that are bonded with one another in a frame."""
    from ase.data import covalent_radii
    from ase.neighborlist import neighbor_list

    some = np.flatnonzero(np.isin(atoms.get_chemical_symbols(), anions))
    part = atoms[some]
    first, second = neighbor_list("ij", part, _BONDED * covalent_radii[part.numbers])
    return {
        (int(some[i]), int(some[j])) for i, j in zip(first.tolist(), second.tolist(), strict=True) if i < j
    }


def share_of_frames(frames: Sequence[Atoms], anions: Sequence[str]) -> tuple[float, str]:
    """Part of a trajectory's frames in which anions are bonded that were not in the first, and the elements of such a pair."""
    if not frames:
        return 0.0, ""
    before, met, which = bonded_pairs(frames[0], anions), 0, ""
    for atoms in frames[1:]:
        new = bonded_pairs(atoms, anions) - before
        met += bool(new)
        if new and not which:
            which = "-".join(sorted(atoms.symbols[list(min(new))]))
    return met / len(frames), which


def judge(
    frames: Sequence[str],
    *,
    result: str,
    ids: Sequence[str],
    temperatures_k: Sequence[float],
    charges: Mapping[str, int],
) -> None:
    """Write, for every label trajectory, its temperature and the part of its frames in which anions have met.

    Parameters
    ----------
    frames
        Their extxyz files.
    ids, temperatures_k
        Their names and temperatures.
    charges
        Charges by element, in e.
    """
    from ase.io import iread

    anions = [element for element, charge in charges.items() if charge < 0]
    found = {}
    for path, name, kelvin in zip(frames, ids, temperatures_k, strict=True):
        share, pair = share_of_frames(list(iread(path, ":")), anions)
        found[name] = {"temperature_k": kelvin, "share": share, "pair": pair}
        if share:
            print(f"note: in {name} {pair} bonds form in {100 * share:.0f} % of the engine's own frames")
    write_json(Path(result), {"version": VERSION, "trajectories": found})
