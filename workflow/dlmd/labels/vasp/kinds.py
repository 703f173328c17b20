"""Kinds of functional and of cell that an output tells of."""

from __future__ import annotations

from dlmd.labels.vasp.frames import Run

# Kind -> what VASP takes where the INCAR says nothing.
KINDS = {
    "METAGGA": "absent",
    "IVDW": "0",
    "LUSE_VDW": "F",
    "LIBXC": "F",
    "LHFCALC": "F",
    "LSORBIT": "F",
    "LNONCOLLINEAR": "F",
    "HFSCREEN": "0",
    "LDIPOL": "F",
    "LMONO": "F",
    "IDIPOL": "0",
    "EFIELD": "0",
    "NUPDOWN": "-1",
    "PSTRESS": "0",
}
# electrons by which a charged cell differs from the neutral one at least
ELECTRONS = 1e-3
# a correction that an OUTCAR of VASP 5 shows without its number
SOME_DISPERSION = "on"


def shown(value: object) -> str:
    """A tag's value in few letters: T, F, or as it is written."""
    return "T" if value is True else "F" if value is False else str(value).strip().strip(".")


def found_kinds(run: Run) -> dict[str, str]:
    """The kinds of `KINDS` that the output tells of, with their values."""
    kinds = {}
    for name, usual in KINDS.items():
        found = run.settings.get(name)
        if found is None and run.incar is not None:
            found = run.incar.get(name, usual)
        if found is None:
            continue
        text = shown(found)
        if name == "METAGGA":
            # pymatgen spells it Scan
            text = usual if text in ("", "F", "--", "None", "NONE", usual) else text.upper()
        elif usual == "F":
            text = "T" if text.upper()[:1] == "T" else "F"
        elif text != SOME_DISPERSION:
            text = f"{float(text):g}"
        kinds[name] = text
    return kinds
