"""What a run was started with, held against what is staged now: its whole INCAR, its k-points and its potentials.

A run folder keeps `inputs.json`, a copy of the one beside the staged INCAR. Folders made before there was one, or by hand, are
held against by the INCAR and KPOINTS in them, as far as these decide numbers: custodian may have changed the rest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from dlmd.base.files import read_json, write_json
from dlmd.config.levels.vasp_tags import METHOD, PARALLEL, WRITTEN
from dlmd.labels.vasp import verify

FILE = "inputs.json"
# the sha256 of the POTCAR, where a script ran VASP
POTCAR_HASH = "POTCAR.sha256"
# Parallelisation, what is written, how long it goes on and which velocities are drawn: a run goes on under another choice.
ASIDE = PARALLEL | WRITTEN | {"NSW", "RANDOM_SEED"}
ABSENT = "absent"


def record(tags: Mapping[str, Any], job: Mapping) -> dict[str, Any]:
    """What is staged for one step, with one hash over INCAR and k-points and one of the POTCAR (None without a library)."""
    moments = {} if job["moments"] is None else {"MAGMOM": list(job["moments"])}
    what = {
        "incar": {name: value for name, value in sorted((dict(tags) | moments).items())},
        "kpoints": job["kpoints"],
    }
    marks = {"sha256": fingerprint(what), "potcar_sha256": job["potcar"].get("sha256")}
    return {"format": "dlmd-vasp-inputs", "version": 1, **what, **marks}


def fingerprint(what: Mapping) -> str:
    """Hash of the INCAR, without the tags of `ASIDE`, and the k-points."""
    incar = {name: value for name, value in what["incar"].items() if name not in ASIDE}
    text = json.dumps({**what, "incar": incar}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def write(folder: Path, tags: Mapping[str, Any], job: Mapping) -> None:
    """Write `record` beside the INCAR."""
    write_json(folder / FILE, record(tags, job))


def start_mismatches(folder: Path, tags: Mapping[str, Any], job: Mapping) -> list[str]:
    """Where what the run in `folder` was started with differs from what is staged; empty if nowhere, or if it is not known."""
    if not (folder / FILE).is_file():
        return []
    found, meant = read_json(folder / FILE, remedy="delete it"), record(tags, job)
    wrong = []
    if found["sha256"] != meant["sha256"]:
        wrong = tag_mismatches(found["incar"], meant["incar"], aside=ASIDE)
        wrong += _kpoints(found["kpoints"], meant["kpoints"])
    return wrong + _potentials(found["potcar_sha256"], meant["potcar_sha256"])


def file_mismatches(folder: Path, tags: Mapping[str, Any], job: Mapping) -> list[str]:
    """Where the input files in `folder` differ from what is staged, in what decides numbers; empty if no such files are there."""
    meant, wrong = record(tags, job), []
    if (folder / "INCAR").is_file():
        written = verify.parse_incar((folder / "INCAR").read_text(errors="replace"))
        wrong += tag_mismatches(written, meant["incar"], aside=ASIDE | METHOD)
    if (folder / "KPOINTS").is_file():
        try:
            centring, mesh = verify.parse_kpoints((folder / "KPOINTS").read_text(errors="replace"))
        except (ValueError, IndexError):
            wrong.append("KPOINTS is no automatic mesh")
        else:
            wrong += _kpoints({"centring": centring, "mesh": mesh}, meant["kpoints"])
    if (folder / POTCAR_HASH).is_file():
        found = (folder / POTCAR_HASH).read_text().strip()
        wrong += _potentials(found, meant["potcar_sha256"])
    return wrong


def tag_mismatches(
    found: Mapping[str, Any], meant: Mapping[str, Any], *, aside: frozenset | set, whole: bool = True
) -> list[str]:
    """Tags that differ, as 'NAME is FOUND, staged MEANT'.

    `whole`: `found` is an INCAR. Otherwise it is what an output repeats of it, which lacks some tags, and has others with what
    VASP takes where nothing is said.
    """
    names = sorted(set(found) | set(meant)) if whole else sorted(set(found) - _unsaid(found, meant))
    return [
        f"{name} is {show(found.get(name, ABSENT))}, staged {show(meant.get(name, ABSENT))}"
        for name in names
        if name not in aside
        and not name.startswith("ML_")  # which steps are DFT's is told step by step
        and not same(name, found.get(name), meant.get(name))
    ]


# in every vasprun.xml of one version or another, set or not
REPEATED = frozenset("KPOINT_BSE LCALCEPS LCALCPOL LEFG LMAXTAU LPEAD LRHFATM".split())
# tags that something is switched off by
ON_BY_DEFAULT = frozenset("GGA_COMPAT LCORR".split())


def _unsaid(found: Mapping[str, Any], meant: Mapping[str, Any]) -> set[str]:
    """Tags of an output that were not staged and are switched off."""
    off = {
        name
        for name, value in found.items()
        if all(
            word.strip(".").upper() in ("F", "FALSE", "--", "NONE") or verify.number(word) == 0
            for word in _words(value)
        )
    }
    return ((off - ON_BY_DEFAULT) | REPEATED) - set(meant)


def same(name: str, found: Any, meant: Any) -> bool:
    """Whether two spellings of a tag's value mean the same to VASP."""
    if found is None or meant is None:
        return found is meant
    a, b = _words(found), _words(meant)
    if len(a) != len(b):
        return False
    # the first letters are all that VASP reads of these
    letters = {"PREC": 1, "ALGO": 1, "LREAL": 1, "GGA": 2}.get(name)
    return all(_same_word(x, y, letters) for x, y in zip(a, b, strict=True))


def _same_word(a: str, b: str, letters: int | None) -> bool:
    x, y = verify.number(a), verify.number(b)
    if x is None or y is None:
        return a.strip(".").upper()[:letters] == b.strip(".").upper()[:letters] or (
            _truth(a) is not None and _truth(a) == _truth(b)
        )
    # a vasprun.xml has eight decimals
    return abs(x - y) <= 1e-8 + 1e-6 * abs(y)


def _truth(word: str) -> bool | None:
    return {"T": True, "TRUE": True, "F": False, "FALSE": False, "O": True, "ON": True}.get(
        word.strip(".").upper()
    )


def _words(value: Any) -> list[str]:
    if isinstance(value, bool):
        return ["T" if value else "F"]
    if isinstance(value, list | tuple):
        return [word for item in value for word in _words(item)]
    return str(value).split()


def show(value: Any) -> str:
    """A value for a message; repeats as in an INCAR (12*0)."""
    if not isinstance(value, list | tuple):
        value = str(value).split() if len(str(value).split()) > 3 else [str(value)]
    words = [
        str(v) if isinstance(v, bool) or verify.number(v) is None else f"{verify.number(v):g}" for v in value
    ]
    runs = [(word, len(list(group))) for word, group in groupby(words)]
    return " ".join(f"{n}*{word}" if n > 3 else " ".join([word] * n) for word, n in runs)


def _kpoints(found: Mapping, meant: Mapping) -> list[str]:
    if (found["centring"], list(found["mesh"])) == (meant["centring"], list(meant["mesh"])):
        return []
    text = [f"{k['centring']} {'x'.join(map(str, k['mesh']))}" for k in (found, meant)]
    return [f"KPOINTS is {text[0]}, staged {text[1]}"]


def _potentials(found: str | None, meant: str | None) -> list[str]:
    if not found or not meant or found == meant:
        return []
    return ["the POTCAR is another file than was staged"]
