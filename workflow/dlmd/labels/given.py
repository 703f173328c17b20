"""Labels of one's own, computed elsewhere: read, compared with their level of theory, and put where the dataset looks for labels.

Energies are in eV, forces in eV/Å and stresses in eV/Å³; what OUTCAR, vasprun.xml, CP2K's and Quantum ESPRESSO's outputs have
is converted. extxyz and deepmd/npy are in these units by convention, and nothing in them says so: distances of atoms, stresses
and sums of forces are checked here, all three kinds of numbers against CHGNet's (`dlmd.labels.given_likeness`) and against those
of the level that a training starts from (`dlmd.training.start`).
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.files import whole, write_json
from dlmd.base.geometry import NEAREST_OVER_RADII, nearest_over_radii
from dlmd.base.provenance import file_record
from dlmd.config.levels.vasp import VaspSettings
from dlmd.labels import given_checks, given_likeness, given_theory, given_zero, numerics
from dlmd.labels.engines import said

if TYPE_CHECKING:
    from ase import Atoms

    from dlmd.labels.vasp.frames import Run

VERSION = 1

SPLITS = ("train", "valid", "test")
EXTXYZ = "extxyz"
KEPT_INFO = ("time_ps", "temperature_k", "strain", "moments_in_range", "converged")


@dataclass
class Labels:
    """Frames of one file with their results, what it says of its theory, and frames that were left out by reason.

    `numbers` are those of the frames in the file, `numerics` is what each frame says of k-points and smearing, `run` what VASP's
    output says of itself; with `whole` the theory is that of a level, and what it leaves out is not there; `bare` is a file that
    no program of electronic structure has written, so that nothing in it vouches for its units and atoms.
    """

    frames: list[Atoms]
    theory: dict[str, Any] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    left_out: Counter = field(default_factory=Counter)
    numerics: list[dict[str, Any]] = field(default_factory=list)
    run: Run | None = None
    whole: bool = False
    bare: bool = False


@dataclass
class Read:
    """The labels of a file: by part of the dataset, where each was found, and what is to be told of them."""

    parts: dict[str, list[Atoms]]
    placed: list[given_checks.Placed]
    theory: dict[str, Any]
    left_out: Counter
    silent: dict[str, Any]
    unjudged: list[str]

    def notes(self, where: str) -> list[str]:
        """What a reader of the labels should know: frames that were left out, settings that were taken for granted."""
        found = []
        if self.left_out:
            found.append(f"{where}: frames are left out: {_counted(self.left_out)}")
        if self.silent:
            values = ", ".join(f"{name} {value}" for name, value in self.silent.items())
            found.append(f"{where} does not say all of its settings; the level's are taken: {values}")
        return found + [f"{where}: {what}" for what in self.unjudged]


def read(
    given: str,
    *,
    g: int,
    frames: Sequence[str],
    record: str,
    level: str,
    engine: Mapping[str, Any],
    source: Mapping[str, Any],
    species: Sequence[str],
) -> None:
    """Write the labels of a file as one extxyz per part of the dataset (train, valid, test; empty where it has none).

    Raises
    ------
    DlmdError
        for what `read_parts` refuses.
    """
    import ase.io

    found = read_parts(given, g=g, level=level, engine=engine, source=source, species=species)
    for note in found.notes(given):
        print(f"note: {note}", file=sys.stderr)
    for path, split in zip(frames, SPLITS, strict=True):
        with whole(path) as part:
            part.write_text("")
            if found.parts[split]:
                ase.io.write(part, found.parts[split], format=EXTXYZ)
    write_json(
        Path(record),
        {
            "file": file_record(given) if Path(given).is_file() else {"path": given},
            "level": level,
            "theory": found.theory,
            "frames": {split: len(part) for split, part in found.parts.items()},
            "left_out": dict(found.left_out),
            "taken_for_granted": found.silent,
            "not_judged": found.unjudged,
        },
    )


def read_parts(
    given: str,
    *,
    g: int,
    level: str,
    engine: Mapping[str, Any],
    source: Mapping[str, Any],
    species: Sequence[str],
) -> Read:
    """The labels of a file by part of the dataset; a frame that is there twice, or is not finite, is left out.

    Parameters
    ----------
    g
        Number of the file among those of its level.
    engine
        Settings of the level.
    source
        The file's entry in labels.frames of the config.

    Raises
    ------
    DlmdError
        for a file that cannot be read, another theory, k-points or smearing than the level's, elements that the run does not
        have, frames that are not periodic, other units, an energy far from the others, or a structure for training and test.
    """
    labels = _finite(_load(Path(given), source["format"]))
    if not labels.frames:
        raise DlmdError(
            f"no frame with energy, forces and stress ({_counted(labels.left_out)})",
            where=given,
            remedy="give a finished run; stresses need ISIF=2 in VASP, STRESS_TENSOR in CP2K, tstress in Quantum ESPRESSO",
        )
    wheres = [f"{given}, frame {number}" for number in labels.numbers]
    for atoms, where in zip(labels.frames, wheres, strict=True):
        given_checks.require_periodic(atoms, where=where)
    theory = given_theory.theory_of(engine)
    silent = _require_level(labels, source["theory"], theory, engine, where=given)
    placed = []
    for atoms, where in zip(labels.frames, wheres, strict=True):
        _require_fitting(atoms, species, where=where)
        given_checks.require_pressure(atoms, where=where)
        if labels.bare:
            given_checks.require_whole(atoms, where=where)
        split = source["split"] or _own_split(atoms, where=where)
        placed.append(given_checks.Placed(atoms, split, where))
    given_checks.require_energies(labels.frames, wheres)
    unjudged = given_likeness.require_alike(labels.frames, wheres) if labels.bare else []
    again = set(given_checks.repeated(placed))
    unjudged += given_zero.require_one_zero(placed)
    if again:
        labels.left_out["there twice"] += len(again)
    placed = [frame for i, frame in enumerate(placed) if i not in again]
    parts: dict[str, list[Atoms]] = {split: [] for split in SPLITS}
    for atoms, split, _ in placed:
        parts[split].append(_as_label(atoms, len(parts[split]), level, theory, f"given{g}_{split}", species))
    return Read(parts, placed, theory, labels.left_out, silent, unjudged)


def _finite(labels: Labels) -> Labels:
    """The labels without frames of which some number is none, which are counted."""
    labels.numbers = labels.numbers or list(range(len(labels.frames)))
    kept = [i for i, atoms in enumerate(labels.frames) if given_checks.finite(atoms)]
    if len(kept) < len(labels.frames):
        labels.left_out["not finite"] += len(labels.frames) - len(kept)
        labels.frames = [labels.frames[i] for i in kept]
        labels.numbers = [labels.numbers[i] for i in kept]
        labels.numerics = [labels.numerics[i] for i in kept] if labels.numerics else []
    return labels


def _require_level(
    labels: Labels,
    stated: Mapping[str, Any],
    theory: Mapping[str, Any],
    engine: Mapping[str, Any],
    *,
    where: str,
) -> dict[str, Any]:
    """That the labels are of the level; what neither file nor config says is returned with the level's values."""
    settings = given_theory.settings_of(engine)
    # an extxyz has the theory that a level gave its frames; outputs tell of some settings
    whole = labels.whole and "engine" in labels.theory
    given_theory.require(labels.theory, stated, theory, where=where, whole=whole)
    if labels.run is not None and isinstance(settings, VaspSettings):
        return given_theory.require_run(labels.run, labels.frames[0], settings, where=where)
    said = labels.numerics or [{}] * len(labels.frames)
    return given_theory.require_numerics(labels.frames, said, stated, settings, where=where)


