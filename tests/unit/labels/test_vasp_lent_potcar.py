"""Potentials are licensed text: private while VASP runs here, and gone however a run ends."""

import os
import shutil
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
home, step, custodian = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "custodian"
launch = LAUNCH.model_copy(update={"command": "echo $$ > pid; exec sleep 60", "custodian": custodian})
run_step(home / "job", step, settings=settings(home / "lib"), launch=launch)
"""


@pytest.fixture
def job(tmp_path):
    s = settings(library(tmp_path / "lib"))
    stage.stage_static(crystal(), tmp_path / "job", settings=s, level="u4", cell="toy", source="o_toy_0")
    return tmp_path / "job", s


@pytest.mark.parametrize(
    ("number", "step"),
    [(signal.SIGTERM, "1-static"), (signal.SIGHUP, "1-static"), (signal.SIGTERM, "1-relax")],
)
def test_a_signal_takes_the_potcar_and_vasp_along(job, number, step):
    folder, s = job
    if step == "1-relax":  # under custodian
        shutil.rmtree(folder)
        stage.stage_relax(crystal(), folder, settings=s, level="u4", cell="toy", source="o_toy_0")
    path = os.pathsep.join([*filter(None, sys.path), str(SUPPORT)])
    how = "custodian" if step == "1-relax" else "plain"
    # tests that run under nohup ignore SIGHUP, and so would the job
    program = subprocess.Popen(
        ["env", "--default-signal", sys.executable, "-W", "ignore", "-c", RUN, folder.parent, step, how],
        env=os.environ | {"PYTHONPATH": path},
    )
    lent, pid = (folder / step / "run00" / name for name in ("POTCAR", "pid"))
    wait(lambda: pid.exists() and pid.read_text().strip(), program)
    assert lent.exists()
    program.send_signal(number)
    # it still dies of the signal, as a scheduler expects
    assert program.wait(timeout=60) == -number
    assert not lent.exists()
    wait(lambda: not alive(int(pid.read_text())))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait(what, program=None, seconds=60.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end and (program is None or program.poll() is None)
        time.sleep(0.05)


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


def test_after_a_kill_of_the_whole_control_group_the_potcar_goes_at_the_next_start(job):
    folder, s = job
    path = os.pathsep.join([*filter(None, sys.path), str(SUPPORT)])
    program = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", RUN, folder.parent, "1-static", "plain"],
        env=os.environ | {"PYTHONPATH": path},
        start_new_session=True,
    )
    lent, pid = (folder / "1-static/run00" / name for name in ("POTCAR", "pid"))
    wait(lambda: pid.exists() and pid.read_text().strip(), program)
    # nobody is left to clear up
    os.killpg(program.pid, signal.SIGKILL)
    program.wait(timeout=60)
    wait(lambda: not alive(int(pid.read_text())))
    assert lent.stat().st_mode & 0o777 == 0o600
    # whatever starts next in this job: the same step, or its staging
    stage.stage_static(crystal(), folder, settings=s, level="u4", cell="toy", source="o_toy_0")
    assert not lent.exists()
    run_step(folder, "1-static", settings=s, launch=LAUNCH)
    assert not list(folder.rglob("POTCAR")) and (folder / "1-static/run01/OUTCAR.gz").exists()
