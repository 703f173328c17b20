"""Charges in cyanides (Prussian blues): carbon +2 and nitrogen -3, which make CN -, where the commonest states would not."""

from __future__ import annotations

from dlmd.structures.crystal import Crystal
from dlmd.structures.supercell import Supercell

CHARGES = {"C": 2.0, "N": -3.0}
BOND_A = 1.3  # of C and N in cyanide, 1.15 Å; in organic ions 1.3 Å and more
NEVER = "H"  # beside hydrogen carbon may be organic


def only(crystal: Crystal) -> bool:
    """Whether all carbon and nitrogen of a crystal are cyanide: as many of one as of the other, bonded in pairs."""
    atoms = crystal.composition
    if (
        not CHARGES.keys() <= atoms.keys()
        or NEVER in atoms
        or abs(atoms["C"] - atoms["N"]) > 0.01 * atoms["C"]
    ):
        return False
    cell = Supercell(crystal, (1, 1, 1))
    held = [crystal.sites[k].occupancy for k in cell.site_of_basis]
    pairs = cell.pairs(BOND_A)
    bonded = {
        int(i) for i, j in zip(pairs.first, pairs.second, strict=True) if "C" in held[i] and "N" in held[j]
    }
    return bonded == {i for i, row in enumerate(held) if "C" in row}
