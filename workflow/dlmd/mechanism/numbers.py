"""The mechanism at one temperature in numbers: JSON with intervals, or verdicts where hops are too few."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmd.base.intervals import Estimate, ratio
from dlmd.base.units import CM2_PER_S_PER_A2_PER_PS
from dlmd.mechanism import hop_diffusion, hop_rates, strings, traces
from dlmd.mechanism.hop_rates import show

if TYPE_CHECKING:
    from dlmd.mechanism.analysis import Mechanism
    from dlmd.mechanism.hops import Stays
    from dlmd.mechanism.site_network import SiteNetwork

VERSION = 1
FORMAT = "dlmd-mechanism"
# Opposite hops differ significantly below this probability of chance.
UNBALANCED = 0.01
# No two neighbouring sites are so far apart.
_LONG_A = 5.0
# Sizes of a void's core at which the share of hops through voids is given, over its distance to the nearest site.
_APPROACHES = (0.2, 0.4)


def refused(message: str, *, temperature_k: float, mobile: str) -> dict:
    """The result of a temperature whose host left its sites."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "temperature_k": temperature_k,
        "mobile": mobile,
        "verdict": {"code": "no_sites", "message": message},
    }


def collect(m: Mechanism) -> dict:
    """All numbers of one temperature, JSON-ready; rates per ps, D in cm²/s, lengths in Å, energies in eV."""
    from dlmd.mechanism import analysis

    few = m.n_hops < m.settings.fewest_hops
    stacking = m.networks[0].lattice.stacking
    balance, diffusion = _balance(m), _diffusion(m)
    return {
        "format": FORMAT,
        "version": VERSION,
        "algorithms": {module.__name__.split(".")[-1]: module.VERSION for module in analysis.MODULES},
        "temperature_k": m.temperature_k,
        "mobile": m.mobile,
        "confidence": m.settings.confidence,
        "core_fraction": m.settings.core_fraction,
        "verdict": {
            "code": "too_few_hops" if few else "ok",
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
        "sites": _sites(m),
        "hops": _rate(m, [t.arrival_ps for t in m.tables], m.ion_time_ps),
        "classes": _classes(m),
        "through_voids": _through_voids(m),
        "directions": _directions(m),
        "transitions": _transitions(m),
        "balance": balance,
        "diffusion": diffusion,
        "succession": _succession(m),
        "strings": _strings(m),
        "environment": _environment(m),
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


def _rate(m: Mechanism, times_ps: list[np.ndarray], at_risk_ps: float, *, per: float = 1.0) -> dict:
    """Rate of events at `times_ps` of each run."""
    counts = np.concatenate(
        [hop_rates.batch_counts(t, edges) for t, edges in zip(times_ps, m.edges, strict=True)]
    )
    return hop_rates.rate(
        counts, at_risk_ps, confidence=m.settings.confidence, fewest=m.settings.fewest_hops, per=per
    )


def _sites(m: Mechanism) -> list[dict]:
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
    found = _rate(m, ends, at_risk)
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


def _classes(m: Mechanism) -> list[dict]:
    names, groups = m.classes
    rows = []
    for k, name in enumerate(names):
        mine = [g == k for g in groups]
        times = [t.arrival_ps[x] for t, x in zip(m.tables, mine, strict=True)]
        vectors = np.concatenate([t.vector_a[x] for t, x in zip(m.tables, mine, strict=True)])
        rows.append(
            {
                "name": name,
                **_rate(m, times, m.ion_time_ps),
                "share_of_hops": show(
                    hop_rates.share_interval(len(vectors), m.n_hops, confidence=m.settings.confidence)
                ),
                "mean_length_a": float(np.linalg.norm(vectors, axis=1).mean()),
            }
        )
    return rows


def _through_voids(m: Mechanism) -> list[dict]:
    """Share of hops that come nearer to a void than various fractions of its spacing: how much depends on the core's size."""
    if m.n_hops < m.settings.fewest_hops:
        return []
    approach = np.concatenate([t.approach for t in m.tables])
    return [
        {"nearer_than": f, "share_of_hops": float((approach < f).mean())}
        for f in sorted({*_APPROACHES, m.settings.core_fraction})
    ]


def _directions(m: Mechanism) -> list[dict]:
    labels = [x for run in m.directions for x in run]
    lengths = np.concatenate([np.linalg.norm(t.vector_a, axis=1) for t in m.tables])
    layers = np.concatenate([t.layers for t in m.tables])
    rows = []
    for family in sorted(set(labels)):
        mine = np.array([x == family for x in labels])
        share = hop_rates.share_interval(int(mine.sum()), m.n_hops, confidence=m.settings.confidence)
        rows.append(
            {
                "family": family,
                "events": int(mine.sum()),
                "share_of_hops": show(share),
                "mean_length_a": float(lengths[mine].mean()),
                "between_layers": float((layers[mine] != 0).mean())
                if m.networks[0].lattice.stacking
                else None,
            }
        )
    return sorted(rows, key=lambda row: -row["events"])


def _matrix(held: list[Stays], networks: list[SiteNetwork], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Moves from type to type, and the ions' time in each type (ps)."""
    counts, time = np.zeros((n, n), dtype=int), np.zeros(n)
    for s, network in zip(held, networks, strict=True):
        kind = network.type_of_site[s.site]
        arrived = np.flatnonzero(s.begun)
        np.add.at(counts, (kind[arrived - 1], kind[arrived]), 1)
        time += np.bincount(kind, weights=s.end - s.start, minlength=n)
    return counts, time


def _transitions(m: Mechanism) -> dict:
    lattice = m.networks[0].lattice
    labels = [t.label for t in lattice.types]
    out = {}
    for name, held in (("hops", m.resting_stays), ("moves", m.all_stays)):
        counts, time = _matrix(held, m.networks, len(labels))
        keep = [k for k, t in enumerate(lattice.types) if t.resting or name == "moves"]
        counts, time = counts[np.ix_(keep, keep)], time[keep]
        out[name] = {
            "labels": [labels[k] for k in keep],
            "counts": counts.tolist(),
            "time_ps": time.tolist(),
            "rate_per_ps": [
                [c / t if c >= m.settings.fewest_hops else None for c in row]
                for row, t in zip(counts.tolist(), time.tolist(), strict=True)
            ],
        }
    return out


def _layer_names(m: Mechanism) -> list[str]:
    return sorted(set(m.networks[0].lattice.stacking.names))


def _balance(m: Mechanism) -> dict | None:
    """Hops from the layers of one kind to those of the other, there and back: equal in equilibrium."""
    from scipy.stats import binomtest

    lattice = m.networks[0].lattice
    if lattice.stacking is None or len(_layer_names(m)) != 2:
        return None
    one, other = _layer_names(m)
    names = np.array([*lattice.stacking.names, ""])
    there = back = 0
    for network, table in zip(m.networks, m.tables, strict=True):
        n = len(lattice.stacking.names)
        kind = np.where(network.layer < 0, n, network.layer % n)
        start, end = names[kind[table.origin]], names[kind[table.target]]
        there += int(((start == one) & (end == other)).sum())
        back += int(((start == other) & (end == one)).sum())
    chance = float(binomtest(there, there + back).pvalue) if there + back else 1.0
    return {
        "layers": [one, other],
        "there": there,
        "back": back,
        "probability_by_chance": chance,
        "balanced": chance >= UNBALANCED,
    }


def _diffusion(m: Mechanism) -> dict:
    if m.n_hops < m.settings.fewest_hops:
        return {"verdict": f"too few hops: {m.n_hops}, at least {m.settings.fewest_hops} are needed"}
    scale = CM2_PER_S_PER_A2_PER_PS
    found = {
        "d_random_cm2_per_s": hop_diffusion.random_walk(m.tables) * scale,
        "d_self_msd_cm2_per_s": m.d_self,
    }
    if m.window_ps is None:
        return {
            **found,
            "verdict": "the MSD has no diffusive window, in which the hops' displacements could be fitted",
        }
    names, groups = m.classes
    d = hop_diffusion.decompose(
        m.tables, groups, len(names), window_ps=m.window_ps, confidence=m.settings.confidence
    )
    found |= {"window_ps": list(m.window_ps), "d_hop_cm2_per_s": show(d.hop.scaled(scale))}
    if d.hop.low <= 0 or d.correlation is None or None in d.shares:
        return {**found, "verdict": "the hops' displacements do not add up to a significant diffusion"}
    found |= {
        "correlation_factor": show(d.correlation),
        "shares_of_d_hop": {name: show(share) for name, share in zip(names, d.shares, strict=True)},
    }
    if m.d_self is not None:
        msd = Estimate(m.d_self["value"], m.d_self["low"], m.d_self["high"])
        hop = d.hop.scaled(scale)
        over = ratio(hop, msd)
        found["d_hop_over_d_self"] = show(over) if over is not None else None
        found["agree"] = bool(hop.low <= msd.high and msd.low <= hop.high)
    return found


def _succession(m: Mechanism) -> dict:
    found = hop_diffusion.succession(m.tables, confidence=m.settings.confidence)
    pairs = 0 if found is None else found.pairs
    if pairs < m.settings.fewest_hops:
        return {
            "pairs": pairs,
            "verdict": f"too few successive hops: {pairs}, at least {m.settings.fewest_hops} are needed",
        }
    return {"pairs": pairs, "mean_cosine": show(found.cosine), "straight_back": show(found.returns)}


def _strings(m: Mechanism) -> dict:
    if m.n_hops < m.settings.fewest_hops:
        return {"verdict": f"too few hops: {m.n_hops}, at least {m.settings.fewest_hops} are needed"}
    found = strings.strings(m.tables, window_ps=m.settings.concerted_window_ps, seed=m.settings.seed)
    mean, low, high = found.by_chance
    return {
        "window_ps": m.settings.concerted_window_ps,
        "share_of_hops": found.share,
        "by_chance": {"value": mean, "low": low, "high": high},
        "more_than_chance": bool(found.share > high),
        "sizes": {str(size): count for size, count in found.sizes.items()},
    }


def _environment(m: Mechanism) -> list[dict]:
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
                **_rate(m, ends, at_risk),
            }
        )
    return rows


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
