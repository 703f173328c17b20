"""Charges of closo-boranes (B12H12 2-, CB11H12 -): the atoms of a cage share electrons, so that boron's is a fraction."""

from __future__ import annotations

from collections.abc import Container, Mapping

from dlmd.structures.crystal import Crystal
from dlmd.structures.supercell import Supercell

BORON, HYDROGEN, CARBON = "B", "H", "C"
BOND_A = 2.0  # between two borons of a cage, 1.77 Å
# of boron with hydrogen as -1 (and carbon as -4): 0.8 in B10H10 2-, 0.83 in B12H12 2-, 1.36 in CB11H12 -
LEAST_E, MOST_E = 0.7, 1.5


def charges(crystal: Crystal, usual: Mapping[str, float], given: Container[str]) -> dict[str, float] | None:
    """Charges that make a crystal of such cages neutral; None where it has none, or where they would be no boron's."""
    atoms = crystal.composition
    if not {BORON, HYDROGEN} <= atoms.keys() or BORON in given or not _caged(crystal):
        return None
    found = dict(usual)
    for element, charge in ((HYDROGEN, -1.0), (CARBON, -4.0)):
        if element in atoms and element not in given:
            found[element] = charge
    others = sum(n * found[s] for s, n in atoms.items() if s != BORON)
    found[BORON] = round(-others / atoms[BORON], 6)
    return found if LEAST_E <= found[BORON] <= MOST_E else None


def _caged(crystal: Crystal) -> bool:
    """Whether borons are bonded to each other."""
    cell = Supercell(crystal, (1, 1, 1))
    pairs = cell.pairs(BOND_A)
    boron = [crystal.sites[k].occupancy.get(BORON, 0.0) for k in cell.site_of_basis]
    return any(boron[i] + boron[j] > 1 for i, j in zip(pairs.first, pairs.second, strict=True))
