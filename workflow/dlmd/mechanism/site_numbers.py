"""Numbers of the sites of one temperature: occupancy, residence, and how fast ions leave by surroundings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmd.base.intervals import Estimate
from dlmd.mechanism import hop_rates
from dlmd.mechanism.hop_numbers import rate
from dlmd.mechanism.hop_rates import show

if TYPE_CHECKING:
    from dlmd.mechanism.analysis import Mechanism


def sites(m: Mechanism) -> list[dict]:
    lattice, confidence = m.networks[0].lattice, m.settings.confidence
    n = len(lattice.types)
    occupied = [
        hop_rates.time_in_batches(s.start, s.end, network.type_of_site[s.site], edges, n) / np.diff(edges)
        for network, s, edges in zip(m.networks, m.all_stays, m.edges, strict=True)
    ]
    per_batch = np.concatenate(occupied, axis=1)
    open_sites = np.mean([np.bincount(w.type_of_site, minlength=n) for w in m.networks], axis=0)
    rows = []
    for k, kind in enumerate(lattice.types):
        mine = np.flatnonzero(lattice.type_of_site == k)
        ions = hop_rates.mean_interval(per_batch[k], confidence=confidence)
        ions = Estimate(ions.value, max(ions.low, 0.0), ions.high)
        layer = int(lattice.layer_of_site[mine[0]])
        rows.append(
            {
                "label": kind.label,
                "in_the_cif": kind.crystal,
                "resting": kind.resting,
                "anions": lattice.polyhedra[mine[0]].coordination,
                "layer": lattice.stacking.names[layer] if lattice.stacking and layer >= 0 else None,
                "per_cell": len(mine),
                "open_sites": float(open_sites[k]),
                "position": [round(float(x), 4) for x in lattice.fractional[mine[0]]],
                "ions": show(ions),
                "occupancy": show(ions.scaled(1 / open_sites[k])) if open_sites[k] else None,
                "drifts": any(hop_rates.drifts(o[k]) for o in occupied),
                "residence": _residence(m, k),
            }
        )
    return rows


def _residence(m: Mechanism, kind: int) -> dict:
    """How long ions stay on sites of a type: in resting sites until they reach another resting site, else any other site."""
    rests = m.networks[0].lattice.types[kind].resting
    held = m.resting_stays if rests else m.all_stays
    chosen = [network.type_of_site[s.site] == kind for network, s in zip(m.networks, held, strict=True)]
    ends = [s.end[c & s.ended] for s, c in zip(held, chosen, strict=True)]
    at_risk = sum(float((s.end - s.start)[c].sum()) for s, c in zip(held, chosen, strict=True))
    found = rate(m, ends, at_risk)
    if "rate_per_ps" in found:
        r = found["rate_per_ps"]
        found["mean_ps"] = {"value": 1 / r["value"], "low": 1 / r["high"], "high": 1 / r["low"]}
        seen = [s.begun & c for s, c in zip(held, chosen, strict=True)]
        curve = hop_rates.survival(
            np.concatenate([(s.end - s.start)[x] for s, x in zip(held, seen, strict=True)]),
            np.concatenate([s.ended[x] for s, x in zip(held, seen, strict=True)]),
        )
        if curve is not None:
            found["kaplan_meier"] = {
                "median_ps": curve.median_ps,
                "ended": curve.ended,
                "cut_off": curve.cut_off,
                "time_ps": curve.time_ps.tolist(),
                "share": curve.share.tolist(),
            }
    return found


def environment(m: Mechanism) -> list[dict]:
    """Rates of leaving resting sites by layer and number of host cations on neighbouring sites."""
    stacking = m.networks[0].lattice.stacking
    groups: dict[tuple[str, int], list] = {}
    for network in m.networks:
        for site in np.flatnonzero(network.resting):
            layer = network.layer[site]
            name = stacking.names[layer % len(stacking.names)] if stacking and layer >= 0 else "all"
            groups.setdefault((name, int(network.host_neighbours[site])), [])
    rows = []
    for name, neighbours in sorted(groups):
        ends, at_risk, n_sites = [], 0.0, 0
        for network, s in zip(m.networks, m.resting_stays, strict=True):
            if stacking:
                kinds = np.array([*stacking.names, "all"])
                index = np.where(network.layer < 0, len(stacking.names), network.layer % len(stacking.names))
                in_layer = kinds[index] == name
            else:
                in_layer = np.ones(len(network.layer), dtype=bool)
            these = in_layer & network.resting & (network.host_neighbours == neighbours)
            n_sites += int(these.sum())
            mine = these[s.site]
            ends.append(s.end[mine & s.ended])
            at_risk += float((s.end - s.start)[mine].sum())
        length = sum(v.length_ps for v in m.visits) / len(m.visits)
        rows.append(
            {
                "layer": name,
                "host_neighbours": neighbours,
                "sites": n_sites,
                "occupancy": at_risk / (n_sites * length),
                **rate(m, ends, at_risk),
            }
        )
    return rows
