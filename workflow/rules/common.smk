# The run's config as `cfg`, checked before anything else, and the paths that all rules share.
import json
import os
import sys
from pathlib import Path

CHECKOUT = Path(workflow.basedir)

try:
    import dlmd
except ImportError:
    sys.exit(
        "the package dlmd is not installed in this Python\n"
        f"  in:  {sys.executable}\n"
        f"  fix: {sys.executable} -m pip install -e '{CHECKOUT}[pipeline]'"
    )
# script: appends to sys.path, so an older installed copy would win over this checkout without a word
if not Path(dlmd.__file__).resolve().is_relative_to(CHECKOUT.resolve()):
    sys.exit(
        "the installed package dlmd is not the one of this checkout\n"
        f"  in:  {Path(dlmd.__file__).parent}\n"
        f"  fix: {sys.executable} -m pip install --no-deps -e '{CHECKOUT}'"
    )

from dlmd.run import estimates
from dlmd.run import targets
from dlmd.run import tree
from dlmd.training import input as training_input_module
from dlmd.training.input import TYPE_ONE_SIDE
from dlmd.config import routes
from dlmd.config.levels import recorded
from dlmd.config.reading import load
from dlmd.base.errors import DlmdError
from dlmd.run.preflight import check_run
from dlmd.labels.vasp.incar import aimd_plan
from dlmd.labels.vasp.incar import relax_plan

if not workflow.config_settings.configfiles:

    configfile: "config/demo.yaml"


try:
    if len(workflow.configfiles) > 1:
        raise DlmdError(
            "more than one config file is given",
            where=", ".join(map(str, workflow.configfiles)),
            remedy="a run's config is complete in itself: give one",
        )
    cfg = load(workflow.configfiles[0], overrides=workflow.config_settings.config)
    check_run(cfg, file=str(workflow.configfiles[0]))
except DlmdError as error:
    sys.exit(str(error))

# below the working directory, so that a folder that has been moved is still the one it was
CONFIG_FILE = os.path.relpath(workflow.configfiles[0])
# what `--config` has changed: for the files that say how the run was made
OVERRIDES = dict(workflow.config_settings.config)

# jobs see the config as it was validated: types as the model has them, names as text
config.clear()
config.update(cfg.model_dump(mode="json"))

RUN = tree.home(cfg.run)
# used with --sdm conda only
DLMD_ENV = "../../envs/dlmd.yaml"
DEEPMD_ENV = f"../../envs/deepmd-{cfg.launch.accelerator}.yaml"
SWAPS_ENV = f"../../envs/swaps-{cfg.launch.accelerator}.yaml"
# levels with production, and those whose engine computes anything, by how it is run
ANSWERING = routes.answering(cfg)
COMPUTED = [name for name in cfg.levels if routes.uses_engine(cfg, name)]
EMBEDDED = [name for name in COMPUTED if cfg.levels[name].engine != "vasp"]
VASP = [name for name in COMPUTED if cfg.levels[name].engine == "vasp"]
VASP_EXTERNAL = [name for name in VASP if cfg.levels[name].run == "external"]
AIMD_SOURCES = {source.folder: source for source in targets.aimd_sources(cfg)}
EXPLORATIONS = {source.folder: source for source in targets.explorations(cfg)}
COMPOSITIONS = estimates.compositions(cfg)
SPECIES = cfg.material.species
MOBILE = cfg.material.mobile


wildcard_constraints:
    level="|".join(cfg.levels),
    occupancy="|".join(cfg.structures.occupancies),
    cell="|".join(cfg.structures.cells),
    n=r"\d+",
    k=r"\d+",
    m=r"\d+",
    T=r"\d+",
    strain=r"[+-]\d+\.\d+",
    segment=r"\d{4}",


def at(pattern, **known):
    """A path of the run: a pattern of its result tree, with the wildcards that are known filled in."""
    return f"{RUN}/{tree.fill(pattern, **known)}"


def log_of(rule):
    return at(tree.log(rule))


def benchmark_of(rule):
    return at(tree.benchmark(rule))


def seed(*names):
    """A job's own seed, from the run's."""
    return targets.derived_seed(cfg, *names)


def engine_settings(w):
    """What a level's engine computes; how it is started is in `launch`, and makes no label stale."""
    return recorded(cfg.levels[w.level])


def aimd_source(w):
    folder = targets.source_folder(w)
    if folder not in AIMD_SOURCES:
        raise ValueError(f"labels.aimd has no trajectory {folder}; there are {', '.join(AIMD_SOURCES)}")
    return AIMD_SOURCES[folder]


def potential_of(w):
    return targets.production_runs(cfg)[int(w.k)][0]


def ordering_of(w):
    return targets.production_runs(cfg)[int(w.k)][1]


def ordering_of_production(w):
    """The ordering that a replica runs with: built before, or sampled with the potential."""
    if cfg.structures.sampling_of(cfg.md.cell) == "swap_mc":
        return at(tree.SWAPPED, level=w.level, k=w.k)
    return at(tree.STRUCTURE, occupancy=cfg.md.occupancy, cell=cfg.md.cell, n=ordering_of(w))


def lattice_of_production(w):
    return [
        at(tree.RELAXED, level=w.level, occupancy=occupancy, cell=cell, n=n)
        for occupancy, cell, n in targets.lattice_cells(cfg, ordering_of(w))
    ]


def previous_restart(w):
    return at(tree.SEGMENT_RESTART, level=w.level, T=w.T, k=w.k, segment=f"{int(w.segment) - 1:04d}")


def gate_of_run(w):
    """The gate before production (see `gate_of`)."""
    return gate_of(w, at(tree.SEGMENT_RESTART, level=w.level, T=w.T, k=w.k, segment=tree.EQUILIBRATION))


