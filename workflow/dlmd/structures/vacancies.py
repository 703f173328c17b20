"""Rows of a CIF that stand for the empty part of a site: words that are no element, and never vanadium."""

from __future__ import annotations

import re

from dlmd.base.errors import DlmdError

WORD = re.compile(r"(?i)vac(?:anc(?:y|ies)|ant)?s?[\d+_-]*[a-z]?$")
SHORT = re.compile(r"(?:V[aA]|V[cC]|va|vc)\d*$")  # may also label the sites of vanadium
BOXES = dict.fromkeys(map(ord, "□☐◻▢"), "Vac")


def is_vacant(text: str, label: str, known: set[str], *, typed: bool, where: str) -> bool:
    """Whether a row is an empty part of a site: its type symbol says so, or its label does.

    Raises DlmdError where it may be a vacancy or vanadium.
    """
    text, label = text.strip().strip("'\""), label.strip().strip("'\"")
    if WORD.match(text) or (typed and SHORT.match(text)):
        return True
    vanadium = typed and re.match(r"V\d*[+-]?\d*$", text) is not None
    if (SHORT.match(text) and "V" not in known) or (vanadium and WORD.match(label)):
        if known:
            return "V" not in known
        raise DlmdError(
            f"'{label}' may be a vacancy or vanadium",
            where=where,
            remedy="delete the row if it is a vacancy, else call it V1 with the type symbol V",
        )
    return False


def is_word(text: str) -> bool:
    """Whether a type symbol, or a part of a mixture, is a word for a vacancy."""
    return bool(WORD.match(text) or SHORT.match(text))
