"""Values that are possible but unwise, each with its reason in a line: notes of `dlmd check`, which stop no run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from dlmd.base.units import FS_PER_PS
from dlmd.config import routes
from dlmd.config.model import RunFields

Found = Iterator[tuple[str, str]]

# longest step (fs) for hydrogen, whose stretching takes 10 fs; the periods of other atoms grow with the root of their mass
HYDROGEN_STEP_FS, HYDROGEN_AMU, LONGEST_STEP_FS = 0.75, 1.008, 4.0
# without hydrogen: at 3 fs Li3TiCl6 drifts by 0.004 meV per atom and ps, a twentieth of what the trial run may (benchmarks/md)
MEASURED_STEP_FS = 3.0
# of a thermostat, in time steps: faster it shakes the crystal, slower it hardly holds the temperature
DAMPING_STEPS = (20, 1000)
# below the first few ions hop in any affordable time, above the second few hosts are solid
TEMPERATURES_K = (250, 1500)
# arrhenius: three temperatures make a line, a fourth can contradict it, and 1/T must vary
FEWEST_TEMPERATURES, NARROWEST = 4, 1.25
SHORTEST_RUN_PS, SHORTEST_EQUILIBRATION_PS = 25.0, 1.0
# an ion passes from site to site within about a picosecond
LONGEST_INTERVAL_FS, FEWEST_ALL_ATOMS = 500.0, 50
LEARNING_RATES, FEWEST_STEPS = (1e-4, 1e-2), 2000
CUTOFFS_ANGSTROM, SHORTEST_SWITCH_ANGSTROM = (5.0, 9.0), 2.0
LAYERS = (8, 512)
SHORTEST_LABELS_PS, FEWEST_KEPT = 0.5, 50
LARGEST_TOLERANCE, LARGEST_FORCE_ERROR = 0.05, 0.5


def unwise(cfg: RunFields) -> Found:
    """Yield (key path, value and reason) for what can be run but will hardly give a good answer."""
    for advise in (
        _steps,
        _temperatures,
        _lengths,
        _intervals,
        _runs,
        _labels,
        _networks,
        _training,
        _bounds,
    ):
        yield from advise(cfg)


def longest_step_fs(elements: list[str]) -> tuple[float, str]:
    """The longest time step (fs) that the lightest of the elements allows, and that element."""
    from ase.data import atomic_masses, atomic_numbers

    masses = {element: float(atomic_masses[atomic_numbers[element]]) for element in elements}
    lightest = min(masses, key=lambda element: masses[element])
    by_mass = HYDROGEN_STEP_FS * (masses[lightest] / HYDROGEN_AMU) ** 0.5
    return by_mass if lightest in ("H", "D") else min(
        LONGEST_STEP_FS, max(by_mass, MEASURED_STEP_FS)
    ), lightest


def _steps(cfg: RunFields) -> Found:
    """Time steps for the lightest atom; dampings for the time step."""
    longest, lightest = longest_step_fs(cfg.material.species)
    dynamics = {"md": cfg.md.time_step_fs}
    if cfg.labels.aimd.trajectories:
        dynamics["labels.aimd"] = cfg.labels.aimd.time_step_fs
    # one note for both
    if long := {section: step for section, step in dynamics.items() if step > 1.05 * longest}:
        first, *more = long
        yield (
            f"{first}.time_step_fs",
            f"{long[first]:g} fs is long for {lightest}, for which {longest:.2g} fs or less are known to do: the energy may drift"
            + "".join(f" ({section}.time_step_fs: {long[section]:g} fs)" for section in more),
        )
    for section, step in dynamics.items():
        if step < 0.1 * longest:
            yield (
                f"{section}.time_step_fs",
                f"{step:g} fs is short for {lightest}: {longest:.2g} fs cost less",
            )
    damping, step = cfg.md.thermostat_damping_fs, cfg.md.time_step_fs
    low, high = (steps * step for steps in DAMPING_STEPS)
    if damping < low:
        yield (
            "md.thermostat_damping_fs",
            f"{damping:g} fs is below {low:g} fs, 20 steps: it disturbs the dynamics",
        )
    if damping > high:
        yield (
            "md.thermostat_damping_fs",
            f"{damping:g} fs is above {high:g} fs, 1000 steps: the temperature is hardly held",
        )
    if cfg.md.lattice == "thermal" and cfg.md.npt.damping_fs < 2 * damping:
        yield (
            "md.npt.damping_fs",
            f"{cfg.md.npt.damping_fs:g} fs is near the thermostat's {damping:g} fs: the two swing together; use ten times that",
        )


def _temperatures(cfg: RunFields) -> Found:
    """Temperatures at which ions move and the crystal holds, on which a line can be drawn, and which the labels know."""
    given, key = cfg.md.temperatures_k, "md.temperatures_k"
    low, high = TEMPERATURES_K
    if given[0] < low:
        yield key, f"at {given[0]} K few ions hop within the run: expect a bound in place of a number"
    if given[-1] > high:
        yield key, f"at {given[-1]} K few hosts are solid: expect the verdict that this one has melted"
    if len(given) == 1:
        yield key, "one temperature gives no activation energy and nothing at room temperature"
    elif len(given) < FEWEST_TEMPERATURES:
        yield key, f"{len(given)} temperatures cannot tell a line from a bend: use four or more"
    if len(given) > 1 and given[-1] / given[0] < NARROWEST:
        yield (
            key,
            f"{given[0]} to {given[-1]} K is a narrow range: the activation energy will be uncertain; let the highest be 1.5 "
            "times the lowest",
        )
    explored = [t for group in cfg.labels.aimd.trajectories for t in group.temperatures_k]
    if cfg.learning is not None:
        explored += [t for group in cfg.learning.explore for t in group.temperatures_k]
    if explored and max(explored) < given[-1]:
        yield (
            key,
            f"the labels go up to {max(explored):g} K, production to {given[-1]} K: there the potential extrapolates",
        )


def _lengths(cfg: RunFields) -> Found:
    """Runs long enough for diffusion, and for the crystal to forget how it began."""
    md = cfg.md
    length = md.segment_ps * md.segments
    if length < SHORTEST_RUN_PS:
        yield (
            "md.segments",
            f"{length:g} ps per temperature: few conductors give a number in so short a run; 200 ps or more are usual",
        )
    if md.equilibrate_ps < SHORTEST_EQUILIBRATION_PS:
        yield (
            "md.equilibrate_ps",
            f"{md.equilibrate_ps:g} ps: the heat of the start is still in the crystal; use 5 ps",
        )
    if md.equilibrate_ps * FS_PER_PS < 10 * md.thermostat_damping_fs:
        yield (
            "md.equilibrate_ps",
            f"{md.equilibrate_ps:g} ps are fewer than ten damping times ({md.thermostat_damping_fs:g} fs) of the thermostat",
        )


def _intervals(cfg: RunFields) -> Found:
    """Frames that see single hops, and the host often enough."""
    md = cfg.md
    if md.position_interval_fs > LONGEST_INTERVAL_FS:
        yield (
            "md.position_interval_fs",
            f"{md.position_interval_fs:g} fs is too coarse for single hops: use {LONGEST_INTERVAL_FS:g} fs or less",
        )
    frames = md.segment_ps * md.segments / md.all_atom_interval_ps
    if frames < FEWEST_ALL_ATOMS:
        yield (
            "md.all_atom_interval_ps",
            f"{frames:.0f} frames of all atoms per run: whether the host has stayed solid is judged by few",
        )
    if md.restart_interval_ps > 500:
        yield (
            "md.restart_interval_ps",
            f"a job that is killed loses up to {md.restart_interval_ps:g} ps",
        )


def _runs(cfg: RunFields) -> Found:
    """Several orderings and potentials, so that their scatter is seen."""
    if cfg.md.replicas == 1:
        yield (
            "md.replicas",
            "one run per temperature: what another ordering, or another start, would give is not seen; use 3 or more",
        )
    if cfg.training.potentials == 1 and any(level.potential is None for level in cfg.levels.values()):
        yield (
            "training.potentials",
            "one potential: how much of the uncertainty is the potential's is not seen; use 3 or 4",
        )


def _labels(cfg: RunFields) -> Found:
    """Trajectories of labels that show different structures."""
    aimd = cfg.labels.aimd
    if not any(routes.own_dynamics(cfg, level) for level in cfg.levels):
        return
    kept = 0
    for i, group in enumerate(aimd.trajectories):
        steps, path = group.steps or aimd.steps, f"labels.aimd.trajectories.{i}"
        length = steps * aimd.time_step_fs / FS_PER_PS
        if length < SHORTEST_LABELS_PS and group.split == "train":
            yield (
                path,
                f"{length:g} ps: frames of so short a trajectory are all alike; use {SHORTEST_LABELS_PS:g} ps",
            )
        if group.split == "train":
            runs = len(group.orderings) * len(group.temperatures_k) * len(group.strains)
            kept += runs * int(
                max(0.0, length - aimd.discard_ps) * FS_PER_PS / aimd.time_step_fs / aimd.stride
            )
    if kept < FEWEST_KEPT and cfg.learning is None:
        yield "labels.aimd.trajectories", f"{kept} frames to train on: a potential wants hundreds"
    temperatures = {t for group in aimd.trajectories if group.split == "train" for t in group.temperatures_k}
    if len(temperatures) == 1 and cfg.learning is None:
        yield (
            "labels.aimd.trajectories",
            f"all labels to train on are at {temperatures.pop():g} K: add hotter ones, in which ions hop",
        )
    strains = {s for group in aimd.trajectories for s in group.strains}
    if cfg.md.lattice == "thermal" and strains == {0.0} and cfg.learning is None:
        yield (
            "labels.aimd.trajectories",
            "no label is strained, and production's cell is to come from the potential's pressure: add strains of 0.01 or 0.02",
        )


def _networks(cfg: RunFields) -> Found:
    """Sizes that are known to work, and a cutoff that sees the neighbours."""
    training = cfg.training
    for key in ("embedding", "fitting"):
        layers = getattr(training, key)
        if min(layers) < LAYERS[0]:
            yield (
                f"training.{key}",
                f"a layer of {min(layers)} neurons learns little: use {LAYERS[0]} or more",
            )
        if max(layers) > LAYERS[1]:
            yield (
                f"training.{key}",
                f"a layer of {max(layers)} neurons is slow, and few labels cannot fill it",
            )
        if len(layers) > 6:
            yield f"training.{key}", f"{len(layers)} layers are hard to train: 2 to 4 are usual"
    grown = training.embedding
    if any(b not in (a, 2 * a) for a, b in pairwise(grown)):
        yield "training.embedding", f"{grown}: DeePMD's shortcuts want layers that stay or double"
    low, high = CUTOFFS_ANGSTROM
    cutoff = training.cutoff_angstrom
    if cutoff < low:
        yield (
            "training.cutoff_angstrom",
            f"{cutoff:g} Å sees little beyond the nearest neighbours: use {low:g} to {high:g} Å",
        )
    if cutoff > high:
        yield (
            "training.cutoff_angstrom",
            f"{cutoff:g} Å: cost and noise grow with its third power; {low:g} to {high:g} Å do",
        )
    if cutoff - training.cutoff_smooth_angstrom < SHORTEST_SWITCH_ANGSTROM:
        yield (
            "training.cutoff_smooth_angstrom",
            f"{training.cutoff_smooth_angstrom:g} Å leaves {cutoff - training.cutoff_smooth_angstrom:.2g} Å to fade out: forces "
            f"change quickly at the cutoff; leave {SHORTEST_SWITCH_ANGSTROM:g} Å",
        )


def _training(cfg: RunFields) -> Found:
    """Learning rates and weights with which trainings converge."""
    training = cfg.training
    low, high = LEARNING_RATES
    if training.start_lr > high:
        yield (
            "training.start_lr",
            f"{training.start_lr:g} is large: such trainings often diverge; 1e-3 is usual",
        )
    if training.start_lr < low:
        yield (
            "training.start_lr",
            f"{training.start_lr:g} is small: the training ends before it has learnt; 1e-3 is usual",
        )
    if training.stop_lr > training.start_lr / 10:
        yield (
            "training.stop_lr",
            f"{training.stop_lr:g} is near start_lr: the weights do not come to rest; 1e-8 is usual",
        )
    if training.decay_steps >= training.steps:
        yield (
            "training.decay_steps",
            f"{training.decay_steps} steps are not fewer than the training's {training.steps}: the learning rate never decays",
        )
    if training.steps < FEWEST_STEPS:
        yield "training.steps", f"{training.steps} steps are few: 10 000 or more are usual"
    if training.force_prefactor[0] < training.energy_prefactor[0]:
        yield (
            "training.force_prefactor",
            f"at the start forces weigh {training.force_prefactor[0]:g}, energies {training.energy_prefactor[0]:g}: it is usual "
            "the other way round, 1000 to 0.02",
        )
    if not any(training.energy_prefactor):
        yield "training.energy_prefactor", "energies have no weight: barriers of bands may be wrong"
    for key in ("energy_prefactor", "force_prefactor", "virial_prefactor"):
        if max(getattr(training, key)) > 1e5:
            yield f"training.{key}", f"{max(getattr(training, key)):g} drowns the other terms of the loss"


def _bounds(cfg: RunFields) -> Found:
    """Bounds that still bind."""
    if cfg.structures.tolerance > LARGEST_TOLERANCE:
        yield (
            "structures.tolerance",
            f"{cfg.structures.tolerance:g}: the cell may have another composition than the crystal",
        )
    for key in ("max_relative_force_rmse", "max_trajectory_force_rmse"):
        if (bound := getattr(cfg.validation, key)) > LARGEST_FORCE_ERROR:
            yield (
                f"validation.{key}",
                f"{bound:g} lets a potential pass whose forces are off by half and more",
            )
    if cfg.validation.max_energy_slope_error > LARGEST_FORCE_ERROR:
        yield (
            "validation.max_energy_slope_error",
            f"{cfg.validation.max_energy_slope_error:g} lets barriers pass that are off by half and more",
        )
    if cfg.transport.max_host_shift_angstrom > 2.0:
        yield (
            "transport.max_host_shift_angstrom",
            f"{cfg.transport.max_host_shift_angstrom:g} Å lets a host pass that has melted",
        )
    if cfg.transport.confidence < 0.9:
        yield "transport.confidence", f"{cfg.transport.confidence:g}: readers expect 0.95"
