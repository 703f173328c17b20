"""How numbers and tables are shown as text, in reports and on the terminal alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def interval(
    estimate: Mapping[str, float],
    form: str = ".3g",
    *,
    scale: float = 1.0,
    unit: str = "",
    middle: str = "value",
) -> str:
    """'value unit (low to high)', each times `scale` and in the format `form`; the value is the entry `middle`.

    An upper bound (entry `bound`) is 'below high unit'.
    """
    if estimate.get("bound"):
        return f"below {estimate['high'] * scale:{form}}{f' {unit}' if unit else ''}"
    value, low, high = (f"{estimate[key] * scale:{form}}" for key in (middle, "low", "high"))
    return f"{value}{f' {unit}' if unit else ''} ({low} to {high})"


def aligned(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of a table with a header, columns padded to their widest cell; none for no rows."""
    if not rows:
        return []
    table = [list(rows[0]), *([str(v) for v in row.values()] for row in rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in table]


def pairs(values: Mapping[str, Any]) -> str:
    """'label value; label value'."""
    return "; ".join(f"{label} {value:g}" for label, value in values.items())
