"""A site that a refinement has not listed, for mobile ions that have no room on those it has.

Where halves of a cage are nearer than two ions can be and hold more than one ion, the rest is elsewhere: in lithium-rich
argyrodites (Li6+x) refinements of neutron data find it in free tetrahedra of anions. Such a site is added by geometry and given
that rest alone: the composition stays that of the CIF, and occupancies of the other sites are lowered by what they cannot hold.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from dlmd.base.carriers import elements, spoken
from dlmd.base.errors import DlmdError
from dlmd.base.files import write_text
from dlmd.proposal import room
from dlmd.proposal.faithful import NEARLY_ROOM
from dlmd.structures import cif_writing, exclusion, sites
from dlmd.structures.crystal import Crystal, Site
from dlmd.structures.occupancy import of_unit_cell
from dlmd.structures.symmetry import Symmetry

# Of the mobile ions: Li6+x up to x = 0.85, as far as argyrodites with cages of one kind are known; more is another structure.
MOST = 0.125
TETRAHEDRON = 4
LOOKED_AT = 4  # voids, the roomiest first
TRACE = 1e-3  # occupancy that makes a site count among its neighbours, before it is known
PLACES = 6  # digits of occupancies
WIDTH = 110


@dataclass(frozen=True)
class Completed:
    """A crystal with one site more.

    Attributes
    ----------
    label
        Of the added site.
    note
        What was added and what it holds.
    share
        Part of the mobile ions on it.
    """

    crystal: Crystal
    label: str
    note: str
    share: float


def options(crystal: Crystal, charges: Mapping[str, float], mobile: str) -> list[Completed]:
    """Ways to place what cages cannot hold in a free tetrahedron each, that with the fewest ions on it first; mostly none.

    There are some only where positions that exclude each other hold more than one ion of one mobile element, and nothing else.
    """
    if "," in mobile or not _overfull(crystal, charges, mobile):
        return []
    found = []
    for place in islice(room.places(crystal, charges, mobile), LOOKED_AT):
        near = [exclusion.unlike_contact(mobile, s, charges) for s in charges]
        if place.corners != TETRAHEDRON or place.from_anions_a < max(near):
            continue
        made = _with(crystal, charges, mobile, place)
        if made is not None and made.share <= MOST:
            found.append(made)
    return sorted(found, key=lambda made: round(made.share, 3))


def _overfull(crystal: Crystal, charges: Mapping[str, float], mobile: str) -> bool:
    """Whether all positions that hold too much are the mobile ions' alone, and there are some."""
    problem = of_unit_cell(crystal, tuple(charges.items()))
    over = [c for c in problem.cliques if c.filled(problem.requested) > NEARLY_ROOM]
    moving = set(elements(mobile))
    return bool(over) and all(
        crystal.site(label).occupancy.keys() <= moving for c in over for label in c.sites
    )


def _with(crystal: Crystal, charges: Mapping[str, float], mobile: str, place: room.Place) -> Completed | None:
    """The crystal with the place as a site; None where not all ions fit with it."""
    symmetry = Symmetry("", crystal.rotations, crystal.translations)
    positions = sites.orbit(place.fractional, symmetry, crystal.lattice)
    label = _label(crystal, mobile)
    added = Site(label, f"{len(positions)}{_letter(crystal, positions)}", {mobile: TRACE}, positions)
    made = replace(crystal, sites=(*crystal.sites, added))
    held: dict[str, float] = {}
    for _ in range(2):  # distances that like ions keep hang on what the sites hold
        held = _shared_out(crystal, made, charges, mobile)
        if not held:
            return None
        made = replace(
            made,
            sites=tuple(
                replace(site, occupancy={**site.occupancy, mobile: held[site.label]})
                if site.label in held
                else site
                for site in made.sites
            ),
        )
    on_it, all_ions = held[label] * len(positions), crystal.composition[mobile]
    if on_it <= 0:
        return None
    changed = [
        f"{mobile} {site.occupancy[mobile]:.4g} for {before:.4g} on {site.label}"
        for site in made.sites[:-1]
        if (before := crystal.site(site.label).occupancy.get(mobile, 0.0))
        and abs(before - site.occupancy[mobile]) > 1e-4
    ]
    where = " ".join(f"{x:.3f}" for x in positions[0])
    note = (
        f"site {label} ({added.wyckoff} at {where}) is added: {on_it:.3g} of {all_ions:.4g} {spoken(mobile)} per cell "
        f"({on_it / all_ions:.1%}) have no room on the sites of the CIF, and this tetrahedron of anions is free "
        f"({place.from_anions_a:.2f} Å from them); {', '.join(changed)}; the composition stays"
    )
    return Completed(made, label, note, on_it / all_ions)


