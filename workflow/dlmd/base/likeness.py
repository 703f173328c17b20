"""How alike two sets of values are, such as forces of labels and of a potential, without their means being taken off."""

from __future__ import annotations

import numpy as np


def slope(values: np.ndarray, reference: np.ndarray) -> float:
    """How large values are beside those of the reference, of the same shape: least squares through zero."""
    return float((values * reference).sum() / (reference**2).sum())


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Of two arrays of the same shape, about zero; 0 where one of them is all zero."""
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / size if size else 0.0
