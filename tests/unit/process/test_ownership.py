"""One writer per folder: live owners are respected, dead ones replaced, here and on other nodes."""

import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dlmd.base.errors import DlmdError
from dlmd.process import ownership
from dlmd.process.ownership import OWNER, owned

HOLD = """
import sys, time
from dlmd.process.ownership import owned
with owned(sys.argv[1]):
    print("owned", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that owns the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "owned\n"
    yield process
    process.kill()
    process.wait()


def elsewhere(folder, **changes):
    """The owner's file of a job on another node."""
    record = ownership._identity() | {
        "machine": "node7/boot/pid",
        "host": "node7",
        "job": "4711",
        "token": "t",
    }
    (folder / OWNER).write_text(json.dumps(record | changes))
    return record


def test_a_live_owner_is_respected(tmp_path, holder):
    with pytest.raises(DlmdError, match=f"process {holder.pid} on"), owned(tmp_path):
        pass
    assert json.loads((tmp_path / OWNER).read_text())["pid"] == holder.pid


def test_a_killed_owner_is_replaced_and_it_is_said(tmp_path, holder, capsys):
    holder.kill()
    holder.wait()
    with owned(tmp_path):
        assert json.loads((tmp_path / OWNER).read_text())["pid"] != holder.pid
    assert f"taking over from process {holder.pid}" in capsys.readouterr().err
    assert not (tmp_path / OWNER).exists()


def test_a_later_process_of_the_same_number_is_another_one(tmp_path):
    record = ownership._identity()
    (tmp_path / OWNER).write_text(json.dumps(record | {"token": "t", "started": "1"}))
    with owned(tmp_path):
        pass


def test_a_silent_owner_on_another_node_is_dead(tmp_path, capsys):
    elsewhere(tmp_path)
    with owned(tmp_path, silence_s=0.3):
        pass
    assert "on node7, which is dead" in capsys.readouterr().err


def test_an_owner_on_another_node_that_renews_lives(tmp_path):
    elsewhere(tmp_path)
    renewal = threading.Timer(0.3, elsewhere, args=[tmp_path], kwargs={"renewed": 5})
    renewal.start()
    with pytest.raises(DlmdError, match="node7, Slurm job 4711"), owned(tmp_path, silence_s=5):
        pass
    renewal.join()


def test_half_an_owner_file_is_no_owner(tmp_path):
    (tmp_path / OWNER).write_text('{"token": "x", ')
    with owned(tmp_path):
        pass


def test_the_folder_is_given_back_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), owned(tmp_path / "new"):
        raise ZeroDivisionError
    assert list((tmp_path / "new").iterdir()) == []


def test_a_job_whose_folder_was_taken_learns_it(tmp_path):
    taken = threading.Event()
    with owned(tmp_path, renewal_s=0.05, lost=taken.set):
        elsewhere(tmp_path)
        assert taken.wait(5)
    # and does not take the other's file away
    assert json.loads((tmp_path / OWNER).read_text())["host"] == "node7"


def test_an_owner_that_cannot_be_read_for_a_moment_is_alive(tmp_path, holder, monkeypatch):
    """A stale handle of a network file system is no dead owner."""
    read, failures = Path.read_text, iter([errno.ESTALE, errno.EIO])

    def stale(self, *args, **kwargs):
        number = next(failures, None) if self.name == OWNER else None
        if number is not None:
            raise OSError(number, os.strerror(number))
        return read(self, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", stale)
    monkeypatch.setattr(ownership, "READ_AGAIN_S", (0, 0, 0))
    with pytest.raises(DlmdError, match=f"process {holder.pid} on"), owned(tmp_path):
        pass


def test_an_owner_that_cannot_be_read_at_all_is_not_ousted(tmp_path, holder, monkeypatch):
    read = Path.read_text

    def stale(self, *args, **kwargs):
        if self.name == OWNER:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return read(self, *args, **kwargs)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "read_text", stale)
        broken.setattr(ownership, "READ_AGAIN_S", (0, 0))
        with pytest.raises(DlmdError, match="cannot be seen: Stale file handle"), owned(tmp_path):
            pass
    assert json.loads((tmp_path / OWNER).read_text())["pid"] == holder.pid


def test_a_file_system_without_hard_links(tmp_path, monkeypatch):
    def refuse(self, target):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    with owned(tmp_path):
        assert json.loads((tmp_path / OWNER).read_text())["pid"] == os.getpid()
        with pytest.raises(DlmdError, match=f"process {os.getpid()} on"), owned(tmp_path):
            pass
    assert list(tmp_path.iterdir()) == []
