"""What every script of the rules shares, in a process of its own as Snakemake starts it."""

import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"
# a function of the job's own, in place of a rule's
FUNCTION = """
import os, subprocess, sys
from pathlib import Path
from dlmd.base.errors import DlmdError
from dlmd.process import programs

def work(log: str) -> None:
    print("Python")
    os.write(2, b"library\\n")
    subprocess.run(["echo", "program"])
    programs.run([sys.executable, "-c", "print('into its log')"], cwd=Path("."), log=Path(log), threads=1)
    print("Python again")
    assert os.environ["OMP_NUM_THREADS"] == "3"
    {last}
"""
JOB = """
import runpy, sys
from snakemake.iocontainers import Namedlist
from types import SimpleNamespace
sys.path[:0] = [{folder!r}, {library!r}]
from dlmd.run import binding

binding.JOBS["own"] = binding.Job("own_function:work")
snakemake = SimpleNamespace(
    rule="own", threads=3, scriptdir={scripts!r}, log=[{log!r}], config={{"run": "own"}},
    input=Namedlist(), output=Namedlist(), params=Namedlist(), wildcards=Namedlist(),
)
runpy.run_path({scripts!r} + "/job.py", {{"snakemake": snakemake}})
print("after")
"""


def run(tmp_path, last):
    log = tmp_path / "rule.log"
    log.write_text("why an attempt before has failed\n")
    (tmp_path / "own_function.py").write_text(FUNCTION.format(last=last))
    code = JOB.format(folder=str(tmp_path), library=str(SCRIPTS.parent), scripts=str(SCRIPTS), log=str(log))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    # the command line that is written before a program's own output
    before, again, *lines = [
        line for line in log.read_text().splitlines() if line and not line.startswith("$ ")
    ]
    assert before == "why an attempt before has failed" and again.startswith("--- started again at ")
    return done, lines


ALL = ["Python", "library", "program", "into its log", "Python again"]


def test_all_output_is_in_the_log_in_order(tmp_path):
    done, lines = run(tmp_path, "pass")
    assert lines == [*ALL, "after"]
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_error_ends_the_job_with_its_three_lines(tmp_path):
    done, lines = run(tmp_path, "raise DlmdError('no sites', where='a.cif', remedy='add some')")
    assert lines[:5] == ALL and "no sites" in lines[5] and not any("Traceback" in line for line in lines)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_an_unexpected_error_leaves_its_traceback_in_the_log(tmp_path):
    done, lines = run(tmp_path, "1 / 0")
    assert lines[:5] == ALL and lines[5].startswith("Traceback") and "ZeroDivisionError" in lines[-1]
    assert done.returncode == 1
