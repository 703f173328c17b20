"""How numbers and tables are shown as text, in reports and on the terminal alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

# a factor by which nothing is known
_UNKNOWN = 1e4
# powers of ten up to which numbers are written out
_THOUSANDS = 6
# smaller numbers have an exponent
_LEAST = 1e-4
# of a float
_DIGITS = 15
_FORM = re.compile(r"(\+?)\.(\d+)([fg%])")


def interval(estimate: Mapping[str, float], form: str = ".3g", *, scale: float = 1.0, unit: str = "") -> str:
    """'value unit (low to high)', each times `scale` and with the digits of `known`.

    An upper bound (entry `bound`) is 'below high unit'.
    """
    if estimate.get("bound"):
        return f"below {number(estimate['high'] * scale, form)}{f' {unit}' if unit else ''}"
    value, low, high = known(estimate, form, scale=scale)
    return f"{value}{f' {unit}' if unit else ''} ({low} to {high})"


def known(estimate: Mapping[str, float], form: str = ".3g", *, scale: float = 1.0) -> tuple[str, str, str]:
    """Value, low and high of an interval, with the digits that it knows: two of its half-width, and at most those of `form`.

    Where an end is nearer than a fifth of that, it and the value have two digits of its distance, lest 145 (42 to 8,700) be 100.
    Where all three are on one side of zero, each has one digit of its own at least, however far the others reach.

    Parameters
    ----------
    form
        A format with a precision and one of f, g and %.
    """
    value, low, high = (estimate[key] * scale for key in ("value", "low", "high"))
    half = (high - low) / 2
    if not half > 0 or not isfinite(half) or not isfinite(value):
        return number(value, form), number(low, form), number(high, form)

    def shown(x: float, arm: float) -> str:
        place = _exponent(arm if 0 < arm < half / 5 else half, 2) - 1
        return _digits(x, min(place, _exponent(x, 1)) if low > 0 or high < 0 else place, form)

    below, above = value - low, high - value
    return shown(value, min(below, above)), shown(low, below), shown(high, above)


def _digits(value: float, place: int, form: str) -> str:
    """The value to that power of ten, or to the digits of the format where these are fewer."""
    sign, precision, kind = _FORM.fullmatch(form).groups()  # type: ignore[union-attr]  # a form of the code
    if kind in "f%":
        decimals = max(0, min(int(precision), -place - (2 if kind == "%" else 0)))
        text = f"{value:{sign}.{decimals}{kind}}"
        return text.replace("-", sign) if not text.strip("+-0.%") else text
    place = max(place, _exponent(value, int(precision)) - int(precision) + 1)
    shown = round(value, -place)
    if not shown:
        return "0"
    if _LEAST <= abs(shown) < 10.0**_THOUSANDS:
        return f"{shown:{sign},.{max(0, -place)}f}"
    return f"{shown:{sign}.{_exponent(shown, _DIGITS) - place}e}"


def _exponent(value: float, digits: int) -> int:
    """The power of ten of a number's first digit, after it was rounded to so many digits."""
    return int(f"{value:.{digits - 1}e}".partition("e")[2])


def spread(found: Mapping[str, float], form: str) -> str:
    """'median (low to high)' of numbers that are each known to the digits of the format."""
    return f"{found['median']:{form}} ({found['low']:{form}} to {found['high']:{form}})"


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


def how_known(prediction: Mapping[str, Any], *, remedy: bool = True) -> str:
    """Where a conductivity elsewhere comes from, how well it is known where it is no value, and with `remedy` what it takes."""
    beyond = (
        f"extrapolated by {prediction['beyond_range_k']:.0f} K"
        if prediction["extrapolated"]
        else "within the range"
    )
    if prediction.get("shown", "value") == "value":
        return beyond
    factor = prediction["factor_either_way"]
    said = f"known to a factor of {rounded(factor, 2)}" if factor < _UNKNOWN else "not known"
    if not remedy:
        return f"{beyond}, {said}"
    times = prediction["times_longer"]
    if times is None:
        way = f"a longer run would not give it: run a temperature nearer to {prediction['temperature_k']:g} K"
    else:
        way = f"runs {times:g} times as long would give it"
    return f"{beyond}, {said}; {way}"


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
