"""Activation energies, prefactors and conductivities at other temperatures, from several transport results.

    ln(sigma T) = ln A - E_a / (k_B T)     Nernst-Einstein; A in mS/cm K
    ln(sigma)   = ln A - E_a / (k_B T)     the convention of the reference paper; A in mS/cm
    ln(D)       = ln D_0 - E_a / (k_B T)   tracer (D_self) and charge (D_total) diffusion; D_0 in cm²/s

E_a is the mean over the fitted temperatures. Between and beyond them the points may bend (`dlmd.transport.line_models`), so
that an extrapolation is as uncertain as the shape of the curve. Temperatures at which D may be zero enter as upper bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.verdicts import Verdict
from dlmd.transport import cells, line_models, line_tests
from dlmd.transport.between_runs import effects, own_errors
from dlmd.transport.line_models import Between, Posterior
from dlmd.transport.result_checks import require_confidence, require_result
from dlmd.transport.selection import Selected, select

VERSION = 6

# Name of a fit: (quantity, unit of the quantity, whether it is multiplied by T)
FITS = {
    "conductivity": ("conductivity_ms_per_cm", "ms_per_cm", True),
    "conductivity_paper_convention": ("conductivity_ms_per_cm", "ms_per_cm", False),
    "d_self": ("d_self_cm2_per_s", "cm2_per_s", False),
    "d_total": ("d_total_cm2_per_s", "cm2_per_s", False),
}
FEWEST = 3
# An activation energy is a value where its interval reaches no farther than this (eV), and than a third of it, to either side.
WIDEST_EV, WIDEST_SHARE = 0.1, 1 / 3
# The aim for which the report says how much longer a run would have to be.
AIM_EV = 0.03
# A conductivity elsewhere is a value within this factor either way, an order of magnitude within the second, else withheld.
VALUE_FACTOR, MAGNITUDE_FACTOR = 10.0, 300.0
# How many times longer a run may have to be before another temperature is the better advice.
_LONGEST = 64
_CURVE_POINTS = 32
_MARGIN = 0.2


def fit(
    results: Sequence[Mapping[str, Any]],
    *,
    predict_k: Sequence[float] = (298.15,),
    confidence: float = 0.95,
    runs: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Arrhenius fits of transport results (`TransportResult.to_dict`), JSON-ready.

    Results without a value are left out and listed with the reason, and so are those too cold to be believed
    (`dlmd.transport.selection`). With fewer than three different temperatures left, the verdict says so and there are no fits.

    Parameters
    ----------
    runs
        Per production run `potential`, `ordering` and `temperatures` (transport results of this run alone), where there were
        several: how much they scatter is part of the uncertainty (`dlmd.transport.between_runs`).

    Raises
    ------
    DlmdError
        for something that is no transport result (`dlmd.transport.result_checks`), results of different systems, a temperature
        that is not positive, or a confidence that is not between 0 and 1.
    """
    results = list(results)
    _check(results, predict_k, confidence)
    found = {name: select(results, quantity) for name, (quantity, _, _) in FITS.items()}
    first = found["conductivity"]
    out: dict[str, Any] = {
        "format": "dlmd-arrhenius",
        "version": VERSION,
        "confidence": confidence,
        "temperatures_k": [float(t) for t in first.temperature_k],
        "bounds": first.bounds(),
        "left_out": first.left_out,
        "cells": cells.compare(results, confidence=confidence),
        "verdict": {},
        "fits": {},
    }
    fewest = min(len(set(one.temperature_k)) for one in found.values())
    if fewest < FEWEST:
        bounds = f", and {len(first.limit_k)} with an upper bound only" if len(first.limit_k) else ""
        out["verdict"] = {
            "code": Verdict.TOO_FEW_TEMPERATURES.value,
            "message": f"{fewest} usable temperatures of {len(results)}{bounds}, at least {FEWEST} are needed. "
            "Add temperatures, or run the gated ones longer.",
        }
        return out
    span = _span(results, predict_k)
    out["fits"] = {
        name: _Fit(one, name, confidence, runs).to_dict(predict_k, span) for name, one in found.items()
    }
    out["verdict"] = _verdict(out["fits"]["conductivity"], len(first.temperature_k))
    return out


