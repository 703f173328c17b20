"""Oxidation states of a crystal's elements: the CIF's own where they fit, else the likeliest neutral ones.

How likely a state is comes from its frequency among the structures of the ICSD (the table behind pymatgen's guesses). Occupancies
are refined, so a small charge that is left over is theirs. A larger one is the mixed valence of an element that changes its
charge easily, or else ions that the refinement has not found.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.proposal import boranes, cyanides, redox
from dlmd.structures import site_charges
from dlmd.structures.crystal import Crystal

# states rarer than this among an element's are none to guess, unless textbooks name them
RARE = 0.1
RARE_IN_TEXTBOOKS = 0.03
# rare states down to this one bound a mixed valence
RARE_IN_MIXTURES = 0.02
# of elements that bond to their own kind (P2S6 4-, S2 2-), where nothing commoner is neutral
RARE_IN_BONDS = 0.02
BONDED = "Si Ge P As S Se Te".split()
# a charge up to this part of all positive charge is what rounded or refined occupancies leave
ROUNDING = 0.012
# what ions that were not found may leave, where no element can have a mixed valence
LEFT_OUT = 0.15
MOST_CHARGE = 7.0
MOST_CHANGE_E = 2.0  # of what is advised from the usual charge: more is another mistake
WHOLE = redox.WHOLE
KEPT = 100_000  # best combinations that are carried on from element to element
# elements whose charge changes easily: mixed valence is a property of these
REDOX = "Ti V Cr Mn Fe Co Ni Cu Nb Mo Ru Rh Ta W Re Os Ir Ce Pr Eu Tb Yb U Sn Sb Tl Pb Bi".split()


@dataclass(frozen=True)
class Oxidation:
    """Charges (e) of the elements and of elements on single sites, their source, and what they leave per cell of the CIF."""

    charges: Mapping[str, float]
    source: str
    charge_per_cell: float
    mixed: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    on_sites: Mapping[str, float] = field(default_factory=dict)

    @property
    def stated(self) -> dict[str, float]:
        """All that a config says: charges of elements, and of elements on single sites ('Fe on Fe1')."""
        return {**self.charges, **self.on_sites}

    @property
    def whole(self) -> bool:
        """Whether all of them are whole numbers."""
        return all(float(q).is_integer() for q in self.charges.values())


def guess(crystal: Crystal, *, given: Mapping[str, float] | None = None) -> Oxidation:
    """Charges of all elements.

    Parameters
    ----------
    given
        Charges that the user states; they are not questioned. Those that the CIF states are taken where the cell is then
        neutral but for rounding.

    Raises
    ------
    DlmdError
        for a given element that the crystal has not, and where no likely charges come near a neutral cell.
    """
    atoms = crystal.composition
    given, on_sites = _given(crystal, given or {})
    if given.keys() >= atoms.keys():
        return Oxidation({s: given[s] for s in atoms}, "given", _sum(atoms, given), on_sites=on_sites)
    own = dict(crystal.oxidation) | given
    if own.keys() >= atoms.keys() and _left(atoms, own) <= ROUNDING:
        of_cif = {
            site_charges.key(s, site): q for (site, s), q in crystal.site_oxidation.items() if s not in given
        }
        found = {s: own[s] for s in atoms}
        return Oxidation(found, "stated in the CIF", _sum(atoms, own), on_sites=of_cif | on_sites)
    source = "given, the others by their frequency" if given else "by their frequency in the ICSD (pymatgen)"
    states = {s: _states(s, given) for s in atoms}
    if cyanides.only(crystal):
        states |= {s: {q: 1.0} for s, q in cyanides.CHARGES.items() if s not in given}
    found_rest = _neutral(crystal, atoms, states, source, given)
    return replace(found_rest, on_sites=on_sites)


def _given(crystal: Crystal, given: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """Charges by element, and those on single sites, that the user states; the mean of an element that has only the latter.

    Raises
    ------
    DlmdError
        for an element or a site that the crystal has not, and for an element with charges on a part of its sites only.
    """
    atoms = crystal.composition
    elements = {name: q for name, q in given.items() if site_charges.split(name)[1] is None}
    for name in given:
        element = site_charges.split(name)[0]
        if element not in atoms:
            raise DlmdError(
                f"{crystal.name} has no {element}", where="--charge", remedy=did_you_mean(element, atoms)
            )
    on_sites = {name: q for name, q in given.items() if name not in elements}
    for element in {site_charges.split(name)[0] for name in on_sites} - elements.keys():
        charge = {
            crystal.site(label, where="--charge").label: q
            for name, q in on_sites.items()
            for s, label in [site_charges.split(name)]
            if s == element and label
        }
        held = {site.label: site.occupancy.get(element, 0.0) * site.multiplicity for site in crystal.sites}
        others = [label for label, n in held.items() if n > 0 and label not in charge]
        if others:
            raise DlmdError(
                f"{element} has a charge on {', '.join(charge)}, and none on {', '.join(others)}",
                where="--charge",
                remedy=f"state it for all of them, or that of the others as --charge {element}=E",
            )
        elements[element] = sum(q * held[label] for label, q in charge.items()) / atoms[element]
    return elements, on_sites


def _neutral(
    crystal: Crystal,
    atoms: Mapping[str, float],
    states: Mapping[str, Mapping[float, float]],
    source: str,
    given: Container[str],
) -> Oxidation:
    """The likeliest combination that is neutral but for rounding, else one with a mixed valence, else with ions left out."""
    several = _several_that_change(atoms, states, given)
    if several is not None:
        return Oxidation(several, source, _sum(atoms, several), _fractions(several), _order_notes(several))
    charges, score, left = _combinations(atoms, states)
    names = list(atoms)
    good = np.flatnonzero(left <= ROUNDING)
    if len(good):
        found = charges[good[np.argmax(score[good])]]
        whole = dict(zip(names, found.tolist(), strict=True))
        return Oxidation(whole, source, _sum(atoms, whole))
    mixed = _mixed(atoms, states, given)
    if mixed is not None:
        charge, element = mixed
        if charge[element].is_integer():
            note = f"{element} {charge[element]:+g} is not its commonest state; it makes the cell neutral"
            return Oxidation(charge, source, _sum(atoms, charge), (), (note,))
        note = f"{element} has a mixed valence of {charge[element]:+.4g}, which makes the cell neutral"
        return Oxidation(charge, source, 0.0, (element,), (note,))
    bonded = _bonded(atoms, states, given)
    if bonded is not None:
        rarer, element = bonded
        note = f"{element} {rarer[element]:+g} is of bonds between its own atoms; it makes the cell neutral"
        return Oxidation(rarer, source, _sum(atoms, rarer), (), (note,))
    cluster = boranes.charges(crystal, {s: max(q, key=q.__getitem__) for s, q in states.items()}, given)
    if cluster is not None:
        note = f"B {cluster['B']:+.4g} on average beside H -1: atoms of one cage share electrons, and it makes the cell neutral"
        return Oxidation(cluster, source, _sum(atoms, cluster), ("B",), (note,))
    near = np.flatnonzero(left <= LEFT_OUT)
    if not len(near):
        best = dict(zip(names, charges[int(np.argmax(score))].tolist(), strict=True))
        shown = ", ".join(f"{s} {q:+g}" for s, q in best.items())
        raise DlmdError(
            f"no likely charges make {crystal.name} neutral: {shown} leave {_sum(atoms, best):+.3g} e per cell",
            where=f"{crystal.source}, occupancies",
            remedy=f"correct the occupancies (is an atom missing?), or state {_advice(atoms, best)}",
        )
    found = charges[near[np.argmax(score[near] - 20 * left[near])]]
    whole = dict(zip(names, found.tolist(), strict=True))
    return Oxidation(whole, source, _sum(atoms, whole))


def _advice(atoms: Mapping[str, float], charges: Mapping[str, float]) -> str:
    """Another charge of an element that changes it easily, which makes the cell neutral; never one that was tried."""
    left = _sum(atoms, charges)
    needed = {s: charges[s] - left / n for s, n in atoms.items() if s in REDOX}
    found = [
        (abs(q - charges[s]), s, q)
        for s, q in needed.items()
        if 0 < q <= MOST_CHARGE and abs(q - charges[s]) <= MOST_CHANGE_E
    ]
    if not found:
        return "charges that are known: --charge ELEMENT=E"
    _, element, charge = min(found)
    return f"another charge: --charge {element}={charge:.4g} makes it neutral"


def _sum(atoms: Mapping[str, float], charges: Mapping[str, float]) -> float:
    return float(sum(n * charges[s] for s, n in atoms.items()))


def _left(atoms: Mapping[str, float], charges: Mapping[str, float]) -> float:
    """What is left, as a part of all positive charge."""
    positive = sum(n * max(charges[s], 0.0) for s, n in atoms.items())
    return abs(_sum(atoms, charges)) / positive if positive else np.inf


def _combinations(
    atoms: Mapping[str, float], states: Mapping[str, Mapping[float, float]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, elements) charges, (n,) logarithm of their probability, (n,) what they leave as a part of the positive charge."""
    charges, score = np.zeros((1, 0)), np.zeros(1)
    for element in atoms:
        q = np.array(list(states[element]))
        p = np.log(list(states[element].values()))
        charges = np.hstack([np.repeat(charges, len(q), axis=0), np.tile(q, len(charges))[:, None]])
        score = np.repeat(score, len(q)) + np.tile(p, len(score))
        best = np.argsort(-score, kind="stable")[:KEPT]
        charges, score = charges[best], score[best]
    n = np.array(list(atoms.values()))
    positive = np.maximum(charges, 0) @ n
    left = np.abs(charges @ n) / np.where(positive > 0, positive, 1e-9)
    return charges, score, left