def _load(path: Path, kind: str | None) -> Labels:
    """Frames of a file by its format, which its name says where `kind` does not."""
    name = (path.stem if path.suffix in (".gz", ".bz2", ".xz") else path.name).lower()
    if kind in ("vasp/outcar", "vasp/xml") or (
        kind is None and (name.startswith("outcar") or name.endswith(".xml"))
    ):
        return _vasp(path, xml=kind == "vasp/xml" or name.endswith(".xml"))
    if kind == EXTXYZ or (kind is None and name.endswith((".extxyz", ".xyz"))):
        return _extxyz(path)
    if kind == "deepmd/npy" or (kind is None and path.is_dir()):
        return _dpdata([found.parent for found in sorted(path.rglob("type.raw"))], "deepmd/npy", path)
    if kind is None:
        raise DlmdError(
            f"the name {path.name} does not say what format this is",
            where=str(path),
            remedy="give its format, for instance cp2k/output, cp2k/aimd_output or qe/pw/scf",
        )
    labels = _dpdata([path], kind, path)
    told = said.of(path, kind)
    labels.numerics = [numerics.spelt(told)] * len(labels.frames)
    labels.theory = {key: value for key, value in told.items() if key not in numerics.KNOWN}
    return labels


def _extxyz(path: Path) -> Labels:
    from ase.io import iread

    labels = Labels([], whole=True, bare=True)
    try:
        for number, atoms in enumerate(iread(path, index=":", format=EXTXYZ)):
            results = atoms.calc.results if atoms.calc else {}
            missing = [key for key in ("energy", "forces", "stress") if key not in results]
            if missing or not atoms.info.get("converged", True):
                labels.left_out["unconverged" if not missing else f"no {', '.join(missing)}"] += 1
                continue
            labels.frames.append(atoms)
            labels.numbers.append(number)
            own = atoms.info.get("theory", {})
            own = json.loads(own) if isinstance(own, str) else dict(own)
            labels.numerics.append(numerics.spelt(own | dict(atoms.info.get(numerics.KEY, {}))))
            own = {key: value for key, value in own.items() if not numerics.spelt({key: value})}
            if labels.theory and own != labels.theory:
                raise DlmdError(
                    f"two theories in one file: {labels.theory} and {own}",
                    where=str(path),
                    remedy="give each theory a file and a level of its own",
                )
            labels.theory = own
    except (ValueError, KeyError, IndexError, OSError) as error:
        raise DlmdError(
            f"the frames cannot be read: {error}", where=str(path), remedy="give an extxyz as ASE writes it"
        ) from None
    return labels


