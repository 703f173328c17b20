"""Seeded, distinct orderings of a disordered crystal: which position holds which atom."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import exp, lgamma, prod
from typing import TYPE_CHECKING

import numpy as np

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.structures import distances, duplicates, molecules, repairing
from dlmd.structures.coulomb import COLDEST, Annealer, CoulombModel
from dlmd.structures.crystal import Crystal
from dlmd.structures.occupancy import Apportionment
from dlmd.structures.quasirandom import PairCorrelations
from dlmd.structures.supercell import Supercell

if TYPE_CHECKING:
    from ase import Atoms

METHODS = ("random", "coulomb", "quasirandom")
TRIES_PER_ORDERING, LAST_TRIES = 10, 40  # before the distinct orderings count as exhausted
COUNTED_ARRANGEMENTS = 1e5  # with more, two random orderings are never the same


def orderings(
    crystal: Crystal,
    apportionment: Apportionment,
    *,
    n: int,
    seed: int,
    method: str = "random",
    min_distance_angstrom: distances.MinDistance | None = None,
    after_each: Callable[[int, float], None] | None = None,
) -> list[Atoms]:
    """`n` distinct orderings with exactly the apportioned counts, on the ideal positions.

    An ordered crystal has one; then all `n` are that one, so that repeats of its dynamics differ in their velocities only.

    Parameters
    ----------
    seed
        Ordering k depends on the seed and on the orderings before it, never on `n`.
    method
        'random': uniform over all arrangements that keep the minimum distance.
        'coulomb': simulated annealing of the electrostatic energy of the formal charges.
        'quasirandom': pair correlations as near as can be to those of the random alloy.
    min_distance_angstrom
        Å; one number, or pair -> number as in {'Li-Li': 2.0}; None: the distances that the counts were bounded by.
    after_each
        Told the number of each ordering that is made, and the seconds since the beginning.

    Returns
    -------
    list of ase.Atoms
        Species grouped in the apportionment's element order; arrays 'site' (atom-site label) and 'wyckoff';
        info: crystal, repeat, method, seed, ordering, distinct_by_symmetry, coulomb_energy_ev (Wolf sum on the
        ideal positions), pair_correlation_rms and _max (deviation of pair probabilities from the random alloy).

    Raises
    ------
    DlmdError
        An unknown method, a minimum distance that cannot be kept, fewer than `n` distinct orderings.
    """
    if method not in METHODS:
        raise DlmdError(
            f"unknown method '{method}'", where="ordering method", remedy=did_you_mean(method, METHODS)
        )
    if n < 1:
        raise DlmdError(f"{n} orderings requested", where="orderings", remedy="ask for at least 1")
    supercell = Supercell(crystal, apportionment.repeat)
    exclusions = exclusions_of(supercell, apportionment, min_distance_angstrom)
    groups = movable(supercell, apportionment)
    electrostatics = CoulombModel(supercell, apportionment)
    correlations = PairCorrelations(supercell, apportionment, groups, exclusions.table)
    annealer = Annealer(electrostatics, groups, exclusions) if method == "coulomb" else None
    ordered = is_ordered(apportionment)
    symmetry = None if ordered else duplicates.permutations(supercell)

    made: list[Atoms] = []
    begun = time.monotonic()
    seen: set[bytes] = set()
    repeats = 0  # in a row
    for attempt in range(TRIES_PER_ORDERING * n + LAST_TRIES):
        rng = np.random.default_rng([seed, attempt])
        content = random_content(supercell, apportionment, exclusions, rng)
        if annealer:
            # The same minimum again: stop at a higher temperature to reach another one nearby, and in the end any state.
            warmer = min(COLDEST * 2**repeats, 1.0)
            annealer.run(content, rng, coldest=warmer, quench=warmer < 0.5)
        elif method == "quasirandom":
            correlations.refine(content, exclusions, rng)
        key = duplicates.canonical(content, symmetry)
        if key in seen and not ordered:
            repeats += 1
            continue
        repeats = 0
        seen.add(key)
        atoms = build(supercell, apportionment, content)
        atoms.info.update(
            method=method,
            seed=seed,
            ordering=len(made),
            distinct_by_symmetry=symmetry is not None or ordered,
            coulomb_energy_ev=round(electrostatics.energy(content), 6),
            **correlations.deviation(content),
        )
        made.append(atoms)
        if after_each:
            after_each(len(made) - 1, time.monotonic() - begun)
        if len(made) == n:
            return made
    raise _too_few(apportionment, n, len(made), method)


def check(apportionment: Apportionment, *, n: int, seed: int = 0) -> None:
    """That the atoms have room, and that there are `n` distinct orderings: what would make `orderings` fail, in short time.

    Raises
    ------
    DlmdError
        where it would fail.
    """
    if is_ordered(apportionment) and n > 0:
        n = 1
    supercell = Supercell(apportionment.crystal, apportionment.repeat)
    exclusions = exclusions_of(supercell, apportionment)
    few = arrangements(apportionment) <= COUNTED_ARRANGEMENTS
    symmetry = duplicates.permutations(supercell) if few and n > 1 else None
    seen: set[bytes] = set()
    for attempt in range(TRIES_PER_ORDERING * n + LAST_TRIES if few else 1):
        content = random_content(supercell, apportionment, exclusions, np.random.default_rng([seed, attempt]))
        seen.add(duplicates.canonical(content, symmetry))
        if len(seen) >= n or not few:
            return
    raise _too_few(apportionment, n, len(seen), "any")


def arrangements(apportionment: Apportionment) -> float:
    """Number of ways to put the atoms on their sites, at most; infinite where it is very large."""
    logarithm = 0.0
    for site in apportionment.crystal.sites:
        positions = site.multiplicity * prod(apportionment.repeat)
        row = list(apportionment.counts[site.label].values())
        logarithm += lgamma(positions + 1) - sum(lgamma(k + 1) for k in (*row, positions - sum(row)))
    return exp(logarithm) if logarithm < 100 else float("inf")


def _too_few(apportionment: Apportionment, n: int, found: int, method: str) -> DlmdError:
    return DlmdError(
        f"{n} orderings requested, only {found} distinct ones found",
        where=f"{apportionment.crystal.name}, {'x'.join(map(str, apportionment.repeat))} cells, method {method}",
        remedy=f"ask for {found}, or take a larger supercell",
    )


def exclusions_of(
    supercell: Supercell,
    apportionment: Apportionment,
    min_distance_angstrom: distances.MinDistance | None = None,
) -> distances.Exclusions:
    """What the minimum distances forbid among the contents that the sites have."""
    table = apportionment.limits
    if min_distance_angstrom is not None:
        table = distances.of_crystal(
            min_distance_angstrom,
            supercell.crystal,
            apportionment.requested,
            charges=apportionment.charges,
            species=apportionment.species,
        )
    allowed = np.zeros((len(supercell.crystal.sites), len(apportionment.species) + 1), dtype=bool)
    for site, row in zip(supercell.crystal.sites, allowed, strict=True):
        for name, n in apportionment.counts[site.label].items():
            row[apportionment.species.index(name) + 1] = n > 0
    groups = molecules.of_crystal(supercell.crystal, apportionment.realised, apportionment.charges)
    return distances.Exclusions(
        supercell, table, allowed=allowed, species=apportionment.species, groups=groups
    )


def is_ordered(apportionment: Apportionment) -> bool:
    """Whether there is one arrangement only: every site is empty, or full of one species."""
    return all(
        n in (0, site.multiplicity * prod(apportionment.repeat))
        for site in apportionment.crystal.sites
        for n in apportionment.counts[site.label].values()
    )


def random_content(
    supercell: Supercell,
    apportionment: Apportionment,
    exclusions: distances.Exclusions,
    rng: np.random.Generator,
) -> np.ndarray:
    """(positions,) contents: 0 for a vacancy, k for species k - 1; shuffled within every site."""
    content = np.zeros(supercell.n_positions, dtype=np.int8)
    for site in supercell.crystal.sites:
        positions = supercell.positions_of(site)
        row = apportionment.counts[site.label]
        filling = np.repeat([apportionment.species.index(s) + 1 for s in row], list(row.values()))
        # sorting random numbers rather than Generator.permutation: the stream of doubles is the stable one
        order = np.argsort(rng.random(len(positions)), kind="stable")
        content[positions[order[: len(filling)]]] = filling
    if exclusions.possible:
        repairing.repair(content, movable(supercell, apportionment), exclusions, rng)
    return content


def movable(supercell: Supercell, apportionment: Apportionment) -> list[np.ndarray]:
    """The positions, (n,) each, of every site that holds more than one kind of content."""
    groups = []
    for site in supercell.crystal.sites:
        positions = supercell.positions_of(site)
        if max(apportionment.counts[site.label].values(), default=0) < len(positions):
            groups.append(positions)
    return groups


def build(supercell: Supercell, apportionment: Apportionment, content: np.ndarray) -> Atoms:
    """The atoms of an ordering, `content` (positions,), species grouped in the apportionment's order."""
    from ase import Atoms

    filled = np.flatnonzero(content)
    filled = filled[np.argsort(content[filled], kind="stable")]
    sites = [supercell.crystal.sites[i] for i in supercell.site_of_position[filled]]
    atoms = Atoms(
        symbols=[apportionment.species[k - 1] for k in content[filled]],
        scaled_positions=supercell.fractional()[filled],
        cell=supercell.lattice,
        pbc=True,
    )
    atoms.set_array("site", np.array([site.label for site in sites]))
    atoms.set_array("wyckoff", np.array([site.wyckoff for site in sites]))
    atoms.info.update(crystal=supercell.crystal.name, repeat=list(supercell.repeat))
    return atoms
