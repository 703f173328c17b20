"""Which of several elements that change their charge gives its electrons first: the order of redox steps in oxides.

From lowest state to highest, each step where its couple stands in intercalation oxides and phosphates, the lowest potential first
(Goodenough and Kim, Chem. Mater. 22, 587 (2010); Fe2+ goes before Mn2+, and Mn3+ before Ni2+, so that LiNi1/3Mn1/3Co1/3O2
is Ni2+ Mn4+ Co3+ and MnFe2O4 is Mn2+ Fe3+). For elements in one crystal only the order matters.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

# element, lower state, higher state
STEPS = (
    *(("Ta", 4, 5), ("Ti", 2, 3), ("Ti", 3, 4), ("Nb", 3, 4), ("Nb", 4, 5), ("W", 4, 5), ("W", 5, 6)),
    *(("Sn", 2, 4), ("Sb", 3, 5), ("Cr", 2, 3), ("V", 2, 3), ("Mo", 3, 4), ("Mo", 4, 5), ("Mo", 5, 6)),
    *(("Fe", 2, 3), ("V", 3, 4), ("V", 4, 5), ("Ce", 3, 4), ("Mn", 2, 3), ("Cu", 1, 2), ("Co", 2, 3)),
    *(("Mn", 3, 4), ("Pr", 3, 4), ("Ni", 2, 3), ("Ni", 3, 4), ("Co", 3, 4), ("Fe", 3, 4), ("Cr", 3, 4)),
    ("Cu", 2, 3),
)
CHANGING = frozenset(element for element, _, _ in STEPS)
WHOLE = 0.05  # a mean charge this near to a whole one is that state


def ordered(
    atoms: Mapping[str, float], usual: Mapping[str, float], given: Container[str]
) -> dict[str, float] | None:
    """Charges with which the crystal is neutral, by the order of the steps; None where these elements cannot do it.

    Parameters
    ----------
    atoms
        Element -> atoms in the cell.
    usual
        Charges (e) of all elements; those without a step, and those in `given`, keep theirs.
    """
    free = [s for s in atoms if s in CHANGING and s not in given]
    charges = dict(usual) | {s: float(min(low for e, low, _ in STEPS if e == s)) for s in free}
    missing = -sum(n * charges[s] for s, n in atoms.items())
    if missing < 0:
        return None
    for element, low, high in STEPS:
        if element not in free:
            continue
        step = atoms[element] * (high - low)
        if missing <= step:
            mean = low + missing / atoms[element]
            charges[element] = round(float(round(mean)) if abs(mean - round(mean)) < WHOLE else mean, 6)
            return charges
        charges[element] = float(high)
        missing -= step
    return None
