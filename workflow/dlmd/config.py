"""The run config: one typed model, from which defaults, checks and config/README.md come.

`load(path)` reads a YAML file, rejects what it does not know by name, and returns a `RunConfig`. What needs more
than the file itself (CIF, counts, installed packages) is checked in `dlmd.preflight`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dlmd.errors import DlmdError, did_you_mean
from dlmd.units import FS_PER_PS
from dlmd.vasp.settings import VaspSettings

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")

Positive = Annotated[float, Field(gt=0)]
PositiveInt = Annotated[int, Field(gt=0)]


class Model(BaseModel):
    """Base of all sections: unknown keys are errors, values are not coerced into other types' meaning."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, frozen=True)


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
    sampling: Literal["random", "coulomb", "quasirandom"] = Field(
        "random",
        description="uniform random, low electrostatic energy, or the random alloy's pair correlations",
    )
    min_distance_angstrom: Positive = Field(
        1.2, description="no two atoms of a built cell are closer than this"
    )


class ChgnetLevel(Model):
    """Embedded pretrained potential CHGNet; its weights come with the package, so it needs no licence and no network."""

    engine: Literal["chgnet"] = Field(description="the label engine")
    model: Literal["0.3.0", "r2scan"] = Field(
        "0.3.0", description="pretrained weights; 0.3.0 is PBE(+U of the Materials Project)"
    )


class VaspLevel(VaspSettings):
    """VASP, run here or elsewhere; the settings are those of `dlmd.vasp.settings`."""

    engine: Literal["vasp"] = Field(description="the label engine")


Level = Annotated[ChgnetLevel | VaspLevel, Field(discriminator="engine")]


class CellSelection(Model):
    """Some of the orderings of one occupancy and cell."""

    occupancy: str = Field(description="a name from structures.occupancies")
    cell: str = Field(description="a name from structures.cells")
    orderings: list[Annotated[int, Field(ge=0)]] = Field([0], description="numbers of the orderings")


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

    committee: PositiveInt = Field(1, description="potentials per level, differing in seed; MD uses number 0")
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


class Validation(Model):
    """What a potential must show before production MD starts."""

    max_relative_force_rmse: Positive = Field(
        0.18, description="force RMSE over the RMS force on held-out trajectories; above it the DAG stops"
    )
    rdf_temperature_k: Positive | None = Field(
        None,
        description="RDFs of the potential's MD are laid over the engine's at this temperature of both; null leaves them out",
    )
    rdf_max_angstrom: Positive = Field(
        8.0, description="largest distance of the RDFs (at most half the cell's width is used)"
    )


