"""Frames of formats that ASE, h5py and chemfiles read, and of trajectory objects of ASE, pymatgen and MDAnalysis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.trajectory.text_frames import ASE_TIME_PS, TRUNCATED, CutShort, Frame, table, text_lines


def read_traj(path: Path) -> Iterator[Frame]:
    """ASE trajectory. It holds no times.

    Raises
    ------
    DlmdError
        for a file that ASE cannot read.
    """
    from ase.io.trajectory import Trajectory

    try:
        with Trajectory(str(path)) as file:
            for number in range(len(file)):
                yield of_ase(file[number])
    except DlmdError:
        raise
    except Exception as error:  # ASE's reader raises whatever its parsing meets
        raise DlmdError(f"no readable ASE trajectory: {error}", where=str(path), remedy=TRUNCATED) from error


def of_ase(atoms: Any) -> Frame:
    """A frame from ASE's Atoms."""
    cell = np.array(atoms.cell) if atoms.cell.rank == 3 else None
    frame = Frame(np.array(atoms.positions), cell, symbols=atoms.get_chemical_symbols())
    if atoms.has("momenta"):
        frame.velocities = atoms.get_velocities() / ASE_TIME_PS
        # ASE takes a dump in Å/fs for one in Å/ps
        frame.metal_or_real = True
    return frame


def read_history(path: Path) -> Iterator[Frame]:
    """DL_POLY HISTORY (DL_POLY 4 and Classic), whatever the lengths of its lines; steps and times of its frames' headers.

    Raises
    ------
    DlmdError
        for something that is no HISTORY.
    """
    lines = text_lines(path)
    level, periodic = _history_header(next(lines, ""), lines, path, 0)
    count = -1
    for line in lines:
        if line.split()[:1] != ["timestep"]:
            # the next of several files in a row
            level, periodic = _history_header(line, lines, path, count + 1)
            continue
        words, count = line.split(), count + 1
        try:
            step, n_atoms, time_step_ps = int(words[1]), int(words[2]), float(words[5])
        except (ValueError, IndexError) as error:
            raise DlmdError(f"damaged header of frame {count}", where=str(path), remedy=TRUNCATED) from error
        box = list(islice(lines, 3 if periodic else 0))
        rows = list(islice(lines, n_atoms * (level + 2)))
        if len(box) < (3 if periodic else 0) or len(rows) < n_atoms * (level + 2):
            raise CutShort(
                f"frame {count} has {len(rows) // (level + 2)} of {n_atoms} atoms",
                where=str(path),
                remedy=TRUNCATED,
            )
        cell = table(box, [0, 1, 2], path, count, 3) if periodic else None
        names = [row.split()[0] for row in rows[:: level + 2]]
        positions = table(rows[1 :: level + 2], [0, 1, 2], path, count, n_atoms)
        frame = Frame(positions, cell, symbols=names, step=step, time=step * time_step_ps, time_unit="ps")
        if level:
            frame.velocities = table(rows[2 :: level + 2], [0, 1, 2], path, count, n_atoms)
        yield frame


def _history_header(title: str, lines: Iterator[str], path: Path, count: int) -> tuple[int, int]:
    """What each atom has beside its position (velocity, force), and the kind of the box, from the line after the title."""
    try:
        level, periodic, _ = (int(word) for word in next(lines, "").split()[:3])
    except ValueError as error:
        if not count:
            raise DlmdError(
                "no header of a HISTORY", where=str(path), remedy="give a HISTORY of DL_POLY"
            ) from error
        raise DlmdError(
            f"frame {count}: expected 'timestep', found {title.strip()[:40]!r}",
            where=str(path),
            remedy=TRUNCATED,
        ) from error
    return level, periodic


def read_h5md(path: Path) -> Iterator[Frame]:
    """H5MD (particles/<group>/position, box and species), by h5py.

    Raises
    ------
    DlmdError
        where h5py is not installed, and for a file without positions or with units of length other than Å and nm.
    """
    try:
        import h5py
    except ImportError as error:
        raise DlmdError("H5MD needs h5py", where=str(path), remedy="pip install h5py") from error
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise DlmdError(f"no readable HDF5: {error}", where=str(path), remedy=TRUNCATED) from error
    with file:
        groups = [g for g in file.get("particles", {}).values() if "position" in g]
        if len(groups) != 1:
            raise DlmdError(
                f"{len(groups)} groups of particles with positions",
                where=str(path),
                remedy="give a file with one group",
            )
        yield from _h5md_frames(groups[0], path)


