"""The error budget of a level as a job: results of single production runs -> JSON, CSV and figure."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlmd.base.files import read_json, write_json
from dlmd.transport import error_budget, error_budget_plots

COMPONENTS = (error_budget.STATISTICS, error_budget.POTENTIAL, error_budget.ORDERING)


def budget(
    results: Sequence[str],
    *,
    runs: Sequence[tuple[int, int]],
    result: str,
    table: str,
    figures: Sequence[str],
    predict_k: Sequence[float],
    confidence: float,
) -> None:
    """Decompose the uncertainty (see `dlmd.transport.error_budget.budget`).

    Parameters
    ----------
    results
        Transport results of single runs, run by run, every run at all temperatures.
    runs
        (potential, ordering) of every run.
    """
    per_run = len(results) // len(runs)
    given = [
        {
            "potential": m,
            "ordering": n,
            "temperatures": [read_json(path) for path in results[k * per_run : (k + 1) * per_run]],
        }
        for k, (m, n) in enumerate(runs)
    ]
    rows, left_out = error_budget.budget(given, predict_k=predict_k, confidence=confidence)
    write_table(table, rows)
    error_budget_plots.shares(rows, figures)
    write_json(
        Path(result),
        {
            "format": "dlmd-error-budget",
            "version": error_budget.VERSION,
            "confidence": confidence,
            "runs": [{"potential": m, "ordering": n} for m, n in runs],
            "rows": rows,
            "left_out": left_out,
        },
    )


def write_table(path: str, rows: Sequence[dict[str, Any]]) -> None:
    """One row per quantity; empty cells for what the runs do not vary."""
    columns = [
        "quantity",
        "unit",
        "runs",
        "value",
        "low",
        "high",
        "low_statistics_only",
        "high_statistics_only",
    ]
    for name in COMPONENTS:
        columns += [f"{name}_{part}" for part in ("share", "share_low", "share_high", "sd")]
    with Path(path).open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for row in rows:
            cells = {key: row[key] for key in ("quantity", "unit", "runs")} | row["mean"]
            cells |= {f"{k}_statistics_only": row["mean_statistics_only"][k] for k in ("low", "high")}
            for name in COMPONENTS:
                part = row["components"][name]
                if part is not None:
                    cells[f"{name}_share"] = part["share"]["value"]
                    cells |= {f"{name}_share_{k}": part["share"][k] for k in ("low", "high")}
                    cells[f"{name}_sd"] = part["sd"]["value"]
            writer.writerow(cells)
