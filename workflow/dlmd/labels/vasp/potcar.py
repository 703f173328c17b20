"""The user's own pseudopotentials: found, checked against the functional, never kept in results."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlmd.base.errors import DlmdError
from dlmd.config.levels.vasp import VaspSettings
from dlmd.config.levels.vasp_functionals import is_meta

LEXCH = {"PW91": "91", "PBE": "PE", "PBE_52": "PE", "PBE_54": "PE", "PBE_64": "PE"}


@dataclass(frozen=True)
class Potential:
    """One single-element POTCAR: its text and what its header says."""

    name: str
    path: str
    text: str
    titel: str
    element: str
    lexch: str
    enmax_ev: float


def header(text: str) -> dict[str, str]:
    """TITEL, VRHFIN, LEXCH and ENMAX of a POTCAR's first potential; absent ones are left out."""
    found = {}
    for key in ("TITEL", "VRHFIN", "LEXCH", "ENMAX"):
        match = re.search(rf"{key}\s*=\s*([^;\n]+)", text)
        if match:
            found[key] = match[1].strip()
    return found


def titels(text: str) -> list[str]:
    """TITEL of every potential in a POTCAR, in order."""
    return [t.strip() for t in re.findall(r"TITEL\s*=\s*([^\n]+)", text)]


def titel_name(titel: str) -> str:
    """Ti_pv of 'PAW_GGA Ti_pv 07Sep2000'."""
    words = titel.split()
    return words[1] if len(words) > 1 else titel


def library(settings: VaspSettings) -> Path | None:
    """Folder of the user's potentials: the configured one, else PMG_VASP_PSP_DIR, else None.

    Raises
    ------
    DlmdError
        if the folder does not exist.
    """
    folder = settings.potcar.directory
    where = "potcar.directory of the VASP level"
    if folder is None:
        from pymatgen.core import SETTINGS

        folder, where = SETTINGS.get("PMG_VASP_PSP_DIR"), "PMG_VASP_PSP_DIR"
    if not folder:
        return None
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise DlmdError(
            f"{folder} is no folder", where=where, remedy="name the folder that holds your POTCARs"
        )
    return folder


def candidates(folder: Path, family: str, name: str) -> list[Path]:
    """Where the potential `name` may lie: pymatgen's layout, VASP's own, or the folder of one family itself."""
    from pymatgen.io.vasp.inputs import POTCAR_FUNCTIONAL_MAP

    homes = [folder / POTCAR_FUNCTIONAL_MAP[family], folder / family, folder]
    return [
        home / (stem + end)
        for home in homes
        for stem in (f"POTCAR.{name}", f"{name}/POTCAR")
        for end in ("", ".gz")
    ]


def names(species: Sequence[str], settings: VaspSettings) -> list[str]:
    """Names of the potentials in POSCAR order, for instance Li, Ti_pv, Cl."""
    return [settings.potcar.flavours.get(element, element) for element in species]


def load(folder: Path, element: str, name: str, settings: VaspSettings) -> Potential | None:
    """One potential of the library, checked; None where the library lacks it.

    Raises
    ------
    DlmdError
        if the file is of another element or another functional than the level's.
    """
    family = settings.potcar_family
    path = next((p for p in candidates(folder, family, name) if p.is_file()), None)
    if path is None:
        return None
    text = gzip.open(path, "rt").read() if path.suffix == ".gz" else path.read_text()
    found = header(text)
    missing = [key for key in ("TITEL", "VRHFIN", "LEXCH", "ENMAX") if key not in found]
    if missing:
        raise DlmdError(
            f"no {', '.join(missing)} in the POTCAR of {name}",
            where=str(path),
            remedy="it is truncated or no POTCAR; take a fresh copy from your VASP distribution",
        )
    potential = Potential(
        name=name,
        path=str(path),
        text=text if text.endswith("\n") else text + "\n",
        titel=found["TITEL"],
        element=found["VRHFIN"].split(":")[0].strip().lstrip("="),
        lexch=found["LEXCH"],
        enmax_ev=float(found["ENMAX"]),
    )
    if potential.element != element:
        raise DlmdError(
            f"this POTCAR is of {potential.element}, not of {element}",
            where=str(path),
            remedy="put the right file there",
        )
    if potential.lexch != LEXCH[family]:
        raise DlmdError(
            f"the POTCAR of {name} is for LEXCH = {potential.lexch}, the family {family} has {LEXCH[family]}",
            where=str(path),
            remedy="point potcar.directory to that family, or set potcar.family to what these files are",
        )
    return potential


