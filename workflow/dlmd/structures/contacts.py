"""Ions that a crystal's own occupancies put too near to each other: a wrong coordinate, cell or setting, most often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor

from dlmd.base.errors import DlmdError
from dlmd.structures.crystal import Crystal
from dlmd.structures.exclusion import (
    MOLECULAR,
    SLACK,
    UNLIKE_KEEP,
    Content,
    Surroundings,
    radius,
    unlike_contact,
)
from dlmd.structures.sites import OVERLAP_A

INFINITE = float("inf")

# ions without covalent or short linear bonds: their contacts are 0.9 of the sum of radii and more
LARGE = frozenset("Na K Rb Cs Ca Sr Ba Y La Ce Pr Nd Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Th".split())
LARGE_SHARE = 0.82
HARD = 0.85  # of a contact's distance: what no error of a refinement explains


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
    """

    pair: tuple[str, str]
    distance_a: float
    least_a: float
    sites: tuple[str, str]
    impossible: bool

    @property
    def text(self) -> str:
        """One line."""
        a, b = self.pair
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
    nearest: dict[tuple[str, ...], Contact] = {}
    for labels, (a, b), distance, held in around.contacts(content, limit):
        key = tuple(sorted((f"{labels[0]} {a}", f"{labels[1]} {b}")))
        # positions on top of each other are a split site, of which the reading has a note
        if held <= 1 + SLACK or distance < OVERLAP_A:
            continue
        if key not in nearest or distance < nearest[key].distance_a:
            first, second = sorted((a, b), key=species.index)
            hard = distance < (1.0 if _large(a, b) else HARD) * limit[a, b]
            nearest[key] = Contact((first, second), distance, limit[a, b], labels, hard)
    return sorted(nearest.values(), key=lambda contact: contact.distance_a)


def notes(crystal: Crystal, charges: Mapping[str, float]) -> list[str]:
    """A line for every contact that is too short."""
    return [contact.text for contact in found(crystal, charges)]


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


def _shortest(a: str, b: str, charges: Mapping[str, float]) -> float:
    """The distance (Å) below which two ions are no contact; 0 where none is known."""
    if charges[a] > 0 and charges[b] > 0 and not {a, b} & MOLECULAR:
        return radius(a, charges[a]) + radius(b, charges[b])
    return unlike_contact(a, b, charges) * (LARGE_SHARE / UNLIKE_KEEP if _large(a, b) else 1.0)
