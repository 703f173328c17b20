"""The run config: one typed model, from which defaults, checks and config/README.md come.

`dlmd.config.reading` reads it from YAML. `dlmd.config.checks` compares its fields with each other. `dlmd.run.preflight` checks
what needs more than the file: CIF, counts, installed packages. The levels of theory are in `dlmd.config.levels`, and what is
done with trajectories is in `dlmd.config.analysis`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from dlmd.config.analysis import Arrhenius, Barriers, Mechanism, Transport
from dlmd.config.checks import NAME, Problem, problems
from dlmd.config.fields import CellSelection, Model, Positive, PositiveInt
from dlmd.config.launch import Launch
from dlmd.config.levels import Level

Sampling = Literal["random", "coulomb", "quasirandom"]


class Material(Model):
    """The crystal and its ions."""

    cif: str = Field(description="CIF with partial occupancies, relative to the working directory")
    mobile: str = Field(description="element whose ions carry the current")
    charges: dict[str, int] = Field(
        description="formal charge of every element in e; the cell must be neutral"
    )
    species: list[str] = Field(description="all elements in the order of LAMMPS and DeePMD types")
    reference: str | None = Field(
        None, description="YAML with measured and published values to print beside the run's own"
    )


class Structures(Model):
    """Site-disordered supercells: every occupancy in every cell, several seeded orderings each."""

    occupancies: dict[str, dict[str, float | dict[str, float]]] = Field(
        description="name -> {site: occupancy}; a site is a Wyckoff label such as 2a or an atom-site label of the CIF; "
        "a site with several elements takes {element: occupancy}; sites left out keep the CIF's"
    )
    cells: dict[str, tuple[PositiveInt, PositiveInt, PositiveInt]] = Field(
        description="name -> repeats of the CIF's cell along a, b, c"
    )
    orderings: PositiveInt = Field(2, description="seeded orderings per occupancy and cell, numbered from 0")
    sampling: Sampling | dict[str, Sampling] = Field(
        "random",
        description="how sites are filled: uniform random, low electrostatic energy (coulomb), or the random alloy's pair "
        "correlations (quasirandom); for all cells, or {cell: sampling} for each",
    )
    min_distance_angstrom: Positive = Field(
        1.2, description="no two atoms of a built cell are closer than this"
    )
    tolerance: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        5e-4,
        description="largest accepted difference between an occupancy asked for and the whole atoms of a cell; "
        "raise it for a CIF whose occupancies fit no cell of usable size",
    )

    def sampling_of(self, cell: str) -> str:
        """How the sites of a cell are filled."""
        return self.sampling if isinstance(self.sampling, str) else self.sampling[cell]


class Relax(Model):
    """Variable-cell relaxation at every level (the paper's Table II)."""

    cells: list[CellSelection] = Field(
        description="what is relaxed for the lattice table; cells that AIMD or MD need are added"
    )
    fmax_ev_per_angstrom: Positive = Field(0.01, description="largest force at the end (embedded engines)")
    max_steps: PositiveInt = Field(500, description="most steps of the optimiser (embedded engines)")


class AimdGroup(CellSelection):
    """Trajectories of labels: every ordering at every temperature and strain."""

    temperatures_k: list[Positive] = Field(description="temperatures of the thermostat")
    strains: list[Annotated[float, Field(gt=-0.2, lt=0.2)]] = Field(
        [0.0], description="linear strain of the relaxed cell"
    )
    split: Literal["train", "valid", "test"] = Field(
        description="which part of the dataset these trajectories are"
    )
    steps: PositiveInt | None = Field(
        None, description="steps of these trajectories, where not labels.aimd.steps"
    )


class Aimd(Model):
    """NVT molecular dynamics with the label engine."""

    time_step_fs: Positive = Field(1.0, description="time step")
    steps: PositiveInt = Field(description="steps of one trajectory")
    stride: PositiveInt = Field(1, description="every so many steps a frame is kept")
    discard_ps: Annotated[float, Field(ge=0)] = Field(
        0.0, description="start of each trajectory that is left out of the dataset"
    )
    trajectories: list[AimdGroup] = Field(
        min_length=1, description="what is run, and for which part of the dataset"
    )


class Labels(Model):
    """Energies, forces and virials from the level of theory."""

    relax: Relax
    aimd: Aimd


class Training(Model):
    """DeePMD-kit, se_e2_a descriptor, TensorFlow backend; defaults are the paper's."""

    cutoff_angstrom: Positive = Field(7.0, description="cutoff radius of the descriptor")
    cutoff_smooth_angstrom: Positive = Field(
        0.5, description="where the smooth switching to the cutoff begins"
    )
    embedding: list[PositiveInt] = Field([32, 64, 128], description="neurons of the embedding network")
    axis_neurons: PositiveInt = Field(16, description="size of the axis submatrix of the descriptor")
    type_one_side: bool = Field(
        True, description="one embedding network per neighbour species instead of per pair"
    )
    fitting: list[PositiveInt] = Field([256, 256, 256], description="neurons of the fitting network")
    steps: PositiveInt = Field(10_000, description="training steps")
    batch_size: PositiveInt | str = Field(
        "auto", description="frames per step, or auto / auto:N (N atoms at least)"
    )
    start_lr: Positive = Field(1e-3, description="learning rate at the start")
    stop_lr: Positive = Field(1e-8, description="learning rate at the end")
    decay_steps: PositiveInt = Field(5000, description="steps between two decays of the learning rate")
    energy_prefactor: tuple[float, float] = Field(
        (0.02, 1.0), description="weight of the energy in the loss, start and end"
    )
    force_prefactor: tuple[float, float] = Field(
        (1000.0, 1.0), description="weight of the forces, start and end"
    )
    virial_prefactor: tuple[float, float] = Field(
        (0.0, 0.0), description="weight of the virial, start and end; 0 leaves it out"
    )
    precision: Literal["float32", "float64"] = Field(
        "float64", description="floating-point precision of the networks"
    )
    save_steps: PositiveInt = Field(
        1000, description="a checkpoint and a line of the learning curve every so many steps"
    )
    potentials: PositiveInt = Field(
        1,
        description="potentials per level, differing in the seed of weights and batches; two or more are a committee, whose "
        "disagreement is compared with the error and followed along production",
    )


class ExploreGroup(CellSelection):
    """Cells in which the learning loop explores, at every temperature and strain."""

    temperatures_k: list[PositiveInt] = Field(
        min_length=1, description="temperatures; the highest should lie above production's"
    )
    strains: list[Annotated[float, Field(gt=-0.2, lt=0.2)]] = Field(
        [0.0], description="linear strain of the relaxed cell"
    )


class Learning(Model):
    """Learning loop before production: explore with a committee, label what it disagrees on, train again."""

    iterations: PositiveInt = Field(
        3, description="most rounds; once the loop has settled the remaining ones pass in seconds"
    )
    explore: list[ExploreGroup] = Field(min_length=1, description="where to look for unknown structures")
    explore_ps: Positive = Field(5.0, description="length of each exploration")
    frame_interval_ps: Positive = Field(0.05, description="time between judged frames")
    deviation_ev_per_angstrom: tuple[Positive, Positive] = Field(
        (0.1, 0.4),
        description="frames whose largest force deviation lies between these are candidates; above, they are too strange",
    )
    max_frames: PositiveInt = Field(20, description="most frames labelled per round")
    frames_per_job: PositiveInt | None = Field(
        None,
        description="frames that one job labels; null: 25 with a pretrained potential, 1 with DFT. VASP always labels one",
    )
    max_force_ev_per_angstrom: Positive = Field(
        15.0, description="labelled frames with a larger force on any atom are dropped: one such ruins a fit"
    )
    steps: PositiveInt = Field(4000, description="training steps of a round, from the weights before it")
    start_lr: Positive = Field(1e-3, description="learning rate at the start of a round")
    settled_share: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.02,
        description="settled: at most this part of the frames lies above the lower bound, and settled_change is kept",
    )
    settled_change: Positive = Field(
        0.05,
        description="settled: a round changed the force RMSE on the validation split by at most this part",
    )


