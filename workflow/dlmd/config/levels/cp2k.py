"""Keys of a level run by CP2K."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, field_validator, model_validator

from dlmd.config.levels.dft import DftSettings, Mesh
from dlmd.config.levels.passed_on import Handed, leaves, numbers

DFT = ("FORCE_EVAL", "DFT")
SCF = (*DFT, "SCF")
SHELL = "CP2K is driven through its shell, one step at a time"
# in the names of pseudopotentials
OTHER_FUNCTIONALS = {
    *("PADE", "LDA", "BLYP", "B3LYP", "BP", "HCTH93", "HCTH120", "HCTH407", "OLYP", "HF", "PBE0", "PBESOL"),
    *("REVPBE", "TPSS", "SCAN", "R2SCAN", "MCL", "MGGA", "HYB"),
}
HANDED = Handed(
    key="input",
    # CP2K's own ALPHA is 0.4: less is slower, and converges more often where moments are localised
    defaults={"FORCE_EVAL": {"DFT": {"SCF": {"MAX_SCF": 200, "MIXING": {"ALPHA": 0.2}, "ADDED_MOS": 20}}}},
    own_key={
        (*DFT, "MGRID", "CUTOFF"): "cutoff_ev",
        (*DFT, "MGRID", "REL_CUTOFF"): "relative_cutoff_ev",
        (*DFT, "KPOINTS"): "kpoint_mesh",
        (*DFT, "XC", "XC_FUNCTIONAL"): "functional",
        (*DFT, "BASIS_SET_FILE_NAME"): "basis_set_file",
        (*DFT, "POTENTIAL_FILE_NAME"): "potential_file",
        **{(*DFT, name): "magmom" for name in ("UKS", "LSD", "UNRESTRICTED_KOHN_SHAM", "MULTIPLICITY")},
        (*DFT, "PLUS_U_METHOD"): "hubbard_u_ev",
        (*SCF, "EPS_SCF"): "eps_scf",
        (*SCF, "SMEAR"): "smearing_ev",
        ("FORCE_EVAL", "SUBSYS", "KIND"): "basis_sets, potentials, magmom or hubbard_u_ev",
    },
    fixed={
        (*SCF, "DIAGONALIZATION"): "it is what smeared electrons get; smearing_ev: 0 is without",
        (*SCF, "IGNORE_CONVERGENCE_FAILURE"): "a step that does not converge is no label",
        (*DFT, "CHARGE"): "cells are neutral",
        **{
            ("FORCE_EVAL", "SUBSYS", name): "cell and atoms come from the structure"
            for name in ("CELL", "COORD")
        },
        ("FORCE_EVAL", "METHOD"): "it is QUICKSTEP",
        ("FORCE_EVAL", "STRESS_TENSOR"): "labels have stresses",
        ("FORCE_EVAL", "PRINT", "STRESS_TENSOR"): "labels have stresses",
        **{("GLOBAL", name): SHELL for name in ("PROJECT", "PROJECT_NAME", "RUN_TYPE", "PRINT_LEVEL")},
        **{(name,): SHELL for name in ("MOTION", "EXT_RESTART", "FARMING", "MULTIPLE_FORCE_EVALS")},
    },
    no_theory=(("GLOBAL",), SCF, (*DFT, "PRINT"), ("FORCE_EVAL", "PRINT")),
    search=(
        ("GLOBAL",),
        *(
            (*SCF, name)
            for name in (
                *("MAX_SCF", "MIXING", "SCF_GUESS", "MAX_DIIS", "EPS_DIIS", "LEVEL_SHIFT", "CHOLESKY"),
                *("OT", "OUTER_SCF"),
            )
        ),
    ),
    recorded={
        (*SCF, "MAX_SCF"): ("max_iterations",),
        (*SCF, "MIXING", "ALPHA"): ("mixing_alpha",),
        (*SCF, "ADDED_MOS"): ("added_states",),
    },
)


class Cp2kSettings(DftSettings):
    """One level of theory run by CP2K."""

    HANDED: ClassVar[Handed] = HANDED
    RECORDED_ONLY: ClassVar[tuple[str, ...]] = ("stress",)
    TOLD: ClassVar[tuple[str, ...]] = ("cutoff_ev", "basis_sets", "potentials")
    smearing_ev: NonNegativeFloat = Field(
        0.05,
        description="Width of the Fermi-Dirac smearing (eV). 0: whole occupations, found by orbital transformation "
        "(OT): for cells with a gap, at Γ alone.",
    )
    basis_sets: dict[str, str] = Field(
        description="Basis set of every element, for instance {Ti: DZVP-MOLOPT-SR-GTH-q12}."
    )
    potentials: dict[str, str] = Field(
        description="Pseudopotential of every element, for instance {Ti: GTH-PBE-q12}."
    )
    basis_set_file: str = Field("BASIS_MOLOPT", description="File of the basis sets, in CP2K_DATA_DIR.")
    potential_file: str = Field(
        "GTH_POTENTIALS", description="File of the pseudopotentials, in CP2K_DATA_DIR."
    )
    cutoff_ev: PositiveFloat = Field(
        8200.0, description="Cutoff of the finest grid (eV; CUTOFF). 8200 eV are 600 Ry."
    )
    relative_cutoff_ev: PositiveFloat = Field(
        820.0, description="Cutoff that maps Gaussians onto grids (eV; REL_CUTOFF). 820 eV are 60 Ry."
    )
    kpoint_mesh: Mesh | None = Field(
        None,
        description="Monkhorst-Pack subdivisions along a, b, c; null: Γ alone. Older versions refuse a U away from Γ.",
    )
    eps_scf: PositiveFloat = Field(1e-6, description="Electronic convergence (EPS_SCF).")
    input: dict[str, Any] = Field(
        {},
        description="Further input of CP2K by section, `_` for a section's parameter, for instance "
        "{FORCE_EVAL: {DFT: {SCF: {ADDED_MOS: 40, MIXING: {ALPHA: 0.1}}}}}; without, ADDED_MOS is 20 (raise it with the cell), "
        "ALPHA 0.2 (Broyden) and MAX_SCF 200. With smearing_ev 0 there are neither added states nor mixing, and OT has a "
        "section of its own.",
    )

    @property
    def recorded_only(self) -> dict[str, Any]:
        """With a U CP2K's analytical stress is wrong, and labels were once made with it."""
        return {"stress": "numerical"} if self.plus_u else {}

    @property
    def orbital_transformation(self) -> bool:
        """Whether the energy is minimised over orbitals of whole occupation, instead of mixing densities of smeared ones."""
        return self.smearing_ev == 0

    @model_validator(mode="after")
    def _solver(self) -> Self:
        """OT knows whole occupations and Γ alone."""
        given = [path for path, _ in leaves(self.given_keywords) if path[: len(SCF) + 1] == (*SCF, "OT")]
        if given and not self.orbital_transformation:
            raise ValueError("OT cannot smear electrons; set smearing_ev: 0 with it, or leave it out")
        if self.orbital_transformation and self.kpoint_mesh:
            raise ValueError(
                "smearing_ev: 0 is orbital transformation, which CP2K has at Γ alone; leave kpoint_mesh out"
            )
        return self

    @model_validator(mode="after")
    def _alike(self) -> Self:
        """A potential is of the level's functional, and has as many electrons as the basis set is for."""
        for element, name in self.potentials.items():
            other = OTHER_FUNCTIONALS.intersection(name.upper().split("-"))
            if other:
                raise ValueError(
                    f"the potential {name} of {element} is of {other.pop()}, the level of {self.functional}; "
                    f"name a GTH-{self.functional} one"
                )
            basis = self.basis_sets.get(element, "")
            electrons = [re.search(r"-q(\d+)$", n) for n in (basis, name)]
            if all(electrons) and len({found[1] for found in electrons if found}) > 1:
                raise ValueError(
                    f"the basis set {basis} and the potential {name} of {element} are for different numbers of electrons"
                )
        return self

    @field_validator("input")
    @classmethod
    def _known(cls, given: dict[str, Any]) -> dict[str, Any]:
        given = _upper(given)
        for path, value in leaves(given):
            for name in path:
                if not re.fullmatch(r"[A-Z0-9_+-]+", name):
                    raise ValueError(f"'{name}' is no name of a section or keyword of CP2K")
            if not isinstance(value, (bool, int, float, str, list, dict)):
                raise ValueError(f"{'.'.join(path)} is {value!r}, and neither a number, a text nor a list")
        HANDED.refuse(given)
        return numbers(given)


def _upper(given: dict[str, Any]) -> dict[str, Any]:
    return {str(k).upper(): _upper(v) if isinstance(v, dict) else v for k, v in given.items()}