def _vasp(path: Path, *, xml: bool) -> Labels:
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    from dlmd.labels.vasp import output, seen

    run = (output.parse_vasprun if xml else output.parse_outcar)(output.read_text(path), path)
    theory = given_theory.of_vasp(run.species, run.settings, run.titels) | seen.theory(run)
    labels = Labels([], theory={"engine": "vasp"} | theory, run=run)
    for number, frame in enumerate(run.frames):
        if frame.reason is not None:
            labels.left_out[frame.reason.split(":")[0]] += 1
            continue
        atoms = Atoms(run.symbols, positions=frame.positions, cell=frame.cell, pbc=True)
        results = {"energy": frame.energy, "forces": frame.forces, "stress": _voigt(frame.stress)}
        if frame.moments is not None:
            results["magmoms"] = frame.moments
        atoms.calc = SinglePointCalculator(atoms, **results)
        if frame.temperature_k is not None:
            atoms.info["temperature_k"] = frame.temperature_k
        labels.frames.append(atoms)
        labels.numbers.append(number)
    return labels


def _dpdata(paths: Sequence[Path], kind: str, where: Path) -> Labels:
    import dpdata
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    labels = Labels([], bare=kind.startswith("deepmd"))
    for path in paths:
        try:
            data = dpdata.LabeledSystem(str(path), fmt=kind).data
        except Exception as error:  # dpdata's readers raise many kinds on a damaged file
            raise DlmdError(
                f"dpdata cannot read this as {kind}: {type(error).__name__} {error}",
                where=str(path),
                remedy="check the format (dpdata's name of it) and that the run has finished",
            ) from None
        symbols = np.array(data["atom_names"])[data["atom_types"]]
        own = said.cp2k_stress(path) if kind == "cp2k/output" and "virials" not in data else None
        if own is not None:
            data["virials"] = -own[None] * abs(np.linalg.det(data["cells"]))[:, None, None]
        if "virials" not in data:
            labels.left_out["no stress"] += len(data["energies"])
            continue
        for cell, positions, energy, forces, virial in zip(
            data["cells"], data["coords"], data["energies"], data["forces"], data["virials"], strict=True
        ):
            atoms = Atoms(symbols, positions=positions, cell=cell, pbc=True)
            stress = _voigt(-virial / atoms.get_volume())
            atoms.calc = SinglePointCalculator(atoms, energy=float(energy), forces=forces, stress=stress)
            labels.frames.append(atoms)
    if not paths:
        raise DlmdError(
            "no system of deepmd/npy is here", where=str(where), remedy="give the folder with type.raw"
        )
    return labels


