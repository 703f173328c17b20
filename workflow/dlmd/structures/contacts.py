"""Ions that a crystal's own occupancies put too near to each other: a wrong coordinate, cell or setting, most often."""

from __future__ import annotations

from collections.abc import Mapping

from dlmd.structures.crystal import Crystal
from dlmd.structures.exclusion import SLACK, Surroundings, radius, unlike_contact

MOLECULAR = (
    "H",
    "B",
    "C",
    "N",
)  # bonds between two of them, or of them with themselves, are no ions' contacts


def notes(crystal: Crystal, charges: Mapping[str, float]) -> list[str]:
    """One line for every two sites whose atoms must come nearer than a contact, by what both hold; nearest first."""
    content = {site.label: site.occupancy for site in crystal.sites}
    species = [s for s in crystal.species if s in charges]
    limit = {(a, b): _shortest(a, b, charges) for a in species for b in species}
    if not any(limit.values()):
        return []
    around = Surroundings(crystal, content, max(limit.values()))
    nearest: dict[tuple[str, ...], tuple[float, str]] = {}
    for labels, (a, b), distance, held in around.contacts(content, limit):
        key = tuple(sorted((f"{labels[0]} {a}", f"{labels[1]} {b}")))
        if held > 1 + SLACK and distance < nearest.get(key, (float("inf"), ""))[0]:
            pair = "-".join(sorted((a, b), key=species.index))
            nearest[key] = (
                distance,
                f"{pair} {distance:.2f} Å apart ({labels[0]} and {labels[1]}, as the CIF fills them): "
                f"a contact has {limit[a, b]:.2f} Å or more; correct coordinates, cell or occupancies",
            )
    return [text for _, text in sorted(nearest.values())]


def _shortest(a: str, b: str, charges: Mapping[str, float]) -> float:
    """The distance (Å) below which two ions are no contact; 0 where none is known."""
    if charges[a] > 0 and charges[b] > 0 and not {a, b} & set(MOLECULAR):
        return radius(a, charges[a]) + radius(b, charges[b])
    return unlike_contact(a, b, charges)
