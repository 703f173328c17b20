"""What the VASP tests share: a small crystal, a potential library of headers alone, settings that run the stand-in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from ase import Atoms

from dlmd.config.launch import LevelLaunch
from dlmd.config.levels.vasp import VaspSettings
from dlmd.labels.vasp import stage

FAKE = Path(__file__).with_name("fake_vasp.py")
SCRATCH = {"PW91": ("PAW_GGA", "91"), "PBE": ("PAW_PBE", "PE")}


def crystal() -> Atoms:
    """Ordered Li6Ti2Cl12 (20 atoms), atoms grouped by element, with site labels."""

    def orbit(xyz, *signs):
        return [
            tuple((np.array(s) * xyz + t) % 1)
            for t in ((0, 0, 0), (0.5, 0.5, 0))
            for s in (signs or [(1, 1, 1)])
        ]

    lithium = orbit((0, 0.5, 0.5)) + orbit((0, 0.168, 0.5), (1, 1, 1), (1, -1, 1))
    titanium = orbit((0, 0, 0))
    chlorine = orbit((0.243, 0, 0.76), (1, 1, 1), (-1, 1, -1))
    chlorine += orbit((0.239, 0.161, 0.237), (1, 1, 1), (-1, 1, -1), (1, -1, 1), (-1, -1, -1))
    atoms = Atoms(
        "Li6Ti2Cl12",
        scaled_positions=lithium + titanium + chlorine,
        cell=[6.35, 10.89, 6.35, 90, 110.1, 90],
        pbc=True,
    )
    atoms.set_array("site", np.array(["Li1"] * 2 + ["Li2"] * 4 + ["Ti1"] * 2 + ["Cl1"] * 4 + ["Cl2"] * 8))
    return atoms


def potential(name: str, family: str = "PW91") -> str:
    """Header of a potential as VASP's files have it, without any potential in it."""
    prefix, lexch = SCRATCH[family]
    element = name.split("_")[0]
    return (
        f"  {prefix} {name} 01Jan2000\n   1.0\n parameters from PSCTR are:\n   VRHFIN ={element}: test\n"
        f"   LEXCH  = {lexch}\n   EATOM  =     1.0000 eV,    0.1000 Ry\n\n   TITEL  = {prefix} {name} 01Jan2000\n"
        "   ENMAX  =  271.649; ENMIN  =  203.737 eV\n END of PSCTR-controll parameters\n"
        " local part\n  0.10 0.20 0.30\n End of Dataset\n"
    )


def library(folder: Path, *names: str, family: str = "PW91") -> Path:
    """A library with one folder per potential."""
    for name in names or ("Li", "Ti", "Cl"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "POTCAR").write_text(potential(name, family))
    return folder


# how the stand-in is started
LAUNCH = LevelLaunch(command=f"{sys.executable} {FAKE}", custodian=False, stop_margin_s=0.0)


def settings(potentials: Path | None = None, **changes) -> VaspSettings:
    """Settings of a U = 4 eV level that the stand-in runs."""
    base = {
        "hubbard_u_ev": {"Ti": 4.0},
        "magmom": {"Ti": 1.0},
        "moment_range": {"Ti": (0.5, 1.5)},
        "relax": {"kpoints": {"mesh": {"toy": (2, 1, 2)}}, "fmax_ev_per_angstrom": 0.05},
        "aimd": {"kpoints": {"mesh": {"toy": (1, 1, 1)}}, "chunk_steps": 20, "heating_steps": 10},
        "potcar": {"directory": potentials},
    }
    sections = ("relax", "aimd", "potcar")
    merged = base | {k: base[k] | v if k in sections else v for k, v in changes.items()}
    return VaspSettings(**merged)


def computed_elsewhere(folder: Path, work: str, **told) -> tuple[dict, Path]:
    """A single point as it was staged in `folder`, and run by the stand-in, with what it is told, in `folder`/`work` without a
    library: its job, and where its files are."""
    job = stage.stage_static(crystal(), folder, settings=settings(), level="u4", cell="toy", source="o_toy_0")
    shutil.copytree(folder / "1-static/inputs", folder / work)
    (folder / work / "POTCAR").write_text("".join(potential(name) for name in job["species"]))
    environment = os.environ | {"FAKE_VASP": json.dumps(told)}
    subprocess.run([sys.executable, str(FAKE)], cwd=folder / work, env=environment, check=True)
    return job, folder / work
