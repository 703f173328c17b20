"""The route of few labels, with CHGNet's r2SCAN weights in the place of DFT; then given labels and a given potential."""

import json
import shutil

import ase.io
import pytest
import yaml

from running import ROOT, snakemake

LEVEL = "results/toy_few/{}/r2scan"


@pytest.fixture(scope="module")
def few_run(make_workdir):
    """The finished run of config/toy_few.yaml up to the gate."""
    workdir = make_workdir("few")
    target = LEVEL.format("validation") + "/accepted.json"
    done = snakemake(workdir, target, "--cores", "2", "--configfile", "config/toy_few.yaml")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert "at most 16 single points" in done.stderr
    return workdir


def test_single_points_alone_are_labelled_at_the_dear_level(few_run):
    assert not (few_run / LEVEL.format("labels") / "aimd").exists()
    learning = few_run / LEVEL.format("learning")
    picked = ase.io.read(learning / "0/selected.extxyz", ":")
    cells = [atoms.info["explored_cell"] for atoms in picked]
    assert cells == 6 * ["0.750/80/0"] + 2 * ["0.750/80/1"]
    labelled = ase.io.read(learning / "0/labels/000/frames.extxyz", ":")
    assert {atoms.info["theory"]["model"] for atoms in labelled} == {"r2scan"}
    # the second round explores with the fine-tuned potential, and holds out nothing more
    later = ase.io.read(learning / "1/selected.extxyz", ":")
    assert {atoms.info["explored_cell"] for atoms in later} == {"0.750/80/0"}


def test_no_label_of_the_other_level_is_in_the_dataset(few_run):
    rows = (few_run / LEVEL.format("dataset") / "provenance.csv").read_text().splitlines()[1:]
    assert rows and all(",r2scan," in row and row.startswith("learned") for row in rows)
    assert {row.split(",")[1] for row in rows if row.startswith("learned0_0.750_80_1")} == {"test"}


def test_the_start_has_the_new_levels_energies(few_run):
    found = json.loads((few_run / LEVEL.format("training") / "0/start.json").read_text())
    # r2SCAN's energies lie some eV per atom below PBE's
    assert found["frames"] == 6 and found["compositions"] == 1 and not found["elements_told_apart"]
    total = sum(n * found["shift_ev_per_atom"][e] for n, e in ((24, "Li"), (8, "Ti"), (48, "Cl"))) / 80
    assert total < -1.0


def test_the_gate_knows_what_the_labels_brought(few_run):
    found = json.loads((few_run / LEVEL.format("validation") / "few_labels.json").read_text())
    parts = [point["labels"] for point in found["curve"]]
    assert len(parts) == 2 and parts[0] == round(parts[1] / 2) and parts[1] == found["labels"]
    # two frames at most, too few for a slope, and a potential of the toy may have driven one of them too far
    rows = (few_run / LEVEL.format("dataset") / "provenance.csv").read_text().splitlines()
    held_out = sum(",test," in row for row in rows)
    assert found["after"]["frames"] == found["before"]["frames"] == held_out and held_out in (1, 2)
    assert any("halve the force error" in text for text in found["sentences"])
    accepted = json.loads((few_run / LEVEL.format("validation") / "accepted.json").read_text())
    assert accepted["accepted"]


def test_the_loop_goes_on_from_given_labels(few_run, tmp_path):
    """What the run labelled goes in again as files: the next round explores with a potential that is trained on them."""
    workdir = tmp_path / "on"
    shutil.copytree(few_run, workdir, symlinks=True, ignore=shutil.ignore_patterns("r2scan"))
    for split, cell in (("train", 0), ("test", 1)):
        first = few_run / LEVEL.format("learning") / f"0/frames/0.750/80/{cell}.extxyz"
        shutil.copy(first, workdir / f"{split}.extxyz")
    config = yaml.safe_load((ROOT / "config/toy_few.yaml").read_text())
    config["structures"]["occupancies"] = {"0.750": {"2a": 0.750, "4g": 0.125}}
    config["labels"]["frames"] = [{"file": f"{split}.extxyz", "split": split} for split in ("train", "test")]
    config["learning"]["explore"] = config["learning"]["explore"][:1]
    (workdir / "on.yaml").write_text(yaml.safe_dump(config))
    target = LEVEL.format("learning") + "/1/dataset/train"
    done = snakemake(workdir, target, "--cores", "2", "--configfile", "on.yaml", "--rerun-triggers", "mtime")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    learning = workdir / LEVEL.format("learning")
    # the start was shifted to the given labels, the round explored with what was trained on them
    start = json.loads((workdir / LEVEL.format("training") / "0/start.json").read_text())
    given = len(ase.io.read(workdir / "train.extxyz", ":"))
    assert start["frames"] == given
    picked = json.loads((learning / "0/selected.json").read_text())
    assert picked["selected"] > 0
    rows = (learning / "1/dataset/provenance.csv").read_text().splitlines()[1:]
    used = [row for row in rows if ",used" in row]
    assert {row.split(",")[0].split("_")[0] for row in used} == {"given0", "given1", "learned0"}
    # nothing more was held out
    assert {row.split(",")[0] for row in used if ",test," in row} == {"given1_test"}


def test_given_labels_and_a_given_potential(few_run, make_workdir):
    """What the run labelled and trained goes in again as files: nothing is labelled at that level."""
    workdir = make_workdir("given")
    learning = few_run / LEVEL.format("learning")
    for split, cell in (("train", 0), ("test", 1)):
        shutil.copy(learning / f"0/frames/0.750/80/{cell}.extxyz", workdir / f"{split}.extxyz")
    shutil.copy(few_run / LEVEL.format("training") / "0/model.pb", workdir / "mine.pb")
    base = yaml.safe_load((ROOT / "config/toy_few.yaml").read_text())
    base["structures"]["occupancies"] = {"0.750": {"2a": 0.750, "4g": 0.125}}
    base |= {"run": "given", "learning": None}
    base["training"] |= {"potentials": 1}
    base["labels"]["frames"] = [
        {"file": f"{split}.extxyz", "split": split, "level": "mine", "theory": {}}
        for split in ("train", "test")
    ]
    base["levels"] = {"mine": {"engine": "chgnet", "model": "r2scan", "potential": "mine.pb"}}
    (workdir / "given.yaml").write_text(yaml.safe_dump(base))
    target = "results/given/validation/mine/accepted.json"
    done = snakemake(workdir, target, "--cores", "2", "--configfile", "given.yaml")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert (workdir / "results/given/training/mine/0/model.pb").read_bytes() == (
        workdir / "mine.pb"
    ).read_bytes()
    assert not (workdir / "results/given/labels/mine/aimd").exists()
    assert json.loads((workdir / target).read_text())["accepted"]
    errors = json.loads((workdir / "results/given/validation/mine/errors.json").read_text())
    assert errors["frames"] == len(ase.io.read(workdir / "test.extxyz", ":"))

    base["levels"]["mine"]["model"] = "0.3.0"
    (workdir / "given.yaml").write_text(yaml.safe_dump(base | {"run": "wrong"}))
    frames = "results/wrong/labels/mine/given/1/given.json"
    done = snakemake(workdir, frames, "--cores", "2", "--configfile", "given.yaml")
    assert done.returncode != 0 and "labels of another theory" in done.stdout + done.stderr
