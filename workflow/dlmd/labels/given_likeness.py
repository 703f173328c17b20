"""Given labels beside what CHGNet, a pretrained potential, says of the same structures: their units and signs.

Nothing in an extxyz or in deepmd/npy says its units. Forces of two levels of theory of one material are alike: those of GPAW
(PBE, PBE + U) are 1.2 and 1.7 times CHGNet's in Li3InCl6 and Li3TiCl6, with correlations of 0.98 and 0.90, and their stresses
and the differences of their energies as much. Single frames have correlations of 0.77 to 0.99. Another unit is another factor:
14 to 51, 1/23, 1/96, 1/160; a factor of two (eV/Bohr) is within what theories differ by. Where likeness is faint (other kinds of
materials than CHGNet knows), or CHGNet is not installed, nothing is judged, and a note says so.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.likeness import correlation
from dlmd.base.likeness import slope as slope_of
from dlmd.labels.given_beside import (
    ALIKE,
    FORCE_SLOPE,
    FROM_OTHERS,
    LEAST_ATOMS,
    LEAST_FORCE,
    LEAST_FORCE_LOST,
    LOST,
    MOST_ATOMS,
    MOST_FRAMES,
    MOST_WHERE_DIVIDED,
    Beside,
    Reference,
    beside,
    pooled,
    rms,
    spread,
    unusual,
)

if TYPE_CHECKING:
    from ase import Atoms

LEAST_FRAMES = 6
VARIED_ALIKE = 0.8
# Part of the frames that CHGNet must know for others, whose likeness is lost, to be of other atoms by that alone; components of
# forces from which on a correlation of no more than LOST is none by chance
KNOWN_PART, LEAST_COMPONENTS = 0.25, 100
# RMS of an element's forces over CHGNet's, beside that of all forces (Ti in Li3TiCl6: 1.6)
OF_ELEMENT = 3.0
# the usual slope of forces: CHGNet is soft
USUAL_SLOPE = 1.3
# slopes of energies and stresses over that of forces
OVER_FORCES = (0.2, 5.0)
OPPOSITE = -0.5
# eV, Å in one of them
FORCE_UNITS = {
    "Ha/Bohr": 51.42,
    "Ry/Bohr": 25.71,
    "kcal/mol/Å": 0.04336,
    "kJ/mol/Å": 0.01036,
    "meV/Å": 0.001,
}
ENERGY_UNITS = {"Ha": 27.21, "Ry": 13.61, "kcal/mol": 0.04336, "kJ/mol": 0.01036, "meV": 0.001}
UNITS = "give energies in eV, forces in eV/Å and stresses in eV/Å³ (1 Ha/Bohr = 51.42 eV/Å, 1 kcal/mol = 0.04336 eV)"
STRESS_UNITS = {"Ha/Bohr³": 183.6, "Ry/Bohr³": 91.8, "GPa": 0.00624, "kbar": 0.000624, "virials": 1 / 500}


def require_alike(
    frames: Sequence[Atoms], wheres: Sequence[str], *, reference: Reference | None = None
) -> list[str]:
    """That labels are in eV and Å with ASE's signs and of their own atoms, as far as CHGNet can tell; what it cannot is returned.

    Parameters
    ----------
    reference
        Energy, forces and stress of a structure, None where it has none; CHGNet's by default.

    Raises
    ------
    DlmdError
        where they are not, naming the frames.
    """
    reference = reference or chgnet()
    if reference is None:
        return ["units and signs are not held against CHGNet's numbers: it is not installed"]
    fit = [i for i, atoms in enumerate(frames) if LEAST_ATOMS <= len(atoms) <= MOST_ATOMS]
    chosen = {*spread(frames, fit, MOST_FRAMES), *unusual(frames, fit)}
    pairs = beside(frames, chosen, reference)
    judged = [pair for pair in pairs if pair.rms[1] >= LEAST_FORCE and pair.rms[0] > 0]
    if _divided(judged):
        pairs += beside(frames, {*spread(frames, fit, MOST_WHERE_DIVIDED)} - chosen, reference)
        pairs.sort(key=lambda pair: pair.number)
        judged = [pair for pair in pairs if pair.rms[1] >= LEAST_FORCE and pair.rms[0] > 0]
    if not judged:
        why = f"forces are below {LEAST_FORCE:g} eV/Å" if pairs else "CHGNet takes none of the frames"
        return [f"units and signs are not held against CHGNet's numbers: {why}"]
    _require_signs(judged, wheres)
    known = [pair for pair in judged if pair.alike >= ALIKE]
    _require_slopes(known, wheres)
    _require_own_atoms(judged, known, pairs, wheres)
    labels, theirs = pooled(judged)
    alike = correlation(labels, theirs)
    if alike < ALIKE:
        return [
            f"units and signs are not held against CHGNet's numbers: its forces are hardly alike (correlation {alike:.2f} in "
            f"{len(judged)} frames)"
        ]
    if rms(labels) < LEAST_FORCE:
        return [f"energies and stresses are not held against CHGNet's: forces are below {LEAST_FORCE:g} eV/Å"]
    if len(pairs) < LEAST_FRAMES:
        return [f"energies and stresses of fewer than {LEAST_FRAMES} frames are not held against CHGNet's"]
    _require_varying_alike(pairs, slope_of(labels, theirs), wheres)
    return []


def _require_signs(judged: Sequence[Beside], wheres: Sequence[str]) -> None:
    """That no forces point the other way than CHGNet's; of single frames those of nearly relaxed ones may."""
    turned = [pair for pair in judged if pair.alike < -ALIKE]
    most = 2 * len(turned) > len(judged)
    turned = [
        pair for pair in turned if pair.rms[0] >= LEAST_FORCE or (most and pair.rms[1] >= LEAST_FORCE_LOST)
    ]
    if turned:
        alike = correlation(*pooled(turned))
        raise DlmdError(
            f"forces point the other way than CHGNet's (correlation {alike:.2f}): they are gradients",
            where=_named(turned, judged, wheres),
            remedy="give forces, the negative derivatives of the energy",
        )


