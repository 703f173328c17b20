"""The config's section on production MD: lattice, temperatures, lengths and intervals."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dlmd.config.fields import (
    CellSelection,
    Length,
    Picoseconds,
    Positive,
    PositiveInt,
    Section,
    Temperature,
    TimeStep,
    WholeTemperature,
)

Angle = Annotated[float, Field(gt=10, lt=170)]


class Npt(Section):
    """Runs at zero pressure with the trained potential, whose mean cell production takes with `lattice: thermal`."""

    segment_ps: Picoseconds = Field(20.0, description="Length of one segment (ps).")
    segments: Annotated[int, Field(gt=0, le=9999)] = Field(
        2, description="Number of segments. A larger number adds segments, and repeats none."
    )
    runs: PositiveInt = Field(
        1, description="Production runs of a temperature (orderings, potentials) whose cells are averaged."
    )
    components: Literal["symmetry", "all"] = Field(
        "symmetry",
        description="Parts of the cell that move: those that the crystal system leaves free, or all six.",
    )
    damping_fs: Annotated[float, Field(ge=10, le=1e6)] = Field(
        1000.0, description="Damping time of the Nose-Hoover barostat (fs)."
    )
    min_independent: Annotated[int, Field(ge=1)] = Field(
        10, description="Fewest independent volumes (length by correlation time) that a mean is taken of."
    )
    max_volume_error: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.005,
        description="Largest half-width of the mean volume's interval, as a part of it. Above it no production starts.",
    )
    max_pressure_gpa: Annotated[float, Field(gt=0, le=100)] = Field(
        0.02,
        description="Largest mean pressure (GPa) of these runs, beyond its own interval. Above it no production starts.",
    )


class MeasuredLattice(Section):
    """Measured lattice parameters of the conventional cell, for `lattice: measured`; null: those of the CIF."""

    cell_angstrom_degrees: tuple[Length, Length, Length, Angle, Angle, Angle] | None = Field(
        None, description="a, b, c (Å), alpha, beta, gamma (degrees); null: the CIF's."
    )
    temperature_k: Temperature = Field(298.15, description="Temperature (K) at which they were measured.")
    expansion_per_k: Annotated[float, Field(ge=-1e-3, le=1e-3)] = Field(
        0.0, description="Measured coefficient of linear thermal expansion (1/K), the same along all edges."
    )


class SizeCheck(Section):
    """The same runs in a second cell at one or two temperatures: does the size of production's cell matter?

    It has the lattice parameters of production, and as many segments.
    """

    cell: str = Field(
        description="A name from structures.cells, with more unit cells than md.cell, or fewer."
    )
    temperatures_k: list[WholeTemperature] = Field(
        min_length=1, description="Temperatures (K) of production at which the two cells are compared."
    )
    replicas: Annotated[int, Field(gt=0, le=1000)] = Field(
        1, description="Orderings of the second cell, each in a run of its own."
    )
    max_difference: Annotated[float, Field(gt=0, le=10)] = Field(
        0.25,
        description="Largest part by which D_self and the conductivity may differ between the cells. An interval of their ratio "
        "that lies beyond it is a verdict on the run's answer (`size_dependent`).",
    )


class Md(Section):
    """Production MD with LAMMPS: NVT, Nose-Hoover, a chain of restartable segments per temperature."""

    occupancy: str = Field(description="A name from structures.occupancies.")
    cell: str = Field(description="A name from structures.cells.")
    lattice_from: CellSelection | None = Field(
        None,
        description="Relaxed cells whose mean lattice parameters are used; null: the production cell itself is relaxed.",
    )
    lattice: Literal["relaxed", "thermal", "measured"] = Field(
        "relaxed",
        description="Cell of production: relaxed at 0 K as in the paper (relaxed), the mean at zero pressure of each temperature "
        "(thermal, see npt), or measured lattice parameters (measured).",
    )
    npt: Npt = Npt()
    measured: MeasuredLattice = MeasuredLattice()
    size_check: SizeCheck | None = Field(
        None, description="A second cell, whose transport is compared with production's; null: none."
    )
    temperatures_k: list[WholeTemperature] = Field(
        min_length=1, description="Temperatures (K) in ascending order."
    )
    replicas: Annotated[int, Field(gt=0, le=1000)] = Field(
        1, description="Independent runs per temperature, each with its own ordering and velocities."
    )
    potentials: PositiveInt = Field(
        1,
        description="Potentials of the committee that production runs with, each with all replicas. Two or more show how much "
        "of the uncertainty comes from the potential.",
    )
    time_step_fs: TimeStep = Field(1.0, description="Time step (fs).")
    thermostat_damping_fs: Annotated[float, Field(ge=1, le=1e6)] = Field(
        100.0, description="Damping time of the Nose-Hoover thermostat (fs)."
    )
    equilibrate_ps: Picoseconds = Field(
        10.0, description="Length (ps) of the NVT run after the minimisation. It is not analysed."
    )
    segment_ps: Picoseconds = Field(500.0, description="Length of one segment (ps).")
    segments: Annotated[int, Field(gt=0, le=9999)] = Field(
        11, description="Number of segments. A larger number adds segments, and repeats none."
    )
    position_interval_fs: Positive = Field(
        100.0, description="Time between two stored positions of the mobile ions (fs)."
    )
    all_atom_interval_ps: Picoseconds = Field(
        5.0, description="Time between two stored positions of all atoms (ps)."
    )
    restart_interval_ps: Picoseconds = Field(
        50.0, description="Time between two restart files within a segment (ps)."
    )
    min_distance_angstrom: Annotated[float, Field(gt=0, le=10)] = Field(
        1.0, description="Two atoms closer than this (Å) end a run, because its potential has failed."
    )
    max_deviation_ev_per_angstrom: Positive | None = Field(
        None,
        description="Largest deviation (eV/Å) of the committee's force on an atom. A segment ends with a verdict where three "
        "looks in a row, 100 steps apart, find a larger one. It needs training.potentials of two or more; null: "
        "nobody looks.",
    )

    def steps(self, time_fs: float) -> int:
        """Number of steps in `time_fs`."""
        return round(time_fs / self.time_step_fs)
