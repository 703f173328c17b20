"""config/README.md says what the models say."""

from pathlib import Path

from dlmd.config.docs import render

README = Path(__file__).parents[3] / "config/README.md"


def test_config_readme_is_up_to_date():
    assert README.read_text(encoding="utf-8") == render(), "run `make docs`"


def test_every_key_has_a_meaning():
    rows = [line for line in render().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert not [row for row in rows if not row.rstrip().rstrip("|").rsplit("|", 1)[1].strip()]
