"""How much longer a run would have to be for its answer, in `md.segments` and core hours: from its own statistics and times.

Statistical errors fall with the square root of the length. What is read is the Arrhenius fit, what is counted the segments of all
temperatures and runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from dlmd.base.formatting import rounded
from dlmd.config.run_config import RunConfig
from dlmd.run import plan, targets, tree


def advice(cfg: RunConfig, level: str, fitted: Mapping[str, Any], model: plan.CostModel) -> list[str]:
    """Sentences on what the activation energy, and each conductivity that is no value yet, needs."""
    found = (fitted.get("fits") or {}).get("conductivity", {})
    said = []
    aim = found.get("to_reach")
    if aim and aim["times_longer"] > 1:
        said.append(
            f"E_a to ±{aim['half_width_ev']:g} eV needs {_segments(cfg, level, aim['times_longer'], model)}"
        )
    for prediction in found.get("predictions", ()):
        if prediction.get("shown", "value") == "value":
            continue
        name, times = f"σ at {prediction['temperature_k']:g} K", prediction["times_longer"]
        if times is None:
            said.append(
                f"{name} needs a temperature nearer to it in `md.temperatures_k`: longer runs at these would not give it"
            )
        else:
            said.append(f"{name} within a factor of ten needs {_segments(cfg, level, times, model)}")
    return said


def _segments(cfg: RunConfig, level: str, times: float, model: plan.CostModel) -> str:
    segments = ceil(cfg.md.segments * times)
    runs = len(targets.production_runs(cfg))
    more = (segments - cfg.md.segments) * len(cfg.md.temperatures_k) * runs
    place = {"level": level, "T": cfg.md.temperatures_k[0], "k": 0, "segment": f"{cfg.md.segments:04d}"}
    path = tree.path(tree.home(cfg.run), tree.SEGMENT, **place)
    cost, basis = model.cost(plan.Job("md_segment", str(path), True))
    hours = more * cost.wall_s * cost.cores / plan.HOUR
    gpus = f", {rounded(more * cost.wall_s * cost.gpus / plan.HOUR, 2)} GPU hours" if cost.gpus else ""
    return f"`md.segments: {segments}` (now {cfg.md.segments}), {rounded(hours, 2)} core hours more{gpus} ({basis})"
