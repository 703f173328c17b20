"""The command `dlmd`: its subcommands, and errors in at most three lines."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, cast

from dlmd import __version__
from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.cli.exit_codes import BAD_USAGE, FAILED, INTERRUPTED, PIPE_CLOSED
from dlmd.cli.own_trajectory import mobile_joined

# name -> module with add_arguments(parser) and run(args) -> exit code or None; it must be light to import
COMMANDS = {
    "transport": "dlmd.cli.transport",
    "study": "dlmd.cli.study",
    "msd": "dlmd.cli.msd",
    "rdf": "dlmd.cli.rdf",
    "mechanism": "dlmd.cli.mechanism",
    "arrhenius": "dlmd.cli.arrhenius",
    "new": "dlmd.cli.new",
    "check": "dlmd.cli.check",
    "plan": "dlmd.cli.plan",
    "compare": "dlmd.cli.compare",
    "status": "dlmd.cli.status",
}


class _Parser(argparse.ArgumentParser):
    """An argument parser that takes no abbreviations, and names the nearest option or command for a wrong one."""

    def __init__(self, **kwargs):
        super().__init__(
            **{"allow_abbrev": False, "formatter_class": argparse.RawDescriptionHelpFormatter, **kwargs}
        )

    def error(self, message: str):
        self.exit(BAD_USAGE, f"dlmd: {message}\n  fix: see `{self.prog} --help`\n")

    def _check_value(self, action, value):
        if action.choices is not None and value not in action.choices:
            name = action.metavar or "/".join(action.option_strings) or action.dest
            raise argparse.ArgumentError(
                None, f"unknown {name} '{value}': {did_you_mean(value, action.choices)}"
            )


def parser(commands: Iterable[str] = COMMANDS) -> argparse.ArgumentParser:
    """The command line, with some of its commands or all."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    top = _Parser(
        prog="dlmd",
        description="From trajectories of ions to diffusion, conductivity and activation energies.",
    )
    top.add_argument("--version", action="version", version=f"dlmd {__version__}")
    subparsers = top.add_subparsers(dest="command", metavar="command", required=True)
    for name in commands:
        module = importlib.import_module(COMMANDS[name])
        summary = (module.__doc__ or "").splitlines()[0]
        sub = subparsers.add_parser(
            name, help=summary, description=module.__doc__, parents=[cast(Any, common)]
        )
        module.add_arguments(sub)
        sub.set_defaults(run=module.run, options=sub._option_string_actions)
    return top


def _nearest(option: str, options: Sequence[str]) -> str:
    begun = [known for known in options if known.startswith(option)]
    return f"did you mean '{begun[0]}'?" if len(begun) == 1 else did_you_mean(option, options)


def _unexpected(error: Exception) -> DlmdError:
    """What to tell of an error that is none of our own."""
    if isinstance(error, OSError) and error.strerror:
        return DlmdError(
            error.strerror.lower(),
            where=None if error.filename is None else str(error.filename),
            remedy="check the path, its permissions and the space that is left on the disk",
        )
    return DlmdError(
        f"unexpected {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
        remedy="run again with --debug for the traceback, and report it",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit codes are those of `dlmd.cli.exit_codes`."""
    argv = mobile_joined(sys.argv[1:] if argv is None else argv)
    # a command that is named needs none of the others
    top = parser(argv[:1] if argv and argv[0] in COMMANDS else COMMANDS)
    args, unknown = top.parse_known_args(argv)
    if unknown:
        wrong = next((word for word in unknown if word.startswith("-")), unknown[0])
        top.exit(BAD_USAGE, f"dlmd: unknown option '{wrong}'\n  fix: {_nearest(wrong, args.options)}\n")
    args.argv = ["dlmd", *argv]
    if not args.debug:
        # Warnings of libraries say nothing about the user's input. What the user must know has an error or a note of its own.
        warnings.simplefilter("ignore")
    try:
        code = args.run(args) or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # whoever reads, as `head`, has had enough: no error. What is left unwritten must not fail at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except DlmdError as error:
        if args.debug:
            raise
        print(f"dlmd: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("dlmd: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if args.debug:
            raise
        print(f"dlmd: {_unexpected(error)}", file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
