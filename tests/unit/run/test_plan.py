"""What is left of a run: jobs from Snakemake's listings, costs from sizes or from the run's own jobs."""

from pathlib import Path

import pytest

from dlmd.config.reading import load
from dlmd.run import costs, estimates, plan

ROOT = Path(__file__).parents[3]
RUN = "results/toy"
AIMD = f"{RUN}/labels/chgnet/aimd/0.750/80/0"
SUMMARY = f"""output_file\tdate\trule\tlog-file(s)\tstatus\tplan
{RUN}/report.html\t-\treport\t-\tmissing\tupdate pending
{RUN}/summary.txt\t-\treport\t-\tmissing\tupdate pending
{RUN}/structures/0.750/80/0.cif\tnow\torderings\torderings.log\tok\tno update
{RUN}/structures/0.750/80/0.extxyz\tnow\torderings\torderings.log\tok\tno update
{AIMD}/400K/+0.000/frames.extxyz\tnow\taimd\taimd400.log\tok\tno update
{AIMD}/800K/+0.000/frames.extxyz\t-\taimd\t-\tmissing\tupdate pending
{RUN}/md/chgnet/500K/r0/0001.dcd\t-\tmd_segment\t-\tmissing\tupdate pending
{RUN}/md/chgnet/500K/r0/0001.host.txt\t-\tmd_segment\t-\tmissing\tupdate pending
{RUN}/md/chgnet/500K/r0/0002.dcd\t-\tmd_segment\t-\tmissing\tupdate pending
"""
DRY_RUN = """Building DAG of jobs...
Job stats:
job           count
----------  -------
aimd              1
md_segment        2
report            1
total             4
"""


@pytest.fixture
def cfg(monkeypatch):
    monkeypatch.chdir(ROOT)
    return load("config/toy.yaml", overrides={})


@pytest.fixture
def jobs():
    return plan.list_jobs(summary=SUMMARY, dry_run=DRY_RUN)


def record(rule, wall_s, **wildcards):
    return costs.Record(
        stage="", rule=rule, wildcards=wildcards, cores=1, gpus=0, wall_s=wall_s, cpu_s=0.0, memory_mb=0.0
    )


def test_parts_of_a_learning_curve_are_jobs_with_a_cost(monkeypatch):
    monkeypatch.chdir(ROOT)
    rows = [
        f"results/demo/validation/u4/few_labels/{share}.json\t-\tlearning_part\t-\tmissing\tupdate pending"
        for share in (0.25, 0.5)
    ]
    found = plan.list_jobs(summary="\n".join([SUMMARY.splitlines()[0], *rows]), dry_run="")
    model = plan.CostModel(load("config/demo.yaml", overrides={}), [])
    assert len(found) == 2 and all(model.cost(job)[0].wall_s > 0 for job in found)


def test_outputs_of_one_job_are_one_job(jobs):
    count = {}
    for job in jobs:
        count[job.rule, job.pending] = count.get((job.rule, job.pending), 0) + 1
    assert count == {
        ("report", True): 1,
        ("orderings", False): 1,
        ("aimd", True): 1,
        ("aimd", False): 1,
        ("md_segment", True): 2,
    }


def test_costs_from_sizes(cfg, jobs):
    rows = {row.rule: row for row in plan.rows(jobs, plan.CostModel(cfg, []))}
    # 80 atoms, 30 steps, 1.9 ms per atom and step
    assert rows["aimd"].core_hours == pytest.approx(80 * 30 * 1.9e-3 / 3600)
    assert (rows["aimd"].done, rows["aimd"].left, rows["aimd"].basis) == (1, 1, "estimated")
    segment = estimates.md(cfg, atoms=80, mobile=24, steps=400)
    assert rows["md_segment"].core_hours == pytest.approx(2 * segment.wall_s / 3600)
    assert rows["md_segment"].disk_gb == pytest.approx(2 * segment.disk_bytes / 1e9)


