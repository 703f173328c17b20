"""The text of a CIF as data blocks: encodings, line ends, signs that are no ASCII, and tags that say two things."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dlmd.base.errors import DlmdError
from dlmd.structures import vacancies

RESERVED = re.compile(r"(?i)(?<!\S)(?:loop|stop|global)_(?!\S)")  # in any case, as the syntax has it
HEADER = re.compile(r"[ \t]*data_", re.IGNORECASE)
SAID_ONCE = re.compile(
    r"[ \t]*(_cell[_.](?:length_[abc]|angle_(?:alpha|beta|gamma))|_atom_site[_.]fract_x)(?![\w.-])[ \t]*(.*?)[ \t]*$",
    re.IGNORECASE,
)
# the parser drops what is not ASCII: a minus sign or a blank would be lost without a word
PLAIN = {
    **dict.fromkeys(map(ord, "−–‐‑"), "-"),
    **dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f\u3000"), " "),
}
BARRED = re.compile("(\\d)[\u0304\u0305]")  # a digit with a bar above it
# CIF 2.0: texts between three quotes, lists and tables
VERSION_2 = "#\\#CIF_2.0"
QUOTED_2 = re.compile("(\"\"\"|''')(.*?)\\1", re.DOTALL)
LISTED_2 = re.compile(r"^(\s*_\S+\s+)(?:\[[^][]*\]|\{[^{}]*\})\s*$", re.MULTILINE)
QUOTED = re.compile(r"^(\s*(?:_\S+\s+)?)[‘’“](.*?)[’”]\s*$", re.MULTILINE)


def data_blocks(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Name and tags (lower case, dots of the newer dictionaries as underscores) of all data blocks.

    Raises DlmdError where there is none, and where one states its cell twice, or has two lists of atom sites.
    """
    from pymatgen.io.cif import CifBlock

    found = []
    split = _split(_text(path))
    if not split:
        raise DlmdError(
            "no data block: no line begins with data_",
            where=str(path),
            remedy="is it a CIF? If so, put a line such as data_1 above its tags",
        )
    for name, lines in split:
        _refuse_repeats(lines, path)
        text = RESERVED.sub(lambda word: word.group().lower(), "\n".join([f"data_{name}", *lines]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            block = CifBlock.from_str(text)
        # names of the newer dictionaries have a dot: _atom_site.fract_x
        found.append(
            (block.header, {key.lower().replace(".", "_"): value for key, value in block.data.items()})
        )
    return found


def _split(text: str) -> list[tuple[str, list[str]]]:
    """Name and lines of each data block; what begins with data_ within a text field is text."""
    found: list[tuple[str, list[str]]] = []
    for line, inside in _lines(text.splitlines()):
        header = None if inside else HEADER.match(line)
        if header:
            found.append((line[header.end() :], []))
        elif found:
            found[-1][1].append(line)
    return found


def _lines(lines: list[str]) -> Iterator[tuple[str, bool]]:
    """Every line, and whether it belongs to a text field (between two lines that begin with a semicolon)."""
    inside = False
    for line in lines:
        mark = line.startswith(";")
        yield line, inside or mark
        inside ^= mark


def _refuse_repeats(lines: list[str], path: Path) -> None:
    said: dict[str, str] = {}
    for line, inside in _lines(lines):
        match = None if inside else SAID_ONCE.match(line)
        if match is None:
            continue
        tag, value = match.group(1).lower(), match.group(2)
        if tag.endswith("fract_x") and tag in said:
            raise DlmdError(
                "two lists of atom sites in one data block",
                where=str(path),
                remedy="join them to one loop, or give each structure a data block and a file of its own",
            )
        if said.setdefault(tag, value) != value:
            raise DlmdError(
                f"{tag} is stated twice: {said[tag]} and {value}",
                where=str(path),
                remedy="delete the wrong one",
            )


def _text(path: Path) -> str:
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    if text.startswith(VERSION_2):
        text = LISTED_2.sub(r"\1?", QUOTED_2.sub(lambda found: f"\n;{found.group(2)}\n;\n", text))
    return QUOTED.sub(r'\1"\2"', BARRED.sub(r"-\1", text.translate(PLAIN | vacancies.BOXES)))
