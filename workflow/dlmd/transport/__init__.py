"""From trajectories to MSD, diffusion coefficients, Haven ratio, conductivity and the Arrhenius fit, or a verdict.

In: trajectories. Out: numbers with intervals; nothing without one.
"""

from dlmd.base.lazy import exports

__getattr__, __all__ = exports(
    __name__,
    {
        "analyse": "analysis",
        "fit": "arrhenius",
    },
)
