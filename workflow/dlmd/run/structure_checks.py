"""The crystal of a run: that every supercell of the config can be made, by the code that makes it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dlmd.base.errors import DlmdError, did_you_mean, similar_file
from dlmd.config.run_config import RunConfig

if TYPE_CHECKING:
    from dlmd.structures.crystal import Crystal
    from dlmd.structures.occupancy import Apportionment

LARGE_ATOMS = 5000  # a user would wonder what takes so long


def check_structures(cfg: RunConfig, *, file: str, arrange: bool = False) -> None:
    """That the CIF can be read, has the config's elements, and gives whole neutral counts in every supercell.

    With `arrange` also that the atoms have room, and that there are as many orderings as are asked for.

    Raises
    ------
    DlmdError
        for the first thing that would make the orderings' job fail.
    """
    crystal = _crystal(cfg, file=file)
    from dlmd.run import targets
    from dlmd.structures import contacts, ordering

    for occupancy, cell in targets.built_cells(cfg):
        try:
            counts = _counts(cfg, crystal, occupancy, cell)
            if arrange:
                accepted = cfg.structures.min_distance_angstrom
                contacts.refuse_impossible(crystal, counts.charges, accepted, content=counts.requested)
                if counts.n_atoms >= LARGE_ATOMS:
                    said = f"putting the {counts.n_atoms:,} atoms of '{occupancy}' in '{cell}' in their places: a minute or more"
                    print(said, file=sys.stderr, flush=True)
                ordering.check(counts, n=cfg.structures.orderings)
        except DlmdError as error:
            where = f"{file}, occupancy '{occupancy}' in cell '{cell}'" + (
                f" ({error.where})" if error.where else ""
            )
            raise DlmdError(error.what, where=where, remedy=error.remedy) from None


def notes(cfg: RunConfig) -> Iterator[str]:
    """What a user should know of the crystal and its supercells: readings of the CIF, and compositions that differ."""
    from dlmd.run import targets
    from dlmd.structures import contacts, ordering, room_to_move
    from dlmd.structures.crystal import read_cif

    try:
        crystal = read_cif(cfg.material.cif)
        yield from crystal.notes
        yield from contacts.notes(crystal, cfg.material.charges)
        yield from contacts.alone(crystal, cfg.material.charges)
        yield from room_to_move.bare_protons(crystal, cfg.material.charges)
        for occupancy, cell in targets.built_cells(cfg):
            counts = _counts(cfg, crystal, occupancy, cell)
            name = f"occupancy '{occupancy}' in cell '{cell}'"
            if (occupancy, cell) == (cfg.md.occupancy, cfg.md.cell):
                yield from filter(None, [room_to_move.without_vacancies(counts, cfg.material.mobile)])
            if counts.composition_difference:
                yield f"{name} has {counts.composition_difference} atoms, by structures.tolerance"
            if counts.charge_shift:
                yield f"{name} is neutral with a mean charge of {counts.charge_shift}"
            if ordering.is_ordered(counts) and cfg.structures.orderings > 1:
                yield (
                    f"{name} is an ordered crystal: its {cfg.structures.orderings} orderings are one, replicas differ in "
                    "their velocities"
                )
    except DlmdError:
        return  # said by the check


def _crystal(cfg: RunConfig, *, file: str) -> Crystal:
    from dlmd.structures.crystal import read_cif

    material = cfg.material
    if not Path(material.cif).exists():
        raise DlmdError(
            f"no such file: {material.cif}",
            where=f"{file}, key material.cif",
            remedy=similar_file(material.cif) or "give the CIF's path relative to the working directory",
        )
    crystal = read_cif(material.cif)
    for name in material.carriers:
        if name not in crystal.species:
            raise DlmdError(
                f"the mobile species {name} is not in {material.cif}",
                where=f"{file}, key material.mobile",
                remedy=did_you_mean(name, crystal.species),
            )
    used = set(crystal.species)
    for override in cfg.structures.occupancies.values():
        for value in override.values():
            used |= set(value) if isinstance(value, dict) else set()
    if used != set(material.species):
        raise DlmdError(
            f"material.species is {', '.join(material.species)}, the structures have {', '.join(sorted(used))}",
            where=f"{file}, key material.species",
            remedy="list exactly the elements of the CIF and of structures.occupancies",
        )
    return crystal


def _counts(cfg: RunConfig, crystal: Crystal, occupancy: str, cell: str) -> Apportionment:
    """The counts of one supercell; DlmdError without its mobile ion."""
    from dlmd.structures.occupancy import apportion

    counts = apportion(
        crystal,
        repeat=cfg.structures.cells[cell],
        occupancies=cfg.structures.occupancies[occupancy],
        charges=cfg.material.charges,
        tolerance=cfg.structures.tolerance,
        min_distance_angstrom=cfg.structures.min_distance_angstrom,
        mobile=cfg.material.mobile,
    )
    for name in cfg.material.carriers:
        if not counts.composition.get(name):
            raise DlmdError(
                f"no {name} is left in the cell",
                where="occupancies",
                remedy=f"give a site of {name} an occupancy, or take a larger cell",
            )
    return counts
