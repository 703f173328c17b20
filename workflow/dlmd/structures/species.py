"""What the type symbol or the label of an atom site names: an element, a mixture of several, or no atom at all."""

from __future__ import annotations

import re

from dlmd.base.errors import DlmdError
from dlmd.structures import vacancies

HYDROGEN = ("D", "T")  # isotopes have symbols of their own in CIFs
ISOTOPE = re.compile(r"^\W*[23]H|(?<![A-Za-z])[DT](?![a-z])")  # in what is read as hydrogen
HEAVIEST = 103  # elements beyond are in no crystal: 'NH4' is no nihonium
# '0.75(1)Na + 0.25(1)K' of the Pauling File
MIXTURE = re.compile(r"\s*(\d*\.?\d+)(?:\(\d+\))?\s*([A-Z][a-z]?|(?i:vac(?:ancy)?))(?:\d*[+-])?\s*(?:\+|,|$)")
# 'Ca/Na', 'Ca,Na', 'Na0.95Ca0.05', 'Na0.95+Ca0.05'
MIXED = re.compile(r"[A-Z][a-z]?\d*[+-]?(?:[/,;|&][A-Z][a-z]?\d*[+-]?)+|(?:[A-Z][a-z]?\d*\.\d+[+ ]?){2,}")
GROUP = re.compile(r"((?:[A-Z][a-z]?\d*){2,})(?:\d*[+-])?$")
GROUP_LABELS = re.compile(r"(?:NH4|ND4|H2O|D2O|H3O|BH4)(?![A-Za-z])")  # of files without type symbols
HYDROUS = re.compile(
    r"(?i)(?:wat|o[hd]|h2o|o-h)(?![a-z])"
)  # labels of water and hydroxide, as AMCSD has them


def contents(
    text: str, occupancy: float, known: set[str], shouting: bool, *, typed: bool, where: str
) -> list[tuple[str, float, float | None]]:
    """(element, occupancy, stated charge) of what a type symbol or a label names; several for a mixture."""
    # '7Li' is an isotope; '0.75Na' is a part of a mixture
    stripped = re.sub(r"^\d{1,3}(?=[A-Z][a-z]?(?:[\d+-]*)$)", "", text.strip().strip("'\""))
    parts = MIXTURE.findall(stripped)
    if parts and MIXTURE.sub("", stripped).strip() == "":
        total = sum(float(x) for x, _ in parts)
        # the loop's occupancy is either that of the mixture as a whole or says the sum once more
        factor = 1.0 if abs(total - occupancy) < 0.006 else occupancy
        return [
            (_element(s, known, False, True, where), float(x) * factor, None)
            for x, s in parts
            if not vacancies.is_word(s)
        ]
    _refuse_group(stripped, known, shouting, typed, where)
    if typed:
        _refuse_mixture(stripped, where)
    return [(_element(stripped, known, shouting, typed, where), occupancy, _charge(stripped))]


def _refuse_mixture(text: str, where: str) -> None:
    """Raise where a type symbol names several elements of a site ('Ca/Na', 'Na0.95Ca0.05'): only the first would be read."""
    numbers = elements()
    named = re.findall(r"[A-Z][a-z]?", text)
    several = MIXED.fullmatch(text) is not None and len(set(named)) > 1
    if several and all(s in numbers or s in HYDROGEN for s in named):
        raise DlmdError(
            f"'{text}' names {len(set(named))} elements",
            where=where,
            remedy="write one row for each element of the site: the same coordinates, its symbol and its occupancy",
        )


def elements() -> dict[str, int]:
    """Symbol -> number of the elements that crystals are made of."""
    from ase.data import atomic_numbers

    return {s: n for s, n in atomic_numbers.items() if 0 < n <= HEAVIEST}


def _refuse_group(text: str, known: set[str], shouting: bool, typed: bool, where: str) -> None:
    """Raise where a symbol names several atoms, as 'NH4', 'OH' or 'H2O': without their places there is no structure."""
    numbers = elements()
    if not typed:
        group = GROUP_LABELS.match(text)
        atoms = text[: group.end()] if group else ""
    else:
        match = GROUP.match(text)
        atoms = match.group(1) if match else ""
        parts = re.findall(r"[A-Z][a-z]?", atoms)
        if len(parts) < 2 or not all(s in numbers or s in HYDROGEN for s in parts):
            return
        two = atoms[:2].capitalize()
        one_element = re.fullmatch(r"[A-Z]{2}\d*\+?\d*", text) is not None and two in numbers
        # 'CO3+' is cobalt, and so is 'CO3' where the formula or all other symbols say so
        if one_element and known:
            if two in known or not {s for s in parts if s not in HYDROGEN} <= known:
                return
        elif one_element and (shouting or not re.fullmatch(r"[A-Z]{2}\d+", text)):
            return
    if atoms:
        raise DlmdError(
            f"'{text}' is a group of atoms, not an element",
            where=where,
            remedy="list its elements: one row each, with coordinates, an element's symbol and an occupancy",
        )


def _charge(text: str) -> float | None:
    """The charge in 'Fe3+', 'O2-', 'Li+1' or 'Na+'."""
    match = re.match(r"^[A-Za-z]{1,2}(?:(\d+(?:\.\d+)?)([+-])|([+-])(\d+(?:\.\d+)?)?)$", text)
    if match is None:
        return None
    size = float(match.group(1) or match.group(4) or 1)
    return -size if "-" in (match.group(2), match.group(3)) else size


def _element(text: str, known: set[str], shouting: bool, typed: bool, where: str) -> str:
    """The element that a type symbol or a label begins with.

    Two capitals are one element in a type symbol ('NA'). In a label they are where the formula or all other labels say so.
    """
    atomic_numbers = elements()
    text = re.sub(r"(?i)^wat", "O", text)  # AMCSD's water
    letters = re.match(r"[A-Za-z]{0,2}", text)
    start = letters.group() if letters else ""
    if start[:1].islower() and not shouting:
        start = start.capitalize()
    two, one = start.capitalize(), start[:1].upper()
    isotopes = HYDROGEN if typed or "H" in known else HYDROGEN[:1]  # a label 'T1' is a tetrahedron
    one = "H" if one in isotopes and not (len(two) > 1 and two in atomic_numbers) else one
    candidates = [s for s in dict.fromkeys((two, one)) if s in atomic_numbers]
    if len(candidates) == 2:
        in_formula = [s for s in candidates if s in known]
        written = start[1:].islower()
        only_letters = re.match(r"[A-Za-z]+", text)
        if typed and only_letters is not None and len(only_letters.group()) == 2:
            candidates = [two]
        elif len(in_formula) == 1:
            candidates = in_formula
        elif written:
            candidates = [two]
        elif typed or not shouting:
            candidates = [one]
        else:
            raise DlmdError(
                f"'{text}' may be {two} or {one}",
                where=where,
                remedy="add _atom_site_type_symbol, or write the second letter of elements small",
            )
    if not typed and known and candidates[:1] and candidates[0] not in known:
        candidates = []  # 'Vac1' is no vanadium
    if not candidates:
        what = "_atom_site_type_symbol" if typed else "_atom_site_label, or add _atom_site_type_symbol"
        raise DlmdError(
            f"'{text}' is not a chemical element", where=where, remedy=f"correct {what}; one row per element"
        )
    return candidates[0]
