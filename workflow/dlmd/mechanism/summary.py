"""The mechanism over all temperatures: rates of hops and their activation energies beside those of transport."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dlmd.mechanism.hop_numbers import UNBALANCED
from dlmd.mechanism.hop_rates import arrhenius
from dlmd.mechanism.hops import class_order

VERSION = 1
_FEWEST = 3


def summarise(results: Sequence[Mapping], transport: Mapping, *, confidence: float) -> dict:
    """Arrhenius fits of the rate of all hops and of every class, JSON-ready.

    Parameters
    ----------
    results
        Of `dlmd.mechanism.numbers.collect` for every temperature; one without a rate is left out of that rate's fit.
    transport
        The fits of `dlmd.transport.arrhenius.fit`; its activation energies are quoted.
    """
    usable = [r for r in results if r["verdict"]["code"] == "ok"]
    names = sorted({c["name"] for r in usable for c in r["classes"]}, key=class_order)
    rates: dict[str, list[dict]] = {"all hops": [_point(r, r["hops"]) for r in usable]}
    for name in names:
        rates[name] = [_point(r, c) for r in usable for c in r["classes"] if c["name"] == name]
    quoted = {
        key: transport["fits"][key]["activation_energy_ev"]
        for key in ("d_self", "conductivity")
        if key in transport["fits"]
    }
    return {
        "format": "dlmd-mechanism-summary",
        "version": VERSION,
        "confidence": confidence,
        "left_out": [
            {"temperature_k": r["temperature_k"], **r["verdict"]} for r in results if r not in usable
        ],
        "rates": {
            name: {"points": [p for p in points if p], "fit": _fit(points, confidence)}
            for name, points in rates.items()
        },
        "transport_activation_energy_ev": quoted,
        "balance": _balance(usable),
        "diffusion": [{"temperature_k": r["temperature_k"], **r["diffusion"]} for r in usable],
    }


def _balance(results: Sequence[Mapping]) -> dict | None:
    """Hops between the layers of two kinds, there and back, over all temperatures: equal in equilibrium."""
    from scipy.stats import binomtest

    found = [r["balance"] for r in results if r.get("balance")]
    there, back = sum(b["there"] for b in found), sum(b["back"] for b in found)
    if not there + back:
        return None
    chance = float(binomtest(there, there + back).pvalue)
    return {
        "layers": found[0]["layers"],
        "there": there,
        "back": back,
        "probability_by_chance": chance,
        "balanced": chance >= UNBALANCED,
    }


def _point(result: Mapping, found: Mapping) -> dict | None:
    if "rate_per_ps" not in found:
        return None
    return {"temperature_k": result["temperature_k"], "events": found["events"], **found["rate_per_ps"]}


def _fit(points: Sequence[dict | None], confidence: float) -> dict:
    """The fit, or a verdict."""
    known = [p for p in points if p]
    found = arrhenius([p["temperature_k"] for p in known], known, confidence=confidence)
    if found is None:
        return {"verdict": f"rates at {len(known)} temperatures, at least {_FEWEST} are needed"}
    return found


def table(results: Sequence[Mapping]) -> tuple[list[str], list[list]]:
    """Columns and rows of a CSV file: one row per temperature and class of hops, 'all hops' among them."""
    columns = [
        *"temperature_k class events rate_per_ps low high share_of_hops share_of_d_hop low high".split()
    ]
    columns[-2:] = ["share_low", "share_high"]
    rows = []
    for r in results:
        if "hops" not in r:
            continue
        for found in ({"name": "all hops", **r["hops"]}, *r["classes"]):
            rate = found.get("rate_per_ps", {})
            share = r["diffusion"].get("shares_of_d_hop", {}).get(found["name"], {})
            rows.append(
                [
                    f"{r['temperature_k']:g}",
                    found["name"],
                    found["events"],
                    *(_number(rate.get(k)) for k in ("value", "low", "high")),
                    _number(found.get("share_of_hops", {}).get("value")),
                    *(_number(share.get(k)) for k in ("value", "low", "high")),
                ]
            )
    return columns, rows


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"
