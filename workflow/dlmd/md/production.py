"""Production MD: equilibration, and a chain of segments that go on from their own restart files after a kill.

A segment works in parts (see `dlmd.md.parts`). When the last step is reached they are joined, and the sidecar `NNNN.json` is
written last: a segment without it does not exist.
"""

from __future__ import annotations

import json
import shutil
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json, seen_from, write_json
from dlmd.base.provenance import file_sha256, fingerprint
from dlmd.md import parts
from dlmd.md.inputs import (
    DEVIATION,
    FLAGS,
    Dynamics,
    Strides,
    deviation_that_ended,
    equilibrate_input,
    guard_that_ended,
    segment_input,
)
from dlmd.md.parts import Segment
from dlmd.process import programs, walltime

FORMAT = "dlmd-segment"
FORMAT_VERSION = 1
# files of a segment whose checksums are in its sidecar -> their endings
HASHED = {"dcd": "dcd", "xtc": "xtc", "host": "host.txt", "thermo": "thermo.csv", "restart": "restart"}
# What a guard found. The segment is not tried again, because it would end the same way.
FAILED = "failed.txt"


def equilibrate(
    folder: Path,
    *,
    data: Path,
    dynamics: Dynamics,
    steps: int,
    seed: int,
    thermo_stride: int,
    all_atoms_stride: int,
    identity: Mapping,
    lmp: Sequence[str],
    threads: int,
    log: Path,
) -> None:
    """Minimise and equilibrate; leaves `0000.restart`, `0000.thermo.csv`, `0000.minimised.data`, and all atoms of the NVT part
    in `0000.xtc` with its sidecar `0000.json`, which has no stored positions of the mobile ions and is no part of the chain.

    Raises
    ------
    DlmdError
        if LAMMPS fails (lost atoms, runaway temperature, ...).
    """
    text = equilibrate_input(
        dynamics,
        data=seen_from(folder, data),
        steps=steps,
        seed=seed,
        thermo_stride=thermo_stride,
        all_atoms_stride=all_atoms_stride,
        thermo="0000.thermo.csv",
        all_atoms="0000.xtc",
        minimised="0000.minimised.data",
        restart="0000.restart.tmp",
    )
    (folder / "0000.in").write_text(text)
    # the start of a run may have changed since
    (folder / FAILED).unlink(missing_ok=True)
    _lammps(lmp, "0000.in", cwd=folder, log=log, threads=threads, dynamics=dynamics)
    write_json(
        folder / "0000.json",
        {
            **_sidecar(dynamics, number=0, first=0, last=steps),
            **{"dcd": None, "dcd_stride": 0, "dcd_frames": 0, "host": None},
            "xtc_stride": all_atoms_stride,
            "xtc_frames": steps // all_atoms_stride + 1,
            "thermo_stride": thermo_stride,
            **identity,
        },
    )
    (folder / "0000.restart.tmp").replace(folder / "0000.restart")


