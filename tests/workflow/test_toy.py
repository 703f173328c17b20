"""The toy run end to end, and what a second run does after a change."""

import csv
import json
import re
import shutil

import pytest

from running import jobs, snakemake, told

pytestmark = pytest.mark.toy
CONFIG = ("--configfile", "config/toy.yaml")


def test_every_stage_left_its_result(toy_run):
    run = toy_run / "results/toy"
    for name in (
        "structures/0.750/80/0.cif",
        "structures/0.750/80/summary.json",
        "labels/chgnet/relax/0.750/80/0/relaxed.extxyz",
        "labels/chgnet/aimd/0.750/80/0/600K/+0.000/frames.extxyz",
        "dataset/chgnet/provenance.csv",
        "training/chgnet/0/model.pb",
        "training/chgnet/0/compressed.pb",
        "validation/chgnet/errors.json",
        "validation/chgnet/parity.png",
        "validation/chgnet/rdf.json",
        "md/chgnet/500K/r0/0002.dcd",
        "transport/chgnet/550K.json",
        "transport/chgnet/arrhenius.json",
        "transport/chgnet/arrhenius.pdf",
        "barriers/chgnet/101/0.json",
        "barriers/chgnet/engine/101/0.extxyz",
        "barriers/chgnet/barriers.csv",
        "validation/chgnet/trial/0.json",
        "mechanism/chgnet/summary.json",
        "costs/stages.csv",
        "costs/throughput.csv",
        "report.html",
        "summary.txt",
        "comparison.csv",
        "result.json",
        "ro-crate-metadata.json",
        "inputs/toy.yaml",
    ):
        assert (run / name).stat().st_size > 0, name


def test_the_console_is_snakemakes_own(toy_run):
    """What TensorFlow, DeePMD-kit and LAMMPS have to say is in the logs."""
    console = (toy_run / "console.txt").read_text()
    assert "steps (100%) done" in console
    for word in ("cudart", "oneDNN", "absl", "LAMMPS (", "DEEPMD"):
        assert word not in console, word
    log = (toy_run / "results/toy/logs/validation/chgnet/trial_0.log").read_text()
    assert "LAMMPS (" in log


def test_dataset_is_split_by_trajectory(toy_run):
    with (toy_run / "results/toy/dataset/chgnet/provenance.csv").open() as file:
        rows = list(csv.DictReader(file))
    splits = {}
    for row in rows:
        splits.setdefault(row["source"], set()).add(row["split"])
    assert all(len(s) == 1 for s in splits.values())
    assert {s for group in splits.values() for s in group} == {"train", "valid", "test"}


def test_segments_join_without_gap_or_repeat(toy_run):
    from dlmd.trajectory.segments import join

    folder = toy_run / "results/toy/md/chgnet/600K/r0"
    trajectory = join([folder / "0001.json", folder / "0002.json"])
    assert trajectory.n_ions == 24
    assert trajectory.n_frames == 81
    assert trajectory.frame_interval_ps == pytest.approx(0.02)


def test_short_run_is_given_a_verdict_not_a_conductivity(toy_run):
    results = [json.loads(p.read_text()) for p in (toy_run / "results/toy/transport/chgnet").glob("*K.json")]
    assert len(results) == 3
    for result in results:  # 1.6 ps is no diffusion, whatever the potential
        assert result["verdict"]["code"] != "ok"
        assert not result.get("conductivity_ms_per_cm")


def test_the_answer_is_one_json_file(toy_run):
    text = (toy_run / "results/toy/result.json").read_text()
    result = json.loads(text)
    assert "NaN" not in text and result["run"] == "toy"
    level = result["levels"]["chgnet"]
    # a toy has verdicts in place of numbers
    assert level["verdict"]["code"] == "too_few_temperatures" and level["activation_energy_ev"] == {}
    assert [t["temperature_k"] for t in level["temperatures"]] == [500, 550, 600]
    assert all(
        t["verdict"]["code"] != "ok" and t["conductivity_ms_per_cm"] is None for t in level["temperatures"]
    )
    made_from = [entry["path"] for entry in result["provenance"]["inputs"]]
    assert made_from[0].endswith("config/toy.yaml") and "structures/Li3TiCl6.cif" in made_from
    assert "results/toy/training/chgnet/0/compressed.pb" in made_from


def test_report_stands_alone(toy_run):
    html = (toy_run / "results/toy/report.html").read_text()
    assert len(re.findall(r'src="data:image/png;base64,', html)) >= 5
    # nothing is loaded from elsewhere; links lead to the run's own files beside the page
    text = told(html)
    assert not re.search(r'src="(?!data:)', text)
    assert not re.search(r'<link (?!rel="icon" href="data:)|href="(?:(?!data:)[a-z]+:|/)', text)
    assert "NaN" not in text and "None" not in text


def test_unchanged_run_does_nothing(toy_run):
    done = snakemake(toy_run, "--cores", "2", *CONFIG)
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout + done.stderr


