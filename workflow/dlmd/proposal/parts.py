"""What the template of a config shows: values with their reasons, from a proposal's decisions."""

from __future__ import annotations

import json
import os.path
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from dlmd.base.carriers import elements, spoken
from dlmd.base.units import FS_PER_PS
from dlmd.config.advice import SHORTEST_LABELS_PS
from dlmd.proposal import theory, trajectories, writing
from dlmd.proposal.cells import narrowest
from dlmd.proposal.design import Design, run_name
from dlmd.proposal.filling import Filling, ions
from dlmd.proposal.lengths import Lengths
from dlmd.proposal.temperatures import Temperatures
from dlmd.proposal.trajectories import Cells
from dlmd.proposal.wishes import Wishes
from dlmd.structures.crystal import Crystal, letters_of_another_origin

LABELS, PRODUCTION = "labels", "production"
FIRST, HELD_OUT = "label", "label_held_out"
OTHER = {"random": ("label_annealed", "coulomb"), "coulomb": ("label_random", "random")}
RELAXED_ATOMS = 1000  # most atoms that the label engine relaxes
MOST_CHANGE = 0.05  # of an element, which a user has to know of
SHOWN_CHANGE = 0.0005  # of one beside a site that is emptied or filled
HELD_OUT_ATOMS = 700  # most atoms of a held-out trajectory
TIME_STEP_FS, TIME_STEP_H_FS = 2.0, 0.5


@dataclass(frozen=True)
class Head:
    """Where the config comes from and where it goes."""

    cif: str
    file: str
    command: str
    wishes: Wishes
    run: str = ""


@dataclass(frozen=True)
class Cell:
    """A supercell as the config has it."""

    repeat: tuple[int, int, int]
    sampling: str
    why: str


def all_parts(design: Design, at: Temperatures, lengths: Lengths, head: Head) -> dict[str, Any]:
    """Everything that the template names."""
    return {
        **_head(design, lengths, head),
        **_material(design),
        **_structures(design, few=theory.has_start(head.wishes.engine)),
        **_labels(design, at, lengths, few=theory.has_start(head.wishes.engine)),
        **_md(design, at, lengths, head),
    }


def _head(design: Design, lengths: Lengths, head: Head) -> dict[str, Any]:
    schema = os.path.relpath("config/schema.json", os.path.dirname(head.file) or ".")  # noqa: PTH120
    launch = (
        "launch:\n  accelerator: cuda               # training and production ask for a GPU"
        if head.wishes.gpu
        else ""
    )
    engine = head.wishes.engine
    few = theory.has_start(engine)
    labeller = "DFT" if theory.is_dft(engine) else engine
    labels = f"{lengths.recipe.single_points} single points of {labeller}" if few else labeller
    return {
        "schema": schema,
        "title": f"{formula(design.production)} from {head.cif}: {spoken(design.mobile)} ions, "
        + (f"{labels}." if theory.is_dft(engine) else f"{labels} in place of DFT."),
        "few": few,
        "labeller": labeller,
        "command": head.command,
        "run": head.run or run_name(head.file),
        "launch": launch,
        "cif": json.dumps(head.cif, ensure_ascii=False),
        "cif_notes": [line for note in design.added for line in writing.wrapped(f"NOTE: {note}")],
        "levels": theory.levels(engine, design.charges),
    }


def _material(design: Design) -> dict[str, Any]:
    oxidation = design.oxidation
    notes = list(oxidation.notes)
    if abs(oxidation.charge_per_cell) > 1e-3:
        left = f"{oxidation.charge_per_cell:+.3g} e per cell"
        notes.append(f"with the CIF's occupancies they leave {left}, which the cells below do not have")
    return {
        "mobile": f"[{', '.join(elements(design.mobile))}]" if "," in design.mobile else design.mobile,
        "mobile_reason": design.mobile_reason,
        "charges": design.oxidation.stated,
        "charges_source": oxidation.source,
        "charge_notes": [line for note in notes for line in writing.wrapped(note)],
        "charge_names": [*_species(design), *design.oxidation.on_sites],
        "species": _species(design),
    }


def _species(design: Design) -> list[str]:
    """All elements, the mobile one first: the order of the types of LAMMPS and DeePMD."""
    return sorted(design.charges, key=lambda s: (s not in elements(design.mobile), -design.charges[s]))


def occupancy_names(design: Design) -> tuple[str, str]:
    """Names of the label cell's and of production's occupancies; one where they are the same."""
    same = design.label.overrides() == design.production.overrides()
    return (PRODUCTION, PRODUCTION) if same else (LABELS, PRODUCTION)


