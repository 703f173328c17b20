"""Given labels beside what CHGNet, a pretrained potential, says of the same structures: their units and signs.

Nothing in an extxyz or in deepmd/npy says its units. Forces of two levels of theory of one material are alike: those of GPAW
(PBE, PBE + U) are 1.2 and 1.7 times CHGNet's in Li3InCl6 and Li3TiCl6, with correlations of 0.98 and 0.90, and their stresses
and the differences of their energies as much. Another unit is another factor: 14 to 51, 1/23, 1/96, 1/160. Where the
likeness is faint (other kinds of materials than CHGNet knows), or CHGNet is not installed, nothing is judged.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.errors import DlmdError

if TYPE_CHECKING:
    from ase import Atoms

# frames that are looked at (0.3 s each), spread over all of them, of cells with so many atoms
MOST_FRAMES, LEAST_ATOMS, MOST_ATOMS = 8, 8, 400
LEAST_FRAMES = 6
# below these nothing is judged
ALIKE = 0.6
VARIED_ALIKE = 0.8
# least force (RMS of components, eV/Å) that says anything: relaxed structures have none
LEAST_FORCE = 0.05
# labels over CHGNet's
FORCE_SLOPE = (0.25, 4.0)
# the usual one: CHGNet is soft
USUAL_SLOPE = 1.3
# slopes of energies and stresses over that of forces
OVER_FORCES = (0.2, 5.0)
OPPOSITE = -0.5
# eV, Å in one of them
FORCE_UNITS = {
    "Ha/Bohr": 51.42,
    "Ry/Bohr": 25.71,
    "eV/Bohr": 1.89,
    "kcal/mol/Å": 0.04336,
    "kJ/mol/Å": 0.01036,
    "meV/Å": 0.001,
}
ENERGY_UNITS = {"Ha": 27.21, "Ry": 13.61, "kcal/mol": 0.04336, "kJ/mol": 0.01036, "meV": 0.001}
STRESS_UNITS = {"Ha/Bohr³": 183.6, "Ry/Bohr³": 91.8, "GPa": 0.00624, "kbar": 0.000624, "virials": 1 / 500}


def require_alike(
    frames: Sequence[Atoms],
    wheres: Sequence[str],
    *,
    reference: Callable[[Atoms], dict[str, Any] | None] | None = None,
) -> None:
    """That labels are in eV and Å with ASE's signs, as far as CHGNet can tell.

    Parameters
    ----------
    reference
        Energy, forces and stress of a structure, None where it has none; CHGNet's by default.

    Raises
    ------
    DlmdError
        where they are not.
    """
    reference = reference or chgnet()
    chosen = _spread(frames)
    if reference is None or not chosen:
        return
    pairs = [(i, found) for i in chosen if (found := reference(frames[i])) is not None]
    if not pairs:
        return
    own = [frames[i].calc.results for i, _ in pairs]
    told = [found for _, found in pairs]
    sizes = [len(frames[i]) for i, _ in pairs]
    where = f"{wheres[pairs[0][0]]} and {len(pairs) - 1} more" if len(pairs) > 1 else wheres[pairs[0][0]]
    slope = _force_slope(
        *([np.asarray(r["forces"], float) for r in some] for some in (own, told)), where=where
    )
    if slope is None or len(pairs) < LEAST_FRAMES:
        return
    energies = [np.array([r["energy"] / n for r, n in zip(some, sizes, strict=True)]) for some in (own, told)]
    _require_varying("energies", *energies, slope=slope, units=ENERGY_UNITS, where=where)
    stresses = [np.array([_components(r["stress"]) for r in some]) for some in (own, told)]
    _require_varying("stresses", *stresses, slope=slope, units=STRESS_UNITS, where=where)


def _force_slope(own: Sequence[np.ndarray], told: Sequence[np.ndarray], *, where: str) -> float | None:
    """How large forces are beside CHGNet's, which no unit explains; None where the two are not alike."""
    labels, theirs = (np.concatenate([forces.ravel() for forces in some]) for some in (own, told))
    if labels @ labels == 0 or np.sqrt((theirs**2).mean()) < LEAST_FORCE:
        return None
    slope = float(labels @ theirs / (theirs @ theirs))
    alike = float(labels @ theirs / np.sqrt((labels @ labels) * (theirs @ theirs)))
    if alike < -ALIKE:
        raise DlmdError(
            f"forces point the other way than CHGNet's (correlation {alike:.2f}): they are gradients",
            where=where,
            remedy="give forces, the negative derivatives of the energy",
        )
    if alike < ALIKE:
        return None
    if not FORCE_SLOPE[0] <= slope <= FORCE_SLOPE[1]:
        raise DlmdError(
            f"forces are {slope:.3g} times CHGNet's (correlation {alike:.2f}), as if in "
            f"{_unit(slope / USUAL_SLOPE, FORCE_UNITS)}",
            where=where,
            remedy="give energies in eV, forces in eV/Å and stresses in eV/Å³ (1 Ha/Bohr = 51.42 eV/Å, 1 kcal/mol = 0.04336 eV)",
        )
    return slope


