"""The elements that carry the current: one, or several, which go through the library as one text ("Li,Na")."""

from __future__ import annotations

from collections.abc import Iterable

SEPARATOR = ","


def elements(mobile: str | None) -> tuple[str, ...]:
    """The mobile elements of their text; none of None."""
    return tuple(name.strip() for name in mobile.split(SEPARATOR) if name.strip()) if mobile else ()


def joined(mobile: Iterable[str]) -> str:
    """The text of mobile elements."""
    return SEPARATOR.join(mobile)


def spoken(mobile: str) -> str:
    """Mobile elements for readers: Li, or Li and Na."""
    *others, last = elements(mobile) or (mobile,)
    return f"{', '.join(others)} and {last}" if others else last
