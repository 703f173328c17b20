"""The fields of the run config: one typed model, from which defaults, checks and config/README.md come.

`dlmd.config.reading` reads it from YAML. `dlmd.config.checks` compares its fields with each other, and `dlmd.config.run_config`
is both together. `dlmd.run.preflight` checks what needs more than the file: CIF, counts, installed packages. The levels of
theory are in `dlmd.config.levels`, the gate before production in `dlmd.config.validation`, and what is done with trajectories
is in `dlmd.config.analysis`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from dlmd.base import carriers
from dlmd.config.analysis import Arrhenius, Barriers, Mechanism, Transport
from dlmd.config.fields import (
    CellSelection,
    Layer,
    LearningRate,
    Length,
    Picoseconds,
    Positive,
    PositiveInt,
    Prefactor,
    Section,
    Strain,
    Temperature,
    TimeStep,
    WholeTemperature,
)
from dlmd.config.given import FineTuning, GivenFrames
from dlmd.config.launch import Launch
from dlmd.config.levels import Level
from dlmd.config.production import Md
from dlmd.config.validation import Validation


def _mobile(given: Any) -> Any:
    """Several elements as one text, as all of the library takes them."""
    if isinstance(given, list) and all(isinstance(name, str) for name in given):
        return carriers.joined(given)
    return carriers.joined(carriers.elements(given)) if isinstance(given, str) else given


# a text of one element or of several with commas; in the file also a list
Mobile = Annotated[
    str,
    BeforeValidator(_mobile),
    Field(min_length=1),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    ),
]
Repeat = Annotated[int, Field(gt=0, le=1000)]
Sampling = Literal["random", "coulomb", "quasirandom", "swap_mc"]


class Material(Section):
    """The crystal and its ions."""

    cif: str = Field(
        description="CIF with partial occupancies; its path is relative to the working directory."
    )
    mobile: Mobile = Field(
        description="Element whose ions carry the current; a list, such as [Li, Na], where there are several."
    )
    charges: dict[str, int | float] = Field(
        min_length=1,
        description="Formal charge of every element, in elementary charges. The cell must be neutral. A fraction is the mean "
        "over mixed valence, such as Co: 3.26; it may be off by 0.05 where whole atoms make it neutral. Where sites differ, "
        "'Fe on Fe1': 3 is that of Fe on the site Fe1 (a label of the CIF, or a Wyckoff label that only one site has), beside "
        "Fe: 2.5 for all others.",
    )
    species: list[str] = Field(
        min_length=1, description="All elements, in the order of the atom types of LAMMPS and DeePMD."
    )
    reference: str | None = Field(
        None,
        description="YAML file with measured and published values, which are printed beside the run's own; null: none.",
    )

    @property
    def carriers(self) -> tuple[str, ...]:
        """The mobile elements."""
        return carriers.elements(self.mobile)

    @property
    def mobile_charge(self) -> float | dict[str, float]:
        """Charge of the mobile ions in e; by element where there are several."""
        if len(self.carriers) == 1:
            return self.charges[self.mobile]
        return {name: self.charges[name] for name in self.carriers}


class SwapMc(Section):
    """Production orderings in equilibrium at a synthesis temperature: Monte Carlo swaps with the trained potential."""

    temperature_k: Temperature = Field(
        description="Temperature (K) at which the host's disorder was frozen in: of synthesis or annealing, or below it where "
        "cooling was slow."
    )
    sweeps: Annotated[int, Field(ge=10, le=100_000)] = Field(
        60,
        description="Sweeps of the chain, each with a trial per position of the disordered sites. A chain that has not settled "
        "is refused; a larger number goes on with it.",
    )
    relax_steps: Annotated[int, Field(ge=0, le=1000)] = Field(
        20,
        description="Steps of minimisation from the ideal positions, before the energy of a trial is taken; 0: ideal positions.",
    )


class Structures(Section):
    """Site-disordered supercells: every occupancy in every cell, several seeded orderings each."""

    occupancies: dict[str, dict[str, float | dict[str, float]]] = Field(
        min_length=1,
        description="Occupancies by name: {site: occupancy}. A site is a Wyckoff label such as 2a or an atom-site label of the "
        "CIF. A site with several elements takes {element: occupancy}. Sites left out keep the CIF's occupancies.",
    )
    cells: dict[str, tuple[Repeat, Repeat, Repeat]] = Field(
        min_length=1, description="Supercells by name: repeats of the CIF's cell along a, b and c."
    )
    orderings: Annotated[int, Field(gt=0, le=10_000)] = Field(
        2, description="Orderings per occupancy and cell, each from a seed of its own, numbered from 0."
    )
    sampling: Sampling | dict[str, Sampling] = Field(
        "random",
        description="How sites are filled: at random (random), with low electrostatic energy (coulomb), or with the pair "
        "correlations of the random alloy (quasirandom), or in equilibrium at structures.swap_mc.temperature_k by the trained "
        "potential (swap_mc; production's cell alone). One word for all cells, or {cell: word} for each.",
    )
    swap_mc: SwapMc | None = Field(
        None, description="How cells of that sampling are sampled; null: none are."
    )
    min_distance_angstrom: Positive | dict[str, Positive] = Field(
        1.2,
        description="Shortest distance (Å) of two atoms in a built cell: one number, or by pair, as in {Li-Li: 2, default: 1.2}. "
        "Like ions of pairs not named keep more, about their diameter (Li-Li 2.1, Na-Na 2.4, Ag-Ag 2.8), less where the crystal "
        "has full sites nearer than that: so split sites hold one atom.",
    )
    tolerance: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        5e-4,
        description="Largest difference between an occupancy asked for and the one that whole atoms give. Raise it for a CIF "
        "whose occupancies fit no cell of usable size.",
    )

    def sampling_of(self, cell: str) -> str:
        """How the sites of a cell are filled."""
        return self.sampling if isinstance(self.sampling, str) else self.sampling[cell]

    def built_as(self, cell: str) -> str:
        """How the sites of a cell are filled before there is a potential."""
        sampling = self.sampling_of(cell)
        return "random" if sampling == "swap_mc" else sampling


class Relax(Section):
    """Variable-cell relaxation at every level (the paper's Table II)."""

    cells: list[CellSelection] = Field(
        description="What is relaxed for the table of lattice parameters. Cells that AIMD or MD need are added."
    )
    fmax_ev_per_angstrom: Positive = Field(
        0.01,
        description="Largest force on an atom (eV/Å) at the end. All engines but VASP, which has "
        "relax.fmax_ev_per_angstrom of its level.",
    )
    max_steps: PositiveInt = Field(
        500,
        description="Most steps of the optimiser. All engines but VASP, which has relax.max_steps of its level.",
    )


class AimdGroup(CellSelection):
    """Trajectories of labels: every ordering at every temperature and strain."""

    temperatures_k: list[Temperature] = Field(min_length=1, description="Temperatures of the thermostat (K).")
    strains: list[Strain] = Field(
        [0.0],
        min_length=1,
        description="Linear strains of the relaxed cell; 0.01 makes every edge 1 % longer.",
    )
    split: Literal["train", "valid", "test"] = Field(
        description="Part of the dataset that these trajectories are."
    )
    steps: PositiveInt | None = Field(
        None, description="Steps of these trajectories; null: labels.aimd.steps."
    )


class Aimd(Section):
    """NVT dynamics with the label engine, of levels that neither start from another nor have given labels or potentials."""

    time_step_fs: TimeStep = Field(1.0, description="Time step (fs).")
    steps: PositiveInt = Field(1000, description="Steps of one trajectory.")
    stride: PositiveInt = Field(1, description="Steps from one kept frame to the next.")
    discard_ps: Annotated[float, Field(ge=0, le=1e8)] = Field(
        0.0, description="Start of each trajectory (ps) that is left out of the dataset."
    )
    trajectories: list[AimdGroup] = Field(
        [], description="Which trajectories are run, and for which part of the dataset."
    )


class Labels(Section):
    """Energies, forces and virials from the level of theory."""

    relax: Relax
    aimd: Aimd = Aimd()
    frames: list[GivenFrames] = Field(
        [], description="Labels that are there: files, each with its part of the dataset."
    )


class Training(Section):
    """DeePMD-kit, se_e2_a descriptor, TensorFlow backend; defaults are the paper's."""

    cutoff_angstrom: Annotated[float, Field(ge=1, le=30)] = Field(
        7.0, description="Cutoff radius of the descriptor (Å)."
    )
    cutoff_smooth_angstrom: Length = Field(
        0.5,
        description="Distance (Å) from which on neighbours are weighted less and less, down to nothing at the cutoff.",
    )
    embedding: list[Layer] = Field(
        [32, 64, 128], min_length=1, description="Neurons per layer of the embedding network."
    )
    axis_neurons: Layer = Field(16, description="Size of the axis submatrix of the descriptor.")
    fitting: list[Layer] = Field(
        [256, 256, 256], min_length=1, description="Neurons per layer of the fitting network."
    )
    steps: PositiveInt = Field(10_000, description="Training steps.")
    batch_size: PositiveInt | Annotated[str, Field(pattern=r"^auto(:[1-9]\d{0,8})?$")] = Field(
        "auto", description="Frames per step; auto, or auto:N for at least N atoms per step."
    )
    start_lr: LearningRate = Field(1e-3, description="Learning rate at the start.")
    stop_lr: LearningRate = Field(1e-8, description="Learning rate at the end.")
    decay_steps: PositiveInt = Field(5000, description="Steps between two decays of the learning rate.")
    energy_prefactor: tuple[Prefactor, Prefactor] = Field(
        (0.02, 1.0), description="Weight of the energy in the loss, at the start and at the end."
    )
    force_prefactor: tuple[Prefactor, Prefactor] = Field(
        (1000.0, 1.0), description="Weight of the forces in the loss, at the start and at the end."
    )
    virial_prefactor: tuple[Prefactor, Prefactor] = Field(
        (0.0, 0.0),
        description="Weight of the virial in the loss, at the start and at the end; 0 leaves it out.",
    )
    precision: Literal["float32", "float64"] = Field(
        "float64", description="Floating-point precision of the networks."
    )
    save_steps: PositiveInt = Field(
        1000, description="Steps between two checkpoints. It must divide the steps."
    )
    potentials: Annotated[int, Field(gt=0, le=100)] = Field(
        1,
        description="Potentials per level, which differ in the seed of weights and batches. Two or more are a committee, whose "
        "disagreement is compared with its error and followed along production.",
    )
    fine_tuning: FineTuning = FineTuning()


class ExploreGroup(CellSelection):
    """Cells in which the learning loop explores, at every temperature and strain."""

    temperatures_k: list[WholeTemperature] = Field(
        min_length=1, description="Temperatures (K). The highest should lie above production's."
    )
    strains: list[Strain] = Field(
        [0.0],
        min_length=1,
        description="Linear strains of the relaxed cell; 0.01 makes every edge 1 % longer.",
    )
    split: Literal["train", "test"] = Field(
        "train",
        description="test: labels of these orderings are held out and judge the potential. Only for levels that start from "
        "another, which need some.",
    )


class Learning(Section):
    """Learning loop before production: explore with a committee, label what it disagrees on, train again."""

    iterations: Annotated[int, Field(gt=0, le=100)] = Field(
        3, description="Most rounds. Once the loop has settled, the remaining ones pass in seconds."
    )
    explore: list[ExploreGroup] = Field(min_length=1, description="Where unknown structures are looked for.")
    explore_ps: Picoseconds = Field(5.0, description="Length of each exploration (ps).")
    frame_interval_ps: Picoseconds = Field(0.05, description="Time between two judged frames (ps).")
    deviation_ev_per_angstrom: tuple[Positive, Positive] = Field(
        (0.1, 0.4),
        description="Bounds (eV/Å) of the committee's largest force deviation: frames between them are candidates for labels, "
        "frames above are too strange.",
    )
    max_frames: PositiveInt = Field(20, description="Most frames labelled per round.")
    held_out: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.25,
        description="Part of the first round's labels that is held out (groups of explore with `split: test`).",
    )
    frames_per_job: PositiveInt | None = Field(
        None,
        description="Frames that one job labels; null: 25 with a pretrained potential, 1 with DFT. A job of VASP always labels "
        "one.",
    )
    max_force_ev_per_angstrom: Positive = Field(
        15.0,
        description="Labelled frames with a larger force on any atom (eV/Å) are dropped, because one of them ruins a fit.",
    )
    steps: PositiveInt = Field(
        4000, description="Training steps of a round. They start from the weights of the round before."
    )
    start_lr: LearningRate = Field(1e-3, description="Learning rate at the start of a round.")


class RunFields(Section):
    """All sections of a run; `dlmd.config.run_config` checks them against each other."""

    run: str = Field(description="Name of the run. All its results are in results/<run>/.")
    seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(
        1, description="Seed from which all others are derived."
    )
    launch: Launch = Launch()
    material: Material
    structures: Structures
    levels: dict[str, Level] = Field(
        min_length=1, description="Levels of theory by name. Data of two levels are never mixed."
    )
    labels: Labels
    training: Training = Training()
    learning: Learning | None = Field(
        None,
        description="Learning loop of a committee (training.potentials of two or more); null: potentials are trained once.",
    )
    validation: Validation = Validation()
    md: Md
    transport: Transport = Transport()
    arrhenius: Arrhenius = Arrhenius()
    mechanism: Mechanism = Mechanism()
    barriers: Barriers | None = Field(None, description="Migration barriers; null: none.")
