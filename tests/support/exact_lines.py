"""Transport results that lie on a known Arrhenius line."""

import numpy as np

from dlmd.base.units import BOLTZMANN_EV_PER_K

TEMPERATURES = (450.0, 500.0, 550.0, 600.0, 650.0, 700.0)
ENERGY, PREFACTOR = 0.3, 2.0e7


def result(temperature, *, error=0.1, noise=0.0, code="ok", mobile="Li"):
    """A transport result on the line ln(sigma T) = ln A - E_a / k_B T, off by `noise` in the logarithm."""
    sigma_t = PREFACTOR * np.exp(-ENERGY / (BOLTZMANN_EV_PER_K * temperature))

    def interval(value):
        middle = value * np.exp(noise)
        return {
            "value": middle,
            "low": middle * np.exp(-1.959964 * error),
            "high": middle * np.exp(1.959964 * error),
        }

    return {
        "mobile": mobile,
        "temperature_k": temperature,
        "confidence": 0.95,
        "verdict": {"code": code, "message": "said why"},
        "conductivity_ms_per_cm": interval(sigma_t / temperature) if code == "ok" else None,
        "d_self_cm2_per_s": interval(1e-9 * sigma_t) if code == "ok" else None,
        "d_total_cm2_per_s": interval(2e-9 * sigma_t) if code == "ok" else None,
    }
