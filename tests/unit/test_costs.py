"""Stage times from Snakemake's benchmark files."""

import json

from dlmd.costs import stage_times


def test_jobs_are_summed_by_stage_in_the_order_of_the_chain(tmp_path):
    files = {
        "md/chgnet/500K_r0_0001.jsonl": [(100.0, 90.0, 300.0)],
        "md/chgnet/600K_r0_0001.jsonl": [(50.0, 45.0, 500.0)],
        "labels/chgnet/aimd/x.jsonl": [(10.0, 9.0, 100.0)],
        "labels/chgnet/relax/x.jsonl": [(7.0, 6.0, 80.0)],
        "report.jsonl": [(1.0, 1.0, 50.0)],
    }
    for name, records in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "".join(json.dumps({"s": s, "cpu_time": c, "max_rss": m}) + "\n" for s, c, m in records)
        )
    rows = {row["stage"]: row for row in stage_times(tmp_path)}
    assert list(rows) == ["labels: relaxation", "labels: molecular dynamics", "production MD", "report"]
    md = rows["production MD"]
    assert (md["jobs"], md["wall_s"], md["cpu_s"], md["max_memory_mb"]) == (2, 150.0, 135.0, 500.0)
