"""CIFs of well-known conductors, written from published facts; their symmetry is given as operations."""

from dataclasses import dataclass
from functools import cache

import spglib
from pymatgen.core import SymmOp


@dataclass(frozen=True)
class Conductor:
    """`sites`: (label, element, x, y, z, occupancy); `hall` is the number of the setting in spglib's table."""

    hall: int
    cell: tuple
    sites: tuple
    mobile: str
    charges: dict
    asked: bool = False  # whether the user must name the mobile ion

    def cif(self, name):
        """The text of a CIF."""
        operations = spglib.get_symmetry_from_database(self.hall)
        lines = [f"data_{name}"]
        tags = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
        lines += [f"_cell_{tag} {value}" for tag, value in zip(tags, self.cell, strict=True)]
        lines += ["loop_", "_symmetry_equiv_pos_as_xyz"]
        for r, t in zip(operations["rotations"], operations["translations"], strict=True):
            lines.append(f"'{SymmOp.from_rotation_and_translation(r, t).as_xyz_str()}'")
        columns = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")
        lines += ["loop_", *(f"_atom_site_{column}" for column in columns)]
        lines += [" ".join(map(str, site)) for site in self.sites]
        return "\n".join(lines) + "\n"


def cubic(a):
    return (a, a, a, 90, 90, 90)


def hexagonal(a, c):
    return (a, a, c, 90, 90, 120)


@cache
def settings():
    """{number of space group: [(number in spglib's table, choice of origin or axes)]}."""
    found = {}
    for hall in range(1, 531):
        kind = spglib.get_spacegroup_type(hall)
        found.setdefault(kind.number, []).append((hall, kind.choice))
    return found


def hall_of(number, choice=""):
    """Number in spglib's table of a space group's first setting, or of that choice."""
    return next(hall for hall, of in settings()[number] if not choice or of == choice)


