"""The answer of a run as one JSON file, for programs and archives: every value with its interval, unit in the key and verdict,
and with what it was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlmd.base import provenance
from dlmd.config import routes
from dlmd.config.run_config import RunConfig
from dlmd.report import coverage, tables, trust
from dlmd.run.results import LevelResults, RunResults

FORMAT = "dlmd-result"
VERSION = 1
QUANTITIES = ("conductivity_ms_per_cm", "d_self_cm2_per_s", "d_total_cm2_per_s", "haven_ratio")
SYSTEM = ("temperature_k", "verdict", "length_ps", "n_ions", "volume_a3", "onset_ps", "host_shift_a")
POTENTIAL = ("force_rmse_mev_per_a", "relative_force_rmse", "energy_rmse_mev_per_atom")


def collect(
    cfg: RunConfig,
    results: RunResults,
    *,
    config: str,
    overrides: Mapping[str, Any],
    reference: str | None,
    packages: tuple,
) -> dict:
    """What `results/<run>/result.json` holds, from the run's result files.

    Parameters
    ----------
    config, reference
        The config file, and the file of published values.
    overrides
        What the command line has changed in the config.
    packages
        Whose versions are recorded.
    """
    inputs = [config, cfg.material.cif, *([reference] if reference else [])]
    command = ["snakemake", "--configfile", config]
    if overrides:
        command += ["--config", *(f"{key}={json.dumps(value)}" for key, value in overrides.items())]
    return {
        "format": FORMAT,
        "version": VERSION,
        "run": cfg.run,
        "material": Path(cfg.material.cif).stem,
        "mobile": cfg.material.mobile,
        "confidence": cfg.transport.confidence,
        "levels": {name: _level(cfg, results.level(name)) for name in routes.answering(cfg)},
        "seed": cfg.seed,
        "config_overrides": dict(overrides),
        "provenance": provenance.provenance([*inputs, *results.models], command=command, packages=packages),
    }


def _level(cfg: RunConfig, results: LevelResults) -> dict:
    fits = results.arrhenius["fits"] or {}
    return {
        "theory": tables.theory(cfg, results.name),
        "potential": {key: results.errors.get(key) for key in POTENTIAL}
        | {
            "notes": [
                *trust.undecided(results),
                *coverage.beyond_labels(results),
                *coverage.met_anions(results),
            ]
        },
        "verdict": results.arrhenius["verdict"],
        "activation_energy_ev": {key: fit["activation_energy_ev"] for key, fit in fits.items()},
        "predictions": fits["conductivity"]["predictions"] if fits else [],
        "temperatures": [_temperature(results.transport(t)) for t in cfg.md.temperatures_k],
        **({"size_check": size} if (size := results.size_check) else {}),
        "mechanism": {f"{t:g}K": results.mechanism(t)["verdict"] for t in cfg.md.temperatures_k},
    }


def _temperature(found: dict) -> dict:
    out = {key: found.get(key) for key in (*SYSTEM, *QUANTITIES)}
    if "carriers" in found:
        out["carriers"] = {name: _temperature(one) for name, one in found["carriers"].items()}
        out["together"] = found["together"]
    return out
