"""One toy run, shared by all tests that look at its results."""

import shutil

import pytest

from running import ROOT, snakemake


@pytest.fixture(scope="session")
def make_workdir(tmp_path_factory):
    """A function that makes a working directory with the inputs of the repository."""

    def make(name):
        workdir = tmp_path_factory.mktemp(name)
        for folder in ("config", "structures"):
            shutil.copytree(ROOT / folder, workdir / folder)
        return workdir

    return make


@pytest.fixture(scope="session")
def toy_run(make_workdir):
    """Working directory of the finished toy run: the engine, dp and lmp have really run."""
    workdir = make_workdir("toy")
    done = snakemake(workdir, "--cores", "2", "--configfile", "config/toy.yaml")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    (workdir / "console.txt").write_text(done.stdout + done.stderr)
    return workdir