def _require_varying(
    what: str, own: np.ndarray, theirs: np.ndarray, *, slope: float, units: dict[str, float], where: str
) -> None:
    """That values vary about their means as CHGNet's do, by the factor that forces have."""
    a, b = ((values - values.mean(axis=0)).ravel() for values in (own, theirs))
    size = float(np.sqrt((a @ a) * (b @ b)))
    if size == 0:
        return
    alike, factor = float(a @ b) / size, float(a @ b) / float(b @ b) / slope
    if alike < OPPOSITE:
        remedy = {
            "energies": "give the energy of each frame itself, in eV",
            "stresses": "give stresses as ASE has them, positive under tension (outputs of VASP and LAMMPS have pressures)",
        }
        raise DlmdError(
            f"{what} vary against CHGNet's (correlation {alike:.2f}), with forces alike: they have the other sign",
            where=where,
            remedy=remedy[what],
        )
    if alike > VARIED_ALIKE and not OVER_FORCES[0] <= factor <= OVER_FORCES[1]:
        raise DlmdError(
            f"{what} vary {factor:.3g} times as much as forces say (correlation with CHGNet's {alike:.2f}), as if in "
            f"{_unit(factor, units)}",
            where=where,
            remedy="give energies in eV per cell, and stresses in eV/Å³ (1 Ha = 27.21 eV, 1 eV/Å³ = 160.2 GPa = 1602 kbar)",
        )


def _components(stress: Any) -> np.ndarray:
    tensor = np.asarray(stress, dtype=float)
    return tensor[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]] if tensor.shape == (3, 3) else tensor


def _unit(factor: float, units: dict[str, float]) -> str:
    """The unit in which values are `factor` times what they are in eV and Å, nearest."""
    return min(units, key=lambda name: abs(np.log(factor * units[name])))


def _spread(frames: Sequence[Atoms]) -> list[int]:
    """Numbers of some frames of the commonest composition, spread over all of these."""
    groups: dict[str, list[int]] = {}
    for i, atoms in enumerate(frames):
        if LEAST_ATOMS <= len(atoms) <= MOST_ATOMS:
            groups.setdefault(f"{atoms.symbols.formula:hill}", []).append(i)
    largest = max(groups.values(), key=len, default=[])
    if len(largest) <= MOST_FRAMES:
        return largest
    return [largest[i] for i in np.linspace(0, len(largest) - 1, MOST_FRAMES).round().astype(int)]


@cache
def chgnet() -> Callable[[Atoms], dict[str, Any] | None] | None:
    """CHGNet's energy, forces and stress of a structure, or None of one that it cannot take; None where it is not installed."""
    if importlib.util.find_spec("chgnet") is None:
        return None
    from dlmd.labels.engines.chgnet import ChgnetEngine

    calculator = ChgnetEngine("0.3.0").calculator()

    def of(atoms: Atoms) -> dict[str, Any] | None:
        try:
            calculator.calculate(atoms, ["energy", "forces", "stress"])
        except Exception:  # elements that it does not know and atoms without neighbours, of many kinds
            return None
        return dict(calculator.results)

    return of