def _require_slopes(known: Sequence[Beside], wheres: Sequence[str]) -> None:
    """That forces are about as large as CHGNet's, and those of no frame much larger or smaller than those of the others."""
    low, high = FORCE_SLOPE
    known = [
        pair for pair in known if pair.rms[1] >= LEAST_FORCE_LOST or pair.rms[0] > FROM_OTHERS * pair.rms[1]
    ]
    outside = [pair for pair in known if not low <= pair.slope <= high]
    if 2 * len(outside) <= len(known):
        apart = [pair for pair in known if _from_others(pair, known) > FROM_OTHERS]
        outside = [pair for pair in apart if pair in outside] or apart
    if not outside:
        return
    labels, theirs = pooled(outside)
    slope, alike = slope_of(labels, theirs), correlation(labels, theirs)
    rest = [pair.slope for pair in known if pair not in outside]
    elsewhere = f", {np.median(rest):.3g} times in other frames" if rest else ""
    raise DlmdError(
        f"forces are {slope:.3g} times CHGNet's (correlation {alike:.2f}){elsewhere}, as if in "
        f"{_unit(slope / (float(np.median(rest)) if rest else USUAL_SLOPE), FORCE_UNITS)}",
        where=_named(outside, known, wheres),
        remedy=UNITS,
    )


def _from_others(pair: Beside, known: Sequence[Beside]) -> float:
    """By how much the slope is off the median of the other frames', as a factor beyond one."""
    others = [other.slope for other in known if other is not pair]
    return float(np.exp(abs(np.log(pair.slope / np.median(others))))) if others else 1.0


def _require_own_atoms(
    judged: Sequence[Beside], known: Sequence[Beside], pairs: Sequence[Beside], wheres: Sequence[str]
) -> None:
    """That forces as large as CHGNet's are like its in some measure: those of other atoms or frames are not."""
    lost = [pair for pair in judged if pair.lost]
    if not lost:
        return
    alike = correlation(*pooled(lost))
    proof = _whose(lost, pairs, wheres)
    if len(known) < max(2, KNOWN_PART * len(judged)):
        few = sum(3 * len(pair.symbols) for pair in lost) < LEAST_COMPONENTS
        if not proof and (few or 2 * len(lost) <= len(judged) or alike > LOST or not _elements_agree(lost)):
            return
        others = ""
        lost = list(judged) if 2 * len(lost) > len(judged) else lost
    else:
        others = f"; in other frames it is {np.median([pair.alike for pair in known]):.2f}"
    raise DlmdError(
        f"forces as large as CHGNet's have nothing to do with its (correlation {alike:.2f}{others}): "
        f"{proof or 'they are of other atoms or of another frame'}",
        where=_named(lost, judged, wheres),
        remedy="give the forces of each frame in the order of its atoms; sort positions, elements and forces alike",
    )


