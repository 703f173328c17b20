"""What labels made elsewhere were computed with, as file and config say it, held against the level they are given to."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.config.levels.dft import DftSettings
from dlmd.config.levels.vasp import VaspSettings
from dlmd.labels import numerics

if TYPE_CHECKING:
    from ase import Atoms

    from dlmd.labels.vasp.frames import Run

# VASP's functional tag -> its name in a level
FUNCTIONALS = {"PE": "PBE", "91": "PW91", "PS": "PBEsol", "RP": "RPBE"}
ORBITALS = {1: "p", 2: "d", 3: "f"}
# keys of a theory that a level has only where it says something of them
UNASKED = ("dispersion", "incar", "ediff_ev", "keywords", "input_data", "input")
# keys of a theory that must be known of every label
STATED = ("functional", "hubbard_u_ev")
# outputs print cutoffs with few digits, and in other units
ROUNDING = 1e-4
# keywords of corrections for dispersion: CP2K's, pw.x'
DISPERSION = ("VDW_POTENTIAL", "vdw_corr")
REMEDY = "give them to a level of that theory; data of two levels are never mixed"


def settings_of(engine: Mapping[str, Any]) -> DftSettings | VaspSettings | None:
    """Settings of a DFT level from its keys; None for another."""
    from dlmd.config.levels.cp2k import Cp2kSettings
    from dlmd.config.levels.espresso import EspressoSettings
    from dlmd.config.levels.gpaw import GpawSettings
    from dlmd.labels.engines.dft import validated

    own = {key: value for key, value in engine.items() if key != "engine"}
    name = engine["engine"]
    if name == "vasp":
        return VaspSettings.of_staging(own)
    kinds: dict[str, Any] = {"gpaw": GpawSettings, "espresso": EspressoSettings, "cp2k": Cp2kSettings}
    return validated(kinds[name], own, engine=name) if name in kinds else None


def theory_of(engine: Mapping[str, Any]) -> dict[str, Any]:
    """Level of theory that the keys of a level stand for; its program and its pseudopotentials need not be here."""
    from dlmd.labels import engines
    from dlmd.labels.engines.cp2k import Cp2kEngine
    from dlmd.labels.engines.espresso import EspressoEngine
    from dlmd.labels.engines.gpaw import GpawEngine

    settings: Any = settings_of(engine)
    if settings is None:
        return engines.get(engine).level
    if isinstance(settings, VaspSettings):
        return settings.level_of_theory()
    if engine["engine"] == "espresso":
        with suppress(DlmdError):
            return EspressoEngine(settings).level
        return {
            "engine": "espresso",
            **settings.theory(),
            **{name: getattr(settings, name) for name in ("ecut_ev", "density_cutoff_ratio")},
            "pseudopotentials": dict(sorted(settings.pseudopotentials.items())),
        }
    return {"gpaw": GpawEngine, "cp2k": Cp2kEngine}[engine["engine"]](settings).level


def of_vasp(
    species: Sequence[str], settings: Mapping[str, Any], titels: Sequence[str] = ()
) -> dict[str, Any]:
    """Functional, U, cutoff, spin and potentials as VASP echoed them."""
    from dlmd.labels.vasp.potcar import titel_name

    tag = str(settings.get("GGA", "--")).upper()
    found: dict[str, Any] = {"functional": FUNCTIONALS.get(tag, tag), "hubbard_u_ev": {}}
    if str(settings.get("LDAU", "F")).strip(".").upper().startswith("T"):
        u, j, orbitals = (settings.get(name) or [] for name in ("LDAUU", "LDAUJ", "LDAUL"))
        # one element may be of several types, with a potential each
        own = [titel_name(titel).split("_")[0] for titel in titels]
        types = own if len(u) == len(own) != len(species) else list(species)
        values = [float(a) - float(b) for a, b in zip(u, j or [0.0] * len(u), strict=False)]
        effective = _by_element(types, values)
        found["hubbard_u_ev"] = {e: v for e, v in sorted(effective.items()) if v != 0}
        if orbitals:
            kinds = _by_element(types, [ORBITALS.get(int(n), "none") for n in orbitals])
            found["hubbard_orbital"] = {element: kinds.get(element) for element in found["hubbard_u_ev"]}
    if settings.get("ENCUT") is not None:
        found["encut_ev"] = float(settings["ENCUT"])
    if settings.get("ISPIN") is not None:
        found["spin_polarised"] = int(settings["ISPIN"]) == 2
    if len(titels) == len(species):
        names = {element: titel_name(titel) for element, titel in zip(species, titels, strict=True)}
        found["potcar_flavours"] = {element: name for element, name in names.items() if name != element}
    return found


def _by_element(types: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """Element -> its value; all of its values where its types have different ones, which no level has."""
    every: dict[str, list[Any]] = {}
    for element, value in zip(types, values, strict=False):
        every.setdefault(element, []).append(value)
    return {element: own[0] if len(set(own)) == 1 else own for element, own in every.items()}


def require(
    own: Mapping[str, Any],
    stated: Mapping[str, Any],
    theory: Mapping[str, Any],
    *,
    where: str,
    whole: bool = False,
) -> None:
    """That the labels are of the level's theory, as the file or the config says.

    Parameters
    ----------
    own, stated
        What the file and the config say.
    whole
        The file's theory is that of a level, all of it: what it leaves out is not there.

    Raises
    ------
    DlmdError
        where they are not, or do not say their functional or U.
    """
    for key in stated:
        if key not in theory and not numerics.spelt({key: stated[key]}):
            raise DlmdError(
                f"theory.{key} is nothing that this level has",
                where=where,
                remedy=did_you_mean(key, [*theory, *numerics.KNOWN]),
            )
    known = {**stated, **own}
    silent = [key for key in STATED if key not in known and key in theory]
    if silent:
        example = ", ".join(f"{key}: {json.dumps(theory[key])}" for key in silent)
        raise DlmdError(
            f"the file does not say with which {' and '.join(silent)} its labels were computed",
            where=where,
            remedy=f"if it was the level's, write  theory: {{{example}}}  beside the file in labels.frames",
        )
    left_out = {key: None for key in UNASKED if whole and key in theory and key not in known}
    for source, said in (("the config says", stated), ("the file says", {**own, **left_out})):
        for key, value in said.items():
            found, has = _comparable(key, value, theory, some=not whole and said is not stated)
            if (key in theory or key in UNASKED) and not _same(found, has):
                shown = "none" if value is None else value
                raise DlmdError(
                    f"labels of another theory: {source} {key} = {shown}, the level has {has or 'none'}",
                    where=where,
                    remedy=REMEDY,
                )


def require_numerics(
    frames: Sequence[Atoms],
    said: Sequence[Mapping[str, Any]],
    stated: Mapping[str, Any],
    settings: DftSettings | VaspSettings | None,
    *,
    where: str,
) -> dict[str, Any]:
    """That k-points and smearing of the frames are the level's, where the file or the config says them.

    Returns
    -------
    What nothing is said of, with what the level has; it is taken to be the labels' too.

    Raises
    ------
    DlmdError
        for the first frame with others.
    """
    silent: dict[str, Any] = {}
    by_config = numerics.spelt(stated)
    for number, (atoms, own) in enumerate(zip(frames, said, strict=True)):
        level = numerics.of(settings, atoms)
        for source, told in (("the config says", by_config), (f"frame {number} says", own)):
            wrong = numerics.mismatch(told, level, atoms)
            if wrong:
                name, found, has = wrong
                raise DlmdError(
                    f"labels of other settings: {source} {name} = {found}, the level has {has}",
                    where=where,
                    remedy=f"give them to a level with these; where it is the level that is wrong, set its {name}",
                )
        silent = numerics.unsaid({**by_config, **own}, level) | silent
    return silent


def require_run(run: Run, atoms: Atoms, settings: VaspSettings, *, where: str) -> dict[str, Any]:
    """That a run of VASP is of the level in all that decides its numbers.

    Returns
    -------
    What its output does not say, with what the level has.

    Raises
    ------
    DlmdError
        where it is not.
    """
    from dlmd.labels.vasp import as_given

    level = numerics.of(settings, atoms)
    wrong = as_given.mismatches(run, settings, level[numerics.MESH])
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise DlmdError(
            f"labels of another theory: {wrong[0]}{more}",
            where=where,
            remedy="where all labels are of these settings, give them to the level (its keys, incar, aimd.incar, aimd.kpoints); "
            "else to a level of their own",
        )
    return as_given.unsaid(run, settings, level[numerics.MESH])


def _comparable(key: str, value: Any, theory: Mapping[str, Any], *, some: bool) -> tuple[Any, Any]:
    """What is said and what the level has, in the same words; `some`: an output, which shows a part of the level's tags."""
    has = theory.get(key)
    if key == "dispersion" and has is None and any(word in json.dumps(theory) for word in DISPERSION):
        return value, value  # which is by the program's own keywords
    if key == "potcar_flavours":
        # a plain symbol is what an element takes that is not named
        return (_named(value), _named(has or {}))
    if key == "incar" and isinstance(value, Mapping):
        tags = {tag: _tag(one) for tag, one in value.items()}
        meant = {tag: _tag(one) for tag, one in (has or {}).items() if tag in tags or not some}
        return tags or None, meant or None
    if key == "pseudopotentials" and isinstance(value, Mapping) and isinstance(has, Mapping):
        # file names, and where they were read, the beginning of their hash
        length = min(len(str(one).split()) for one in (*value.values(), *has.values()))
        both = [
            {element: str(one).split()[:length] for element, one in all_.items()} for all_ in (value, has)
        ]
        return both[0], both[1]
    return value, has


def _named(flavours: Mapping[str, str]) -> dict[str, str]:
    return {element: name for element, name in flavours.items() if name != element}


def _tag(value: Any) -> str:
    from dlmd.labels.vasp import inputs, kinds

    return kinds.shown(value) if isinstance(value, bool) else inputs.show(kinds.shown(value))


def _same(a: Any, b: Any) -> bool:
    """Whether two values are the same; 4 and 4.0 are."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        one, other = ({str(k): v for k, v in both.items()} for both in (a, b))
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in (a, b)):
        return bool(a == b)
    return math.isclose(a, b, rel_tol=ROUNDING)
