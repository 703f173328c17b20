"""INCAR tags, moments, k-meshes and the plan of runs that the settings mean for one structure. No files here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dlmd.base.errors import DlmdError
from dlmd.config.levels.vasp import KpointSettings, VaspSettings
from dlmd.config.levels.vasp_tags import IncarValue, Tags

if TYPE_CHECKING:
    from ase import Atoms

ORBITAL_L = {"p": 1, "d": 2, "f": 3}


@dataclass(frozen=True)
class Step:
    """One VASP run of a job: its folder name, what it is for, and its INCAR tags."""

    name: str
    role: str  # relax, static, heat, produce
    tags: Tags


def species_blocks(atoms: Atoms) -> tuple[list[str], list[int]]:
    """Elements in the order of the POSCAR, with their counts.

    Raises
    ------
    DlmdError
        if atoms of one element are not next to each other: VASP pairs POSCAR blocks with POTCARs, and a silent
        sort would reorder U values, moments and labels.
    """
    species: list[str] = []
    counts: list[int] = []
    for symbol in atoms.get_chemical_symbols():
        if species and species[-1] == symbol:
            counts[-1] += 1
        else:
            species.append(symbol)
            counts.append(1)
    if len(set(species)) != len(species):
        raise DlmdError(
            f"atoms of one element are not together: {' '.join(species)}",
            where="structure to stage",
            remedy="group the atoms by element before staging",
        )
    return species, counts


def initial_moments(atoms: Atoms, settings: VaspSettings) -> list[float]:
    """Initial moment of every atom in Bohr magnetons: by atom-site label (array 'site'), else by element, else 0.

    Raises
    ------
    DlmdError
        if `magmom` names something that is neither an element nor a site of this structure.
    """
    symbols = atoms.get_chemical_symbols()
    sites = [str(s) for s in atoms.arrays["site"]] if "site" in atoms.arrays else symbols
    unknown = sorted(set(settings.magmom) - set(symbols) - set(sites))
    if unknown:
        raise DlmdError(
            f"magmom names {', '.join(unknown)}, which the structure lacks",
            where="magmom of the VASP level",
            remedy=f"use elements or site labels: {', '.join(sorted(set(symbols) | set(sites)))}",
        )
    return [
        float(settings.magmom.get(site, settings.magmom.get(symbol, 0.0)))
        for symbol, site in zip(symbols, sites, strict=True)
    ]


def k_mesh(atoms: Atoms, cell: str, settings: KpointSettings) -> list[int]:
    """Subdivisions along the reciprocal axes for the supercell named `cell`.

    A named mesh wins; otherwise max(1, ceil(|b_i| / spacing)) with |b_i| including 2π, which is VASP's KSPACING.

    Raises
    ------
    DlmdError
        if the cell has no mesh and there is no spacing.
    """
    if cell in settings.mesh:
        return list(settings.mesh[cell])
    if settings.spacing_per_angstrom is None:
        raise DlmdError(
            f"no k-mesh for the cell '{cell}'",
            where="kpoints of the VASP level",
            remedy=f"add it to kpoints.mesh (there: {', '.join(settings.mesh)}) or give kpoints.spacing_per_angstrom",
        )
    lengths = (math.tau * sum(x * x for x in b) ** 0.5 for b in atoms.cell.reciprocal())
    # the small number keeps a length that is a whole multiple from being rounded up
    return [max(1, math.ceil(b / settings.spacing_per_angstrom - 1e-8)) for b in lengths]


def level_tags(settings: VaspSettings, species: list[str]) -> Tags:
    """Tags of a level's dynamics and single points, without those that say where the ions go."""
    return (
        _electrons(settings, settings.aimd, species, "") | settings.incar | _but("SMASS", settings.aimd.incar)
    )


def _common(settings: VaspSettings, stage: Any, species: list[str], label: str) -> Tags:
    for name in ("LSORBIT", "LNONCOLLINEAR"):
        if (settings.incar | stage.incar).get(name):
            raise DlmdError(
                f"{name} is set, and moments are staged and read as collinear ones",
                where="incar of the VASP level",
                remedy="leave it out, or compute such labels outside and give them in labels.frames",
            )
    missing = sorted(set(settings.plus_u) - set(species))
    if missing:
        raise DlmdError(
            f"hubbard_u_ev names {', '.join(missing)}, which the structure lacks",
            where="hubbard_u_ev of the VASP level",
            remedy=f"use elements of the structure: {', '.join(species)}",
        )
    return _electrons(settings, stage, species, label)


def _electrons(settings: VaspSettings, stage: Any, species: list[str], label: str) -> Tags:
    from ase.data import atomic_numbers

    heaviest = max(atomic_numbers[s] for s in species)
    tags: Tags = {
        "SYSTEM": label,
        **settings.functional_tags,
        "ENCUT": settings.encut_ev,
        "PREC": stage.tags["PREC"],
        "ALGO": stage.tags["ALGO"],
        "NELM": stage.tags["NELM"],
        "NELMIN": 4,
        "EDIFF": stage.ediff_ev,
        "LREAL": stage.tags["LREAL"],
        "ISMEAR": settings.ismear,
        "SIGMA": settings.sigma_ev,
        "LASPH": True,
        "ISPIN": 2 if settings.spin_polarised else 1,
        # charge-density mixing must reach the highest occupied l, with a U or without
        "LMAXMIX": 6 if heaviest > 56 else 4 if heaviest > 20 else 2,
        "NWRITE": 2,
        "LORBIT": 11,
        "LWAVE": False,
        "LCHARG": False,
    }
    if settings.plus_u:
        tags |= {
            "LDAU": True,
            "LDAUTYPE": 2,
            "LDAUL": [ORBITAL_L[settings.orbital(s)] if s in settings.plus_u else -1 for s in species],
            "LDAUU": [settings.plus_u.get(s, 0.0) for s in species],
            "LDAUJ": [0.0] * len(species),
            "LDAUPRINT": 1,
        }
    return tags