def test_jobs_that_are_done_correct_the_estimate(cfg, jobs):
    # the finished trajectory of 30 steps took 45.6 s, ten times the estimate
    done = record(
        "aimd", 45.6, level="chgnet", occupancy="0.750", cell="80", n="0", aimd_T="400", strain="+0.000"
    )
    rows = {row.rule: row for row in plan.rows(jobs, plan.CostModel(cfg, [done, record("report", 7.2)]))}
    assert rows["aimd"].core_hours == pytest.approx(45.6 / 3600)
    assert rows["aimd"].basis == "measured"
    assert rows["report"].core_hours == pytest.approx(7.2 / 3600)
    assert rows["md_segment"].basis == "estimated"


def test_vasp_steps_share_their_trajectory(monkeypatch):
    monkeypatch.chdir(ROOT)
    cfg = load("config/li3ticl6.yaml", overrides={})
    source = "results/li3ticl6/labels/u4/aimd/0.750/160/0/600K/+0.000"
    model = plan.CostModel(cfg, [])
    one, basis = model.cost(plan.Job("vasp_run_aimd", f"{source}/seg000/any", True))
    # 10,000 steps in segments of 1,000 on 64 cores
    assert one.wall_s == pytest.approx(1000 * 160 * estimates.DFT_MD_STEP_S / 64)
    assert (one.cores, basis) == (64, "assumed")


def test_the_learning_loop_is_no_small_change(monkeypatch):
    monkeypatch.chdir(ROOT)
    group = {"occupancy": "0.750", "cell": "80", "temperatures_k": [900], "strains": [0.0, 0.01]}
    loop = {"iterations": 2, "explore": [group], "explore_ps": 12.0, "max_frames": 30, "steps": 24000}
    changes = {"training": {"potentials": 2}, "learning": loop}
    cfg = load("config/pretrained.yaml", overrides=changes)
    round_0, round_1 = (f"results/pretrained/learning/chgnet/{i}" for i in (0, 1))
    exploration = f"{round_0}/explore/0.750/80/0/900K"
    rows = [
        *[("learning_train", f"{round_0}/training/0/{name}.pb") for name in ("model", "compressed")],
        ("learning_train", f"{round_1}/training/0/model.pb"),
        *[("explore", f"{exploration}/{strain}.npz") for strain in ("+0.000", "+0.010")],
        *[("learning_label", f"{round_0}/labels/{slot}/frames.extxyz") for slot in ("000", "001")],
        ("train", "results/pretrained/training/chgnet/0/model.pb"),
    ]
    header = "output_file\tdate\trule\tlog-file(s)\tstatus\tplan\n"
    summary = header + "".join(f"{path}\t-\t{rule}\t-\tmissing\tupdate pending\n" for rule, path in rows)
    jobs = plan.list_jobs(summary=summary, dry_run="")
    found = {row.rule: row for row in plan.rows(jobs, plan.CostModel(cfg, []))}
    assert {rule: row.left for rule, row in found.items()} == {
        "learning_train": 2,
        "explore": 2,
        "learning_label": 2,
        "train": 1,
    }
    step = estimates.training_step_s(cfg)
    seconds = {rule: 3600 * row.core_hours for rule, row in found.items()}
    # atoms of a typical frame: nine trajectories of 80 and one of 160, or those of the exploration
    assert seconds["learning_train"] == pytest.approx(step * 88 * (12000 + 24000))
    assert seconds["train"] == pytest.approx(step * 88 * 24000)
    assert seconds["explore"] == pytest.approx(2 * estimates.md_step_s(cfg) * 80 * 6000)
    assert seconds["learning_label"] == pytest.approx(30 * 80 * estimates.LABEL_STEP_S["chgnet"])
    done = record("learning_label", 93.0, level="chgnet", i="0", slot="000")
    corrected = {row.rule: row for row in plan.rows(jobs, plan.CostModel(cfg, [done]))}
    assert corrected["learning_label"].core_hours == pytest.approx(93.0 / 3600 * 30 / 25)
    assert corrected["learning_label"].basis == "measured"


