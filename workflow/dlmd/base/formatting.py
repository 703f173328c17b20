"""How numbers and tables are shown as text, in reports and on the terminal alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# a factor by which nothing is known
_UNKNOWN = 1e4
# powers of ten up to which numbers are written out
_THOUSANDS = 6


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
        return f"below {number(estimate['high'] * scale, form)}{f' {unit}' if unit else ''}"
    value, low, high = (number(estimate[key] * scale, form) for key in (middle, "low", "high"))
    return f"{value}{f' {unit}' if unit else ''} ({low} to {high})"


def number(value: float, form: str = ".3g") -> str:
    """The value in that format, and 1,140 where the format has 1.14e+03."""
    text = f"{value:{form}}"
    _, _, power = text.partition("e+")
    return f"{float(text):,.0f}" if power and int(power) < _THOUSANDS else text


def predicted(prediction: Mapping[str, Any], key: str = "value_ms_per_cm") -> str:
    """A conductivity elsewhere (`dlmd.transport.arrhenius`): in full, an order of magnitude to one digit, or withheld."""
    shown = prediction.get("shown", "value")
    if shown == "withheld":
        return "withheld"
    if shown == "magnitude":
        value, low, high = (rounded(prediction[key][k]) for k in ("value", "low", "high"))
        return f"about {value} ({low} to {high})"
    return interval(prediction[key])


def rounded(value: float, digits: int = 1) -> str:
    """A number to that many digits that count, without an exponent where it is no longer than that: 100, not 1e+02."""
    return f"{float(f'{value:.{digits}g}'):g}"


def how_known(prediction: Mapping[str, Any]) -> str:
    """Where a conductivity elsewhere comes from, and what it takes where it is no value."""
    beyond = (
        f"extrapolated by {prediction['beyond_range_k']:.0f} K"
        if prediction["extrapolated"]
        else "within the range"
    )
    if prediction.get("shown", "value") == "value":
        return beyond
    factor = prediction["factor_either_way"]
    known = f"known to a factor of {rounded(factor, 2)}" if factor < _UNKNOWN else "not known"
    times = prediction["times_longer"]
    if times is None:
        way = f"a longer run would not give it: run a temperature nearer to {prediction['temperature_k']:g} K"
    else:
        way = f"runs {times:g} times as long would give it"
    return f"{beyond}, {known}; {way}"


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
