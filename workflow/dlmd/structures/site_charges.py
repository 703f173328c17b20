"""Charges of an element that differ between sites: `charges` has a key such as 'Fe on Fe1' beside that of the element."""

from __future__ import annotations

from collections.abc import Mapping

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.structures.crystal import Crystal

ON = " on "


def key(species: str, site: str) -> str:
    """The key of a species on a site."""
    return f"{species}{ON}{site}"


def split(name: str) -> tuple[str, str | None]:
    """Species and site that a key of `charges` names; None for one of the species on all other sites."""
    species, _, site = name.partition(ON)
    return species.strip(), site.strip() or None


def by_site(charges: Mapping[str, float], crystal: Crystal) -> dict[tuple[str, str], float]:
    """(site label, species) -> charge (e) of what is stated for a site.

    Raises
    ------
    DlmdError
        for a site or a species that is not there, and a species on a site that has no charge of its own.
    """
    found: dict[tuple[str, str], float] = {}
    for name, charge in charges.items():
        species, label = split(name)
        if label is None:
            continue
        where = f"charges: '{name}'"
        site = crystal.site(label, where=where)
        if species not in charges:
            raise DlmdError(
                f"no charge given for {species} in general",
                where=where,
                remedy=f"add {species}; {did_you_mean(species, [s for s in charges if ON not in s])}",
            )
        found[site.label, species] = float(charge)
    return found