def run_segment(
    folder: Path,
    *,
    number: int,
    steps: int,
    dynamics: Dynamics,
    strides: Strides,
    identity: Mapping,
    lmp: Sequence[str],
    threads: int,
    log: Path,
) -> None:
    """Run segment `number` (from 1) of `steps` steps, starting where the one before ended.

    Parameters
    ----------
    folder
        The run's folder; the segment before must have left its restart file there.
    identity
        What the sidecar says of the run: level, replica, seed, ids, types, cell, versions and so on (see
        `dlmd.trajectory.trajectory`).

    Raises
    ------
    DlmdError
        if LAMMPS fails, the walltime comes first (calling again goes on from there), or what LAMMPS left has not the frames it
        must have.
    """
    segment = Segment(folder, number, first=(number - 1) * steps, last=number * steps)
    _check_parent(segment)
    mark = segment_mark(segment.parent, steps=steps, dynamics=dynamics, strides=strides, identity=identity)
    parts.require_same(segment.parts, mark)
    starts = parts.earlier(segment.parts)
    frames = _join_if_ended(segment, starts, strides)
    if frames is None:
        start, source = parts.resume_point(segment.parts, strides, segment.last) or (
            segment.first,
            segment.parent,
        )
        if start > segment.first:
            print(f"segment {number}: going on at step {start} of {segment.span}", file=sys.stderr)
        _attempt(
            segment, start, source, dynamics=dynamics, strides=strides, lmp=lmp, threads=threads, log=log
        )
        # Nothing counts of an earlier attempt that began here or later.
        starts = [*(s for s in starts if s < start), start]
        frames = parts.join(segment, starts, strides)
    write_json(
        folder / f"{segment.stem}.json",
        {
            **_sidecar(dynamics, number=number, first=segment.first, last=segment.last),
            "dcd_stride": strides.positions,
            "dcd_frames": frames.positions,
            "xtc_stride": strides.all_atoms,
            "xtc_frames": frames.all_atoms,
            "thermo_stride": strides.thermo,
            # what is read later must be what was written here
            "sha256": {
                key: file_sha256(folder / f"{segment.stem}.{suffix}") for key, suffix in HASHED.items()
            },
            "attempts": len(starts),
            "attempt_first_steps": list(starts),
            **identity,
        },
    )
    shutil.rmtree(segment.parts)


def _check_parent(segment: Segment) -> None:
    """The restart file that the segment begins with is the one that was written, where its sidecar has the checksum."""
    sidecar = segment.parent.with_suffix(".json")
    if not sidecar.exists():
        return
    written = read_json(sidecar).get("sha256", {}).get("restart")
    if written is not None and file_sha256(segment.parent) != written:
        raise DlmdError(
            "the restart file is not the one that the run wrote: its checksum is another one",
            where=str(segment.parent),
            remedy=f"get it back from where it was copied from, or delete {segment.parent.stem}.* and run again",
        )


def _join_if_ended(segment: Segment, starts: Sequence[int], strides: Strides) -> parts.Frames | None:
    """The joined segment, where an earlier attempt has come to its last step. Where it has, but frames are missing or damaged,
    they are made again: its last state is put away, and the next attempt goes on from the latest one with all frames."""
    end = segment.parts / parts.END
    if not end.exists():
        return None
    try:
        return parts.join(segment, starts, strides)
    except (DlmdError, OSError, struct.error) as error:
        what = error.what if isinstance(error, DlmdError) else str(error)
        print(
            f"segment {segment.number} had ended, but {what}: going back to where all is there",
            file=sys.stderr,
        )
        end.unlink()
        return None


def _attempt(
    segment: Segment,
    start: int,
    source: Path,
    *,
    dynamics: Dynamics,
    strides: Strides,
    lmp: Sequence[str],
    threads: int,
    log: Path,
) -> None:
    """Run LAMMPS from step `start`, whose restart file is `source`, to the end of the segment or of the walltime."""
    name, folder = f"{start:012d}", segment.parts
    text = segment_input(
        dynamics,
        restart_in=seen_from(folder, source),
        last_step=segment.last,
        strides=strides,
        positions=f"{name}.dcd",
        all_atoms=f"{name}.xtc",
        host=f"{name}.host.txt",
        thermo=f"{name}.thermo.csv",
        restart_out=f"{parts.END}.tmp",
        restart_prefix="restart",
        reached="reached",
        timeout_s=walltime.usable_s(),
    )
    (folder / f"{name}.in").write_text(text)
    _lammps(lmp, f"{name}.in", cwd=folder, log=log, threads=threads, dynamics=dynamics)
    step = int((folder / "reached").read_text())
    if step < segment.last:
        (folder / f"{parts.END}.tmp").replace(folder / f"restart.{step}")
        raise walltime.stopped(
            f"segment {segment.number} is at step {step} of {segment.span}", where=str(segment.folder)
        )
    (folder / f"{parts.END}.tmp").replace(folder / parts.END)