def _several_that_change(
    atoms: Mapping[str, float], states: Mapping[str, Mapping[float, float]], given: Container[str]
) -> dict[str, float] | None:
    """Charges where several elements change theirs easily: which gives its electrons first is known; frequencies say nothing."""
    if sum(s in redox.CHANGING and s not in given for s in atoms) < 2:
        return None
    usual = {s: max(states[s], key=states[s].__getitem__) for s in atoms}
    found = redox.ordered(atoms, usual, given)
    if found is None or (_left(atoms, found) > ROUNDING and not _fractions(found)):
        return None
    return found


def _fractions(charges: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(s for s, q in charges.items() if not float(q).is_integer())


def _order_notes(charges: Mapping[str, float]) -> tuple[str, ...]:
    shown = ", ".join(f"{s} {q:+.4g}" for s, q in charges.items() if s in redox.CHANGING)
    return (f"{shown}: by the order in which these elements give electrons in oxides",)


def _mixed(
    atoms: Mapping[str, float],
    states: Mapping[str, Mapping[float, float]],
    given: Container[str],
) -> tuple[dict[str, float], str] | None:
    """All elements in their likeliest state but one, whose mean charge makes the cell neutral; None where none can."""
    usual = {s: max(states[s], key=states[s].__getitem__) for s in atoms}
    # those with several common states first
    changing = sorted(
        (s for s in atoms if s in REDOX and s not in given),
        key=lambda s: (len(states[s]) == 1, REDOX.index(s)),
    )
    for element in changing:
        needed = -sum(n * usual[s] for s, n in atoms.items() if s != element) / atoms[element]
        range_ = [q for q, share in _shares(element).items() if share >= RARE_IN_MIXTURES and q > 0]
        # rare on their own, and usual in a mixture: Cu3+ of cuprates, Fe4+ of ferrites
        range_ += [float(high) for step, _, high in redox.STEPS if step == element]
        if range_ and min(range_) - WHOLE <= needed <= max(range_) + WHOLE:
            nearest = float(round(needed))
            whole = usual | {element: nearest}
            if nearest in range_ and abs(needed - nearest) <= WHOLE and _left(atoms, whole) <= ROUNDING:
                return whole, element
            return usual | {element: round(min(max(needed, min(range_)), max(range_)), 6)}, element
    return None


def _bonded(
    atoms: Mapping[str, float],
    states: Mapping[str, Mapping[float, float]],
    given: Container[str],
) -> tuple[dict[str, float], str] | None:
    """Common states of all elements but one that bonds to its own kind, in a rarer one; None where none is neutral."""
    found: list[tuple[float, dict[str, float], str]] = []
    for element in (s for s in atoms if s in BONDED and s not in given):
        sign = max(states[element], key=states[element].__getitem__)
        for q, share in _shares(element).items():
            if share < RARE_IN_BONDS or q * sign <= 0 or q in states[element]:
                continue
            charges, score, left = _combinations(atoms, {**states, element: {q: share}})
            good = np.flatnonzero(left <= ROUNDING)
            if len(good):
                best = good[np.argmax(score[good])]
                found.append(
                    (float(score[best]), dict(zip(atoms, charges[best].tolist(), strict=True)), element)
                )
    return max(found, key=lambda entry: entry[0])[1:] if found else None


def _states(element: str, given: Mapping[str, float]) -> dict[float, float]:
    """{state: probability} of what is worth considering."""
    from pymatgen.core import Element

    if element in given:
        return {float(given[element]): 1.0}
    shares = _shares(element)
    common = set(Element(element).common_oxidation_states)
    kept = {
        q: share
        for q, share in shares.items()
        if share >= RARE or (q in common and share >= RARE_IN_TEXTBOOKS)
    }
    return kept or shares or {float(q): 1.0 for q in common} or {0.0: 1.0}


def _shares(element: str) -> dict[float, float]:
    """{state: part of the structures with this element in a charged state}."""
    counts = {float(q): n for name, q, n in _table() if name == element and q}
    total = sum(counts.values())
    return {q: n / total for q, n in counts.items()} if total else {}


def _table() -> list[tuple[str, float, int]]:
    """(element, state, structures) of the table that comes with pymatgen."""
    from pymatgen.core import Composition

    if Composition.oxi_prob is None:
        # the class reads its table at the first guess
        Composition("NaCl").oxi_state_guesses()
    table: Mapping[Any, Any] = Composition.oxi_prob or {}
    return [(species.symbol, float(species.oxi_state), int(n)) for species, n in table.items()]
