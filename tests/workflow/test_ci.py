"""CI checks everything: it installs what tests need, and a test that lacks something fails there."""

import pytest

import needs
from running import ROOT


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_what_is_missing_is_skipped_by_users_and_fails_in_ci(monkeypatch, ci, outcome):
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no_such_module is not installed"):
        needs.module("no_such_module")


def test_ci_installs_everything_or_stops():
    lines = (ROOT / ".ci/run").read_text().splitlines()
    assert "set -euo pipefail" in lines
    assert lines.index("export CI=true") < lines.index("make test")
    # what could not be installed is no reason to go on without
    assert [line for line in lines if "||" in line and "missing+=" not in line] == []
