"""Barriers of all bands of a level, per hop: how many there are, their median and range, and what stands beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np

from dlmd.barriers.bands import CONVERGED

VERSION = 1

ENERGIES = ("barrier_forward_ev", "barrier_backward_ev", "energy_difference_ev")


def summarise(
    bands: Sequence[Mapping], *, level: str, fitted: Mapping, published: Mapping[str, float]
) -> dict:
    """Statistics per hop and method, JSON-ready. Only converged bands count; all are listed.

    Parameters
    ----------
    bands
        Records of single bands, those of one hop and method next to each other.
    fitted
        The run's Arrhenius fit.
    published
        Label of a hop -> published barrier in eV.

    Returns
    -------
    dict
        `hops`: per hop and method `asked`, `counted`, `statuses` (verdict -> number), `barrier_forward_ev` and
        `barrier_backward_ev` (`median`, `low` and `high` the range, None without a converged band), `published_ev`;
        `engine_comparison`: barriers of the same paths by potential and engine; `activation_energy_ev` of the run; `bands`.
    """
    hops = []
    for (hop, method), group in groupby(bands, key=lambda b: (b["hop"], b["method"])):
        members = list(group)
        counted = [b for b in members if b["status"] == CONVERGED]
        hops.append(
            {
                "hop": hop,
                "label": members[0]["label"],
                "method": method,
                "asked": len(members),
                "counted": len(counted),
                "statuses": dict(Counter(b["status"] for b in members)),
                **{key: spread([b[key] for b in counted]) for key in ENERGIES},
                "length_angstrom": spread([b["path"]["length_angstrom"] for b in members]),
                "mechanisms": dict(Counter(b["path"]["mechanism"] for b in members)),
                "published_ev": published.get(members[0]["label"]),
            }
        )
    fits = fitted["fits"]
    return {
        "format": "dlmd-barriers",
        "version": VERSION,
        "level": level,
        "hops": hops,
        "engine_comparison": _comparison(bands),
        "activation_energy_ev": {
            "conductivity": fits["conductivity"]["activation_energy_ev"] if fits else None,
            "d_self": fits["d_self"]["activation_energy_ev"] if fits else None,
        },
        "bands": [dict(b) for b in bands],
    }


def spread(values: Sequence[float]) -> dict | None:
    """Median and range of some numbers; None where there are none."""
    if not values:
        return None
    return {"median": float(np.median(values)), "low": float(min(values)), "high": float(max(values))}


def _comparison(bands: Sequence[Mapping]) -> list[dict]:
    """Forward and backward barrier of every path that both potential and engine have converged."""
    good = {(b["hop"], b["number"], b["method"]): b for b in bands if b["status"] == CONVERGED}
    return [
        {
            "hop": hop,
            "number": number,
            **{
                f"{key.removesuffix('_ev')}_{name}_ev": good[hop, number, name][key]
                for key in ENERGIES[:2]
                for name in ("potential", "engine")
            },
        }
        for hop, number, method in good
        if method == "engine" and (hop, number, "potential") in good
    ]


def rows(data: Mapping) -> list[dict]:
    """One row per band for the table."""
    return [
        {
            "hop": b["hop"],
            "direction": b["label"],
            "number": b["number"],
            "method": b["method"],
            "status": b["status"],
            **{key: "" if b[key] is None else f"{b[key]:.4f}" for key in ENERGIES},
            "highest_image_ev": f"{b['highest_ev']:.4f}",
            "residual_ev_per_angstrom": ""
            if b["residual_ev_per_a"] is None
            else f"{b['residual_ev_per_a']:.3f}",
            "steps": b["steps"],
            "intermediate_minima": b["intermediate_minima"],
            "mechanism": b["path"]["mechanism"],
            "start_site": b["path"]["start_site"],
            "end_site": b["path"]["end_site"],
            "length_angstrom": f"{b['path']['length_angstrom']:.3f}",
            "host_neighbours": b["path"]["host_neighbours"],
            "host_neighbours_start": b["path"]["host_neighbours_start"],
            "host_neighbours_end": b["path"]["host_neighbours_end"],
            "occupancy": b["path"]["occupancy"],
            "cell": b["path"]["cell"],
            "ordering": b["path"]["ordering"],
            "message": b["message"],
        }
        for b in data["bands"]
    ]
