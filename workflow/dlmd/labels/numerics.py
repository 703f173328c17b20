"""k-points and smearing of labels: what frames say of them, held against what their level takes in the same cell.

They decide numbers and are no part of `theory`, by which checkpoints and results are told apart: frames carry them beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dlmd.config.levels.dft import RENAMED, DftSettings
from dlmd.config.levels.vasp import VaspSettings

if TYPE_CHECKING:
    from ase import Atoms

# in the info of a frame
KEY = "numerics"
DENSITY, MESH, KIND, WIDTH = "kpoint_density_angstrom", "kpoint_mesh", "smearing", "smearing_ev"
# what may be said, by the names that levels have for it
KNOWN = (MESH, DENSITY, KIND, WIDTH, "relative_cutoff_ev")
# VASP's ISMEAR
KINDS = {-5: "tetrahedra", -1: "fermi-dirac", 0: "gaussian"}
# widths are printed with four decimals, in Rydberg
WIDTH_ROUNDING_EV = 1e-3
ROUNDING = 1e-4
# CP2K prints this cutoff with one decimal, in Hartree
ROUGH = {"relative_cutoff_ev": 5e-3}


def of(settings: object, atoms: Atoms) -> dict[str, Any]:
    """k-points and smearing that a level takes for a cell; empty for one that has none. A VASP level may have meshes for several
    cells by name: then the mesh is a list of them all."""
    if isinstance(settings, VaspSettings):
        return {MESH: _meshes(settings, atoms), KIND: KINDS[settings.ismear], WIDTH: settings.sigma_ev}
    if not isinstance(settings, DftSettings):
        return {}
    known = {name: getattr(settings, name, None) for name in KNOWN}
    found: dict[str, Any] = {MESH: _mesh(known, atoms) or [1, 1, 1], KIND: "fermi-dirac"}
    return found | {name: known[name] for name in (WIDTH, "relative_cutoff_ev") if known[name] is not None}


def beside(settings: object, atoms: Atoms) -> dict[str, Any]:
    """What the info of a frame has of it, for a level whose engine is called from here."""
    found = of(settings, atoms)
    return {KEY: found} if found else {}


def of_job(job: Mapping[str, Any]) -> dict[str, Any]:
    """What the info of a frame has of it, for a job staged for VASP."""
    tags = job["run_steps"][-1]["tags"]
    kind = KINDS.get(tags["ISMEAR"], "methfessel-paxton")
    return {KEY: {MESH: list(job["kpoints"]["mesh"]), KIND: kind, WIDTH: float(tags["SIGMA"])}}


def spelt(said: Mapping[str, Any]) -> dict[str, Any]:
    """The statements of `said` that are of this kind, under their names of today."""
    names = {RENAMED.get(key, key): value for key, value in said.items()}
    return {key: value for key, value in names.items() if key in KNOWN and value is not None}


def mismatch(said: Mapping[str, Any], level: Mapping[str, Any], atoms: Atoms) -> tuple[str, Any, Any] | None:
    """The first of the statements (of `spelt`) that is not the level's (of `of`): name, what is said, what the level has."""
    for name, value in said.items():
        if name == DENSITY:
            name, value = MESH, _mesh({DENSITY: value}, atoms) or value
        if name in level and not _same(name, value, level[name]):
            return name, value, level[name]
    return None


def unsaid(said: Mapping[str, Any], level: Mapping[str, Any]) -> dict[str, Any]:
    """What the level has and nothing is said of."""
    told = {MESH if name == DENSITY else name for name in said}
    # a width without a word is of the kind that the engine takes
    told |= {KIND} & level.keys() if WIDTH in told else set()
    return {name: value for name, value in level.items() if name not in told}


def _mesh(said: Mapping[str, Any], atoms: Atoms) -> list[int] | None:
    from ase.calculators.calculator import kpts2sizeandoffsets

    if said.get(MESH) is not None:
        return [int(n) for n in said[MESH]]
    density = said.get(DENSITY)
    if not isinstance(density, int | float):
        return None
    return [int(n) for n in kpts2sizeandoffsets(density=density, gamma=True, atoms=atoms)[0]]


def _meshes(settings: VaspSettings, atoms: Atoms) -> list[list[int]]:
    from dlmd.labels.vasp.incar import k_mesh

    kpoints = settings.aimd.kpoints
    found = [list(mesh) for mesh in kpoints.mesh.values()]
    if kpoints.spacing_per_angstrom is not None:
        found.append(k_mesh(atoms, "", kpoints))
    return found


def _same(name: str, found: Any, meant: Any) -> bool:
    if name == MESH:
        mesh = _numbers(found)
        return mesh is not None and any(mesh == _numbers(one) for one in (meant, *meant))
    if not isinstance(meant, float):
        return str(found).strip().lower().replace("_", "-") == meant
    if isinstance(found, bool) or not isinstance(found, int | float):
        return False
    return math.isclose(
        found, meant, rel_tol=ROUGH.get(name, ROUNDING), abs_tol=WIDTH_ROUNDING_EV if name == WIDTH else 0.0
    )


def _numbers(mesh: Any) -> list[float] | None:
    try:
        return [float(n) for n in mesh]
    except (TypeError, ValueError):
        return None
