"""The pages in docs/ say what the code does: examples run, commands, verdicts and targets are those that there are."""

import re
import textwrap
from pathlib import Path

import pytest
import yaml

from dlmd.barriers import bands
from dlmd.cli import docs
from dlmd.config.model import Validation
from dlmd.config.reading import load

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
# codes that are no verdict on a run's numbers
CODE = re.compile(r'Gate\(\s*"(\w+)"|"code": "(\w+)"|"code": "(\w+)" if few else "(\w+)"')


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


def test_every_verdict_of_the_code_is_explained_and_no_other():
    found = {
        code
        for path in (ROOT / "workflow/dlmd").rglob("*.py")
        for match in CODE.findall(path.read_text(encoding="utf-8"))
        for code in match
        if code
    }
    assert {"not_diffusive", "too_few_temperatures", "no_sites", "too_few_hops"} <= found
    text = page("verdicts.md")
    explained = {code for code in found if f"`{code}`" in text}
    assert found - explained == set()
    in_tables = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    statuses = {value for name, value in vars(bands).items() if name.isupper() and isinstance(value, str)}
    assert in_tables - found - statuses == set()


def test_every_status_of_a_band_is_explained():
    names = (
        "CONVERGED",
        "UNCONVERGED",
        "ENDPOINT_UNRELAXED",
        "ENDPOINT_COLLAPSED",
        "ENDPOINT_ELSEWHERE",
        "NO_SADDLE",
    )
    for name in names:
        assert f"| `{getattr(bands, name)}` |" in page("verdicts.md")


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
    """Laid over the demo's, as the page says."""
    block = re.search(r"```yaml\n(.*?)```", page("potential.md"), re.DOTALL)[1]
    cfg = load(ROOT / "config/demo.yaml", yaml.safe_load(textwrap.dedent(block)))
    assert cfg.learning.explore_ps == 12.0


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