CONDUCTORS = {
    # Kraft et al., J. Am. Chem. Soc. 139, 10909 (2017): 48h pairs 1.9 Å apart, S and Cl exchanged
    "argyrodite": Conductor(
        hall_of(216),
        cubic(9.859),
        (
            ("Li1", "Li", 0.3162, 0.0237, 0.3162, 0.5),
            ("P1", "P", 0, 0, 0.5, 1),
            ("S1", "S", 0.1185, -0.1185, 0.6185, 1),
            ("S2", "S", 0.25, 0.25, 0.75, 0.615),
            ("Cl2", "Cl", 0.25, 0.25, 0.75, 0.385),
            ("S3", "S", 0, 0, 0, 0.385),
            ("Cl3", "Cl", 0, 0, 0, 0.615),
        ),
        "Li",
        {"Li": 1, "P": 5, "S": -2, "Cl": -1},
    ),
    # Kamaya et al., Nat. Mater. 10, 682 (2011)
    "lgps": Conductor(
        hall_of(137, "1"),
        (8.71771, 8.71771, 12.63452, 90, 90, 90),
        (
            ("Li1", "Li", 0.257, 0.272, 0.183, 0.691),
            ("Li2", "Li", 0, 0.5, 0.945, 1),
            ("Li3", "Li", 0.248, 0.248, 0, 0.643),
            ("Ge1", "Ge", 0, 0.5, 0.691, 0.515),
            ("P1", "P", 0, 0.5, 0.691, 0.485),
            ("P2", "P", 0, 0, 0.5, 1),
            ("S1", "S", 0, 0.184, 0.408, 1),
            ("S2", "S", 0, 0.296, 0.095, 1),
            ("S3", "S", 0, 0.697, 0.791, 1),
        ),
        "Li",
        {"Li": 1, "Ge": 4, "P": 5, "S": -2},
    ),
    # Awaka et al., Chem. Lett. 40, 60 (2011)
    "garnet": Conductor(
        hall_of(230),
        cubic(12.9682),
        (
            ("La1", "La", 0.125, 0, 0.25, 1),
            ("Zr1", "Zr", 0, 0, 0, 1),
            ("O1", "O", -0.0318, 0.0551, 0.1495, 1),
            ("Li1", "Li", 0.375, 0, 0.25, 0.542),
            ("Li2", "Li", 0.0966, 0.6853, 0.5770, 0.448),
        ),
        "Li",
        {"Li": 1, "La": 3, "Zr": 4, "O": -2},
    ),
    # Na3Zr2Si2PO12 above its transition: Boilot et al., J. Solid State Chem. 73, 160 (1988)
    "nasicon": Conductor(
        hall_of(167, "H"),
        hexagonal(9.08, 22.95),
        (
            ("Na1", "Na", 0, 0, 0, 0.94),
            ("Na2", "Na", 0.6376, 0, 0.25, 0.68),
            ("Zr1", "Zr", 0, 0, 0.1473, 1),
            ("Si1", "Si", 0.2929, 0, 0.25, 0.667),
            ("P1", "P", 0.2929, 0, 0.25, 0.333),
            ("O1", "O", 0.1808, -0.0276, 0.1943, 1),
            ("O2", "O", 0.1906, 0.1662, 0.0865, 1),
        ),
        "Na",
        {"Na": 1, "Zr": 4, "Si": 4, "P": 5, "O": -2},
    ),
    # gamma-Li3PO4 with half of the P as Si, and the Li that this takes between the sites
    "lisicon": Conductor(
        hall_of(62),
        (10.60, 6.13, 5.00, 90, 90, 90),
        (
            ("Li1", "Li", 0.163, 0.002, 0.303, 1),
            ("Li2", "Li", 0.424, 0.75, 0.205, 1),
            ("Li3", "Li", 0.21, 0.25, 0.98, 0.5),
            ("P1", "P", 0.412, 0.25, 0.309, 0.5),
            ("Si1", "Si", 0.412, 0.25, 0.309, 0.5),
            ("O1", "O", 0.342, 0.042, 0.206, 1),
            ("O2", "O", 0.050, 0.25, 0.292, 1),
            ("O3", "O", 0.090, 0.75, 0.123, 1),
        ),
        "Li",
        {"Li": 1, "P": 5, "Si": 4, "O": -2},
    ),
    # sodium beta-alumina, the sodium of NaAl11O17 on Beevers-Ross and mid-oxygen sites
    "beta_alumina": Conductor(
        hall_of(194),
        hexagonal(5.594, 22.53),
        (
            ("Al1", "Al", 0.8322, 0.6644, 0.1063, 1),
            ("Al2", "Al", 0.3333, 0.6667, 0.0247, 1),
            ("Al3", "Al", 0.3333, 0.6667, 0.1754, 1),
            ("Al4", "Al", 0, 0, 0, 1),
            ("O1", "O", 0.1570, 0.3140, 0.0501, 1),
            ("O2", "O", 0.5032, 0.0064, 0.1467, 1),
            ("O3", "O", 0.6667, 0.3333, 0.0555, 1),
            ("O4", "O", 0, 0, 0.1425, 1),
            ("O5", "O", 0.3333, 0.6667, 0.25, 1),
            ("Na1", "Na", 0.6667, 0.3333, 0.25, 0.7),
            ("Na2", "Na", 0.876, 0.124, 0.25, 0.1),
        ),
        "Na",
        {"Na": 1, "Al": 3, "O": -2},
    ),
    # zirconia with 8 mol% yttria
    "ysz": Conductor(
        hall_of(225),
        cubic(5.14),
        (
            ("Zr1", "Zr", 0, 0, 0, 0.852),
            ("Y1", "Y", 0, 0, 0, 0.148),
            ("O1", "O", 0.25, 0.25, 0.25, 0.963),
        ),
        "O",
        {"Zr": 4, "Y": 3, "O": -2},
    ),
    "alpha_agi": Conductor(
        hall_of(229),
        cubic(5.0855),
        (("I1", "I", 0, 0, 0, 1), ("Ag1", "Ag", 0.25, 0, 0.5, 0.1667)),
        "Ag",
        {"Ag": 1, "I": -1},
    ),
    # Na2.88Sb0.88W0.12S4: Hayashi et al., Nat. Commun. 10, 5266 (2019)
    "thioantimonate": Conductor(
        hall_of(217),
        cubic(7.196),
        (
            ("Na1", "Na", 0, 0.5, 0.5, 0.96),
            ("Sb1", "Sb", 0, 0, 0, 0.88),
            ("W1", "W", 0, 0, 0, 0.12),
            ("S1", "S", 0.1912, 0.1912, 0.1912, 1),
        ),
        "Na",
        {"Na": 1, "Sb": 5, "W": 6, "S": -2},
    ),
    "perovskite": Conductor(
        hall_of(221),
        cubic(3.8710),
        (
            ("La1", "La", 0.5, 0.5, 0.5, 0.557),
            ("Li1", "Li", 0.5, 0.5, 0.5, 0.33),
            ("Ti1", "Ti", 0, 0, 0, 1),
            ("O1", "O", 0.5, 0, 0, 1),
        ),
        "Li",
        {"Li": 1, "La": 3, "Ti": 4, "O": -2},
    ),
    "spinel": Conductor(
        hall_of(227, "2"),
        cubic(8.359),
        (
            ("Li1", "Li", 0.125, 0.125, 0.125, 1),
            ("Li2", "Li", 0.5, 0.5, 0.5, 0.1667),
            ("Ti2", "Ti", 0.5, 0.5, 0.5, 0.8333),
            ("O1", "O", 0.2625, 0.2625, 0.2625, 1),
        ),
        "Li",
        {"Li": 1, "Ti": 4, "O": -2},
    ),
    "tysonite_like_fluorite": Conductor(
        hall_of(225),
        cubic(6.08),
        (
            ("Ba1", "Ba", 0, 0, 0, 0.6),
            ("La1", "La", 0, 0, 0, 0.4),
            ("F1", "F", 0.25, 0.25, 0.25, 1),
            ("F2", "F", 0.5, 0.5, 0.5, 0.4),
        ),
        "F",
        {"Ba": 2, "La": 3, "F": -1},
    ),
    "bismuth_oxide": Conductor(
        hall_of(225),
        cubic(5.65),
        (("Bi1", "Bi", 0, 0, 0, 1), ("O1", "O", 0.25, 0.25, 0.25, 0.75)),
        "O",
        {"Bi": 3, "O": -2},
    ),
    # Li1.3Al0.3Ti1.7(PO4)3
    "latp": Conductor(
        hall_of(167, "H"),
        hexagonal(8.505, 20.82),
        (
            ("Li1", "Li", 0, 0, 0, 1),
            ("Li2", "Li", 0.64, 0, 0.25, 0.1),
            ("Ti1", "Ti", 0, 0, 0.1416, 0.85),
            ("Al1", "Al", 0, 0, 0.1416, 0.15),
            ("P1", "P", 0.2884, 0, 0.25, 1),
            ("O1", "O", 0.1857, -0.0068, 0.1900, 1),
            ("O2", "O", 0.1890, 0.1634, 0.0808, 1),
        ),
        "Li",
        {"Li": 1, "Al": 3, "Ti": 4, "P": 5, "O": -2},
    ),
    "silver_selenide": Conductor(
        hall_of(229),
        cubic(4.98),
        (("Se1", "Se", 0, 0, 0, 1), ("Ag1", "Ag", 0.25, 0, 0.5, 0.3333)),
        "Ag",
        {"Ag": 1, "Se": -2},
    ),
    # Na0.74CoO2: the charge of Co follows from the sodium
    "cobaltate": Conductor(
        hall_of(194),
        hexagonal(2.8247, 10.9613),
        (
            ("Co1", "Co", 0, 0, 0, 1),
            ("O1", "O", 0.3333, 0.6667, 0.0908, 1),
            ("Na1", "Na", 0, 0, 0.25, 0.225),
            ("Na2", "Na", 0.6667, 0.3333, 0.25, 0.515),
        ),
        "Na",
        {"Na": 1, "Co": 3.26, "O": -2},
    ),
}


def write(folder, name):
    """The CIF of a conductor, in a folder; its path."""
    path = folder / f"{name}.cif"
    path.write_text(CONDUCTORS[name].cif(name), encoding="utf-8")
    return path
