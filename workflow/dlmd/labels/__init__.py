"""Energies, forces and stresses at a level of theory: relaxed cells, dynamics and single points.

In: ordered cells. Out: relaxed cells and labelled frames, from an engine in this process (`engines`) or from VASP (`vasp`).
"""

from dlmd.base.lazy import exports

__getattr__, __all__ = exports(
    __name__,
    {
        "Engine": "engines.base",
        "engine": "engines:get",
    },
)
