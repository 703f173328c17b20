"""The house itself: imports go down, types hold, one version, and what the checks run on is complete."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import dlmd

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
STRICT = {"base", "config", "structures", "trajectory", "transport"}


def run(*command: str) -> None:
    # this checkout, wherever the package is installed from
    environment = {"PYTHONPATH": str(ROOT / "workflow"), "PATH": str(BIN), "HOME": str(Path.home())}
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_imports_go_down_the_floors():
    run("lint-imports", "--no-cache")


@pytest.mark.slow
def test_types_hold():
    run("mypy", "--no-error-summary")


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=["check", "format"])
def test_ruff_finds_nothing(command):
    run("ruff", *command, "--no-cache", "workflow", "tests", "benchmarks")


def test_packages_where_numbers_are_made_are_checked_strictly():
    strict = {
        module.split(".")[1]
        for override in PROJECT["tool"]["mypy"]["overrides"]
        if override.get("disallow_untyped_defs")
        for module in override["module"]
    }
    assert strict == STRICT


def test_every_package_has_a_floor():
    floors = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    named = {name.strip() for floor in floors for name in floor.split("|")}
    packages = {path.parent.name for path in (ROOT / "workflow" / "dlmd").glob("*/__init__.py")}
    assert packages == named


def test_one_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == dlmd.__version__
    assert PROJECT["project"]["dynamic"] == ["version"] and "version" not in PROJECT["project"]


def test_changelog_has_this_version_and_what_comes_next():
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert headings[0] == "Unreleased"
    assert headings[1].split(" - ")[0] == dlmd.__version__


def test_changelog_names_modules_that_exist():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for module in re.findall(r"^\| `dlmd[\w.*]+`[^|]*\| `(dlmd[\w.]+?)(?:\.\*)?` \|$", text, re.M):
        path = ROOT / "workflow" / module.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").exists(), module


def test_hooks_need_no_network():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repo["repo"] for repo in hooks["repos"]] == ["local"]
    assert {hook["language"] for hook in hooks["repos"][0]["hooks"]} == {"system"}


def test_lock_of_packages_has_all_that_is_asked_for():
    def plain(name: str) -> str:
        return re.sub(r"[-_.]+", "-", re.split(r"[\[=<>!~ ]", name)[0]).lower()

    lines = (ROOT / "envs" / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pinned = {plain(line) for line in lines if line and not line.startswith("#")}
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["pipeline"], *extras["test"]]
    assert {plain(name) for name in asked} <= pinned
