"""Which results of single temperatures a line may go through.

A run that is barely long enough passes the gates when its ions happen to have moved far. Where some runs of a temperature pass
and others do not, those that pass are a biased choice, and so is a cold temperature that passes although a hotter one does not.
Both are left out as too cold. Temperatures at which a quantity was seen to be zero within its interval keep their upper bound.

A hotter run in which the ions moved far, and which was refused for the shape of its MSD, is another matter: the tests of the
shape refuse a few runs in a hundred by chance. One such temperature takes no colder one with it that has clearly moved enough
(docs/arrhenius.md has what this was measured on).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlmd.base.units import CM2_PER_S_PER_A2_PER_PS
from dlmd.base.verdicts import Verdict
from dlmd.transport.gates import Limits
from dlmd.transport.line_models import BOUND_POWER

# Verdicts with a value or a bound, and those that say that the ions did not move enough.
USABLE = (Verdict.OK.value, Verdict.UPPER_BOUND.value)
TOO_LITTLE_MOTION = (Verdict.NOT_DIFFUSIVE.value, Verdict.TOO_SHORT.value)
# A refused run whose ions moved on by so many times the limit was refused for another reason.
_MOVED_FAR = 2.0


@dataclass(frozen=True)
class Selected:
    """The points of one quantity, one for each temperature.

    Attributes
    ----------
    temperature_k, value, error
        (n,) kelvin, the quantity, and the standard error of its logarithm.
    low, high
        (n,) the interval.
    limit_k, log_limit, highest
        (b,) temperatures with an upper bound only: kelvin, ln D_1 of the likelihood exp[-(D / D_1)^p]
        (`dlmd.transport.line_models`), and the bound.
    left_out
        `temperature_k`, `code`, `reason` of each result that has no part in the line.
    """

    temperature_k: np.ndarray
    value: np.ndarray
    error: np.ndarray
    low: np.ndarray
    high: np.ndarray
    limit_k: np.ndarray
    log_limit: np.ndarray
    highest: np.ndarray
    left_out: list[dict[str, Any]]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Temperature, value, low, high of every point."""
        return zip(self.temperature_k, self.value, self.low, self.high, strict=True)

    def bounds(self) -> list[dict[str, float]]:
        """Temperatures at which there is an upper bound only."""
        return [
            {"temperature_k": float(t), "high": float(h)}
            for t, h in zip(self.limit_k, self.highest, strict=True)
        ]


def too_cold(results: Sequence[Mapping[str, Any]]) -> dict[float, str]:
    """Temperatures whose results are a biased choice, and why."""
    judged: dict[float, list[Mapping[str, Any]]] = {}
    for result in results:
        if result["verdict"]["code"] in (*USABLE, *TOO_LITTLE_MOTION):
            judged.setdefault(float(result["temperature_k"]), []).append(result)
    passed = {t: [r["verdict"]["code"] in USABLE for r in each] for t, each in judged.items()}
    refused = {t: judged[t] for t, each in passed.items() if not any(each)}
    found = {}
    for t, each in passed.items():
        hotter = {other: runs for other, runs in refused.items() if other > t}
        if any(each) and not all(each):
            found[t] = (
                f"only {sum(each)} of {len(each)} runs moved enough, and as diffusion does; the mean of those that did would be "
                "too high"
            )
        elif all(each) and hotter and (why := _doubtful(judged[t], hotter)):
            found[t] = why
    return found


def _doubtful(runs: Sequence[Mapping[str, Any]], hotter: Mapping[float, Sequence[Mapping[str, Any]]]) -> str:
    """Why runs that passed do not count, where all runs at `hotter` temperatures were refused; empty where they do."""
    slow = [t for t, each in hotter.items() if min(map(_moved_in_limits, each)) < _MOVED_FAR]
    if slow:
        return (
            f"the ions moved enough here, but not at {min(slow):g} K, which is hotter: this run was lucky, and its value "
            "would be too high"
        )
    where = " and ".join(f"{t:g} K" for t in sorted(hotter))
    if len(hotter) > 1:
        return f"at {where}, which are hotter, ions moved far but not as diffusion does: colder motion cannot be better"
    least = min(map(_surely_moved_in_limits, runs))
    if least >= 1.0:
        return ""
    return (
        f"at {where}, which is hotter, ions moved far but not as diffusion does; here they moved on by {least:.2g} of the motion "
        "that is needed, at the lower end of the interval of D_self: too little to be believed alone"
    )


