"""Ions that a crystal's own occupancies put too near to each other: a wrong coordinate, cell or setting, most often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.structures.crystal import Crystal
from dlmd.structures.exclusion import (
    FULL,
    MOLECULAR,
    SLACK,
    UNKNOWN_RADIUS_A,
    UNLIKE_KEEP,
    Content,
    Surroundings,
    needed_by_anions,
    radius,
    unlike_contact,
)
from dlmd.structures.sites import OVERLAP_A

INFINITE = float("inf")

# ions without covalent or short linear bonds: their contacts are 0.9 of the sum of radii and more
LARGE = frozenset("Na K Rb Cs Ca Sr Ba Y La Ce Pr Nd Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Th".split())
LARGE_SHARE = 0.82
HARD = 0.85  # of a contact's distance: what no error of a refinement explains
ANIONS_SHARE = 0.9  # of what two anions need: nearer are bonds, or errors
UNBONDED = frozenset("F Cl".split())  # with themselves
CHARGE_E = 1e-6  # rounding of charges
# of the sum of covalent radii: Cl-O 1.30 Å in rocking perchlorates, O-O 1.50 Å in peroxides, S-S 2.2 Å in pyrites
BOND = (0.75, 1.17)

# of the sum of radii: a cation that has no anion within this stands alone; those of little charge rattle in large cages
# (1.5 of Na in Prussian blues)
ALONE, ALONE_IN_CAGES, CAGED_E = 1.4, 1.6, 2.5
LARGE_ANION_A = 2.0  # of those without a known radius, such as phosphide
BONDED_RADIUS_A = 1.2  # of hydrogen, boron, carbon and nitrogen as partners, at least


@dataclass(frozen=True)
class Contact:
    """Two sites whose atoms must come nearer than a contact.

    Attributes
    ----------
    pair
        Species.
    distance_a, least_a
        Distance (Å), and that of a contact.
    sites
        What they are called.
    impossible
        Whether it is so short that coordinates, cell or setting must be wrong.
    bond
        Whether it is as long as a bond of the two, so that their charges may be wrong instead.
    """

    pair: tuple[str, str]
    distance_a: float
    least_a: float
    sites: tuple[str, str]
    impossible: bool
    bond: bool = False

    @property
    def text(self) -> str:
        """One line."""
        a, b = self.pair
        if self.bond:
            return (
                f"{a}-{b} {self.distance_a:.2f} Å apart ({' and '.join(self.sites)}, both full): as long as a bond, which ions "
                "of these charges have not; correct the charges (--charge, material.charges), or coordinates, cell or setting"
            )
        return (
            f"{a}-{b} {self.distance_a:.2f} Å apart ({' and '.join(self.sites)}, as the CIF fills them): "
            f"a contact has {self.least_a:.2f} Å or more; correct coordinates, cell or occupancies"
        )


def found(crystal: Crystal, charges: Mapping[str, float], content: Content | None = None) -> list[Contact]:
    """The shortest contact of every two sites whose atoms must come nearer than one, by what both hold; nearest first.

    `content` is what the sites hold, the CIF's occupancies without it.
    """
    content = content or {site.label: site.occupancy for site in crystal.sites}
    species = list(
        dict.fromkeys(s for row in content.values() for s, x in row.items() if x > 0 and s in charges)
    )
    limit = {(a, b): _shortest(a, b, charges) for a in species for b in species}
    if not any(limit.values()):
        return []
    around = Surroundings(crystal, content, max(limit.values()))
    full = {label for label, row in content.items() if sum(row.values()) >= FULL}
    nearest: dict[tuple[str, ...], Contact] = {}
    for labels, (a, b), distance, held in around.contacts(content, limit):
        key = tuple(sorted((f"{labels[0]} {a}", f"{labels[1]} {b}")))
        # positions on top of each other are a split site, of which the reading has a note
        if held <= 1 + SLACK or distance < OVERLAP_A:
            continue
        anions = charges[a] < 0 and charges[b] < 0
        # partly filled sites of like ions take turns, or are refused with the occupancies that have no room
        if anions and not full.issuperset(labels):
            continue
        if key not in nearest or distance < nearest[key].distance_a:
            first, second = sorted((a, b), key=species.index)
            bond = anions and _bond(a, b, distance, crystal, charges)
            hard = not bond and distance < (1.0 if anions or _large(a, b) else HARD) * limit[a, b]
            nearest[key] = Contact((first, second), distance, limit[a, b], labels, hard, bond)
    return sorted(nearest.values(), key=lambda contact: contact.distance_a)


def notes(crystal: Crystal, charges: Mapping[str, float]) -> list[str]:
    """A line for every contact that is too short."""
    return [contact.text for contact in found(crystal, charges)]


def alone(crystal: Crystal, charges: Mapping[str, float]) -> list[str]:
    """A line for every site whose cation has no anion beside it: atoms are missing, or cell or symmetry are wrong."""
    from ase.geometry import get_distances

    present = {s for site in crystal.sites for s, x in site.occupancy.items() if x > 0 and s in charges}
    size = {s: max(radius(s, charges[s]), BONDED_RADIUS_A * (s in MOLECULAR)) for s in present}
    size |= {s: LARGE_ANION_A for s in present if charges[s] < 0 and size[s] == UNKNOWN_RADIUS_A}
    partners = [
        (s, position)
        for site in crystal.sites
        for s, x in site.occupancy.items()
        if x > 0 and s in present and (charges[s] < 0 or s in MOLECULAR)
        for position in site.positions @ crystal.lattice
    ]
    lines = []
    for site in crystal.sites:
        for s in (s for s, x in site.occupancy.items() if x > 0 and s in present - MOLECULAR):
            if charges[s] <= 0 or not partners:
                continue
            here, there = site.positions[:1] @ crystal.lattice, [position for _, position in partners]
            distances = get_distances(here, there, cell=crystal.lattice, pbc=True)[1][0]
            shares = [
                d / (size[s] + size[a]) if d > OVERLAP_A else INFINITE
                for d, (a, _) in zip(distances, partners, strict=True)
            ]
            nearest = int(np.argmin(shares))
            limit = ALONE if charges[s] >= CAGED_E else ALONE_IN_CAGES
            if limit < shares[nearest] < INFINITE:
                a, d = partners[nearest][0], distances[nearest]
                lines.append(
                    f"{s} of {site.label} has no anion beside it ({a} at {d:.2f} Å, for about {size[s] + size[a]:.1f}): are "
                    "atoms or symmetry operations missing, or the cell too large?"
                )
    return lines


def refuse_impossible(
    crystal: Crystal,
    charges: Mapping[str, float],
    accepted: float | Mapping[str, float] = 0.0,
    *,
    content: Content | None = None,
) -> None:
    """Refuse a crystal that no ions can have, but for the pairs that `accepted` (as min_distance_angstrom) names.

    `content` is that of `found`.

    Raises
    ------
    DlmdError
        for the nearest of such contacts.
    """
    named = accepted if isinstance(accepted, Mapping) else {}
    for contact in found(crystal, charges, content):
        a, b = contact.pair
        stated = min(named.get(f"{a}-{b}", INFINITE), named.get(f"{b}-{a}", INFINITE))
        if contact.impossible and contact.distance_a < stated:
            raise DlmdError(
                f"{a}-{b} {contact.distance_a:.2f} Å apart ({' and '.join(contact.sites)}, as they are filled): no two "
                f"ions come nearer than {contact.least_a:.2f} Å",
                where=crystal.source,
                remedy="correct coordinates, cell, setting or occupancies; if it is so, state "
                f"structures.min_distance_angstrom: {{{a}-{b}: {floor(100 * contact.distance_a) / 100:g}}}",
            )


def _large(a: str, b: str) -> bool:
    return bool({a, b} & LARGE) and not {a, b} & MOLECULAR


def _bond(a: str, b: str, distance: float, crystal: Crystal, charges: Mapping[str, float]) -> bool:
    """Whether two anions may have a bond: at its length, and with charges that the CIF does not state.

    Fluorine and chlorine in crystals have none with themselves. Others are often taken for ions of a full shell where they have:
    Se-Se in PdSe2, Cl-O in the perchlorate of an organic cation, I-I beside neutral molecules.
    """
    from ase.data import atomic_numbers, covalent_radii

    stated = all(abs(crystal.oxidation.get(s, 0.0) - charges[s]) < CHARGE_E for s in (a, b))
    if stated or (a == b and a in UNBONDED):
        return False
    length = sum(float(covalent_radii[atomic_numbers[s]]) for s in (a, b))
    return BOND[0] * length <= distance <= BOND[1] * length


def _shortest(a: str, b: str, charges: Mapping[str, float]) -> float:
    """The distance (Å) below which two ions are no contact; 0 where none is known."""
    if charges[a] > 0 and charges[b] > 0 and not {a, b} & MOLECULAR:
        return radius(a, charges[a]) + radius(b, charges[b])
    if charges[a] < 0 and charges[b] < 0:
        return 0.0 if {a, b} & MOLECULAR else ANIONS_SHARE * needed_by_anions(a, b, charges)
    return unlike_contact(a, b, charges) * (LARGE_SHARE / UNLIKE_KEEP if _large(a, b) else 1.0)
