"""Production MD: equilibration, and a chain of segments that go on from their own restart files after a kill.

A segment works in `NNNN.parts/`, one part per attempt; an attempt starts at the last whole restart file of the ones before.
When the last step is reached the parts are joined, checked against the counts they must have, and the sidecar
`NNNN.json` is written last: a segment without it does not exist.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from dlmd.base.errors import DlmdError
from dlmd.base.files import write_json
from dlmd.base.provenance import file_sha256, fingerprint
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
from dlmd.process import programs, walltime
from dlmd.trajectory import binary

FORMAT = "dlmd-segment"
FORMAT_VERSION = 1
# LAMMPS ends (and begins) every restart file with this
RESTART_MAGIC = b"LammpS RestartT"
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
        data=str(data.resolve()),
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
    first, last = (number - 1) * steps, number * steps
    parts_dir = folder / f"{number:04d}.parts"
    parent = folder / f"{number - 1:04d}.restart"
    mark = segment_mark(parent, steps=steps, dynamics=dynamics, strides=strides, identity=identity)
    _require_same(parts_dir, mark)
    starts = _earlier_parts(parts_dir)
    final_restart = parts_dir / "end.restart"
    if not final_restart.exists():
        start, source = resume_point(parts_dir, strides, last) or (first, parent)
        if start > first:
            print(f"segment {number}: going on at step {start} of {first}..{last}", file=sys.stderr)
        name = f"{start:012d}"
        text = segment_input(
            dynamics,
            restart_in=str(source.resolve()),
            last_step=last,
            strides=strides,
            positions=f"{name}.dcd",
            all_atoms=f"{name}.xtc",
            host=f"{name}.host.txt",
            thermo=f"{name}.thermo.csv",
            restart_out="end.restart.tmp",
            restart_prefix="restart",
            reached="reached",
            timeout_s=walltime.usable_s(),
        )
        (parts_dir / f"{name}.in").write_text(text)
        _lammps(lmp, f"{name}.in", cwd=parts_dir, log=log, threads=threads, dynamics=dynamics)
        step = int((parts_dir / "reached").read_text())
        if step < last:
            (parts_dir / "end.restart.tmp").replace(parts_dir / f"restart.{step}")
            raise walltime.stopped(
                f"segment {number} is at step {step} of {first}..{last}", where=str(folder)
            )
        (parts_dir / "end.restart.tmp").replace(final_restart)
        # Nothing counts of an earlier attempt that began here or later.
        starts = [*(s for s in starts if s < start), start]
    _assemble(
        folder,
        parts_dir,
        number=number,
        starts=starts,
        first=first,
        last=last,
        strides=strides,
        dynamics=dynamics,
        identity=identity,
    )
    shutil.rmtree(parts_dir)


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
        "dynamics": _without(asdict(dynamics), "pair", "max_deviation_ev_per_angstrom"),
        "strides": asdict(strides),
        # Sidecars had this key once, always empty. It stays here because segments that are under way hold the fingerprint.
        "identity": {**_without(identity, "versions", "watched_by"), "reference_cell_angstrom": None},
    }
    return fingerprint(json.dumps(known, sort_keys=True))


def _without(values: Mapping, *keys: str) -> dict:
    return {key: value for key, value in values.items() if key not in keys}


def _require_same(parts_dir: Path, mark: str) -> None:
    """Parts of another potential, state or length must not be continued: they are deleted, and that is said."""
    known = parts_dir / "fingerprint"
    if parts_dir.exists() and not (known.exists() and known.read_text() == mark):
        print(
            f"{parts_dir} holds parts of another potential, start or length: starting afresh", file=sys.stderr
        )
        shutil.rmtree(parts_dir)
    parts_dir.mkdir(exist_ok=True)
    known.write_text(mark)


def _earlier_parts(parts_dir: Path) -> list[int]:
    """Start steps of the attempts that left a trajectory."""
    return sorted(int(p.stem) for p in parts_dir.glob("*.dcd"))


def resume_point(parts_dir: Path, strides: Strides, last: int) -> tuple[int, Path] | None:
    """Step and file from which the next attempt goes on; None where it has to start afresh.

    It is the latest whole restart file before `last` up to which all frames and rows have reached the disk: what LAMMPS still
    held in its buffers when it was killed is made again."""
    starts = _earlier_parts(parts_dir)
    found = {int(p.suffix[1:]): p for p in parts_dir.glob("restart.*") if p.suffix[1:].isdigit()}
    for step in sorted(found, reverse=True):
        part = max((s for s in starts if s < step), default=None)
        if step >= last or part is None or RESTART_MAGIC not in found[step].read_bytes()[-64:]:
            continue
        if _stored_until(parts_dir, part, strides) >= step:
            return step, found[step]
    return None


def _stored_until(parts_dir: Path, start: int, strides: Strides) -> int:
    """The step before which a part has stored all frames and rows."""
    name = f"{start:012d}"
    frames = {
        strides.positions: binary.whole_dcd_frames(parts_dir / f"{name}.dcd"),
        strides.all_atoms: len(binary.xtc_offsets(parts_dir / f"{name}.xtc")) - 1,
    }
    until = [start + stride * count for stride, count in frames.items()]
    for suffix, separator, stride in (
        ("host.txt", None, strides.positions),
        ("thermo.csv", ",", strides.thermo),
    ):
        rows = _rows(parts_dir / f"{name}.{suffix}", separator)[1]
        until.append(max(rows) + stride if rows else start)
    return min(until)


def _assemble(
    folder: Path,
    parts_dir: Path,
    *,
    number: int,
    starts: Sequence[int],
    first: int,
    last: int,
    strides: Strides,
    dynamics: Dynamics,
    identity: Mapping,
) -> None:
    """Join the parts; every one contributes its frames up to the start of the next."""
    ends = [*starts[1:], last]
    stem = f"{number:04d}"

    def counted(suffix: str, stride: int) -> list[tuple[Path, int]]:
        # the frame at a boundary is taken from the later part, the last frame from the last part
        extra = [0] * (len(starts) - 1) + [1]
        return [
            (parts_dir / f"{s:012d}.{suffix}", (e - s) // stride + x)
            for s, e, x in zip(starts, ends, extra, strict=True)
        ]

    dcd_frames = binary.join_dcd(counted("dcd", strides.positions), folder / f"{stem}.dcd.tmp")
    xtc_frames = binary.join_xtc(counted("xtc", strides.all_atoms), folder / f"{stem}.xtc.tmp")
    host = _join_rows([parts_dir / f"{s:012d}.host.txt" for s in starts], ends, separator=None)
    thermo = _join_rows([parts_dir / f"{s:012d}.thermo.csv" for s in starts], ends, separator=",")
    (folder / f"{stem}.host.txt.tmp").write_text(host)
    (folder / f"{stem}.thermo.csv.tmp").write_text(thermo)
    expected = (last - first) // strides.positions + 1
    host_rows = sum(not line.startswith("#") for line in host.splitlines())
    if dcd_frames != expected or host_rows != expected:
        raise DlmdError(
            f"segment {number} has {dcd_frames} frames and {host_rows} host rows, not {expected}",
            where=str(parts_dir),
            remedy=f"delete {parts_dir.name} and run again",
        )
    shutil.copyfile(parts_dir / "end.restart", folder / f"{stem}.restart.tmp")
    for suffix in ("dcd", "xtc", "host.txt", "thermo.csv", "restart"):
        (folder / f"{stem}.{suffix}.tmp").replace(folder / f"{stem}.{suffix}")
    write_json(
        folder / f"{stem}.json",
        {
            **_sidecar(dynamics, number=number, first=first, last=last),
            "dcd_stride": strides.positions,
            "dcd_frames": dcd_frames,
            "xtc_stride": strides.all_atoms,
            "xtc_frames": xtc_frames,
            "thermo_stride": strides.thermo,
            "attempts": len(starts),
            "attempt_first_steps": list(starts),
            **identity,
        },
    )


def _sidecar(dynamics: Dynamics, *, number: int, first: int, last: int) -> dict:
    """What every sidecar says, whatever was stored."""
    stem = f"{number:04d}"
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "segment": number,
        "parent": f"{number - 1:04d}.json" if number > 1 else None,
        "temperature_k": float(dynamics.temperature_k),
        "ensemble": "nvt",
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


def _join_rows(paths: Sequence[Path], ends: Sequence[int], *, separator: str | None) -> str:
    """Header of the first part, then one row per step; where two parts hold a step, the later part's row."""
    head: list[str] = []
    rows: dict[int, str] = {}
    for i, (path, end) in enumerate(zip(paths, ends, strict=True)):
        found_head, found = _rows(path, separator)
        head = head if i else found_head
        rows |= {step: line for step, line in found.items() if step <= end}
    return "\n".join([*head, *(rows[step] for step in sorted(rows))]) + "\n"


def _rows(path: Path, separator: str | None) -> tuple[list[str], dict[int, str]]:
    """Header lines, and rows by their step; a line that a kill has cut short is none."""
    head: list[str] = []
    rows: dict[int, str] = {}
    for line in path.read_text().splitlines(keepends=True) if path.exists() else ():
        first_field = line.split(separator)[0] if line.strip() else ""
        if not line.endswith("\n"):
            continue
        if first_field.isdigit():
            rows[int(first_field)] = line.rstrip("\n")
        else:
            head.append(line.rstrip("\n"))
    return head, rows


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
