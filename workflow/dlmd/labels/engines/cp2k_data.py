"""Basis sets and pseudopotentials of CP2K: named for every element, and there in CP2K's data files."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterable
from pathlib import Path

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.config.levels.cp2k import Cp2kSettings

# key of the names -> key of their file
FILES = {"basis_sets": "basis_set_file", "potentials": "potential_file"}
# where the data lie, seen from the program: installed by a package, by CMake, in the source tree
PLACES = ("../share/cp2k", "../share/cp2k/data", "../../data")


def require_named(settings: Cp2kSettings, symbols: Iterable[str]) -> None:
    """That every element has a basis set and a potential.

    Raises
    ------
    DlmdError
        for the first that has none.
    """
    for key in FILES:
        for element in dict.fromkeys(symbols):
            if element not in getattr(settings, key):
                raise DlmdError(f"none for {element}", where=f"key {key} of the level", remedy="add it")


def require_entries(settings: Cp2kSettings, symbols: Iterable[str], *, command: str) -> None:
    """That CP2K's data files have them, where these files can be found from here; CP2K itself looks before its first step.

    Raises
    ------
    DlmdError
        for the first that is not there, with the nearest name that is.
    """
    elements = list(dict.fromkeys(symbols))
    require_named(settings, elements)
    electrons: dict[str, dict[str, str]] = {element: {} for element in elements}
    for key, file_key in FILES.items():
        file = _data_file(getattr(settings, file_key), file_key, command)
        if file is None:
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        known = entries(text, elements)
        for element in elements:
            name = getattr(settings, key)[element]
            if name.upper() not in {n.upper() for n in known[element]}:
                raise DlmdError(
                    f"{file} has no '{name}' of {element}",
                    where=f"key {key}.{element} of the level",
                    remedy=did_you_mean(name, known[element])
                    if known[element]
                    else f"name another file in {file_key}",
                )
            found = valence_electrons(text, element, name)
            if found is not None:
                electrons[element][key] = found
    for element, found_in in electrons.items():
        if len(set(found_in.values())) > 1:
            basis, potential = (f"{getattr(settings, key)[element]} (q{found_in[key]})" for key in FILES)
            raise DlmdError(
                f"the basis set {basis} and the potential {potential} of {element} are for different numbers of electrons",
                where="keys basis_sets and potentials of the level",
                remedy="name two with the same q",
            )


def valence_electrons(text: str, element: str, name: str) -> str | None:
    """Valence electrons that the entry of an element is for, by whichever of its names says so (-q12); None where none does."""
    for line in text.splitlines():
        words = line.partition("#")[0].upper().split()
        if words[:1] == [element.upper()] and name.upper() in words[1:]:
            return next((m[1] for word in words[1:] if (m := re.search(r"-Q(\d+)$", word))), None)
    return None


def entries(text: str, elements: Iterable[str]) -> dict[str, list[str]]:
    """Names (aliases too) that a data file has for each of these elements."""
    wanted = {element.upper(): element for element in elements}
    found: dict[str, list[str]] = {element: [] for element in elements}
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        # an entry begins with an element and its names; other lines with numbers
        if len(words) > 1 and words[0].upper() in wanted:
            found[wanted[words[0].upper()]] += words[1:]
    return found


def data_folder(command: str) -> Path | None:
    """CP2K's data: CP2K_DATA_DIR, or where they lie beside the program; None where neither is known here."""
    given = os.environ.get("CP2K_DATA_DIR")
    if given:
        return Path(given)
    for word in shlex.split(command):
        program = shutil.which(os.path.expandvars(word))
        if program and "cp2k" in Path(program).name:
            here = Path(program).resolve().parent
            places = [(here / place).resolve() for place in PLACES]
            return next((p for p in places if (p / "GTH_POTENTIALS").is_file()), None)
    return None


def _data_file(name: str, key: str, command: str) -> Path | None:
    folder = Path() if Path(name).is_absolute() else data_folder(command)
    if folder is None:
        return None
    file = folder / name
    if not file.is_file():
        raise DlmdError(
            f"no such file: {file}",
            where=f"key {key} of the level",
            remedy=did_you_mean(name, [p.name for p in folder.iterdir()])
            if folder.is_dir()
            else "correct CP2K_DATA_DIR",
        )
    return file
