"""Whether cells still hold the compound of the CIF, and which positions of the CIF have no room for what it puts there."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from dlmd.base.errors import DlmdError
from dlmd.proposal.filling import Filling
from dlmd.structures.crystal import Crystal
from dlmd.structures.occupancy import of_unit_cell

MOST_OF_MOBILE, MOST_OF_HOST = 0.1, 0.05  # relative changes of an element's number beyond one atom
# of the mobile ions: what may be added or taken away to balance what the refined occupancies leave
MOST_BALANCED = 0.25
MOST_VACANT = 0.03  # of a mixed site that the CIF fills
FULL = 0.999


def crowded(crystal: Crystal, charges: Mapping[str, float]) -> list[str]:
    """Positions that exclude each other and hold more than one atom as refined, one line for every set of sites."""
    problem = of_unit_cell(crystal, tuple(charges.items()))
    lines: dict[str, str] = {}
    for clique in problem.crowded:
        lines.setdefault(
            clique.names,
            f"{clique.names} exclude each other ({clique.distance_a:.2f} Å apart) and would hold "
            f"{clique.filled(problem.requested):.3g} atoms where one has room",
        )
    return list(lines.values())


def refuse_another_compound(filling: Filling, charges: Mapping[str, float], mobile: str) -> None:
    """Refuse a cell whose host is another one than the CIF's, or whose mobile ions are far more or fewer.

    Raises
    ------
    DlmdError
        that says which elements differ, and which positions have no room.
    """
    off = _differences(filling, charges, mobile)
    if not off:
        return
    why = crowded(filling.crystal, charges)
    charge = sum(charges[s] * n for s, n in filling.crystal.composition.items())
    if not why:
        why = [f"the occupancies leave {charge:+.3g} e per cell"]
    raise DlmdError(
        f"no neutral cell keeps the compound of {filling.crystal.name}: {why[0]}; nearest in "
        f"{'x'.join(map(str, filling.repeat))} cells: {', '.join(off)}",
        where=f"{filling.crystal.source}, occupancies",
        remedy="correct the occupancies"
        + (
            " (those that exclude each other add up to 1 at most; is a site missing?)"
            if "room" in why[0]
            else ""
        )
        + ", or state the charges: --charge ELEMENT=E",
    )


def _differences(filling: Filling, charges: Mapping[str, float], mobile: str) -> list[str]:
    """Elements and sites that make it another compound, as 'S 154 for 160'."""
    cells, asked = prod(filling.repeat), filling.crystal.composition
    # the mobile ions balance what the refined occupancies leave
    left = sum(charges[s] * n for s, n in asked.items())
    found = []
    for species, n in asked.items():
        wanted, most = n * cells, MOST_OF_HOST
        if species == mobile:
            wanted, most = (n - left / charges[mobile]) * cells, MOST_OF_MOBILE
        made = filling.composition.get(species, 0)
        far = species == mobile and abs(made - n * cells) > max(MOST_BALANCED * n * cells, 1.0) + 1e-6
        if far or min(abs(made - wanted), abs(made - n * cells)) > max(most * n * cells, 1.0) + 1e-6:
            found.append(f"{species} {made} for {n * cells:.4g}")
    for site in filling.crystal.sites:
        places = site.multiplicity * cells
        held = sum(filling.counts[site.label].values())
        if (
            len(site.occupancy) > 1
            and mobile not in site.occupancy
            and sum(site.occupancy.values()) > FULL
            and places - held > max(MOST_VACANT * places, 1)
        ):
            found.append(f"{places - held} of {places} {site.label} empty")
    return found
