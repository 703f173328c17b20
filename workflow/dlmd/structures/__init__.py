"""From a crystal with partial occupancies to supercells with whole atoms: exact counts, neutral, seeded.

In: a CIF and occupancies. Out: ordered cells as ASE's Atoms, and what was asked for beside what was realised.
"""

from dlmd.base.lazy import exports

__getattr__, __all__ = exports(
    __name__,
    {
        "Crystal": "crystal",
        "read_cif": "crystal",
        "apportion": "occupancy",
        "orderings": "ordering",
    },
)
