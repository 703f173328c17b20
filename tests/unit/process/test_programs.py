"""Foreign programs: found beside this Python, failures with the end of their log."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from dlmd.base.errors import DlmdError
from dlmd.process import programs


def test_missing_program_says_how_to_install(monkeypatch):
    with pytest.raises(DlmdError, match="'no-such-program' is not in this environment") as caught:
        programs.locate("no-such-program")
    assert "pip install" in str(caught.value)


def test_command_of_the_config_wins():
    assert programs.command("lmp", "srun lmp -k on g 1") == ["srun", "lmp", "-k", "on", "g", "1"]
    assert programs.command("lmp", "srun -n {ranks} lmp", ranks=4) == ["srun", "-n", "4", "lmp"]
    assert programs.command("python")[0].endswith("/python")


def test_several_ranks_are_started_by_this_environments_mpirun():
    mpirun, *rest = programs.command("lmp", ranks=2)
    assert mpirun == str(programs.locate("mpirun"))
    assert rest == ["-n", "2", *programs.command("lmp")]


def test_lammps_has_no_process_in_between_that_could_leave_it_behind(tmp_path):
    (tmp_path / "in").write_text("shell 'cat /proc/$PPID/comm'\n")
    programs.run(
        [*programs.command("lmp"), "-in", "in", "-log", "none"], cwd=tmp_path, log=tmp_path / "log", threads=1
    )
    assert "lmp" in (tmp_path / "log").read_text().splitlines()


def test_failure_shows_the_end_of_the_log(tmp_path, capsys):
    code = "print('first'); print('ERROR: Lost atoms'); raise SystemExit(3)"
    with pytest.raises(DlmdError, match="exit code 3") as caught:
        programs.run([sys.executable, "-c", code], cwd=tmp_path, log=tmp_path / "log", threads=1)
    assert str(tmp_path / "log") in str(caught.value)
    assert "ERROR: Lost atoms" in capsys.readouterr().err


def test_threads_reach_the_program(tmp_path):
    code = "import os; print(os.environ['OMP_NUM_THREADS'], os.environ['DP_INTRA_OP_PARALLELISM_THREADS'])"
    programs.run([sys.executable, "-c", code], cwd=tmp_path, log=tmp_path / "log", threads=3)
    assert (tmp_path / "log").read_text().splitlines()[-1] == "3 3"


def test_program_that_cannot_be_started(tmp_path):
    with pytest.raises(DlmdError, match="cannot be started"):
        programs.run(["/no/such/lmp"], cwd=tmp_path, log=tmp_path / "log", threads=1)


def test_a_program_is_ended_when_its_time_is_up(tmp_path):
    began = time.monotonic()
    code = "import time; print('begun', flush=True); time.sleep(60)"
    args = dict(cwd=tmp_path, log=tmp_path / "log", threads=1)
    assert not programs.run([sys.executable, "-c", code], **args, timeout_s=1.0)
    assert time.monotonic() - began < 30
    assert programs.run([sys.executable, "-c", "pass"], **args, timeout_s=30.0)


def test_a_program_is_ended_by_the_one_who_watches_it(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "WATCH_S", 0.1)
    args = dict(cwd=tmp_path, log=tmp_path / "log", threads=1)
    began = time.monotonic()
    code = "import time; open('seen', 'w').close(); time.sleep(60)"
    watch = lambda: "it was seen" if (tmp_path / "seen").exists() else None  # noqa: E731
    with pytest.raises(programs.Ended, match="it was seen"):
        programs.run([sys.executable, "-c", code], **args, watch=watch)
    assert time.monotonic() - began < 30
    # what came up in the last moments of a program counts, too
    with pytest.raises(programs.Ended, match="it was seen"):
        programs.run([sys.executable, "-c", "pass"], **args, watch=watch)
    (tmp_path / "seen").unlink()
    assert programs.run([sys.executable, "-c", "pass"], **args, watch=watch)
    with pytest.raises(DlmdError, match="exit code 3"):
        programs.run([sys.executable, "-c", "raise SystemExit(3)"], **args, watch=watch)
    asleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    assert not programs.run(asleep, **args, watch=watch, timeout_s=0.5)


def test_a_program_dies_with_the_job_that_started_it(tmp_path):
    # SIGKILL leaves the job no time to end anything
    job = (
        "import sys; from pathlib import Path; from dlmd.process import programs;"
        "programs.run([sys.executable, '-c', 'import os,time; print(os.getpid(), flush=True); time.sleep(60)'],"
        "cwd=Path(sys.argv[1]), log=Path(sys.argv[1]) / 'log', threads=1)"
    )
    process = subprocess.Popen([sys.executable, "-c", job, tmp_path])
    log = tmp_path / "log"
    while not (log.exists() and log.read_text().splitlines()[1:]):
        assert process.poll() is None, "the job ended before its program had started"
        time.sleep(0.05)
    pid = int(log.read_text().split()[-1])
    process.kill()
    process.wait()
    for _ in range(100):
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.1)
    raise AssertionError("the program lives on")
