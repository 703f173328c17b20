"""The mechanism at one temperature in numbers: JSON with intervals, or verdicts where hops are too few."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmd.base.verdicts import Verdict
from dlmd.mechanism import hop_numbers, site_numbers, traces

if TYPE_CHECKING:
    from dlmd.mechanism.analysis import Mechanism

VERSION = 2
FORMAT = "dlmd-mechanism"
# No two neighbouring sites are so far apart.
_LONG_A = 5.0


def refused(message: str, *, temperature_k: float, mobile: str) -> dict:
    """The result of a temperature whose host left its sites."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "temperature_k": temperature_k,
        "mobile": mobile,
        "verdict": {"code": Verdict.NO_SITES.value, "message": message},
    }


def collect(m: Mechanism) -> dict:
    """All numbers of one temperature, JSON-ready; rates per ps, D in cm²/s, lengths in Å, energies in eV."""
    from dlmd.mechanism import analysis

    few = m.n_hops < m.settings.fewest_hops
    stacking = m.networks[0].lattice.stacking
    balance, diffusion = hop_numbers.balance(m), hop_numbers.diffusion(m)
    return {
        "format": FORMAT,
        "version": VERSION,
        "algorithms": {module.__name__.split(".")[-1]: module.VERSION for module in analysis.MODULES},
        "temperature_k": m.temperature_k,
        "mobile": m.mobile,
        "confidence": m.settings.confidence,
        "core_fraction": m.settings.core_fraction,
        "verdict": {
            "code": (Verdict.TOO_FEW_HOPS if few else Verdict.OK).value,
            "message": f"{m.n_hops} hops"
            + (f", at least {m.settings.fewest_hops} are needed for numbers" if few else ""),
        },
        "runs": len(m.visits),
        "n_ions": m.visits[0].n_ions,
        "length_ps": sum(v.length_ps for v in m.visits),
        "ions_in_no_site": sum(v.lost for v in m.visits),
        "stacking": None
        if stacking is None
        else {
            "axis": ("a*", "b*", "c*")[stacking.axis],
            "layers": [
                {"name": name, "height": float(h)}
                for name, h in zip(stacking.names, stacking.heights, strict=True)
            ],
        },
        "sites": site_numbers.sites(m),
        "hops": hop_numbers.rate(m, [t.arrival_ps for t in m.tables], m.ion_time_ps),
        "classes": hop_numbers.classes(m),
        "through_voids": hop_numbers.through_voids(m),
        "directions": hop_numbers.directions(m),
        "transitions": hop_numbers.transitions(m),
        "balance": balance,
        "diffusion": diffusion,
        "succession": hop_numbers.succession(m),
        "strings": hop_numbers.strings(m),
        "environment": site_numbers.environment(m),
        "profiles": _profiles(m),
        "traces": [
            {
                "kind": t.kind,
                "rule": traces.RULES[t.kind],
                "run": t.run,
                "ion": t.ion,
                "hops": t.hops,
                "layers": t.layers,
            }
            for t in m.traces
        ],
        "notes": _notes(m, balance, diffusion),
    }


def _profiles(m: Mechanism) -> list[dict]:
    rows = []
    for p in m.profiles:
        energy = p.free_energy_ev(m.temperature_k)
        rows.append(
            {
                "name": p.name,
                "paths": p.paths,
                "length_a": p.length_a,
                **p.saddle(m.temperature_k, confidence=m.settings.confidence, fewest=m.settings.fewest_hops),
                "along": p.along.tolist(),
                "free_energy_ev": [float(x) if np.isfinite(x) else None for x in energy],
            }
        )
    return rows


def _notes(m: Mechanism, balance: dict | None, diffusion: dict) -> list[str]:
    notes = []
    if diffusion.get("agree") is False:
        hop, msd = diffusion["d_hop_cm2_per_s"]["value"], diffusion["d_self_msd_cm2_per_s"]["value"]
        notes.append(
            f"D from hops is {hop:.2g} cm²/s, D_self of the MSD {msd:.2g}, and their intervals do not meet: hops that the sites "
            "do not show, or a fit window in which ions still rattle. Look at the MSD before believing either."
        )
    if balance and not balance["balanced"]:
        one, other = balance["layers"]
        notes.append(
            f"More hops go one way than back ({balance['there']} from {one} to {other}, {balance['back']} back): the ions are "
            "still on their way to equilibrium, and occupancies and rates are those of this approach. Equilibrate for longer."
        )
    long = sum(int((np.linalg.norm(t.vector_a, axis=1) > _LONG_A).sum()) for t in m.tables)
    if long:
        notes.append(
            f"{long} of {m.n_hops} hops are longer than {_LONG_A:g} Å: the ion crossed a site without coming into its core."
        )
    if lost := sum(v.lost for v in m.visits):
        notes.append(f"{lost} ions were in no site's core at any time and are left out.")
    return notes