class Validation(Model):
    """What a potential must show before production MD starts."""

    max_relative_force_rmse: Positive = Field(
        0.18, description="force RMSE over the RMS force on held-out trajectories; above it the DAG stops"
    )
    max_trajectory_force_rmse: Positive = Field(
        0.25, description="the same of the worst single held-out trajectory"
    )
    max_energy_slope_error: Positive = Field(
        0.1,
        description="energies of a held-out trajectory vary too much or too little by at most this part, beyond the statistical "
        "error: barriers would be wrong by as much",
    )
    trial_ps: Positive = Field(
        2.0,
        description="length of a trial run at production's highest temperature, half NVT and half NVE, in a cell of the labels",
    )
    max_rdf_difference: Positive = Field(
        0.15,
        description="RDFs of a trial run over the engine's at rdf_temperature_k, mean over pairs by their number: 0 the same, "
        "1 without overlap",
    )
    max_energy_drift_mev_per_atom_ps: Positive = Field(
        0.5, description="drift of the total energy in the NVE half of the trial run"
    )
    max_temperature_error: Positive = Field(
        0.2,
        description="how far the mean temperature of the NVE half may be from the thermostat's, as a part of it",
    )
    min_host_coordination: Annotated[float, Field(ge=0, le=1)] = Field(
        0.9, description="part of the bonds of the host's cations that the trial run must keep"
    )
    max_relative_deviation: Positive = Field(
        0.25, description="deviation of the committee over the RMS force, in the NVE half of the trial run"
    )
    rdf_temperature_k: Positive | None = Field(
        None,
        description="RDFs of the potential's MD are laid over the engine's at this temperature of both; null leaves them out",
    )


