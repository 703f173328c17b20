"""Whether energies of given labels count from one zero in all parts of the dataset, in all files, and within each.

Energies are in eV. Hot and strained frames have other energies as well: those that CHGNet gives them are taken off first.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.likeness import correlation, slope
from dlmd.labels.given_beside import ALIKE, LEAST_FORCE, MOST_ATOMS, Reference, beside, pooled, rms
from dlmd.labels.given_likeness import chgnet

if TYPE_CHECKING:
    from ase import Atoms

    from dlmd.labels.given_checks import Placed

# Frames of one composition, part and file below which their median is none; so many are looked at beside CHGNet
LEAST_FRAMES, MOST_FRAMES = 3, 6
# eV/atom: medians that differ by less are not looked at; beside CHGNet's no more than the second, or half of what CHGNet's own
# differ by (it is soft); alone no more than the third is said of, which is what 800 K make. And so many median deviations
LOOKED_AT, BESIDE, ALONE, DEVIATIONS = 0.02, 0.03, 0.1, 5


class _Part(NamedTuple):
    name: str
    file: str
    members: list[int]
    energies: np.ndarray


def require_one_zero(
    frames: Sequence[Placed], *, across_files: bool = False, reference: Reference | None = None
) -> list[str]:
    """That energies of one composition count from one zero in all parts and files; what is doubtful is returned.

    Parameters
    ----------
    across_files
        Whether only those of different files are compared: each has been by itself.
    reference
        Energy and forces of a structure, None where it has none; CHGNet's by default, asked only where medians differ.

    Raises
    ------
    DlmdError
        where CHGNet sees that they do not, with both medians.
    """
    notes: list[str] = []
    apart = [
        (one, two, *medians_apart)
        for one, two in _pairs(frames, across_files)
        if (medians_apart := _gap(one.energies, two.energies))[0] > LOOKED_AT
    ]
    if apart:
        reference = _once(reference or chgnet())
    for one, two, gap, scatter in apart:
        medians = (
            f"energies are {np.median(one.energies):.4g} eV/atom (median) for {one.name} and "
            f"{np.median(two.energies):.4g} for {two.name}"
        )
        found = _beside(frames, one, two, reference)
        if found is None:
            if gap > max(ALONE, DEVIATIONS * scatter):
                notes.append(
                    f"{medians}, {gap:.2g} eV/atom apart: see that they count from one zero, CHGNet cannot tell"
                )
        elif found[0] > found[1]:
            raise DlmdError(
                f"{medians}, {found[0]:.2g} eV/atom further apart than CHGNet says (beyond {found[1]:.2g}): "
                "they count from two zeros",
                where=frames[two.members[0]].where,
                remedy="compute all labels with one program and one set of potentials, and give its total energies as they are",
            )
    return notes


def _once(reference: Reference | None) -> Reference | None:
    """The reference, which is asked once for each frame, in however many pairs it is."""
    if reference is None:
        return None
    told: dict[int, Any] = {}

    def of(atoms: Atoms) -> Any:
        if id(atoms) not in told:
            told[id(atoms)] = reference(atoms)
        return told[id(atoms)]

    return of


def _pairs(frames: Sequence[Placed], across_files: bool) -> list[tuple[_Part, _Part]]:
    """Parts of one composition to compare: each with the others."""
    groups: dict[str, dict[tuple[str, str], list[int]]] = {}
    for i, (atoms, split, where) in enumerate(frames):
        file = where.rpartition(", frame ")[0] or where
        groups.setdefault(f"{atoms.symbols.formula.reduce()[0]:hill}", {}).setdefault(
            (split, file), []
        ).append(i)
    found = []
    for formula, parts in groups.items():
        several = len({file for _, file in parts}) > 1
        told = [
            _Part(
                f"'{split}'" + (f" in {file}" if several else f" ({formula})"),
                file,
                members,
                np.array([frames[i].atoms.calc.results["energy"] / len(frames[i].atoms) for i in members]),
            )
            for (split, file), members in parts.items()
            if len(members) >= LEAST_FRAMES
        ]
        found += [(a, b) for a, b in combinations(told, 2) if a.file != b.file or not across_files]
        if not across_files:
            found += [halves for part in told if (halves := _halves(part))]
    return found


def _halves(part: _Part) -> tuple[_Part, _Part] | None:
    """The frames below and above the widest gap between energies of one part, where both are several: two programs, or two sets
    of potentials, in one file."""
    order = np.argsort(part.energies)
    gaps = np.diff(part.energies[order])[LEAST_FRAMES - 1 : -(LEAST_FRAMES - 1)]
    if not len(gaps) or gaps.max() <= LOOKED_AT:
        return None
    at = LEAST_FRAMES + int(np.argmax(gaps))
    low, high = (
        _Part(
            f"{len(some)} frames of {part.name}",
            part.file,
            [part.members[k] for k in some],
            part.energies[some],
        )
        for some in (order[:at], order[at:])
    )
    return low, high


def _gap(one: np.ndarray, two: np.ndarray) -> tuple[float, float]:
    """By how much two medians differ, and the larger median deviation from them."""
    medians = [float(np.median(values)) for values in (one, two)]
    scatters = [float(np.median(np.abs(v - m))) for v, m in zip((one, two), medians, strict=True)]
    return abs(medians[0] - medians[1]), max(scatters)


def _beside(
    frames: Sequence[Placed], one: _Part, two: _Part, reference: Reference | None
) -> tuple[float, float] | None:
    """By how much energies less the reference's differ, and how much they may; None where it does not know the material."""
    if reference is None:
        return None
    atoms = [placed.atoms for placed in frames]
    rests, told, pairs = [], [], []
    for part in (one, two):
        fit = [i for i in part.members if len(atoms[i]) <= MOST_ATOMS]
        chosen = {fit[k] for k in np.linspace(0, len(fit) - 1, MOST_FRAMES).astype(int)} if fit else set()
        pairs.append(beside(atoms, chosen, reference))
        if not pairs[-1]:
            return None
    labels, theirs = pooled([*pairs[0], *pairs[1]])
    if rms(theirs) < LEAST_FORCE or correlation(labels, theirs) < ALIKE:
        return None
    softness = slope(labels, theirs)
    for some in pairs:
        sizes = np.array([len(pair.symbols) for pair in some])
        told.append(softness * np.array([float(pair.told["energy"]) for pair in some]) / sizes)
        rests.append(np.array([float(pair.own["energy"]) for pair in some]) / sizes - told[-1])
    gap, scatter = _gap(*rests)
    return gap, max(BESIDE, DEVIATIONS * scatter, 0.5 * _gap(*told)[0])
