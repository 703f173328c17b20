"""Which of the given frames are looked at beside CHGNet, and their forces beside its."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base import likeness

if TYPE_CHECKING:
    from ase import Atoms

# frames that are looked at (0.3 s each) of cells with so many atoms: one of each composition first, the rest spread over the
# file; of those whose forces are unusual for their composition so many more; and so many where they are not of one mind
MOST_FRAMES, LEAST_ATOMS, MOST_ATOMS = 16, 8, 400
MOST_UNUSUAL, MOST_WHERE_DIVIDED = 8, 40
# Correlations: from the first on a frame is one that CHGNet knows; below the second its forces may be of other atoms
ALIKE, LOST = 0.6, 0.2
# Least force (RMS of components, eV/Å) that says anything: nearly relaxed structures have none. What CHGNet does not explain of
# forces is 0.15 to 0.3 eV/Å, so that of smaller forces none need be like its
LEAST_FORCE, LEAST_FORCE_LOST = 0.1, 0.2
# Labels over CHGNet's, and one frame's over the median of the others', about half way to the nearest units (1/25, 23). Not
# nearer: in relaxations of molecular ions forces fall to a fifth of CHGNet's, with correlations of 0.9
FORCE_SLOPE = (0.12, 4.0)
FROM_OTHERS = 7.0
# RMS over CHGNet's
AS_LARGE = (0.25, 4.0)

Reference = Callable[["Atoms"], "dict[str, Any] | None"]


@dataclass(eq=False)
class Beside:
    """A frame's labels beside CHGNet's numbers of it."""

    number: int
    symbols: np.ndarray
    own: dict[str, Any]
    told: dict[str, Any]

    @cached_property
    def slope(self) -> float:
        """How large forces are beside CHGNet's."""
        return likeness.slope(*self.forces)

    @cached_property
    def alike(self) -> float:
        """Correlation of forces with CHGNet's."""
        return likeness.correlation(*self.forces)

    @cached_property
    def rms(self) -> tuple[float, float]:
        """Of the components of forces."""
        return rms(self.forces[0]), rms(self.forces[1])

    @property
    def forces(self) -> tuple[np.ndarray, np.ndarray]:
        """The labels' and CHGNet's."""
        return np.asarray(self.own["forces"], float), np.asarray(self.told["forces"], float)

    @property
    def lost(self) -> bool:
        """Whether forces as large as CHGNet's have nothing to do with them."""
        low, high = AS_LARGE
        return (
            self.alike < LOST and self.rms[0] >= LEAST_FORCE_LOST and low <= self.rms[0] / self.rms[1] <= high
        )


def beside(frames: Sequence[Atoms], chosen: Iterable[int], reference: Reference) -> list[Beside]:
    """Chosen frames that the reference can take, in order."""
    return [
        Beside(i, np.array(frames[i].get_chemical_symbols()), frames[i].calc.results, found)
        for i in sorted(chosen)
        if (found := reference(frames[i])) is not None
    ]


def pooled(pairs: Sequence[Beside]) -> tuple[np.ndarray, np.ndarray]:
    """Components of the labels' forces and of CHGNet's."""
    labels, theirs = zip(*(pair.forces for pair in pairs), strict=True)
    return np.concatenate(labels).ravel(), np.concatenate(theirs).ravel()


def rms(values: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt((values**2).mean()))


def spread(frames: Sequence[Atoms], fit: Sequence[int], most: int) -> list[int]:
    """Numbers of frames: one of each composition (the commonest first, half of them at most), the others anywhere in the file.

    At random within equal parts of it, so that what recurs in a file is not passed over; the same each time.
    """
    if len(fit) <= most:
        return list(fit)
    rng = np.random.default_rng(0)
    groups = sorted(_compositions(frames, fit).values(), key=len, reverse=True)
    chosen = {int(rng.choice(group)) for group in groups[: most // 2]}
    others = [i for i in fit if i not in chosen]
    edges = np.linspace(0, len(others), most - len(chosen) + 1).astype(int)
    return sorted(chosen | {others[rng.integers(low, high)] for low, high in pairwise(edges)})


def unusual(frames: Sequence[Atoms], fit: Sequence[int]) -> list[int]:
    """Frames whose forces are furthest from the median of their composition, by a factor: relaxed ones, and other units."""
    factors: dict[int, float] = {}
    for group in _compositions(frames, fit).values():
        sizes = np.array([rms(np.asarray(frames[i].calc.results["forces"], float)) for i in group])
        if (middle := float(np.median(sizes))) > 0:
            apart = np.abs(np.log(np.maximum(sizes, 1e-12) / middle))
            factors |= {i: float(a) for i, a in zip(group, apart, strict=True) if a > np.log(FROM_OTHERS)}
    return sorted(factors, key=lambda i: -factors[i])[:MOST_UNUSUAL]


def _compositions(frames: Sequence[Atoms], fit: Sequence[int]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for i in fit:
        groups.setdefault(f"{frames[i].symbols.formula:hill}", []).append(i)
    return groups
