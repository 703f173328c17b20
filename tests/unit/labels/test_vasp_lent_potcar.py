"""Potentials are licensed text: private while VASP runs here, and gone however a run ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dlmd.labels.vasp import potcar, stage
from dlmd.labels.vasp.run import run_step
from vasp_bench import FAKE, LAUNCH, crystal, library, settings

SUPPORT = Path(__file__).parents[2] / "support"
RUN = """
import sys
from vasp_bench import LAUNCH, library, settings
from pathlib import Path
from dlmd.labels.vasp.run import run_step
home = Path(sys.argv[1])
launch = LAUNCH.model_copy(update={"command": "exec sleep 60"})
run_step(home / "job", "1-static", settings=settings(home / "lib"), launch=launch)
"""


@pytest.fixture
def job(tmp_path):
    s = settings(library(tmp_path / "lib"))
    stage.stage_static(crystal(), tmp_path / "job", settings=s, level="u4", cell="toy", source="o_toy_0")
    return tmp_path / "job", s


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_takes_the_potcar_along(job, number):
    folder, _ = job
    path = os.pathsep.join([*filter(None, sys.path), str(SUPPORT)])
    program = subprocess.Popen(
        [sys.executable, "-c", RUN, folder.parent], env=os.environ | {"PYTHONPATH": path}
    )
    lent = folder / "1-static/run00/POTCAR"
    end = time.monotonic() + 30
    while not (folder / "1-static/run00/vasp.out").exists():
        assert time.monotonic() < end and program.poll() is None
        time.sleep(0.05)
    assert lent.exists()
    program.send_signal(number)
    # it still dies of the signal, as a scheduler expects
    assert program.wait(timeout=10) == -number
    assert not lent.exists()


def test_it_is_private_while_vasp_runs_and_gone_after(job, tmp_path):
    folder, s = job
    launch = LAUNCH.model_copy(
        update={"command": f"stat -c %a POTCAR > {tmp_path}/mode; {sys.executable} {FAKE}"}
    )
    run_step(folder, "1-static", settings=s, launch=launch)
    assert (tmp_path / "mode").read_text() == "600\n" and not list(folder.rglob("POTCAR"))


def test_what_a_lost_node_left_is_swept_at_the_next_start(job):
    folder, s = job
    left = folder / "1-static/run00/POTCAR"
    left.parent.mkdir()
    left.write_text("left behind")
    run_step(folder, "1-static", settings=s, launch=LAUNCH)
    assert not left.exists()
    # done before: it is swept all the same
    left.write_text("left behind")
    run_step(folder, "1-static", settings=s, launch=LAUNCH.model_copy(update={"command": "false"}))
    assert not left.exists()


def test_handlers_are_given_back_and_a_world_readable_file_is_replaced(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    path = tmp_path / "POTCAR"
    path.write_text("old")
    path.chmod(0o644)
    with potcar.lent(path, "text"):
        assert path.read_text() == "text" and path.stat().st_mode & 0o777 == 0o600
        assert signal.getsignal(signal.SIGTERM) is not before
    assert not path.exists() and signal.getsignal(signal.SIGTERM) is before
