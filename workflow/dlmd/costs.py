"""Wall and CPU time per stage, from Snakemake's benchmark files."""

from __future__ import annotations

import json
from pathlib import Path

# first folder or file name under benchmarks/ -> stage of the report
STAGES = {
    "structures": "structures",
    "relax": "labels: relaxation",
    "aimd": "labels: molecular dynamics",
    "labels": "labels: tables",
    "dataset": "dataset",
    "training": "training",
    "validation": "validation",
    "md": "production MD",
    "transport": "transport",
    "report": "report",
}


def stage_times(folder: Path) -> list[dict]:
    """One row per stage: jobs, wall time of all jobs together and CPU time (s), largest memory (MB).

    Parameters
    ----------
    folder
        results/<run>/benchmarks.
    """
    rows: dict[str, dict] = {}
    for path in sorted(folder.rglob("*.jsonl")):
        parts = path.relative_to(folder).parts
        key = next((p for p in parts if p in ("relax", "aimd")), Path(parts[0]).stem)
        row = rows.setdefault(
            STAGES.get(key, key), {"jobs": 0, "wall_s": 0.0, "cpu_s": 0.0, "max_memory_mb": 0.0}
        )
        for line in path.read_text().splitlines():
            record = json.loads(line)
            row["jobs"] += 1
            row["wall_s"] += float(record.get("s") or 0)
            row["cpu_s"] += float(record.get("cpu_time") or 0)
            row["max_memory_mb"] = max(row["max_memory_mb"], float(record.get("max_rss") or 0))
    order = list(STAGES.values())
    return [
        {"stage": stage, **rows[stage]}
        for stage in sorted(rows, key=lambda s: order.index(s) if s in order else len(order))
    ]