def gate_of(w, made):
    """The gate before production: no data, so that other bounds make no trajectory stale. ancient() says so, but where the
    gate itself has to run, Snakemake 9.27 leaves out jobs with an ancient() input, even those whose outputs are missing.
    """
    accepted = at(tree.ACCEPTED, level=w.level)
    return ancient(accepted) if Path(made).exists() else accepted


def watching_potentials(w):
    return watching(w, tree.SEGMENT, potential_of(w))


def watching(w, segment, own):
    """Potentials that watch a segment for the guard on the model deviation. They are no data: a segment that exists keeps those
    it had, so that neither the guard nor a further potential makes a trajectory stale.
    """
    made = Path(at(segment, level=w.level, T=w.T, k=w.k, segment=w.segment))
    if made.exists():
        return [ancient(path) for path in json.loads(made.read_text()).get("watched_by", [])]
    if cfg.md.max_deviation_ev_per_angstrom is None:
        return []
    members = (m for m in range(cfg.training.potentials) if m != own)
    return [at(tree.COMPRESSED_MODEL, level=w.level, m=m) for m in members]


def one_of(levels):
    """Constraint of the wildcard level."""
    return "|".join(levels) or "no-such-level"


def level_files(*patterns, levels=ANSWERING):
    return [at(pattern, level=level) for pattern in patterns for level in levels]


def of_round(number, *patterns):
    """Files of one round of the learning loop; none before the first round, and none without a loop."""
    if cfg.learning is None or number < 0:
        return []
    return [at(pattern, i=number) for pattern in patterns]


def explored_source(w):
    return EXPLORATIONS[targets.source_folder(w)]


def exploring_member(w):
    """Potential that an exploration runs with: the committee takes turns."""
    return (list(EXPLORATIONS.values()).index(explored_source(w)) + int(w.i)) % cfg.training.potentials


def training_settings(level, first):
    """Settings of a training from scratch, or of one that goes on from the weights of the round before or of another level."""
    settings = {}
    kept = cfg.training.model_dump(mode="json", exclude={"potentials", "fine_tuning"})
    for key, value in kept.items():
        settings[key] = value
        if key == "axis_neurons":
            # always in this place: Snakemake compares the text of params, so that another order would repeat every training
            settings["type_one_side"] = TYPE_ONE_SIDE
    if routes.start_of(cfg, level):
        settings |= training_input_module.fine_tuning(cfg.training.fine_tuning)
    elif not first:
        settings |= dict(steps=cfg.learning.steps, start_lr=cfg.learning.start_lr)
    return settings


def relax_step_names(w):
    return [name for name, _ in relax_plan(cfg.levels[w.level])]


def aimd_step_names(w):
    source = aimd_source(w)
    plan = aimd_plan(cfg.levels[w.level], temperature_k=source.temperature_k, steps=source.steps)
    return [name for name, *_ in plan]


def step_before(record, names):
    """Record of the step before, which must be done first; nothing for the first step."""

    def done(w):
        known = names(w)
        if w.step not in known:
            raise ValueError(f"no step {w.step}; there are {', '.join(known)}")
        number = known.index(w.step)
        return [at(record, **{**w, "step": known[number - 1]})] if number else []

    return done


def last_step(record, names):
    """Record of the last step where the run is local; results computed elsewhere are looked for by the job itself."""

    def done(w):
        return [] if w.level in VASP_EXTERNAL else [at(record, step=names(w)[-1], **w)]

    return done


def atoms_of(occupancy, cell):
    if (occupancy, cell) not in COMPOSITIONS:
        # a cell that the run does not use, asked for by its path
        COMPOSITIONS.update(estimates.compositions(cfg, [(occupancy, cell)]))
    return sum(COMPOSITIONS[occupancy, cell].values())


def relax_minutes(w, attempt):
    return attempt * estimates.relax(cfg, w.level, atoms=atoms_of(w.occupancy, w.cell)).minutes


def aimd_minutes(w, attempt):
    return attempt * estimates.aimd(cfg, w.level, aimd_source(w), atoms=atoms_of(w.occupancy, w.cell)).minutes


def md_minutes(steps, cell=cfg.md.cell):
    composition = COMPOSITIONS[cfg.md.occupancy, cell]
    atoms = sum(composition.values())
    return estimates.md(cfg, atoms=atoms, mobile=estimates.mobile_ions(cfg, composition), steps=steps).minutes


def train_minutes(w, first):
    pairs = [(source.occupancy, source.cell) for source in AIMD_SOURCES.values()]
    return max(
        estimates.training(cfg, atoms=atoms_of(*pair), first=first, level=w.level).minutes
        for pair in pairs or [(cfg.md.occupancy, cfg.md.cell)]
    )


def parallel(cores, gpus):
    """Resources of a rule whose program starts MPI ranks itself, one CPU each; for one rank there is no MPI.

    `mpi` tells the Slurm executor not to put the job into a step of its own, in which srun would find no free task.
    """
    return dict(
        tasks=lambda w: cores(w),
        cpus_per_task=lambda w, threads: max(1, threads // cores(w)),
        mpi=lambda w: "srun" if cores(w) > 1 else None,
        gpu=lambda w: gpus(w) or None,
        tasks_per_gpu=lambda w: max(1, cores(w) // gpus(w)) if gpus(w) else None,
    )


def engine_cores(w):
    return cfg.launch.of(w.level).cores


def engine_memory(w, attempt):
    return attempt * max(2500 + 5 * atoms_of(w.occupancy, w.cell), 2000 * engine_cores(w))


def engine_parallel():
    return parallel(engine_cores, lambda w: cfg.launch.of(w.level).gpus)


def md_parallel():
    return parallel(lambda w: cfg.launch.lammps.ranks, lambda w: estimates.md_gpus(cfg))
