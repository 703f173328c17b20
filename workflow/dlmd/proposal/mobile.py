"""Which element's ions carry the current: the one asked for, else the only one that can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dlmd.base import carriers
from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.structures.crystal import Crystal

FULL = 0.999
# Small or polarisable ions of one charge; the others of that charge are rarely fast.
FAST = ("Li", "Na", "Ag", "Cu", "K")
SMALL = frozenset({"Li", "Ag", "Cu"})  # these go through hosts that larger ions are a part of
SLOWER = ("H", "Rb", "Cs", "Tl")
MAJORITY = 0.8
FEW = 0.05  # of the ions of one charge
NEARLY_ONE = 0.3
ANIONS = ("F", "O")
DIVALENT = ("Mg", "Zn", "Ca")
MOST_VACANT = 0.75  # of an anion's sites that are filled, at least, where its vacancies balance dopants
UNBALANCED = 0.012  # of all positive charge: more than rounding leaves


def choose(crystal: Crystal, charges: Mapping[str, float], *, asked: str | None = None) -> tuple[str, str]:
    """The mobile element and the reason for it.

    Raises
    ------
    DlmdError
        for an element that is not in the crystal, or has no charge; and where several elements, or none, may be meant.
    """
    atoms = crystal.composition
    charges = {s: q for s, q in charges.items() if atoms.get(s, 0.0) > 0}  # a site may be listed empty
    if asked is not None:
        return _asked(crystal, charges, asked)
    split = disordered(crystal)
    for group in (FAST, SLOWER):
        # copper(I) with a little copper(II) is copper(I)
        present = [s for s in group if abs(charges.get(s, 0.0) - 1) < NEARLY_ONE]
        anion = _anion_beside(crystal, charges, present)
        if anion and not SMALL & set(present):
            verb = "share" if len(present) > 1 else "shares"
            return (
                anion,
                f"sites of {anion} are partly empty, and {_named(present)} {verb} full ones with the host",
            )
        if len(present) == 1:
            return present[0], f"{present[0]}⁺ is the only ion here that is known to move fast"
        loose = [s for s in present if s in split]
        if len(loose) == 1:
            others = " and ".join(f"{s}⁺" for s in present if s not in loose)
            return loose[0], f"{loose[0]}⁺ is on partly occupied sites, {others} on full ones"
        total = sum(atoms[s] for s in present)
        # a few of another ion have no statistics of their own
        many = [s for s in present if atoms[s] >= FEW * total]
        if group is FAST and len(many) > 1 and set(many) <= set(loose):
            return carriers.joined(
                many
            ), f"{_named(many)} are both on partly occupied sites and known to move fast"
        if group is FAST and len(many) > 1 and _share_all(crystal, many):
            return carriers.joined(many), f"{_named(many)} share their sites, and are known to move fast"
        most = [s for s in present if atoms[s] > MAJORITY * total]
        if most:
            return most[0], f"most of the ions of one charge are {most[0]}⁺"
        if present:
            raise _several(crystal, present)
    loose = [s for s in ANIONS if s in split and charges.get(s, 0) < 0]
    if charges.get("F") == -1 and (not loose or loose == ["F"]) and "O" not in charges:
        return "F", "F⁻ is the only ion of one charge here, and there is no cation of one"
    if len(loose) == 1:
        return loose[0], f"there is no cation of one charge, and sites of {loose[0]} are partly empty"
    _refuse_unbalanced(crystal, charges)
    divalent = [
        s for s in DIVALENT if abs(charges.get(s, 0.0) - 2) < NEARLY_ONE and _alone_and_loose(crystal, s)
    ]
    if len(divalent) == 1 and split == set(divalent):
        return divalent[
            0
        ], f"there is no ion of one charge, and {divalent[0]}²⁺ leaves sites of its own partly empty"
    anions = [s for s in charges if charges[s] < 0]
    if anions == ["O"] and split and all(charges[s] >= 3 for s in split):
        return "O", f"there is no cation of one charge, and {' and '.join(sorted(split))} leaves sites empty"
    raise _several(
        crystal, loose or sorted((s for s in charges if charges[s]), key=lambda s: abs(charges[s]))
    )


def _asked(crystal: Crystal, charges: Mapping[str, float], asked: str) -> tuple[str, str]:
    """The element, or the elements, that the user names."""
    for name in carriers.elements(asked):
        if name not in charges:
            raise DlmdError(
                f"{crystal.name} has no {name}", where="--mobile", remedy=did_you_mean(name, charges)
            )
        if not charges[name]:
            raise DlmdError(
                f"{name} has no charge here", where="--mobile", remedy=f"state it: --charge {name}=1"
            )
    return asked, "asked for"


def _anion_beside(crystal: Crystal, charges: Mapping[str, float], cations: Sequence[str]) -> str | None:
    """The anion that leaves sites empty where all cations of one charge are the host's: on full sites shared with others."""
    split = disordered(crystal)
    loose = [s for s in ANIONS if s in split and charges.get(s, 0.0) < 0]
    if not cations or len(loose) != 1 or any(s in split for s in cations):
        return None
    shared = all(
        any(charges[s] > 1 for s in site.occupancy)
        for site in crystal.sites
        if any(site.occupancy.get(s, 0.0) > 0 for s in cations)
    )
    return loose[0] if shared else None


