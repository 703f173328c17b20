"""vasprun.xml text to frames, through pymatgen; for results brought back without their OUTCAR."""

from __future__ import annotations

import tempfile
import warnings
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.units import BOLTZMANN_EV_PER_K
from dlmd.labels.vasp.frames import Frame, Run
from dlmd.labels.vasp.outcar import EV_PER_A3_PER_KBAR


def parse_vasprun(text: str, path: Path) -> Run:
    """All whole ionic steps of a vasprun.xml, truncated or not. It has no moments per step.

    Raises
    ------
    DlmdError
        if it ends before its first ionic step, is no vasprun.xml, or forces were machine-learned.
    """
    from pymatgen.io.vasp.outputs import Vasprun

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # truncation is judged here, frame by frame
        copy = Path(folder) / "vasprun.xml"
        copy.write_text(text)
        try:
            xml = Vasprun(
                copy,
                parse_dos=False,
                parse_eigen=False,
                parse_potcar_file=False,
                exception_on_bad_xml=False,
            )
            settings = _settings(xml)
            nelm = int(settings["NELM"])
            symbols = [str(s) for s in xml.atomic_symbols]
        except Exception as error:  # lxml and pymatgen raise many kinds on a damaged file
            raise DlmdError(
                f"the vasprun.xml cannot be read: {type(error).__name__} {error}",
                where=str(path),
                remedy="the run died before its first step, or the file is damaged; run it again or bring "
                "the OUTCAR",
            ) from None
    if settings.get("ML_LMLFF") in (True, "T"):
        raise DlmdError(
            "this run mixes DFT and machine-learned steps (ML_LMLFF)",
            where=str(path),
            remedy="run it again without ML_ tags: only DFT frames may be labels",
        )
    blocks = [(s, len(list(group))) for s, group in groupby(symbols)]
    kpoints = xml.kpoints.kpts[0] if xml.kpoints is not None and xml.kpoints.num_kpts == 0 else None
    return Run(
        path=path,
        species=[s for s, _ in blocks],
        counts=[n for _, n in blocks],
        titels=[spec["titel"].strip() for spec in xml.potcar_spec],
        settings=settings,
        kpoints=tuple(int(n) for n in kpoints) if kpoints is not None else None,
        frames=[_frame(n + 1, step, nelm, len(symbols)) for n, step in enumerate(xml.ionic_steps)],
        finished=text.rstrip().endswith("</modeling>"),
    )


def _settings(xml) -> dict[str, Any]:
    """Settings under their INCAR names: what the INCAR said, else what VASP took."""
    settings = dict(xml.parameters) | {key: value for key, value in xml.incar.items()}
    settings["ENCUT"] = xml.incar.get("ENCUT", xml.parameters["ENMAX"])
    if settings.get("GGA", "--") == "--":
        # the first word of a TITEL names the set, which is the functional where no tag says otherwise
        sets = {spec["titel"].split()[0] for spec in xml.potcar_spec}
        settings["GGA"] = (
            {"PAW_PBE": "PE", "PAW_GGA": "91", "PAW": "CA"}.get(sets.pop()) if len(sets) == 1 else None
        )
    return settings


def _frame(step: int, data: dict, nelm: int, n_atoms: int) -> Frame:
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
    if "kinetic" in data:
        frame.temperature_k = 2 * float(data["kinetic"]) / (3 * (n_atoms - 1) * BOLTZMANN_EV_PER_K)
    if frame.electronic_steps >= nelm:
        frame.reason = f"electrons unconverged: {frame.electronic_steps} steps of NELM = {nelm}"
    return frame
