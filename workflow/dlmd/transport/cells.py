"""Does the size of the cell matter? The same material in two cells, compared at the temperatures that both have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlmd.base.formatting import interval
from dlmd.transport.selection import USABLE, standard_error

QUANTITIES = ("conductivity_ms_per_cm", "d_self_cm2_per_s")


def compare(results: Sequence[Mapping[str, Any]], *, confidence: float = 0.95) -> dict[str, Any] | None:
    """The largest cell over the smallest, JSON-ready; None where all results are of one cell.

    The ratio is the mean over the common temperatures, weighted by its errors. It holds the scatter of orderings only so far as
    there are several of each cell.
    """
    ions = _sizes(results)
    if len(ions) < 2:
        return None
    found = ratios(results, QUANTITIES, confidence=confidence)
    return {"n_ions": [ions[0], ions[-1]]} | {
        quantity.split("_ms_")[0].split("_cm2_")[0] + "_ratio": one for quantity, one in found.items()
    }


def ratios(
    results: Sequence[Mapping[str, Any]], quantities: Sequence[str], *, confidence: float
) -> dict[str, dict[str, Any] | None]:
    """Each quantity of the largest cell over that of the smallest one; None where no temperature has a value in both."""
    ions = _sizes(results)
    return {one: _ratio(results, one, ions[0], ions[-1], confidence) for one in quantities}


def _sizes(results: Sequence[Mapping[str, Any]]) -> list[int]:
    return sorted({int(r["n_ions"]) for r in results if r.get("n_ions")})


def _ratio(
    results: Sequence[Mapping[str, Any]], quantity: str, small: int, large: int, confidence: float
) -> dict[str, Any] | None:
    from scipy.special import ndtri

    logs = {ions: _logarithms(results, quantity, ions) for ions in (small, large)}
    common = sorted(set(logs[small]) & set(logs[large]))
    if not common:
        return None
    off = np.array([logs[large][t][0] - logs[small][t][0] for t in common])
    error = np.array([np.hypot(logs[large][t][1], logs[small][t][1]) for t in common])
    weight = error**-2.0
    centre, own = float(weight @ off / weight.sum()), float(weight.sum() ** -0.5)
    # temperatures that scatter by more than their errors widen the interval
    scale = max(1.0, float(np.sqrt(weight @ (off - centre) ** 2 / max(len(off) - 1, 1))))
    reach = float(ndtri(0.5 + confidence / 2)) * own * scale
    low, value, high = np.exp([centre - reach, centre, centre + reach])
    return {
        "value": float(value),
        "low": float(low),
        "high": float(high),
        "temperatures_k": common,
        "differs": bool(abs(centre) > reach),
    }


def _logarithms(
    results: Sequence[Mapping[str, Any]], quantity: str, ions: int
) -> dict[float, tuple[float, float]]:
    """Temperature -> mean logarithm over the runs of a cell, and its error: that of their scatter where it is larger."""
    found: dict[float, list[tuple[float, float]]] = {}
    for result in results:
        estimate = result.get(quantity)
        usable = result["verdict"]["code"] in USABLE
        if usable and result.get("n_ions") == ions and estimate and estimate["low"] > 0:
            error = standard_error(estimate, float(result.get("confidence", 0.95)))
            found.setdefault(float(result["temperature_k"]), []).append(
                (float(np.log(estimate["value"])), error)
            )
    return {t: _mean(each) for t, each in found.items()}


def _mean(each: Sequence[tuple[float, float]]) -> tuple[float, float]:
    y, s = np.array(each).T
    n = len(y)
    own = float(np.sqrt(np.sum(s**2))) / n
    return float(y.mean()), max(own, float(y.std(ddof=1)) / n**0.5) if n > 1 else own


def sentence(found: Mapping[str, Any]) -> str:
    """The comparison in words."""
    small, large = found["n_ions"]
    parts = []
    for key, name in (("conductivity_ratio", "conductivity"), ("d_self_ratio", "D_self")):
        one = found[key]
        if one is None:
            continue
        seen = "differs" if one["differs"] else "no difference seen"
        parts.append(f"{name} × {interval(one)}, {seen}")
    text = "; ".join(parts) if parts else "no temperature in common with a value in both"
    return f"cell of {large} mobile ions over the one of {small}: {text}"
