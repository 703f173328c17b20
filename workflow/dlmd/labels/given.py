"""Labels of one's own, computed elsewhere: read, compared with their level of theory, and put where the dataset looks for labels.

Energies are in eV, forces in eV/Å and stresses in eV/Å³; what OUTCAR, vasprun.xml, CP2K's and Quantum ESPRESSO's outputs have
is converted. extxyz and deepmd/npy are in these units by convention, and nothing in them says so: distances of atoms are checked
here, and forces against those of the level that a training starts from (`dlmd.training.start`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.base.files import whole, write_json
from dlmd.base.provenance import file_record

if TYPE_CHECKING:
    from ase import Atoms

VERSION = 1

SPLITS = ("train", "valid", "test")
EXTXYZ = "extxyz"
# VASP's functional tag -> its name in a level
FUNCTIONALS = {"PE": "PBE", "91": "PW91", "PS": "PBEsol", "RP": "RPBE"}
# shortest distance of two atoms over the sum of their covalent radii: 0.8 to 1.1 in solids, 1.9 times that where Bohr pass for Å
NEAREST = (0.5, 1.5)
# keys of a theory that a level has only where it says something of them
UNASKED = ("dispersion", "incar")
# keys of a theory that must be known of every label
STATED = ("functional", "hubbard_u_ev")
KEPT_INFO = ("time_ps", "temperature_k", "strain", "moments_in_range", "converged")


@dataclass
class Labels:
    """Frames of one file with their results, what it says of its theory, and frames that were left out by reason."""

    frames: list[Atoms]
    theory: dict[str, Any] = field(default_factory=dict)
    left_out: Counter = field(default_factory=Counter)


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
        for a file that cannot be read, another theory than the level's, elements that the run does not have, or distances that
        are in other units.
    """
    import ase.io

    labels = _load(Path(given), source["format"])
    if not labels.frames:
        raise DlmdError(
            f"no frame with energy, forces and stress ({_counted(labels.left_out)})",
            where=given,
            remedy="give a finished run; stresses need ISIF=2 in VASP, STRESS_TENSOR in CP2K, tstress in Quantum ESPRESSO",
        )
    theory = theory_of(engine)
    _require_theory(labels.theory, source["theory"], theory, where=given)
    parts: dict[str, list[Atoms]] = {split: [] for split in SPLITS}
    for number, atoms in enumerate(labels.frames):
        _require_fitting(atoms, species, where=f"{given}, frame {number}")
        split = source["split"] or _own_split(atoms, where=f"{given}, frame {number}")
        parts[split].append(_as_label(atoms, len(parts[split]), level, theory, f"given{g}_{split}", species))
    for path, split in zip(frames, SPLITS, strict=True):
        with whole(path) as part:
            part.write_text("")
            if parts[split]:
                ase.io.write(part, parts[split], format=EXTXYZ)
    write_json(
        Path(record),
        {
            "file": file_record(given) if Path(given).is_file() else {"path": given},
            "level": level,
            "theory": theory,
            "frames": {split: len(found) for split, found in parts.items()},
            "left_out": dict(labels.left_out),
        },
    )


def theory_of(engine: Mapping[str, Any]) -> dict[str, Any]:
    """Level of theory that the keys of a level stand for; its program need not be installed."""
    from dlmd.labels.engines.dft import validated

    own = {key: value for key, value in engine.items() if key != "engine"}
    name = engine["engine"]
    if name == "vasp":
        from dlmd.config.levels.vasp import VaspSettings

        return VaspSettings.of_staging(own).level_of_theory()
    if name in ("gpaw", "espresso", "cp2k"):
        from dlmd.config.levels.cp2k import Cp2kSettings
        from dlmd.config.levels.espresso import EspressoSettings
        from dlmd.config.levels.gpaw import GpawSettings

        kinds: dict[str, Any] = {"gpaw": GpawSettings, "espresso": EspressoSettings, "cp2k": Cp2kSettings}
        kind = kinds[name]
        settings: Any = validated(kind, own, engine=name)
        cutoff = "cutoff_ev" if name == "cp2k" else "ecut_ev"
        return {"engine": name, **settings.theory(), cutoff: getattr(settings, cutoff)}
    from dlmd.labels import engines

    return engines.get(engine).level


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
    return _dpdata([path], kind, path)


def _extxyz(path: Path) -> Labels:
    from ase.io import iread

    labels = Labels([])
    try:
        for atoms in iread(path, index=":", format=EXTXYZ):
            results = atoms.calc.results if atoms.calc else {}
            missing = [key for key in ("energy", "forces", "stress") if key not in results]
            if missing or not atoms.info.get("converged", True):
                labels.left_out["unconverged" if not missing else f"no {', '.join(missing)}"] += 1
                continue
            labels.frames.append(atoms)
            own = atoms.info.get("theory", {})
            own = json.loads(own) if isinstance(own, str) else dict(own)
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
    labels = Labels([], theory=_vasp_theory(run.species, run.settings, run.titels) | seen.theory(run))
    for frame in run.frames:
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
    return labels


