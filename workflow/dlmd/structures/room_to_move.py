"""Whether the mobile ions of a supercell have empty sites to hop to, and protons something to be bonded to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from dlmd.base.carriers import elements, spoken
from dlmd.structures.crystal import Crystal, Site

if TYPE_CHECKING:
    from dlmd.structures.occupancy import Apportionment

FULL = 0.999
LONGEST_BOND_A = 1.7  # of hydrogen: H-I in molecules has 1.6
PARTNERS = frozenset("B C N Si P S As Se".split())  # which hydrogen is bonded to whatever their charge
SHOWN = 4


def all_full(sites: Iterable[Site], mobile: str, charges: Mapping[str, float]) -> bool:
    """Whether no site that holds the mobile ions, or others of their sign, has a vacancy."""
    moving = elements(mobile)
    sign = np.sign(charges.get(moving[0], 0.0))
    alike = [
        site for site in sites if any(s in moving or charges.get(s, 0.0) * sign > 0 for s in site.occupancy)
    ]
    return all(sum(site.occupancy.values()) > FULL for site in alike)


def without_vacancies(counts: Apportionment, mobile: str) -> str:
    """What is to be said of a supercell whose mobile ions have no empty site; empty where they have one."""
    cells, moving = prod(counts.repeat), elements(mobile)
    sign = np.sign(counts.charges.get(moving[0], 0.0))
    for site in counts.crystal.sites:
        row = counts.counts[site.label]
        alike = any(s in moving or counts.charges.get(s, 0.0) * sign > 0 for s in (*row, *site.occupancy))
        if alike and sum(row.values()) < site.multiplicity * cells:
            return ""
    held = [s.label for s in counts.crystal.sites if any(counts.counts[s.label].get(m) for m in moving)]
    names = ", ".join(held[:SHOWN]) + (f" and {len(held) - SHOWN} more" if len(held) > SHOWN else "")
    emptied = [
        f"{site.label} {sum(site.occupancy.values()):.3g}"
        for site in counts.crystal.sites
        if site.label in held and sum(site.occupancy.values()) < FULL
    ]
    if emptied:
        return (
            f"no vacancy is left: the CIF has {', '.join(emptied[:SHOWN])}, and whole atoms that cancel the charges fill every "
            f"site that {spoken(mobile)} may take ({names}). Ions can move only by defects that these cells do not have. Take a "
            "larger cell, or state the charges with which the CIF's own occupancies are neutral"
        )
    return (
        f"no vacancy: every site that {spoken(mobile)} may take ({names}) is full, and the CIF lists no empty one. Ions can "
        "move only by defects or through interstitials, which these cells do not have at the start: temperatures at which "
        "ions of other crystals hop need not do. Give occupancies that leave vacancies, or add the interstitial sites to the CIF"
    )


def bare_protons(crystal: Crystal, charges: Mapping[str, float]) -> list[str]:
    """A line for every site of H+ without a partner at the length of a bond."""
    from ase.geometry import get_distances

    if charges.get("H", 0.0) <= 0:
        return []
    partners = [
        site.positions @ crystal.lattice
        for site in crystal.sites
        if any(x > 0 and (charges.get(s, 0.0) < 0 or s in PARTNERS) for s, x in site.occupancy.items())
    ]
    lines = []
    for site in (site for site in crystal.sites if site.occupancy.get("H", 0.0) > 0):
        others = [s for s, x in site.occupancy.items() if s != "H" and x > 0 and charges.get(s, 0.0) > 0]
        here = site.positions[:1] @ crystal.lattice
        near = min(
            (float(get_distances(here, own, cell=crystal.lattice, pbc=True)[1].min()) for own in partners),
            default=float("inf"),
        )
        if near > LONGEST_BOND_A:
            where = f"on a site of {' and '.join(others)}" if others else "alone"
            lines.append(
                f"H of {site.label} stands {where}, {near:.2f} Å from the nearest anion: a bare H+ is unusual, protons are "
                f"bonded within {LONGEST_BOND_A:g} Å; is the element right, and is it at its own place in an OH or NH group?"
            )
    return lines