def relax_plan(settings: VaspSettings) -> list[tuple[str, str]]:
    """(name, role) of the runs of a relaxation, in order."""
    plan = [(f"{n + 1}-relax", "relax") for n in range(settings.relax.restarts + 1)]
    return plan + ([(f"{len(plan) + 1}-static", "static")] if settings.relax.static else [])


def aimd_plan(
    settings: VaspSettings, *, temperature_k: float, steps: int
) -> list[tuple[str, str, float, float, int]]:
    """(name, role, first temperature, last temperature, steps) of the runs of a trajectory, in order."""
    aimd = settings.aimd
    rungs = [t for t in aimd.heating_ladder_k if t < temperature_k] + [temperature_k]
    parts = [("heat", low, high, aimd.heating_steps) for low, high in pairwise(rungs)]
    for first in range(0, steps, aimd.chunk_steps):
        parts.append(("produce", temperature_k, temperature_k, min(aimd.chunk_steps, steps - first)))
    return [(f"seg{n:03d}", *part) for n, part in enumerate(parts)]


def relax_steps(settings: VaspSettings, species: list[str], *, label: str) -> list[Step]:
    """Relaxation, its restarts with a basis made for the relaxed cell, and a single point."""
    relax = settings.relax
    common = _common(settings, relax, species, label)
    moving = {
        "IBRION": 2,
        "ISIF": 3,
        "NSW": relax.max_steps,
        "EDIFFG": -relax.fmax_ev_per_angstrom,
        "POTIM": relax.tags["POTIM"],
    }
    # VASP's defaults for NSW = 0 are a single point with stress
    by_role: dict[str, Any] = {
        "relax": moving | settings.incar | relax.incar,
        # nothing moves: the step length of the optimiser has no meaning
        "static": {"NSW": 0} | settings.incar | _but("POTIM", relax.incar),
    }
    return [Step(name, role, common | by_role[role]) for name, role in relax_plan(settings)]


def _but(tag: str, tags: Mapping[str, IncarValue]) -> dict[str, IncarValue]:
    """`tags` without one of them."""
    return {name: value for name, value in tags.items() if name != tag}


def endpoint_steps(
    settings: VaspSettings, species: list[str], *, label: str, fmax_ev_per_angstrom: float, max_steps: int
) -> list[Step]:
    """Relaxation at fixed cell of one end of a hop, with the electrons treated as in relaxations."""
    tags = _common(settings, settings.relax, species, label) | {
        "IBRION": 2,
        "ISIF": 2,
        "ISYM": 0,
        "NSW": max_steps,
        "EDIFFG": -fmax_ev_per_angstrom,
        "POTIM": settings.relax.tags["POTIM"],
    }
    return [Step("1-relax", "relax", tags | settings.incar | settings.relax.incar)]


def band_steps(
    settings: VaspSettings,
    species: list[str],
    *,
    label: str,
    images: int,
    fmax_ev_per_angstrom: float,
    max_steps: int,
) -> list[Step]:
    """Nudged elastic band with a climbing image.

    LCLIMB, ICHAIN and IOPT (7 is FIRE, which needs IBRION = 3 and POTIM = 0) are those of the VTST tools: VASP must be built
    with them, and started on a whole multiple of IMAGES ranks.
    """
    tags = _common(settings, settings.relax, species, label) | {
        "IMAGES": images,
        "SPRING": -5,
        "LCLIMB": True,
        "ICHAIN": 0,
        "IOPT": 7,
        "IBRION": 3,
        "POTIM": 0.0,
        "ISIF": 2,
        "ISYM": 0,
        "NSW": max_steps,
        "EDIFFG": -fmax_ev_per_angstrom,
    }
    # that of relaxations is not for the optimiser of bands
    return [Step("1-neb", "neb", tags | settings.incar | _but("POTIM", settings.relax.incar))]


def static_steps(settings: VaspSettings, species: list[str], *, label: str) -> list[Step]:
    """One single point with the electrons treated as in dynamics, so that its labels may join theirs."""
    common = _common(settings, settings.aimd, species, label)
    return [
        Step(
            "1-static",
            "static",
            common | {"NSW": 0, "ISYM": 0} | settings.incar | _but("SMASS", settings.aimd.incar),
        )
    ]


def aimd_steps(
    settings: VaspSettings,
    species: list[str],
    *,
    label: str,
    temperature_k: float,
    steps: int,
    time_step_fs: float,
    seed: int,
) -> list[Step]:
    """NVT dynamics: ramps up the heating ladder, then segments of `chunk_steps` at `temperature_k`."""
    aimd = settings.aimd
    common = _common(settings, aimd, species, label) | {
        "IBRION": 0,
        "MDALGO": 2,
        "SMASS": aimd.tags["SMASS"],
        "ISIF": 2,
        "ISYM": 0,
        "NBLOCK": 1,
        "POTIM": time_step_fs,
        # velocities are drawn from it in the first run; later ones read them from the CONTCAR
        "RANDOM_SEED": [seed % 900_000_000, 0, 0],
    }
    overrides = settings.incar | aimd.incar
    return [
        Step(name, role, common | {"TEBEG": begin, "TEEND": end, "NSW": length} | overrides)
        for name, role, begin, end, length in aimd_plan(settings, temperature_k=temperature_k, steps=steps)
    ]
