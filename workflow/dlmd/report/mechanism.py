"""The report's section on the mechanism: what the hops say in sentences, tables, and figures of one temperature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dlmd.base.carriers import spoken
from dlmd.base.formatting import interval
from dlmd.config.run_config import RunConfig
from dlmd.run import tree
from dlmd.run.results import LevelResults

# figure, alternative text, numbers behind it, caption
FIGURES = (
    (tree.SITES_FIGURE, "Occupancies and residence", tree.MECHANISM, "mechanism_sites.rst"),
    (tree.HOPS_FIGURE, "Classes of hops", tree.HOPS, "mechanism_hops.rst"),
    (tree.DENSITY_FIGURE, "Free energy of the ions", tree.PROFILES, "mechanism_density.rst"),
    (tree.TRACES_FIGURE, "Traces of single ions", tree.TRACES, "mechanism_traces.rst"),
)
_PER_NS = 1000.0


def section(cfg: RunConfig, level: LevelResults) -> dict:
    """Everything the template shows of one level's mechanism.

    Returns
    -------
    temperature_k, sentences, warnings, classes, saddles, temperatures (rows of tables), and figures of that temperature: (path,
    alternative text, path of the numbers, caption) of each.
    """
    results = [level.mechanism(t) for t in cfg.md.temperatures_k]
    summary = level.rates
    shown = representative(results)
    shown_k = int(shown["temperature_k"])
    figures = [
        (level.path(tree.png(figure), T=shown_k), alt, level.path(numbers, T=shown_k), caption)
        for figure, alt, numbers, caption in FIGURES
    ]
    return {
        "temperature_k": shown_k,
        "sentences": sentences(shown, summary) if shown["verdict"]["code"] == "ok" else [],
        "warnings": [
            f"{r['temperature_k']:g} K: {r['verdict']['message']}"
            for r in results
            if r["verdict"]["code"] != "ok"
        ]
        + [f"{r['temperature_k']:g} K: {note}" for r in results for note in r.get("notes", [])]
        + imbalance(summary),
        "classes": classes(shown),
        "saddles": saddles(shown),
        "temperatures": temperatures(results),
        "figures": figures,
    }


def representative(results: Sequence[dict]) -> dict:
    """The temperature whose pathways are shown: the middle one, where ions hop and the host is still solid, or the one nearest to
    it that has sites; the middle one where none has."""
    middle = len(results) // 2
    usable = [i for i, result in enumerate(results) if result["verdict"]["code"] == "ok"]
    return results[min(usable, key=lambda i: abs(i - middle), default=middle)]


def sentences(result: Mapping, summary: Mapping) -> list[str]:
    """What one temperature's numbers say, one sentence each; what rests on too few hops is not said."""
    out = []
    t, mobile = f"{result['temperature_k']:g} K", spoken(result["mobile"])
    rate = result["hops"].get("rate_per_ps")
    if rate:
        out.append(
            f"At {t} each {mobile} ion hops {interval(rate, scale=_PER_NS)} times per nanosecond between resting sites."
        )
    d = result["diffusion"]
    if "shares_of_d_hop" in d and result["stacking"]:
        across = sum(s["value"] for n, s in d["shares_of_d_hop"].items() if n.startswith("between"))
        hops = sum(c["events"] for c in result["classes"] if c["name"].startswith("between"))
        out.append(
            f"Hops between layers are {hops / result['hops']['events']:.0%} of all hops and make {across:.0%} of the diffusion."
        )
    if void := result["through_voids"]:
        shares = [v["share_of_hops"] for v in void]
        core = next(v["share_of_hops"] for v in void if v["nearer_than"] == result["core_fraction"])
        out.append(
            f"{core:.0%} of the hops pass the core of a void between the resting sites; {shares[0]:.0%} to {shares[-1]:.0%} "
            f"where the radius of that core is {void[0]['nearer_than']:g} to {void[-1]['nearer_than']:g} of the void's "
            "distance to the nearest site."
        )
    if "correlation_factor" in d:
        out.append(
            f"Correlation leaves {interval(d['correlation_factor'])} of what uncorrelated hops would give; "
            f"the hops' D is {interval(d['d_hop_cm2_per_s'])} cm²/s"
            + (
                f", the MSD's {interval(d['d_self_msd_cm2_per_s'])}: they {'agree' if d['agree'] else 'DISAGREE'}."
                if d.get("d_self_msd_cm2_per_s")
                else "."
            )
        )
    s = result["strings"]
    if "share_of_hops" in s:
        out.append(
            f"{s['share_of_hops']:.0%} of the hops follow one another within {s['window_ps']:g} ps; the rate at which empty "
            "sites are taken later gives "
            f"{interval(s['by_chance'], '.0f', scale=100, unit='%')}."
        )
    fit = summary["rates"]["all hops"]["fit"]
    if "activation_energy_ev" in fit:
        text = f"The rate of all hops has an activation energy of {interval(fit['activation_energy_ev'])} eV"
        other = summary["transport_activation_energy_ev"].get("d_self")
        out.append(text + (f", D_self of the MSD {interval(other)} eV." if other else "."))
    return out


