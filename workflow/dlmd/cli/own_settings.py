"""What the commands on one's own trajectories make of their options: charges, settings of the analysis, names of results."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dlmd.base.errors import DlmdError

if TYPE_CHECKING:
    from dlmd.trajectory.readers import System
    from dlmd.trajectory.trajectory import Trajectory


def analysis_options(args: argparse.Namespace) -> dict:
    """What `analyse` takes from the command line."""
    given = {
        "hop_length_angstrom": args.hop_length,
        "host_shift_angstrom": args.host_shift,
        "host_drift_angstrom": args.host_drift,
    }
    return {
        "temperature_k": args.temperature,
        "lag_start_ps": args.lag_start,
        "lag_end_ps": args.lag_end,
        "confidence": args.confidence,
        **{name: value for name, value in given.items() if value is not None},
    }


def check_charge(args: argparse.Namespace, system: System) -> None:
    """Raises DlmdError where the charge cannot be told, before everything is read."""
    from dlmd.trajectory.readers import composition
    from dlmd.transport.charges import charge_of

    if isinstance(args.charge, dict) and (
        foreign := [name for name in args.charge if name not in system.mobile]
    ):
        raise DlmdError(
            f"--charge has {', '.join(foreign)}, but {', '.join(system.mobile)} is mobile",
            remedy="give the charges of the mobile elements alone",
        )
    for name in system.mobile:
        charge_of(name, charge_given(args, name, several=len(system.mobile) > 1), composition(system.symbols))


def charge_given(args: argparse.Namespace, element: str, *, several: bool = False) -> float | None:
    """The charge that the command line has for an element, the only mobile one or one of several.

    Raises
    ------
    DlmdError
        for one charge of several mobile elements.
    """
    if isinstance(args.charge, dict):
        return args.charge.get(element)
    if args.charge is not None and several:
        raise DlmdError(
            f"one --charge {args.charge:g} for several mobile elements",
            remedy="give one for each, such as --charge Li=1,Na=1",
        )
    return args.charge


def require_free(
    path: Path, inputs: Iterable[str | Path], *, named: bool = False, formats: Sequence[str] = ()
) -> None:
    """Raises DlmdError where a result of other files, or of another kind, has the name of the one to be written.

    That of the same files is made again, as is one with a file in common: a run that went on has more parts, a line more
    temperatures. Files are the same by their path, or by what is in them where the result was written from another folder.

    Parameters
    ----------
    inputs
        Files and folders of the result to be written.
    named
        Whether the command has the option --name.
    formats
        Entries `format` of results that may be written over; any where there are none.
    """
    if not path.exists():
        return
    from dlmd.base.files import read_json
    from dlmd.base.provenance import content_of, file_record

    kind = None
    try:
        saved = read_json(path, remedy="")
        kind = saved.get("format")
        records = saved.get("provenance", {}).get("inputs", [])
        before = {Path(record["path"]).resolve(): content_of(record) for record in records}
    except (DlmdError, AttributeError, KeyError, TypeError):
        before = {}
    now = [Path(p).resolve() for p in inputs]
    other = "give another name with --name NAME, or another folder with -o DIR"
    remedy = other if named else "give another folder with -o DIR"
    if formats and kind is not None and kind not in formats:
        raise DlmdError(
            f"{path.name} is the result of another command ({kind})", where=str(path.parent), remedy=remedy
        )
    if any(one == p or p in one.parents for p in now for one in before):
        return
    if any(content_of(file_record(p)) in before.values() for p in now if p.is_file()):
        return
    raise DlmdError(
        f"{path.name} is the result of other files: {_listed(before)}, now {_listed(now)}",
        where=str(path.parent),
        remedy=remedy,
    )


def require_same_ions(path: Path, trajectory: Trajectory) -> None:
    """Raises DlmdError where a result of the same files, but of other mobile ions, has the name of the one to be written."""
    if not path.exists():
        return
    from dlmd.base.files import read_json

    saved = read_json(path, remedy="delete it, if nobody needs it")
    if not isinstance(saved, dict):
        return
    mobile, n_ions = trajectory.mobile, trajectory.n_ions
    before, number = saved.get("mobile", mobile), saved.get("n_ions", n_ions)
    if (before, number) != (mobile, n_ions):
        raise DlmdError(
            f"{path.name} is the result of {number} {before}, now {n_ions} {mobile} are mobile",
            where=str(path.parent),
            remedy="give another folder with -o DIR, or delete it, if it was a mistake",
        )


def write_record(
    path: Path, trajectories: Sequence[Trajectory], inputs: Iterable[Path], command: Sequence[str]
) -> None:
    """What tables without a head of their own are of, as JSON beside them, by which `require_free` knows them."""
    from dlmd.base.files import write_json
    from dlmd.base.provenance import provenance

    first = trajectories[0]
    record = {
        "format": "dlmd-record",
        "mobile": first.mobile,
        "n_ions": first.n_ions,
        "n_frames": sum(run.n_frames for run in trajectories),
        "frame_interval_ps": first.frame_interval_ps,
        "replicas": len(trajectories),
        "notes": list(dict.fromkeys(note for run in trajectories for note in run.notes)),
        "provenance": provenance(inputs, command=command),
    }
    write_json(path, record)


def _listed(paths: Iterable[Path], most: int = 3) -> str:
    """Paths as seen from the working directory, since runs in several folders have files of one name."""
    here = Path.cwd()
    shown = sorted({str(p.relative_to(here) if p.is_relative_to(here) else p) for p in paths})
    return (
        ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "") or "unknown"
    )