def test_finished_jobs_of_what_the_config_no_longer_has_are_passed_over(cfg, jobs):
    source = {
        "level": "chgnet",
        "occupancy": "0.750",
        "cell": "80",
        "n": "0",
        "aimd_T": "777",
        "strain": "+0.000",
    }
    done = [
        record("aimd", 45.6, **source),
        record("explore", 9.0, i="0", **source),
        record("relax", 9.0, level="chgnet", occupancy="0.750", cell="gone", n="0"),
        record("learning_train", 9.0, level="chgnet", i="1", m="0"),
        record("learning_label", 9.0, level="chgnet", i="0", slot="000"),
    ]
    assert cfg.learning is None
    assert plan.CostModel(cfg, done).ratios == {}


def test_a_missing_snakefile_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(plan.DlmdError, match="no such file: Snakefile"):
        plan.jobs("config/toy.yaml")


def test_a_second_cell_costs_as_its_atoms_at_the_speed_of_production(monkeypatch):
    monkeypatch.chdir(ROOT)
    cells = {"80": [2, 1, 2], "160": [2, 2, 2]}
    second = {"cell": "160", "temperatures_k": [600]}
    cfg = load("config/toy.yaml", overrides={"structures": {"cells": cells}, "md": {"size_check": second}})
    own = plan.Job("md_segment", f"{RUN}/md/chgnet/600K/r0/0001", True)
    other = plan.Job("size_segment", f"{RUN}/md/chgnet/600K/size0/0001", True)
    model = plan.CostModel(cfg, [])
    assert model.cost(other)[0].wall_s == pytest.approx(2 * model.cost(own)[0].wall_s)
    wall = 3 * model.cost(own)[0].wall_s
    measured = plan.CostModel(
        cfg, [record("md_segment", wall, level="chgnet", T="600", k="0", segment="0001")]
    )
    assert measured.cost(other)[0].wall_s == pytest.approx(2 * wall)
    # jobs of a second cell that the config has no longer
    kept = record("size_segment", wall, level="chgnet", T="600", k="0", segment="0001")
    assert plan.CostModel(load("config/toy.yaml", overrides={}), [kept]).ratios == {}


def test_our_own_refusal_comes_in_its_own_words_before_snakemake_is_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(plan.subprocess, "run", lambda *_, **__: pytest.fail("Snakemake was asked"))
    text = (ROOT / "config/toy.yaml").read_text()
    config = tmp_path / "my.yaml"
    config.write_text(text.replace("cif: structures/Li3TiCl6.cif", "cif: structures/Li3TiCl7.cif"))
    with pytest.raises(plan.DlmdError) as error:
        plan.jobs(str(config))
    assert "Snakemake" not in str(error.value)
    assert "Li3TiCl7.cif" in str(error.value) and "did you mean 'Li3TiCl6.cif'" in str(error.value)


def test_snakemakes_own_refusal_has_three_lines(monkeypatch):
    import subprocess

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(plan, "check_run", lambda cfg, file: None)
    answer = subprocess.CompletedProcess(
        [], 1, stdout="Building DAG\n", stderr="Error in rule a:\n\n  missing input\n"
    )
    monkeypatch.setattr(plan.subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(plan.DlmdError) as error:
        plan.jobs("config/toy.yaml")
    first, where, fix = str(error.value).splitlines()
    assert first == "Snakemake refuses the run: Building DAG; Error in rule a:; missing input"
    assert where == "  in:  config/toy.yaml" and "snakemake --dry-run --configfile config/toy.yaml" in fix


def test_who_waits_for_snakemake_sees_a_line(monkeypatch, capsys):
    import time

    monkeypatch.setattr(plan.sys.stderr, "isatty", lambda: True, raising=False)
    with plan._waiting("asking"):
        time.sleep(1.2)
    assert "asking ... 00:0" in capsys.readouterr().err
    monkeypatch.setattr(plan.sys.stderr, "isatty", lambda: False, raising=False)
    with plan._waiting("asking"):
        pass
    assert capsys.readouterr().err == ""