def imbalance(summary: Mapping) -> list[str]:
    """A warning where more hops lead from one kind of layer to the other than back, over all temperatures."""
    b = summary["balance"]
    if b is None or b["balanced"]:
        return []
    one, other = b["layers"]
    return [
        f"All temperatures together: {b['there']} hops from {one} to {other}, {b['back']} back. The ions are still spreading "
        "from where the ordering put them: equilibrate for longer before trusting occupancies."
    ]


def classes(result: Mapping) -> list[dict]:
    """Rows of the classes of hops."""
    shares = result.get("diffusion", {}).get("shares_of_d_hop", {})
    return [
        {
            "hops": c["name"],
            "seen": c["events"],
            "per ion and ns": interval(c["rate_per_ps"], scale=_PER_NS)
            if "rate_per_ps" in c
            else f"below {c['below_per_ps'] * _PER_NS:.3g}",
            "of all hops": interval(c["share_of_hops"], ".0f", scale=100, unit="%"),
            "of the hops' diffusion": interval(shares[c["name"]], ".0f", scale=100, unit="%")
            if c["name"] in shares
            else "–",
            "mean length (Å)": f"{c['mean_length_a']:.2f}",
        }
        for c in result.get("classes", [])
    ]


def saddles(result: Mapping) -> list[dict]:
    """Rows of the free energies along paths."""
    return [
        {
            "path": p["name"],
            "length (Å)": f"{p['length_a']:.2f}",
            "saddle (eV)": interval(p["barrier_ev"]) if "barrier_ev" in p else p["verdict"],
            "end (eV)": interval(p["end_ev"]) if "end_ev" in p and p["end_ev"]["value"] else "–",
        }
        for p in result.get("profiles", [])
    ]


def temperatures(results: Sequence[Mapping]) -> list[dict]:
    """One row per temperature."""
    rows = []
    for r in results:
        d = r.get("diffusion", {})
        rows.append(
            {
                "T (K)": f"{r['temperature_k']:g}",
                "hops seen": r["hops"]["events"] if "hops" in r else "–",
                "per ion and ns": interval(r["hops"]["rate_per_ps"], scale=_PER_NS)
                if "rate_per_ps" in r.get("hops", {})
                else "–",
                "D from hops (cm²/s)": interval(d["d_hop_cm2_per_s"]) if "d_hop_cm2_per_s" in d else "–",
                "D_self of the MSD (cm²/s)": interval(d["d_self_msd_cm2_per_s"])
                if d.get("d_self_msd_cm2_per_s")
                else "–",
                "correlation factor": interval(d["correlation_factor"]) if "correlation_factor" in d else "–",
            }
        )
    return rows
