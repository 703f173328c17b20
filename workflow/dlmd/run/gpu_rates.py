"""How much faster than a core a GPU is: as benchmarks/gpu has measured it, and how its numbers reach an estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path
from typing import Any

from dlmd.base.errors import DlmdError, similar_file
from dlmd.base.files import read_json
from dlmd.config.run_config import RunConfig
from dlmd.run import estimates

# what production runs with (dlmd.training freezes and compresses a model of TensorFlow)
BACKEND = "tensorflow"
REMEDY = "measure on the machine with the GPU: python benchmarks/gpu/run.py MODEL.pb --out gpu.json"


def read(path: str | Path, cfg: RunConfig, *, atoms: int) -> estimates.GpuRates:
    """The rates of a GPU for a run with production cells of so many atoms, from what benchmarks/gpu wrote.

    The benchmark's network that is nearest to the config's stands for it, and what it took is scaled by the estimates for one
    core of both (`estimates.md_step_s`).

    Raises
    ------
    DlmdError
        where the file is none of the benchmark, was measured on a CPU, or has no speed.
    """
    if not Path(path).exists():
        raise DlmdError(f"no such file: {path}", remedy=similar_file(str(path)) or REMEDY)
    found = read_json(path)
    if not isinstance(found, dict) or not {"machine", "networks", "speed", "training"} <= set(found):
        raise DlmdError("no rates of a GPU", where=str(path), remedy=REMEDY)
    if found["machine"].get("device") != "cuda":
        raise DlmdError("measured on a CPU: that says nothing of a GPU", where=str(path), remedy=REMEDY)
    networks: Mapping[str, Mapping[str, float]] = found["networks"]
    best = _nearest(found["speed"], networks, cfg, atoms)
    if best is None:
        reasons = dict.fromkeys(row["reason"] for row in found["speed"] if "reason" in row)
        raise DlmdError(
            f"no network ran there: {'; '.join(reasons) or 'it has no rows'}", where=str(path), remedy=REMEDY
        )
    trained = next(
        (row for row in found["training"] if row.get("backend") == BACKEND and "steps_per_s" in row), None
    )
    training = trained and trained["steps_per_s"] * trained["atoms"] * networks["demo"]["training_step_s"]
    gpu = found["machine"].get("gpu", "").split(",")[0] or "a GPU"
    return estimates.GpuRates(
        md=best["atom_steps_per_s"] * networks[_network(best)]["md_step_s"],
        training=training or estimates.GpuRates().training,
        told=f"{gpu}, {best['atom_steps_per_s']:,.0f} atom-steps/s in MD ({best['variant']}; {best['atoms']:,} atoms, through "
        f"{best['through']})"
        + (
            f", {trained['steps_per_s']:.3g} training steps/s ({trained['atoms']} atoms)"
            if trained
            else "; training is assumed"
        ),
    )


def networks(configs: Mapping[str, RunConfig]) -> dict[str, dict[str, float]]:
    """What one core takes for the networks of these configs, by the estimates: that a measured rate can be scaled by it."""
    return {
        name: {"md_step_s": estimates.md_step_s(cfg), "training_step_s": estimates.training_step_s(cfg)}
        for name, cfg in configs.items()
    }


def _network(row: Mapping[str, Any]) -> str:
    return str(row["variant"]).split(",")[0]


def _nearest(
    rows: Sequence[Mapping[str, Any]], known: Mapping[str, Mapping[str, float]], cfg: RunConfig, atoms: int
) -> Mapping[str, Any] | None:
    """The case that is most like production: backend, then precision, compressed, network, and size."""

    def unlike(row: Mapping[str, Any]) -> tuple[float, ...]:
        parts = str(row["variant"]).split(", ")
        return (
            BACKEND not in parts,
            cfg.training.precision not in parts,
            "compressed" not in parts,
            abs(log(known[parts[0]]["md_step_s"] / estimates.md_step_s(cfg))),
            abs(log(row["atoms"] / atoms)),
        )

    ran = [row for row in rows if "reason" not in row and _network(row) in known]
    return min(ran, key=unlike, default=None)
