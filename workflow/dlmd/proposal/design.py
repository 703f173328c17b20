"""What a CIF decides by itself: charges, the mobile ion, cells and how they are filled. Nothing here hangs on a budget."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlmd.base.carriers import elements
from dlmd.base.errors import DlmdError
from dlmd.proposal import cells, disorder, faithful, free_sites, hops, mobile, oxidation
from dlmd.proposal.cells import Wanted
from dlmd.proposal.filling import Filling, ions
from dlmd.proposal.hops import Hop
from dlmd.proposal.oxidation import Oxidation
from dlmd.proposal.temperatures import Carriers
from dlmd.proposal.wishes import Wishes
from dlmd.structures.crystal import Crystal, read_cif

if TYPE_CHECKING:
    from ase import Atoms

CUTOFF_A, SHORTER_CUTOFF_A = 6.0, 5.8
WORTH_A_SHORTER_CUTOFF = 0.7
PRODUCTION_IONS, PRODUCTION_IONS_GPU = 100, 1000
ORDERINGS = 3
MIN_DISTANCE_A = 1.2  # the config's default; like ions keep more by themselves
BUILT_ATOMS = 5000  # most atoms of a cell that is built to see whether it can be


@dataclass(frozen=True)
class Design:
    """The crystal of a CIF as a run sees it.

    Attributes
    ----------
    mobile, mobile_reason
        Element whose ions carry the current (several with commas), and why it is taken for them.
    label, production
        Both cells with their whole atoms.
    sampling, sampling_reason
        How production's cells are filled.
    orderings
        Distinct ones that both cells have, at most three.
    distances
        Shortest ones (Å) in a built label cell, by pair.
    notes
        Positions that have no room for what the CIF puts there.
    completed
        The CIF that was written with one site more, and what that is; None where the one given has room for its ions.
    """

    crystal: Crystal
    oxidation: Oxidation
    mobile: str
    mobile_reason: str
    cutoff_angstrom: float
    label: Filling
    production: Filling
    sampling: str
    sampling_reason: str
    orderings: int
    distances: Mapping[str, float | None]
    notes: tuple[str, ...] = ()
    completed: tuple[Path, free_sites.Completed] | None = None

    @property
    def charges(self) -> Mapping[str, float]:
        """Charges (e) of the elements, in the order of the CIF."""
        return self.oxidation.charges

    @property
    def added(self) -> tuple[str, ...]:
        """What is to be said of a site that the CIF has not, and how to do without it."""
        if self.completed is None:
            return ()
        path, option = self.completed
        return (f"{option.note}. The sites are those of {path}; without it: dlmd new --as-listed",)

    @cached_property
    def hop(self) -> Hop:
        """The length that tells hops from rattling; steps to a site that was added are within a cage."""
        crystal = self.crystal
        if self.completed is not None:
            label = self.completed[1].label
            crystal = replace(crystal, sites=tuple(site for site in crystal.sites if site.label != label))
        return hops.hop(crystal, self.charges, self.mobile)

    @property
    def carriers(self) -> Carriers:
        """The mobile ions."""
        volume = abs(float(np.linalg.det(self.crystal.lattice))) * prod(self.production.repeat)
        return Carriers(
            self.charges[elements(self.mobile)[0]],
            ions(self.production.composition, self.mobile) / volume,
            self.hop.length_a,
        )


def design(cif: str | Path, wishes: Wishes, *, beside: str | Path | None = None) -> Design:
    """What the CIF decides, and what the user has said of it.

    Parameters
    ----------
    beside
        Folder for a CIF with one site more, where the one given has no room for its mobile ions (see `free_sites`); without it
        such a CIF is refused.

    Raises
    ------
    DlmdError
        for a CIF that cannot be read, charges that cannot be neutral, a mobile ion that is not clear, and cells that cannot be
        filled or built.
    """
    crystal = read_cif(cif)
    faithful.refuse_unlisted(crystal)
    faithful.refuse_diluted(crystal)
    found = oxidation.guess(crystal, given=wishes.charges)
    ion, why = mobile.choose(crystal, found.charges, asked=wishes.mobile)
    decided = partial(_of_sites, found=found, mobile=ion, mobile_reason=why, gpu=wishes.gpu)
    try:
        return decided(crystal)
    except DlmdError:
        if beside is None or wishes.as_listed:
            raise
        for option in free_sites.options(crystal, found.stated, ion):
            with contextlib.suppress(DlmdError):
                return _completed(option, decided, Path(beside))
        raise


def _completed(option: free_sites.Completed, decided: Callable[[Crystal], Design], folder: Path) -> Design:
    """The design of a crystal with one site more, as a CIF that was written has it."""
    made = decided(option.crystal)  # what cannot be filled or built is not written
    path = free_sites.write(option, folder)
    return replace(made, crystal=read_cif(path), completed=(path, option))


def _of_sites(crystal: Crystal, *, found: Oxidation, mobile: str, mobile_reason: str, gpu: bool) -> Design:
    """Cells of a crystal whose charges and mobile ion are known. Raises DlmdError where they cannot be filled or built."""
    cutoff, label, production = _cells(crystal, found.stated, mobile, gpu=gpu)
    sampling, sampling_reason = disorder.sampling(crystal, found.charges, mobile)
    orderings, distances = _built(crystal, found.stated, label, production, sampling)
    return Design(
        crystal=crystal,
        oxidation=found,
        mobile=mobile,
        mobile_reason=mobile_reason,
        cutoff_angstrom=cutoff,
        label=label,
        production=production,
        sampling=sampling,
        sampling_reason=sampling_reason,
        orderings=orderings,
        distances=distances,
        notes=tuple(
            f"{line}: the cells put one there, the rest on other sites where they have room"
            for line in faithful.crowded(crystal, found.stated)
        ),
    )


def run_name(path: str | Path) -> str:
    """Name of a run, from the name of its config or CIF."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(path).stem).strip("-._")
    return plain.lower() or "run"