def _limit_a2(result: Mapping[str, Any]) -> float:
    """6 D t in Å² below which ions may remember where they came from."""
    limits = Limits(hop_length_angstrom=result.get("hop_length_angstrom", Limits().hop_length_angstrom))
    return float(limits.hops_per_run * limits.hop_length_angstrom**2)


def _run_ps(result: Mapping[str, Any]) -> float:
    return float(result["length_ps"] / result["replicas"])


def _moved_in_limits(result: Mapping[str, Any]) -> float:
    """6 D t of one run by the slope of MSD_self from a ninth to a third of it, over the limit; 0 where they are unknown."""
    curve = result.get("msd")
    if not curve or "length_ps" not in result:
        return 0.0
    lags, msd = np.asarray(curve["lags_ps"], dtype=float), np.asarray(curve["self_a2"], dtype=float)
    length = _run_ps(result)
    early, late = np.interp([length / 9, length / 3], lags, msd)
    return float((late - early) / (length / 3 - length / 9) * length / _limit_a2(result))


def _surely_moved_in_limits(result: Mapping[str, Any]) -> float:
    """6 D t of one run at the lower end of the interval of D_self, over the limit; 0 where D_self or the length is unknown."""
    found = result.get("d_self_cm2_per_s")
    if not found or "length_ps" not in result:
        return 0.0
    return float(6 * found["low"] / CM2_PER_S_PER_A2_PER_PS * _run_ps(result) / _limit_a2(result))


def select(results: Sequence[Mapping[str, Any]], quantity: str) -> Selected:
    """The points, bounds and refusals of one quantity; several results of one temperature become their mean."""
    cold = too_cold(results)
    found: dict[float, list[tuple[Mapping[str, float], float]]] = {}
    left_out = []
    for result in sorted(results, key=lambda r: float(r["temperature_k"])):
        t, verdict = float(result["temperature_k"]), result["verdict"]
        estimate = result.get(quantity)
        if verdict["code"] not in USABLE:
            left_out.append({"temperature_k": t, "code": verdict["code"], "reason": verdict["message"]})
        elif t in cold:
            left_out.append({"temperature_k": t, "code": Verdict.TOO_COLD.value, "reason": cold[t]})
        elif not estimate or not estimate["high"] > 0:
            left_out.append(
                {"temperature_k": t, "code": Verdict.NOT_DIFFUSIVE.value, "reason": f"no {quantity}"}
            )
        else:
            found.setdefault(t, []).append((estimate, float(result.get("confidence", 0.95))))
    values = {t: each for t, each in found.items() if all(e["low"] > 0 for e, _ in each)}
    return _selected(values, {t: each for t, each in found.items() if t not in values}, left_out)


_Found = Mapping[float, Sequence[tuple[Mapping[str, float], float]]]


def _selected(values: _Found, limits: _Found, left_out: list[dict[str, Any]]) -> Selected:
    """Values are averaged in the logarithm; where one of several runs may be zero, their mean has the mean of the upper ends as
    its bound."""
    from scipy.special import ndtri

    temperatures, limit_k = np.array(sorted(values)), np.array(sorted(limits))
    centre = np.array([np.mean([np.log(e["value"]) for e, _ in values[t]]) for t in temperatures])
    errors = [[standard_error(*one) for one in values[t]] for t in temperatures]
    error = np.array([float(np.linalg.norm(each)) / len(each) for each in errors])
    reach = float(ndtri(0.975)) * error
    highest = np.array([np.mean([e["high"] for e, _ in limits[t]]) for t in limit_k])
    level = np.array([max(confidence for _, confidence in limits[t]) for t in limit_k])
    return Selected(
        temperature_k=temperatures,
        value=np.exp(centre),
        error=error,
        low=np.exp(centre - reach),
        high=np.exp(centre + reach),
        limit_k=limit_k,
        # exp[-(high / D_1)^p] = 1 - confidence
        log_limit=np.log(highest) - np.log(-np.log(1 - level)) / BOUND_POWER,
        highest=highest,
        left_out=left_out,
    )


def standard_error(estimate: Mapping[str, float], confidence: float) -> float:
    """Half the interval of a positive quantity's logarithm, as a standard error."""
    from scipy.special import ndtri

    return float(0.5 * np.log(estimate["high"] / estimate["low"]) / ndtri(0.5 + confidence / 2))
