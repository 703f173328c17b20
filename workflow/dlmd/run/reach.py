"""What it takes to simulate low temperatures directly, without an extrapolation: nanoseconds, and hours of cores or GPUs.

A run counts where its ions have moved on by some hops and it lasts several onsets of diffusion (see the limits of
`dlmd.transport.gates`). Both times grow as 1 / D, so that D at the low temperature says how long that is. D comes from the
run's own line, with its interval, or from a conductivity and an activation energy that are given. It is the shortest run that
has a value at all: a sharp one takes longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlmd.base.units import BOLTZMANN_EV_PER_K, CM2_PER_S_PER_A2_PER_PS, conductivity_ms_per_cm
from dlmd.config.run_config import RunConfig
from dlmd.run import estimates, plan, targets, tree
from dlmd.transport.gates import Limits
from dlmd.transport.selection import USABLE

TEMPERATURES_K = (298.15, 323.15, 348.15, 373.15)
# assumed of a conductivity that is given
HAVEN_RATIO = 0.5
PS_PER_NS = 1000.0


@dataclass(frozen=True)
class Known:
    """D_self (cm²/s) at temperatures: (n,) kelvin, value, low, high; the onset of diffusion (ps) times D, where it was seen; and
    what all that comes from, in words."""

    temperature_k: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    onset: float | None
    source: str


def of_run(
    fitted: Mapping[str, Any], results: Sequence[Mapping[str, Any]], temperatures_k: Sequence[float]
) -> Known | None:
    """D_self on the line of the run's conductivity, through D_self of its coldest temperature with a value; None without a line.

    Parameters
    ----------
    fitted, results
        The Arrhenius fit and the transport results that it is of.
    """
    line = (fitted.get("fits") or {}).get("conductivity") or {}
    usable = [r for r in results if r and r["verdict"]["code"] in USABLE and r["d_self_cm2_per_s"]]
    if not line.get("curve") or not usable:
        return None
    first = min(usable, key=lambda r: float(r["temperature_k"]))
    # sigma T goes as D, were the Haven ratio the same at all temperatures
    x = 1 / np.asarray(line["curve"]["temperature_k"])
    order = np.argsort(x)
    at = 1 / np.asarray(temperatures_k, float)
    anchor = 1 / float(first["temperature_k"])
    d = float(first["d_self_cm2_per_s"]["value"])

    def shape(which: str) -> tuple[np.ndarray, float]:
        logs = np.log(np.asarray(line["curve"][which]))[order] - np.log(x[order])
        return np.interp(at, x[order], logs), float(np.interp(anchor, x[order], logs))

    middle, reference = shape("value")
    value, low, high = (d * np.exp(one - reference) for one in (middle, shape("low")[0], shape("high")[0]))
    seen = [
        r["onset_ps"] * r["d_self_cm2_per_s"]["value"] for r in usable if r["onset_ps"] and r["onset_ps"] > 0
    ]
    return Known(
        np.asarray(temperatures_k, float),
        value,
        low,
        high,
        float(np.median(seen)) if seen else None,
        f"D_self of the run's own line, through {first['temperature_k']:g} K",
    )


def of_conductivity(
    cfg: RunConfig,
    *,
    ms_per_cm: float,
    at_k: float,
    energy_ev: float,
    temperatures_k: Sequence[float],
) -> Known:
    """D_self from a conductivity at `at_k` and an activation energy of sigma T, with a Haven ratio of `HAVEN_RATIO`, in
    production's cell at the CIF's lattice."""
    from dlmd.structures.crystal import read_cif

    cell = (cfg.md.occupancy, cfg.md.cell)
    counts = estimates.compositions(cfg, [cell])[cell]
    n_ions = estimates.mobile_ions(cfg, counts)
    squares = sum(counts[name] * cfg.material.charges[name] ** 2 for name in cfg.material.carriers) / n_ions
    cells = float(np.prod(cfg.structures.cells[cfg.md.cell]))
    unit = conductivity_ms_per_cm(
        diffusion_a2_per_ps=1.0,
        n_ions=n_ions,
        # of several elements the root of the mean square, by which all of them conduct as one
        charge_e=squares**0.5,
        volume_angstrom3=cells * abs(float(np.linalg.det(read_cif(cfg.material.cif).lattice))),
        temperature_k=at_k,
    )
    d = HAVEN_RATIO * ms_per_cm / unit * CM2_PER_S_PER_A2_PER_PS
    t = np.asarray(temperatures_k, float)
    value = d * np.exp(-energy_ev / BOLTZMANN_EV_PER_K * (1 / t - 1 / at_k))
    return Known(
        t,
        value,
        value,
        value,
        None,
        f"{ms_per_cm:g} mS/cm at {at_k:g} K, {energy_ev:g} eV, a Haven ratio of {HAVEN_RATIO:g}",
    )


def lengths_ps(known: Known, d_cm2_per_s: np.ndarray, *, limits: Limits) -> np.ndarray:
    """(n,) shortest runs with a value, where D_self is (n,) `d_cm2_per_s`."""
    d = d_cm2_per_s / CM2_PER_S_PER_A2_PER_PS
    hop = limits.hop_length_angstrom**2 / (6 * d)
    onset = (known.onset or 0.0) / d_cm2_per_s
    return np.maximum(limits.hops_per_run * hop, limits.onsets_per_run * onset)


def rows(cfg: RunConfig, level: str, known: Known, model: plan.CostModel) -> list[dict[str, str]]:
    """A line of text for each temperature: D_self, ns of one run, and hours of all runs of that temperature."""
    limits = Limits(hop_length_angstrom=cfg.transport.hop_length_angstrom)
    place = {"level": level, "T": cfg.md.temperatures_k[0], "k": 0, "segment": f"{cfg.md.segments:04d}"}
    path = tree.path(tree.home(cfg.run), tree.SEGMENT, **place)
    cost, basis = model.cost(plan.Job("md_segment", str(path), True))
    # what holds the job's clock: GPUs where it has any
    held, unit = (cost.gpus, "GPU hours") if cost.gpus else (cost.cores, "core hours")
    runs = len(targets.production_runs(cfg))
    hours_per_ps = cost.wall_s * held * runs / plan.HOUR / cfg.md.segment_ps
    longest, middle, shortest = (
        lengths_ps(known, d, limits=limits) for d in (known.low, known.value, known.high)
    )
    return [
        {
            "T (K)": f"{t:g}",
            "D_self (cm²/s)": f"{known.value[i]:.2g}",
            "ns": _span(middle[i], shortest[i], longest[i], 1 / PS_PER_NS),
            unit: _span(middle[i], shortest[i], longest[i], hours_per_ps),
            "speed": basis,
        }
        for i, t in enumerate(known.temperature_k)
    ]


def _span(middle: float, low: float, high: float, scale: float) -> str:
    if high / low < 1.01:
        return f"{middle * scale:.2g}"
    return f"{middle * scale:.2g} ({low * scale:.2g} to {high * scale:.2g})"
