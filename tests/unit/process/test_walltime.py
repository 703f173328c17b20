"""What is left of a job's walltime."""

from datetime import datetime

import pytest

from dlmd.process import walltime


def test_outside_a_scheduler_there_is_no_limit():
    assert walltime.remaining_s({}) is None


def test_the_end_that_slurm_names():
    env = {"SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": "2000"}
    assert walltime.remaining_s(env, now=1400.0) == 600.0


@pytest.fixture
def squeue(tmp_path, monkeypatch):
    """A squeue that answers with the given text."""

    def make(answer):
        program = tmp_path / "squeue"
        program.write_text(f"#!/bin/sh\necho '{answer}'\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    return make


def test_older_slurm_is_asked(squeue):
    # squeue gives local time
    squeue(datetime.fromtimestamp(3600).isoformat())
    assert walltime.remaining_s({"SLURM_JOB_ID": "7"}, now=600.0) == 3000.0


@pytest.mark.parametrize("answer", ["NONE", "N/A", ""])
def test_no_limit(squeue, answer):
    squeue(answer)
    assert walltime.remaining_s({"SLURM_JOB_ID": "7"}, now=0.0) is None


@pytest.mark.parametrize(("left", "usable"), [(36000.0, 35820.0), (100.0, 80.0), (None, None)])
def test_a_margin_is_kept(monkeypatch, left, usable):
    monkeypatch.setattr(walltime, "remaining_s", lambda: left)
    assert walltime.usable_s() == usable
