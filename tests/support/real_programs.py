"""Levels for the tests that run the real programs: two atoms, settings as cheap as they may be. **No example to follow.**"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase.build import bulk

import needs
from dlmd.config.launch import LevelLaunch
from dlmd.labels import engines


@dataclass
class Real:
    """A program with a level, a crystal of two atoms, and what its numbers are good for."""

    level: dict
    launch: LevelLaunch
    symbol: str
    structure: str
    lattice_angstrom: float
    # of forces (eV/Å) and stresses (eV/Å³) against finite differences: the grids of these settings are coarse
    force_error: float
    stress_error: float
    # keywords with which no step converges
    hopeless: dict = field(default_factory=dict)
    # largest force at which a relaxation may end (eV/Å): with few plane waves a cell has no minimum nearby
    fmax: float = 1.5
    # keys with which finite differences are smooth
    fine: dict = field(default_factory=dict)

    def atoms(self, *, rattle: float = 0.08) -> Any:
        """The crystal, displaced and sheared."""
        atoms = bulk(self.symbol, self.structure, a=self.lattice_angstrom)
        atoms.rattle(rattle, seed=1)
        atoms.set_cell(
            atoms.cell.array @ (np.eye(3) + np.array([[0, 0.02, 0], [0.02, 0, 0.01], [0, 0.01, 0.01]])),
            scale_atoms=True,
        )
        return atoms

    def engine(self, **launch: Any) -> Any:
        """The engine, started as given."""
        return engines.get(self.level, self.launch.model_copy(update=launch))


def cp2k() -> Real:
    """LiCl with minimal basis sets at Γ."""
    level = {
        "engine": "cp2k",
        "basis_sets": {"Li": "SZV-MOLOPT-SR-GTH-q3", "Cl": "SZV-MOLOPT-SR-GTH-q7"},
        "potentials": {"Li": "GTH-PBE-q3", "Cl": "GTH-PBE-q7"},
        "cutoff_ev": 2200.0,
        "relative_cutoff_ev": 440.0,
        "eps_scf": 1e-6,
        "input": {"FORCE_EVAL": {"DFT": {"SCF": {"ADDED_MOS": 4}}}},
    }
    hopeless = {"FORCE_EVAL": {"DFT": {"SCF": {"MAX_SCF": 2}}}}
    fine = {"cutoff_ev": 4000.0, "relative_cutoff_ev": 800.0}
    return Real(
        level,
        LevelLaunch(command=needs.cp2k()),
        "LiCl",
        "rocksalt",
        5.14,
        0.005,
        5e-4,
        hopeless=hopeless,
        fine=fine,
    )


def espresso() -> Real:
    """SiC at Γ, far below the cutoff that it needs."""
    level = {
        "engine": "espresso",
        "pseudo_dir": str(needs.pseudopotentials()),
        "pseudopotentials": {"Si": "Si.pbe-rrkj.UPF", "C": "C.pbe-rrkjus.UPF"},
        "ecut_ev": 200.0,
        "kpoint_mesh": [1, 1, 1],
    }
    hopeless = {"electrons": {"electron_maxstep": 2}}
    return Real(
        level,
        LevelLaunch(command=needs.pw()),
        "SiC",
        "zincblende",
        4.62,
        0.01,
        5e-4,
        hopeless=hopeless,
        fmax=4.5,
    )


def gpaw() -> Real:
    """LiH at Γ."""
    needs.module("gpaw")
    level = {
        "engine": "gpaw",
        "ecut_ev": 250.0,
        "kpoint_mesh": [1, 1, 1],
        "keywords": {"convergence": {"density": 1e-5, "eigenstates": 1e-7}},
    }
    return Real(
        level,
        LevelLaunch(),
        "LiH",
        "rocksalt",
        4.08,
        0.01,
        2e-3,
        hopeless={"maxiter": 2},
        fine={"ecut_ev": 700.0},
    )


ENGINES = {"cp2k": cp2k, "espresso": espresso, "gpaw": gpaw}