def _whose(lost: Sequence[Beside], pairs: Sequence[Beside], wheres: Sequence[str]) -> str:
    """Of which atoms or frame the forces of most of these are, empty where that is not seen."""
    sortings: dict[str, list[float]] = {}
    for pair in lost:
        labels, theirs = pair.forces
        by_name = np.argsort(pair.symbols, kind="stable")
        for what, order in (("are", by_name), ("are not, but the atoms are", np.argsort(by_name))):
            if not np.array_equal(order, np.arange(len(order))):
                sortings.setdefault(what, []).append(correlation(labels, theirs[order]))
    for what, found in sortings.items():
        if 2 * len(found) > len(lost) and np.median(found) >= ALIKE:
            return f"they {what} in alphabetical order of the elements"
    for pair in lost:
        for other in pairs:
            same = other is not pair and np.array_equal(other.symbols, pair.symbols)
            if same and correlation(pair.forces[0], other.forces[1]) >= ALIKE:
                return f"those of frame {_number(wheres[pair.number])} are of frame {_number(wheres[other.number])}"
    return ""


def _elements_agree(lost: Sequence[Beside]) -> bool:
    """Whether forces on each element are as large beside CHGNet's as all are: it knows the material, then."""
    own_of_all, told_of_all = (rms(forces) for forces in pooled(lost))
    symbols = np.concatenate([pair.symbols for pair in lost])
    labels, theirs = (np.concatenate(forces) for forces in zip(*(pair.forces for pair in lost), strict=True))
    for element in set(symbols.tolist()):
        own, told = rms(labels[symbols == element]), rms(theirs[symbols == element])
        if not 1 / OF_ELEMENT <= own / own_of_all * told_of_all / max(told, 1e-12) <= OF_ELEMENT:
            return False
    return True


def _require_varying_alike(pairs: Sequence[Beside], slope: float, wheres: Sequence[str]) -> None:
    """Energies and stresses beside CHGNet's."""
    where = _named(pairs, pairs, wheres)
    sizes = np.array([len(pair.symbols) for pair in pairs])
    kinds = np.unique([" ".join(sorted(pair.symbols)) for pair in pairs], return_inverse=True)[1]
    if len(pairs) - len(set(kinds.tolist())) < LEAST_FRAMES - 1:
        return  # nothing to compare within the compositions

    def within(values: np.ndarray) -> np.ndarray:
        """Less the mean of the composition, since atoms have other energies in another theory."""
        return values - np.array([values[kinds == kind].mean(axis=0) for kind in kinds])

    both = [pair.own for pair in pairs], [pair.told for pair in pairs]
    energies = [within(np.array([float(r["energy"]) for r in some]) / sizes) for some in both]
    guesses = ENERGY_UNITS | {"eV per atom": float(np.exp(np.log(sizes).mean()))}
    _require_varying("energies", *energies, slope=slope, units=guesses, where=where)
    stresses = [within(np.array([_components(r["stress"]) for r in some])) for some in both]
    _require_varying("stresses", *stresses, slope=slope, units=STRESS_UNITS, where=where)


def _divided(judged: Sequence[Beside]) -> bool:
    """Whether some frames are like CHGNet's and others are not, or by other factors."""
    known = [pair for pair in judged if pair.alike >= ALIKE]
    return any(pair.alike < -ALIKE or pair.lost for pair in judged) or any(
        _from_others(pair, known) > FROM_OTHERS for pair in known
    )


def _named(
    some: Sequence[Beside], all_of_them: Sequence[Beside], wheres: Sequence[str], *, most: int = 8
) -> str:
    """Where frames are: the first and how many more where it is all of them, else one by one."""
    first, *others = (wheres[pair.number] for pair in some)
    if not others:
        return first
    if len(some) == len(all_of_them):
        return f"{first} and {len(others)} more"
    named = ", ".join([first, *(_number(where) for where in others[: most - 1])])
    return named + (f" and {len(others) - most + 1} more" if len(others) >= most else "")


def _number(where: str) -> str:
    """The number at the end of "FILE, frame NUMBER"."""
    return where[where.rfind("frame ") + len("frame ") :] if "frame " in where else where


def _require_varying(
    what: str, own: np.ndarray, theirs: np.ndarray, *, slope: float, units: dict[str, float], where: str
) -> None:
    """That values vary about their means, which they are without, as CHGNet's do, by the factor that forces have."""
    if not (own.any() and theirs.any()):
        return
    alike, factor = correlation(own, theirs), slope_of(own, theirs) / slope
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