def _lammps(lmp: Sequence[str], name: str, *, cwd: Path, log: Path, threads: int, dynamics: Dynamics) -> None:
    """Run LAMMPS; where a guard has ended it, say which, and what that means, now and at every further attempt."""
    verdict = cwd / FAILED
    if not verdict.exists():
        before = log.stat().st_size if log.exists() else 0
        watch = None
        if dynamics.max_deviation_ev_per_angstrom:
            # of an attempt before this one
            (cwd / DEVIATION).unlink(missing_ok=True)
            watch = partial(deviation_that_ended, cwd / DEVIATION, dynamics.max_deviation_ev_per_angstrom)
        try:
            programs.run([*lmp, "-in", name, *FLAGS], cwd=cwd, log=log, threads=threads, watch=watch)
            return
        except programs.Ended as ended:
            verdict.write_text(str(ended))
        except DlmdError:
            with log.open(errors="replace") as text:
                text.seek(before)
                reason = guard_that_ended(text.read())
            if reason is None:
                raise
            verdict.write_text(reason)
    raise DlmdError(
        f"the potential is not stable at {dynamics.temperature_k:g} K: {verdict.read_text()}",
        where=str(cwd),
        remedy="add labels like these (hotter, denser, other orderings; the learning loop does it), or leave this temperature "
        f"out; to try again all the same, delete {verdict.name} there",
    ) from None


def segment_mark(parent: Path, *, steps: int, dynamics: Dynamics, strides: Strides, identity: Mapping) -> str:
    """Fingerprint of all that the frames of a segment depend on; guards, paths and versions of programs are not among it."""
    known = {
        "parent": file_sha256(parent),
        "steps": steps,
        "dynamics": _without(
            asdict(dynamics),
            *("pair", "max_deviation_ev_per_angstrom"),
            # segments under way at constant volume hold a fingerprint without these
            *(() if dynamics.pressure else ("pressure", "pressure_damping_fs")),
        ),
        "strides": asdict(strides),
        # Sidecars had this key once, always empty. It stays here because segments that are under way hold the fingerprint.
        "identity": {**_without(identity, "versions", "watched_by"), "reference_cell_angstrom": None},
    }
    return fingerprint(json.dumps(known, sort_keys=True))


def _without(values: Mapping, *keys: str) -> dict:
    return {key: value for key, value in values.items() if key not in keys}


def _sidecar(dynamics: Dynamics, *, number: int, first: int, last: int) -> dict:
    """What every sidecar says, whatever was stored."""
    stem = f"{number:04d}"
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "segment": number,
        "parent": f"{number - 1:04d}.json" if number > 1 else None,
        "temperature_k": float(dynamics.temperature_k),
        "ensemble": "npt" if dynamics.pressure else "nvt",
        "thermostat_damping_fs": dynamics.damping_fs,
        "time_step_fs": dynamics.time_step_fs,
        "first_step": first,
        "last_step": last,
        "mobile": dynamics.mobile,
        "species": list(dynamics.species),
        "dcd": f"{stem}.dcd",
        "xtc": f"{stem}.xtc",
        "host": f"{stem}.host.txt",
        "thermo": f"{stem}.thermo.csv",
        "restart": f"{stem}.restart",
    }


def identity(
    *,
    level: str,
    replica: int,
    seed: int,
    cell: Mapping,
    masses: Mapping[str, float],
    versions: Mapping,
    model_sha256: str,
) -> dict:
    """The part of the sidecar that is the same for all segments of a run.

    `cell` is what `dlmd.md.jobs.cell` wrote: types of all atoms by id, mobile ids, cell matrix.
    """
    return {
        "level": level,
        "replica": replica,
        "seed": seed,
        "ids": cell["mobile_ids"],
        "types": cell["types"],
        "n_atoms": len(cell["types"]),
        "masses_amu": dict(masses),
        "cell_angstrom": cell["cell_angstrom"],
        "versions": dict(versions),
        "model_sha256": model_sha256,
    }
