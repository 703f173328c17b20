"""Frames of label trajectories -> deepmd/npy, split by trajectory, with one row of provenance per frame.

The virial of a frame is -V times the stress (ASE: positive stress under tension), which is dpdata's and DeePMD's convention:
the strain derivative of the energy with a minus sign.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.base.files import write_csv
from dlmd.labels import given_checks, given_zero

if TYPE_CHECKING:
    from ase import Atoms

VERSION = 1

SPLITS = ("train", "valid", "test")
# what the names of sources begin with whose frames were given, and are of no trajectory
GIVEN = "given"
# Beside the arrays of a set that dp reads, where the engine judged the moments of any frame: 1 for yes, 0 for no, NaN where
# it did not judge.
MOMENTS_FILE = "moments_in_range.npy"
COLUMNS = (
    "source",
    "split",
    "frame",  # number in the source's file, from 0
    "set_frame",  # number in the deepmd system, empty for frames that are not used
    "status",
    "step",
    "time_ps",
    "temperature_k",
    "strain",
    "level",
    "energy_ev_per_atom",
    "moments_in_range",  # empty where the engine did not judge it
)
# status of a frame; all but the first keep it out of the dataset
USED, DISCARDED, UNCONVERGED, NOT_FINITE, UNLABELLED = (
    "used",
    "discarded",
    "unconverged",
    "not_finite",
    "unlabelled",
)


@dataclass(frozen=True)
class Source:
    """One label trajectory: its extxyz file, its name and the split it belongs to as a whole."""

    path: Path
    id: str
    split: str


def build_splits(
    frames: Sequence[str | Path],
    *,
    folder: str | Path,
    ids: Sequence[str],
    splits: Sequence[str],
    species: Sequence[str],
    level: str,
    discard_ps: float = 0.0,
    optional: Sequence[str] = (),
) -> dict[str, Counter]:
    """Write folder/{train,valid,test}/<id>/set.000/*.npy and folder/provenance.csv.

    Parameters
    ----------
    frames, ids, splits
        Per trajectory: extxyz file (energy, forces and stress of every frame), name, and 'train', 'valid' or 'test'.
    species
        Elements in the order of the potential's types; atoms are sorted by it.
    level
        Level of theory that every frame must carry.
    discard_ps
        Frames before this time are left out.
    optional
        Names of trajectories whose file may be empty; then they are left out.

    Returns
    -------
    dict
        split -> number of frames by status.

    Raises
    ------
    DlmdError
        for frames of another level or of several theories, an element not in `species`, repeated steps, a
        trajectory without a usable frame, or no training data.
    """
    sources = [Source(Path(p), i, s) for p, i, s in zip(frames, ids, splits, strict=True)]
    sources = [s for s in sources if s.id not in optional or s.path.stat().st_size]
    _check_sources(sources)
    folder = Path(folder)
    building = folder / ".building"
    shutil.rmtree(building, ignore_errors=True)
    for split in SPLITS:
        (building / split).mkdir(parents=True)

    counts: dict[str, Counter] = {split: Counter() for split in SPLITS}
    theories: dict[str, str] = {}
    written: list[dict] = []
    given: list[given_checks.Placed] = []
    for source in sources:
        used, rows, theory = read_source(source, species=species, level=level, discard_ps=discard_ps)
        theories.setdefault(theory, source.id)
        if len(theories) > 1:
            (one, first), (two, second) = theories.items()
            raise DlmdError(
                f"two levels of theory would be mixed: {one} in {first}, {two} in {second}",
                where=str(source.path),
                remedy="give each its own level in the config, or delete the old trajectories",
            )
        written += rows
        if source.id.startswith(GIVEN):
            given += [given_checks.Placed(atoms, source.split, str(source.path)) for atoms in used]
        statuses = Counter(row["status"] for row in rows)
        counts[source.split] += statuses
        print(f"{source.split:5s} {source.id}: {_describe(statuses)}", file=sys.stderr)
        for name, some in _by_composition(used, source.id):
            write_system(some, building / source.split / name, species=species)
    # files of labels are read one by one: a structure may be in two of them
    given_checks.repeated(given)
    for note in given_zero.require_one_zero(given, across_files=True):
        print(f"note: {note}", file=sys.stderr)
    write_csv(building / "provenance.csv", written, COLUMNS)

    for name in (*SPLITS, "provenance.csv"):
        target = folder / name
        if target.is_dir():
            shutil.rmtree(target)
        (building / name).replace(target)
    building.rmdir()
    return counts


def read_source(
    source: Source, *, species: Sequence[str], level: str, discard_ps: float
) -> tuple[list[Atoms], list[dict], str]:
    """Usable frames of one trajectory, its provenance rows, and its level of theory as text."""
    from ase.io import iread

    if not source.path.exists():
        raise DlmdError(
            f"no such file: {source.path}",
            where=f"label trajectory {source.id}",
            remedy="run the label rules first",
        )
    used: list[Atoms] = []
    rows: list[dict] = []
    theory, last_step = "", None
    info: Mapping[str, Any] = {}
    for number, atoms in enumerate(iread(source.path, index=":", format="extxyz")):
        where = f"{source.path}, frame {number}"
        info = atoms.info
        _check_frame(atoms, species=species, level=level, where=where)
        own = json.dumps(info.get("theory", level), sort_keys=True, default=str)
        if theory not in ("", own):
            raise DlmdError(
                f"two levels of theory in one file: {theory} and {own}",
                where=where,
                remedy="run this trajectory again",
            )
        theory = own
        step = int(info["step"])
        if last_step is not None and step <= last_step:
            raise DlmdError(
                f"step {step} follows step {last_step}: frames are repeated",
                where=where,
                remedy="run this trajectory again",
            )
        last_step = step
        status = _status(atoms, discard_ps=discard_ps)
        origin = {
            "source": source.id,
            "split": source.split,
            "frame": number,
            "set_frame": sum(_system_of(a, source.id) == _system_of(atoms, source.id) for a in used)
            if status == USED
            else "",
        }
        rows.append(origin | _provenance(atoms, status=status, level=level))
        if status == USED:
            used.append(atoms)
    _require_whole(source, last_step, info)
    if not used:
        raise DlmdError(
            f"no frame of {source.id} can be used: {_describe(Counter(row['status'] for row in rows))}",
            where=str(source.path),
            remedy="lower discard_ps, lengthen the trajectory, or see why its frames were refused",
        )
    return used, rows, theory


def _require_whole(source: Source, last_step: int | None, info: Mapping[str, Any]) -> None:
    """The file's last frame is the trajectory's, where its frames say which that is."""
    wanted = info.get("last_step")
    if wanted is not None and last_step != wanted:
        raise DlmdError(
            f"the file ends at step {last_step} of {wanted}: it was cut",
            where=str(source.path),
            remedy="get it back from where it was copied from, or delete it and run this trajectory again",
        )


def _by_composition(used: Sequence[Atoms], source: str) -> Iterator[tuple[str, list[Atoms]]]:
    """Frames as systems of one composition each."""
    groups: dict[str, list[Atoms]] = {}
    for atoms in used:
        groups.setdefault(_system_of(atoms, source), []).append(atoms)
    yield from groups.items()


def _system_of(atoms: Atoms, source: str) -> str:
    """Name of the system that a frame belongs to: given labels may be of several compositions, a trajectory is of one."""
    return f"{source}_{atoms.get_chemical_formula()}" if source.startswith(GIVEN) else source


def _provenance(atoms: Atoms, *, status: str, level: str) -> dict:
    """What the provenance table says of one frame, wherever it comes from."""
    info, labelled = atoms.info, status not in (UNLABELLED, NOT_FINITE)
    return {
        "status": status,
        "step": int(info["step"]),
        "time_ps": f"{info['time_ps']:.6g}",
        "temperature_k": info["temperature_k"],
        "strain": info["strain"],
        "level": level,
        "energy_ev_per_atom": f"{atoms.get_potential_energy() / len(atoms):.8f}" if labelled else "",
        "moments_in_range": info.get("moments_in_range", ""),
    }


def write_system(frames: Sequence[Atoms], folder: Path, *, species: Sequence[str]) -> None:
    """Write frames of one composition as a deepmd/npy system with one set, atoms sorted by type, and `MOMENTS_FILE`."""
    import dpdata

    symbols = frames[0].get_chemical_symbols()
    types = np.array([species.index(symbol) for symbol in symbols])
    order = np.argsort(types, kind="stable")
    for number, atoms in enumerate(frames):
        if atoms.get_chemical_symbols() != symbols:
            raise DlmdError(
                f"used frame {number} of {folder.name} has other atoms, or another order of them, than the first",
                remedy="run this trajectory again",
            )
    system = dpdata.LabeledSystem(
        data={
            "atom_names": list(species),
            "atom_numbs": [int((types == t).sum()) for t in range(len(species))],
            "atom_types": types[order],
            "orig": np.zeros(3),
            "cells": np.array([atoms.cell.array for atoms in frames]),
            "coords": np.array([atoms.positions[order] for atoms in frames]),
            "energies": np.array([atoms.get_potential_energy() for atoms in frames]),
            "forces": np.array([atoms.get_forces()[order] for atoms in frames]),
            "virials": np.array([-atoms.get_volume() * atoms.get_stress(voigt=False) for atoms in frames]),
        }
    )
    system.to("deepmd/npy", str(folder), set_size=len(frames), prec=np.float64)
    flags = np.array([float(atoms.info.get("moments_in_range", np.nan)) for atoms in frames])
    if not np.isnan(flags).all():
        np.save(folder / "set.000" / MOMENTS_FILE, flags)


def _check_sources(sources: Sequence[Source]) -> None:
    repeated = [name for name, n in Counter(source.id for source in sources).items() if n > 1]
    if repeated:
        raise DlmdError(f"two trajectories are named {repeated[0]}", remedy="name each trajectory once")
    for source in sources:
        if source.split not in SPLITS:
            raise DlmdError(
                f"'{source.split}' is no split",
                where=f"trajectory {source.id}",
                remedy=did_you_mean(source.split, SPLITS),
            )
    parts = Counter(source.split for source in sources)
    given = [str(source.path) for source in sources if source.id.startswith(GIVEN)]
    if given:
        given_checks.require_parts(parts, trained=True, where=", ".join(given))
    if not parts["train"]:
        raise DlmdError("no trajectory is for training", remedy="give at least one trajectory 'split: train'")


def _check_frame(atoms: Atoms, *, species: Sequence[str], level: str, where: str) -> None:
    found = atoms.info.get("level")
    if found != level:
        raise DlmdError(
            f"a frame of level '{found}' in the dataset of level '{level}'",
            where=where,
            remedy="levels of theory are never mixed: check which trajectories are given",
        )
    for key in ("step", "time_ps", "temperature_k", "strain"):
        if key not in atoms.info:
            raise DlmdError(f"the frame has no '{key}'", where=where, remedy="run this trajectory again")
    for element in dict.fromkeys(atoms.get_chemical_symbols()):
        if element not in species:
            raise DlmdError(
                f"{element} is not among the species {', '.join(species)}",
                where=where,
                remedy="add it to material.species",
            )


def _status(atoms: Atoms, *, discard_ps: float) -> str:
    results = atoms.calc.results if atoms.calc else {}
    if any(key not in results for key in ("energy", "forces", "stress")):
        return UNLABELLED
    numbers = (results["energy"], results["forces"], results["stress"], atoms.positions, atoms.cell.array)
    if not all(np.isfinite(n).all() for n in numbers):
        return NOT_FINITE
    if not atoms.info.get("converged", True):
        return UNCONVERGED
    # half a femtosecond of slack for times that were rounded
    return DISCARDED if atoms.info["time_ps"] < discard_ps - 5e-4 else USED


def _describe(statuses: Counter) -> str:
    return ", ".join(f"{n} {status}" for status, n in sorted(statuses.items())) or "no frames"