class Md(Model):
    """Production MD with LAMMPS: NVT, Nose-Hoover, a chain of restartable segments per temperature."""

    occupancy: str = Field(description="a name from structures.occupancies")
    cell: str = Field(description="a name from structures.cells")
    lattice_from: CellSelection | None = Field(
        None,
        description="relaxed cells whose mean lattice parameters are used; null: the production cell itself is relaxed",
    )
    temperatures_k: list[PositiveInt] = Field(min_length=1, description="temperatures in ascending order")
    replicas: PositiveInt = Field(
        1, description="independent runs per temperature, each with its own ordering and velocities"
    )
    potentials: PositiveInt = Field(
        1,
        description="potentials of the committee that production runs with, every one with all replicas; two or more show how "
        "much of the uncertainty is the potential's",
    )
    time_step_fs: Positive = Field(1.0, description="time step")
    thermostat_damping_fs: Positive = Field(100.0, description="damping time of the Nose-Hoover thermostat")
    equilibrate_ps: Positive = Field(10.0, description="NVT after the minimisation, not analysed")
    segment_ps: Positive = Field(500.0, description="length of one segment")
    segments: PositiveInt = Field(11, description="number of segments; raising it adds to what is there")
    position_interval_fs: Positive = Field(
        100.0, description="time between stored positions of the mobile ions"
    )
    all_atom_interval_ps: Positive = Field(5.0, description="time between stored positions of all atoms")
    restart_interval_ps: Positive = Field(50.0, description="time between restart files within a segment")
    min_distance_angstrom: Positive = Field(
        1.0, description="two atoms closer than this end a run: its potential has failed"
    )
    max_deviation_ev_per_angstrom: Positive | None = Field(
        None,
        description="model deviation of the force on an atom above which, three looks of 100 steps in a row, a segment "
        "ends with a verdict; needs training.potentials of two or more; null: no such guard",
    )

    def steps(self, time_fs: float) -> int:
        """Number of steps in `time_fs`."""
        return round(time_fs / self.time_step_fs)


class RunConfig(Model):
    """A complete run."""

    run: str = Field(description="name of the run; everything lands in results/<run>/")
    seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(
        1, description="seed from which all others are derived"
    )
    launch: Launch = Launch()
    material: Material
    structures: Structures
    levels: dict[str, Level] = Field(
        min_length=1, description="levels of theory by name; data of two levels are never mixed"
    )
    labels: Labels
    training: Training = Training()
    learning: Learning | None = Field(
        None, description="learning loop of a committee (training.potentials: 2 or more); null: train once"
    )
    validation: Validation = Validation()
    md: Md
    transport: Transport = Transport()
    arrhenius: Arrhenius = Arrhenius()
    mechanism: Mechanism = Mechanism()
    barriers: Barriers | None = Field(None, description="migration barriers; null leaves them out")

    @field_validator("run")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not NAME.match(value):
            raise ValueError(
                f"'{value}' is no plain name: use letters, digits, '.', '_' and '-', it becomes a folder"
            )
        return value

    @model_validator(mode="after")
    def _cross_check(self) -> RunConfig:
        for problem in problems(self):
            raise Problem(*problem)
        return self