def _cells(
    crystal: Crystal, charges: Mapping[str, float], ion: str, *, gpu: bool
) -> tuple[float, Filling, Filling]:
    """Cutoff, label cell and production cell; a cutoff that is a little shorter where it spares a third of the atoms."""
    cutoff = CUTOFF_A
    dear = cells.LARGE_LABEL_CELL
    label = cells.choose(crystal, charges, ion, Wanted(2 * cutoff, dear_atoms=dear))
    shorter = cells.choose(crystal, charges, ion, Wanted(2 * SHORTER_CUTOFF_A, dear_atoms=dear))
    if shorter.n_atoms < WORTH_A_SHORTER_CUTOFF * label.n_atoms:
        cutoff, label = SHORTER_CUTOFF_A, shorter
    most = PRODUCTION_IONS_GPU if gpu else PRODUCTION_IONS
    wanted = Wanted(2 * cutoff, most, weights=cells.PRODUCTION_WEIGHTS)
    production = cells.choose(crystal, charges, ion, wanted)
    if production.lost:
        raise DlmdError(
            f"no cell of affordable size has any {' or '.join(production.lost)}: {crystal.name} has too little of it",
            where=f"{crystal.source}, occupancies",
            remedy=f"leave {production.lost[0]} out of the CIF, or write a config by hand with larger cells",
        )
    faithful.refuse_another_compound(production, charges, ion)
    return cutoff, label, production


def _built(
    crystal: Crystal, charges: Mapping[str, float], label: Filling, production: Filling, sampling: str
) -> tuple[int, dict[str, float | None]]:
    """How many distinct orderings both cells have, and the shortest distances of the label cell's first one."""
    from dlmd.structures.cells import shortest_distances

    most = ORDERINGS if label.disordered and production.disordered else 1
    made: list[Atoms] = []
    for number in range(most, 0, -1):
        try:
            made = build(crystal, charges, label, sampling, number)
            break
        except DlmdError as error:
            if number == 1 or "distinct" not in error.what:
                raise
    if production.n_atoms <= BUILT_ATOMS and production.repeat != label.repeat:
        build(crystal, charges, production, sampling, 1)
    return len(made), shortest_distances(made[0])


def build(
    crystal: Crystal, charges: Mapping[str, float], filling: Filling, sampling: str, n: int
) -> list[Atoms]:
    """Orderings of a filling, as a job of the run makes them.

    Raises
    ------
    DlmdError
        where they cannot be made.
    """
    from dlmd.structures.occupancy import apportion
    from dlmd.structures.ordering import orderings

    counts = apportion(
        crystal,
        repeat=filling.repeat,
        occupancies=filling.overrides(),
        charges=charges,
        min_distance_angstrom=MIN_DISTANCE_A,
    )
    return orderings(crystal, counts, n=n, seed=1, method=sampling)
