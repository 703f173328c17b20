"""Levels of theory of a proposed config: the pretrained potential, and with DFT or SevenNet a level that starts from it.

U of oxides and fluorides are those of the Materials Project; moments are those of a high-spin ion.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from dlmd.base.errors import DlmdError
from dlmd.proposal.wishes import CHEAP_SINGLE_POINTS, SINGLE_POINTS, Wishes

COMMENT_WIDTH = 110
DFT = ("vasp", "gpaw")
START = "chgnet"
DFT_LEVEL = "dft"
# too slow to run dynamics with, and the nearest to PBE of all whose weights come in a package: it labels single points
STIFF = "7net-l3i5"
# measured on halides, see docs/potential.md and config/README.md
WORTH = {
    "chgnet": "chgnet is a start, not the material: its forces are too soft (0.78 times PBE's in Li3InCl6, 0.64 in Li10GeP2S12), "
    "and D of Li in Li3TiCl6 is three to nine times too large; few labels correct it: for minutes those of SevenNet, whose "
    "forces are 0.96 and 0.91 times PBE's (--engine sevennet, of the extra: pip install -e '.[sevennet]'), or DFT's "
    "(--engine vasp or gpaw): docs/potential.md",
    "sevennet": f"sevennet stands for PBE without U: forces of {STIFF} are 0.96 times PBE's in Li3InCl6 (CHGNet's 0.78), and "
    "0.77 times PBE+U's in Li3TiCl6 (0.51); few labels of DFT are surer (--engine vasp or gpaw: docs/potential.md)",
}

# U - J (eV) of d electrons in oxides and fluorides, as the Materials Project has them for PBE
U_EV = {"Co": 3.32, "Cr": 3.7, "Fe": 5.3, "Mn": 3.9, "Mo": 4.38, "Ni": 6.2, "V": 3.25, "W": 6.2}
# d elements from group 3 on
D_ROWS = (
    ("Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn"),
    ("Y", "Zr", "Nb", "Mo"),
    ("La", "Hf", "Ta", "W"),
)
LANTHANIDES = "Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu".split()
# potentials of VASP with semicore electrons, which the alkali and early d metals need
FLAVOURS = {
    **{
        "Li": "Li_sv",
        "Na": "Na_pv",
        "K": "K_sv",
        "Rb": "Rb_sv",
        "Cs": "Cs_sv",
        "Ca": "Ca_sv",
        "Sr": "Sr_sv",
        "Ba": "Ba_sv",
    },
    **{
        "Sc": "Sc_sv",
        "Ti": "Ti_pv",
        "V": "V_pv",
        "Cr": "Cr_pv",
        "Mn": "Mn_pv",
        "Fe": "Fe_pv",
        "Ni": "Ni_pv",
        "Cu": "Cu_pv",
    },
    **{"Y": "Y_sv", "Zr": "Zr_sv", "Nb": "Nb_pv", "Mo": "Mo_pv", "Hf": "Hf_pv", "Ta": "Ta_pv", "W": "W_pv"},
    **{"Ga": "Ga_d", "Ge": "Ge_d", "In": "In_d", "Sn": "Sn_d", "Tl": "Tl_d", "Pb": "Pb_d", "Bi": "Bi_d"},
}


def is_dft(engine: str) -> bool:
    """Whether this engine is density functional theory, whose single points are no part of the budget."""
    return engine in DFT


def has_start(engine: str) -> bool:
    """Whether this engine labels few single points, on a potential that starts from CHGNet's."""
    return engine != START


def level(engine: str) -> str:
    """Name of the level whose labels count."""
    return DFT_LEVEL if is_dft(engine) else engine


def single_points(wishes: Wishes) -> int:
    """Calculations that the engine may make, where it labels few."""
    if wishes.single_points is not None:
        return wishes.single_points
    return SINGLE_POINTS if is_dft(wishes.engine) else CHEAP_SINGLE_POINTS


def worth(engine: str) -> str:
    """What a pretrained potential is worth as the teacher, and the way out; empty for DFT."""
    return WORTH.get(engine, "")


def levels(engine: str, charges: Mapping[str, float]) -> list[str]:
    """The section `levels`, line by line, without its key."""
    comments = [f"  # {line}" for line in textwrap.wrap(worth(engine), COMMENT_WIDTH)]
    if not has_start(engine):
        return [f"{engine}:", *comments, f"  engine: {engine}"]
    start = [
        f"{START}:                           # relaxes, runs the label trajectories and explores",
        f"  engine: {START}",
        f"{level(engine)}:",
        *comments,
        f"  engine: {engine}",
        f"  start_from: {START}             # its potential is fine-tuned on the single points of this level",
    ]
    if not is_dft(engine):
        return [*start, f"  model: {STIFF}"]
    return [
        *start,
        "  functional: PBE",
        *(f"  {line}" for line in _electrons(charges)),
        *(f"  {line}" for line in _of_engine(engine, charges)),
    ]


def _electrons(charges: Mapping[str, float]) -> Iterator[str]:
    u = {s: U_EV[s] for s in charges if s in U_EV} if set(charges) & {"O", "F"} else {}
    if u:
        yield f"hubbard_u_ev: {_map(u)}   # of the Materials Project for oxides and fluorides"
    moments = {s: m for s, q in charges.items() if (m := moment(s, q))}
    if without := [s for s in moments if s not in u]:
        yield f"# d electrons of {', '.join(without)} have no U here: the Materials Project has it for some metals of oxides and"
        yield "# fluorides alone. PBE without one spreads them too far: give hubbard_u_ev (for Ti of Li3TiCl6 studies take 4 eV)"
    if moments:
        yield f"magmom: {_map(moments)}   # high spin"


def _of_engine(engine: str, charges: Mapping[str, float]) -> Iterator[str]:
    if engine == "gpaw":
        _refuse_open_f_shells(charges)
        yield "ecut_ev: 500"
        return
    yield "encut_ev: 520                  # as of the Materials Project"
    yield "run: external                  # local: launch.levels.dft.command runs VASP; external: run.sh of each job does"
    flavours = {s: f"{s}_3" for s, q in charges.items() if s in LANTHANIDES and q == 3}
    flavours = {s: FLAVOURS[s] for s in charges if s in FLAVOURS} | flavours
    if flavours:
        yield f"potcar: {{family: PBE_54, flavours: {_map(flavours)}}}"
    else:
        yield "potcar: {family: PBE_54}"


def _refuse_open_f_shells(charges: Mapping[str, float]) -> None:
    """Raises DlmdError for ions with 4f electrons in an open shell, which GPAW's data sets have among the valence."""
    open_shells = [
        s
        for s, q in charges.items()
        # Ce has four electrons beyond the closed shells of Xe, each further element one more
        if s in LANTHANIDES and 0 < 4 + LANTHANIDES.index(s) - round(q) < 14
    ]
    if open_shells:
        raise DlmdError(
            f"gpaw has the 4f electrons of {', '.join(open_shells)} in the valence: without spins, a U and a search for their "
            "ground state it gives none that means anything",
            remedy="take --engine vasp, whose potentials (such as Er_3) hold them in the core, or --engine sevennet",
        )


def moment(element: str, charge: float) -> float:
    """Spin moment (Bohr magnetons) of a d ion in high spin; 0 of others, and of d0 and d10."""
    for row in D_ROWS:
        if element in row:
            group = 3 + row.index(element)
            electrons = group - round(charge)
            return float(min(electrons, 10 - electrons)) if 0 < electrons < 10 else 0.0
    return 0.0


def _map(values: Mapping[str, object]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in values.items()) + "}"
