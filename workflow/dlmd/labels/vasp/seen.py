"""What an output alone says of its theory, for results that were not staged here."""

from __future__ import annotations

from typing import Any

from dlmd.config.levels.vasp_functionals import named
from dlmd.labels.vasp import inputs
from dlmd.labels.vasp.frames import Run
from dlmd.labels.vasp.kinds import ELECTRONS, KINDS, found_kinds


def theory(run: Run) -> dict[str, Any]:
    """Functional, dispersion and other kinds of the run, in the words of a level's theory; `incar` has what is neither."""
    kinds = {name: value for name, value in found_kinds(run).items() if value != KINDS[name]}
    if kinds.get("LSORBIT") == "T":
        kinds.pop("LNONCOLLINEAR", None)
    electrons = run.settings.get("NELECT")
    if electrons is not None and run.neutral_electrons is not None:
        if abs(float(electrons) - run.neutral_electrons) > ELECTRONS:
            kinds["NELECT"] = f"{float(electrons):g}"
    gga = str(run.settings.get("GGA", "--")).upper()
    plus_u = (
        run.settings.get("LDAUTYPE")
        if str(run.settings.get("LDAU", "F")).strip(".").upper()[:1] == "T"
        else None
    )
    if plus_u is not None and not inputs.same("LDAUTYPE", plus_u, 2):
        kinds["LDAUTYPE"] = inputs.show(plus_u)
    functional, dispersion = named(gga, kinds.pop("METAGGA", None), kinds.get("IVDW"))
    found: dict[str, Any] = {"functional": functional}
    if dispersion is not None:
        found["dispersion"] = dispersion
        kinds.pop("IVDW")
    return found | ({"incar": kinds} if kinds else {})
