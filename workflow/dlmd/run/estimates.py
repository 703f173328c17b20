"""What a job will cost, from the sizes in the config: walltimes that rules ask for, and `dlmd plan`.

Seconds on one core of a current CPU, right within a factor of three; where the run has measured its own jobs, `dlmd plan`
takes those. What was not measured by us but assumed is in `ASSUMED_DFT` and `GpuRates`, and said to be so wherever it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from dlmd.config import routes
from dlmd.config.run_config import RunConfig
from dlmd.run import targets
from dlmd.run.targets import AimdSource

# core seconds per atom and step of the label engine, and of models of its own that take longer: measured with 50 to 216 atoms
LABEL_STEP_S = {"chgnet": 1.9e-3, "sevennet": 6e-3, "7net-l3i5": 1.7e-2}
# an ionic step of 160 spin-polarised atoms at 450 eV: 0.7 core hours of dynamics at Γ, 2.7 of a relaxation with k-points
DFT_MD_STEP_S, DFT_RELAX_STEP_S = 15.0, 60.0
# a single point at Γ without and with spins: what GPAW took for 40 to 80 atoms at 400 eV (benchmarks/dft_labels)
DFT_STATIC_S, DFT_SPIN_STATIC_S = 2.0, 4.0
ASSUMED_DFT = (
    f"DFT: {DFT_RELAX_STEP_S:g} core seconds per atom and step of a relaxation, {DFT_MD_STEP_S:g} of dynamics, "
    f"{DFT_STATIC_S:g} ({DFT_SPIN_STATIC_S:g} with spins) for a single point at Γ, as GPAW takes for 40 to 80 atoms"
)

# seconds per mobile ion and frame that the mechanism takes: twice the most that was measured (benchmarks/size)
MECHANISM_FRAME_S = 1.7e-5
RELAX_STEPS = 200
WALLTIME_FACTOR = 3.0
SHORTEST_MIN, LONGEST_MIN = 60, 1440

# per atom and frame; of DFT also its own output
BYTES_DCD, BYTES_XTC, BYTES_EXTXYZ, BYTES_DFT = 12, 5, 150, 1500


@dataclass(frozen=True)
class JobCost:
    """One job: wall time (s) on `cores` and `gpus`, what it leaves on disk (bytes), and whether a rate was assumed."""

    wall_s: float
    cores: int = 1
    gpus: int = 0
    disk_bytes: float = 0.0
    assumed: bool = False

    @property
    def minutes(self) -> int:
        """A walltime to ask for: three times the estimate, between one hour and one day."""
        return min(LONGEST_MIN, max(SHORTEST_MIN, ceil(WALLTIME_FACTOR * self.wall_s / 60)))


@dataclass(frozen=True)
class GpuRates:
    """As how many cores one data-centre GPU counts in MD and in training: a guess, or measured, as `told` says."""

    md: float = 100.0
    training: float = 20.0
    told: str = ""

    def sentence(self) -> str:
        """What the hours of GPUs rest on."""
        if self.told:
            return f"GPU: measured on {self.told}"
        return (
            f"GPU: a guess, one as {self.md:g} cores in MD and as {self.training:g} in training; benchmarks/gpu measures one, "
            "and --gpu takes what it writes"
        )


GUESSED = GpuRates()


def compositions(
    cfg: RunConfig, pairs: Sequence[tuple[str, str]] | None = None
) -> dict[tuple[str, str], dict[str, int]]:
    """Atoms of each species in the (occupancy, cell) of `pairs`; where None, in all that the run builds.

    Raises
    ------
    DlmdError
        as `dlmd.structures.occupancy.apportion`.
    """
    from dlmd.structures.crystal import read_cif
    from dlmd.structures.occupancy import apportion

    crystal = read_cif(cfg.material.cif)
    return {
        (occupancy, cell): apportion(
            crystal,
            repeat=cfg.structures.cells[cell],
            occupancies=cfg.structures.occupancies[occupancy],
            charges=cfg.material.charges,
            tolerance=cfg.structures.tolerance,
            min_distance_angstrom=cfg.structures.min_distance_angstrom,
        ).composition
        for occupancy, cell in (targets.built_cells(cfg) if pairs is None else pairs)
    }


def md_step_s(cfg: RunConfig) -> float:
    """Seconds per atom and MD step of the compressed potential on one core.

    Fitted to 55, 125 and 231 µs, measured for 16-32-64 at 6 Å, 25-50-100 and 32-64-128 at 7 Å (neighbours x last layer).
    """
    return 4.0e-9 * cfg.training.cutoff_angstrom**3 * cfg.training.embedding[-1]


def training_step_s(cfg: RunConfig) -> float:
    """Seconds per atom and training step (one frame) on one core: neighbours x products of neighbouring layers.

    Fitted to 0.25, 0.41 and 1.6-3 ms, measured for the three networks of `md_step_s`.
    """
    layers = cfg.training.embedding
    return 4.5e-10 * cfg.training.cutoff_angstrom**3 * sum(a * b for a, b in pairwise(layers))


def relax(cfg: RunConfig, level: str, *, atoms: int) -> JobCost:
    """Relaxation of one cell."""
    return _labels(
        cfg, level, atoms=atoms, steps=min(RELAX_STEPS, cfg.labels.relax.max_steps), dft=DFT_RELAX_STEP_S
    )


def aimd(cfg: RunConfig, level: str, source: AimdSource, *, atoms: int) -> JobCost:
    """One trajectory of labels."""
    stored = BYTES_EXTXYZ * atoms * (source.steps // cfg.labels.aimd.stride + 1)
    return _labels(cfg, level, atoms=atoms, steps=source.steps, dft=DFT_MD_STEP_S, stored=stored)


def _labels(
    cfg: RunConfig, level: str, *, atoms: int, steps: int, dft: float, stored: float = 0.0
) -> JobCost:
    settings = cfg.levels[level]
    launch = cfg.launch.of(level)
    known = LABEL_STEP_S.get(getattr(settings, "model", ""), LABEL_STEP_S.get(settings.engine))
    return JobCost(
        wall_s=(known or dft) * atoms * steps / launch.cores,
        cores=launch.cores,
        gpus=launch.gpus,
        disk_bytes=stored + (0.0 if known else BYTES_DFT * atoms * steps),
        assumed=known is None,
    )


def training(
    cfg: RunConfig, *, atoms: int, first: bool = True, level: str | None = None, rates: GpuRates = GUESSED
) -> JobCost:
    """One potential, from scratch (`first`), in a later round of the learning loop, or from another level's; `atoms` of a
    typical frame."""
    batch = cfg.training.batch_size if isinstance(cfg.training.batch_size, int) else 1
    if level is not None and routes.start_of(cfg, level):
        steps = cfg.training.fine_tuning.steps
    else:
        steps = cfg.training.steps if first or cfg.learning is None else cfg.learning.steps
    wall = training_step_s(cfg) * atoms * batch * steps
    gpus = training_gpus(cfg)
    return JobCost(wall / (rates.training if gpus else 1), 1, gpus, 50e6, bool(gpus and not rates.told))


def explore(cfg: RunConfig, source: AimdSource, *, atoms: int, rates: GpuRates = GUESSED) -> JobCost:
    """One exploration of the learning loop."""
    gpus = training_gpus(cfg)
    wall = md_step_s(cfg) * atoms * source.steps / (rates.md if gpus else 1)
    return JobCost(wall, gpus=gpus, assumed=bool(gpus and not rates.told))


def learned_labels(cfg: RunConfig, level: str, *, atoms: int, frames: int) -> JobCost:
    """Single points of `frames` frames that the learning loop selected, in one job."""
    spins = bool(getattr(cfg.levels[level], "magmom", None))
    rate = DFT_SPIN_STATIC_S if spins else DFT_STATIC_S
    return _labels(cfg, level, atoms=atoms, steps=frames, dft=rate, stored=BYTES_EXTXYZ * atoms * frames)


def mobile_ions(cfg: RunConfig, composition: Mapping[str, int]) -> int:
    """Mobile ions of a cell of this composition."""
    return sum(composition[name] for name in cfg.material.carriers)


def md(cfg: RunConfig, *, atoms: int, mobile: int, steps: int, rates: GpuRates = GUESSED) -> JobCost:
    """`steps` of production MD."""
    gpus = md_gpus(cfg)
    wall = md_step_s(cfg) * atoms * steps / cfg.launch.lammps.ranks / (rates.md if gpus else 1)
    positions = steps / cfg.md.steps(cfg.md.position_interval_fs) * mobile * BYTES_DCD
    everything = steps / cfg.md.steps(1000 * cfg.md.all_atom_interval_ps) * atoms * BYTES_XTC
    assumed = bool(gpus and not rates.told)
    return JobCost(wall, cfg.launch.lammps.ranks, gpus, positions + everything, assumed)


def mechanism(cfg: RunConfig, *, mobile: int) -> JobCost:
    """Sites and hops of all replicas of one temperature."""
    frames = cfg.md.segments * cfg.md.segment_ps * 1000 / cfg.md.position_interval_fs
    return JobCost(MECHANISM_FRAME_S * mobile * frames * cfg.md.replicas)


def swaps(cfg: RunConfig, *, atoms: int) -> JobCost:
    """Swap Monte Carlo of one production ordering, were all its positions disordered: at most so much."""
    settings = cfg.structures.swap_mc
    if settings is None:
        return JobCost(0.0)
    evaluations = settings.sweeps * atoms * (settings.relax_steps + 1)
    return JobCost(md_step_s(cfg) * atoms * evaluations)


def disk_bytes(cfg: RunConfig) -> float:
    """What all labels, potentials and trajectories of a run take; without what the learning loop adds."""
    found = compositions(cfg)
    atoms = {pair: sum(counts.values()) for pair, counts in found.items()}
    production = found[cfg.md.occupancy, cfg.md.cell]
    steps = cfg.md.steps(1000 * (cfg.md.equilibrate_ps + cfg.md.segments * cfg.md.segment_ps))
    one = md(cfg, atoms=sum(production.values()), mobile=mobile_ions(cfg, production), steps=steps)
    runs = len(cfg.md.temperatures_k) * len(targets.production_runs(cfg))
    total = 0.0
    for level in cfg.levels:
        if level in routes.answering(cfg):
            total += runs * one.disk_bytes
        total += cfg.training.potentials * training(cfg, atoms=1).disk_bytes
        if not routes.own_dynamics(cfg, level):
            continue
        for source in targets.aimd_sources(cfg):
            total += aimd(cfg, level, source, atoms=atoms[source.occupancy, source.cell]).disk_bytes
        for occupancy, cell, _ in targets.relaxed_cells(cfg):
            total += relax(cfg, level, atoms=atoms[occupancy, cell]).disk_bytes
    return total


def training_gpus(cfg: RunConfig) -> int:
    """GPUs of one training."""
    return int(cfg.launch.accelerator == "cuda")


def md_gpus(cfg: RunConfig) -> int:
    """GPUs of one MD job: DeePMD wants one per MPI rank."""
    return cfg.launch.lammps.ranks if cfg.launch.accelerator == "cuda" else 0
