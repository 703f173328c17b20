"""Options that describe anybody's trajectory, shared by the commands that read one, and the reading itself."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dlmd.base.carriers import elements
from dlmd.base.errors import DlmdError

if TYPE_CHECKING:
    from dlmd.trajectory.readers import System

_MOBILE_WORD = re.compile(r"[A-Z][a-z]?|type|\d+(-\d+)?")
WRAPPED = {"auto": None, "yes": True, "no": False}


def add_trajectories(parser: argparse.ArgumentParser) -> None:
    """The positional argument TRAJ."""
    parser.add_argument(
        "trajectories",
        nargs="+",
        metavar="TRAJ",
        help="trajectory files, segments (.json), or folders of segments",
    )


def add_system(parser: argparse.ArgumentParser, *, charge: bool = True, temperature: bool = True) -> None:
    """Options that say what is in the files."""
    system = parser.add_argument_group("system (segments bring all of this themselves)")
    system.add_argument(
        "--mobile",
        metavar="IONS",
        help="the mobile ions: an element such as Li, several (Li,Na), a LAMMPS type ('type 2'), or atoms by number from 1, in "
        "the order of their ids (1-48,60); all other atoms are the host. Elements must be known, too: LAMMPS dumps without "
        "a column of them need --topology or --species, also with a type or numbers here",
    )
    if temperature:
        system.add_argument("--temperature", type=positive, metavar="K", help="temperature of the run in K")
    system.add_argument(
        "--time-step",
        type=positive,
        metavar="FS",
        help="MD time step in fs (vasprun.xml, XTC, TRR, GRO, dumps and XYZ with times record it)",
    )
    system.add_argument(
        "--stride",
        type=count,
        metavar="N",
        help="MD steps between frames (dumps, DCD, XTC and vasprun.xml record it)",
    )
    if charge:
        system.add_argument(
            "--charge",
            type=charges,
            metavar="Z",
            help="charge of a mobile ion in e, of several as Li=1,Cu=0.8; default: its only common one, or what makes the "
            "compound neutral",
        )
    system.add_argument(
        "--topology",
        metavar="FILE",
        help="elements for DCD, XTC and dumps of types: LAMMPS data, POSCAR, PDB, CIF, GRO, TPR ...",
    )
    system.add_argument(
        "--species",
        nargs="+",
        metavar="ELEMENT",
        help="elements in the order of the LAMMPS types; or with counts, in the order of the atoms: 16*Li 24*Cl",
    )
    _add_place(system)


def _add_place(system: argparse._ArgumentGroup) -> None:
    """Options on the cell and on what may be believed."""
    system.add_argument(
        "--cell",
        nargs="+",
        metavar="A",
        help="cell for files without: A B C in Å, with three angles in degrees, nine numbers, or CP2K's .cell file",
    )
    system.add_argument(
        "--volume",
        type=positive,
        metavar="A3",
        help="volume of the material in Å³, for a slab; default: the (mean) cell's",
    )
    system.add_argument(
        "--wrapped",
        choices=WRAPPED,
        default="auto",
        help="whether coordinates are wrapped into the cell; default: %(default)s, judged",
    )
    system.add_argument(
        "--trust-options",
        action="store_true",
        help="--time-step, --stride and --temperature count where the file's times or the atoms' thermal motion contradict them",
    )


def add_replicas(parser: argparse._ActionsContainer) -> None:
    """The option --replicas."""
    parser.add_argument(
        "--replicas",
        action="store_true",
        help="every TRAJ is a run of its own, not one after the other (folders of segments always are)",
    )


def add_part(parser: argparse._ActionsContainer) -> None:
    """Options on which part of the run counts."""
    parser.add_argument(
        "--skip",
        type=not_negative,
        default=0.0,
        metavar="PS",
        help="leave out the first PS picoseconds; default: %(default)g",
    )
    parser.add_argument(
        "--end",
        type=positive,
        metavar="PS",
        help="leave out what comes later than PS picoseconds after the start, such as frames of an exploded end",
    )


def require_there(paths: Iterable[str | Path]) -> None:
    """Raises DlmdError for a trajectory that is neither a file nor a folder."""
    from dlmd.trajectory.frame_readers import require

    for path in map(Path, paths):
        if not path.is_dir():
            require(path)


def load(
    args: argparse.Namespace, *, check: Callable[[System], None] | None = None, needs_temperature: bool = True
) -> tuple[list, list[Path]]:
    """The trajectories (one per replica), and all files that they are read from.

    Raises
    ------
    DlmdError
        for whatever is wrong with the files, and for options that are missing.
    """
    from dlmd.cli.same_runs import refuse_same_files
    from dlmd.trajectory import readers
    from dlmd.transport.replicas import refuse_same_frames

    paths = [Path(p) for p in args.trajectories]
    sidecars = [p.suffix == ".json" or p.is_dir() for p in paths]
    require_there(paths)
    if all(sidecars):
        trajectories, inputs = _segments(args, paths)
    elif any(sidecars):
        raise DlmdError("segments and other trajectory files together", remedy="give one kind")
    else:
        if args.mobile is None:
            raise DlmdError(
                "the mobile ions are unknown", remedy="give --mobile ELEMENT, such as --mobile Li"
            )
        if args.temperature is None and needs_temperature:
            raise DlmdError("the temperature is unknown", remedy="give --temperature K")
        runs = [[path] for path in paths] if getattr(args, "replicas", False) else [paths]
        refuse_same_files(runs)
        trajectories = [
            readers.read(
                files,
                mobile=args.mobile,
                time_step_fs=args.time_step,
                stride=args.stride,
                topology=args.topology,
                species=args.species,
                temperature_k=args.temperature,
                wrapped=WRAPPED[args.wrapped],
                cell=args.cell,
                volume_a3=args.volume,
                end_ps=args.end,
                trust_options=args.trust_options,
                check=check,
            )
            for files in runs
        ]
        inputs = [*paths, *([Path(args.topology)] if args.topology else [])]
    refuse_same_frames(trajectories)
    if getattr(args, "skip", 0):
        trajectories = [trajectory.after(args.skip) for trajectory in trajectories]
    return trajectories, inputs


def _segments(args: argparse.Namespace, paths: Sequence[Path]) -> tuple[list, list[Path]]:
    """The runs of the segments of this package, and their files."""
    from dlmd.cli.same_runs import refuse_same_files
    from dlmd.trajectory.segment_atoms import with_atoms
    from dlmd.trajectory.segments import join

    chains: dict[Path, list[Path]] = {}
    for path in paths:
        for sidecar in _sidecars(path):
            chains.setdefault(sidecar.parent, []).append(sidecar)
    refuse_same_files(list(chains.values()))
    trajectories = [with_atoms(join(chain), chain) for chain in chains.values()]
    inputs = [
        file
        for chain in chains.values()
        for sidecar in chain
        for file in (sidecar, sidecar.with_suffix(".dcd"))
    ]
    _refuse_contradiction(args, trajectories[0])
    wanted = elements(args.mobile)
    if len(wanted) == 1 and trajectories[0].carriers:
        trajectories = [trajectory.of_carrier(wanted[0]) for trajectory in trajectories]
    if args.end:
        trajectories = [trajectory.until(args.end) for trajectory in trajectories]
    return trajectories, inputs


def _sidecars(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = production(path)
    if not found:
        raise DlmdError(
            "no segments (NNNN.json) of production in this folder",
            where=str(path),
            remedy="name the folder of one run of the pipeline, or the trajectory files themselves",
        )
    return found


def production(folder: Path) -> list[Path]:
    """Sidecars of the segments in a folder, without the equilibration, which is 0000 and has no frames of the ions."""
    return [path for path in sorted(folder.glob("[0-9][0-9][0-9][0-9].json")) if int(path.stem) > 0]


def _refuse_contradiction(args: argparse.Namespace, trajectory) -> None:
    """Segments know their system: an option that says otherwise, or would be ignored, is a mistake."""
    asked = set(elements(args.mobile))
    there = set(elements(trajectory.mobile))
    for option, value, known in (
        ("--mobile", args.mobile if asked - there else None, trajectory.mobile),
        ("--temperature", args.temperature, trajectory.temperature_k),
    ):
        if value is not None and value != known:
            raise DlmdError(
                f"{option} {value}, but the segments say {known}",
                where=trajectory.label,
                remedy=f"leave {option} out",
            )
    for option, given in (
        ("--time-step", args.time_step),
        ("--stride", args.stride),
        ("--topology", args.topology),
        ("--species", args.species),
        ("--cell", args.cell),
        ("--trust-options", args.trust_options),
        ("--wrapped", args.wrapped != "auto"),
        ("--replicas", getattr(args, "replicas", False)),
    ):
        if given:
            raise DlmdError(
                f"{option} has no meaning for segments", where=trajectory.label, remedy="leave it out"
            )


def charges(text: str) -> float | dict[str, float]:
    """A charge, or charges by element: finite, and not 0."""
    if "=" not in text:
        return _charge(text)
    try:
        return {name: _charge(z) for name, _, z in (part.partition("=") for part in text.split(","))}
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not Z or ELEMENT=Z,ELEMENT=Z, such as Li=1,Cu=0.8"
        ) from error


def _charge(text: str) -> float:
    value = float(text)
    if not 0 < abs(value) < float("inf"):
        raise argparse.ArgumentTypeError(f"a charge of {text} e carries no current: give it as 1 for Li+")
    return value


def mobile_joined(argv: Sequence[str]) -> list[str]:
    """The words of a command line with `--mobile Li Na` as `--mobile Li,Na`, and with `type 2` or `1-48 60` as one word too;
    files that follow stay files."""
    out = list(argv)
    if "--mobile" not in out:
        return out
    first = out.index("--mobile") + 1
    last = first + 1
    while last < len(out) and _MOBILE_WORD.fullmatch(out[last]) and not Path(out[last]).exists():
        last += 1
    words = ",".join(out[first:last]).replace("type,", "type ")
    return out if last - first < 2 else [*out[:first], words, *out[last:]]


def positive(text: str) -> float:
    """A positive number."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return value


def not_negative(text: str) -> float:
    """A number of at least 0."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of at least 0")
    return value


def count(text: str) -> int:
    """A whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value
