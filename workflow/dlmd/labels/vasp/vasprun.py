"""vasprun.xml text to frames, through pymatgen; for results brought back without their OUTCAR."""

from __future__ import annotations

import re
import tempfile
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.units import BOLTZMANN_EV_PER_K
from dlmd.labels.vasp import electrons, learned_xml, sections, verify
from dlmd.labels.vasp.frames import EV_PER_A3_PER_KBAR, Frame, Run
from dlmd.labels.vasp.outcar import OWN_FOLDER

REMEDY = "the run died before its first step, or the file is cut or has been edited; run it again or bring the OUTCAR"


def parse_vasprun(text: str, path: Path) -> Run:
    """All whole ionic steps of a vasprun.xml, truncated or not. It has no moments per step.

    Raises
    ------
    DlmdError
        if it ends before its first ionic step, lacks its settings or atoms, or is no vasprun.xml.
    """
    if text.count("<modeling>") > 1:
        raise DlmdError("several runs are in one vasprun.xml", where=str(path), remedy=OWN_FOLDER)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "vasprun.xml"
        copy.write_text(text)
        # what it breaks off is judged here, frame by frame
        xml, _ = sections.opened(copy, where=path, remedy=REMEDY)
    try:
        settings = _settings(xml)
        nelm = int(settings["NELM"])
    except KeyError as error:
        raise DlmdError(
            f"the vasprun.xml has no {error.args[0]} in its <parameters>", where=str(path), remedy=REMEDY
        ) from None
    symbols = [str(s) for s in xml.atomic_symbols]
    ediff = verify.number(settings.get("EDIFF"))
    frames = [_frame(n + 1, step, nelm, len(symbols), ediff) for n, step in enumerate(xml.ionic_steps)]
    if settings.get("ML_LMLFF") in (True, "T"):
        frames = learned_xml.merged(text, frames, len(symbols))
    blocks = [(s, len(list(group))) for s, group in groupby(symbols)]
    mesh = getattr(xml, "kpoints", None)
    kpoints = mesh.kpts[0] if mesh is not None and mesh.num_kpts == 0 else None
    return Run(
        path=path,
        species=[s for s, _ in blocks],
        counts=[n for _, n in blocks],
        titels=[spec["titel"].strip() for spec in xml.potcar_spec],
        settings=settings,
        kpoints=tuple(int(n) for n in kpoints) if kpoints is not None else None,
        frames=frames,
        finished=text.rstrip().endswith("</modeling>"),
        incar=dict(xml.incar) or None,
        neutral_electrons=_neutral_electrons(text),
        k_points=_k_points(xml),
    )


def incar_of(text: str) -> dict[str, Any] | None:
    """The INCAR that a vasprun.xml repeats, values as text; None where it is not whole."""
    section = re.search(r"<incar>(.*?)</incar>", text, re.DOTALL)
    found = re.findall(r'<[iv]\b[^>]*name="(\w+)"[^>]*>([^<]*)</[iv]>', section[1]) if section else []
    return {name: value.strip() for name, value in found} or None


def _neutral_electrons(text: str) -> float | None:
    """Electrons of the cell without a charge: valences times atoms of the table of types."""
    table = re.search(r'<array name="atomtypes"[^>]*>(.*?)</array>', text, re.DOTALL)
    rows = re.findall(r"<rc>(.*?)</rc>", table[1], re.DOTALL) if table else []
    try:
        # columns: atoms of the type, element, mass, valence, potential
        cells = [re.findall(r"<c>([^<]*)</c>", row) for row in rows]
        return sum(int(row[0]) * float(row[3]) for row in cells) if cells else None
    except (ValueError, IndexError):
        return None


def _k_points(xml) -> np.ndarray | None:
    points, weights = (getattr(xml, f"actual_kpoints{end}", None) for end in ("", "_weights"))
    if not points or not weights or len(points) != len(weights):
        return None
    return np.column_stack((points, weights))


def _settings(xml) -> dict[str, Any]:
    """Settings under their INCAR names: what the INCAR said, else what VASP took."""
    settings = dict(xml.parameters) | {key: value for key, value in xml.incar.items()}
    settings["ENCUT"] = xml.incar.get("ENCUT", xml.parameters["ENMAX"])
    settings["GGA"] = str(settings.get("GGA", "--")).upper()  # pymatgen spells it Pe
    if settings["GGA"] == "--":
        # the first word of a TITEL names the set, which is the functional where no tag says otherwise
        sets = {spec["titel"].split()[0] for spec in xml.potcar_spec}
        settings["GGA"] = (
            {"PAW_PBE": "PE", "PAW_GGA": "91", "PAW": "CA"}.get(sets.pop()) if len(sets) == 1 else None
        )
    return settings


def _frame(step: int, data: dict, nelm: int, n_atoms: int, ediff: float | None) -> Frame:
    frame = Frame(step=step, electronic_steps=len(data["electronic_steps"]))
    missing = [key for key in ("structure", "forces", "stress", "e_fr_energy") if data.get(key) is None]
    if missing:
        frame.reason = f"incomplete: no {', '.join(missing)}"
        return frame
    structure = data["structure"]
    frame.cell = np.array(structure.lattice.matrix)
    frame.positions = np.array(structure.cart_coords)
    frame.energy = float(data["e_fr_energy"])
    forces, stress = np.array(data["forces"], dtype=float), np.array(data["stress"], dtype=float)
    if forces.shape != (n_atoms, 3) or stress.shape != (3, 3):
        frame.reason = "incomplete: forces or stress are cut short"
        return frame
    values = (frame.cell, frame.positions, forces, stress, [frame.energy])
    if not all(np.isfinite(v).all() for v in values):
        frame.reason = "unreadable: values that are not finite"
        return frame
    frame.forces, frame.stress = forces, -EV_PER_A3_PER_KBAR * stress
    if "kinetic" in data and n_atoms > 1:
        frame.temperature_k = 2 * float(data["kinetic"]) / (3 * (n_atoms - 1) * BOLTZMANN_EV_PER_K)
    energies = [scf.get("e_fr_energy") for scf in data["electronic_steps"]]
    frame.reason = electrons.xml_reason(energies, nelm, ediff)
    return frame
