"""The text of a config from a proposal's parts, by the template beside this module."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

WIDTH = 116


def render(parts: Mapping[str, Any]) -> str:
    """The config as YAML with comments."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    text = (resources.files("dlmd.proposal") / "templates/config.yaml.jinja").read_text(encoding="utf-8")
    return environment.from_string(text).render(number=number, **parts)


def number(value: float) -> str:
    """A number as YAML reads it, without needless digits; fractions keep all that tell them from others."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def wrapped(text: str) -> list[str]:
    """Lines of a comment."""
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines, their columns below each other."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
