"""The element that an atom's name or mass means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

# "Li_sv", "Li_sv/8c3d0e2f" (VASP), "Li+", "Fe3+" (charges), "Li1" (site labels), "H.5" (fractional hydrogen)
# "7Li", "35Cl"
_ISOTOPE = re.compile(r"\d{1,3}([A-Z][a-z]?)$")
_HYDROGEN = {"D": "H", "T": "H"}
# Isotopes that are used pure, by mass in u, where the element's mean mass is another one.
_ISOTOPES = {
    2.014: "H",
    6.015: "Li",
    7.016: "Li",
    10.013: "B",
    11.009: "B",
    13.003: "C",
    15.000: "N",
    17.999: "O",
    34.969: "Cl",
    36.966: "Cl",
}
_ISOTOPE_TOLERANCE_U = 0.012
_SUFFIXED = re.compile(r"([A-Z][a-z]?)(?:[_/+\-.:(#@\d].*)$")
# "LI+", "NA+", "ZN2+"
_CHARGED = re.compile(r"([A-Z]{2})\d?[+-]\d?$")
# Masses agree with an element's within this fraction: 7 for Li and 16 for O do, 1.0 for a made-up atom is hydrogen's by 0.8 %.
_MASS_TOLERANCE = 0.012


@lru_cache(maxsize=1000)
def element_of(name: str) -> str | None:
    """The element that an atom's name means, or None: "Li", "Li+", "Li_sv/8c3d0e2f", "Li1", "7Li", "D", "LI" have one."""
    from ase.data import atomic_numbers

    name = name.strip()
    if name == "X":
        return None
    if name in atomic_numbers or name in _HYDROGEN:
        return _HYDROGEN.get(name, name)
    isotope = _ISOTOPE.match(name)
    if isotope and isotope[1] in atomic_numbers:
        return isotope[1]
    found = _SUFFIXED.match(name)
    if found and found[1] in atomic_numbers:
        return found[1]
    # GROMACS and PDB write names in capitals
    charged = _CHARGED.match(name)
    name = charged[1] if charged else name
    if name.isalpha() and name.isupper() and len(name) == 2 and name.capitalize() in atomic_numbers:
        return name.capitalize()
    return None


def elements_of_masses(masses: Sequence[float]) -> list[str | None]:
    """The element next to each mass in u, also of a pure isotope; None where there is none near, and for all where several have a
    mass of one."""
    from ase.data import atomic_masses, chemical_symbols

    if len(masses) > 1 and all(mass == 1.0 for mass in masses):
        return [None] * len(masses)
    known = np.array(atomic_masses[1:])
    out: list[str | None] = []
    for mass in masses:
        isotope = next((e for m, e in _ISOTOPES.items() if abs(m - mass) <= _ISOTOPE_TOLERANCE_U), None)
        if isotope:
            out.append(isotope)
            continue
        nearest = int(np.nanargmin(np.abs(known - mass)))
        near = abs(known[nearest] - mass) <= max(_MASS_TOLERANCE * known[nearest], 0.05)
        out.append(chemical_symbols[nearest + 1] if near else None)
    return out
