"""Transport results as CSV: the curves of one temperature, and one line per temperature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlmd.base.files import write_csv

ESTIMATES = ("d_self_cm2_per_s", "d_total_cm2_per_s", "haven_ratio", "conductivity_ms_per_cm")


def write_msd(path: str | Path, curves: Mapping[str, Any]) -> None:
    """MSD curves of one result: lag in ps; self, total and distinct in Å², then the same along a, b and c*."""
    import numpy as np

    columns: dict[str, Any] = {}
    for name, values in curves.items():
        nested = values.items() if isinstance(values, Mapping) else [("", values)]
        columns |= {f"{name}_{part}" if part else name: column for part, column in nested}
    table = np.column_stack(list(columns.values()))
    np.savetxt(path, table, delimiter=",", header=",".join(columns), comments="", fmt="%.8g")


def write_temperatures(path: str | Path, results: Sequence[Mapping[str, Any]]) -> None:
    """One line per result: temperature, verdict, and every estimate with its interval (empty where there is a verdict)."""
    write_csv(path, [_row(result) for result in results])


def _row(result: Mapping[str, Any]) -> dict[str, Any]:
    row = {"temperature_k": result["temperature_k"], "verdict": result["verdict"]["code"]}
    for key in ESTIMATES:
        estimate = result.get(key) or {}
        row |= {
            key: estimate.get("value", ""),
            f"{key}_low": estimate.get("low", ""),
            f"{key}_high": estimate.get("high", ""),
        }
    return row