def _alone_and_loose(crystal: Crystal, cation: str) -> bool:
    """Whether every site with the cation is its own, and some are partly empty."""
    held = [site.occupancy for site in crystal.sites if site.occupancy.get(cation, 0.0) > 0]
    return all(len(row) == 1 for row in held) and any(row[cation] < FULL for row in held)


def _share_all(crystal: Crystal, cations: Sequence[str]) -> bool:
    """Whether every site that holds one of the cations holds all of them."""
    held = [[s for s in cations if site.occupancy.get(s, 0.0) > 0] for site in crystal.sites]
    return all(len(row) in (0, len(cations)) for row in held)


def _named(cations: Sequence[str]) -> str:
    return " and ".join(f"{s}⁺" for s in cations)


def disordered(crystal: Crystal) -> set[str]:
    """Elements on sites that they leave empty, or on several positions of which not all are filled."""
    loose: set[str] = set()
    for site in crystal.sites:
        if sum(site.occupancy.values()) < FULL:
            loose |= {s for s, x in site.occupancy.items() if x > 0}
    return loose


def _refuse_unbalanced(crystal: Crystal, charges: Mapping[str, float]) -> None:
    """Raise where no ion of one charge is listed and the others are not neutral: it may be what is missing."""
    atoms = crystal.composition
    left = sum(charges.get(s, 0.0) * n for s, n in atoms.items())
    positive = sum(max(charges.get(s, 0.0), 0.0) * n for s, n in atoms.items())
    if abs(left) > UNBALANCED * positive:
        vacancies = ""
        for anion in (s for s in ANIONS if charges.get(s, 0.0) * left > 0):
            share = 1 - left / (charges[anion] * atoms[anion])
            if share >= MOST_VACANT:
                vacancies = f" or the vacancies of {anion} (its occupancies times {share:.4g});"
        raise DlmdError(
            f"{crystal.name} has no ion that is known to move, and its sites leave {left:+.3g} e per cell: is one missing?",
            where=f"{crystal.source} ({_formula(crystal)})",
            remedy=f"add the sites of the mobile ion;{vacancies} or state charges that are known: --charge ELEMENT=E",
        )


def _several(crystal: Crystal, options: Sequence[str]) -> DlmdError:
    return DlmdError(
        f"which ion of {crystal.name} carries the current? It may be {', '.join(options)}",
        where=f"{crystal.source} ({_formula(crystal)})",
        remedy=f"say so: --mobile {options[0]}",
    )


def _formula(crystal: Crystal) -> str:
    return " ".join(f"{s}{n:.4g}" for s, n in crystal.composition.items())