def _check(results: Sequence[Mapping[str, Any]], predict_k: Sequence[float], confidence: float) -> None:
    require_confidence(confidence)
    for number, result in enumerate(results, start=1):
        require_result(result, f"result {number} of {len(results)}")
    mobile = {result.get("mobile") for result in results}
    if len(mobile) > 1:
        raise DlmdError(
            f"results of different mobile ions: {sorted(map(str, mobile))}", remedy="fit them apart"
        )
    if bad := [t for t in predict_k if not 0 < t < np.inf]:
        raise DlmdError(f"temperature to predict: {bad[0]} K", remedy="give positive temperatures in K")


def _span(results: Sequence[Mapping[str, Any]], predict_k: Sequence[float]) -> tuple[float, float]:
    """Temperatures between which the curve is saved: somewhat beyond all that were run or asked for."""
    every = [*(float(r["temperature_k"]) for r in results), *map(float, predict_k), line_models.ROOM_K]
    return (1 - _MARGIN) * min(every), (1 + _MARGIN) * max(every)


def _verdict(found: Mapping[str, Any], temperatures: int) -> dict[str, str]:
    """Of the line of the conductivity."""
    energy = found["activation_energy_ev"]
    reach = max(energy["high"] - energy["value"], energy["value"] - energy["low"])
    if not found["straightness"]["straight"]:
        return {
            "code": Verdict.NOT_ARRHENIUS.value,
            "message": f"{line_tests.sentence(found['straightness'])}. E_a is a mean over the fitted temperatures and holds "
            "nowhere else. Add temperatures near the one that is wanted.",
        }
    if reach > min(WIDEST_EV, WIDEST_SHARE * abs(energy["value"])):
        return {
            "code": Verdict.SHOWS_THE_WAY.value,
            "message": f"E_a is known to ±{reach:.2g} eV only: it shows the way, not the value. Run longer, or at "
            "temperatures further apart.",
        }
    return {"code": Verdict.OK.value, "message": f"{temperatures} temperatures fitted"}


