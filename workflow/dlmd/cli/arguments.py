"""Subcommands of `dlmd`, one module each: a docstring (first line: the summary), `add_arguments(parser)` and `run(args)`."""

import argparse

CONFIDENCE = 0.95


def add_common(parser: argparse.ArgumentParser, group: argparse._ArgumentGroup | None = None) -> None:
    """Options of all analyses: --confidence (into `group`, where one is given) and --output."""
    (group or parser).add_argument(
        "--confidence",
        type=_fraction,
        default=CONFIDENCE,
        metavar="P",
        help="level of the intervals; default: %(default)g",
    )
    parser.add_argument(
        "-o",
        "--output",
        default="transport",
        metavar="DIR",
        help="folder of the results; default: %(default)s",
    )


def _fraction(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value
