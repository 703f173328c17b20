"""JSON schema of the config from the typed models: editors complete keys by it, explain them and underline what is wrong.

Run `python -m dlmd.config.schema config` (or `make docs`) after changing a model; a test compares the two. It knows keys, types
and single values; what fits together is known to `dlmd.config.checks` alone.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from dlmd.config.run_config import RunConfig


class _WithoutTitles(GenerateJsonSchema):
    """Titles would only repeat the keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def run_schema() -> dict[str, Any]:
    """Schema of a complete config."""
    made = RunConfig.model_json_schema(schema_generator=_WithoutTitles)
    return {"$schema": _WithoutTitles.schema_dialect, "title": "Config of a DLMD run", **_plain(made)}


def engines_schema() -> dict[str, Any]:
    """Schema of the files in config/engines, which have levels, and how their programs are started."""
    return {
        "$schema": _WithoutTitles.schema_dialect,
        "title": "Levels of a DLMD run",
        "type": "object",
        "properties": {key: {"$ref": f"../schema.json#/properties/{key}"} for key in ("levels", "launch")},
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


def main() -> None:
    """Write the schemas into the folder given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write them")
    folder = parser.parse_args().folder
    for name, text in render().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