class _Fit:
    """One quantity: its points, their posterior, and what is told of it."""

    def __init__(self, selected: Selected, name: str, confidence: float, runs: Sequence[Mapping[str, Any]]):
        self.name = name
        self.quantity, self.unit, self.times_t = FITS[name]
        self.selected = selected
        self.tails = np.array([0.5 - confidence / 2, 0.5, 0.5 + confidence / 2])
        self.temperature_k = selected.temperature_k
        self.y = np.log(selected.value) + self._shift(self.temperature_k)
        self.bounds = (selected.limit_k, selected.log_limit + self._shift(selected.limit_k))
        self.scatter = effects(runs, self.quantity)
        self.between = self.scatter.draws() if self.scatter is not None else Between.none()
        self.error = own_errors(runs, self.quantity, self.temperature_k, selected.error)
        self.posterior = self._posterior(self.y, self.error)

    def _shift(self, temperature_k: np.ndarray) -> np.ndarray:
        """What turns ln of the quantity into y."""
        return np.log(temperature_k) if self.times_t else np.zeros_like(temperature_k)

    def _posterior(self, y: np.ndarray, error: np.ndarray) -> Posterior:
        return line_models.posterior(self.temperature_k, y, error, bounds=self.bounds, between=self.between)

    def to_dict(self, predict_k: Sequence[float], span: tuple[float, float]) -> dict[str, Any]:
        """JSON-ready."""
        tested = line_tests.straightness(self.temperature_k, self.y, self.error)
        energy = _interval(self.posterior.mean_energy(self.tails))
        prefactor_unit = f"{self.unit}_k" if self.times_t else self.unit
        symbol = "sigma T" if self.times_t else "sigma" if self.unit == "ms_per_cm" else "D"
        reach = 0.5 * (energy["high"] - energy["low"])
        chi = tested["chi_squared"]
        return {
            "quantity": f"ln({symbol}) against 1/T",
            "activation_energy_ev": energy,
            f"prefactor_{prefactor_unit}": _interval(
                np.exp(np.clip(self.posterior.at_infinite_temperature(self.tails), -700, 700))
            ),
            "reduced_chi_squared": chi["value"] / max(chi["dof"], 1),
            "straightness": tested,
            "shapes": {kind: self.posterior.share(kind) for kind in line_models.SHAPES},
            "between_runs": self.scatter and self.scatter.to_dict(),
            "to_reach": {"half_width_ev": AIM_EV, "times_longer": max(1.0, (reach / AIM_EV) ** 2)},
            "predictions": [self._predict(t) for t in predict_k],
            # the one that is drawn
            "curve": self._curve(span) if self.name == "conductivity" else None,
            "points": [
                {
                    "temperature_k": float(t),
                    f"value_{self.unit}": float(v),
                    "low": float(lo),
                    "high": float(hi),
                }
                for t, v, lo, hi in self.selected.rows()
            ],
            "bounds": self.selected.bounds(),
        }

    def at(
        self, temperatures_k: Sequence[float], posterior: Posterior | None = None
    ) -> list[dict[str, float]]:
        """The quantity at temperatures."""
        given = np.asarray(temperatures_k, dtype=float)
        heights = (posterior or self.posterior).height(given, self.tails) - self._shift(given)[:, None]
        return [_interval(np.exp(np.clip(row, -700, 700))) for row in heights]

    def _predict(self, temperature_k: float) -> dict[str, Any]:
        fitted = self.temperature_k
        beyond = max(fitted.min() - temperature_k, temperature_k - fitted.max(), 0.0)
        (found,) = self.at([temperature_k])
        factor = _factor(found)
        shown = (
            "value" if factor <= VALUE_FACTOR else "magnitude" if factor <= MAGNITUDE_FACTOR else "withheld"
        )
        return {
            "temperature_k": float(temperature_k),
            f"value_{self.unit}": None if shown == "withheld" else found,
            "extrapolated": bool(beyond > 0),
            "beyond_range_k": float(beyond),
            "shown": shown,
            "factor_either_way": factor,
            "times_longer": 1.0 if shown == "value" else self._times_longer(temperature_k),
        }

    def _times_longer(self, temperature_k: float) -> float | None:
        """How many times longer runs at the same temperatures would give a value, if the points lie on a line; None for never."""
        x = line_models.inverse(self.temperature_k)
        weight = 1.0 / self.error**2
        line = np.polynomial.Polynomial.fit(x, self.y, 1, w=np.sqrt(weight))(x)
        times = 2.0
        while times <= _LONGEST:
            longer = line_models.posterior(
                self.temperature_k, line, self.error / times**0.5, between=self.between
            )
            if _factor(self.at([temperature_k], longer)[0]) <= VALUE_FACTOR:
                return times
            times *= 2
        return None

    def _curve(self, span: tuple[float, float]) -> dict[str, list[float]]:
        """The fit with its interval, at temperatures evenly spaced in 1/T."""
        temperatures = 1.0 / np.linspace(1 / span[1], 1 / span[0], _CURVE_POINTS)
        found = self.at(temperatures.tolist())
        return {"temperature_k": temperatures.tolist()} | {
            key: [one[key] for one in found] for key in ("value", "low", "high")
        }


def _factor(found: Mapping[str, float]) -> float:
    """By how much either end of an interval is off its middle, at most."""
    with np.errstate(divide="ignore", over="ignore"):
        logs = np.log(found["high"] / found["value"]), np.log(found["value"] / found["low"])
        return float(np.exp(min(max(logs), 700.0)))


def _interval(found: np.ndarray) -> dict[str, float]:
    low, value, high = map(float, found)
    return {"value": value, "low": low, "high": high}
