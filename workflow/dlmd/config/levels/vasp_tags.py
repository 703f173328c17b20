"""INCAR tags: which have a key of their own, which a level may set, and what each of them decides."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from dlmd.base.errors import did_you_mean

IncarValue = bool | int | float | str | list[int] | list[float]
Tags = dict[str, IncarValue]

# Tags with a key of their own: two places for one number would let them disagree.
OWN_KEY = {
    "GGA": "functional",
    "ENCUT": "encut_ev",
    "LDAU": "hubbard_u_ev",
    "LDAUU": "hubbard_u_ev",
    "LDAUJ": "hubbard_u_ev",
    "LDAUL": "hubbard_orbital",
    "LDAUTYPE": "hubbard_u_ev",
    "LMAXMIX": "hubbard_orbital",
    "ISPIN": "magmom",
    "MAGMOM": "magmom",
    "ISMEAR": "ismear",
    "SIGMA": "sigma_ev",
    "KSPACING": "kpoints.spacing_per_angstrom",
    "KGAMMA": "kpoints.centring",
    "EDIFF": "ediff_ev",
    "EDIFFG": "relax.fmax_ev_per_angstrom",
    "NSW": "relax.max_steps or aimd.chunk_steps",
}
# Tags the route itself sets; another value would break what collecting relies on.
FIXED = {
    "NBLOCK": "every ionic step is written",
    "NWRITE": "NWRITE=0 hides frames from the OUTCAR",
    "ISYM": "symmetry is switched off for dynamics and kept at VASP's choice for relaxation",
    "TEBEG": "temperatures come from the trajectory's own",
    "TEEND": "temperatures come from the trajectory's own",
    "IBRION": "relaxation is IBRION=2, dynamics IBRION=0",
    "ISIF": "relaxation is ISIF=3, dynamics ISIF=2 (stress is needed)",
    "LORBIT": "moments per site are read from the OUTCAR (LORBIT=11)",
    "SYSTEM": "it carries the job's identity",
}


# Minimisers that take the electrons to their ground state; the others compute spectra or nothing.
ALGOS = ("normal", "fast", "veryfast", "all", "damped", "conjugate")
# IALGO of these, a density kept as it is from this ICHARG on
NOT_MINIMISING = (-1, 0, 1, 2, 3, 4, 90)
FIXED_DENSITY = 10
# How VASP shares out its work; another choice changes no number.
PARALLEL = frozenset(
    "KPAR LASYNC LPLANE LSCAAWARE LSCALAPACK LSCALU MAXMEM NCORE NCORE_IN_IMAGE1 NOMEGAPAR NPAR NSIM NTAUPAR".split()
)
# What VASP writes beside its results.
WRITTEN = frozenset(
    "EMAX EMIN KBLOCK LAECHG LCHARG LDAUPRINT LELF LH5 LORBIT LPARD LVHAR LVTOT LWAVE NEDOS NWRITE SYSTEM".split()
)
# How the electrons get to their ground state and ions to their places, and not which ones these are.
METHOD = frozenset(
    "ALGO AMIN AMIX AMIX_MAG BMIX BMIX_MAG DEPER EBREAK IALGO ICHARG IMIX INIMIX INIWAV ISTART ISYM IWAVPR LDIAG LMAXMIX "
    "LMIXTAU LORBITALREAL LSUBROT MAXMIX MIXPRE NBANDS NELM NELMDL NELMIN NFREE POTIM RANDOM_SEED SYMPREC TIME WC WEIMIN".split()
)


# Which way the ions go, at what pace and temperature; energies and forces of a frame do not depend on it.
MOTION = frozenset(
    "ANDERSEN_PROB EDIFFG LANGEVIN_GAMMA LANGEVIN_GAMMA_L MDALGO NSUBSYS NSW PMASS PSUBSYS SHAKEMAXITER SHAKETOL SMASS TEBEG "
    "TEEND TSUBSYS".split()
)
# What every level has that does not say otherwise, beside the defaults of relaxations and dynamics.
ALWAYS: Tags = {"LASPH": True, "VOSKOWN": 1}


def theory(given: Mapping[str, IncarValue], usual: Mapping[str, IncarValue]) -> dict[str, Any]:
    """What tags that have no key of their own add to a level of theory; nothing where they decide nothing.

    Parameters
    ----------
    given
        The INCAR, or the part of it that a level gives.
    usual
        Values that need no mention: EDIFF and the other defaults of this kind of run.
    """
    usual = ALWAYS | dict(usual)
    no_matter = PARALLEL | WRITTEN | METHOD | MOTION | set(OWN_KEY) | set(FIXED)
    kept = {name: value for name, value in sorted(given.items()) if name not in no_matter}
    kept = {name: value for name, value in kept.items() if name not in usual or usual[name] != value}
    found: dict[str, Any] = {"incar": kept} if kept else {}
    metagga = str(kept.get("METAGGA", "--")).strip()
    if metagga not in ("", "--", "NONE", "None"):
        found["functional"] = {"R2SCAN": "r2SCAN"}.get(metagga.upper(), metagga.upper())
    if "EDIFF" in given and given["EDIFF"] != usual.get("EDIFF"):
        found["ediff_ev"] = given["EDIFF"]
    return found


def minimises(name: str, value: object) -> bool:
    """Whether this value of ALGO, IALGO or ICHARG takes the electrons to the ground state of their own density."""
    text = str(value).strip().lower()
    if name == "ALGO":
        # VASP reads the first letters; Diag is no Damped
        return (text[:1] in ("v", "f", "d") and text[:2] != "di") or any(
            algo.startswith(text) for algo in ALGOS
        )
    try:
        number = int(float(text))
    except ValueError:
        return False
    return number < FIXED_DENSITY if name == "ICHARG" else number not in NOT_MINIMISING


def check_tags(
    tags: dict[str, IncarValue], elsewhere: Mapping[str, str] | None = None
) -> dict[str, IncarValue]:
    """INCAR overrides in upper case; ValueError for an unknown tag, a value that cannot be, or a tag that belongs elsewhere.

    `elsewhere` names the place of tags that belong to another kind of run.
    """
    tags = {name.upper(): value for name, value in tags.items()}
    for name, value in tags.items():
        if elsewhere and name in elsewhere:
            raise ValueError(f"{name} has a place of its own; set {elsewhere[name]} instead")
        if name == "LREAL" and str(value).strip(".").lower() in ("f", "false"):
            tags[name] = False
        if name == "NELM" and not (isinstance(value, int) and 5 <= value <= 999):
            raise ValueError(f"NELM is {value!r}, and not a whole number from 5 to 999")
        if name == "ALGO" and str(value).lower() not in ALGOS:
            raise ValueError(f"ALGO is {value!r}, which does not minimise; use one of {', '.join(ALGOS)}")
        if name in ("ICHARG", "IALGO") and not minimises(name, value):
            raise ValueError(
                f"{name} is {value!r}, which does not take the electrons to their ground state; leave it out"
            )
        if name == "SMASS" and not (isinstance(value, (int, float)) and value >= 0):
            raise ValueError(f"SMASS is {value!r}, and dynamics is NVT; use 0 or more")
        if name in OWN_KEY:
            raise ValueError(f"{name} has a key of its own; set {OWN_KEY[name]} instead")
        if name in FIXED:
            raise ValueError(f"{name} cannot be overridden: {FIXED[name]}")
        if name.startswith("ML_"):
            raise ValueError(
                f"{name}: machine-learned steps would be mixed with DFT frames; leave ML_ tags out"
            )
        if name not in known_tags():
            raise ValueError(f"{name} is no INCAR tag; {did_you_mean(name, sorted(known_tags()))}")
    return tags


@cache
def known_tags() -> frozenset[str]:
    """INCAR tags known to the installed pymatgen, read without importing it (its import takes seconds)."""
    package = importlib.util.find_spec("pymatgen")
    for folder in (package and package.submodule_search_locations) or ():
        table = Path(folder) / "io" / "vasp" / "incar_parameters.json"
        if table.is_file():
            return frozenset(json.loads(table.read_text()))
    raise FileNotFoundError("pymatgen/io/vasp/incar_parameters.json: is pymatgen-core installed whole?")
