"""Diffusion coefficients, Haven ratio and conductivity from trajectories at one temperature, with intervals.

Reads LAMMPS DCD, XTC and text dumps, VASP XDATCAR and vasprun.xml, and extended XYZ (text files also as .gz); or MD segments of
this package (NNNN.json, or the folder that holds them). Several files are one run, in a row, unless --replicas is given.
Wrapped coordinates are unwrapped, and the motion of the host (all other atoms) is removed. Where a run has no diffusion
coefficient to give (ions that rattle, a run too short, a molten host ...), it gets a verdict instead of one.

examples:
  dlmd transport XDATCAR.gz --mobile Li --temperature 500 --time-step 2 --stride 50
  dlmd transport run.dcd --topology cell.data --mobile Li --temperature 600 --time-step 2 --stride 10 -o results
  dlmd transport md/600K/r0 md/600K/r1

Writes DIR/<temperature>K.json (all numbers), .csv (MSD curves), .png and .pdf.
Units: ps, Å, K, cm²/s, mS/cm; the time step alone is in fs.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from dlmd.base.errors import DlmdError
from dlmd.cli.arguments import add_common, number

WRAPPED = {"auto": None, "yes": True, "no": False}
PERCENT = 100.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "trajectories",
        nargs="+",
        metavar="TRAJ",
        help="trajectory files, segments (.json), or folders of segments",
    )
    _add_system(parser)
    analysis = _add_analysis(parser)
    add_common(parser, analysis)


def _add_system(parser: argparse.ArgumentParser) -> None:
    system = parser.add_argument_group("system (segments bring all of this themselves)")
    system.add_argument(
        "--mobile", metavar="ELEMENT", help="the mobile ions, such as Li; all other atoms are the host"
    )
    system.add_argument("--temperature", type=_positive, metavar="K", help="temperature of the run in K")
    system.add_argument(
        "--time-step", type=_positive, metavar="FS", help="MD time step in fs (vasprun.xml records it)"
    )
    system.add_argument(
        "--stride",
        type=_count,
        metavar="N",
        help="MD steps between frames (dumps, XTC and vasprun.xml record it)",
    )
    system.add_argument(
        "--charge", type=float, metavar="Z", help="charge of a mobile ion in e; default: its only common one"
    )
    system.add_argument(
        "--topology",
        metavar="FILE",
        help="elements for DCD, XTC and dumps of types: LAMMPS data, POSCAR, PDB, CIF ...",
    )
    system.add_argument(
        "--species",
        nargs="+",
        metavar="ELEMENT",
        help="elements in the order of the LAMMPS types, for dumps of types",
    )
    system.add_argument(
        "--wrapped",
        choices=WRAPPED,
        default="auto",
        help="whether coordinates are wrapped into the cell; default: %(default)s, judged",
    )


def _add_analysis(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    analysis = parser.add_argument_group("analysis")
    analysis.add_argument(
        "--replicas",
        action="store_true",
        help="every TRAJ is a run of its own, not one after the other (folders of segments always are)",
    )
    analysis.add_argument(
        "--skip",
        type=float,
        default=0.0,
        metavar="PS",
        help="leave out the first PS picoseconds; default: %(default)g",
    )
    analysis.add_argument(
        "--lag-start",
        type=_positive,
        metavar="PS",
        help="start of the fit window in ps; default: the diffusive onset",
    )
    analysis.add_argument(
        "--lag-end",
        type=_positive,
        metavar="PS",
        help="end of the fit window in ps; default: 3 times its start",
    )
    analysis.add_argument(
        "--hop-length",
        type=_positive,
        metavar="A",
        help="distance of neighbouring sites in Å; default: 3, less is no diffusion",
    )
    analysis.add_argument(
        "--host-shift",
        type=_positive,
        metavar="A",
        help="how far (median, Å) the host's resting places may be apart at the start and the end; default: 0.5, more is "
        "another structure",
    )
    return analysis


def run(args: argparse.Namespace) -> None:
    from dlmd.base.files import write_json
    from dlmd.base.plot_style import save
    from dlmd.base.provenance import provenance
    from dlmd.transport.analysis import analyse
    from dlmd.transport.plots import msd as msd_figure
    from dlmd.transport.tables import write_msd

    trajectories, inputs = load(args)
    charge, guessed = charge_of(trajectories[0].mobile, args.charge)
    given = {"hop_length_angstrom": args.hop_length, "host_shift_angstrom": args.host_shift}
    bounds = {name: value for name, value in given.items() if value is not None}
    result = analyse(
        trajectories,
        charge=charge,
        temperature_k=args.temperature,
        lag_start_ps=args.lag_start,
        lag_end_ps=args.lag_end,
        confidence=args.confidence,
        **bounds,
    ).to_dict()
    if guessed:
        result["notes"].append(guessed)
    result["provenance"] = provenance(inputs, command=args.argv)
    folder = Path(args.output)
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{result['temperature_k']:g}K"
    written = [folder / f"{stem}.{ending}" for ending in ("json", "csv", "png", "pdf")]
    write_json(written[0], result)
    write_msd(written[1], result["msd"])
    save(msd_figure(result), written[2:])
    print(report(result, trajectories))
    print(f"\nwritten: {', '.join(map(str, written))}")


def load(args: argparse.Namespace) -> tuple[list, list[Path]]:
    """The trajectories (one per replica), and all files that they are read from.

    Raises
    ------
    DlmdError
        for whatever is wrong with the files, and for options that are missing.
    """
    from dlmd.trajectory import readers
    from dlmd.trajectory.frame_readers import require
    from dlmd.trajectory.segments import join

    paths = [Path(p) for p in args.trajectories]
    sidecars = [p.suffix == ".json" or p.is_dir() for p in paths]
    for path in paths:
        if not path.is_dir():
            require(path)
    if all(sidecars):
        chains: dict[Path, list[Path]] = {}
        for path in paths:
            for sidecar in _sidecars(path):
                chains.setdefault(sidecar.parent, []).append(sidecar)
        trajectories = [join(chain) for chain in chains.values()]
        inputs = [
            file
            for chain in chains.values()
            for sidecar in chain
            for file in (sidecar, sidecar.with_suffix(".dcd"))
        ]
        _refuse_contradiction(args, trajectories[0])
    elif any(sidecars):
        raise DlmdError("segments and other trajectory files together", remedy="give one kind")
    else:
        if args.mobile is None:
            raise DlmdError(
                "the mobile ions are unknown", remedy="give --mobile ELEMENT, such as --mobile Li"
            )
        if args.temperature is None:
            raise DlmdError("the temperature is unknown", remedy="give --temperature K")
        runs = [[path] for path in paths] if args.replicas else [paths]
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
            )
            for files in runs
        ]
        inputs = [*paths, *([Path(args.topology)] if args.topology else [])]
    if args.skip:
        trajectories = [trajectory.after(args.skip) for trajectory in trajectories]
    return trajectories, inputs


def _sidecars(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("[0-9]*.json"))
    if not found:
        raise DlmdError(
            "no segments (NNNN.json) in this folder", where=str(path), remedy="name the folder of one run"
        )
    return found


def _refuse_contradiction(args: argparse.Namespace, trajectory) -> None:
    """Segments know their system: an option that says otherwise, or would be ignored, is a mistake."""
    for option, value, known in (
        ("--mobile", args.mobile, trajectory.mobile),
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
        ("--wrapped", args.wrapped != "auto"),
        ("--replicas", args.replicas),
    ):
        if given:
            raise DlmdError(
                f"{option} has no meaning for segments", where=trajectory.label, remedy="leave it out"
            )


def charge_of(element: str, given: float | None) -> tuple[float, str | None]:
    """The charge of an ion in e, and a note where it was guessed.

    Raises
    ------
    DlmdError
        where none was given and the element has several common ones.
    """
    if given is not None:
        return given, None
    from pymatgen.core import Element

    common = Element(element).common_oxidation_states
    if len(common) != 1:
        raise DlmdError(
            f"{element} has several common charges: {', '.join(f'{z:+d}' for z in common)}",
            remedy="give --charge Z",
        )
    return float(
        common[0]
    ), f"charge {common[0]:+d} e guessed: the only common oxidation state of {element} (pymatgen)"


def report(result: Mapping, trajectories: Sequence) -> str:
    """The result as text: what was read, what was done about it, the verdict, and the numbers with their units."""
    lines = [
        f"{result['n_ions']} {result['mobile']} ({result['charge_e']:+g} e), host of {result['n_host_atoms']} atoms, "
        f"{result['volume_a3']:.1f} Å³, {result['temperature_k']:g} K",
        f"{result['n_frames']} frames every {result['frame_interval_ps']:g} ps, {result['length_ps']:g} ps "
        f"in {result['replicas']} run(s)",
    ]
    lines += [f"- {note}" for note in result["notes"]]
    for trajectory in trajectories:
        if trajectory.host is not None:
            moved = ", ".join(f"{kind} {value:.2g}" for kind, value in trajectory.host.msd_a2.items())
            lines.append(
                f"- the host drifted {trajectory.host.drift_a:.2g} Å (removed); start to end its atoms moved (MSD, Å²): {moved}"
            )
    lines.append("")
    if result["verdict"]["code"] == "ok":
        lines.append(f"verdict: ok, {result['verdict']['message']}")
    for gate in result["verdict"]["gates"]:
        lines.append(f"verdict: {gate['code'].replace('_', ' ')}: {gate['message']}; {gate['remedy']}")
    if result["fit_window_ps"]:
        start, end = result["fit_window_ps"]
        lines.append(f"diffusive onset {result['onset_ps']:.3g} ps, fit window {start:.3g} to {end:.3g} ps")
    if result["d_self_cm2_per_s"]:
        lines += ["", *_numbers(result)]
    return "\n".join(lines)


def _numbers(result: Mapping) -> list[str]:
    rows = [("", "value", f"{PERCENT * result['confidence']:g} % interval", "unit")]
    rows += _rows(result, "")
    for axis, numbers in result["axes"].items():
        rows += _rows(numbers, f" along {axis.replace('_star', '*')}")
    paper = result["paper_reading"]
    width = max(len(row[0]) for row in rows)
    lines = [
        f"{name:<{width}}  {value:>10}  {interval:>24}  {unit}".rstrip()
        for name, value, interval, unit in rows
    ]
    return [
        *lines,
        *_paper(paper),
    ]


def _paper(paper: Mapping | None) -> list[str]:
    if paper is None:
        return []
    return [
        "",
        f"as the reference paper reads it (MSD / 6t at {paper['lag_ps']:.3g} ps; its Eq. 11 counts the correlation twice): "
        f"{number(paper['conductivity_eq11_ms_per_cm'])} mS/cm",
    ]


QUANTITIES = (
    ("d_self_cm2_per_s", "D_self", "cm²/s"),
    ("d_total_cm2_per_s", "D_total", "cm²/s"),
    ("d_distinct_cm2_per_s", "D_distinct", "cm²/s"),
    ("haven_ratio", "Haven ratio D_self/D_total", ""),
    ("conductivity_ms_per_cm", "conductivity", "mS/cm"),
)


def _rows(numbers: Mapping, suffix: str) -> list[tuple[str, str, str, str]]:
    wanted = (
        QUANTITIES
        if not suffix
        else [q for q in QUANTITIES if q[0] in ("d_self_cm2_per_s", "conductivity_ms_per_cm")]
    )
    return [(name + suffix, *_value(numbers[key]), unit) for key, name, unit in wanted]


def _value(estimate: Mapping | None) -> tuple[str, str]:
    """Value and interval as text; a ratio to what may be 0 has neither, an upper bound no value."""
    if estimate is None:
        return "none", ""
    if estimate.get("bound"):
        return "may be 0", f"below {number(estimate['high'])}"
    return number(estimate["value"]), f"[{number(estimate['low'])}, {number(estimate['high'])}]"


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value