def _h5md_frames(group: Any, path: Path) -> Iterator[Frame]:
    position = group["position"]
    scale = _h5md_length(position["value"], "positions", "Angstrom", path)
    names, speed_scale = _h5md_species(group), _h5md_speed(group)
    cells = _h5md_cells(group, path)
    for number, values in enumerate(position["value"]):
        cell = None if cells is None else cells[number]
        frame = Frame(scale * np.asarray(values, dtype=float), cell, symbols=names)
        if "step" in position and position["step"].shape:
            frame.step, frame.counts_steps = int(position["step"][number]), True
        if speed_scale is not None:
            frame.velocities = speed_scale * np.asarray(group["velocity/value"][number], dtype=float)
        if "time" in position and position["time"].shape:
            frame.time = float(position["time"][number])
            time_unit = _text(position["time"].attrs.get("unit", ""))
            frame.time_unit = time_unit if time_unit in ("ps", "fs") else None
        yield frame


def _h5md_length(values: Any, what: str, unit: str, path: Path) -> float:
    """Å of the unit of lengths of a data set; `unit` where it names none."""
    unit = _text(values.attrs.get("unit", unit))
    scale = {"angstrom": 1.0, "å": 1.0, "nm": 10.0}.get(unit.lower())
    if scale is None:
        raise DlmdError(f"{what} in '{unit}'", where=str(path), remedy="write lengths in Angstrom or nm")
    return scale


def _h5md_cells(group: Any, path: Path) -> np.ndarray | None:
    """(frames, 3, 3) cells in Å of the frames of positions; None without a box. A box that has steps of its own goes by them.

    Raises
    ------
    DlmdError
        where a frame has no box, or its box cannot be told.
    """
    if "box" not in group or "edges" not in group["box"]:
        return None
    position, edges = group["position"], group["box/edges"]
    values = edges["value"] if hasattr(edges, "keys") else edges
    own_unit = _text(position["value"].attrs.get("unit", "Angstrom"))
    box = _h5md_length(values, "the box", own_unit, path) * np.asarray(values, dtype=float)
    frames = len(position["value"])
    if values is edges:
        return np.broadcast_to(np.diag(box) if box.ndim == 1 else box, (frames, 3, 3))
    cells = box[:, :, None] * np.eye(3) if box.ndim == 2 else box
    steps: list[Any] = [part["step"][()] if "step" in part else 0 for part in (position, edges)]
    if all(np.ndim(step) for step in steps):
        of_step = {int(step): number for number, step in enumerate(steps[1])}
        missing = [int(step) for step in steps[0] if int(step) not in of_step]
        if not missing:
            return cells[[of_step[int(step)] for step in steps[0]]]
        what = f"step {missing[0]} has positions and no box"
    elif len(cells) == frames:
        return cells
    else:
        what = f"{frames} frames of positions and {len(cells)} boxes"
    raise DlmdError(what, where=str(path), remedy="write the box with every frame of positions")


# Å/ps of the units of velocities in H5MD.
_SPEEDS = {
    "nm ps-1": 10.0,
    "nm/ps": 10.0,
    "angstrom ps-1": 1.0,
    "angstrom/ps": 1.0,
    "angstrom fs-1": 1e3,
    "angstrom/fs": 1e3,
}


def _h5md_speed(group: Any) -> float | None:
    """Å/ps of the velocities' unit; None without velocities for each frame of positions, or of another unit."""
    if "velocity" not in group or len(group["velocity/value"]) != len(group["position/value"]):
        return None
    return _SPEEDS.get(_text(group["velocity/value"].attrs.get("unit", "")).lower().replace("+1", ""))


