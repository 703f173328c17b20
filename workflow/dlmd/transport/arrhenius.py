"""Activation energies, prefactors and conductivities at other temperatures, from several transport results.

Fits of a straight line in 1/T, each value weighted by its own uncertainty:

    ln(sigma T) = ln A - E_a / (k_B T)     Nernst-Einstein; A in mS/cm K
    ln(sigma)   = ln A - E_a / (k_B T)     the convention of the reference paper; A in mS/cm
    ln(D)       = ln D_0 - E_a / (k_B T)   tracer (D_self) and charge (D_total) diffusion; D_0 in cm²/s
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.units import BOLTZMANN_EV_PER_K
from dlmd.base.verdicts import Verdict

VERSION = 1

# Name of a fit: (quantity, unit of the quantity, whether it is multiplied by T)
FITS = {
    "conductivity": ("conductivity_ms_per_cm", "ms_per_cm", True),
    "conductivity_paper_convention": ("conductivity_ms_per_cm", "ms_per_cm", False),
    "d_self": ("d_self_cm2_per_s", "cm2_per_s", False),
    "d_total": ("d_total_cm2_per_s", "cm2_per_s", False),
}
FEWEST = 3


def fit(
    results: Sequence[Mapping[str, Any]], *, predict_k: Sequence[float] = (298.15,), confidence: float = 0.95
) -> dict[str, Any]:
    """Arrhenius fits of transport results (`TransportResult.to_dict`), JSON-ready.

    Results with a verdict other than 'ok' are left out and listed with the reason. With fewer than three
    different temperatures left, the verdict says so and there are no fits.

    Raises
    ------
    DlmdError
        for something that is no transport result, results of different systems, or a temperature that is not
        positive.
    """
    _check(results, predict_k)
    usable = sorted((r for r in results if r["verdict"]["code"] == "ok"), key=lambda r: r["temperature_k"])
    left_out = [
        {
            "temperature_k": r["temperature_k"],
            "code": r["verdict"]["code"],
            "reason": r["verdict"]["message"],
        }
        for r in results
        if r["verdict"]["code"] != "ok"
    ]
    temperatures = [r["temperature_k"] for r in usable]
    out = {
        "format": "dlmd-arrhenius",
        "version": VERSION,
        "confidence": confidence,
        "temperatures_k": temperatures,
        "left_out": left_out,
        "verdict": {"code": Verdict.OK.value, "message": f"{len(usable)} temperatures fitted"},
        "fits": {},
    }
    if len(set(temperatures)) < FEWEST:
        out["verdict"] = {
            "code": Verdict.TOO_FEW_TEMPERATURES.value,
            "message": f"{len(set(temperatures))} usable temperatures of {len(results)}, at least {FEWEST} are needed. "
            "Add temperatures, or run the gated ones longer.",
        }
        return out
    out["fits"] = {name: _fit(usable, name, predict_k, confidence) for name in FITS}
    return out


def _check(results: Sequence[Mapping[str, Any]], predict_k: Sequence[float]) -> None:
    for number, result in enumerate(results):
        if "verdict" not in result or "temperature_k" not in result:
            raise DlmdError(
                f"result {number + 1} is no transport result: it lacks a verdict or a temperature",
                remedy="give the JSON files that `dlmd transport` writes",
            )
    mobile = {result.get("mobile") for result in results}
    if len(mobile) > 1:
        raise DlmdError(
            f"results of different mobile ions: {sorted(map(str, mobile))}", remedy="fit them apart"
        )
    if bad := [t for t in predict_k if not t > 0]:
        raise DlmdError(f"temperature to predict: {bad[0]} K", remedy="give positive temperatures in K")


def _fit(
    results: Sequence[Mapping[str, Any]], name: str, predict_k: Sequence[float], confidence: float
) -> dict[str, Any]:
    from scipy.special import ndtri

    quantity, unit, times_t = FITS[name]
    temperature = np.array([r["temperature_k"] for r in results])
    value, low, high = (np.array([r[quantity][key] for r in results]) for key in ("value", "low", "high"))
    level = np.array([r.get("confidence", 0.95) for r in results])
    # half the interval in the logarithm, as a standard error
    error = 0.5 * np.log(high / low) / ndtri(0.5 + level / 2)
    y = np.log(value * temperature if times_t else value)
    line = _Line(1.0 / (BOLTZMANN_EV_PER_K * temperature), y, error)
    quantile = float(ndtri(0.5 + confidence / 2)) * line.scale

    slope, slope_error = line.slope, line.slope_error
    intercept, intercept_error = line.at(0.0)
    prefactor_unit = f"{unit}_k" if times_t else unit
    return {
        "quantity": f"ln({'sigma T' if times_t else 'sigma' if unit == 'ms_per_cm' else 'D'}) against 1/T",
        "activation_energy_ev": {
            "value": -slope,
            "low": -slope - quantile * slope_error,
            "high": -slope + quantile * slope_error,
        },
        f"prefactor_{prefactor_unit}": _exp(intercept, quantile * intercept_error),
        "reduced_chi_squared": line.reduced_chi_squared,
        "predictions": [
            _predict(line, t, temperature, quantile, unit=unit, times_t=times_t) for t in predict_k
        ],
        "points": [
            {"temperature_k": float(t), f"value_{unit}": float(v), "low": float(lo), "high": float(hi)}
            for t, v, lo, hi in zip(temperature, value, low, high, strict=True)
        ],
    }


def _predict(
    line: Any, temperature_k: float, fitted_k: np.ndarray, quantile: float, *, unit: str, times_t: bool
) -> dict[str, Any]:
    centre, error = line.at(1.0 / (BOLTZMANN_EV_PER_K * temperature_k))
    shift = np.log(temperature_k) if times_t else 0.0
    beyond = max(fitted_k.min() - temperature_k, temperature_k - fitted_k.max(), 0.0)
    return {
        "temperature_k": float(temperature_k),
        f"value_{unit}": _exp(centre - shift, quantile * error),
        "extrapolated": bool(beyond > 0),
        "beyond_range_k": float(beyond),
    }


def _exp(centre: float, reach: float) -> dict[str, float]:
    return {
        "value": float(np.exp(centre)),
        "low": float(np.exp(centre - reach)),
        "high": float(np.exp(centre + reach)),
    }


class _Line:
    """Weighted straight line y = c + slope x with known errors of y."""

    def __init__(self, x: np.ndarray, y: np.ndarray, error: np.ndarray):
        weight = 1.0 / error**2
        self._total = weight.sum()
        self._mean = float(weight @ x / self._total)
        centred = x - self._mean
        self._spread = float(weight @ centred**2)
        self._height = float(weight @ y / self._total)
        self.slope = float(weight @ (centred * y) / self._spread)
        self.slope_error = self._spread**-0.5
        residual = y - self._height - self.slope * centred
        self.reduced_chi_squared = float(weight @ residual**2 / (len(x) - 2))
        # Scatter about the line that exceeds the error bars widens the result; scatter below them does not narrow it.
        self.scale = max(1.0, self.reduced_chi_squared**0.5)

    def at(self, x: float) -> tuple[float, float]:
        """Height of the line at x, and its error."""
        shift = x - self._mean
        return self._height + self.slope * shift, (1.0 / self._total + shift**2 / self._spread) ** 0.5
