"""Whether a run that was not staged here is of a level: held against the single points that the level would stage.

Where the ions go, how electrons get to their ground state and from which moments they start may differ: labels are of each frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlmd.base.errors import DlmdError
from dlmd.config.levels.vasp import VaspSettings
from dlmd.config.levels.vasp_tags import FIXED, METHOD, MOTION
from dlmd.labels.vasp import as_staged, incar, inputs, potcar, verify
from dlmd.labels.vasp.as_staged import NOT_TOLD
from dlmd.labels.vasp.frames import Run
from dlmd.labels.vasp.potcar import titel_name

# judged by the k-points themselves, by the valences, and frame by frame
JUDGED = {"KSPACING", "KGAMMA", "NELECT", "EDIFF", "MAGMOM"}
# said of many atoms: moved, drawn or frozen ones
ASIDE = inputs.ASIDE | METHOD | MOTION | set(FIXED) | JUDGED
# held against the level by `dlmd.labels.given_theory`, or by what VASP took of them
TOLD = {*as_staged.LEVEL, *as_staged.NUMERICS, *as_staged.PLUS_U}


def mismatches(run: Run, settings: VaspSettings, meshes: list[list[int]]) -> list[str]:
    """Where a run differs from the level's single points, as 'NAME is FOUND, the level has MEANT'; empty if nowhere.

    `meshes` are the meshes that the level may take for this cell.
    """
    tags = incar.level_tags(settings, run.species)
    wanted = as_staged.LEVEL | as_staged.NUMERICS
    if "METAGGA" in tags:
        del wanted["GGA"]  # which is then that of the potentials
    wrong = as_staged.told_mismatches(run, tags, wanted)
    wrong += _potentials(run, settings) + _k_points(run, settings, meshes)
    wrong += as_staged.ground_state_mismatches(run, tags) + as_staged.kind_mismatches(run, tags)
    wrong += [
        text for text in as_staged.number_mismatches(run, tags) if not _tighter(text, run.settings, tags)
    ]
    wrong += as_staged.motion_mismatches(run, "given")
    wrong += [text for text in _untold(run, tags) if NOT_TOLD not in text]
    if run.incar is not None:
        wrong += inputs.tag_mismatches(run.incar, tags, aside=ASIDE | TOLD, whole=False)
    told: dict[str, str] = {}
    for text in wrong:
        told.setdefault(text.split()[0], text.replace(", staged ", ", the level has "))
    return list(told.values())


def unsaid(run: Run, settings: VaspSettings, meshes: list[list[int]]) -> dict[str, Any]:
    """What is looked for and the output does not say, with what the level has."""
    tags = incar.level_tags(settings, run.species)
    known = {name: tags[name] for name in ("ENCUT", "EDIFF", *as_staged.NUMERICS)}
    found: dict[str, Any] = {name: value for name, value in known.items() if run.settings.get(name) is None}
    if run.kpoints is None and run.k_points is None:
        found["k-points"] = meshes
    if not run.titels:
        found["potentials"] = potcar.names(run.species, settings)
    return found | {name: tags[name] for name in (t.split()[0] for t in _untold(run, tags) if NOT_TOLD in t)}


def _untold(run: Run, tags: Mapping[str, Any]) -> list[str]:
    return as_staged.untold_mismatches(run, {n: v for n, v in tags.items() if n not in ASIDE | TOLD})


def _potentials(run: Run, settings: VaspSettings) -> list[str]:
    wanted = potcar.names(run.species, settings)
    if not run.titels:
        return []
    # one element may be of several types
    names = list(dict.fromkeys(titel_name(t) for t in run.titels))
    wanted = list(dict.fromkeys(wanted))
    if names != wanted:
        return [f"potentials are {names}, staged {wanted}"]
    for titel, own in zip(run.titels, _editions(run, settings), strict=False):
        if own is not None and titel.split() != own.split():
            return [f"potential is '{titel}', staged '{own}'"]
    family = as_staged.POTENTIALS.get(settings.potcar_family)
    others = [titel for titel in run.titels if family and titel.split()[0] != family]
    return [f"potential is '{titel}', staged one of {family}" for titel in others[:1]]


def _editions(run: Run, settings: VaspSettings) -> list[str | None]:
    """TITELs of the level's own library, where it is here."""
    try:
        folder = potcar.library(settings)
        found = [
            potcar.load(folder, name.split("_")[0], name, settings) if folder else None
            for name in map(titel_name, run.titels)
        ]
    except DlmdError:
        return []
    return [one.titel if one else None for one in found]


def _k_points(run: Run, settings: VaspSettings, meshes: list[list[int]]) -> list[str]:
    centring = settings.aimd.kpoints.centring
    wrong = [as_staged.kpoint_mismatches(run, {"mesh": mesh, "centring": centring}) for mesh in meshes]
    return [] if not wrong or any(not one for one in wrong) else wrong[-1]


def _tighter(text: str, settings: Mapping[str, Any], tags: Mapping[str, Any]) -> bool:
    """Whether this is of electrons that went on for longer than the level asks."""
    found = verify.number(settings.get("EDIFF"))
    return text.startswith("EDIFF is") and found is not None and 0 <= found < float(tags["EDIFF"])
