"""A round of the learning loop, run: dp, lmp and the engine explore, select, label and train on."""

import csv
import json
import re
import shutil

import ase.io
import pytest
import yaml

from running import jobs, snakemake

pytestmark = pytest.mark.toy
LOOP = {
    "iterations": 1,
    "explore": [{"occupancy": "0.750", "cell": "80", "temperatures_k": [400, 500]}],
    "explore_ps": 0.2,
    "frame_interval_ps": 0.04,
    # the toy's potentials have hardly learned anything: whatever they disagree by
    "deviation_ev_per_angstrom": [0.001, 100.0],
    "max_frames": 5,
    "frames_per_job": 2,
    "steps": 100,
}
POTENTIALS = [f"results/toy/training/chgnet/{m}/compressed.pb" for m in (0, 1)]


def test_what_is_explored_and_labelled_is_trained_on(make_workdir, toy_run):
    workdir = make_workdir("loop")
    for stage in ("structures", "labels"):
        shutil.copytree(toy_run / "results/toy" / stage, workdir / "results/toy" / stage)
    shutil.copytree(toy_run / ".snakemake/metadata", workdir / ".snakemake/metadata")
    text = (workdir / "config/toy.yaml").read_text()
    text = re.sub(r"^  steps: 400$", "  steps: 200\n  potentials: 2", text, flags=re.MULTILINE)
    (workdir / "loop.yaml").write_text(text + yaml.safe_dump({"learning": LOOP}))
    wanted = (*POTENTIALS, "results/toy/learning/chgnet/rounds.csv")
    done = snakemake(workdir, *wanted, "--cores", "2", "--configfile", "loop.yaml")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    table = jobs(done.stdout + done.stderr)
    assert table["learning_label"] == 3 and "aimd" not in table

    home = workdir / "results/toy/learning/chgnet/0"
    selected = ase.io.read(home / "selected.extxyz", ":")
    assert 2 <= len(selected) <= 5
    labelled = [
        atoms
        for path in sorted(home.glob("labels/*/frames.extxyz"))
        if path.stat().st_size
        for atoms in ase.io.read(path, ":")
    ]
    assert [a.info["step"] for a in labelled] == list(range(len(selected)))
    for a, b in zip(labelled, selected, strict=True):
        assert abs(a.positions - b.positions).max() < 1e-6
        assert a.get_forces().any() and a.info["converged"]
    counts = json.loads((home / "labels.json").read_text())
    with (workdir / "results/toy/dataset/chgnet/provenance.csv").open() as file:
        learned = [row for row in csv.DictReader(file) if row["source"].startswith("learned0_")]
    assert sum(row["status"] == "used" for row in learned) == counts["labelled"] > 0
    assert {row["split"] for row in learned} == {"train"}
    # the last training goes on from the potential of the round
    for m, path in enumerate(POTENTIALS):
        log = (workdir / f"results/toy/logs/training/chgnet/{m}.log").read_text()
        assert f"learning/chgnet/0/training/{m}/model.pb" in log
        assert (workdir / path).read_bytes() != (home / f"training/{m}/compressed.pb").read_bytes()
    again = snakemake(workdir, "-n", *wanted, "--cores", "2", "--configfile", "loop.yaml")
    assert jobs(again.stdout) == {}, again.stdout[-3000:]
