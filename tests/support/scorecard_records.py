"""Made-up materials and outcomes for tests of the scorecard (benchmarks/experiment)."""

import sys
from math import exp
from pathlib import Path

from dlmd.base.units import BOLTZMANN_EV_PER_K

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks/experiment"))

import materials  # noqa: E402
import outcome  # noqa: E402


def sample(sigma=None, energy=None):
    """A measured sample, with its conductivity at 298 K (mS/cm) and activation energy (eV) where there are such."""
    known = {"sigma_ms_per_cm": sigma, "activation_energy_ev": energy, "source": "somebody"}
    return {key: value for key, value in known.items() if value is not None}


def warmed(sigma, energy, kelvin):
    """A conductivity at 298 K, in its unit at another temperature (K) along ln(sigma T) with an activation energy (eV)."""
    return sigma * 298.15 / kelvin * exp(energy / BOLTZMANN_EV_PER_K * (1 / 298.15 - 1 / kelvin))


def material(name="A", **changes):
    measured = ({"sigma_ms_per_cm": 2.0, "activation_energy_ev": 0.3, "source": "somebody (2000)"},)
    return materials.Material(
        **{"name": name, "family": "halide", "crystal": "a.cif", "measured": measured, "apart": "pellet"}
        | changes
    )


def between(value, low, high):
    return {"value": value, "low": low, "high": high}


def record(sigma=4.0, shown="value", factor=3.0, **changes):
    """A run with a value at two of three temperatures; its conductivity at the coldest is twice the experiment's there."""
    there = 2 * warmed(2.0, 0.3, 500)
    room = {
        "temperature_k": 298.15,
        "value_ms_per_cm": None if shown == "withheld" else between(sigma, sigma / factor, sigma * factor),
        "shown": shown,
        "beyond_range_k": 201.85,
    }
    temperatures = [
        {"temperature_k": t, "verdict": code, "n_ions": 48, "sigma_ms_per_cm": value, "haven_ratio": haven}
        for t, code, value, haven in (
            (450, "not_diffusive", None, None),
            (500, "ok", between(there, there / 2, there * 2), between(0.5, 0.3, 0.8)),
            (600, "ok", between(900.0, 700.0, 1200.0), between(0.7, 0.5, 1.0)),
        )
    ]
    return {
        "state": outcome.WITHHELD if shown == "withheld" else outcome.ANSWERED,
        "reason": "",
        "teacher": "one",
        "sigma_298": room,
        "activation_energy_ev": between(0.26, 0.21, 0.31),
        "verdict": {"code": "ok"},
        "temperatures": temperatures,
        "lattice": {"error": 0.05},
        "core_hours": 0.8,
        "length_ps": 16.0,
        "relative_force_rmse": 0.14,
        **changes,
    }
