"""JSON schema of the config from the typed models: editors complete keys by it, explain them and underline what is wrong.

Run `python -m dlmd.config.schema config` (or `make docs`) after changing a model; a test compares the two. It knows keys, types
and single values; what fits together is known to `dlmd.config.checks` alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from dlmd.config.model import RunConfig


class _WithoutTitles(GenerateJsonSchema):
    """Titles would only repeat the keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def run_schema() -> dict[str, Any]:
    """Schema of a complete config."""
    made = RunConfig.model_json_schema(schema_generator=_WithoutTitles)
    return {"$schema": _WithoutTitles.schema_dialect, "title": "Config of a DLMD run", **_plain(made)}


def engines_schema() -> dict[str, Any]:
    """Schema of the files in config/engines, which have levels alone."""
    return {
        "$schema": _WithoutTitles.schema_dialect,
        "title": "Levels of a DLMD run",
        "type": "object",
        "properties": {"levels": {"$ref": "../schema.json#/properties/levels"}},
        "required": ["levels"],
        "additionalProperties": False,
    }


def render() -> dict[str, str]:
    """Path below config/ -> text of the file."""
    made = {"schema.json": run_schema(), "engines/schema.json": engines_schema()}
    return {name: json.dumps(schema, indent=1, ensure_ascii=False) + "\n" for name, schema in made.items()}


def _plain(schema: Any) -> Any:
    """Without titles of models, and with the line breaks of docstrings as spaces; a key may be called title or description."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {}
    for key, value in schema.items():
        if key == "title" and isinstance(value, str):
            continue
        if key == "description" and isinstance(value, str):
            value = " ".join(value.split())
        plain[key] = _plain(value)
    return plain


if __name__ == "__main__":
    for name, text in render().items():
        (Path(sys.argv[1]) / name).write_text(text, encoding="utf-8")
