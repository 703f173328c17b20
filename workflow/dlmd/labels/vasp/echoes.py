"""What an OUTCAR says of its own settings, under their INCAR names."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from dlmd.labels.vasp.kinds import SOME_DISPERSION
from dlmd.labels.vasp.verify import parse_incar

# Values as VASP echoes them at the head of the OUTCAR
ECHOES = {
    "ENCUT": r"^\s*ENCUT\s*=\s*([-\d.]+)\s*eV",
    "PREC": r"^\s*PREC\s*=\s*(\w+)",
    "NELM": r"^\s*NELM\s*=\s*(\d+);",
    "EDIFF": r"^\s*EDIFF\s*=\s*([-+.\dEe]+)",
    "EDIFFG": r"^\s*EDIFFG\s*=\s*([-+.\dEe]+)",
    "ISPIN": r"^\s*ISPIN\s*=\s*(\d+)",
    "LNONCOLLINEAR": r"^\s*LNONCOLLINEAR\s*=\s*([TF])",
    "LSORBIT": r"^\s*LSORBIT\s*=\s*([TF])",
    "LASPH": r"^\s*LASPH\s*=\s*([TF])",
    "LREAL": r"^\s*LREAL\s*=\s*([TF])",
    "LMAXMIX": r"^\s*LMAXMIX\s*=\s*(\d+)",
    "VOSKOWN": r"^\s*VOSKOWN\s*=\s*(\d+)",
    "NWRITE": r"^\s*NWRITE\s*=\s*(\d+)",
    "NSW": r"^\s*NSW\s*=\s*(\d+)",
    "NBLOCK": r"^\s*NBLOCK\s*=\s*(\d+);",
    "IBRION": r"^\s*IBRION\s*=\s*(-?\d+)",
    "ISIF": r"^\s*ISIF\s*=\s*(\d+)",
    "POTIM": r"^\s*POTIM\s*=\s*([-\d.]+)",
    "TEBEG": r"^\s*TEBEG\s*=\s*([-\d.]+);",
    "TEEND": r"TEEND\s*=\s*([-\d.]+)",
    "PSTRESS": r"^\s*PSTRESS\s*=\s*([-\d.]+)",
    "ISMEAR": r"^\s*ISMEAR\s*=\s*(-?\d+);",
    "SIGMA": r"^\s*ISMEAR\s*=.*SIGMA\s*=\s*([\d.]+)",
    "NELECT": r"^\s*NELECT\s*=\s*([-\d.]+)",
    "NUPDOWN": r"^\s*NUPDOWN\s*=\s*([-\d.]+)",
    "LDIPOL": r"^\s*LDIPOL\s*=\s*([TF])",
    "LMONO": r"^\s*LMONO\s*=\s*([TF])",
    "IDIPOL": r"^\s*IDIPOL\s*=\s*(\d+)",
    "EFIELD": r"^\s*EFIELD\s*=\s*([-\d.]+)",
    "ICHARG": r"^\s*ICHARG\s*=\s*(\d+)",
    "IALGO": r"^\s*IALGO\s*=\s*(-?\d+)",
    "GGA": r"^\s*GGA\s*=\s*(\S\S?)\s+GGA type",
    # VASP 5 prints 'METAGGA= F' for another setting; the names of functionals have more than one letter
    "METAGGA": r"METAGGA\s*=\s*([A-Za-z0-9]\w+)",
    "LIBXC": r"^\s*LIBXC\s*=\s*([TF])",
    "LHFCALC": r"^\s*LHFCALC\s*=\s*([TF])",
    "AEXX": r"^\s*AEXX\s*=\s*([\d.]+)",
    "HFSCREEN": r"^\s*HFSCREEN\s*=\s*([\d.]+)",
    "LUSE_VDW": r"^\s*LUSE_VDW\s*=\s*\.?([TF])",
    "IVDW": r"^\s*IVDW\s*=\s*(\d+)",
    "LDAUTYPE": r"LDA\+U is selected, type is set to LDAUTYPE\s*=\s*(\d+)",
}
LISTS = {
    "LDAUL": r"angular momentum for each species LDAUL\s*=([^\n]*)",
    "LDAUU": r"U \(eV\)\s+for each species LDAUU\s*=([^\n]*)",
    "LDAUJ": r"J \(eV\)\s+for each species LDAUJ\s*=([^\n]*)",
}
INCAR = re.compile(r"^ INCAR:[^\n]*\n(.*?)(?=^ *POTCAR:)", re.MULTILINE | re.DOTALL)
# What only a correction for dispersion writes, where the INCAR is not echoed (before VASP 6)
DISPERSION = re.compile(r"Edisp \(eV\)|Estimated vdW energy|contributing to vdW energy|DFTD[34] V")
# What only images of a band write (VTST's tools): their forces may hold springs
CHAIN = re.compile(r"NEB: projections on to tangent|left and right image|energy of chain is")
NONLOCAL = re.compile(r"vdW-DF kernel|vdW kernel|vdw_kernel\.bindat")


def parse_settings(head: str) -> dict[str, object]:
    """Settings echoed at the head of an OUTCAR, under their INCAR names; the functional resolved through the POTCAR."""
    found: dict[str, object] = {}
    # VASP 6 repeats the INCAR first, in which numbers may be spelt in other ways
    head = INCAR.sub("", head)
    for name, pattern in ECHOES.items():
        match = re.search(pattern, head, re.MULTILINE)
        if match:
            found[name] = match[1]
    for name, pattern in LISTS.items():
        match = re.search(pattern, head)
        if match:
            found[name] = [float(x) for x in match[1].split()]
    found["LDAU"] = "T" if "LDAUTYPE" in found else "F"
    if found.get("GGA") == "--":  # not set: the POTCARs decide
        kinds = set(re.findall(r"^\s*LEXCH\s*=\s*([A-Z0-9]{2})\s*$", head, re.MULTILINE))
        found["GGA"] = kinds.pop() if len(kinds) == 1 else "--"
    return found


def parse_echoed_incar(head: str) -> dict[str, Any] | None:
    """The INCAR that VASP 6 repeats at the head of the OUTCAR; None where it does not."""
    match = INCAR.search(head)
    tags = parse_incar(match[1]) if match else {}
    return tags or None


def neutral_electrons(head: str, counts: list[int]) -> float | None:
    """Electrons of the neutral cell: the valences of the potentials times the atoms; None where they are not printed."""
    match = re.search(r"Ionic Valenz\s*\n\s*ZVAL\s*=([^\n]*)", head)
    # printed in columns of six: one number may touch the next
    valences = [float(x) for x in re.findall(r"\d+\.\d\d", match[1])] if match else []
    if len(valences) != len(counts):
        return None
    return sum(z * n for z, n in zip(valences, counts, strict=True))


def k_points(head: str) -> np.ndarray | None:
    """The k-points that were computed (a row of three fractions and the weight for each), where they are listed."""
    match = re.search(
        r"k-points in reciprocal lattice and weights:[^\n]*\n((?:(?:[ \t]+-?[\d.]+){4}[ \t]*\n)+)", head
    )
    return np.array([[float(x) for x in line.split()] for line in match[1].splitlines()]) if match else None


def unnamed(text: str) -> dict[str, str]:
    """Corrections for dispersion and chains of images that the text shows without naming them in the settings."""
    found = {"CHAIN": "T"} if CHAIN.search(text) else {}
    if DISPERSION.search(text):
        found["IVDW"] = SOME_DISPERSION
    if NONLOCAL.search(text):
        found["LUSE_VDW"] = "T"
    return found
