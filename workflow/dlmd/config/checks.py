"""What one field of the config alone cannot show: names that must exist, times that must fit into each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dlmd.base.errors import did_you_mean
from dlmd.base.units import FS_PER_PS
from dlmd.config import barrier_checks, naming, size_checks, starting, swaps, timing
from dlmd.config.model import RunFields
from dlmd.config.route_checks import route_problems
from dlmd.config.routes import loops, own_dynamics

Found = Iterator[tuple[str, str, str]]


class Problem(ValueError):
    """A cross-check that failed: carries the key path beside the text and the remedy."""

    def __init__(self, path: str, what: str, remedy: str):
        super().__init__(what)
        self.path, self.what, self.remedy = path, what, remedy


def problems(cfg: RunFields) -> Found:
    """Yield (key path, what is wrong, remedy) for what one field alone cannot show."""
    for check in (
        naming.names,
        _sampling,
        swaps.problems,
        _distances,
        _ions,
        _levels,
        route_problems,
        starting.launch,
        starting.networks,
        _selections,
        _trajectories,
        timing.times,
        timing.constant_pressure,
        size_checks.problems,
        _windows,
        _learning,
        barrier_checks.barriers,
    ):
        yield from check(cfg)


def _sampling(cfg: RunFields) -> Found:
    """A map of samplings names every cell, and no other."""
    sampling, cells = cfg.structures.sampling, cfg.structures.cells
    if isinstance(sampling, dict):
        for cell in cells:
            if cell not in sampling:
                yield "structures.sampling", f"no sampling for cell '{cell}'", f"add '{cell}: random'"
        for cell in sampling:
            if cell not in cells:
                yield f"structures.sampling.{cell}", f"no cell named '{cell}'", did_you_mean(cell, cells)


def oxidation_states(element: str) -> tuple[int, ...]:
    """Oxidation states that are known of an element; none for what is no element."""
    from pymatgen.core import Element

    try:
        return tuple(Element(element).oxidation_states)
    except ValueError:
        return ()


def _distances(cfg: RunFields) -> Found:
    """Smallest distances name pairs of the material's elements."""
    given, species = cfg.structures.min_distance_angstrom, cfg.material.species
    for pair in given if isinstance(given, dict) else ():
        names = pair.split("-")
        if pair != "default" and (len(names) != 2 or any(name not in species for name in names)):
            known = ["default", *(f"{a}-{b}" for i, a in enumerate(species) for b in species[i:])]
            key = f"structures.min_distance_angstrom.{pair}"
            yield key, f"'{pair}' is no pair of material.species", did_you_mean(pair, known)


def _ions(cfg: RunFields) -> Found:
    """Species, charges and the mobile ion agree."""
    material = cfg.material
    if len(set(material.species)) != len(material.species):
        yield (
            "material.species",
            f"an element is named twice: {', '.join(material.species)}",
            "name each once",
        )
    yield from _carriers(cfg)
    for element in material.species:
        if element not in material.charges:
            yield "material.charges", f"no charge for {element}", f"add '{element}: <charge in e>'"
    for name, charge in material.charges.items():
        element = name.partition(" on ")[0]  # 'Fe on Fe1' is that of one site
        if element not in material.species:
            yield (
                f"material.charges.{name}",
                f"{element} is not among material.species",
                did_you_mean(element, material.species),
            )
        known = oxidation_states(element)
        if known and charge and not any(state * charge > 0 for state in known):
            yield (
                f"material.charges.{name}",
                f"{element} with a charge of {charge:+g} e; its known oxidation states are {', '.join(f'{s:+d}' for s in known)}",
                "check the sign",
            )


