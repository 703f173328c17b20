"""The config's section on the gate before production."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dlmd.config.fields import Picoseconds, Positive, Section, Temperature


class Validation(Section):
    """What a potential must show before production MD starts."""

    max_relative_force_rmse: Positive = Field(
        0.18,
        description="Largest force RMSE on the held-out trajectories, as a part of the RMS force. Above it no production "
        "starts.",
    )
    max_trajectory_force_rmse: Positive = Field(
        0.25, description="The same for the worst single held-out trajectory."
    )
    max_energy_slope_error: Positive = Field(
        0.1,
        description="Largest part by which the energies of a held-out trajectory vary too much or too little, beyond the "
        "statistical error. Barriers would be wrong by as much.",
    )
    max_force_slope_error: Positive = Field(
        0.1,
        description="Largest part by which forces on held-out single points are too strong or too soft, beyond the statistical "
        "error. Levels that start from another.",
    )
    max_pressure_error_gpa: Positive = Field(
        0.3,
        description="Largest mean error (GPa) of the potential's pressure on a held-out trajectory, beyond its interval: "
        "strained ones belong among them. Judged where the potential makes production's cell: md.lattice: thermal, and "
        "levels that start from another.",
    )
    trial_ps: Picoseconds = Field(
        2.0,
        description="Length (ps) of a trial run at production's highest temperature, half of it NVT and half NVE, in a cell of "
        "the labels.",
    )
    max_rdf_difference: Positive = Field(
        0.15,
        description="Largest difference of the RDFs of a trial run from the engine's at rdf_temperature_k, averaged over pairs "
        "of elements by their numbers. 0: the same; 1: no overlap.",
    )
    max_energy_drift_mev_per_atom_ps: Positive = Field(
        0.5,
        description="Largest drift of the total energy (meV per atom and ps) in the NVE half of the trial run.",
    )
    max_temperature_error: Positive = Field(
        0.2,
        description="Largest difference of the mean temperature of the NVE half from the thermostat's, as a part of it.",
    )
    min_host_coordination: Annotated[float, Field(ge=0, le=1)] = Field(
        0.9, description="Smallest part of the bonds of the host's cations that the trial run must keep."
    )
    max_met_anions: Annotated[float, Field(ge=0, le=1)] = Field(
        0.05,
        description="Largest part of the frames of a label trajectory, up to a quarter hotter than production, in which the "
        "engine itself lets anions bond that did not at its start (S at 2 Å): its host comes apart. Levels that run their own "
        "trajectories; those that start from another are corrected by their labels.",
    )
    max_relative_deviation: Positive = Field(
        0.25,
        description="Largest deviation of the committee in the NVE half of the trial run, as a part of the RMS force.",
    )
    rdf_temperature_k: Temperature | None = Field(
        None,
        description="Temperature (K) of both the labels and production at which RDFs of the potential are compared with the "
        "engine's; null: no comparison.",
    )