def cells(design: Design) -> dict[str, Cell]:
    """The supercells by name."""
    label, production = design.label, design.production
    found = {
        FIRST: Cell(
            label.repeat,
            design.sampling,
            f"{label.n_atoms} atoms, {narrowest(label):.1f} Å wide: at least twice the cutoff",
        )
    }
    if design.orderings > 1:
        name, sampling = OTHER[design.sampling]
        found[name] = Cell(
            label.repeat, sampling, "the same filled otherwise, so that the potential has seen it"
        )
    found[PRODUCTION] = Cell(
        production.repeat,
        design.sampling,
        f"{production.n_atoms} atoms, {ions(production.composition, design.mobile)} {spoken(design.mobile)}, "
        f"{narrowest(production):.1f} Å wide",
    )
    return found


def _judging(design: Design) -> dict[str, Cell]:
    """The label cell once more by another name, where it has a single ordering: explored by itself, its frames are held out.

    Production's cell would be another one, but the engine cannot afford its labels.
    """
    if design.orderings > 1:
        return {}
    return {HELD_OUT: Cell(design.label.repeat, design.sampling, "the same, for frames that are held out")}


def _structures(design: Design, *, few: bool) -> dict[str, Any]:
    label, production = occupancy_names(design)
    occupancies = {label: design.label.overrides(), production: design.production.overrides()}
    orderings = "" if design.orderings > 1 else "all sites are full or empty here: there is one only"
    distances = ", ".join(f"{pair} {d:.2f}" for pair, d in design.distances.items() if d is not None)
    return {
        "table": [*table(design), *remarks(design)],
        "occupancies": occupancies,
        "cells": {**cells(design), **(_judging(design) if few else {})},
        "orderings": design.orderings,
        "orderings_reason": orderings,
        "sampling_reason": design.sampling_reason,
        "distances": writing.wrapped(f"shortest distances (Å) in a cell that was built: {distances}"),
        "min_distance": None,
    }


def table(design: Design) -> list[str]:
    """The CIF's occupancies beside those of both cells, then composition and charge."""
    label, production = design.label, design.production
    atoms = design.crystal.composition
    rows: list[tuple[str, ...]] = [
        (
            "",
            "completed CIF" if design.completed else "CIF",
            f"label cell ({label.n_atoms})",
            f"production ({production.n_atoms})",
        )
    ]
    for site in design.crystal.sites:
        for species, x in site.occupancy.items():
            here = [f.occupancies[site.label].get(species, 0.0) for f in (label, production)]
            if x != 1 or any(y != 1 for y in here):
                name = f"{species} on {site.label} ({site.wyckoff})"
                rows.append((name, f"{x:.4f}", *(f"{y:.4f}" for y in here)))
    for species, n in atoms.items():
        if any(abs(f.changes[species]) > 1e-3 for f in (label, production)):
            shown = [
                f"{n + f.changes[species]:.3f} ({f.changes[species] / n:+.1%})" for f in (label, production)
            ]
            rows.append((f"{species} per cell", f"{n:.3f}", *shown))
    rows.append(("charge per cell (e)", f"{design.oxidation.charge_per_cell:+.3f}", "0", "0"))
    return [*writing.columns(rows), *letters(design.crystal)]


def letters(crystal: Crystal) -> list[str]:
    """Where the sites of the table are, if their Wyckoff letters can be others in the literature."""
    if not letters_of_another_origin(crystal):
        return []
    shown = [site for site in crystal.sites if any(0 < x < 1 for x in site.occupancy.values())]
    said = ", ".join(f"{site.label} ({site.wyckoff}) at {site.place}" for site in shown)
    return writing.wrapped(f"letters hang on the origin: {said}") if said else []


def changed_composition(design: Design) -> list[str]:
    """Elements of which a cell has over 5 % more or fewer atoms than the CIF's occupancies ask for, one line per cell."""
    found = []
    for name, cell in (("the label cell", design.label), ("production", design.production)):
        parts = [f"{s} {100 * x:+.0f} %" for s, x in cell.shares.items() if abs(x) > MOST_CHANGE]
        if parts:
            found.append(f"NOTE: {', '.join(parts)} in {name}: what its whole atoms and exclusions allow")
    return list(dict.fromkeys(found))


def remarks(design: Design) -> list[str]:
    """What a user has to know of the cells: sites emptied or filled, and elements that are more or fewer."""
    return [*whole_sites(design), *changed_composition(design)]


def whole_sites(design: Design) -> list[str]:
    """Sites that the CIF fills in part and a cell not at all, or wholly; one line for every cell that differs."""
    said: dict[tuple[str, ...], list[str]] = {}
    for name, cell in (("the label cell", design.label), ("production", design.production)):
        parts = [f"none on {_site(cell, s)}" for s in cell.emptied]
        parts += [f"{_site(cell, s)} full" for s in cell.filled]
        off = [f"{s} {x:+.1%}" for s, x in cell.shares.items() if abs(x) >= SHOWN_CHANGE]
        if parts:
            composition = f"composition {', '.join(off)}" if off else "the composition is the CIF's"
            said.setdefault((*parts, composition), []).append(name)
    return [
        f"NOTE: {', '.join(parts)} in {' and '.join(names)}; {composition}"
        for (*parts, composition), names in said.items()
    ]


