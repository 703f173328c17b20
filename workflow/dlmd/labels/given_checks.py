"""What given labels must be beside the level's: finite, periodic, in the units expected, and each structure in one part only.

Energies are in eV, positions and cells in Å, stresses in eV/Å³.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.units import EV_PER_A3_PER_GPA
from dlmd.labels import given_copies

if TYPE_CHECKING:
    from ase import Atoms

# Stresses of crystals near the melt stay below 10 GPa; kbar passed for eV/Å³ are 160 times as much and more
MOST_GPA = 100.0
# Frames of one composition differ by up to 0.4 eV/atom (melts at 3000 K); a calculation that went astray by more. Between the two
# bounds a frame must be far outside the spread of at least so many: that many median deviations.
FURTHEST_EV_PER_ATOM = 1.0
ASTRAY_EV_PER_ATOM, ASTRAY_DEVIATIONS, ASTRAY_FRAMES = 0.5, 15, 6
# Forces on all atoms of a cell sum to nothing: to 0.01 eV/Å in plane waves, to a few times that on coarse grids. Where an atom is
# missing they sum to minus its own force. Largest sum, in eV/Å and over the RMS of the forces; cells of few atoms are not judged
MOST_NET, MOST_NET_OVER_RMS, LEAST_ATOMS = 0.2, 0.3, 8
# Fractional coordinates, times 2 pi, and cells in 10 Å within which two frames are one: 2e-4 Å, which is more than the last digit
# of files and less than what atoms move in a step of dynamics
SAME = 1e-4


class Placed(NamedTuple):
    """A frame, the part of the dataset it is in, and where it was found."""

    atoms: Atoms
    split: str
    where: str


def finite(atoms: Atoms) -> bool:
    """Whether energy, forces, stress, positions and cell are all numbers."""
    results = atoms.calc.results
    values = (atoms.positions, atoms.cell.array, *(results[key] for key in ("energy", "forces", "stress")))
    return all(np.isfinite(np.asarray(value, dtype=float)).all() for value in values)


def require_periodic(atoms: Atoms, *, where: str) -> None:
    """That the frame repeats in all directions.

    Raises
    ------
    DlmdError
        for molecules, slabs, and a cell without volume.
    """
    if not atoms.pbc.all() or abs(np.linalg.det(atoms.cell.array)) < 1e-6:
        raise DlmdError(
            f"the frame is not periodic in all directions (pbc {' '.join('FT'[int(p)] for p in atoms.pbc)}, "
            f"volume {abs(np.linalg.det(atoms.cell.array)):.4g} Å³)",
            where=where,
            remedy='give bulk crystals with their cells and pbc="T T T"',
        )


def require_pressure(atoms: Atoms, *, where: str) -> None:
    """That no stress is beyond what a crystal stands.

    Raises
    ------
    DlmdError
        where one is: it is in another unit.
    """
    most = float(np.abs(atoms.calc.results["stress"]).max())
    in_gpa = most / EV_PER_A3_PER_GPA
    if in_gpa > MOST_GPA:
        raise DlmdError(
            f"a stress of {most:.4g} eV/Å³ is {in_gpa:.4g} GPa, beyond {MOST_GPA:g} GPa: is it in kbar or GPa?",
            where=where,
            remedy="give stresses in eV/Å³ (1 eV/Å³ = 160.2 GPa = 1602 kbar; positive under tension), or leave the frame out",
        )


def require_whole(atoms: Atoms, *, where: str) -> None:
    """That the forces are those of a whole cell.

    Raises
    ------
    DlmdError
        where they do not sum to zero: an atom is missing, or forces are of other atoms.
    """
    if len(atoms) < LEAST_ATOMS:
        return
    forces = np.asarray(atoms.calc.results["forces"], dtype=float)
    net = float(np.linalg.norm(forces.sum(axis=0)))
    bound = max(MOST_NET, MOST_NET_OVER_RMS * float(np.sqrt((forces**2).sum(axis=1).mean())))
    if net > bound:
        raise DlmdError(
            f"forces on the {len(atoms)} atoms sum to {net:.3g} eV/Å, beyond {bound:.2g}; those on a whole cell sum to none",
            where=where,
            remedy="give every atom of the cell with its own force; where none is missing, that calculation's grid is too coarse",
        )


def require_energies(frames: Sequence[Atoms], wheres: Sequence[str]) -> None:
    """That frames of one composition have about one energy per atom.

    Raises
    ------
    DlmdError
        naming the frame that is furthest from the median of its composition, where that is far.
    """
    groups: dict[str, list[int]] = {}
    for i, atoms in enumerate(frames):
        groups.setdefault(f"{atoms.symbols.formula.reduce()[0]:hill}", []).append(i)
    for formula, members in groups.items():
        energies = np.array([frames[i].calc.results["energy"] / len(frames[i]) for i in members])
        median = float(np.median(energies))
        apart = np.abs(energies - median)
        worst = int(apart.argmax())
        bound = FURTHEST_EV_PER_ATOM
        if len(members) >= ASTRAY_FRAMES:
            bound = min(bound, max(ASTRAY_EV_PER_ATOM, ASTRAY_DEVIATIONS * float(np.median(apart))))
        if apart[worst] > bound:
            raise DlmdError(
                f"its energy is {energies[worst]:.3f} eV/atom, the median of the {len(members)} frames of {formula} is "
                f"{median:.3f}: {apart[worst]:.2f} eV/atom apart, beyond {bound:.2g}",
                where=wheres[members[worst]],
                remedy="see whether that calculation converged, and leave the frame out; energies are in eV per cell",
            )


def repeated(frames: Sequence[Placed]) -> list[int]:
    """Numbers of frames whose structure (cell and positions) an earlier frame of the same part has.

    Raises
    ------
    DlmdError
        for a structure that is held out for test and, or nearly, in another part too, naming both frames.
    """
    structures = [placed.atoms for placed in frames]
    copies = list(given_copies.held_out_again(structures, [placed.split == "test" for placed in frames]))
    if copies:
        first = min(copies, key=lambda copy: (copy.held_out, copy.other))
        one, two = (frames[i] for i in sorted(first[:2]))
        more = len({copy.held_out for copy in copies}) - 1
        raise DlmdError(
            f"one structure is for '{one.split}' and for '{two.split}' ({first.how}): errors on it would not be held out"
            + (f"; so are {more} more" if more else ""),
            where=f"{one.where}, and {two.where}",
            remedy="keep it in one of the two; hold out other orderings and temperatures than those trained on",
        )
    return sorted({j for i, j in _same(structures) if frames[i].split == frames[j].split})


def _same(frames: Sequence[Atoms]) -> Iterator[tuple[int, int]]:
    """Pairs of frames, the earlier first, with the same atoms in the same order, cell and places."""
    from scipy.spatial import cKDTree

    groups: dict[bytes, list[int]] = {}
    for i, atoms in enumerate(frames):
        groups.setdefault(atoms.numbers.tobytes(), []).append(i)
    for members in groups.values():
        if len(members) < 2:
            continue
        angles = [2 * np.pi * frames[i].get_scaled_positions(wrap=False).ravel() for i in members]
        cells = [frames[i].cell.array.ravel() / 10 for i in members]
        places = np.hstack([np.cos(angles), np.sin(angles), cells])
        for a, b in sorted(cKDTree(places).query_pairs(SAME, p=np.inf)):
            yield members[a], members[b]


def require_parts(counts: Mapping[str, int], *, trained: bool, where: str) -> None:
    """That frames of a level are for training, where it is trained, and others held out.

    Raises
    ------
    DlmdError
        naming the part that has none.
    """
    why = {"train": "there is nothing to train on", "test": "nothing would judge the potential"}
    for split in ("train", "test") if trained else ("test",):
        if not counts.get(split):
            there = ", ".join(f"{n} for '{part}'" for part, n in counts.items() if n)
            raise DlmdError(
                f"no frame of the labels is for '{split}' ({there}): {why[split]}",
                where=where,
                remedy=f"give a file 'split: {split}', or its frames the key split={split}",
            )
