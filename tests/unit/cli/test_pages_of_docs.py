"""The pages in docs/ say what the code does: examples run, commands, verdicts and targets are those that there are."""

import ast
import re
import textwrap
from pathlib import Path

import pytest
import yaml

from dlmd.barriers import bands
from dlmd.base.verdicts import MEANING, Verdict
from dlmd.cli import docs
from dlmd.config.reading import load
from dlmd.config.validation import Validation

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"


def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


def test_commands_page_is_up_to_date():
    assert page("commands.md") == docs.render(), "run `make docs`"


def test_every_argument_of_every_command_has_a_meaning():
    rows = [line for line in docs.render().splitlines() if line.startswith("| `")]
    assert len(rows) > 20
    assert [row for row in rows if not row.rstrip("| ").rpartition("|")[2].strip()] == []


def test_python_examples_run(monkeypatch):
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```python\n(.*?)```", page("python.md"), re.DOTALL)
    assert len(blocks) > 6
    names = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)


def rows(section):
    """{code: meaning} of the tables of verdicts in a section: first and second column."""
    text = page("verdicts.md").split(f"## {section}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([\w ]+)` \| ([^|]+) \|", text, re.MULTILINE))


def test_every_verdict_of_the_code_is_explained_and_no_other():
    assert set(MEANING) == set(Verdict) and all(MEANING.values())
    tables = rows("Verdicts on one temperature") | rows("Verdicts on the mechanism")
    assert tables == {code: MEANING[Verdict(code)] for code in tables}
    text = page("verdicts.md")
    # those without a row of their own have a sentence
    assert [code for code in Verdict if code not in tables and f"`{code}`" not in text] == []


def alternatives(node):
    """The values of an expression that may be an `a if b else c`."""
    if isinstance(node, ast.IfExp):
        return [*alternatives(node.body), *alternatives(node.orelse)]
    return [node]


def test_verdicts_are_made_from_the_registry_alone():
    """No module writes a code as a string, which would come without an explanation."""
    written = [
        f"{path.name}, line {value.lineno}"
        for path in (ROOT / "workflow/dlmd").rglob("*.py")
        for entry in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(entry, ast.Dict)
        for key, value in zip(entry.keys, entry.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "code"
        if any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in alternatives(value))
    ]
    assert written == []


def test_every_status_of_a_band_is_explained():
    assert rows("Verdicts on bands") == bands.STATUSES
    named = {value for name, value in vars(bands).items() if name.isupper() and isinstance(value, str)}
    assert named == set(bands.STATUSES)


def test_bounds_of_the_gate_are_keys_of_the_config():
    section = page("verdicts.md").split("## Verdicts on a potential")[1].split("## ")[0]
    keys = set(re.findall(r"^\| [^|`]+ \| `(\w+)` \|", section, re.MULTILINE))
    assert keys <= set(Validation.model_fields)
    bounds = {name for name in Validation.model_fields if name.startswith(("max_", "min_"))}
    assert keys == bounds


@pytest.mark.parametrize("name", sorted(path.name for path in DOCS.glob("*.md")))
def test_links_of_the_pages_lead_somewhere(name):
    targets = re.findall(r"\]\(([^)#]+)\)", page(name))
    assert [t for t in targets if "://" not in t and not (DOCS / t).exists()] == []


def test_the_learning_loop_that_is_recommended_is_a_config():
    """Laid over the pretrained teacher's, as the page says."""
    few, loop = (
        yaml.safe_load(textwrap.dedent(block))
        for block in re.findall(r"```yaml\n(.*?)```", page("potential.md"), re.DOTALL)
        if "learning:" in block
    )
    cfg = load(ROOT / "config/pretrained.yaml", loop)
    assert cfg.learning.explore_ps == 12.0
    cfg = load(ROOT / "config/pretrained.yaml", few)
    assert cfg.levels["u4"].start_from == "chgnet" and cfg.learning.max_frames == 50


def test_targets_of_the_paper_are_of_its_run():
    cfg = load(ROOT / "config/li3ticl6.yaml")
    paths = re.findall(r"`results/(li3ticl6/[^`]+)`", page("paper.md"))
    assert len(paths) > 15
    for path in paths:
        run, stage, *rest = Path(path).parts
        assert run == cfg.run, path
        if stage in ("transport", "mechanism", "validation", "barriers"):
            assert rest[0] in cfg.levels, path
        temperature = re.match(r"(\d+)K\.", rest[-1]) if rest else None
        if temperature:
            assert int(temperature[1]) in cfg.md.temperatures_k, path