def test_changed_fit_window_redoes_fits_and_report_only(toy_run):
    changed = toy_run / "config/window.yaml"
    changed.write_text(
        (toy_run / "config/toy.yaml")
        .read_text()
        .replace("\ntransport:\n", "\ntransport:\n  lag_start_ps: 0.1\n  lag_end_ps: 0.3\n")
    )
    done = snakemake(toy_run, "-n", "--cores", "2", "--configfile", "config/window.yaml")
    table = jobs(done.stdout + done.stderr)
    assert table.pop("all") == 1
    # the mechanism and the barriers stand beside the fits, the costs are those of all jobs; no dynamics, no band
    fits = {"transport": 3, "arrhenius": 1, "plot_msd": 1}
    beside = {"mechanism": 3, "mechanism_summary": 1, "plot_mechanism": 3, "barriers": 1}
    assert table == fits | beside | {"costs": 1, "report": 1, "ro_crate": 1}


def test_deleted_temperature_is_the_only_one_redone(toy_run):
    target = toy_run / "results/toy/transport/chgnet/550K.json"
    kept = target.read_bytes()
    try:
        target.unlink()
        done = snakemake(toy_run, "-n", "--cores", "2", *CONFIG)
        table = jobs(done.stdout + done.stderr)
        assert table["transport"] == 1
        assert "md_segment" not in table and "train" not in table
    finally:
        target.write_bytes(kept)
        snakemake(toy_run, "--touch", "--cores", "1", *CONFIG)


def test_failing_job_names_its_log_and_shows_its_end(toy_run, make_workdir):
    workdir = make_workdir("failing")
    structures = toy_run / "results/toy/structures"
    shutil.copytree(structures, workdir / "results/toy/structures")
    text = (workdir / "config/toy.yaml").read_text().replace("max_steps: 200", "max_steps: 2")
    (workdir / "config/toy.yaml").write_text(text)
    target = "results/toy/labels/chgnet/relax/0.750/80/0/relaxed.extxyz"
    done = snakemake(workdir, "--cores", "1", target, *CONFIG)
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "results/toy/logs/labels/chgnet/relax/0.750_80_0.log" in output
    assert "fix:" in output and "max_steps" in output


def test_other_bounds_judge_again_and_run_no_dynamics(toy_run, tmp_path):
    changed = toy_run / "config/bounds.yaml"
    text = (toy_run / "config/toy.yaml").read_text()
    changed.write_text(text.replace("max_temperature_error: 10.0", "max_temperature_error: 11.0"))
    config = ["--cores", "2", "--configfile", "config/bounds.yaml"]
    done = snakemake(toy_run, "-n", *config)
    table = jobs(done.stdout + done.stderr)
    assert table["accept"] == 1 and "md_equilibrate" not in table and "md_segment" not in table
    # what is missing is made nevertheless
    run = toy_run / "results/toy/md/chgnet/550K"
    run.rename(tmp_path / "550K")
    try:
        done = snakemake(toy_run, "-n", *config)
        table = jobs(done.stdout + done.stderr)
        assert (table["accept"], table["md_equilibrate"], table["md_segment"]) == (1, 1, 2)
    finally:
        (tmp_path / "550K").rename(run)


def test_other_bounds_do_not_hide_that_a_setting_has_changed_too(toy_run, tmp_path):
    workdir = tmp_path / "run"
    shutil.copytree(toy_run, workdir, symlinks=True)
    config = workdir / "config/toy.yaml"
    text = config.read_text().replace("max_temperature_error: 10.0", "max_temperature_error: 11.0")
    config.write_text(text.replace("\ntransport:\n", "\ntransport:\n  confidence: 0.9\n"))
    target = "results/toy/transport/chgnet/550K.json"
    assert json.loads((workdir / target).read_text())["confidence"] == 0.95
    done = snakemake(workdir, "--cores", "1", target, *CONFIG)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads((workdir / target).read_text())["confidence"] == 0.9
    assert "MD at 550 K" not in done.stdout + done.stderr


def test_snakemakes_own_report_has_figures_and_captions(toy_run, tmp_path):
    page = tmp_path / "report.html"
    done = snakemake(toy_run, "--report", str(page), *CONFIG)
    assert done.returncode == 0, done.stderr[-3000:]
    html = page.read_text(encoding="utf-8")
    for expected in (
        "results/toy/transport/chgnet/msd.png",
        "relative to the host",
        "Mechanism",
        "comparison.csv",
    ):
        assert expected in html, expected


def test_crate_names_only_files_that_are_there(toy_run):
    from rocrate.rocrate import ROCrate

    run = toy_run / "results/toy"
    names = {entity.id for entity in ROCrate(str(run)).data_entities}
    assert {"report.html", "training/chgnet/0/compressed.pb", "inputs/toy.yaml"} <= names
    assert [name for name in names if not (run / name).is_file()] == []