def _carriers(cfg: RunFields) -> Found:
    """The mobile elements: there, charged, and of one sign, as the sites that they share are."""
    material = cfg.material
    names = material.carriers
    if len(set(names)) != len(names):
        yield "material.mobile", f"an element is named twice: {', '.join(names)}", "name each once"
    for name in names:
        if name not in material.species:
            hint = did_you_mean(name, material.species)
            yield "material.mobile", f"'{name}' is not among material.species", hint
        if material.charges.get(name) == 0:
            yield (
                f"material.charges.{name}",
                "the mobile ion has no charge, so no conductivity",
                "give its charge in e",
            )
    signs = {material.charges[name] > 0 for name in names if material.charges.get(name)}
    if len(signs) > 1:
        yield (
            "material.mobile",
            f"mobile ions of both signs: {', '.join(names)}; they have no sites in common",
            "name those of one sign, and give the trajectories to 'dlmd transport --mobile' for the others",
        )


def _levels(cfg: RunFields) -> Found:
    """What a level says per element is about the material's elements, and complete where every element needs it.

    A misspelt element would be no U, no moment or no judgement of it, without a word.
    """
    species = cfg.material.species
    for name, level in cfg.levels.items():
        # VASP's initial moments may name atom sites, which only the CIF knows
        moments = () if level.engine == "vasp" else ("magmom",)
        for key in ("hubbard_u_ev", "hubbard_orbital", "moment_range", *moments):
            for element in getattr(level, key, {}):
                if element not in species:
                    yield (
                        f"levels.{name}.{key}.{element}",
                        f"{element} is not among material.species",
                        did_you_mean(element, species),
                    )
        if level.engine == "vasp" and level.run == "local" and cfg.launch.of(name).command is None:
            yield (
                f"levels.{name}.run",
                "run is 'local' but no command is set",
                f"set launch.levels.{name}.command, for instance 'srun -n {{cores}} vasp_std', or run: external",
            )
        for key in ("pseudopotentials", "basis_sets", "potentials"):
            given = getattr(level, key, None)
            for element in species:
                if given is not None and element not in given:
                    yield f"levels.{name}.{key}", f"none for {element}", f"add '{element}: <name>'"


def _selections(cfg: RunFields) -> Found:
    """Occupancies, cells and orderings that are referred to exist."""
    structures, md = cfg.structures, cfg.md
    selections = [(f"labels.relax.cells.{i}", s) for i, s in enumerate(cfg.labels.relax.cells)]
    selections += [(f"labels.aimd.trajectories.{i}", s) for i, s in enumerate(cfg.labels.aimd.trajectories)]
    if md.lattice_from is not None:
        selections.append(("md.lattice_from", md.lattice_from))
    if cfg.barriers is not None:
        selections += [(f"barriers.cells.{i}", s) for i, s in enumerate(cfg.barriers.cells)]
    if cfg.learning is not None:
        selections += [(f"learning.explore.{i}", s) for i, s in enumerate(cfg.learning.explore)]
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
    for path, occupancy, cell in [
        *((p, s.occupancy, s.cell) for p, s in selections),
        ("md", md.occupancy, md.cell),
    ]:
        if occupancy not in structures.occupancies:
            yield (
                f"{path}.occupancy",
                f"no occupancy named '{occupancy}'",
                did_you_mean(occupancy, structures.occupancies),
            )
        if cell not in structures.cells:
            yield f"{path}.cell", f"no cell named '{cell}'", did_you_mean(cell, structures.cells)
    if md.potentials > cfg.training.potentials:
        yield (
            "md.potentials",
            f"production with {md.potentials} potentials, but {cfg.training.potentials} are trained",
            "raise training.potentials",
        )
    if md.max_deviation_ev_per_angstrom is not None and cfg.training.potentials < 2:
        yield (
            "md.max_deviation_ev_per_angstrom",
            "one potential has nothing to deviate from",
            "raise training.potentials to 2 or more, or use null",
        )
    if md.replicas > structures.orderings:
        yield (
            "md.replicas",
            f"{md.replicas} replicas but {structures.orderings} orderings",
            "raise structures.orderings",
        )


