"""Keys of a level run by Quantum ESPRESSO."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from dlmd.config.levels.dft import DftSettings, Mesh


class EspressoSettings(DftSettings):
    """One level of theory run by Quantum ESPRESSO."""

    pseudo_dir: Path = Field(description="Folder of the pseudopotentials (UPF).")
    pseudopotentials: dict[str, str] = Field(description="File of every element, in pseudo_dir.")
    ecut_ev: PositiveFloat = Field(
        680.0, description="Cutoff of the wave functions (ecutwfc); 680 eV are 50 Ry."
    )
    density_cutoff_ratio: PositiveFloat = Field(
        8.0,
        description="Cutoff of the density over that (ecutrho): 4 for norm-conserving, 8-12 for ultrasoft.",
    )
    kpoint_density_a: PositiveFloat = Field(
        2.0,
        description="k-points per Å⁻¹ along each axis, where no mesh is given; the mesh holds Γ.",
    )
    kpoint_mesh: Mesh | None = Field(
        None, description="Subdivisions along a, b, c, for every cell of this level alike; the mesh holds Γ."
    )
    hubbard_projectors: Literal["ortho-atomic", "atomic"] = Field(
        "ortho-atomic", description="What the U acts on; numbers of the two are not comparable."
    )
    electronic_ev: PositiveFloat = Field(
        1e-6, description="Estimated error of the cell's energy at which the electrons are converged."
    )
    max_iterations: PositiveInt = Field(
        200, description="Most electronic iterations of one step; a step that needs more is an error."
    )
    mixing_beta: PositiveFloat = Field(0.3, description="Part of the new density that is mixed in.")
