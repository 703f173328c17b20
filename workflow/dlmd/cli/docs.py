"""docs/commands.md from the command line itself: every command with its text and options.

Run `python -m dlmd.cli.docs docs/commands.md` (or `make docs`) after changing a command; a test compares the two.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from dlmd.cli.exit_codes import MEANING
from dlmd.cli.main import COMMANDS, parser

INTRODUCTION = """# The command line

`dlmd` analyses trajectories without the pipeline and looks after runs of the pipeline. The pipeline itself is started by
`snakemake` (see the README). Errors take at most three lines: what, where, how to fix it. Every command takes `--help`, and
`--debug` for the traceback of an error.

| exit code | meaning |
|---|---|
{codes}

This page is made from the program by `make docs`; do not edit it by hand.
"""


def render() -> str:
    """The whole page."""
    codes = "\n".join(f"| {code} | {meaning} |" for code, meaning in MEANING.items())
    introduction = INTRODUCTION.replace("{codes}", codes)
    commands = next(a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
    return (
        "\n".join(
            [introduction, *(line for name in COMMANDS for line in _command(name, commands[name]))]
        ).rstrip()
        + "\n"
    )


def _command(name: str, command: argparse.ArgumentParser) -> Iterator[str]:
    yield f"## dlmd {name}\n\n```text\n{(command.description or '').strip()}\n```\n"
    yield "| argument | meaning |\n|---|---|"
    for action in command._actions:
        if isinstance(action, argparse._HelpAction) or "--debug" in action.option_strings:
            continue
        value = "" if action.nargs == 0 else f" {_metavar(action)}"
        called = (
            ", ".join(f"`{option}{value}`" for option in action.option_strings) or f"`{_metavar(action)}`"
        )
        # as argparse itself fills in defaults
        text = ((action.help or "") % (vars(action) | {"prog": command.prog})).replace("|", "\\|")
        yield f"| {called} | {text} |"
    yield ""


def _metavar(action: argparse.Action) -> str:
    shown = action.metavar or ("{" + ",".join(map(str, action.choices)) + "}" if action.choices else None)
    return str(shown or (action.dest.upper() if action.option_strings else action.dest))


def main() -> None:
    """Write the page to the path given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path, help="file to write")
    parser.parse_args().page.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
