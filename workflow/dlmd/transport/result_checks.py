"""Results of single temperatures are looked at before a line goes through them: others than `dlmd transport` write them, too."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from numbers import Real
from typing import Any

from dlmd.base.errors import DlmdError
from dlmd.base.verdicts import Verdict

# Quantities that lines are fitted to.
QUANTITIES = ("conductivity_ms_per_cm", "d_self_cm2_per_s", "d_total_cm2_per_s")
# An interval of less than this share of its value is none: the error was left out, and the point would have all the weight.
_NARROWEST = 1e-6
_REMEDY = "give the JSON files that `dlmd transport` writes"


def require_result(result: Any, where: str) -> None:
    """Checks a transport result as far as a fit reads it.

    Parameters
    ----------
    where
        Its file, or what else to call it.

    Raises
    ------
    DlmdError
        for one without a temperature or a verdict, with an unknown verdict, or with a quantity that is no value within an
        interval. A quantity may be absent or None.
    """
    if not isinstance(result, Mapping) or "verdict" not in result or "temperature_k" not in result:
        raise DlmdError(
            "no transport result: it lacks a verdict or a temperature", where=where, remedy=_REMEDY
        )
    temperature_k = result["temperature_k"]
    if not _number(temperature_k) or not temperature_k > 0:
        raise _bad(f"temperature_k is {temperature_k!r}", where, "a positive number in K")
    require_confidence(result.get("confidence", 0.95), where)
    verdict = result["verdict"]
    if not isinstance(verdict, Mapping) or not {"code", "message"} <= set(verdict):
        raise _bad(f"verdict is {verdict!r}", where, "an object with code and message")
    if verdict["code"] not in [code.value for code in Verdict]:
        raise DlmdError(f"unknown verdict {verdict['code']!r}", where=where, remedy=_REMEDY)
    for quantity in QUANTITIES:
        if result.get(quantity) is not None:
            _require_estimate(result[quantity], f"{quantity} at {temperature_k:g} K", where)


def require_confidence(confidence: Any, where: str | None = None) -> None:
    """Raises DlmdError for a level of intervals that is not between 0 and 1."""
    if not _number(confidence) or not 0 < confidence < 1:
        raise _bad(f"confidence is {confidence!r}", where, "a level between 0 and 1, such as 0.95")


def _require_estimate(estimate: Any, name: str, where: str) -> None:
    given: Mapping[str, Any] = estimate if isinstance(estimate, Mapping) else {}
    parts: list[Any] = [given.get(key) for key in ("value", "low", "high")]
    if not all(map(_number, parts)):
        raise _bad(f"{name} is {estimate!r}", where, "value, low and high as finite numbers, or null")
    value, low, high = parts
    if not low <= value <= high or not high > 0:
        raise _bad(
            f"{name} is {value:g}, its interval {low:g} to {high:g}",
            where,
            "low <= value <= high, and high above 0",
        )
    if low > 0 and high / low - 1 < _NARROWEST:
        raise _bad(
            f"{name} has an interval without width: {low:g} to {high:g}",
            where,
            "its uncertainty, by low and high",
        )


def _number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)


def _bad(what: str, where: str | None, wanted: str) -> DlmdError:
    return DlmdError(what, where=where, remedy=f"give {wanted}")