def _shared_out(
    before: Crystal, made: Crystal, charges: Mapping[str, float], mobile: str
) -> dict[str, float]:
    """Site -> occupancy of the mobile ion that positions have room for, with as little as can be on the last site.

    The other sites give alike, as far as their neighbours let them. Empty where there is no room for all.
    """
    from scipy.optimize import linprog

    try:
        problem = of_unit_cell(made, tuple(charges.items()))
    except DlmdError:
        return {}
    target = np.array([before.site(site.label).occupancy[s] for site, s, _ in problem.entries[:-1]] + [1.0])
    free = np.array(
        [
            s == mobile and site.occupancy.keys() == {s} and x < 1
            for (site, s, _), x in zip(problem.entries, target, strict=True)
        ]
    )
    free[-1] = True
    n = len(target)
    low, high = np.where(free, 0.0, target), target.copy()
    atoms = problem.multiplicity * np.array([s == mobile for _, s, _ in problem.entries])
    # last variable: the largest part that a site gives, which is kept small
    cost = np.zeros(n + 1)
    cost[n - 1], cost[n] = problem.multiplicity[-1], 1e-3
    gives = np.hstack([-np.eye(n), -target[:, None]])[:-1]
    cliques = np.hstack([problem.bounds * problem.multiplicity, np.zeros((len(problem.bounds), 1))])
    found = linprog(
        cost,
        A_ub=np.vstack([gives, cliques]),
        b_ub=np.concatenate([-target[:-1], np.ones(len(cliques))]),
        A_eq=np.concatenate([atoms, [0.0]])[None],
        b_eq=[before.composition[mobile]],
        bounds=[*zip(low, high, strict=True), (0.0, 1.0)],
    )
    if found.x is None:
        return {}
    return {
        site.label: round(float(x), PLACES)
        for (site, _, _), x, gave in zip(problem.entries, found.x[:n], free, strict=True)
        if gave
    }


def write(made: Completed, folder: Path) -> Path:
    """Write the crystal as a CIF of its own and return its path; an equal file is kept, another one is not overwritten."""
    stem = f"{Path(made.crystal.source).stem}_with_{made.label}"
    text = cif_writing.text(
        made.crystal,
        comments=textwrap.wrap(f"{made.crystal.source} as `dlmd new` completed it: {made.note}", WIDTH),
    )
    for k in itertools.count(1):
        path = folder / f"{stem}{f'_{k}' if k > 1 else ''}.cif"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_text(path, text)
        if path.read_text(encoding="utf-8") == text:
            return path
    raise AssertionError  # the count has no end


def _label(crystal: Crystal, mobile: str) -> str:
    taken = {label for site in crystal.sites for label in site.labels}
    return next(name for k in range(1, 100) if (name := f"{mobile}_free{k if k > 1 else ''}") not in taken)


def _letter(crystal: Crystal, positions: np.ndarray) -> str:
    """Wyckoff letter of the added site."""
    from dlmd.structures.crystal import wyckoff_letters

    return wyckoff_letters([*(site.positions for site in crystal.sites), positions], crystal.lattice)[-1]
