"""Everything that can be started explains itself: commands, modules for `python -m`, benchmarks, and make's targets."""

import ast
import importlib
import re
import runpy
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import needs
from dlmd.cli import main

ROOT = Path(__file__).parents[3]
LIBRARY = ROOT / "workflow/dlmd"


def starts(path):
    """Whether a file does something when it is started."""
    return any(
        isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)
        for node in ast.parse(path.read_text(encoding="utf-8")).body
    )


# start_lammps becomes LAMMPS, whose help is its own; the other two are started by jobs only, with pipes
WITHOUT_HELP = {"start_lammps.py", "start_group.py", "caretaker.py"}
MODULES = sorted(path for path in LIBRARY.rglob("*.py") if path.name not in WITHOUT_HELP and starts(path))
BENCHMARKS = sorted(path for path in (ROOT / "benchmarks").rglob("*.py") if starts(path))


def run(*command):
    return subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_installed_command_is_the_module_that_is_tested():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    for target in scripts.values():
        module, _, name = target.partition(":")
        assert callable(getattr(importlib.import_module(module), name))
    assert scripts["dlmd"] == f"{main.__name__}:main"


def test_help_without_a_command_names_them_all(capsys):
    with pytest.raises(SystemExit) as stop:
        main.main(["--help"])
    printed = capsys.readouterr().out
    assert stop.value.code == 0
    assert [name for name in main.COMMANDS if not re.search(rf"^ +{name}\b", printed, re.MULTILINE)] == []


def test_a_reader_that_has_had_enough_is_no_error():
    """`dlmd check config/toy.yaml | head -1` ended with a broken pipe and a remedy about the disk."""
    command = [sys.executable, "-m", "dlmd.cli.main", "check", "config/toy.yaml"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        started.stdout.close()
        assert (started.stderr.read(), started.wait()) == ("", 141)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_modules_that_are_started_have_a_help(path):
    name = ".".join(path.relative_to(LIBRARY.parent).with_suffix("").parts)
    done = run(sys.executable, "-m", name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage:")


@pytest.mark.slow
def test_lammps_is_started_with_its_own_arguments():
    needs.lammps()
    done = run(sys.executable, LIBRARY / "process/start_lammps.py", "-help")
    assert (
        done.returncode == 0
        and "List of command-line options supported by this LAMMPS executable" in done.stdout
    )


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_benchmarks_find_what_they_import(path, monkeypatch, capsys):
    """They are run by hand now and then; what they import from the library must not be gone by then."""
    monkeypatch.setattr(sys, "path", [str(path.parent), *sys.path])
    for name, module in list(sys.modules.items()):  # several benchmarks have a run.py
        if (getattr(module, "__file__", None) or "").startswith(f"{ROOT}/benchmarks/"):
            monkeypatch.delitem(sys.modules, name)
    if "ArgumentParser" not in path.read_text(encoding="utf-8"):
        runpy.run_path(str(path), run_name="imported")
        return
    monkeypatch.setattr(sys, "argv", [str(path), "--help"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(path), run_name="__main__")
    assert stop.value.code == 0 and capsys.readouterr().out.startswith("usage:")


def test_what_benchmarks_import_from_each_other_has_a_name_of_its_own():
    """Folders of benchmarks come and go on sys.path: of two files of one name, the first is taken."""
    files = [path for top in ("benchmarks", "tests/support") for path in (ROOT / top).rglob("*.py")]
    known = Counter(path.stem for path in files)
    imported = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module)
            elif isinstance(node, ast.Import):
                imported.update(alias.name for alias in node.names)
    assert "speed" in imported
    assert sorted(name for name in imported if known[name] > 1) == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_make_has_the_targets_that_the_pages_name(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"^    make (\w+)", text, re.MULTILINE)) | set(re.findall(r"`make (\w+)`", text))
    assert named
    targets = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert named <= set(targets)


def test_the_first_screen_of_the_readme_names_configs_and_commands_that_are_there():
    screen = (ROOT / "README.md").read_text(encoding="utf-8").split("## Two commands\n")[1].split("\n## ")[0]
    commands = re.findall(r"^    (\w+)", screen, re.MULTILINE)
    assert {"make", "pip", "dlmd", "snakemake"} == set(commands)
    configs = set(re.findall(r"config/(\w+\.yaml)", screen)) - {"my.yaml"}
    assert configs and [name for name in configs if not (ROOT / "config" / name).exists()] == []
    extras = re.findall(r"pip install -e \"\.\[(\w+)\]\"", screen)
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras and set(extras) <= set(known)
