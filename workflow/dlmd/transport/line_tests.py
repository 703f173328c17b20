"""Is a line straight, and how much of a bend would these points show? Each test comes with its power.

All are exact for normal errors of known size. Chi-square asks whether the points scatter about the line as their intervals say;
the bend, whether the slope E changes evenly; the kink, whether it changes at one temperature, wherever that is. "Not seen" means
little where the points could not show it: so the change of E that would be seen in 80 of 100 such runs is given, and for some
changes how often they would be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlmd.transport.line_models import inverse

# A bend or kink counts as seen where chance gives it less often than this; the two tests together alarm in about 4 of 100 lines.
LEVEL = 0.025
POWER = 0.8
CHANGES_EV = (0.05, 0.1, 0.2, 0.3)
_PLACES = 10
_DRAWS = 2000


def straightness(temperature_k: np.ndarray, y: np.ndarray, error: np.ndarray) -> dict[str, Any]:
    """Chi-square of the straight line through points (n,), and the tests of a bend and of a kink, JSON-ready; None where
    there are too few points."""
    x = inverse(temperature_k)
    whiten = 1.0 / error
    plain = np.column_stack([np.ones_like(x), x - x.mean()]) * whiten[:, None]
    basis, _ = np.linalg.qr(plain)
    rest = y * whiten
    rest = rest - basis @ (basis.T @ rest)
    distinct = len(np.unique(temperature_k))
    found: dict[str, Any] = {"chi_squared": _chi_squared(rest), "bend": None, "kink": None}
    if distinct >= 3:
        bend = -0.5 * (x - x.mean()) ** 2 / np.ptp(x)
        found["bend"] = _bend(bend * whiten, basis, rest)
    if distinct >= 4:
        found["kink"] = _kink(x, whiten, basis, rest)
    seen = [name for name in ("bend", "kink") if found[name] and found[name]["probability_by_chance"] < LEVEL]
    return {**found, "straight": not seen}


def _chi_squared(rest: np.ndarray) -> dict[str, float]:
    from scipy.special import chdtrc

    dof, value = len(rest) - 2, float(rest @ rest)
    return {"value": value, "dof": dof, "probability_by_chance": float(chdtrc(dof, value)) if dof else 1.0}


def _free(column: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """What of a whitened column no straight line can take up."""
    return column - basis @ (basis.T @ column)


def _bend(column: np.ndarray, basis: np.ndarray, rest: np.ndarray) -> dict[str, Any]:
    from scipy.special import ndtr, ndtri

    free = _free(column, basis)
    size = float(free @ free)
    change, error = float(free @ rest) / size, size**-0.5
    critical = float(ndtri(1 - LEVEL / 2))
    return {
        "energy_change_ev": {
            "value": change,
            "low": change - 1.959964 * error,
            "high": change + 1.959964 * error,
        },
        "probability_by_chance": float(2 * ndtr(-abs(change) / error)),
        "seen_in_80_of_100_ev": float((critical + ndtri(POWER)) * error),
        "seen": _often(
            [(e, float(ndtr(e / error - critical) + ndtr(-e / error - critical))) for e in CHANGES_EV]
        ),
    }


def _kink(x: np.ndarray, whiten: np.ndarray, basis: np.ndarray, rest: np.ndarray) -> dict[str, Any]:
    from dlmd.base.units import BOLTZMANN_EV_PER_K

    places = np.linspace(x.min(), x.max(), _PLACES + 2)[1:-1]
    free = np.array([_free(-np.clip(x - at, 0.0, None) * whiten, basis) for at in places])
    size = np.linalg.norm(free, axis=1)
    direction = free / size[:, None]
    score = direction @ rest
    best = int(np.argmax(np.abs(score)))
    # the scores are correlated normal variables: their largest is drawn
    noise = np.random.default_rng(0).standard_normal((_DRAWS, len(x))) @ direction.T
    largest = np.abs(noise).max(axis=1)
    critical = float(np.quantile(largest, 1 - LEVEL))
    middle = len(places) // 2
    shift = direction @ direction[middle] * size[middle]

    def power(change_ev: float) -> float:
        return float((np.abs(noise + change_ev * shift).max(axis=1) > critical).mean())

    return {
        "energy_change_ev": float(score[best] / size[best]),
        "at_k": float(1.0 / (BOLTZMANN_EV_PER_K * places[best])),
        "probability_by_chance": float((1 + (largest >= abs(score[best])).sum()) / (1 + _DRAWS)),
        "seen_in_80_of_100_ev": _least(power),
        "seen": _often([(e, power(e)) for e in CHANGES_EV]),
    }


def _least(power: Callable[[float], float]) -> float:
    """The change of E that is seen in 80 of 100 cases, by bisection of its logarithm."""
    low, high = 1e-3, 1e2
    for _ in range(16):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if power(middle) < POWER else (low, middle)
    return high


def _often(found: Sequence[tuple[float, float]]) -> list[dict[str, float]]:
    return [{"energy_change_ev": change, "how_often": often} for change, often in found]


def sentence(found: dict[str, Any]) -> str:
    """The tests in words."""
    chi = found["chi_squared"]
    text = f"chi² {chi['value']:.3g} for {chi['dof']} degrees of freedom"
    bend, kink = found["bend"], found["kink"]
    if bend is None:
        return text
    seen = [
        f"{name} of {one['energy_change_ev'] if name == 'kink' else one['energy_change_ev']['value']:+.2f} eV"
        + (f" at {one['at_k']:.0f} K" if name == "kink" else "")
        for name, one in (("bend", bend), ("kink", kink))
        if one and one["probability_by_chance"] < LEVEL
    ]
    if seen:
        return f"{text}; the points show a {' or a '.join(seen)} towards the cold"
    least = kink or bend
    often = next(s["how_often"] for s in least["seen"] if s["energy_change_ev"] == 0.2)
    what = "kink" if kink else "bend"
    return (
        f"{text}; no bend or kink seen. A {what} of 0.2 eV would be seen in {100 * often:.0f} of 100 such runs, one of "
        f"{least['seen_in_80_of_100_ev']:.2g} eV in 80"
    )