def _site(filling: Filling, label: str) -> str:
    site = filling.crystal.site(label)
    return f"{label} ({site.wyckoff}, {sum(site.occupancy.values()):.3g} in the CIF)"


def formula(filling: Filling) -> str:
    """The composition in its smallest whole numbers, from the most to the least electropositive element."""
    from pymatgen.core import Composition

    return str(Composition({s: n for s, n in filling.composition.items() if n}).reduced_formula)


def _labels(design: Design, at: Temperatures, lengths: Lengths, *, few: bool) -> dict[str, Any]:
    label, production = occupancy_names(design)
    names = list(cells(design))
    small = design.production.n_atoms <= HELD_OUT_ATOMS
    held_out = (production, PRODUCTION) if small else (label, FIRST)
    rdf_k = at.production_k[len(at.production_k) // 2]
    of = Cells(label, FIRST, names[1] if len(names) == 3 else None, held_out, design.orderings)
    # as many steps in all as the recipe has, in fewer trajectories where they would be too short
    planned = lengths.recipe.label_steps
    steps = max(planned, ceil(SHORTEST_LABELS_PS * FS_PER_PS / _time_step_fs(design)))
    return {
        "label_steps": steps,
        "groups": trajectories.groups(of, labels_k=at.labels_k, rdf_k=rdf_k, share=planned / steps),
        "rdf_k": rdf_k,
        "held_out_reason": "production's own cell" if small else "an ordering that is not trained on",
        "judged_in": "orderings that are not trained on"
        if design.orderings > 1
        else "explorations that are not trained on",
        "explored": _explored(design, label, names[:-1], at, few=few),
        "label_occupancy": label,
        "first_cell": FIRST,
    }


def _explored(
    design: Design, occupancy: str, names: Sequence[str], at: Temperatures, *, few: bool
) -> list[str]:
    """Groups of the learning loop: every ordering; the last of a cell is held out for a level that has single points alone."""
    numbers, last = list(range(design.orderings)), design.orderings - 1
    # strained, because production meets the lattice of each temperature; cells of the start are 1 to 3 % too long
    strains = "[-0.02, 0.01]" if few else "[0.0, 0.02]"
    temperatures = f"temperatures_k: {list(at.labels_k)}, strains: {strains}"
    if few and not last:
        return [
            f"{{occupancy: {occupancy}, cell: {names[0]}, orderings: [0], {temperatures}}}",
            f"{{occupancy: {occupancy}, cell: {HELD_OUT}, orderings: [0], {temperatures}, split: test}}",
        ]
    held_out = (names[-1], last) if few else None
    found = []
    for name in names:
        train = [n for n in numbers if (name, n) != held_out]
        groups = [(train, "")] + ([([last], ", split: test")] if held_out and name == held_out[0] else [])
        found += [
            f"{{occupancy: {occupancy}, cell: {name}, orderings: {orderings}, {temperatures}{split}}}"
            for orderings, split in groups
            if orderings
        ]
    return found


def _time_step_fs(design: Design) -> float:
    return TIME_STEP_H_FS if "H" in design.charges else TIME_STEP_FS


def _md(design: Design, at: Temperatures, lengths: Lengths, head: Head) -> dict[str, Any]:
    label, production = occupancy_names(design)
    large = design.production.n_atoms > RELAXED_ATOMS
    hydrogen = "H" in design.charges
    unit = "core and GPU hours" if head.wishes.gpu else "core hours"
    budget = (
        f"of {head.wishes.budget_core_hours:g} {unit} labels and training take {lengths.hours_before:.1f}, production "
        f"{lengths.hours_of_production:.1f}, right within a factor of three (`dlmd plan`)"
    )
    return {
        "recipe": lengths.recipe,
        "production": lengths.production,
        "relaxed": {"occupancy": label, "cell": FIRST}
        if large
        else {"occupancy": production, "cell": PRODUCTION},
        "time_step_fs": _time_step_fs(design),
        "discard_ps": 0.1 if not hydrogen else 0.025,
        "hydrogen": hydrogen,
        "cutoff": design.cutoff_angstrom,
        "production_occupancy": production,
        "production_atoms": design.production.n_atoms,
        "lattice_from": large,
        "temperature_reason": writing.wrapped(at.reason),
        "production_k": at.production_k,
        "budget_reason": writing.wrapped(budget),
        "hop_angstrom": design.hop.length_a,
        "hop_reason": design.hop.reason,
    }
