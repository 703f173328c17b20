"""Costs from Snakemake's benchmark files."""

import json
from pathlib import Path

import pytest

from dlmd.config.reading import load
from dlmd.run import costs, estimates

ROOT = Path(__file__).parents[3]


def write(folder, name, *, s, rule=None, wildcards=None, threads=1, **resources):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"s": s, "cpu_time": 0.9 * s, "max_rss": 10 * s}
    if rule:
        record |= {
            "rule_name": rule,
            "wildcards": wildcards or {},
            "threads": threads,
            "resources": resources,
        }
    path.write_text(json.dumps(record) + "\n")


def test_jobs_are_summed_by_stage_in_the_order_of_the_chain(tmp_path):
    write(tmp_path, "md/chgnet/500K_r0_0001.jsonl", s=3600.0, rule="md_segment", threads=4, gpu=2, tasks=4)
    write(tmp_path, "md/chgnet/600K_r0_0001.jsonl", s=1800.0, rule="md_segment", threads=4, gpu=2, tasks=4)
    write(tmp_path, "labels/chgnet/aimd/x.jsonl", s=10.0)
    write(tmp_path, "labels/chgnet/relax/x.jsonl", s=7.0)
    write(tmp_path, "report.jsonl", s=1.0)
    rows = {row["stage"]: row for row in costs.stage_costs(costs.records(tmp_path))}
    assert list(rows) == ["labels: relaxation", "labels: molecular dynamics", "production MD", "report"]
    md = rows["production MD"]
    assert (md["jobs"], md["wall_s"], md["cpu_s"], md["max_memory_mb"]) == (2, 5400.0, 4860.0, 36000.0)
    assert (md["core_hours"], md["gpu_hours"]) == (6.0, 3.0)
    # without the extended benchmark, as one core
    assert rows["report"]["core_hours"] == pytest.approx(1 / 3600)


def test_throughput_and_what_the_potential_saves(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    cfg = load("config/toy.yaml", overrides={})
    label = {
        "level": "chgnet",
        "occupancy": "0.750",
        "cell": "80",
        "n": "0",
        "aimd_T": "400",
        "strain": "+0.000",
    }
    # 30 steps of 2 fs with 80 atoms in 60 s: 0.06 ps
    write(tmp_path, "labels/chgnet/aimd/x.jsonl", s=60.0, rule="aimd", wildcards=label)
    # two segments of 0.8 ps, 400 steps, in 8 s each on two cores
    for n in (1, 2):
        wildcards = {"level": "chgnet", "T": "500", "k": "0", "segment": f"000{n}"}
        name = f"md/chgnet/500K_r0_000{n}.jsonl"
        write(tmp_path, name, s=8.0, rule="md_segment", wildcards=wildcards, threads=2)
    labels, md = costs.throughput(costs.records(tmp_path), cfg, estimates.compositions(cfg))
    assert labels["core_s_per_atom_ps"] == pytest.approx(60 / (80 * 0.06))
    assert labels["ns_per_day"] == pytest.approx(0.06e-3 * 1440)
    assert "times_cheaper_than_labels" not in labels
    assert (md["jobs"], md["cores"], md["atoms"]) == (2, 2, 80.0)
    assert md["atom_steps_per_s"] == pytest.approx(80 * 400 / 8)
    assert md["core_s_per_atom_ps"] == pytest.approx(8 * 2 / (80 * 0.8))
    assert md["times_cheaper_than_labels"] == pytest.approx(12.5 / 0.25)


def test_a_line_that_was_cut_short_is_left_out(tmp_path, capsys):
    write(tmp_path, "labels/chgnet/aimd/x.jsonl", s=10.0)
    with (tmp_path / "labels/chgnet/aimd/x.jsonl").open("a") as file:
        file.write('{"s": 4.0, "rule_na')
    assert [job.wall_s for job in costs.records(tmp_path)] == [10.0]
    assert "cut short" in capsys.readouterr().err
