"""Join the MD segments of one run into a `Trajectory`, after checking everything that can be wrong with them.

A segment is what `dlmd.md.production` leaves: NNNN.json (the sidecar, written last) beside the mobile ions (DCD), the host's
centre of mass, all atoms at a longer stride (XTC) and thermodynamic data. Times come from the sidecars only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base.carriers import elements
from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json
from dlmd.base.geometry import cell_widths
from dlmd.base.provenance import file_sha256
from dlmd.base.units import FS_PER_PS
from dlmd.trajectory.binary import dcd_frames, dcd_layout, xtc_offsets
from dlmd.trajectory.frame_sources import ChosenIons, FrameSource, JoinedFrames, MappedFrames
from dlmd.trajectory.host import HostHealth, host_health
from dlmd.trajectory.trajectory import Trajectory

FORMAT, FORMAT_VERSION = "dlmd-segment", 1
# What must not differ between the segments of a run.
_SAME = (
    "level",
    "replica",
    "temperature_k",
    "ensemble",
    "time_step_fs",
    "dcd_stride",
    "xtc_stride",
    "mobile",
    "ids",
    "n_atoms",
    "species",
    "types",
    "masses_amu",
    "cell_angstrom",
)
_NEEDED = (
    "segment",
    "parent",
    "first_step",
    "last_step",
    "dcd_frames",
    "xtc_frames",
    "dcd",
    "host",
    "xtc",
    "thermo",
    *_SAME,
)
# Frames of all atoms used to judge the host: enough to average vibrations out, few enough for any size.
_HEALTH_FRAMES = 200
_REWRITE = "delete the segment's files and run it again"


@dataclass(frozen=True)
class AllAtoms:
    """All atoms of a run at a longer stride: positions (frames, atoms, 3) float32 in Å, unwrapped; `steps` (frames,)."""

    positions: np.ndarray
    steps: np.ndarray
    symbols: list[str]
    masses_amu: np.ndarray
    cell: np.ndarray
    time_step_fs: float


def read_sidecars(paths: Sequence[str | Path]) -> list[tuple[Path, dict[str, Any]]]:
    """The sidecars in the order of their segments, checked against each other.

    Raises
    ------
    DlmdError
        for a missing, unreadable or foreign sidecar, for segments of different runs, and for a gap or a repetition in the chain.
    """
    if not paths:
        raise DlmdError("no segments", remedy="name the NNNN.json of at least one segment")
    found = sorted(((Path(p), _sidecar(Path(p))) for p in paths), key=lambda item: item[1]["segment"])
    first = found[0][1]
    for (path, data), (before_path, before) in zip(found[1:], found[:-1], strict=True):
        for key in _SAME:
            if data[key] != first[key]:
                shown = (
                    ""
                    if isinstance(data[key], list | dict)
                    else f": {data[key]!r}, but {first[key]!r} in {found[0][0].name}"
                )
                raise DlmdError(
                    f"the segments differ in '{key}'{shown}",
                    where=str(path),
                    remedy="give segments of one run only",
                )
        if data["segment"] != before["segment"] + 1 or data["parent"] != before_path.name:
            raise DlmdError(
                f"segment {data['segment']} (parent {data['parent']}) does not follow {before_path.name}",
                where=str(path),
                remedy="give every segment of the run once",
            )
        if data["first_step"] != before["last_step"]:
            raise DlmdError(
                f"starts at step {data['first_step']}, but {before_path.name} ends at step {before['last_step']}",
                where=str(path),
                remedy=_REWRITE,
            )
    return found


def join(sidecars: Sequence[str | Path]) -> Trajectory:
    """One `Trajectory` from the NNNN.json files of consecutive segments (in any order).

    The frame shared by two neighbours must be the same in both, and is counted once. NaN and moves of more than half the cell
    are refused while the blocks are read.

    Raises
    ------
    DlmdError
        for whatever does not fit: see `read_sidecars`; frame counts, steps, truncated files, differing shared frames.
    """
    chain = read_sidecars(sidecars)
    first = chain[0][1]
    if first["dcd"] is None:
        raise DlmdError(
            "the equilibration has no frames of the ions",
            where=str(chain[0][0]),
            remedy="name the segments from 0001.json on, or the folder of the run",
        )
    sources, centres = [], []
    for path, data in chain:
        sources.append(_mobile_frames(path, data))
        centres.append(_host_centre(path, data))
    for i in range(1, len(chain)):
        _check_shared_frame(chain[i][0], sources[i - 1], sources[i], centres[i - 1], centres[i])
    skips = [0] + [1] * (len(chain) - 1)
    n_host = first["n_atoms"] - len(first["ids"])
    notes = [f"{len(chain)} segment(s) joined; {len(chain) - 1} shared boundary frame(s) counted once"]
    if first["segment"] > 1:
        notes.append(f"starts with segment {first['segment']}: earlier segments are left out")
    cell = np.array(first["cell_angstrom"], dtype=np.float64)
    centre = np.concatenate([c[skip:] for c, skip in zip(centres, skips, strict=True)])
    carriers = _carriers(first)
    source: FrameSource = JoinedFrames(sources, skips)
    if carriers:
        source = ChosenIons(source, np.concatenate(list(carriers.values())))
    return Trajectory(
        source=source,
        frame_interval_ps=first["time_step_fs"] * first["dcd_stride"] / FS_PER_PS,
        cell=cell,
        mobile=first["mobile"],
        host_centre=centre if n_host else None,
        temperature_k=float(first["temperature_k"]),
        n_host_atoms=n_host,
        carriers={name: len(index) for name, index in carriers.items()},
        thermo=_thermo(chain),
        host=_health(chain) if n_host else None,
        step_limit_angstrom=0.5 * float(cell_widths(cell).min()),
        notes=notes,
        label=f"{chain[0][0]}" + (f" to {chain[-1][0].name}" if len(chain) > 1 else ""),
    )


def _carriers(data: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """(ions,) indices among the stored ions of each of several mobile elements; none where there is one."""
    names = elements(data["mobile"])
    if len(names) == 1:
        return {}
    symbols = np.array([data["species"][data["types"][number - 1] - 1] for number in data["ids"]])
    return {name: np.flatnonzero(symbols == name) for name in names}


def all_atoms(sidecars: Sequence[str | Path], *, max_frames: int | None = None) -> AllAtoms:
    """All atoms of consecutive segments, `max_frames` of them at equal intervals where that is given.

    Raises
    ------
    DlmdError
        as `read_sidecars`, and for an XTC file that is truncated or has not the frames of its sidecar.
    """
    return _all_atoms(read_sidecars(sidecars), max_frames)


def _all_atoms(chain: Sequence[tuple[Path, dict[str, Any]]], max_frames: int | None) -> AllAtoms:
    import chemfiles

    first = chain[0][1]
    places = []
    for i, (path, data) in enumerate(chain):
        file = _file(path, data, "xtc")
        offsets = xtc_offsets(file)
        expected = (data["last_step"] - data["first_step"]) // data["xtc_stride"] + 1
        if not len(offsets) - 1 == data["xtc_frames"] == expected:
            raise DlmdError(
                f"{len(offsets) - 1} whole frames; the sidecar says {data['xtc_frames']}, its steps and stride {expected}",
                where=str(file),
                remedy=_REWRITE,
            )
        places += [
            (file, k, data["first_step"] + k * data["xtc_stride"]) for k in range(1 if i else 0, expected)
        ]
    if max_frames is not None and len(places) > max_frames:
        places = [places[k] for k in np.linspace(0, len(places) - 1, max_frames).round().astype(int)]
    positions = np.empty((len(places), first["n_atoms"], 3), dtype=np.float32)
    opened: Any = None
    open_file = None
    try:
        for row, (file, k, _) in enumerate(places):
            if file != open_file:
                if opened is not None:
                    opened.close()
                opened, open_file = chemfiles.Trajectory(str(file)), file
            frame = opened.read_step(k)
            if len(frame.atoms) != first["n_atoms"]:
                raise DlmdError(
                    f"{len(frame.atoms)} atoms, not {first['n_atoms']}", where=str(file), remedy=_REWRITE
                )
            positions[row] = frame.positions
    finally:
        if opened is not None:
            opened.close()
    symbols = [first["species"][t - 1] for t in first["types"]]
    return AllAtoms(
        positions=positions,
        steps=np.array([step for _, _, step in places]),
        symbols=symbols,
        masses_amu=np.array([first["masses_amu"][s] for s in symbols]),
        cell=np.array(first["cell_angstrom"]),
        time_step_fs=first["time_step_fs"],
    )


def _sidecar(path: Path) -> dict[str, Any]:
    _need(path)
    data = read_json(path, remedy="give the NNNN.json of a segment")
    if not isinstance(data, dict) or (data.get("format"), data.get("version")) != (FORMAT, FORMAT_VERSION):
        found = (data.get("format"), data.get("version")) if isinstance(data, dict) else type(data).__name__
        raise DlmdError(
            f"no segment of a run: format {found}, expected {(FORMAT, FORMAT_VERSION)}",
            where=str(path),
            remedy="give the NNNN.json of a segment",
        )
    missing = [key for key in _NEEDED if key not in data]
    if missing:
        raise DlmdError(f"the sidecar lacks {', '.join(missing)}", where=str(path), remedy=_REWRITE)
    return data


def _need(path: Path) -> None:
    if not path.is_file():
        raise DlmdError(
            "no such file",
            where=str(path),
            remedy="check the path; a segment without its files must be run again",
        )


def _file(path: Path, data: Mapping[str, Any], key: str) -> Path:
    """A file of the segment with this sidecar, and the one that was written, where the sidecar has its checksum."""
    file = path.parent / data[key]
    _need(file)
    written = data.get("sha256", {}).get(key)
    if written is not None and file_sha256(file) != written:
        raise DlmdError(
            "the file is not the one that the run wrote: its checksum is another one",
            where=str(file),
            remedy=f"get it back from where it was copied from, or {_REWRITE}",
        )
    return file


def _mobile_frames(path: Path, data: dict[str, Any]) -> MappedFrames:
    file = _file(path, data, "dcd")
    atoms, header, record = dcd_layout(file)
    frames, rest = dcd_frames(file), (file.stat().st_size - header) % record
    expected = (data["last_step"] - data["first_step"]) // data["dcd_stride"] + 1
    if atoms != len(data["ids"]):
        raise DlmdError(
            f"{atoms} ions, but the sidecar has {len(data['ids'])} ids", where=str(file), remedy=_REWRITE
        )
    if rest or not frames == data["dcd_frames"] == expected:
        raise DlmdError(
            f"{frames} whole frames and {rest} bytes; the sidecar says {data['dcd_frames']}, its steps and stride {expected}",
            where=str(file),
            remedy=_REWRITE,
        )
    # record marks are 4 bytes; the cell, where there is one, is a record of its own before x
    cell_bytes = record - 3 * (4 * atoms + 8)
    return MappedFrames(
        file, n_ions=atoms, n_frames=frames, offset=header, record_bytes=record, lead=cell_bytes + 4, gap=8
    )


def _host_centre(path: Path, data: dict[str, Any]) -> np.ndarray:
    file = _file(path, data, "host")
    steps = np.arange(data["first_step"], data["last_step"] + 1, data["dcd_stride"])
    try:
        rows = np.loadtxt(file, ndmin=2)
    except ValueError as error:
        raise DlmdError(f"unreadable: {error}", where=str(file), remedy=_REWRITE) from error
    if rows.shape != (len(steps), 4) or not np.array_equal(rows[:, 0], steps):
        raise DlmdError(
            f"{len(rows)} rows whose steps are not those of the {len(steps)} frames "
            f"({steps[0]} to {steps[-1]} by {data['dcd_stride']})",
            where=str(file),
            remedy=_REWRITE,
        )
    return rows[:, 1:]


def _check_shared_frame(
    path: Path, before: MappedFrames, after: MappedFrames, centre_before: np.ndarray, centre_after: np.ndarray
) -> None:
    old = before.planes(before.n_frames - 1, before.n_frames, 0, before.n_ions)
    new = after.planes(0, 1, 0, after.n_ions)
    # a few units in the last place of float32; the text files have 8 digits
    scale = max(1.0, float(np.abs(old).max(initial=0.0)), float(np.abs(centre_before[-1]).max()))
    tolerance = 8 * float(np.finfo(np.float32).eps) * scale
    gap = max(float(np.abs(new - old).max()), float(np.abs(centre_after[0] - centre_before[-1]).max()))
    if not gap <= tolerance:
        raise DlmdError(
            f"the first frame differs from the last one of the segment before by up to {gap:.3g} Å",
            where=str(path),
            remedy="run this segment again from the restart file of the one before",
        )


def _thermo(chain: Sequence[tuple[Path, dict[str, Any]]]) -> dict[str, np.ndarray]:
    return thermodynamics(
        chain, ("step", "temperature_k", "potential_energy_ev", "pressure_bar", "conserved_ev")
    )


def thermodynamics(
    chain: Sequence[tuple[Path, dict[str, Any]]], columns: Sequence[str]
) -> dict[str, np.ndarray]:
    """Columns of thermo.csv of all segments of a chain (see `read_sidecars`), rows (rows,) that two share counted once, and
    `time_ps` from the start of the first.

    Raises
    ------
    DlmdError
        for a file that is unreadable or has not all of its rows, and for NaN.
    """
    parts = []
    for i, (path, data) in enumerate(chain):
        file = _file(path, data, "thermo")
        try:
            rows = np.genfromtxt(file, delimiter=",", names=True, ndmin=1)
            table = np.stack([rows[name] for name in columns], axis=1)
        except (ValueError, IndexError) as error:
            raise DlmdError(f"unreadable: {error}", where=str(file), remedy=_REWRITE) from error
        if not np.isfinite(table).all():
            raise DlmdError("NaN or an empty field", where=str(file), remedy=_REWRITE)
        # the verdicts on temperature and energy hang on all of them; a sidecar of old has no stride of these rows
        stride = data.get("thermo_stride") or max(1, int(np.diff(table[:2, 0]).sum()))
        steps = np.arange(data["first_step"], data["last_step"] + 1, stride)
        if not np.array_equal(table[:, 0], steps):
            raise DlmdError(
                f"{len(table)} rows whose steps are not those of the segment "
                f"({steps[0]} to {steps[-1]} by {stride}: {len(steps)})",
                where=str(file),
                remedy=_REWRITE,
            )
        parts.append(table[table[:, 0] > data["first_step"]] if i else table)
    joined = np.concatenate(parts)
    thermo = dict(zip(columns, joined.T, strict=True))
    thermo["time_ps"] = (thermo["step"] - chain[0][1]["first_step"]) * chain[0][1]["time_step_fs"] / FS_PER_PS
    return thermo


def _health(chain: Sequence[tuple[Path, dict[str, Any]]]) -> HostHealth:
    atoms = _all_atoms(chain, _HEALTH_FRAMES)
    mobile = np.zeros(len(atoms.symbols), dtype=bool)
    mobile[np.array(chain[0][1]["ids"]) - 1] = True
    positions = atoms.positions[:, ~mobile].astype(np.float64)
    weights = atoms.masses_amu[~mobile] / atoms.masses_amu[~mobile].sum()
    centre = np.einsum("fai,a->fi", positions, weights)
    kinds = [s for s, m in zip(atoms.symbols, mobile, strict=True) if not m]
    return host_health(positions, centre, kinds, cell=atoms.cell)
