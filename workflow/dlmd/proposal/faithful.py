"""Whether cells still hold the compound of the CIF, and which positions of the CIF have no room for what it puts there."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from dlmd.base import carriers
from dlmd.base.errors import DlmdError
from dlmd.proposal import room
from dlmd.proposal.filling import Filling
from dlmd.structures.crystal import Crystal
from dlmd.structures.exclusion import SLACK
from dlmd.structures.occupancy import of_unit_cell

MOST_OF_MOBILE, MOST_OF_HOST = 0.1, 0.05  # relative changes of an element's number beyond one atom
# of the mobile ions: what may be added or taken away to balance what the refined occupancies leave
MOST_BALANCED = 0.25
MOST_VACANT = 0.03  # of a mixed site of the host that the CIF fills
MOST_LEFT = 0.1  # of any other site that it fills
FULL = 0.999
NEARLY_ROOM = (
    1.002  # atoms on positions that have room for one: a little more is what makes a cell impossible
)
MOST_VOLUME_A3 = 150.0  # of an atom: open frameworks have 40, caesium iodide 48
ROUNDED_E = 0.05  # charge per cell that printed digits leave


def crowded(crystal: Crystal, charges: Mapping[str, float], *, above: float = 1 + SLACK) -> list[str]:
    """Positions that exclude each other and hold more than one atom as refined, one line for every set of sites."""
    problem = of_unit_cell(crystal, tuple(charges.items()))
    lines: dict[str, str] = {}
    for clique in sorted(problem.cliques, key=lambda c: -c.filled(problem.requested)):
        if clique.filled(problem.requested) > above:
            lines.setdefault(
                clique.names,
                f"{clique.names} exclude each other ({clique.distance_a:.2f} Å apart) and would hold "
                f"{clique.filled(problem.requested):.4g} atoms where one has room",
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
    crystal = filling.crystal
    charge = sum(charges[s] * n for s, n in crystal.composition.items())
    why = crowded(crystal, charges)
    if not why and abs(charge) < ROUNDED_E:
        why = crowded(crystal, charges, above=NEARLY_ROOM)
    remedy = way_out(crystal, charges, mobile)
    if not why:
        why = [f"the occupancies leave {charge:+.3g} e per cell"]
        remedy = "correct the occupancies (is a site missing?), or state the charges: --charge ELEMENT=E"
    raise DlmdError(
        f"no neutral cell keeps the compound of {crystal.name}: {why[0]}; nearest in "
        f"{'x'.join(map(str, filling.repeat))} cells: {', '.join(off)}",
        where=f"{crystal.source}, occupancies",
        remedy=remedy,
    )


def way_out(crystal: Crystal, charges: Mapping[str, float], mobile: str) -> str:
    """What to do where positions that exclude each other hold too much; where there is room for mobile ions, that too."""
    sites = {label for c in of_unit_cell(crystal, tuple(charges.items())).crowded for label in c.sites}
    moving = set(carriers.elements(mobile))
    alone = sites and all(crystal.site(label).occupancy.keys() <= moving for label in sites)
    free = room.named(crystal, charges, mobile) if alone else ""
    also = f" There is room at {free}" if free else ""
    return f"correct the occupancies (those that exclude each other add up to 1 at most; is a site missing?{also})"


def _differences(filling: Filling, charges: Mapping[str, float], mobile: str) -> list[str]:
    """Elements and sites that make it another compound, as 'S 154 for 160'."""
    cells, asked = prod(filling.repeat), filling.crystal.composition
    moving = set(carriers.elements(mobile))
    # the mobile ions balance what the refined occupancies leave
    left = sum(charges[s] * n for s, n in asked.items())
    found = []
    for species, n in asked.items():
        wanted, most = n * cells, MOST_OF_HOST
        if species in moving:
            wanted, most = (n - left / charges[species]) * cells, MOST_OF_MOBILE
        made = filling.composition.get(species, 0)
        far = species in moving and abs(made - n * cells) > max(MOST_BALANCED * n * cells, 1.0) + 1e-6
        if far or min(abs(made - wanted), abs(made - n * cells)) > max(most * n * cells, 1.0) + 1e-6:
            found.append(f"{species} {made} for {n * cells:.4g}")
    for site in filling.crystal.sites:
        places = site.multiplicity * cells
        held = sum(filling.counts[site.label].values())
        host = len(site.occupancy) > 1 and not moving & site.occupancy.keys()
        most = (MOST_VACANT if host else MOST_LEFT) * places
        if sum(site.occupancy.values()) > FULL and places - held > max(most, 1):
            found.append(f"{places - held} of {places} {site.label} empty, which the CIF fills")
    return found


def refuse_unlisted(crystal: Crystal) -> None:
    """Refuse a crystal whose formula has elements that no site holds: a simulation of the rest is one of something else.

    Raises
    ------
    DlmdError
        that names them.
    """
    atoms = crystal.composition
    missing = [s for s, n in crystal.formula.items() if n > 0 and not atoms.get(s)]
    if missing:
        raise DlmdError(
            f"{' and '.join(missing)} of _chemical_formula_sum {'is' if len(missing) == 1 else 'are'} on no site",
            where=crystal.source,
            remedy="add the sites that are missing (a structure without them is another compound), or correct the formula",
        )


def refuse_diluted(crystal: Crystal) -> None:
    """Refuse a cell with far more room than atoms fill: lengths in other units than Å, or most atoms missing.

    Raises
    ------
    DlmdError
        that says the volume of an atom.
    """
    volume = abs(float(np.linalg.det(crystal.lattice))) / max(sum(crystal.composition.values()), 1e-9)
    if volume > MOST_VOLUME_A3:
        raise DlmdError(
            f"{volume:,.0f} Å³ for each atom of {crystal.name}: no crystal is so empty",
            where=crystal.source,
            remedy="give the cell's lengths in Å (not in pm), list all atoms, or correct the symmetry",
        )