def _voigt(stress: Any) -> np.ndarray:
    return np.asarray(stress)[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]


def _require_fitting(atoms: Atoms, species: Sequence[str], *, where: str) -> None:
    for element in dict.fromkeys(atoms.get_chemical_symbols()):
        if element not in species:
            raise DlmdError(
                f"{element} is not among the species {', '.join(species)}",
                where=where,
                remedy="give labels of this material, or add it to material.species",
            )
    if len(atoms) < 2:
        return
    shares, distances = nearest_over_radii(atoms.positions, atoms.cell.array, atoms.get_chemical_symbols())
    nearest = float(shares.min())
    low, high = NEAREST_OVER_RADII
    if not low <= nearest <= high:
        raise DlmdError(
            f"the nearest atoms are {distances.min():.2f} Å apart, {nearest:.2f} times the sum of their radii",
            where=where,
            remedy="give positions and cells in Å (1 Bohr = 0.529 Å); leave out frames whose atoms fell together",
        )


def _own_split(atoms: Atoms, *, where: str) -> str:
    split = atoms.info.get("split")
    if split not in SPLITS:
        remedy = "write split=train, split=valid or split=test in the file's frames"
        if split is None:
            remedy = f"give 'split: train', 'valid' or 'test' for the file in labels.frames, or {remedy}"
        raise DlmdError(
            f"the frame says no part of the dataset (split is {split!r})", where=where, remedy=remedy
        )
    return str(split)


def _as_label(
    atoms: Atoms, step: int, level: str, theory: Mapping[str, Any], source: str, species: Sequence[str]
) -> Atoms:
    """The frame as the dataset takes it, atoms in the order of the species."""
    from ase import Atoms as Frame
    from ase.calculators.singlepoint import SinglePointCalculator

    order = np.argsort([species.index(s) for s in atoms.get_chemical_symbols()], kind="stable")
    frame = Frame(atoms.numbers[order], atoms.positions[order], cell=atoms.cell, pbc=True)
    unknown = {"time_ps": 0.0, "temperature_k": float("nan"), "strain": float("nan")}
    frame.info = unknown | {key: atoms.info[key] for key in KEPT_INFO if key in atoms.info}
    frame.info |= {"step": step, "source": source, "level": level, "theory": dict(theory)}
    results = atoms.calc.results
    stress = np.asarray(results["stress"])
    kept = {
        "energy": float(results["energy"]),
        "forces": np.asarray(results["forces"])[order],
        "stress": _voigt(stress) if stress.shape == (3, 3) else stress,
    }
    if "magmoms" in results:
        kept["magmoms"] = np.asarray(results["magmoms"])[order]
    frame.calc = SinglePointCalculator(frame, **kept)
    return frame


def _counted(reasons: Counter) -> str:
    return ", ".join(f"{n} {reason}" for reason, n in reasons.items()) or "it is empty"
