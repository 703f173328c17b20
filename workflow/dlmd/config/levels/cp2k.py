"""Keys of a level run by CP2K."""

from __future__ import annotations

from pydantic import Field, PositiveFloat, PositiveInt

from dlmd.config.levels.dft import DftSettings, Mesh


class Cp2kSettings(DftSettings):
    """One level of theory run by CP2K."""

    basis_sets: dict[str, str] = Field(
        description="Basis set of every element, for instance {Ti: DZVP-MOLOPT-SR-GTH-q12}."
    )
    potentials: dict[str, str] = Field(
        description="Pseudopotential of every element, for instance {Ti: GTH-PBE-q12}."
    )
    basis_set_file: str = Field("BASIS_MOLOPT", description="File of the basis sets.")
    potential_file: str = Field("GTH_POTENTIALS", description="File of the pseudopotentials.")
    cutoff_ev: PositiveFloat = Field(8200.0, description="Cutoff of the finest grid (CUTOFF); 600 Ry.")
    relative_cutoff_ev: PositiveFloat = Field(
        820.0, description="Cutoff that maps Gaussians onto grids (REL_CUTOFF); 60 Ry."
    )
    kpoint_mesh: Mesh | None = Field(
        None,
        description="Monkhorst-Pack subdivisions along a, b, c; null: Γ alone. Older versions refuse a U away from Γ.",
    )
    eps_scf: PositiveFloat = Field(1e-6, description="Electronic convergence (EPS_SCF).")
    max_iterations: PositiveInt = Field(
        200, description="Most electronic iterations of one step; a step that needs more is an error."
    )
    mixing_alpha: PositiveFloat = Field(
        0.2, description="Part of the new density that is mixed in (Broyden)."
    )
    added_states: PositiveInt = Field(
        20, description="Empty states for the smearing (ADDED_MOS); raise it with the cell."
    )