def _h5md_species(group: Any) -> list[str] | None:
    """Names of the atoms from `species`, where these are atomic numbers or names."""
    from ase.data import chemical_symbols

    if "species" not in group:
        return None
    species = group["species"]
    values = np.asarray(species["value"][0] if hasattr(species, "keys") else species[()])
    if values.dtype.kind in "iu":
        return [
            chemical_symbols[v] if 0 < v < len(chemical_symbols) else f"type {v}" for v in values.tolist()
        ]
    return [_text(v) for v in values]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def of_object(source: Any) -> Iterator[Frame]:
    """Frames of a trajectory object: a list of ASE's Atoms (or its Trajectory), pymatgen's Trajectory or list of Structures,
    MDAnalysis' Universe or AtomGroup, or an array of positions (frames, atoms, 3) in Å.

    Raises
    ------
    DlmdError
        for anything else.
    """
    kind = f"{type(source).__module__}.{type(source).__name__}"
    if isinstance(source, np.ndarray) and source.ndim == 3 and source.shape[2] == 3:
        yield from (Frame(np.asarray(positions, dtype=float), None) for positions in source)
        return
    if (hasattr(source, "universe") and hasattr(source, "trajectory")) or hasattr(source, "atoms"):
        group = getattr(source, "atoms", source)
        if hasattr(group, "universe"):
            yield from _of_mdanalysis(group)
            return
    if hasattr(source, "coords") and hasattr(source, "get_structure"):
        yield from _of_pymatgen(source)
        return
    if not (hasattr(source, "__iter__") or hasattr(source, "__getitem__")):
        raise DlmdError(f"a trajectory of type {kind}", remedy=OBJECTS)
    for item in source:
        if hasattr(item, "get_chemical_symbols"):
            yield of_ase(item)
        elif hasattr(item, "cart_coords") and hasattr(item, "lattice"):
            yield _of_structure(item)
        else:
            raise DlmdError(
                f"a trajectory of type {kind} with frames of type {type(item).__name__}", remedy=OBJECTS
            )


OBJECTS = "give files, ASE Atoms, a pymatgen Trajectory or Structures, an MDAnalysis Universe, or Trajectory.from_arrays"


def _of_structure(structure: Any) -> Frame:
    symbols = [site.specie.symbol for site in structure]
    return Frame(np.array(structure.cart_coords), np.array(structure.lattice.matrix), symbols=symbols)


def _of_pymatgen(source: Any) -> Iterator[Frame]:
    # its time_step has no unit: the user gives one
    for number in range(len(source)):
        yield _of_structure(source.get_structure(number))


def _of_mdanalysis(group: Any) -> Iterator[Frame]:
    trajectory = group.universe.trajectory
    names = _mdanalysis_names(group)
    # MDAnalysis makes up 1 ps where a format holds no times, and reads those of LAMMPS' DCD in the wrong unit
    timed = str(getattr(trajectory, "format", "")) in ("XTC", "TRR", "H5MD")
    for step in trajectory:
        moving = bool(getattr(step, "has_velocities", False))
        dimensions = step.triclinic_dimensions
        cell = None if dimensions is None else np.asarray(dimensions, dtype=float)
        yield Frame(
            np.array(group.positions, dtype=float),
            cell,
            symbols=names,
            time=float(step.time) if timed else None,
            time_unit="ps" if timed else None,
            velocities=np.array(group.velocities, dtype=float) if moving else None,
            metal_or_real=not timed,
        )


def _mdanalysis_names(group: Any) -> list[str] | None:
    for attribute in ("elements", "names", "types"):
        try:
            found: Sequence[Any] = getattr(group, attribute)
        except Exception:  # MDAnalysis raises its own error for what a topology lacks
            continue
        if all(str(name).strip() for name in found):
            return [str(name) for name in found]
    return None


def by_chemfiles(path: Path, name: str, frames: int | None) -> Iterator[Frame]:
    """Frames by chemfiles: the first `frames`, or all that are whole.

    Raises
    ------
    DlmdError
        for a file that chemfiles cannot read, or of which it reads fewer.
    """
    import warnings

    import chemfiles

    with warnings.catch_warnings():
        # that a file is cut short has its own message here
        warnings.simplefilter("ignore")
        try:
            with chemfiles.Trajectory(str(path), "r", name) as file:
                if frames is not None and file.nsteps < frames:
                    raise DlmdError(
                        f"{file.nsteps} of {frames} frames are readable",
                        where=str(path),
                        remedy=TRUNCATED,
                    )
                for number in range(file.nsteps if frames is None else frames):
                    try:
                        found = file.read()
                    except chemfiles.ChemfilesError as error:
                        if number and number == file.nsteps - 1:
                            raise CutShort(str(error), where=str(path), remedy=TRUNCATED) from error
                        raise
                    yield _of_chemfiles(found, name)
        except chemfiles.ChemfilesError as error:
            raise DlmdError(f"unreadable: {error}", where=str(path), remedy=TRUNCATED) from error


def _of_chemfiles(found: Any, name: str) -> Frame:
    # chemfiles keeps the vectors in columns
    cell = np.array(found.cell.matrix).T if found.cell.volume > 0 else None
    frame = Frame(np.array(found.positions), cell)
    if name == "TRR" and found.has_velocities():
        frame.velocities = np.array(found.velocities)
    if name in ("XTC", "TRR"):
        frame.step = found.step
        frame.time, frame.time_unit = float(found["time"]), "ps"
    return frame
