"""CIFs of the materials that are not in structures/, written from published facts.

The first lines of each file say where cell, sites and occupancies come from. Those of families that the tests know are theirs.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests/support")]

from conductors import CONDUCTORS, Conductor, cubic, hall_of  # noqa: E402


@dataclass(frozen=True)
class Written:
    """A crystal and where its facts come from."""

    conductor: Conductor
    source: str


# P-S 2.05 Å along the diagonal of a cell of 6.9965 Å
S_OF_NA3PS4 = 0.1692

CRYSTALS = {
    "Li6PS5Cl": Written(
        CONDUCTORS["argyrodite"],
        "cell, sites, S/Cl exchange: Kraft et al., J. Am. Chem. Soc. 139, 10909 (2017)",
    ),
    "Li10GeP2S12": Written(
        CONDUCTORS["lgps"], "cell, sites, occupancies: Kamaya et al., Nat. Mater. 10, 682 (2011)"
    ),
    "Li6.4La3Zr1.4Ta0.6O12": Written(
        Conductor(
            hall_of(230),
            cubic(12.922),
            (
                ("La1", "La", 0.125, 0, 0.25, 1),
                ("Zr1", "Zr", 0, 0, 0, 0.7),
                ("Ta1", "Ta", 0, 0, 0, 0.3),
                ("O1", "O", -0.0318, 0.0551, 0.1495, 1),
                ("Li1", "Li", 0.375, 0, 0.25, 0.4),
                ("Li2", "Li", 0.0966, 0.6853, 0.5770, 0.4333),
            ),
            "Li",
            {"Li": 1, "La": 3, "Zr": 4, "Ta": 5, "O": -2},
        ),
        "cell: Li et al., J. Mater. Chem. 22, 15357 (2012); sites: those of Li7La3Zr2O12, Awaka et al., "
        "Chem. Lett. 40, 60 (2011); how 51.2 Li are shared among 24d and 96h: chosen near that of Li7La3Zr2O12, not refined",
    ),
    "Li1.3Al0.3Ti1.7P3O12": Written(
        CONDUCTORS["latp"],
        "cell near that of Aono et al., J. Electrochem. Soc. 137, 1023 (1990); sites of the "
        "NASICON family, rounded; Al at random on Ti",
    ),
    "Na3Zr2Si2PO12": Written(
        CONDUCTORS["nasicon"],
        "rhombohedral, above the transition: Boilot et al., J. Solid State Chem. 73, 160 (1988); at 298 K it is monoclinic",
    ),
    "Na3PS4": Written(
        Conductor(
            hall_of(217),
            cubic(6.9965),
            (
                ("Na1", "Na", 0, 0.5, 0.5, 1),
                ("P1", "P", 0, 0, 0, 1),
                ("S1", "S", S_OF_NA3PS4, S_OF_NA3PS4, S_OF_NA3PS4, 1),
            ),
            "Na",
            {"Na": 1, "P": 5, "S": -2},
        ),
        "cubic cell: Hayashi et al., Nat. Commun. 3, 856 (2012); x of S from P-S 2.05 Å; without vacancies, which a sample has",
    ),
    "Na2.88Sb0.88W0.12S4": Written(
        CONDUCTORS["thioantimonate"], "cell, sites, occupancies: Hayashi et al., Nat. Commun. 10, 5266 (2019)"
    ),
}


def write(name: str, folder: Path) -> Path:
    """The CIF of a crystal; one that is there with the same text stays, so that nothing is made anew."""
    crystal = CRYSTALS[name]
    text = f"# {name}. {crystal.source}\n{crystal.conductor.cif(name)}"
    path = folder / f"{name}.cif"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path