def _trajectories(cfg: RunFields) -> Found:
    """Every label trajectory belongs to one split, and keeps frames."""
    aimd = cfg.labels.aimd
    splits = {g.split for g in aimd.trajectories}
    engines = any(own_dynamics(cfg, level) for level in cfg.levels)
    for needed in ("train", "test") if engines else ():
        if needed not in splits:
            yield (
                "labels.aimd.trajectories",
                f"no trajectory is for '{needed}'",
                ("the split is by trajectory: give a group 'split: train' and another one 'split: test'"),
            )
    seen: dict[tuple[Any, ...], str] = {}
    for i, g in enumerate(aimd.trajectories):
        path = f"labels.aimd.trajectories.{i}"
        steps = g.steps or aimd.steps
        if aimd.stride > steps:
            yield (
                "labels.aimd.stride",
                f"one frame every {aimd.stride} steps, of trajectories of {steps} steps ({path})",
                "lower labels.aimd.stride",
            )
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


def _windows(cfg: RunFields) -> Found:
    """Fit windows fit into the run, RDF temperatures exist, the cutoff is smooth."""
    md = cfg.md
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
        if not any(rdf_t in g.temperatures_k and 0.0 in g.strains for g in cfg.labels.aimd.trajectories):
            yield (
                "validation.rdf_temperature_k",
                f"no unstrained AIMD trajectory at {rdf_t:g} K",
                "add one to labels.aimd.trajectories",
            )
    if cfg.training.steps % cfg.training.save_steps:
        yield (
            "training.steps",
            f"{cfg.training.steps} is no multiple of save_steps ({cfg.training.save_steps}): dp would save no last checkpoint",
            "choose multiples",
        )
    if cfg.training.cutoff_smooth_angstrom >= cfg.training.cutoff_angstrom:
        yield (
            "training.cutoff_smooth_angstrom",
            "not below cutoff_angstrom",
            "start the switching well inside the cutoff",
        )


def _learning(cfg: RunFields) -> Found:
    """A loop needs a committee, frames to judge its potentials by, and times that fit."""
    loop = cfg.learning
    if loop is None:
        return
    if cfg.training.potentials < 2:
        yield (
            "training.potentials",
            "the learning loop needs at least two potentials, whose disagreement it follows",
            "use 3 or 4, or learning: null",
        )
    looped = [level for level in cfg.levels if loops(cfg, level)]
    if any(own_dynamics(cfg, level) for level in looped) and not any(
        g.split == "valid" for g in cfg.labels.aimd.trajectories
    ):
        yield (
            "labels.aimd.trajectories",
            "no trajectory is for 'valid', by which the learning loop judges its progress",
            "give one 'split: valid'",
        )
    low, high = loop.deviation_ev_per_angstrom
    if low >= high:
        yield (
            "learning.deviation_ev_per_angstrom",
            f"the lower bound {low:g} is not below the upper one, {high:g}",
            "give the lower bound first",
        )
    if loop.steps % cfg.training.save_steps:
        yield (
            "learning.steps",
            f"{loop.steps} is no multiple of training.save_steps ({cfg.training.save_steps})",
            "choose multiples",
        )
    interval = loop.frame_interval_ps * FS_PER_PS / cfg.md.time_step_fs
    if abs(interval - round(interval)) > 1e-6:
        yield (
            "learning.frame_interval_ps",
            f"{loop.frame_interval_ps} ps is no whole number of steps of {cfg.md.time_step_fs} fs",
            "change one of them",
        )
    if loop.explore_ps <= max(loop.frame_interval_ps, cfg.labels.aimd.discard_ps):
        yield (
            "learning.explore_ps",
            f"{loop.explore_ps} ps hold no frame after labels.aimd.discard_ps = {cfg.labels.aimd.discard_ps}",
            "explore longer",
        )
    seen: set[tuple[Any, ...]] = set()
    for i, g in enumerate(loop.explore):
        for key in (
            (g.occupancy, g.cell, n, t, s) for n in g.orderings for t in g.temperatures_k for s in g.strains
        ):
            if key in seen:
                yield f"learning.explore.{i}", f"the exploration {key} is named twice", "name each once"
            seen.add(key)
