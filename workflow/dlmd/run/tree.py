"""The result tree: every path below results/<run>, written once, for the rules that make the files and for all who read them.

A path is a pattern with Snakemake's wildcards, relative to the folder of the run. `fill` puts values in, `path` gives the file of
one run, `wildcards` reads the values back from a path.
Figures are named without their ending: each exists with the endings of `FIGURE`.

Wildcards: level (of theory), occupancy, cell, n (ordering), aimd_T and strain (of a label trajectory), g (file of given labels),
split (part of the dataset), m (potential), i (round of the learning loop), slot (job of labels in a round), share (part
of the labels), T (temperature of
production), k (production run), segment, step (of VASP), hop and number (of a barrier).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

FIGURE = (".png", ".pdf")
EQUILIBRATION = "0000"

# the parts of a path that name a cell, an ordering and a label trajectory
CELL = "{occupancy}/{cell}"
ORDERING = f"{CELL}/{{n}}"
SOURCE = f"{ORDERING}/{{aimd_T}}K/{{strain}}"

# the whole run
REPORT = "report.html"
SUMMARY = "summary.txt"
RESULT = "result.json"
COMPARISON = "comparison.csv"
CRATE = "ro-crate-metadata.json"
COSTS_OF_STAGES = "costs/stages.csv"
THROUGHPUT = "costs/throughput.csv"
INPUTS = "inputs"
LOGS = "logs"
BENCHMARKS = "benchmarks"
# records of what jobs have written, at the same places below it
CHECKSUMS = ".checksums"

# structures
STRUCTURE_CIF = f"structures/{ORDERING}.cif"
STRUCTURE = f"structures/{ORDERING}.extxyz"
STRUCTURE_SUMMARY = f"structures/{CELL}/summary.json"
LAYERS_FIGURE = f"structures/{ORDERING}.layers"
OCCUPANCIES = "structures/occupancies.csv"
POWDER = "structures/powder.csv"
POWDER_FIGURE = "structures/powder"

# labels: the home of all levels, relaxed cells, trajectories, and the steps of VASP below both
LABELS = "labels"
RELAX = f"labels/{{level}}/relax/{ORDERING}"
RELAXED = f"{RELAX}/relaxed.extxyz"
RELAX_RECORD = f"{RELAX}/relax.json"
RELAX_STAGED = f"{RELAX}/vasp/job.json"
RELAX_STEP_DONE = f"{RELAX}/vasp/{{step}}/done.json"
AIMD = f"labels/{{level}}/aimd/{SOURCE}"
AIMD_FRAMES = f"{AIMD}/frames.extxyz"
AIMD_RECORD = f"{AIMD}/frames.json"
AIMD_STAGED = f"{AIMD}/job.json"
AIMD_STEP_DONE = f"{AIMD}/{{step}}/done.json"
# one file per part of the dataset of every file of given labels
GIVEN_FRAMES = "labels/{level}/given/{g}/{split}.extxyz"
GIVEN_RECORD = "labels/{level}/given/{g}/given.json"
LATTICE_OF_LEVEL = "labels/{level}/relax/lattice.csv"
LATTICE = "labels/lattice.csv"

# dataset; train, valid and test are folders
TRAIN = "dataset/{level}/train"
VALID = "dataset/{level}/valid"
TEST = "dataset/{level}/test"
PROVENANCE = "dataset/{level}/provenance.csv"

# training
TRAINING = "training/{level}/{m}"
TRAINING_INPUT = f"{TRAINING}/input.json"
MODEL = f"{TRAINING}/model.pb"
COMPRESSED_MODEL = f"{TRAINING}/compressed.pb"
LEARNING_CURVE = f"{TRAINING}/lcurve.csv"
# of a level that starts from another: that level's potential with this level's energies per atom
START_MODEL = f"{TRAINING}/start.pb"
START_RECORD = f"{TRAINING}/start.json"

# learning loop: each round has a dataset and potentials of its own
LEARNING = "learning"
ROUND = "learning/{level}/{i}"
ROUND_TRAIN = f"{ROUND}/dataset/train"
ROUND_VALID = f"{ROUND}/dataset/valid"
ROUND_TEST = f"{ROUND}/dataset/test"
ROUND_PROVENANCE = f"{ROUND}/dataset/provenance.csv"
ROUND_TRAINING = f"{ROUND}/training/{{m}}"
ROUND_TRAINING_INPUT = f"{ROUND_TRAINING}/input.json"
ROUND_MODEL = f"{ROUND_TRAINING}/model.pb"
ROUND_COMPRESSED_MODEL = f"{ROUND_TRAINING}/compressed.pb"
ROUND_LEARNING_CURVE = f"{ROUND_TRAINING}/lcurve.csv"
EXPLORED = f"{ROUND}/explore/{SOURCE}.npz"
EXPLORED_TABLE = f"{ROUND}/explored.csv"
SELECTED = f"{ROUND}/selected.json"
SELECTED_FRAMES = f"{ROUND}/selected.extxyz"
SLOT = f"{ROUND}/labels/{{slot}}"
SLOT_FRAMES = f"{SLOT}/frames.extxyz"
SLOT_STAGED = f"{SLOT}/slot.json"
SLOT_DONE = f"{SLOT}/done.json"
ROUND_LABELS = f"{ROUND}/labels.json"
LEARNED_FRAMES = f"{ROUND}/frames/{ORDERING}.extxyz"
ROUNDS = "learning/{level}/rounds.csv"
ROUNDS_FIGURE = "learning/{level}/rounds"

# validation
ERRORS = "validation/{level}/errors.json"
PARITY = "validation/{level}/parity.npz"
PARITY_FIGURE = "validation/{level}/parity"
LEARNING_CURVE_FIGURE = "validation/{level}/learning_curve"
RDF = "validation/{level}/rdf.json"
RDF_TABLE = "validation/{level}/rdf.csv"
RDF_FIGURE = "validation/{level}/rdf"
COMMITTEE = "validation/{level}/committee.json"
COMMITTEE_TABLE = "validation/{level}/committee.csv"
COMMITTEE_FIGURE = "validation/{level}/committee"
DEVIATIONS = "validation/{level}/deviation"
DEVIATION_TABLE = f"{DEVIATIONS}/{{T}}K_r{{k}}.csv"
DEVIATION_FIGURE = "validation/{level}/deviation"
TRIAL = "validation/{level}/trial/{m}.json"
TRIAL_TABLE = "validation/{level}/trial/{m}.csv"
TRIAL_FIGURE = "validation/{level}/trial/{m}"
FEW_LABELS = "validation/{level}/few_labels.json"
LEARNING_PART = "validation/{level}/few_labels/{share}.json"
MET_ANIONS = "validation/{level}/met_anions.json"
ACCEPTED = "validation/{level}/accepted.json"

# production: the segment 0000 is the equilibration
CELLS_OF_LEVEL = "md/{level}/cells"
PRODUCTION_DATA = "md/{level}/cells/r{k}.data"
PRODUCTION_CELL = "md/{level}/cells/r{k}.json"
SWAPPED = "md/{level}/cells/r{k}.swapped.extxyz"
SWAPS = "md/{level}/cells/r{k}.swaps.json"
SWAPS_FIGURE = "md/{level}/cells/r{k}.swaps"
PRODUCTION = "md/{level}/{T}K/r{k}"
SEGMENT = f"{PRODUCTION}/{{segment}}.json"
SEGMENT_POSITIONS = f"{PRODUCTION}/{{segment}}.dcd"
SEGMENT_ALL_ATOMS = f"{PRODUCTION}/{{segment}}.xtc"
SEGMENT_HOST = f"{PRODUCTION}/{{segment}}.host.txt"
SEGMENT_THERMO = f"{PRODUCTION}/{{segment}}.thermo.csv"
SEGMENT_RESTART = f"{PRODUCTION}/{{segment}}.restart"

# the lattice of production: runs at constant pressure, the mean cell of each temperature, production's cells at it
NPT = "md/{level}/{T}K/npt{k}"
NPT_SEGMENT = f"{NPT}/{{segment}}.json"
NPT_THERMO = f"{NPT}/{{segment}}.thermo.csv"
NPT_ALL_ATOMS = f"{NPT}/{{segment}}.xtc"
NPT_RESTART = f"{NPT}/{{segment}}.restart"
LATTICE_AT = "md/{level}/{T}K/lattice.json"
THERMAL_DATA = "md/{level}/{T}K/cells/r{k}.data"
THERMAL_CELL = "md/{level}/{T}K/cells/r{k}.json"
EXPANSION = "md/{level}/lattice.json"
EXPANSION_TABLE = "md/{level}/lattice.csv"
EXPANSION_FIGURE = "md/{level}/lattice"

# the second cell of `md.size_check`: its runs, with production's lattice
SIZE_SWAPPED = "md/{level}/cells/size{k}.swapped.extxyz"
SIZE_SWAPS = "md/{level}/cells/size{k}.swaps.json"
SIZE_SWAPS_FIGURE = "md/{level}/cells/size{k}.swaps"
SIZE_DATA = "md/{level}/{T}K/cells/size{k}.data"
SIZE_CELL = "md/{level}/{T}K/cells/size{k}.json"
SIZE_RUN = "md/{level}/{T}K/size{k}"
SIZE_SEGMENT = f"{SIZE_RUN}/{{segment}}.json"
SIZE_POSITIONS = f"{SIZE_RUN}/{{segment}}.dcd"
SIZE_ALL_ATOMS = f"{SIZE_RUN}/{{segment}}.xtc"
SIZE_HOST = f"{SIZE_RUN}/{{segment}}.host.txt"
SIZE_THERMO = f"{SIZE_RUN}/{{segment}}.thermo.csv"
SIZE_RESTART = f"{SIZE_RUN}/{{segment}}.restart"

# transport
TRANSPORT = "transport/{level}/{T}K.json"
MSD = "transport/{level}/{T}K.csv"
MSD_FIGURE = "transport/{level}/msd"
ARRHENIUS = "transport/{level}/arrhenius.json"
ARRHENIUS_TABLE = "transport/{level}/arrhenius.csv"
ARRHENIUS_FIGURE = "transport/{level}/arrhenius"
TRANSPORT_OF_RUN = "transport/{level}/runs/{T}K_r{k}.json"
MSD_OF_RUN = "transport/{level}/runs/{T}K_r{k}.csv"
SIZE_TRANSPORT = "transport/{level}/size/{T}K.json"
SIZE_MSD = "transport/{level}/size/{T}K.csv"
SIZE_CHECK = "transport/{level}/size.json"
SIZE_TABLE = "transport/{level}/size.csv"
ERROR_BUDGET = "transport/{level}/error_budget.json"
ERROR_BUDGET_TABLE = "transport/{level}/error_budget.csv"
ERROR_BUDGET_FIGURE = "transport/{level}/error_budget"

# mechanism
MECHANISM = "mechanism/{level}/{T}K.json"
MECHANISM_ARRAYS = "mechanism/{level}/{T}K.npz"
HOPS = "mechanism/{level}/{T}K.hops.csv"
PROFILES = "mechanism/{level}/{T}K.profiles.csv"
TRACES = "mechanism/{level}/{T}K.traces.csv"
SITES_FIGURE = "mechanism/{level}/{T}K.sites"
HOPS_FIGURE = "mechanism/{level}/{T}K.hops"
DENSITY_FIGURE = "mechanism/{level}/{T}K.density"
TRACES_FIGURE = "mechanism/{level}/{T}K.traces"
RATES = "mechanism/{level}/summary.json"
RATES_TABLE = "mechanism/{level}/summary.csv"
RATES_FIGURE = "mechanism/{level}/rates"

# barriers: bands with the potential, and the same ones with the label engine
BARRIER_PATHS = "barriers/{level}/{hop}/paths.json"
BAND = "barriers/{level}/{hop}/{number}.json"
BAND_IMAGES = "barriers/{level}/{hop}/{number}.extxyz"
ENGINE_BAND = "barriers/{level}/engine/{hop}/{number}.json"
ENGINE_BAND_IMAGES = "barriers/{level}/engine/{hop}/{number}.extxyz"
VASP_BAND = "barriers/{level}/vasp/{hop}/{number}"
VASP_BAND_STAGED = f"{VASP_BAND}/neb/job.json"
BARRIERS = "barriers/{level}/barriers.json"
BARRIERS_TABLE = "barriers/{level}/barriers.csv"
BARRIERS_FIGURE = "barriers/{level}/barriers"

_RELAXATION = "labels/{level}/relax/{occupancy}_{cell}_{n}"
_TRAJECTORY = "labels/{level}/aimd/{occupancy}_{cell}_{n}_{aimd_T}K_{strain}"
# rule -> its log and benchmark, without folder and ending
JOBS = {
    "orderings": "structures/{occupancy}_{cell}",
    "structure_table": "structures/table",
    "plot_layers": "structures/{occupancy}_{cell}_{n}_layers",
    "plot_powder": "structures/powder",
    "relax": _RELAXATION,
    "vasp_stage_relax": f"{_RELAXATION}.stage",
    "vasp_run_relax": f"{_RELAXATION}.{{step}}",
    "vasp_relax": _RELAXATION,
    "relax_potential": _RELAXATION,
    "given_labels": "labels/{level}/given_{g}",
    "aimd": _TRAJECTORY,
    "vasp_stage_aimd": f"{_TRAJECTORY}.stage",
    "vasp_run_aimd": f"{_TRAJECTORY}.{{step}}",
    "vasp_aimd": _TRAJECTORY,
    "lattice_table": "labels/{level}/lattice",
    "lattice_comparison": "labels/lattice",
    "dataset": "dataset/{level}",
    "training_input": "training/{level}/{m}_input",
    "train": "training/{level}/{m}",
    "start_model": "training/{level}/{m}_start",
    "own_potential": "training/{level}/{m}",
    "test_errors": "validation/{level}/errors",
    "plot_potential": "validation/{level}/plots",
    "learning_dataset": "learning/{level}/{i}_dataset",
    "learning_input": "learning/{level}/{i}_{m}_input",
    "learning_train": "learning/{level}/{i}_{m}",
    "explore": "learning/{level}/{i}_explore_{occupancy}_{cell}_{n}_{aimd_T}K_{strain}",
    "learning_select": "learning/{level}/{i}_select",
    "learning_label": "learning/{level}/{i}_label_{slot}",
    "learning_stage_vasp": "learning/{level}/{i}_stage_{slot}",
    "learning_run_vasp": "learning/{level}/{i}_run_{slot}",
    "learning_collect_vasp": "learning/{level}/{i}_label_{slot}",
    "learning_gather": "learning/{level}/{i}_gather",
    "learning_summary": "learning/{level}/summary",
    "committee": "validation/{level}/committee",
    "md_deviation": "validation/{level}/deviation_{T}K_r{k}",
    "plot_deviation": "validation/{level}/deviation",
    "few_labels": "validation/{level}/few_labels",
    "learning_part": "validation/{level}/few_labels_{share}",
    "trial": "validation/{level}/trial_{m}",
    "met_anions": "validation/{level}/met_anions",
    "accept": "validation/{level}/accept",
    "md_swap": "md/{level}/swap_r{k}",
    "md_cell": "md/{level}/cell_r{k}",
    "md_equilibrate": f"md/{{level}}/{{T}}K_r{{k}}_{EQUILIBRATION}",
    "md_segment": "md/{level}/{T}K_r{k}_{segment}",
    "npt_equilibrate": f"md/{{level}}/{{T}}K_npt{{k}}_{EQUILIBRATION}",
    "npt_segment": "md/{level}/{T}K_npt{k}_{segment}",
    "lattice_at": "md/{level}/{T}K_lattice",
    "md_thermal_cell": "md/{level}/{T}K_cell_r{k}",
    "expansion": "md/{level}/lattice",
    "size_swap": "md/{level}/swap_size{k}",
    "size_cell": "md/{level}/{T}K_cell_size{k}",
    "size_equilibrate": f"md/{{level}}/{{T}}K_size{{k}}_{EQUILIBRATION}",
    "size_segment": "md/{level}/{T}K_size{k}_{segment}",
    "size_transport": "transport/{level}/{T}K_size",
    "size_check": "transport/{level}/size",
    "transport": "transport/{level}/{T}K",
    "plot_msd": "transport/{level}/msd",
    "arrhenius": "transport/{level}/arrhenius",
    "rdf": "validation/{level}/rdf",
    "transport_of_run": "transport/{level}/{T}K_r{k}",
    "error_budget": "transport/{level}/error_budget",
    "mechanism": "mechanism/{level}/{T}K",
    "plot_mechanism": "mechanism/{level}/{T}K.plot",
    "mechanism_summary": "mechanism/{level}/summary",
    "barrier_paths": "barriers/{level}/{hop}.paths",
    "barrier_band": "barriers/{level}/{hop}_{number}",
    "barrier_band_engine": "barriers/{level}/{hop}_{number}.engine",
    "vasp_neb_stage": "barriers/{level}/{hop}_{number}.stage",
    "vasp_neb": "barriers/{level}/{hop}_{number}.engine",
    "barriers": "barriers/{level}/barriers",
    "costs": "costs",
    "report": "report",
    "ro_crate": "ro_crate",
}


def home(run: str) -> str:
    """Folder of the run of that name, below the working directory."""
    return f"results/{run}"


def log(rule: str) -> str:
    """Pattern of a rule's log."""
    return f"{LOGS}/{JOBS[rule]}.log"


