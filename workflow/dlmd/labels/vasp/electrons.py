"""Whether the electrons of an ionic step were in their ground state. VASP stops them at EDIFF, at NELM, or when it is told to.

The line 'EDIFF is reached' alone is no proof: VASP writes it after NELM steps as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

REACHED = "aborting loop because EDIFF is reached"
NOT_REACHED = "EDIFF was not reached"
# a STOPCAR with LABORT ends the electrons where they are, and forces are written none the less
HARD_STOP = "hard stop encountered"
CHANGE = re.compile(r"total energy-change \(2\. order\)\s*:\s*(\S+?)\s*\(")
# an OUTCAR prints EDIFF with one digit: 0.1E-05 may have been 1.49e-6
OUTCAR_ROUNDING = 1.5
# a vasprun.xml prints energies and EDIFF with eight decimals
XML_ROUNDING_EV = 1.5e-8


def outcar_reason(block: Sequence[str], steps: int, nelm: int, ediff: float | None) -> str | None:
    """Why the electrons of an ionic step of an OUTCAR were not converged, or None."""
    said = None
    changes = []
    for line in block:
        if REACHED in line:
            said = REACHED
        elif NOT_REACHED in line:
            said = NOT_REACHED
        elif HARD_STOP in line:
            said = HARD_STOP
            break
        elif match := CHANGE.search(line):
            changes.append(match[1])
    if steps >= nelm:
        return _out_of_steps(steps, nelm)
    if said == NOT_REACHED:
        return f"electrons unconverged: EDIFF was not reached in {steps} steps"
    if said == HARD_STOP:
        return f"electrons stopped early: a STOPCAR with LABORT, after {steps} steps"
    if changes and ediff is not None:
        return _last_change(changes[-1], steps, ediff, OUTCAR_ROUNDING * ediff)
    if said == REACHED:
        return None
    return f"electrons stopped early: after {steps} steps, and nothing says that EDIFF was reached"


def xml_reason(energies: Sequence[float | None], nelm: int, ediff: float | None) -> str | None:
    """Why the electrons of an ionic step of a vasprun.xml were not converged, or None.

    Parameters
    ----------
    energies
        Free energy (eV) after every electronic step; None where it was not written.
    """
    steps = len(energies)
    if steps >= nelm:
        return _out_of_steps(steps, nelm)
    last, before = (energies[-1], energies[-2]) if steps > 1 else (None, None)
    if last is None or before is None or ediff is None:
        return f"electrons stopped early: {steps} steps are written, too few to say that EDIFF was reached"
    return _last_change(last - before, steps, ediff, abs(ediff) + XML_ROUNDING_EV)


def _out_of_steps(steps: int, nelm: int) -> str:
    return f"electrons unconverged: {steps} steps of NELM = {nelm}"


def _last_change(change: float | str, steps: int, ediff: float, limit: float) -> str | None:
    try:
        # a number that overflowed its columns is stars, and no small one
        if abs(float(change)) <= limit:
            return None
    except ValueError:
        pass
    shown = change if isinstance(change, str) else f"{change:.1e}"
    return f"electrons stopped early: the energy changed by {shown} eV in step {steps}, EDIFF is {ediff:g}"
