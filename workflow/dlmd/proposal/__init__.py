"""From a CIF alone to a run's config: charges, the mobile ion, cells, temperatures and lengths, each with its reason.

In: a CIF and what the user knows beside it. Out: a `Proposal`, and the text of a complete config.
"""

from dlmd.base.lazy import exports

__getattr__, __all__ = exports(__name__, {"Wishes": "wishes", "Proposal": "proposal", "propose": "proposal"})
