"""Headers of pseudopotential files (UPF 1 and 2, GTH): whether a file is the one that its level needs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from dlmd.base.errors import DlmdError
from dlmd.config.levels.espresso import EspressoSettings
from dlmd.labels.engines import gth

# Names of PBE's parts: PBX and PBC are what QE once called PBE PBE, 1 4 3 4 their numbers, XC_GGA_... the names of libxc.
PBE = {"PBE", "SLA", "PW", "PBX", "PBC"}
PBE_OF_LIBXC = {"XC", "GGA", "X", "C", "PBE"}
PBE_NUMBERS = ["1", "4", "3", "4"]


@dataclass(frozen=True)
class Header:
    """What a UPF file says of itself.

    Parameters
    ----------
    functional
        Text of the functional, as the file has it.
    spin_orbit
        Whether it was made for calculations with spin-orbit coupling (fully relativistic).
    """

    element: str
    functional: str
    valence_electrons: float
    spin_orbit: bool


def read(text: str) -> Header:
    """The header of a UPF file from its text.

    Raises
    ------
    ValueError
        naming what it does not say.
    """
    found = re.search(r"<PP_HEADER(.*?)(?:/>|</PP_HEADER>)", text, re.DOTALL)
    if not found:
        raise ValueError("no PP_HEADER")
    fields = {
        name.lower(): unescape(value).strip()
        for name, value in re.findall(r'(\w+)\s*=\s*"([^"]*)"', found[1])
    }
    if "element" not in fields:
        fields = _of_version_1(text, found[1])
    return _header(fields)


def _header(fields: dict[str, str]) -> Header:
    """The header from the fields of a file, by UPF's names."""
    for name, meaning in (
        ("element", "element"),
        ("functional", "functional"),
        ("z_valence", "number of valence electrons"),
    ):
        if not fields.get(name):
            raise ValueError(f"no {meaning}")
    try:
        electrons = float(fields["z_valence"].upper().replace("D", "E"))
    except ValueError:
        raise ValueError(f"'{fields['z_valence']}' is no number of valence electrons") from None
    return Header(
        element=fields["element"].capitalize(),
        functional=" ".join(fields["functional"].split()),
        valence_electrons=electrons,
        spin_orbit=fields.get("has_so", "").strip(".").lower() in ("t", "true")
        or fields.get("relativistic", "").lower() == "full",
    )


def _of_version_1(text: str, header: str) -> dict[str, str]:
    """The same fields from lines such as `Cl  Element`; spin-orbit coupling has a section of its own there."""
    fields = {"has_so": "true" if "<PP_ADDINFO" in text else "false"}
    for name, meaning in (
        ("element", "Element"),
        ("functional", "Exchange-Correlation functional"),
        ("z_valence", "Z valence"),
    ):
        line = re.search(rf"^[ \t]*(\S.*?)[ \t]+{meaning}", header, re.MULTILINE)
        if line:
            fields[name] = line[1]
    return fields


def is_pbe(functional: str) -> bool:
    """Whether the functional of a file is PBE, by any of the names that it goes by."""
    names = re.findall(r"[A-Z0-9]+", functional.upper())
    if all(name.isdigit() for name in names):
        return names[:4] == PBE_NUMBERS and not any(int(n) for n in names[4:])
    own = set(names)
    return (own <= PBE and ("PBE" in own or {"PBX", "PBC"} <= own)) or (own <= PBE_OF_LIBXC and "PBE" in own)


def file_of(settings: EspressoSettings, element: str) -> Path:
    """The pseudopotential of an element.

    Raises
    ------
    DlmdError
        where none is named, or it is not there.
    """
    name = settings.pseudopotentials.get(element)
    if name is None:
        raise DlmdError(
            f"no pseudopotential for {element}",
            where="key pseudopotentials of the level",
            remedy=f"add '{element}: <file>'",
        )
    path = settings.pseudo_dir / name
    if not path.is_file():
        raise DlmdError(
            f"no such pseudopotential: {path}",
            where=f"key pseudopotentials.{element} of the level",
            remedy="correct pseudo_dir or the file name",
        )
    return path


def header_of(settings: EspressoSettings, element: str) -> Header:
    """The header of an element's file, which is of that element, of the level's functional, and without spin-orbit coupling.

    Raises
    ------
    DlmdError
        for what is not.
    """
    path, key = file_of(settings, element), f"key pseudopotentials.{element} of the level"
    text, analytic = path.read_text(errors="replace"), path.name.endswith(gth.SUFFIX)
    try:
        # by its name, as pw.x tells them apart
        header = _header(gth.header(text)) if analytic else read(text)
    except ValueError as error:
        raise DlmdError(f"{error} in a pseudopotential", where=str(path), remedy="use a UPF file") from None
    if header.element != element:
        raise DlmdError(
            f"{path} is of {header.element}, not of {element}",
            where=key,
            remedy=f"name the file of {element} there",
        )
    if not is_pbe(header.functional):
        raise DlmdError(
            f"{path} was made with the functional '{header.functional}', the level is {settings.functional}",
            where=key,
            remedy=f"name a {settings.functional} file of {element}",
        )
    if header.spin_orbit:
        raise DlmdError(
            f"{path} is fully relativistic, and the level has no spin-orbit coupling",
            where=key,
            remedy=f"name a scalar-relativistic file of {element}",
        )
    if analytic and element in settings.plus_u:
        raise DlmdError(
            f"{path} has no atomic orbitals, and the U on {element} acts on them",
            where=key,
            remedy=f"name a UPF file of {element} with its orbitals",
        )
    _require_electrons(header, path, element)
    return header


def _require_electrons(header: Header, path: Path, element: str) -> None:
    """A whole number of valence electrons, no more than the neutral atom has."""
    from ase.data import atomic_numbers

    electrons = header.valence_electrons
    if not 0 < electrons <= atomic_numbers[element] or electrons != round(electrons):
        raise DlmdError(
            f"{path} has {electrons:g} valence electrons, {element} has {atomic_numbers[element]} electrons",
            where=f"key pseudopotentials.{element} of the level",
            remedy=f"name a file of the whole, neutral {element}",
        )


def require_files(settings: EspressoSettings, elements: Iterable[str]) -> None:
    """That every element has its pseudopotential, and its moment is one that these electrons can have.

    Raises
    ------
    DlmdError
        for the first that has not.
    """
    starting_magnetization(settings, list(elements))


def starting_magnetization(settings: EspressoSettings, symbols: list[str]) -> list[float]:
    """Initial moment of every atom as pw.x wants it: a fraction of the atom's valence electrons.

    Raises
    ------
    DlmdError
        for a pseudopotential that is not the level's, or a moment larger than its electrons.
    """
    fraction = {}
    for element in dict.fromkeys(symbols):
        electrons, moment = header_of(settings, element).valence_electrons, settings.magmom.get(element, 0.0)
        if abs(moment) >= electrons:
            raise DlmdError(
                f"a moment of {moment:g} on {element}, which has {electrons:g} valence electrons",
                where="key magmom of the level",
                remedy="lower it",
            )
        fraction[element] = moment / electrons
    return [fraction[s] for s in symbols]
