"""Pseudopotentials of Goedecker, Teter and Hutter for pw.x, which reads them from files named *.gth; made from CP2K's data files.

    python -m dlmd.labels.engines.gth /usr/share/cp2k/GTH_POTENTIALS Li GTH-PBE-q3 > Li.gth

They are norm-conserving and analytic, want high cutoffs, and have no atomic orbitals that a U could act on.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.labels.engines import cp2k_data

SUFFIX = ".gth"
# of ABINIT and libxc, and what pw.x takes them for
FUNCTIONALS = {1: "PZ", 7: "PW", 11: "PBE", 18: "BLYP", -101130: "PBE"}
PBE = 11
# what pw.x reads: the analytic ones, and those with a core charge
KINDS = (10, 12)
NAME = re.compile(r"GTH-PBE(-Q\d+)?$")


def header(text: str) -> dict[str, str]:
    """Element, functional and valence electrons of a file, in the words of a UPF header.

    Raises
    ------
    ValueError
        for text that pw.x does not take for such a file.
    """
    from ase.data import chemical_symbols

    lines = [line.split() for line in text.splitlines()[1:3]]
    try:
        number, electrons = float(lines[0][0]), lines[0][1]
        kind, functional = int(lines[1][0]), int(lines[1][1])
    except (ValueError, IndexError):
        raise ValueError(
            "no nuclear charge, valence electrons, kind and functional in lines 2 and 3"
        ) from None
    if kind not in KINDS or number != round(number) or not 0 < number < len(chemical_symbols):
        raise ValueError(
            f"no file of a Goedecker-Teter-Hutter potential (kind {kind}, nuclear charge {number:g})"
        )
    return {
        "element": chemical_symbols[round(number)],
        "functional": FUNCTIONALS.get(functional, f"number {functional}"),
        "z_valence": electrons,
    }


def from_cp2k(text: str, element: str, name: str) -> str:
    """An entry of CP2K's GTH_POTENTIALS as a file for pw.x.

    Raises
    ------
    DlmdError
        for an entry that is not there, or not of PBE.
    """
    from ase.data import atomic_numbers

    known = cp2k_data.entries(text, [element])[element]
    if name not in known or not NAME.match(name.upper()):
        raise DlmdError(
            f"no PBE potential '{name}' of {element}",
            where="the data file of CP2K",
            remedy=did_you_mean(name, [one for one in known if NAME.match(one.upper())]),
        )
    lines = _entry(text, element, name)
    electrons = sum(int(n) for n in next(lines))
    words = (word for line in lines for word in line)
    radius, terms = next(words), int(next(words))
    local = [next(words) for _ in range(terms)]
    channels = [_channel(words) for _ in range(int(next(words)))]
    # pw.x wants an l = 0, also where it is empty
    highest = max(len(channels) - 1, 0)
    out = [
        f"{name} of {element}, from CP2K's data file",
        f"{atomic_numbers[element]} {electrons} 0",
        # the local part is none of the channels; numbers of points and of a well are not used
        f"{KINDS[0]} {PBE} {highest} {highest + 1} 2001 0",
        f"{radius} {terms} {' '.join(local)}",
        str(len(channels)),
    ]
    for momentum, (width, rows) in enumerate(channels or [(radius, [])]):
        first = rows[0] if rows else []
        out += [" ".join([width, str(len(rows)), *first]), *(" ".join(row) for row in rows[1:])]
        if momentum:
            # spin-orbit coupling, which pw.x does not use
            out += [" ".join(["0.0"] * len(row)) for row in rows]
    return "".join(f"{line.rstrip()}\n" for line in out)


def _entry(text: str, element: str, name: str) -> Iterator[list[str]]:
    """The lines of numbers of an entry, as words."""
    here = False
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words and words[0][0].isalpha():
            if here:
                return
            here = words[0] == element and name in words[1:]
        elif words and here:
            yield words


def _channel(words: Iterator[str]) -> tuple[str, list[list[str]]]:
    """Radius and upper triangle of the coefficients of one angular momentum."""
    width, projectors = next(words), int(next(words))
    return width, [[next(words) for _ in range(projectors - row)] for row in range(projectors)]


def main() -> None:
    """Print the file that pw.x reads."""
    parser = argparse.ArgumentParser(
        prog="python -m dlmd.labels.engines.gth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path, metavar="GTH_POTENTIALS", help="data file of CP2K")
    parser.add_argument("element", metavar="ELEMENT", help="such as Li")
    parser.add_argument("name", metavar="NAME", help="of the potential in the file, such as GTH-PBE-q3")
    given = parser.parse_args()
    try:
        print(from_cp2k(given.data.read_text(encoding="utf-8"), given.element, given.name), end="")
    except (DlmdError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