def _vasp_theory(
    species: Sequence[str], settings: Mapping[str, Any], titels: Sequence[str] = ()
) -> dict[str, Any]:
    """Functional, U, cutoff, spin and potentials as VASP echoed them."""
    from dlmd.labels.vasp.potcar import titel_name

    tag = str(settings.get("GGA", "--")).upper()
    with_u = str(settings.get("LDAU", "F")).strip(".").upper().startswith("T")
    u, j = (settings.get(name) or [0.0] * len(species) for name in ("LDAUU", "LDAUJ"))
    values = (
        dict(zip(species, (float(a) - float(b) for a, b in zip(u, j, strict=False)), strict=False))
        if with_u
        else {}
    )
    found: dict[str, Any] = {
        "functional": FUNCTIONALS.get(tag, tag),
        "hubbard_u_ev": {element: value for element, value in sorted(values.items()) if value > 0},
    }
    if settings.get("ENCUT") is not None:
        found["encut_ev"] = float(settings["ENCUT"])
    if settings.get("ISPIN") is not None:
        found["spin_polarised"] = int(settings["ISPIN"]) == 2
    if len(titels) == len(species):
        names = {element: titel_name(titel) for element, titel in zip(species, titels, strict=True)}
        found["potcar_flavours"] = {element: name for element, name in names.items() if name != element}
    return found


def _dpdata(paths: Sequence[Path], kind: str, where: Path) -> Labels:
    import dpdata
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    labels = Labels([])
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


def _require_theory(
    own: Mapping[str, Any], stated: Mapping[str, Any], theory: Mapping[str, Any], *, where: str
) -> None:
    """That the labels are of the level's theory, as the file or the config says."""
    from dlmd.labels.vasp.kinds import shown

    for key in stated:
        if key not in theory:
            raise DlmdError(
                f"theory.{key} is nothing that this level has", where=where, remedy=did_you_mean(key, theory)
            )
    known = {**stated, **own}
    silent = [key for key in STATED if key not in known and key in theory]
    if silent:
        example = ", ".join(f"{key}: {json.dumps(theory[key])}" for key in silent)
        raise DlmdError(
            f"the file does not say with which {' and '.join(silent)} its labels were computed",
            where=where,
            remedy=f"if it was the level's, write  theory: {{{example}}}  beside the file in labels.frames",
        )
    for source, said in (("the config says", stated), ("the file says", own)):
        for key, value in said.items():
            has = theory.get(key)
            if key == "potcar_flavours":
                # a plain symbol is what an element takes that is not named
                has = {element: name for element, name in (has or {}).items() if name != element}
            if key == "incar" and source == "the file says":
                # an output shows some of the tags that a level may have
                has = {tag: shown(has[tag]) for tag in value if has and tag in has}
            if (key in theory or key in UNASKED) and _plain(value) != _plain(has):
                raise DlmdError(
                    f"labels of another theory: {source} {key} = {value}, the level has {has or 'none'}",
                    where=where,
                    remedy="give them to a level of that theory; data of two levels are never mixed",
                )


def _plain(value: Any) -> Any:
    """Numbers as floats, so that 4 and 4.0 are the same."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    return float(value)


def _require_fitting(atoms: Atoms, species: Sequence[str], *, where: str) -> None:
    from ase.data import covalent_radii

    for element in dict.fromkeys(atoms.get_chemical_symbols()):
        if element not in species:
            raise DlmdError(
                f"{element} is not among the species {', '.join(species)}",
                where=where,
                remedy="give labels of this material, or add it to material.species",
            )
    if len(atoms) < 2:
        return
    distances = atoms.get_all_distances(mic=True)
    np.fill_diagonal(distances, np.inf)
    radii = covalent_radii[atoms.numbers]
    nearest = float((distances / (radii[:, None] + radii)).min())
    low, high = NEAREST
    if not low <= nearest <= high:
        raise DlmdError(
            f"the nearest atoms are {distances.min():.2f} Å apart, {nearest:.2f} times the sum of their radii",
            where=where,
            remedy="give positions and cells in Å (1 Bohr = 0.529 Å); leave out frames whose atoms fell together",
        )


def _own_split(atoms: Atoms, *, where: str) -> str:
    split = atoms.info.get("split")
    if split not in SPLITS:
        raise DlmdError(
            f"the frame says no part of the dataset (split is {split!r})",
            where=where,
            remedy="give 'split: train', 'valid' or 'test' for the file in labels.frames",
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
