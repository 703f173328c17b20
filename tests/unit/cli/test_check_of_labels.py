"""`dlmd check` reads labels of one's own with the reader of the jobs."""

from pathlib import Path

import ase.io
import pytest

from dlmd.config.reading import load
from dlmd.run import given_labels, readiness

ROOT = Path(__file__).parents[3]
OWN = ROOT / "config/labels/li3ticl6-u4-gpaw.extxyz"


@pytest.fixture(scope="module")
def frames():
    return ase.io.read(OWN, ":", format="extxyz")


def found(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    cfg = load("config/demo.yaml", {"labels": {"frames": [{"file": str(path), "level": "u4"}]}})
    return list(readiness._labels(cfg, "level u4", "files"))


def test_labels_that_come_with_the_project_pass(monkeypatch):
    told = found(OWN, monkeypatch)
    assert [f.state for f in told] == ["ok", "note"]
    assert "the level's are taken: kpoint_mesh" in told[1].text


def test_what_the_reader_refuses_is_a_problem_of_its_own(tmp_path, monkeypatch, frames):
    bad = tmp_path / "bad.extxyz"
    train, test = ([a for a in frames if a.info["split"] == part] for part in ("train", "test"))
    for some, text in (
        (test, "no frame of the labels is for 'train'"),
        (train, "no frame of the labels is for 'test'"),
        ([], "it is empty"),
    ):
        ase.io.write(bad, some, format="extxyz") if some else bad.write_text("")
        told = found(bad, monkeypatch)
        problems = [f for f in told if f.state == "problem"]
        assert len(problems) == 1 and text in problems[0].text and str(bad) in problems[0].where
        assert not any(f.state == "ok" for f in told)


def test_one_structure_in_two_files(tmp_path, monkeypatch, frames):
    train, test = ([a for a in frames if a.info["split"] == part] for part in ("train", "test"))
    ase.io.write(tmp_path / "a.extxyz", train, format="extxyz")
    ase.io.write(tmp_path / "b.extxyz", [*test, train[1]], format="extxyz")
    monkeypatch.chdir(ROOT)
    files = [
        {"file": str(tmp_path / f"{n}.extxyz"), "level": "u4", "split": s}
        for n, s in (("a", "train"), ("b", "test"))
    ]
    told = list(
        given_labels.problems_and_notes(load("config/demo.yaml", {"labels": {"frames": files}}), "u4")
    )
    (wrong,) = [error for error in told if isinstance(error, Exception)]
    assert "a.extxyz, frame 1, and " in wrong.where and f"b.extxyz, frame {len(test)}" in wrong.where


def test_large_files_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(given_labels, "LARGEST_BYTES", 10)
    told = found(OWN, monkeypatch)
    assert [f.state for f in told] == ["ok", "note"] and "the first job checks them" in told[1].text
