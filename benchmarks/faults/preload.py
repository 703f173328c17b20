"""Import what jobs import, once, so that a trial in a forked process takes milliseconds.

TensorFlow, PyTorch and JAX are left out: their threads do not survive a fork.
"""

import contextlib
import importlib

from dlmd.run import binding

LIBRARIES = (
    *(
        "numpy",
        "scipy.optimize",
        "scipy.stats",
        "matplotlib.pyplot",
        "ase.io",
        "ase.io.extxyz",
        "chemfiles",
        "freud",
    ),
    *(
        "spglib",
        "pymatgen.core",
        "pymatgen.io.cif",
        "jinja2",
        "plotly.graph_objects",
        "rocrate.rocrate",
        "dpdata",
    ),
    "pymatgen.analysis.diffraction.xrd",
)
HEAVY = ("dlmd.validation.errors", "dlmd.training.start", "dlmd.labels.vasp")


def everything() -> None:
    """Import the modules of all jobs and their libraries."""
    import matplotlib as mpl

    mpl.use("Agg")
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for job in binding.JOBS.values():
        if not job.target.startswith(HEAVY):
            with contextlib.suppress(ImportError):
                job.function()
