"""A job whose inputs are from the future does not begin, because Snakemake would delete what it makes."""

import os
import shlex
import subprocess
import time

import pytest

from dlmd.base.errors import DlmdError
from dlmd.run import clock_skew


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of two files, made a minute apart, and a CIF of the user's."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "results/r"
    home.mkdir(parents=True)
    for number, name in enumerate(("first.txt", "second.txt")):
        (home / name).write_text("x")
        os.utime(home / name, (0, time.time() - 1000 + 60 * number))
    (tmp_path / "own.cif").write_text("x")
    return home


def shift(run, seconds):
    for path in run.iterdir():
        changed = path.stat().st_mtime + seconds
        os.utime(path, (changed, changed))


def test_files_of_the_past_are_read_at_once(run, monkeypatch):
    monkeypatch.setattr(clock_skew.time, "sleep", lambda _: pytest.fail("waited"))
    clock_skew.require_past([run / "first.txt", run / "second.txt", run / "not made"], home=run)
    clock_skew.require_past([], home=run)


def test_files_of_tomorrow_are_refused_and_the_remedy_heals(run):
    shift(run, 86_400)
    with pytest.raises(DlmdError, match="from the future") as error:
        clock_skew.require_past([run / "first.txt"], home=run)
    assert str(run / "first.txt") in str(error.value) and len(str(error.value).splitlines()) == 3
    command = error.value.remedy.split("back: ")[1]
    subprocess.run(shlex.split(command), check=True)
    clock_skew.require_past([run / "first.txt", run / "second.txt"], home=run)
    first, second = ((run / name).stat().st_mtime for name in ("first.txt", "second.txt"))
    assert second - first == pytest.approx(60, abs=0.01) and time.time() - second < 10


def test_a_file_of_the_users_is_touched_alone(run):
    cif = run.parents[1] / "own.cif"
    os.utime(cif, (0, time.time() + 7200))
    with pytest.raises(DlmdError) as error:
        clock_skew.require_past([run / "first.txt", cif], home=run)
    assert error.value.remedy.endswith(f"touch {cif}")


def test_clocks_that_differ_by_little_are_waited_for(run, monkeypatch):
    waited = []
    monkeypatch.setattr(clock_skew.time, "sleep", waited.append)
    os.utime(run / "first.txt", (0, time.time() + 20))
    clock_skew.require_past([run / "first.txt"], home=run)
    assert waited == [pytest.approx(20, abs=2)]
