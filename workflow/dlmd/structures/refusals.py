"""What is said where occupancies give no whole, neutral counts: why, what is nearest, and what that is as a compound."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from math import ceil, prod
from typing import NoReturn

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.structures import exclusion
from dlmd.structures.apportioning import Counts, Problem

SAME_COMPOSITION = 1e-3  # relative
LEFT_E = 1e-3
OF_SEVERAL_VALENCES = (
    "Ti",
    "V",
    "Cr",
    "Mn",
    "Fe",
    "Co",
    "Ni",
    "Cu",
    "Mo",
    "Ru",
    "Sn",
    "Ce",
    "Pr",
    "Eu",
    "W",
    "U",
)


def refuse(problem: Problem, tolerance: float, *, mobile: str | None) -> NoReturn:
    """Say which it is: positions overfilled, not neutral, or no whole numbers in this cell. Raises DlmdError always."""
    size = "x".join(map(str, problem.repeat))
    partial = problem.partial()
    asked = ", ".join(f"{s} {x:g} on {site.label} ({site.wyckoff})" for site, s, x in partial)
    _overfilled(problem, tolerance)
    nearest = problem.solve(1.0, mobile=mobile)
    neutral_within = float(np.abs(problem.charge * problem.multiplicity * ~problem.fixed).sum() * tolerance)
    charged = abs(problem.charge_per_cell) > neutral_within + 0.05 * problem.mixed_per_cell + 1e-9
    if charged:
        if nearest is None:
            raise DlmdError(
                f"no neutral filling of {size} cells: {asked or 'full sites only'} carries "
                f"{problem.charge_per_cell:+.3g} e per cell",
                where="occupancies and charges",
                remedy=f"correct the charges{_charge_hint(problem)}, or make a site partial whose species can balance the "
                "charge",
            )
        raise DlmdError(
            f"not neutral: {asked or 'full sites only'} carries {problem.charge_per_cell:+.4g} e per cell",
            where="occupancies and charges",
            remedy=f"correct them{_charge_hint(problem)}; nearest possible in {size}: {_near(problem, nearest)}, "
            f"{changes(problem, nearest)}",
        )
    if nearest is None:
        _other_sizes(problem, tolerance, asked, size)
    cells, n_atoms = problem.cells, sum(problem.totals(nearest).values())
    needed = ", ".join(f"{x * site.multiplicity * cells:.2f} {s} on {site.label}" for site, s, x in partial)
    larger = problem.smallest_supercell(tolerance)
    if larger is None:
        elsewhere = f"no supercell of usable shape does it within {tolerance:g}"
    else:
        atoms = n_atoms * prod(larger) // cells
        elsewhere = f"smallest supercell that does it: {'x'.join(map(str, larger))} ({atoms} atoms)"
    raise DlmdError(
        f"{asked} cannot be realised in {size} ({n_atoms} atoms): it would take {needed}",
        where="occupancies",
        remedy=f"nearest possible: {_near(problem, nearest)}, {changes(problem, nearest)}; {elsewhere}; or accept more "
        f"than {tolerance:g} by tolerance: {needed_tolerance(problem, nearest):g} for the nearest",
    )


def changes(problem: Problem, counts: Counts) -> str:
    """How the composition of `counts` differs from the requested one, as 'which has Na 24 for 23.68'."""
    asked: dict[str, float] = {}
    for site, s, x in problem.entries:
        asked[s] = asked.get(s, 0.0) + x * site.multiplicity * problem.cells
    made = problem.totals(counts)
    off = [
        f"{s} {made[s]} for {asked[s]:.4g}"
        for s in problem.species
        if abs(made[s] - asked[s]) > SAME_COMPOSITION * max(asked[s], 1.0)
    ]
    return f"another composition: {', '.join(off)} atoms" if off else "of the same composition"


def needed_tolerance(problem: Problem, counts: Counts) -> float:
    """The smallest tolerance, rounded up to two digits, that accepts `counts`."""
    realised = problem.occupancies(counts)
    off = max((abs(realised[site.label][s] - x) for site, s, x in problem.entries), default=0.0)
    if off <= 0:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(off)) - 1)
    return float(f"{ceil(off / unit + 1e-9) * unit:.3g}")


def _near(problem: Problem, counts: Counts) -> str:
    realised: Mapping[str, Mapping[str, float]] = problem.occupancies(counts)
    return ", ".join(
        f"{s} {realised[site.label][s]:.6g} on {site.label} ({counts[site.label][s]} atoms)"
        for site, s, _ in problem.partial()
    )


def _charge_hint(problem: Problem) -> str:
    """The mean charge that would make the request neutral, of the species that most often has several."""
    totals: dict[str, float] = {}
    for site, s, x in problem.entries:
        totals[s] = totals.get(s, 0.0) + x * site.multiplicity
    cations = [s for s, n in totals.items() if problem.charges[s] > 1 and n > 0 and s in OF_SEVERAL_VALENCES]
    if not cations:
        return ""
    open_one = max(cations, key=lambda s: totals[s])
    mean = problem.charges[open_one] - problem.charge_per_cell / totals[open_one]
    if not 0.5 < mean < 7.5:
        return ""
    return f" (neutral with a mean charge of {mean:.3g} of {open_one})"


def _other_sizes(problem: Problem, tolerance: float, asked: str, size: str) -> NoReturn:
    """Neutral on paper, but not with whole numbers of atoms in this many cells."""
    smallest = problem.smallest_supercell(tolerance)
    if smallest is None:
        left = problem.charge_per_cell
        carries = f" (as asked for {left:+.3g} e per cell)" if abs(left) > LEFT_E else ""
        raise DlmdError(
            f"no whole numbers of atoms make {size} cells neutral{carries}: {asked}",
            where="occupancies and charges",
            remedy="add the site of the ions that balance it if one is missing, make a site partial whose species can, or "
            "correct the occupancies",
        )
    step = prod(smallest)
    larger = _enlarged(problem, tolerance, step)
    also = f", such as {'x'.join(map(str, larger))}" if larger and larger != smallest else ""
    raise DlmdError(
        f"{asked} is neutral, but not with whole numbers of atoms in {size} = {problem.cells} cells",
        where="occupancies and cells",
        remedy=f"take a multiple of {step} cells: {'x'.join(map(str, smallest))}{also}",
    )


def _enlarged(problem: Problem, tolerance: float, step: int) -> tuple[int, ...] | None:
    """The smallest supercell with no fewer repeats along any axis than were asked for, and a multiple of `step` cells."""
    ranges = [range(n, n + step + 1) for n in problem.repeat]
    shapes = sorted(itertools.product(*ranges), key=prod)
    for shape in [s for s in shapes if prod(s) % step == 0][:20]:
        if problem.solve(tolerance, cells=prod(shape)) is not None:
            return shape
    return None


def _overfilled(problem: Problem, tolerance: float) -> None:
    """Raise where positions that exclude each other would have to hold more than one atom."""
    if problem.solve(tolerance) is not None or problem.solve(tolerance, bounded=False) is None:
        return
    clique = max(problem.cliques, key=lambda c: c.filled(problem.requested))
    filled = clique.filled(problem.requested)
    species = "-".join(sorted({s for _, _, s in clique.nodes}))
    species = species if "-" in species else f"{species}-{species}"
    counts = problem.solve(1.0)
    near = f"; nearest possible: {_near(problem, counts)}, {changes(problem, counts)}" if counts else ""
    stated = (
        f"; or state that both can be filled by min_distance_angstrom: {{{species}: {max(clique.distance_a - 0.01, 0.1):.2f}}}"
        if clique.distance_a > exclusion.overlap(problem.charges, *species.split("-")[:2])
        else ""
    )
    raise DlmdError(
        f"{clique.names} exclude each other ({clique.distance_a:.2f} Å apart) and would hold {filled:.4g} atoms where one "
        f"has room",
        where="occupancies",
        remedy=f"lower their occupancies to 1 together{near}{stated}",
    )
