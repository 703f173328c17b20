"""What an output of CP2K or pw.x says of its own settings and convergence, in the words of a level; for labels made elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.units import BOLTZMANN_EV_PER_K, EV_PER_A3_PER_GPA
from dlmd.labels.engines import cp2k

QE_KINDS = {"fermi-dirac": "fermi-dirac", "gaussian": "gaussian", "methfessel": "methfessel-paxton"}
NOT_REACHED = "convergence NOT achieved"


def of(path: Path, kind: str) -> dict[str, Any]:
    """Theory, k-points and smearing that the output of dpdata's format `kind` tells of; empty for other programs.

    Raises
    ------
    DlmdError
        where the electrons of a step did not converge: dpdata gives every step, and does not say which these are.
    """
    program = kind.partition("/")[0]
    if program != "cp2k" and not kind.startswith("qe/pw"):
        return {}
    if path.is_dir():
        logs = sorted(path.glob("*.log"))
        text = _text(logs[0]) if logs else ""
    else:
        text = _text(path)
    missed = text.count(cp2k.UNCONVERGED if program == "cp2k" else NOT_REACHED)
    if missed:
        raise DlmdError(
            f"the electrons of {missed} steps did not converge",
            where=str(path),
            remedy="leave these steps out, for instance as an extxyz of the others",
        )
    if not text:
        return {}
    charge = _cp2k_charge(text) if program == "cp2k" else _espresso_charge(text)
    if charge:
        raise DlmdError(
            f"the cell has a charge of {charge:+g}, those of levels are neutral",
            where=str(path),
            remedy="give labels of neutral cells",
        )
    return _cp2k(text) if program == "cp2k" else _espresso(text, _text(_input_of(path)))


# unit of a pressure -> how many of it are 1 eV/Å³
PRESSURES = {"GPa": 1 / EV_PER_A3_PER_GPA, "kbar": 10 / EV_PER_A3_PER_GPA, "bar": 1e4 / EV_PER_A3_PER_GPA}


def cp2k_stress(path: Path) -> np.ndarray | None:
    """Stress of the last step in a newer output of CP2K, which dpdata passes over (eV/Å³, ASE's sign); None without."""
    text = _text(path)
    heads = list(
        re.finditer(r"^ STRESS\| (?:Analytical|Numerical) stress tensor \[(\w+)\]", text, re.MULTILINE)
    )
    if not heads or heads[-1][1] not in PRESSURES:
        return None
    rows = re.findall(
        r"^ STRESS\|\s+[xyz]\s+(\S+)\s+(\S+)\s+(\S+)\s*$", text[heads[-1].end() :], re.MULTILINE
    )
    # CP2K's sign is the other one
    return -np.array(rows[:3], float) / PRESSURES[heads[-1][1]]


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.is_file() else ""


def _input_of(path: Path) -> Path:
    """The input beside an output of pw.x, by dpdata's rule."""
    return path.with_name(path.name.replace("out", "in"))


def _cp2k_charge(text: str) -> float:
    found = re.search(r"^ DFT\| Charge\s+(-?\d+)\s*$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _espresso_charge(text: str) -> float:
    """Valence electrons of all atoms less those that there are; none where the output does not tell both."""
    electrons = re.search(r"number of electrons\s*=\s*([\d.]+)", text)
    table = re.search(r"atomic species\s+valence.*\n((?:\s+\S+\s+[\d.]+\s+[\d.]+\s+\S.*\n)+)", text)
    kinds = {words[0]: float(words[1]) for words in map(str.split, table[1].splitlines())} if table else {}
    # the sites of the start, each with its label
    start = text.partition("site n.")[2].partition("number of k points")[0]
    labels = re.findall(r"^\s+\d+\s+(\S+)\s+tau\(", start, re.MULTILINE)
    if not electrons or not labels or not all(label in kinds for label in labels):
        return 0.0
    charge = sum(kinds[label] for label in labels) - float(electrons[1])
    return round(charge, 2)


def _cp2k(text: str) -> dict[str, Any]:
    from ase.units import Ha

    found: dict[str, Any] = {"engine": "cp2k"}
    functional = re.findall(r"^ FUNCTIONAL\| ([\w-]+):", text, re.MULTILINE)
    if functional:
        exact = ["HF"] if "HFX_INFO|" in text else []
        found["functional"] = "+".join([*dict.fromkeys(functional), *exact])
    if "Exchange-correlation energy:" in text and "DFT+U energy:" not in text:
        found["hubbard_u_ev"] = {}
    spins = re.search(r"DFT\| Spin (un)?restricted", text)
    if spins:
        found["spin_polarised"] = spins[1] is not None
    if re.search(r"vdW POTENTIAL\||DISPERSION\|", text):
        found["dispersion"] = "on"
    # in Hartree, with two decimals; the head has one
    grids = re.search(r"count for grid\s+1:\s+\d+\s+cutoff \[a\.u\.\]\s+([\d.]+)", text)
    if grids:
        found["cutoff_ev"] = Ha * float(grids[1])
    relative = re.search(r"Relative density cutoff \[a\.u\.\]:\s+([\d.]+)", text)
    if relative:
        found["relative_cutoff_ev"] = Ha * float(relative[1])
        # only a mesh is told of
        mesh = re.search(r"BRILLOUIN\| K-Point grid\s+(\d+)\s+(\d+)\s+(\d+)", text, re.IGNORECASE)
        found["kpoint_mesh"] = [int(n) for n in mesh.groups()] if mesh else [1, 1, 1]
    method = re.search(r"Smear method:\s+(\w+)", text, re.IGNORECASE)
    if method:
        found["smearing"] = method[1].lower().replace("_", "-")
    warmth = re.search(r"Electronic temperature \[K\]:\s+([\d.]+)", text)
    if warmth:
        found["smearing_ev"] = BOLTZMANN_EV_PER_K * float(warmth[1])
    for key, line in (("basis_sets", r"Orbital Basis Set"), ("potentials", r"Potential information for")):
        kinds = re.findall(rf"\d+\. Atomic kind: ([A-Z][a-z]?).*?{line}\s+(\S+)", text, re.DOTALL)
        if kinds:
            found[key] = dict(sorted(kinds))
    return found


def _espresso(text: str, given: str) -> dict[str, Any]:
    from ase.units import Ry

    found: dict[str, Any] = {"engine": "espresso", "spin_polarised": "Starting magnetic structure" in text}
    functional = re.search(r"Exchange-correlation\s*=\s*(\S+)", text)
    if functional:
        found["functional"] = functional[1].upper()
    if re.search(r"Non-?collinear calculation|Spin-Orbit", text, re.IGNORECASE) and functional:
        found["functional"] += "+noncollinear"
    cutoffs = [
        re.search(rf"{name} cutoff\s*=\s*([\d.]+)\s*Ry", text)
        for name in ("kinetic-energy", "charge density")
    ]
    if cutoffs[0]:
        found["ecut_ev"] = Ry * float(cutoffs[0][1])
    if cutoffs[0] and cutoffs[1]:
        found["density_cutoff_ratio"] = float(cutoffs[1][1]) / float(cutoffs[0][1])
    kind = re.search(r"number of k points=\s*\d+\s+(\w[\w-]*)\s+smearing, width \(Ry\)=\s*([\d.]+)", text)
    if kind:
        found["smearing"] = QE_KINDS.get(kind[1].lower().partition("-p")[0], kind[1].lower())
        found["smearing_ev"] = Ry * float(kind[2])
    u = dict(re.findall(r"U\(([A-Z][a-z]?)-\w+\)\s*=\s*([\d.]+)", text))
    if u or "Hubbard" not in text:
        found["hubbard_u_ev"] = {element: float(value) for element, value in sorted(u.items())}
    if re.search(r"DFT-D3|Dispersion Correction|XDM|Tkatchenko", text):
        found["dispersion"] = "on"
    mesh = re.search(r"K_POINTS\W+automatic\W+(\d+)\s+(\d+)\s+(\d+)", given, re.IGNORECASE)
    if mesh:
        found["kpoint_mesh"] = [int(n) for n in mesh.groups()]
    elif re.search(r"K_POINTS\W+gamma", given, re.IGNORECASE):
        found["kpoint_mesh"] = [1, 1, 1]
    return found
