"""How the sites of a cell are best filled."""

from __future__ import annotations

from collections.abc import Mapping

from dlmd.base.carriers import elements, spoken
from dlmd.proposal.mobile import FULL
from dlmd.structures.crystal import Crystal
from dlmd.structures.room_to_move import all_full


def sampling(crystal: Crystal, charges: Mapping[str, float], mobile: str) -> tuple[str, str]:
    """How production's cells are filled, and why."""
    moving = set(elements(mobile))
    charge = charges[elements(mobile)[0]]
    host = [site for site in crystal.sites if set(site.occupancy) - moving]
    if any(
        sum(site.occupancy.values()) < FULL and max(abs(charges[s]) for s in site.occupancy) > 1
        for site in host
    ):
        return (
            "coulomb",
            "ions of the host leave sites empty: at random some would be neighbours that repel each other",
        )
    mixed = [site for site in host if len(site.occupancy) > 1]
    if any(moving & site.occupancy.keys() for site in mixed) and any(
        abs(charges[s] - charge) > 1
        for site in mixed
        if moving & site.occupancy.keys()
        for s in site.occupancy
    ):
        return "coulomb", f"{spoken(mobile)} shares sites with ions of a higher charge, which keep apart"
    if mixed:
        return (
            "random",
            "the host's ions of like charge were mixed when it was made, which annealing would undo",
        )
    if all(len(site.occupancy) == 1 and sum(site.occupancy.values()) >= FULL for site in crystal.sites):
        return "random", "all sites are full: there is nothing to arrange"
    if len(moving) > 1 and all_full(crystal.sites, mobile, charges):
        return (
            "random",
            f"{spoken(mobile)} fill their sites: without a vacancy they stay as drawn, so that orderings matter",
        )
    if any(sum(site.occupancy.values()) < FULL for site in host):
        return (
            "random",
            f"{spoken(mobile)} and light ions of the host are disordered; what moves finds its places in the dynamics",
        )
    if len(moving) > 1:
        return "random", f"only {spoken(mobile)} are disordered, and they find their places in the dynamics"
    return "random", f"only {mobile} is disordered, and it finds its places in the dynamics"
