"""What is wrong with a single value, in words: its key, what was given, and the form that the key takes."""

from __future__ import annotations

from typing import Any

from dlmd.base.errors import did_you_mean
from dlmd.config.run_config import RunConfig

# of pydantic: the value has another form than the key takes
OTHER_FORM = {
    *("tuple_type", "list_type", "dict_type", "model_type", "model_attributes_type", "missing"),
    *("int_type", "float_type", "string_type", "bool_type", "int_parsing", "float_parsing", "bool_parsing"),
    *("int_from_float", "too_long", "too_short"),
}
NAMES = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false"}
ITEMS = {"integer": "whole numbers", "number": "numbers", "string": "names"}
LONGEST_VALUE, LONGEST_HINT = 80, 200


def key_of(loc: tuple[str, ...], data: Any) -> tuple[str, ...]:
    """The key path in `data` of pydantic's `loc`, which also names kinds of values (`float`) and engines of levels."""
    found = []
    for i, part in enumerate(loc):
        if isinstance(data, dict) and part in map(str, data):
            data = next(value for key, value in data.items() if str(key) == part)
        elif isinstance(data, list | tuple) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        elif not (isinstance(data, dict) and i == len(loc) - 1):
            continue
        found.append(part)
    return tuple(found)


def wrong_value(kind: str, message: str, key: tuple[str, ...], data: Any) -> tuple[str, str]:
    """What is wrong with the value of a key, and how to mend it.

    Parameters
    ----------
    kind, message
        pydantic's name of the error, and what it says.
    data
        The whole config.
    """
    for part in key:
        data = data[int(part)] if isinstance(data, list | tuple) else _item(data, part)
    place, described = _schema_at(key)
    value = repr(data) if len(repr(data)) < LONGEST_VALUE else type(data).__name__
    text = message.removeprefix("Value error, ")
    if kind in OTHER_FORM and (wanted := form(place)):
        text = f"it takes {wanted}"
    hint = next((d for d in reversed(described) if d), "").split(". ")[0].rstrip(".")
    remedy = f"{hint[:LONGEST_HINT]}; see config/README.md" if hint else "see config/README.md"
    if kind == "literal_error" and isinstance(data, str):
        remedy = did_you_mean(data, _choices(place))
    return f"{'.'.join(key)} is {value}: {text[0].lower() + text[1:]}", remedy


def _item(data: Any, part: str) -> Any:
    return next((value for key, value in data.items() if str(key) == part), None)


def form(schema: dict[str, Any]) -> str:
    """The form that a JSON schema asks for, in words; "" where it does not say."""
    parts = [form(part) for part in schema.get("anyOf", schema.get("oneOf", ()))]
    if parts:
        return " or ".join(dict.fromkeys(part for part in parts if part))
    if "enum" in schema or "const" in schema:
        return "one of " + ", ".join(map(str, schema.get("enum", [schema.get("const")])))
    kind = schema.get("type")
    if kind == "array" and "prefixItems" in schema:
        items = schema["prefixItems"]
        names = [NAMES.get(item.get("type"), "value") for item in items]
        what = f"{names[0]}s" if len(set(names)) == 1 else "values"
        return f"{len(items)} {what} in brackets, as in [{', '.join('1' * len(items))}]"
    if kind == "array":
        one = schema.get("items", {})
        return f"a list in brackets of {ITEMS.get(one.get('type'), 'items')}"
    if kind == "object":
        if "properties" in schema:
            return "a section of keys, each on a line of its own below it"
        return "names, each with its value, as in {name: value}"
    if kind == "null":
        return "null"
    return f"a {NAMES[kind]}" if kind in ("integer", "number") else NAMES.get(str(kind), "")


def _choices(schema: dict[str, Any]) -> list[str]:
    found = [str(value) for value in schema.get("enum", ())]
    for part in schema.get("anyOf", ()):
        found += _choices(part)
    return found


def _schema_at(key: tuple[str, ...]) -> tuple[dict[str, Any], list[str]]:
    """The JSON schema of the values at a key, references followed, and the descriptions on the way to it."""
    root = RunConfig.model_json_schema()
    here, described = [root], []
    for part in key:
        below = [found for schema in here for found in _below(schema, part, root)]
        described.append(next((s["description"] for s in below if "description" in s), ""))
        here = [found for schema in below for found in _open(schema, root)]
    if not here:
        return {}, []
    return (here[0] if len(here) == 1 else {"anyOf": here}), described


def _below(schema: dict[str, Any], part: str, root: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for one in _open(schema, root):
        if part in one.get("properties", {}):
            found.append(one["properties"][part])
        elif isinstance(one.get("additionalProperties"), dict):
            found.append(one["additionalProperties"])
        elif part.isdigit() and one.get("prefixItems"):
            found += one["prefixItems"][int(part) : int(part) + 1]
        elif part.isdigit() and "items" in one:
            found.append(one["items"])
    return found


def _open(schema: dict[str, Any], root: dict[str, Any]) -> list[dict[str, Any]]:
    """A schema without references and alternatives."""
    if "$ref" in schema:
        return _open(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    parts = schema.get("anyOf") or schema.get("oneOf")
    if parts:
        return [found for part in parts for found in _open(part, root)]
    return [schema]
