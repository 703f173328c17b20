"""After a failure the damaged input is named; a whole file of any kind is not."""

import json

import ase.build
import ase.io
import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.md import cell_file
from dlmd.md.parts import RESTART_MAGIC
from dlmd.run import binding, post_mortem
from dlmd.run.binding import Given, Job


def graph():
    """Two nodes and the versions of a graph, as protobuf writes them."""
    node = b"\x0a\x03abc\x12\x02Op"
    return (b"\x0a" + bytes([len(node)]) + node) * 2 + b"\x22\x02\x08\x01"


@pytest.fixture
def whole(tmp_path):
    """One file of every kind, by ending."""
    atoms = ase.build.bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    paths = {
        kind: tmp_path / f"file.{kind}"
        for kind in ("json", "csv", "extxyz", "npz", "npy", "data", "restart", "pb")
    }
    paths["json"].write_text(json.dumps({"a": [1, 2, 3]}) + "\n")
    paths["csv"].write_text("step,value\r\n0,1.5\r\n1,2.5\r\n")
    ase.io.write(paths["extxyz"], [atoms, atoms], format="extxyz")
    np.savez(paths["npz"], a=np.arange(50.0))
    np.save(paths["npy"], np.arange(50.0))
    cell_file.write(atoms, paths["data"], species=["Na", "Cl"])
    paths["restart"].write_bytes(RESTART_MAGIC + bytes(range(200)) + RESTART_MAGIC)
    paths["pb"].write_bytes(graph())
    return paths


def test_whole_files_are_whole(whole):
    assert {kind: post_mortem.damage(path) for kind, path in whole.items()} == dict.fromkeys(whole)
    assert post_mortem.damaged_input(whole.values()) is None


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_a_cut_file_is_named(whole, share):
    for kind, path in whole.items():
        data = path.read_bytes()
        path.write_bytes(data[: int(share * len(data))])
        error = post_mortem.damaged_input(whole.values())
        assert error is not None and error.where == str(path), kind
        assert str(error).count("\n") == 2
        path.write_bytes(data)


def test_zeros_in_a_text(whole):
    for kind in ("json", "csv", "extxyz", "data"):
        data = whole[kind].read_bytes()
        whole[kind].write_bytes(data[:10] + bytes(8) + data[18:])
        assert "zeros" in post_mortem.damage(whole[kind]) and "byte 10" in post_mortem.damage(whole[kind])


def test_a_job_that_fails_on_a_damaged_file_says_so(whole, tmp_path, monkeypatch):
    def job(table: str, *, out: str) -> None:
        raise ValueError("some library's own words")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Job, "function", lambda _: job)
    monkeypatch.setattr(binding, "JOBS", {"use": Job("use")})
    files = {"inputs": {"table": str(whole["npz"])}, "outputs": {"out": "results/r/out"}}
    given = Given(**files, params={}, wildcards={}, threads=1, log="log", config={"run": "r"})
    with pytest.raises(ValueError, match="own words"):
        binding.run("use", given)
    whole["npz"].write_bytes(whole["npz"].read_bytes()[:100])
    with pytest.raises(DlmdError, match="damaged") as error:
        binding.run("use", given)
    assert error.value.where == str(whole["npz"])


def test_a_part_without_frames_of_ones_own_is_not_damaged(tmp_path):
    path = tmp_path / "results/x/labels/u4/given/0/train.extxyz"
    path.parent.mkdir(parents=True)
    path.write_text("")
    assert post_mortem.damage(path) is None
    other = tmp_path / "frames.extxyz"
    other.write_text("")
    assert post_mortem.damage(other) == "it is empty"
