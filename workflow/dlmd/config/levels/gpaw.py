"""Keys of a level run by GPAW."""

from __future__ import annotations

from pydantic import Field, PositiveFloat, PositiveInt

from dlmd.config.levels.dft import DftSettings, Mesh, Strict


class GpawConvergence(Strict):
    """When the electrons of a step are converged; a step that does not get there is an error, never a label."""

    density: PositiveFloat = Field(
        1e-4, description="Largest change of the density (electrons per valence electron)."
    )
    eigenstates_ev2: PositiveFloat = Field(
        1e-5, description="Largest residual of the states (eV² per valence electron)."
    )
    max_iterations: PositiveInt = Field(200, description="Most electronic iterations of one step.")


class GpawSettings(DftSettings):
    """One level of theory run by GPAW."""

    ecut_ev: PositiveFloat = Field(
        450.0,
        description="Plane-wave cutoff. 450 eV leave a Pulay stress of 0.3 GPa in Li3TiCl6, 600 eV 0.2 (benchmarks/gpaw).",
    )
    kpoint_density_a: PositiveFloat = Field(
        2.0,
        description="k-points per Å⁻¹ along each axis, where no mesh is given; the mesh holds Γ.",
    )
    kpoint_mesh: Mesh | None = Field(
        None, description="Subdivisions along a, b, c, for every cell of this level alike."
    )
    convergence: GpawConvergence = Field(
        default_factory=GpawConvergence, description="Electronic convergence."
    )
