"""CIFs of conductors other than lithium's, written from published facts (coordinates rounded): `published.py FOLDER`.

What lithium conductors there are as public CIFs, this set is not: ions of sodium, potassium, silver, copper, oxygen and fluorine.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "tests/support")]

from conductors import CONDUCTORS, Conductor, cubic, hall_of, hexagonal  # noqa: E402

LAYERED_O = 0.26  # z of oxygen of delafossite-like layers
# name -> (space group, setting, cell, sites)
FURTHER = {
    # Geller, Science 157, 310 (1967)
    "RbAg4I5": (
        (213, ""),
        cubic(11.24),
        [
            ("Rb1", "Rb", 0.375, 0.375, 0.375, 1),
            ("I1", "I", 0.0313, 0.0313, 0.0313, 1),
            ("I2", "I", 0.125, 0.1775, 0.4275, 1),
            ("Ag1", "Ag", 0.1671, 0.1671, 0.1671, 0.1),
            ("Ag2", "Ag", 0.5306, 0.2708, 0.8001, 0.392),
            ("Ag3", "Ag", 0.9983, 0.8478, 0.2178, 0.242),
        ],
    ),
    "CuI_alpha": ((225, ""), cubic(6.16), [("I1", "I", 0, 0, 0, 1), ("Cu1", "Cu", 0.25, 0.25, 0.25, 0.5)]),
    "Cu1.8Se": (
        (225, ""),
        cubic(5.76),
        [
            ("Se1", "Se", 0, 0, 0, 1),
            ("Cu1", "Cu", 0.25, 0.25, 0.25, 0.75),
            ("Cu2", "Cu", 0.3333, 0.3333, 0.3333, 0.0375),
        ],
    ),
    "Ag2S_beta": ((229, ""), cubic(4.86), [("S1", "S", 0, 0, 0, 1), ("Ag1", "Ag", 0.25, 0, 0.5, 0.3333)]),
    "Ag3SI": (
        (229, ""),
        cubic(4.993),
        [("S1", "S", 0, 0, 0, 0.5), ("I1", "I", 0, 0, 0, 0.5), ("Ag1", "Ag", 0.25, 0, 0.5, 0.25)],
    ),
    "AgCrSe2": (
        (166, "H"),
        hexagonal(3.68, 21.2),
        [("Cr1", "Cr", 0, 0, 0, 1), ("Se1", "Se", 0, 0, 0.2669, 1), ("Ag1", "Ag", 0, 0, 0.1514, 0.5)],
    ),
    "Na3PS4_cubic": (
        (217, ""),
        cubic(6.9965),
        [
            ("Na1", "Na", 0, 0.5, 0.5, 0.8),
            ("Na2", "Na", 0.25, 0.5, 0, 0.1),
            ("P1", "P", 0, 0, 0, 1),
            ("S1", "S", 0.1681, 0.1681, 0.1681, 1),
        ],
    ),
    "Na3PS4_Cl": (
        (217, ""),
        cubic(6.99),
        [
            ("Na1", "Na", 0, 0.5, 0.5, 0.979),
            ("P1", "P", 0, 0, 0, 1),
            ("S1", "S", 0.1681, 0.1681, 0.1681, 0.984),
            ("Cl1", "Cl", 0.1681, 0.1681, 0.1681, 0.016),
        ],
    ),
    "Na0.67Ni0.33Mn0.67O2": (
        (194, ""),
        hexagonal(2.885, 11.155),
        [
            ("Na1", "Na", 0, 0, 0.25, 0.25),
            ("Na2", "Na", 0.6667, 0.3333, 0.25, 0.417),
            ("Ni1", "Ni", 0, 0, 0, 0.333),
            ("Mn1", "Mn", 0, 0, 0, 0.667),
            ("O1", "O", 0.3333, 0.6667, 0.09, 1),
        ],
    ),
    "NaFe0.5Co0.5O2": (
        (166, "H"),
        hexagonal(2.952, 16.15),
        [
            ("Na1", "Na", 0, 0, 0.5, 0.9),
            ("Fe1", "Fe", 0, 0, 0, 0.5),
            ("Co1", "Co", 0, 0, 0, 0.5),
            ("O1", "O", 0, 0, 0.2335, 1),
        ],
    ),
    "K0.6CoO2": (
        (194, ""),
        hexagonal(2.83, 12.5),
        [
            ("Co1", "Co", 0, 0, 0, 1),
            ("O1", "O", 0.3333, 0.6667, 0.079, 1),
            ("K1", "K", 0, 0, 0.25, 0.2),
            ("K2", "K", 0.6667, 0.3333, 0.25, 0.4),
        ],
    ),
    "Li0.5CoO2": (
        (166, "H"),
        hexagonal(2.812, 14.22),
        [("Li1", "Li", 0, 0, 0.5, 0.5), ("Co1", "Co", 0, 0, 0, 1), ("O1", "O", 0, 0, LAYERED_O, 1)],
    ),
    "NMC532": (
        (166, "H"),
        hexagonal(2.87, 14.24),
        [
            ("Li1", "Li", 0, 0, 0.5, 0.97),
            ("Ni2", "Ni", 0, 0, 0.5, 0.03),
            ("Ni1", "Ni", 0, 0, 0, 0.47),
            ("Li2", "Li", 0, 0, 0, 0.03),
            ("Mn1", "Mn", 0, 0, 0, 0.3),
            ("Co1", "Co", 0, 0, 0, 0.2),
            ("O1", "O", 0, 0, 0.2585, 1),
        ],
    ),
    "Hollandite": (
        (87, ""),
        (10.157, 10.157, 2.974, 90, 90, 90),
        [
            ("K1", "K", 0, 0, 0.5, 0.77),
            ("Ti1", "Ti", 0.35, 0.1675, 0, 0.904),
            ("Mg1", "Mg", 0.35, 0.1675, 0, 0.096),
            ("O1", "O", 0.1535, 0.2035, 0, 1),
            ("O2", "O", 0.5415, 0.165, 0, 1),
        ],
    ),
    "Na0.7WO3": (
        (221, ""),
        cubic(3.848),
        [("W1", "W", 0, 0, 0, 1), ("Na1", "Na", 0.5, 0.5, 0.5, 0.7), ("O1", "O", 0.5, 0, 0, 1)],
    ),
    "GDC": (
        (225, ""),
        cubic(5.425),
        [
            ("Ce1", "Ce", 0, 0, 0, 0.8),
            ("Gd1", "Gd", 0, 0, 0, 0.2),
            ("O1", "O", 0.25, 0.25, 0.25, 0.95),
        ],
    ),
    "LSGM": (
        (221, ""),
        cubic(3.915),
        [
            ("La1", "La", 0.5, 0.5, 0.5, 0.9),
            ("Sr1", "Sr", 0.5, 0.5, 0.5, 0.1),
            ("Ga1", "Ga", 0, 0, 0, 0.8),
            ("Mg1", "Mg", 0, 0, 0, 0.2),
            ("O1", "O", 0.5, 0, 0, 0.95),
        ],
    ),
    "LSCF": (
        (221, ""),
        cubic(3.9),
        [
            ("La1", "La", 0.5, 0.5, 0.5, 0.6),
            ("Sr1", "Sr", 0.5, 0.5, 0.5, 0.4),
            ("Fe1", "Fe", 0, 0, 0, 0.8),
            ("Co1", "Co", 0, 0, 0, 0.2),
            ("O1", "O", 0.5, 0, 0, 0.9567),
        ],
    ),
    # La9.33(SiO4)6O2
    "apatite": (
        (176, ""),
        hexagonal(9.72, 7.19),
        [
            ("La1", "La", 0.3333, 0.6667, -0.0006, 0.833),
            ("La2", "La", 0.0128, 0.2411, 0.25, 1),
            ("Si1", "Si", 0.4018, 0.3722, 0.25, 1),
            ("O1", "O", 0.3235, 0.4849, 0.25, 1),
            ("O2", "O", 0.5958, 0.4727, 0.25, 1),
            ("O3", "O", 0.3443, 0.2571, 0.0702, 1),
            ("O4", "O", 0, 0, 0.25, 1),
        ],
    ),
    "LaSrF_tysonite": (
        (165, ""),
        hexagonal(7.19, 7.36),
        [
            ("La1", "La", 0.659, 0, 0.25, 0.95),
            ("Sr1", "Sr", 0.659, 0, 0.25, 0.05),
            ("F1", "F", 0.366, 0.054, 0.081, 0.975),
            ("F2", "F", 0.3333, 0.6667, 0.187, 1),
            ("F3", "F", 0, 0, 0.25, 1),
        ],
    ),
    "BaLaF_fluorite": (
        (225, ""),
        cubic(6.12),
        [
            ("Ba1", "Ba", 0, 0, 0, 0.8),
            ("La1", "La", 0, 0, 0, 0.2),
            ("F1", "F", 0.25, 0.25, 0.25, 0.9),
            ("F2", "F", 0.41, 0.41, 0.41, 0.05),
        ],
    ),
}
WRITTEN = {
    name: Conductor(hall_of(*group), tuple(cell), tuple(sites), "", {})
    for name, (group, cell, sites) in FURTHER.items()
}


def main() -> None:
    """Write all of them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, conductor in (CONDUCTORS | WRITTEN).items():
        (folder / f"{name}.cif").write_text(conductor.cif(name), encoding="utf-8")


if __name__ == "__main__":
    main()
