"""Costs of a run as a job."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlmd.base.files import write_csv


def costs(
    config: str, *, overrides: Mapping[str, Any], benchmarks: str, stages: str, throughput: str
) -> None:
    """Costs per stage and throughput of the dynamics, from the benchmark files of the run's jobs."""
    from dlmd.config.reading import load
    from dlmd.run import costs as costs_module
    from dlmd.run.estimates import compositions

    cfg = load(config, dict(overrides))
    records = costs_module.records(Path(benchmarks))
    write_csv(stages, costs_module.stage_costs(records))
    rows = costs_module.throughput(records, cfg, compositions(cfg))
    write_csv(throughput, rows, costs_module.THROUGHPUT_COLUMNS)
