"""Geometry of periodic cells."""

from __future__ import annotations

import numpy as np


def cell_widths(cell: np.ndarray) -> np.ndarray:
    """(3,) distances between opposite faces of a (3, 3) cell with the vectors in rows, in Å."""
    return 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
