"""Scratch folders and the programs in them end with their job, however that ends."""

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dlmd.base.errors import DlmdError
from dlmd.process.scratch import Scratch

# a program of two processes, of which the second passes over the SIGTERM that the first would hand on
PROGRAM = """
import subprocess, sys, time
subprocess.Popen([sys.executable, '-c', 'import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)'])
time.sleep(60)
"""
JOB = """
import subprocess, sys
from pathlib import Path
from dlmd.process.scratch import Scratch

class Owner: pass

owner = Owner()
scratch = Scratch(owner, Path(sys.argv[1]), prefix="x_")
if sys.argv[2] == "run":
    scratch.run([sys.executable, "-c", sys.argv[3]], output=scratch.folder / "out", errors=scratch.folder / "err")
else:
    (scratch.folder / "program.py").write_text(sys.argv[3])
    child = subprocess.Popen(scratch.shell_command(f"{sys.executable} program.py"), shell=True)
    scratch.started(child.pid)
    child.wait()
"""


class Owner:
    pass


def processes_below(folder):
    """Processes, zombies aside, whose working folder is there."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str((entry / "cwd").readlink()).startswith(str(folder)):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait_until(condition, *, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("how", ["run", "shell"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_job_leaves_neither_programs_nor_files(tmp_path, how, number):
    job = subprocess.Popen(
        [sys.executable, "-c", JOB, str(tmp_path), how, PROGRAM],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    wait_until(lambda: len(processes_below(tmp_path)) >= 2)
    job.send_signal(number)
    job.wait()
    wait_until(lambda: not processes_below(tmp_path) and not list(tmp_path.iterdir()))


def caretakers_of(folder):
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.endswith(b"caretaker.py") for word in words) and any(
            word.startswith(str(folder).encode()) for word in words
        ):
            found.append(int(entry.parent.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_a_killed_control_group_left_goes_at_the_next_start(tmp_path, capfd):
    job = subprocess.Popen(
        [sys.executable, "-c", JOB, str(tmp_path), "run", "import time; time.sleep(60)"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
    )
    wait_until(lambda: processes_below(tmp_path))
    (folder,) = tmp_path.iterdir()
    (caretaker,) = caretakers_of(tmp_path)
    # all at once, as the memory limit of a scheduler does
    os.kill(job.pid, signal.SIGSTOP)
    for pid in (caretaker, job.pid, *processes_below(tmp_path)):
        os.kill(pid, signal.SIGKILL)
    job.wait()
    wait_until(lambda: not processes_below(tmp_path) and not caretakers_of(tmp_path))
    assert (folder / "out").exists()
    for name in ("x_mine", "y_other"):
        # without an owner, and of another kind
        (tmp_path / name).mkdir()
    first = Scratch(Owner(), tmp_path, prefix="x_")
    assert not folder.exists() and "left behind by process" in capfd.readouterr().err
    keeper = Owner()
    other = Scratch(keeper, tmp_path, prefix="x_")
    Scratch(Owner(), tmp_path, prefix="x_")
    assert other.folder.exists() and (tmp_path / "x_mine").exists() and (tmp_path / "y_other").exists()
    del first


def test_the_folder_goes_with_its_owner_after_what_comes_before(tmp_path):
    owner, seen = Owner(), []
    scratch = Scratch(owner, tmp_path, prefix="x_", before=lambda: seen.append(len(list(tmp_path.iterdir()))))
    code = scratch.run(
        [sys.executable, "-c", "import os; print(os.getcwd()); raise SystemExit(3)"],
        output=scratch.folder / "out",
        errors=scratch.folder / "err",
    )
    assert code == 3 and (scratch.folder / "out").read_text().strip() == str(scratch.folder.resolve())
    del owner
    gc.collect()
    assert seen == [1] and list(tmp_path.iterdir()) == []


def test_no_room(tmp_path):
    with pytest.raises(DlmdError, match="no folder can be made"):
        Scratch(Owner(), tmp_path / "absent", prefix="x_")
    with pytest.raises(OSError):
        scratch = Scratch(Owner(), tmp_path, prefix="x_")
        scratch.run(["no-such-program"], output=tmp_path / "out", errors=tmp_path / "err")
