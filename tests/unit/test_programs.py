"""Foreign programs: found beside this Python, failures with the end of their log."""

import sys

import pytest

from dlmd import programs
from dlmd.errors import DlmdError


def test_missing_program_says_how_to_install(monkeypatch):
    with pytest.raises(DlmdError, match="'no-such-program' is not in this environment") as caught:
        programs.locate("no-such-program")
    assert "pip install" in str(caught.value)


def test_command_of_the_config_wins():
    assert programs.command("lmp", "srun lmp -k on g 1") == ["srun", "lmp", "-k", "on", "g", "1"]
    assert programs.command("python")[0].endswith("/python")


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
