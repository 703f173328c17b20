"""What became of a material's run, as one record: the answer, what it is worth and what it cost, or why there is none."""

from __future__ import annotations

import re
from math import prod
from pathlib import Path
from typing import Any

from materials import Material

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json, write_json
from dlmd.config.reading import load
from dlmd.config.run_config import RunConfig
from dlmd.report import tables
from dlmd.run import tree
from dlmd.run.results import LevelResults, RunResults
from dlmd.structures.crystal import read_cif

ANSWERED, WITHHELD, REFUSED, FAILED, NOT_RUN = "answered", "withheld", "refused", "failed", "not run"
ROOM_K, HOUR_S = 298.15, 3600.0
FORMAT = "dlmd-experiment"
TAIL = 600


def path(folder: Path, material: Material) -> Path:
    """The record of a material."""
    return folder / "outcomes" / f"{material.name}.json"


def write(path: Path, record: dict[str, Any]) -> None:
    """Write a record, and the folder of all records where it is the first."""
    path.parent.mkdir(exist_ok=True)
    write_json(path, record)


def config_there(material: Material, work: Path) -> str | None:
    """The config that its run has had, where there is one."""
    found = Path(material.config) if material.config else work / "configs" / f"{material.run}.yaml"
    return str(found) if found.exists() else None


def of(material: Material, *, config: str | None, code: int, printed: str) -> dict[str, Any]:
    """The record of a run that ended with `code`.

    Parameters
    ----------
    config
        Its config; None where there was none to run.
    printed
        What the run has said: the reason of a failure stands at its end.
    """
    found: dict[str, Any] = {"format": FORMAT, "material": material.name, "state": FAILED, "reason": ""}
    if config is None:
        return {**found, "state": FAILED if code else NOT_RUN, "reason": _said(printed)}
    cfg = load(config, overrides=dict(material.settings) or None)
    results = RunResults(tree.home(cfg.run))
    level = results.level(material.level or next(reversed(cfg.levels)))
    found |= _run(cfg, level)
    # CPU time: the time that cores were held says more of a busy machine
    found["core_hours"] = (
        sum(float(row["cpu_s"]) for row in results.costs) / HOUR_S if results.costs else None
    )
    # a run that has failed since may have the result of a shorter one
    if code or not results.path(tree.RESULT).exists():
        return {**found, **_unfinished(level, code, printed)}
    saved = read_json(results.path(tree.RESULT))["levels"][level.name]
    found |= _answer(saved)
    found["lattice"] = _lattice(cfg, level, saved["temperatures"])
    sigma = found["sigma_298"]
    answered = sigma is not None and sigma["shown"] != "withheld"
    reason = (
        ""
        if answered
        else found["verdict"]["message"]
        if not found["activation_energy_ev"]
        else _withheld(sigma)
    )
    return {**found, "state": ANSWERED if answered else WITHHELD, "reason": reason}


def _withheld(sigma: dict[str, Any] | None) -> str:
    if sigma is None:
        return "no conductivity at 298 K was asked for"
    return f"at 298 K, {sigma['beyond_range_k']:.0f} K below the coldest run, it is not known to an order of magnitude"


def _said(printed: str) -> str:
    """Why a run failed: what its jobs said (each error is three lines: what, where, how to mend it), else how its output ends."""
    errors = re.findall(r"^(\S.*)\n  in: .*\n  fix: ", printed, re.MULTILINE)
    return "; ".join(dict.fromkeys(errors)) or printed[-TAIL:]


def _unfinished(level: LevelResults, code: int, printed: str) -> dict[str, str]:
    """Why a run has no result: its potential was refused, it failed, or it has never been started."""
    checks = level.accepted.get("checks", ())
    if level.accepted and not level.accepted["accepted"]:
        return {"state": REFUSED, "reason": "; ".join(c["text"] for c in checks if not c["ok"])}
    if code or level.run.folder.exists():
        return {"state": FAILED, "reason": _said(printed) or "it is not finished"}
    return {"state": NOT_RUN, "reason": ""}


def _run(cfg: RunConfig, level: LevelResults) -> dict[str, Any]:
    """How large and how long the run is."""
    try:
        teacher = tables.theory(cfg, level.name)
    except (DlmdError, ImportError):  # an engine that this environment lacks
        teacher = level.name
    return {
        "teacher": teacher,
        "relative_force_rmse": level.errors.get("relative_force_rmse"),
        "temperatures_k": list(cfg.md.temperatures_k),
        "length_ps": cfg.md.segment_ps * cfg.md.segments,
        "replicas": cfg.md.replicas,
        "lattice_kind": cfg.md.lattice,
    }


def _answer(saved: dict[str, Any]) -> dict[str, Any]:
    """The answer of one level in result.json."""
    room = [p for p in saved["predictions"] if abs(p["temperature_k"] - ROOM_K) < 1]
    return {
        "verdict": saved["verdict"],
        "activation_energy_ev": saved["activation_energy_ev"].get("conductivity"),
        "sigma_298": room[0] if room else None,
        "temperatures": [
            {
                "temperature_k": one["temperature_k"],
                "verdict": one["verdict"]["code"],
                "n_ions": one["n_ions"],
                "sigma_ms_per_cm": one["conductivity_ms_per_cm"],
                "haven_ratio": one["haven_ratio"],
            }
            for one in saved["temperatures"]
        ],
    }


def _lattice(cfg: RunConfig, level: LevelResults, temperatures: list[dict]) -> dict[str, float] | None:
    """Volume of a unit cell (Å³) of production at its coldest temperature, beside the CIF's."""
    volumes = [t["volume_a3"] for t in temperatures if t["volume_a3"]]
    cell = level.production_cell()
    if not volumes or not cell:
        return None
    a, b, c = read_cif(cfg.material.cif).lattice
    measured = abs(
        float(
            a[0] * (b[1] * c[2] - b[2] * c[1])
            - a[1] * (b[0] * c[2] - b[2] * c[0])
            + a[2] * (b[0] * c[1] - b[1] * c[0])
        )
    )
    computed = volumes[0] / prod(cell["repeat"])
    return {"measured_a3": measured, "computed_a3": computed, "error": computed / measured - 1}