def identified(potential: Potential, family: str) -> bool | None:
    """Whether pymatgen's table of POTCAR statistics knows this file as one of `family`; None if it cannot tell."""
    import warnings

    from pymatgen.io.vasp.inputs import PotcarSingle

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            families = PotcarSingle(potential.text).identify_potcar(mode="data")[0]
        except Exception:  # its parser raises whatever a foreign file makes it raise
            return None
    return family in families if families else None


def assemble(species: Sequence[str], settings: VaspSettings) -> tuple[str | None, dict]:
    """POTCAR text in POSCAR order, and what was found; the text is None where a potential is missing.

    Returns
    -------
    text
        The concatenated POTCAR, or None.
    record
        family, names, titels (None where missing), identified, missing, library_found, warnings.
    """
    folder = library(settings)
    wanted = names(species, settings)
    found = [
        load(folder, element, name, settings) if folder else None
        for element, name in zip(species, wanted, strict=True)
    ]
    warnings = [
        f"ENMAX of {p.name} is {p.enmax_ev:g} eV, above ENCUT = {settings.encut_ev:g} eV"
        for p in found
        if p and p.enmax_ev > settings.encut_ev
    ]
    known = [identified(p, settings.potcar_family) if p else None for p in found]
    warnings += [
        f"the POTCAR of {name} is known, but not as one of {settings.potcar_family}"
        for name, ok in zip(wanted, known, strict=True)
        if ok is False
    ]
    if is_meta(settings.functional):
        warnings += [
            f"the POTCAR of {p.name} has no kinetic energy density of the core, which {settings.functional} needs"
            for p in found
            if p and "kinetic energy" not in p.text
        ]
    text = "".join(p.text for p in found if p) if all(found) else None
    record = {
        "family": settings.potcar_family,
        "names": wanted,
        "titels": [p.titel if p else None for p in found],
        "sha256": None if text is None else hashlib.sha256(text.encode()).hexdigest(),
        "identified": known,
        "missing": [name for name, p in zip(wanted, found, strict=True) if p is None],
        "library_found": folder is not None,
        "warnings": warnings,
    }
    return text, record


def write(path: Path, text: str) -> None:
    """Write a POTCAR that its owner alone can read: the licence does not let others."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)


def sweep(folder: Path) -> None:
    """Remove the POTCARs of all runs below a job's or a step's folder: a killed job or a lost node leaves its own behind."""
    for pattern in ("run[0-9][0-9]/POTCAR", "*/run[0-9][0-9]/POTCAR"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def sweep_job(folder: Path) -> None:
    """Remove all POTCARs of a job whose results are collected, that for run.sh included."""
    sweep(folder)
    for path in (folder / "POTCAR", *folder.glob("*/POTCAR")):
        path.unlink(missing_ok=True)


@contextmanager
def lent(path: Path, text: str) -> Iterator[None]:
    """A POTCAR at `path` within the block; it goes at its end, and before this process ends by a signal."""
    former: dict[int, Any] = {}

    def end(number: int, _frame: object) -> None:
        path.unlink(missing_ok=True)
        signal.signal(number, former[number])
        os.kill(os.getpid(), number)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            former[number] = signal.getsignal(number) or signal.SIG_DFL
            if former[number] is not signal.SIG_IGN:
                signal.signal(number, end)
    try:
        write(path, text)
        yield
    finally:
        path.unlink(missing_ok=True)
        for caught, handler in former.items():
            signal.signal(caught, handler)
