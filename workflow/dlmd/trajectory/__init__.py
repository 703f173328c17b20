"""Trajectories of any origin as one object: unwrapped, relative to the host, streamed in blocks of ions.

In: segments of the pipeline or anybody's files. Out: `Trajectory`, the health of its host, radial distribution functions.
"""

from dlmd.base.lazy import exports

__getattr__, __all__ = exports(
    __name__,
    {
        "Trajectory": "trajectory",
        "read": "readers",
    },
)
