"""A vasprun.xml opened by pymatgen, whole or not, and what to say of one in which something is missing."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlmd.base.errors import DlmdError
from dlmd.labels.packed import read_text

if TYPE_CHECKING:
    from pymatgen.io.vasp.outputs import Vasprun

# without these there are no steps, atoms or settings; `generator` and `kpoints` may be missing
NEEDED = ("parameters", "atominfo", "calculation")


def opened(path: Path, *, where: Path, remedy: str) -> tuple[Vasprun, bool]:
    """The file up to where it breaks off, and whether it does.

    Parameters
    ----------
    where, remedy
        The file's name for its user, and what to do where it cannot be read.

    Raises
    ------
    DlmdError
        where it is no XML, or has no whole section of settings, atoms or steps; it names them.
    """
    from pymatgen.io.vasp.outputs import Vasprun

    class Steps(Vasprun):
        # the version of VASP, which nothing here asks for
        generator: Any = {"version": None}  # noqa: RUF012
        # judged step by step
        converged = True

    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            xml = Steps(
                str(path),
                parse_dos=False,
                parse_eigen=False,
                parse_potcar_file=False,
                exception_on_bad_xml=False,
            )
        # steps by a learned force field lie outside of <calculation>
        whole = bool(xml.parameters and xml.atomic_symbols and (xml.ionic_steps or xml.incar.get("ML_LMLFF")))
    except Exception as error:  # lxml and pymatgen raise many kinds on a damaged file
        raise DlmdError(_trouble(read_text(path), error), where=str(where), remedy=remedy) from None
    if not whole:
        raise DlmdError(_trouble(read_text(path)), where=str(where), remedy=remedy)
    return xml, any("malformed" in str(w.message).lower() for w in said)


def _trouble(text: str, error: Exception | None = None) -> str:
    missing = [f"<{name}>" for name in NEEDED if not re.search(rf"<{name}\b.*?</{name}>", text, re.DOTALL)]
    if missing:
        return f"the vasprun.xml has no whole {', '.join(missing)}"
    return (
        f"the vasprun.xml cannot be read: {type(error).__name__} {error}"
        if error
        else "nothing is in its sections"
    )
