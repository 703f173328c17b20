"""Damaged files of arrays are named; of saved states the one before a damaged one is used."""

import io

import numpy as np
import pytest

from dlmd.base.arrays import drop_state, load_state, read_npy, read_npz, save_state
from dlmd.base.errors import DlmdError


def test_what_was_written_is_read(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(3), name="y")
    found = read_npz(tmp_path / "a.npz")
    assert found["x"].tolist() == [0, 1, 2] and str(found["name"]) == "y"


@pytest.mark.parametrize("length", [0, 1, 50, 200, -1, -30])
@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_a_truncated_file_is_named(tmp_path, kind, length):
    path = tmp_path / f"a.{kind}"
    (np.savez if kind == "npz" else np.save)(path, np.random.default_rng(0).random(100))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DlmdError, match="damaged") as error:
        (read_npz if kind == "npz" else read_npy)(path)
    assert error.value.where == str(path)


def test_a_changed_bit_is_seen(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.random.default_rng(0).random(100))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(DlmdError, match="damaged"):
        read_npz(path)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(DlmdError, match="no such file"):
        read_npz(tmp_path / "a.npz")


def test_the_state_before_a_damaged_one(tmp_path):
    path, said = tmp_path / "state", io.StringIO()
    assert load_state(path, said) is None
    for step in (1, 2):
        save_state(path, step=step)
    assert int(load_state(path, said)["step"]) == 2 and not said.getvalue()
    path.write_bytes(path.read_bytes()[:100])
    assert int(load_state(path, said)["step"]) == 1
    assert "state: the file is damaged" in said.getvalue()
    drop_state(path)
    assert list(tmp_path.iterdir()) == []


def test_a_kill_between_two_states_leaves_one(tmp_path):
    path = tmp_path / "state"
    save_state(path, step=1)
    path.rename(tmp_path / "state.before")
    assert int(load_state(path, None)["step"]) == 1
