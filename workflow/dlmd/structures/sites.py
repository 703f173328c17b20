"""From the rows of a CIF and its symmetry operations to sites: all positions of each, and what they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.structures.cif import Row
from dlmd.structures.symmetry import Symmetry

SAME_POSITION_A = 0.05  # images of a site nearer than this are the same position (CIFs print 3-5 digits)
WIDER_A = (0.1, 0.2, 0.3, 0.5)  # how far a coordinate may be off where the printed multiplicity says so
NARROWER_A = (0.02, 0.005, 0.001)  # or how near to a special position it is meant to be without being there
OVERLAP_A = 0.6  # shorter than any bond: two positions this near cannot both be filled
OCCUPANCY_ROUNDING = 1e-3  # sums of printed occupancies may exceed 1 by this much
REFINED = 0.03  # and refined ones by this much, which is said
REFINED_SPLIT = (
    0.1  # those of positions that overlap: their occupancies and shifts go together in a refinement
)


@dataclass
class Group:
    """A site while the rows are read."""

    positions: np.ndarray
    letter: str | None
    labels: list[str] = field(default_factory=list)
    occupancy: dict[str, float] = field(default_factory=dict)
    charges: list[tuple[str, float, float]] = field(default_factory=list)  # species, weight, oxidation state
    notes: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)  # species -> rows that put it here

    @property
    def name(self) -> str:
        return "/".join(self.labels)

    def take(self, row: Row) -> None:
        self.labels.append(row.label)
        self.occupancy[row.species] = self.occupancy.get(row.species, 0.0) + row.occupancy
        self.rows[row.species] = self.rows.get(row.species, 0) + 1
        if row.charge:  # 'Na0+' is what programs write that know of no charges
            self.charges.append((row.species, row.occupancy * len(self.positions), row.charge))


def groups(rows: Sequence[Row], symmetry: Symmetry, lattice: np.ndarray, path: Path) -> list[Group]:
    """The sites, species at one position joined; `lattice` (3, 3) as rows in Å.

    Raises
    ------
    DlmdError
        for occupancies that cannot be, positions that overlap, and multiplicities that the operations do not give.
    """
    found: list[Group] = []
    for row, (positions, note) in zip(rows, _orbits(rows, symmetry, lattice, path), strict=True):
        for group in found:
            if (
                len(group.positions) == len(positions)
                and shortest(group.positions, positions[:1], lattice) < 2 * SAME_POSITION_A
            ):
                break
        else:
            group = Group(positions, row.letter)
            found.append(group)
        group.take(row)
        if note and note not in group.notes:
            group.notes.append(note)
    _check_occupancies(found, path)
    _check_overlaps(found, lattice, path)
    return found


def composition(found: Sequence[Group]) -> dict[str, float]:
    """Species -> mean number in the cell."""
    content: dict[str, float] = {}
    for group in found:
        for name, x in group.occupancy.items():
            content[name] = content.get(name, 0.0) + x * len(group.positions)
    return content


def oxidation(found: Sequence[Group]) -> dict[str, float]:
    """Species -> mean oxidation state (e) where the file states it for all of them."""
    stated: dict[str, list[tuple[float, float]]] = {}
    for group in found:
        for name, weight, charge in group.charges:
            stated.setdefault(name, []).append((weight, charge))
    content = composition(found)
    return {
        name: _mean(parts)
        for name, parts in stated.items()
        if sum(w for w, _ in parts) > 0.99 * content[name] > 0
    }


def site_oxidation(found: Sequence[Group]) -> dict[tuple[str, str], float]:
    """(site, species) -> oxidation state (e) of species that are stated for all their sites, and differ between them."""
    means = oxidation(found)
    by_site: dict[str, dict[str, float]] = {}
    for group in found:
        for name in {name for name, weight, _ in group.charges if weight > 0 and name in means}:
            parts = [(w, q) for s, w, q in group.charges if s == name]
            by_site.setdefault(name, {})[group.name] = _mean(parts)
    return {
        (site, name): charge
        for name, row in by_site.items()
        if len(set(row.values())) > 1
        for site, charge in row.items()
    }


def _mean(parts: Sequence[tuple[float, float]]) -> float:
    total = sum(w for w, _ in parts)
    return round(sum(w * q for w, q in parts) / total, 4) if total else parts[0][1]


def _orbits(
    rows: Sequence[Row], symmetry: Symmetry, lattice: np.ndarray, path: Path
) -> list[tuple[np.ndarray, str | None]]:
    """The positions of every row, and what is to be said about them."""
    n = len(symmetry)
    narrow = [orbit(row.position, symmetry, lattice) for row in rows]
    orders = _printed_are_orders(rows, narrow, n)
    found: list[tuple[np.ndarray, str | None]] = []
    for row, positions in zip(rows, narrow, strict=True):
        expected = row.multiplicity
        if expected is not None and orders:
            expected = n // expected if n % expected == 0 else None
        if expected is None and row.order is not None and n % row.order == 0:
            expected = n // row.order
        if expected == len(positions):
            found.append((positions, None))
            continue
        by_digits = orbit(row.position, symmetry, lattice, uncertainty=row.uncertainty)
        wider = [by_digits]
        if expected is not None:
            other = WIDER_A if expected < len(positions) else NARROWER_A
            wider += [orbit(row.position, symmetry, lattice, tolerance_a=d) for d in other]
        fitting = [p for p in wider if expected in (None, len(p))]
        if not fitting:
            ordered = orders or row.multiplicity is None
            name, given = (
                ("order of the site symmetry", n // len(positions))
                if ordered
                else ("multiplicity", len(positions))
            )
            raise DlmdError(
                f"site {row.label}: {name} {row.multiplicity or row.order} is printed, the symmetry operations give {given}",
                where=str(path),
                remedy="correct _atom_site_symmetry_multiplicity, the coordinates or the symmetry operations",
            )
        moved = fitting[0]
        note = None
        if len(moved) < len(positions):
            note = _note(row, moved, len(positions))
        elif len(moved) > len(positions):
            note = f"{row.label}: {len(moved)} positions as printed, by pairs nearer than {SAME_POSITION_A} Å"
        found.append((moved if note else positions, note))
    return found


def _printed_are_orders(rows: Sequence[Row], orbits: Sequence[np.ndarray], n: int) -> bool:
    """Whether the printed multiplicities are orders of the site symmetry, as SHELXL-97 has them under this tag."""
    printed = [(row.multiplicity, len(p)) for row, p in zip(rows, orbits, strict=True) if row.multiplicity]
    as_told = sum(m == k for m, k in printed)
    as_orders = sum(m * k == n for m, k in printed)
    return as_orders > as_told


def _note(row: Row, positions: np.ndarray, before: int) -> str:
    asked = positions[np.argmin(np.abs((positions - row.position + 0.5) % 1.0 - 0.5).sum(axis=1))]
    words = " ".join(
        str(Fraction(float(x)).limit_denominator(24)) if _simple(x) else f"{x:.4g}" for x in asked
    )
    return (
        f"{row.label} at {' '.join(row.printed)} is taken as the special position {words}: {len(positions)} positions, "
        f"not {before}"
    )


def _simple(x: float) -> bool:
    return abs(float(Fraction(float(x)).limit_denominator(24)) - float(x)) < 1e-9


def orbit(
    position: np.ndarray,
    symmetry: Symmetry,
    lattice: np.ndarray,
    *,
    tolerance_a: float = SAME_POSITION_A,
    uncertainty: np.ndarray | None = None,
) -> np.ndarray:
    """All images of a position, each once, with special positions met exactly: (m, 3) in [0, 1).

    Parameters
    ----------
    tolerance_a
        Å; images nearer than this are one position.
    uncertainty
        (3,) by how much each coordinate can be off: images that differ by no more are one position too.
    """
    rotations, translations = symmetry.rotations, symmetry.translations
    # The average over all operations that map the position onto itself is the special position.
    before = 0
    while True:
        shift = (rotations @ position + translations) % 1.0 - position
        shift -= np.round(shift)
        own = np.linalg.norm(shift @ lattice, axis=1) < tolerance_a
        if uncertainty is not None:
            own |= (np.abs(shift) <= np.abs(rotations - np.eye(3)) @ uncertainty + 1e-9).all(axis=1)
        if own.sum() == before:
            break
        before = own.sum()
        position = position + shift[own].mean(axis=0)
    images = rotations @ position + translations
    images -= np.floor(images + 1e-9)
    images[np.abs(images) < 1e-9] = 0.0
    same_a = min(SAME_POSITION_A, tolerance_a)
    distinct: list[np.ndarray] = []
    for image in images:
        if not distinct or shortest(np.array(distinct), image[None], lattice) > same_a:
            distinct.append(image)
    return np.array(distinct)


def shortest(first: np.ndarray, second: np.ndarray, lattice: np.ndarray) -> float:
    """The shortest distance (Å) between two sets (n, 3) of fractional positions lying near each other."""
    difference = first[:, None] - second[None]
    difference -= np.round(difference)
    return float(np.linalg.norm(difference @ lattice, axis=2).min())


def _check_occupancies(found: Sequence[Group], path: Path) -> None:
    for group in found:
        for species, value in group.occupancy.items():
            if not 0 <= value <= 1 + REFINED:
                raise DlmdError(
                    f"site {group.name}: occupancy {value:g} of {species} is not in [0, 1]",
                    where=str(path),
                    remedy=_impossible(group, species, value),
                )
        total = sum(group.occupancy.values())
        if total > 1 + REFINED:
            raise DlmdError(
                f"site {group.name}: occupancies add up to {total:g}, above 1",
                where=str(path),
                remedy="correct _atom_site_occupancy of the species that share the site",
            )
        if total > 1 + OCCUPANCY_ROUNDING:
            group.notes.append(
                f"{group.name}: occupancies add up to {total:g}; they are scaled to a full site"
            )
        if total >= 1 - OCCUPANCY_ROUNDING and total != 1:  # printed digits of a full site
            group.occupancy = {species: value / total for species, value in group.occupancy.items()}


def _impossible(group: Group, species: str, value: float) -> str:
    """What to do about an occupancy that cannot be."""
    if value > 1 and group.rows.get(species, 0) > 1:
        return (
            f"delete rows that repeat what the symmetry makes of others ({group.name}), or state the space group as 'P 1' "
            "if the file lists every atom of the cell"
        )
    percent = "; it is a part of 1, not per cent" if 1.5 < value <= 100 else ""
    return f"correct _atom_site_occupancy{percent}, or delete the row"


def _check_overlaps(found: Sequence[Group], lattice: np.ndarray, path: Path) -> None:
    """Positions too near for two atoms must belong to sites that are split, not full."""
    from ase.neighborlist import primitive_neighbor_list

    positions = np.concatenate([group.positions for group in found])
    owner = np.repeat(np.arange(len(found)), [len(group.positions) for group in found])
    filled = np.array([sum(group.occupancy.values()) for group in found])[owner]
    i, j, d = primitive_neighbor_list("ijd", [True] * 3, lattice, positions @ lattice, OVERLAP_A)
    together = filled[i] + filled[j]
    for k in np.flatnonzero((together > 1 + OCCUPANCY_ROUNDING) & (together <= 1 + REFINED_SPLIT)):
        first, second = found[owner[i[k]]], found[owner[j[k]]]
        note = f"{first.name} and {second.name} are {d[k]:.2f} Å apart and hold {together[k]:.3g} atoms together: one has room"
        if owner[i[k]] <= owner[j[k]] and note not in first.notes:
            first.notes.append(note)
    bad = np.flatnonzero(together > 1 + REFINED_SPLIT)
    if len(bad):
        worst = bad[np.argmin(d[bad])]
        first, second = found[owner[i[worst]]], found[owner[j[worst]]]
        raise DlmdError(
            f"overlapping sites: {first.name} and {second.name} are {d[worst]:.2f} Å apart, occupancies "
            f"{filled[i[worst]]:g} + {filled[j[worst]]:g} > 1",
            where=str(path),
            remedy="print special positions with four digits (0.3333 for 0.33), lower the occupancies (split positions "
            "hold one atom together), or delete the repeat",
        )


def far_from_formula(found: Sequence[Group], formula: Mapping[str, float], units: float | None) -> float:
    """How far the composition is from the stated one: the largest difference of an element's share of all atoms.

    With `units`, the printed number of formula units in the cell, the number of atoms counts too.
    """
    content = composition(found)
    names = [s for s in {**content, **formula} if s != "H"]
    stated = np.array([formula.get(s, 0.0) for s in names])
    have = np.array([content.get(s, 0.0) for s in names])
    if not formula or not stated.any():
        return 0.0
    off = np.abs(have / have.sum() - stated / stated.sum()).max()
    if units:
        off = max(off, abs(np.log(have.sum() / (units * stated.sum()))))
    return float(off)
