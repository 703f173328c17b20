"""Numbers of the hops of one temperature: rates by way, direction and type of site, and the diffusion that they add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmd.base.intervals import Estimate, ratio
from dlmd.base.units import CM2_PER_S_PER_A2_PER_PS
from dlmd.mechanism import hop_diffusion, hop_rates
from dlmd.mechanism import strings as concerted
from dlmd.mechanism.hop_rates import show

if TYPE_CHECKING:
    from dlmd.mechanism.analysis import Mechanism
    from dlmd.mechanism.hops import Stays
    from dlmd.mechanism.site_network import SiteNetwork

# Opposite hops differ significantly below this probability of chance.
UNBALANCED = 0.01
# Sizes of a void's core at which the share of hops through voids is given, over its distance to the nearest site.
_APPROACHES = (0.2, 0.4)


def rate(m: Mechanism, times_ps: list[np.ndarray], at_risk_ps: float, *, per: float = 1.0) -> dict:
    """Rate of events at `times_ps` of each run."""
    counts = np.concatenate(
        [hop_rates.batch_counts(t, edges) for t, edges in zip(times_ps, m.edges, strict=True)]
    )
    return hop_rates.rate(
        counts, at_risk_ps, confidence=m.settings.confidence, fewest=m.settings.fewest_hops, per=per
    )


def _share(m: Mechanism, mine: np.ndarray) -> dict:
    """Share of all hops, with its interval."""
    ion, batch = hop_rates.clusters(m.tables, m.edges)
    return show(hop_rates.share_interval(mine, ion=ion, batch=batch, confidence=m.settings.confidence))


def classes(m: Mechanism) -> list[dict]:
    names, groups = m.classes
    rows = []
    for k, name in enumerate(names):
        mine = [g == k for g in groups]
        times = [t.arrival_ps[x] for t, x in zip(m.tables, mine, strict=True)]
        vectors = np.concatenate([t.vector_a[x] for t, x in zip(m.tables, mine, strict=True)])
        rows.append(
            {
                "name": name,
                **rate(m, times, m.ion_time_ps),
                "share_of_hops": _share(m, np.concatenate(mine)),
                "mean_length_a": float(np.linalg.norm(vectors, axis=1).mean()),
            }
        )
    return rows


def through_voids(m: Mechanism) -> list[dict]:
    """Share of hops that come nearer to a void than various fractions of its spacing: how much depends on the core's size."""
    if m.n_hops < m.settings.fewest_hops:
        return []
    approach = np.concatenate([t.approach for t in m.tables])
    return [
        {"nearer_than": f, "share_of_hops": float((approach < f).mean())}
        for f in sorted({*_APPROACHES, m.settings.core_fraction})
    ]


def directions(m: Mechanism) -> list[dict]:
    labels = [x for run in m.directions for x in run]
    lengths = np.concatenate([np.linalg.norm(t.vector_a, axis=1) for t in m.tables])
    layers = np.concatenate([t.layers for t in m.tables])
    rows = []
    for family in sorted(set(labels)):
        mine = np.array([x == family for x in labels])
        rows.append(
            {
                "family": family,
                "events": int(mine.sum()),
                "share_of_hops": _share(m, mine),
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


def transitions(m: Mechanism) -> dict:
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


def balance(m: Mechanism) -> dict | None:
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


def diffusion(m: Mechanism) -> dict:
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


def succession(m: Mechanism) -> dict:
    found = hop_diffusion.succession(m.tables, confidence=m.settings.confidence)
    pairs = 0 if found is None else found.pairs
    if pairs < m.settings.fewest_hops:
        return {
            "pairs": pairs,
            "verdict": f"too few successive hops: {pairs}, at least {m.settings.fewest_hops} are needed",
        }
    return {"pairs": pairs, "mean_cosine": show(found.cosine), "straight_back": show(found.returns)}


def strings(m: Mechanism) -> dict:
    if m.n_hops < m.settings.fewest_hops:
        return {"verdict": f"too few hops: {m.n_hops}, at least {m.settings.fewest_hops} are needed"}
    found = concerted.strings(m.tables, window_ps=m.settings.concerted_window_ps, seed=m.settings.seed)
    mean, low, high = found.by_chance
    return {
        "window_ps": m.settings.concerted_window_ps,
        "share_of_hops": found.share,
        "by_chance": {"value": mean, "low": low, "high": high},
        "followers": found.followers,
        "followers_by_chance": found.expected,
        "more_than_chance": found.more_than_chance,
        "sizes": {str(size): count for size, count in found.sizes.items()},
    }
