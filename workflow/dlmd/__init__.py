"""DLMD: from a crystal with partially occupied sites to its ionic conductivity.

The names below are the library's front door (docs/python.md); each is imported when it is first used.
"""

from dlmd.base.lazy import exports

__version__ = "0.2.0"

__getattr__, __all__ = exports(
    __name__,
    {
        "DlmdError": "base.errors",
        "RunResults": "run.results",
        "Trajectory": "trajectory.trajectory",
        "analyse": "transport.analysis",
        "carriers_of": "transport.own_run",
        "transport_of": "transport.own_run",
        "apportion": "structures.occupancy",
        "fit_arrhenius": "transport.arrhenius:fit",
        "join_segments": "trajectory.segments:join",
        "orderings": "structures.ordering",
        "read_cif": "structures.crystal",
        "read_result": "base.files",
        "read_trajectory": "trajectory.readers:read",
    },
)
