"""config/schema.json says what the models say, and the shipped files follow it."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from dlmd.config.schema import engines_schema, render, run_schema

CONFIG = Path(__file__).parents[3] / "config"
FILES = sorted([*CONFIG.glob("*.yaml"), *CONFIG.glob("engines/*.yaml")])
REGISTRY = Registry().with_resources(
    [
        ("file:///config/schema.json", Resource.from_contents(run_schema())),
        ("file:///config/engines/schema.json", Resource.from_contents(engines_schema())),
    ]
)


class Loader(yaml.SafeLoader):
    """Keys as they are written, as editors see them."""

    def construct_mapping(self, node, deep=False):
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}


def errors(data, folder=""):
    schema = {"$ref": f"file:///config/{folder}schema.json"}
    return [error.message for error in Draft202012Validator(schema, registry=REGISTRY).iter_errors(data)]


def test_the_schemas_are_up_to_date():
    for name, text in render().items():
        assert (CONFIG / name).read_text(encoding="utf-8") == text, "run `make docs`"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONFIG)))
def test_a_shipped_file_names_its_schema_and_follows_it(path):
    text = path.read_text()
    line, named = text.splitlines()[0].split("=")
    assert line == "# yaml-language-server: $schema" and (path.parent / named).is_file()
    assert errors(yaml.load(text, Loader=Loader), "engines/" if path.parent.name == "engines" else "") == []


def test_a_misspelt_key_and_a_wrong_value_are_underlined():
    data = yaml.load((CONFIG / "toy.yaml").read_text(), Loader=Loader)
    data["training"]["stepps"] = 1
    data["md"]["segments"] = "many"
    found = errors(data)
    assert len(found) == 2 and "stepps" in found[0] + found[1] and "'many'" in found[0] + found[1]


def test_every_key_has_a_meaning():
    silent = []

    def look(schema, path):
        for name, part in schema.get("properties", {}).items():
            described = part.get("description") or "$ref" in json.dumps(part)
            silent.extend([] if described else [f"{path}.{name}"])

    for name, schema in run_schema()["$defs"].items():
        look(schema, name)
    assert not silent