class Md(Model):
    """Production MD with LAMMPS: NVT, Nose-Hoover, a chain of restartable segments per temperature."""

    occupancy: str = Field(description="a name from structures.occupancies")
    cell: str = Field(description="a name from structures.cells")
    lattice_from: CellSelection | None = Field(
        None,
        description="relaxed cells whose mean lattice parameters are used; null: the production cell itself, which is then relaxed",
    )
    temperatures_k: list[PositiveInt] = Field(min_length=1, description="temperatures in ascending order")
    replicas: PositiveInt = Field(
        1, description="independent runs per temperature, each with its own ordering and velocities"
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
    command: str | None = Field(
        None,
        description="how LAMMPS is started, e.g. 'srun lmp -k on g 1 -sf kk'; null: the lmp of this environment, one core",
    )

    def steps(self, time_fs: float) -> int:
        """Number of steps in `time_fs`."""
        return round(time_fs / self.time_step_fs)


class Transport(Model):
    """MSD, diffusion coefficients, Haven ratio and conductivity."""

    lag_start_ps: Positive | None = Field(
        None, description="start of the fit window; null: the diffusive onset is found and reported"
    )
    lag_end_ps: Positive | None = Field(
        None, description="end of the fit window; null: three times its start"
    )
    confidence: Annotated[float, Field(gt=0, lt=1)] = Field(0.95, description="level of the intervals")
    hop_length_angstrom: Positive = Field(
        3.0, description="distance of neighbouring sites; an MSD below its square is not diffusion"
    )


class Arrhenius(Model):
    """Fit of ln(sigma T) and ln(sigma) against 1/T."""

    predict_k: list[Positive] = Field(
        [298.15], description="temperatures at which the fit is evaluated; extrapolation is flagged"
    )


class RunConfig(Model):
    """A complete run."""

    run: str = Field(description="name of the run; everything lands in results/<run>/")
    seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(
        1, description="seed from which all others are derived"
    )
    material: Material
    structures: Structures
    levels: dict[str, Level] = Field(
        min_length=1, description="levels of theory by name; data of two levels are never mixed"
    )
    labels: Labels
    training: Training = Training()
    validation: Validation = Validation()
    md: Md
    transport: Transport = Transport()
    arrhenius: Arrhenius = Arrhenius()

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
        for problem in _cross_problems(self):
            raise _Problem(*problem)
        return self


class _Problem(ValueError):
    """A cross-check that failed: carries the key path beside the text and the remedy."""

    def __init__(self, path: str, what: str, remedy: str):
        super().__init__(what)
        self.path, self.what, self.remedy = path, what, remedy


def _cross_problems(cfg: RunConfig):
    """Yield (key path, what is wrong, remedy) for what one field alone cannot show."""
    material, structures, md = cfg.material, cfg.structures, cfg.md
    for path, names in (
        ("structures.occupancies", structures.occupancies),
        ("structures.cells", structures.cells),
        ("levels", cfg.levels),
    ):
        for name in names:
            if not NAME.match(name):
                yield (
                    f"{path}.{name}",
                    f"'{name}' is no plain name",
                    "use letters, digits, '.', '_' and '-': it becomes a folder",
                )
    if len(set(material.species)) != len(material.species):
        yield (
            "material.species",
            f"an element is named twice: {', '.join(material.species)}",
            "name each once",
        )
    if material.mobile not in material.species:
        hint = did_you_mean(material.mobile, material.species)
        yield "material.mobile", f"'{material.mobile}' is not among material.species", hint
    for element in material.species:
        if element not in material.charges:
            yield "material.charges", f"no charge for {element}", f"add '{element}: <charge in e>'"
    for element in material.charges:
        if element not in material.species:
            yield (
                f"material.charges.{element}",
                f"{element} is not among material.species",
                did_you_mean(element, material.species),
            )
    if material.charges[material.mobile] == 0:
        yield (
            f"material.charges.{material.mobile}",
            "the mobile ion has no charge, so no conductivity",
            "give its charge in e",
        )

    selections = [(f"labels.relax.cells.{i}", s) for i, s in enumerate(cfg.labels.relax.cells)]
    selections += [(f"labels.aimd.trajectories.{i}", s) for i, s in enumerate(cfg.labels.aimd.trajectories)]
    if md.lattice_from is not None:
        selections.append(("md.lattice_from", md.lattice_from))
    for path, s in selections:
        for n in s.orderings:
            if n >= structures.orderings:
                yield (
                    f"{path}.orderings",
                    f"ordering {n} does not exist",
                    (
                        f"structures.orderings is {structures.orderings}: use 0 to {structures.orderings - 1} or raise it"
                    ),
                )
    for path, s in [*selections, ("md", md)]:
        if s.occupancy not in structures.occupancies:
            yield (
                f"{path}.occupancy",
                f"no occupancy named '{s.occupancy}'",
                did_you_mean(s.occupancy, structures.occupancies),
            )
        if s.cell not in structures.cells:
            yield f"{path}.cell", f"no cell named '{s.cell}'", did_you_mean(s.cell, structures.cells)
    if md.replicas > structures.orderings:
        yield (
            "md.replicas",
            f"{md.replicas} replicas but {structures.orderings} orderings",
            "raise structures.orderings",
        )

    aimd = cfg.labels.aimd
    splits = {g.split for g in aimd.trajectories}
    for needed in ("train", "test"):
        if needed not in splits:
            yield (
                "labels.aimd.trajectories",
                f"no trajectory is for '{needed}'",
                ("the split is by trajectory: give a group 'split: train' and another one 'split: test'"),
            )
    seen: dict[tuple, str] = {}
    for i, g in enumerate(aimd.trajectories):
        path = f"labels.aimd.trajectories.{i}"
        steps = g.steps or aimd.steps
        if aimd.discard_ps * FS_PER_PS >= steps * aimd.time_step_fs:
            yield (
                f"{path}.steps",
                f"{steps} steps of {aimd.time_step_fs} fs all fall into discard_ps = {aimd.discard_ps}",
                ("raise the steps or lower labels.aimd.discard_ps"),
            )
        for n in g.orderings:
            for t in g.temperatures_k:
                for strain in g.strains:
                    key = (g.occupancy, g.cell, n, t, strain)
                    if key in seen:
                        yield (
                            path,
                            f"the trajectory {key} is already in {seen[key]}",
                            "each trajectory belongs to one split: name it once",
                        )
                    seen[key] = path

    if list(md.temperatures_k) != sorted(md.temperatures_k):
        yield (
            "md.temperatures_k",
            f"not in ascending order: {md.temperatures_k}",
            f"write {sorted(md.temperatures_k)}",
        )
    if len(set(md.temperatures_k)) != len(md.temperatures_k):
        yield (
            "md.temperatures_k",
            f"a temperature is repeated: {md.temperatures_k}",
            "name each once; use md.replicas for repeats",
        )
    for key in ("equilibrate_ps", "segment_ps", "all_atom_interval_ps", "restart_interval_ps"):
        steps = getattr(md, key) * FS_PER_PS / md.time_step_fs
        if abs(steps - round(steps)) > 1e-6:
            yield (
                f"md.{key}",
                f"{getattr(md, key)} ps is no whole number of steps of {md.time_step_fs} fs",
                "change one of them",
            )
    stride = md.position_interval_fs / md.time_step_fs
    if abs(stride - round(stride)) > 1e-6:
        yield (
            "md.position_interval_fs",
            f"{md.position_interval_fs} fs is no whole number of steps of {md.time_step_fs} fs",
            "change one of them",
        )
    for inner, outer in (
        ("position_interval_fs", "restart_interval_ps"),
        ("all_atom_interval_ps", "restart_interval_ps"),
        ("restart_interval_ps", "segment_ps"),
    ):
        a = getattr(md, inner) * (1.0 if inner.endswith("fs") else FS_PER_PS)
        b = getattr(md, outer) * FS_PER_PS
        if abs(b / a - round(b / a)) > 1e-6:
            yield (
                f"md.{outer}",
                f"{b} fs is no multiple of md.{inner} ({a} fs)",
                ("frames must fall on the ends of segments and on restart files: choose multiples"),
            )
    start, end = cfg.transport.lag_start_ps, cfg.transport.lag_end_ps
    length = md.segment_ps * md.segments
    if start is not None and end is not None and end <= start:
        yield (
            "transport.lag_end_ps",
            f"{end} ps is not after lag_start_ps = {start} ps",
            "give an end after the start",
        )
    if end is not None and start is None:
        yield (
            "transport.lag_end_ps",
            "given without lag_start_ps",
            "give both, or neither to have the window found",
        )
    longest = end if end is not None else (3 * start if start is not None else 0)
    if longest > length / 2:
        yield (
            "transport.lag_end_ps" if end is not None else "transport.lag_start_ps",
            (f"lags up to {longest:g} ps are asked of a run of {length:g} ps"),
            f"use lags of at most half the run ({length / 2:g} ps), or raise md.segments",
        )
    rdf_t = cfg.validation.rdf_temperature_k
    if rdf_t is not None:
        if rdf_t not in md.temperatures_k:
            yield (
                "validation.rdf_temperature_k",
                f"{rdf_t:g} K is not among md.temperatures_k",
                did_you_mean(f"{rdf_t:g}", md.temperatures_k),
            )
        if not any(rdf_t in g.temperatures_k and 0.0 in g.strains for g in aimd.trajectories):
            yield (
                "validation.rdf_temperature_k",
                f"no unstrained AIMD trajectory at {rdf_t:g} K",
                "add one to labels.aimd.trajectories",
            )
    if cfg.training.cutoff_smooth_angstrom >= cfg.training.cutoff_angstrom:
        yield (
            "training.cutoff_smooth_angstrom",
            "not below cutoff_angstrom",
            "start the switching well inside the cutoff",
        )


# ---------------------------------------------------------------------------------------------- reading


def _lines(node: yaml.Node, path: tuple = (), found: dict | None = None, file: str = "") -> dict[tuple, int]:
    """Line number (from 1) of every key path, and an error on keys written twice (YAML would keep the last)."""
    found = {} if found is None else found
    if isinstance(node, yaml.MappingNode):
        here = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in here:
                raise DlmdError(
                    f"the key '{key.value}' is written twice",
                    where=f"{file}, line {line}, {'.'.join(map(str, path)) or 'top level'}",
                    remedy="keep one of them",
                )
            here.add(key.value)
            found[(*path, str(key.value))] = line
            _lines(value, (*path, str(key.value)), found, file)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            found[(*path, str(i))] = value.start_mark.line + 1
            _lines(value, (*path, str(i)), found, file)
    return found


def _where(file: str, path: tuple[str, ...], lines: dict[tuple, int]) -> str:
    line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
    place = f"{file}, line {line}" if line else file
    return f"{place}, key {'.'.join(path)}" if path else place


def _options(path: tuple[str, ...]) -> list[str]:
    """Keys that the model knows at `path` (the keys beside the last part)."""
    model: Any = RunConfig
    for part in path[:-1]:
        model = _descend(model, part)
        if model is None:
            return []
    return list(getattr(model, "model_fields", {}))


def _descend(model: Any, part: str) -> Any:
    """The model below `part`: through fields, dictionaries, lists and the discriminated union of levels."""
    if part in ("chgnet", "vasp") and not hasattr(model, "model_fields"):
        return {"chgnet": ChgnetLevel, "vasp": VaspLevel}[part]
    if hasattr(model, "model_fields"):
        field = model.model_fields.get(part)
        return _inner(field.annotation) if field else None
    return model


def _inner(annotation: Any) -> Any:
    """The model class inside dict[str, M], list[M], M | None; else a marker without fields."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for arg in getattr(annotation, "__args__", ()):
        inner = _inner(arg)
        if inner is not None:
            return inner
    return None


def parse(data: Any, *, file: str = "config", lines: dict[tuple, int] | None = None) -> RunConfig:
    """Validate `data` (what the YAML holds).

    Raises
    ------
    DlmdError
        naming the first wrong key with its line, what was found, and the remedy.
    """
    lines = lines or {}
    if not isinstance(data, dict):
        raise DlmdError(
            "the config holds no keys", where=file, remedy="start from a copy of config/demo.yaml"
        )
    try:
        return RunConfig.model_validate(data)
    except ValidationError as error:
        # unknown keys first: a misspelt key also shows up as a missing one
        first = sorted(error.errors(), key=lambda e: e["type"] != "extra_forbidden")[0]
        raise _explain(first, file, lines) from None


def _explain(error: dict, file: str, lines: dict[tuple, int]) -> DlmdError:
    path = tuple(str(part) for part in error["loc"])
    if path[:1] == ("levels",) and len(path) > 2:  # pydantic puts the union's tag into the path
        tag = path[2]
        shown = path[:2] + path[3:]
    else:
        tag, shown = None, path
    problem = error.get("ctx", {}).get("error")
    if isinstance(problem, _Problem):
        return DlmdError(
            problem.what, where=_where(file, tuple(problem.path.split(".")), lines), remedy=problem.remedy
        )
    where = _where(file, shown, lines)
    if error["type"] == "extra_forbidden":
        model = {"chgnet": ChgnetLevel, "vasp": VaspLevel}.get(tag) if tag and len(shown) == 3 else None
        options = list(model.model_fields) if model else _options(path)
        return DlmdError(f"unknown key '{path[-1]}'", where=where, remedy=did_you_mean(path[-1], options))
    if error["type"] == "missing":
        return DlmdError(
            f"the key '{path[-1]}' is missing", where=where, remedy="see config/README.md for what it means"
        )
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return DlmdError(
            f"engine is {error['input'].get('engine')!r}"
            if isinstance(error["input"], dict)
            else "no engine given",
            where=where,
            remedy=did_you_mean(
                (error["input"] or {}).get("engine") if isinstance(error["input"], dict) else "",
                ("chgnet", "vasp"),
            ),
        )
    found = error["input"]
    shown_value = repr(found) if len(repr(found)) < 80 else type(found).__name__
    message = error["msg"].removeprefix("Value error, ")
    return DlmdError(
        f"{'.'.join(shown)} is {shown_value}: {message[0].lower() + message[1:]}",
        where=where,
        remedy="see config/README.md",
    )


def load(path: str | Path, overrides: dict | None = None) -> RunConfig:
    """Read a config file.

    Parameters
    ----------
    path
        YAML file.
    overrides
        Values that replace those of the file (Snakemake's `--config`), merged key by key.

    Raises
    ------
    DlmdError
        for a missing or unreadable file, and for everything `parse` refuses.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DlmdError(
            f"the config cannot be read: {error.strerror}",
            where=str(path),
            remedy="name an existing file after --configfile",
        ) from None
    try:
        node = yaml.compose(text, Loader=_Loader)
        lines = _lines(node, file=str(path)) if node is not None else {}
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        raise DlmdError(
            f"not valid YAML: {getattr(error, 'problem', error)}",
            where=where,
            remedy="check indentation and colons",
        ) from None
    return parse(_merge(data, overrides or {}), file=str(path), lines=lines)


class _Loader(yaml.SafeLoader):
    """Keys stay as they are written, so that cells named 160 and occupancies named 0.750 need no quotes."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}


def _merge(base: Any, top: dict) -> Any:
    if not isinstance(base, dict):
        return top or base
    return base | {
        k: _merge(base[k], v) if isinstance(v, dict) and isinstance(base.get(k), dict) else v
        for k, v in top.items()
    }
