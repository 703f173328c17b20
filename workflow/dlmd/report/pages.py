"""HTML pages from templates: one self-contained file each, nothing fetched from anywhere."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
_WORDY = 24  # letters


def render(template: str, **context: Any) -> str:
    """A page from `templates/<template>`; a name that the template uses and nobody gave is an error."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["with_code"] = with_code
    environment.filters["wordy"] = wordy
    return environment.get_template(template).render(**context)


def wordy(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Columns of a table that hold sentences rather than numbers: set from the left, and broken into lines."""
    return {
        key
        for row in rows
        for key, value in row.items()
        if isinstance(value, str) and len(value) > _WORDY and not re.match(r"[-+×]? ?\d", value)
    }


def with_code(text: str) -> Markup:
    """A sentence as HTML, in which what stands between backticks (on the command line) is set as code."""
    from markupsafe import Markup, escape

    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def embedded(path: Path) -> str:
    """A PNG as a data URL."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