def benchmark(rule: str) -> str:
    """Pattern of a rule's benchmark file."""
    return f"{BENCHMARKS}/{JOBS[rule]}.jsonl"


def png(figure: str) -> str:
    """The PNG of a figure."""
    return figure + FIGURE[0]


class _Kept(dict):
    """Values of wildcards; one without a value stays a wildcard."""

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


def fill(pattern: str, **known: Any) -> str:
    """The pattern with the given wildcards filled in; others stay, and values without a place in it are passed over.

    A temperature is written without needless digits (500, not 500.0).
    """
    return pattern.format_map(_Kept({k: f"{v:g}" if isinstance(v, float) else v for k, v in known.items()}))


def path(run: str | Path, pattern: str, **known: Any) -> Path:
    """A file of a run, by the folder of the run.

    Raises
    ------
    ValueError
        for a wildcard without a value.
    """
    filled = fill(pattern, **known)
    if "{" in filled:
        raise ValueError(f"a wildcard has no value: {filled}")
    return Path(run) / filled


def wildcards(pattern: str, relative: str | Path) -> dict[str, str] | None:
    """Values of the wildcards, from a path relative to the run's folder; None where the path is not of that pattern."""
    found = _expression(pattern).fullmatch(Path(relative).as_posix())
    return found.groupdict() if found else None


@cache
def _expression(pattern: str) -> re.Pattern:
    parts = re.split(r"\{(\w+)\}", pattern)
    # odd ones are names
    return re.compile(
        "".join(f"(?P<{part}>[^/]+)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
    )
