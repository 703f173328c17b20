"""The charge of a mobile ion: given, the only one its element has, or the one that makes the compound neutral."""

from __future__ import annotations

from collections.abc import Mapping

from dlmd.base.errors import DlmdError

# Elements with one charge, common and recorded: pymatgen, which knows all, takes long to load.
ONLY_CHARGE = {"Li": 1, "Na": 1, "K": 1, "Rb": 1, "Cs": 1, "Mg": 2, "F": -1}


def charge_of(
    element: str, given: float | None, composition: Mapping[str, int] | None = None
) -> tuple[float, str | None]:
    """The charge of an ion in e, and a note where it was guessed.

    Raises
    ------
    DlmdError
        where none was given, the element has several, and the compound does not decide.
    """
    if given is not None:
        return given, None
    found = [ONLY_CHARGE[element]] if element in ONLY_CHARGE else _known(element)
    if len(found) == 1:
        return float(
            found[0]
        ), f"charge {found[0]:+d} e guessed: the only common oxidation state of {element} (pymatgen)"
    charge, formula = _neutral(element, composition or {})
    # the lowest cation or anion: mobile Cu is Cu+, whatever balances the host on paper
    if charge is not None and charge in (min((z for z in found if z > 0), default=0), min(found)):
        return charge, f"charge {charge:+g} e guessed: it makes {formula} neutral (pymatgen)"
    raise DlmdError(
        f"{element} has several common charges: {', '.join(f'{z:+d}' for z in found)}",
        remedy="give --charge Z (Python: charge)",
    )


def _known(element: str) -> list[int]:
    """Common charges, and those recorded in crystals."""
    from pymatgen.core import Element

    known = Element(element)
    return sorted({*known.common_oxidation_states, *known.icsd_oxidation_states})


def _neutral(element: str, composition: Mapping[str, int]) -> tuple[float | None, str]:
    """The integer charge in the likeliest neutral assignment of oxidation states, and the formula; None where there is none."""
    from pymatgen.core import Composition

    if len(composition) < 2:
        return None, ""
    compound = Composition(dict(composition)).reduced_composition
    guesses = compound.oxi_state_guesses(max_sites=-1)
    charge = guesses[0].get(element) if guesses else None
    if charge is None or charge != round(charge):
        return None, compound.reduced_formula
    return float(charge), compound.reduced_formula
