"""Diffusion coefficients, Haven ratio and conductivity from trajectories at one temperature, with intervals.

Reads LAMMPS DCD, XTC and text dumps, VASP XDATCAR and vasprun.xml, (extended) XYZ, CP2K's XYZ with its .cell file, GROMACS TRR
and GRO, ASE .traj, DL_POLY HISTORY, Amber NetCDF and H5MD (text files also as .gz, .bz2 or .xz); or MD segments of this package
(NNNN.json, or the folder that holds them). Several files are one run, in a row, unless --replicas is given: steps that a
restart repeats count once, and a last frame that a killed run left half is left out. What a file says of steps, times,
velocities, masses, its thermostat and its cell is held against the options, and so is the atoms' thermal motion. Wrapped
coordinates are unwrapped, cells may change (constant pressure), and the motion of the host (all other atoms) is removed. Where
a run has no diffusion coefficient to give (ions that rattle, a run too short, a molten host ...), it gets a verdict instead of
one (exit code 3).

examples:
  dlmd transport XDATCAR.gz --mobile Li --temperature 500 --time-step 2 --stride 50
  dlmd transport run.dcd --topology cell.data --mobile Li --temperature 600 --time-step 2 --stride 10 -o results
  dlmd transport md/600K/r0 md/600K/r1

Writes DIR/<temperature>K.html (one page with all of it), .json (all numbers), .csv (MSD curves), .png and .pdf.
Units: ps, Å, K, cm²/s, mS/cm; the time step alone is in fs.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dlmd.base.errors import DlmdError
from dlmd.base.formatting import known, number
from dlmd.cli.arguments import add_common
from dlmd.cli.exit_codes import VERDICT
from dlmd.cli.own_settings import (
    analysis_options,
    check_charge,
    require_free,
    require_same_ions,
)
from dlmd.cli.own_trajectory import (
    add_part,
    add_replicas,
    add_system,
    add_trajectories,
    load,
    positive,
    require_there,
)

if TYPE_CHECKING:
    from dlmd.trajectory.trajectory import Trajectory

PERCENT = 100.0
# of results that it may write again
FORMATS = "dlmd-transport", "dlmd-carriers"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_trajectories(parser)
    add_system(parser)
    analysis = add_analysis(parser)
    add_common(parser, analysis)
    parser.add_argument(
        "--name", metavar="NAME", help="name of the result's files; default: the temperature, such as 600K"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON instead of text")


def add_analysis(parser: argparse.ArgumentParser, *, replicas: bool = True) -> argparse._ArgumentGroup:
    """Options of the analysis of one temperature."""
    analysis = parser.add_argument_group("analysis")
    if replicas:
        add_replicas(analysis)
    add_part(analysis)
    analysis.add_argument(
        "--lag-start",
        type=positive,
        metavar="PS",
        help="start of the fit window in ps; default: the diffusive onset",
    )
    analysis.add_argument(
        "--lag-end",
        type=positive,
        metavar="PS",
        help="end of the fit window in ps; default: 3 times its start",
    )
    analysis.add_argument(
        "--hop-length",
        type=positive,
        metavar="A",
        help="distance of neighbouring sites in Å; default: 3, less is no diffusion",
    )
    analysis.add_argument(
        "--host-shift",
        type=positive,
        metavar="A",
        help="how far (median, Å) the host's resting places may be apart at the start and the end; default: 0.5, more is "
        "another structure",
    )
    analysis.add_argument(
        "--host-drift",
        type=positive,
        metavar="A",
        help="how far the host as a whole may travel in Å; default: 10, or until its flight holds 1 %% of the thermal energy",
    )
    return analysis


def run(args: argparse.Namespace) -> int:
    import json

    from dlmd.base.provenance import provenance
    from dlmd.cli import carriers

    if args.name and Path(args.name).name != args.name:
        raise DlmdError(f"--name {args.name} is no name of a file", remedy="give the folder with -o DIR")
    require_there(args.trajectories)
    folder = Path(args.output)
    stem = args.name or (f"{args.temperature:g}K" if args.temperature else None)
    if stem:
        require_free(folder / f"{stem}.json", args.trajectories, named=True, formats=FORMATS)
    trajectories, inputs = load(args, check=lambda system: check_charge(args, system))
    if not stem:
        stem = f"{trajectories[0].temperature_k:g}K"
        require_free(folder / f"{stem}.json", args.trajectories, named=True, formats=FORMATS)
    require_same_ions(folder / f"{stem}.json", trajectories[0])
    result = carriers.result_of(args, trajectories, **analysis_options(args))
    result["provenance"] = provenance(inputs, command=args.argv)
    written = write(folder, stem, result, trajectories[0])
    if args.json:
        print(json.dumps(result, indent=1, ensure_ascii=False))
    else:
        print(report(result, trajectories))
        print(f"\nwritten: {', '.join(map(str, written))}")
    return 0 if result["verdict"]["code"] == "ok" else VERDICT


def write(folder: Path, stem: str, result: Mapping, trajectory: Trajectory) -> list[Path]:
    """The result's JSON, CSV, figures and page; returns their paths."""
    from dlmd.base.files import write_json
    from dlmd.base.plot_style import save
    from dlmd.report import own_page
    from dlmd.transport.plots import msd as msd_figure
    from dlmd.transport.tables import write_msd

    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{stem}.{ending}" for ending in ("json", "csv", "png", "pdf", "html")]
    write_json(written[0], result)
    write_msd(written[1], result["msd"])
    save(msd_figure(result), written[2:4])
    caption = "Mean square displacements against lag, the fit window shaded"
    figures = [(caption, written[2], own_page.msd_chart([result]))]
    rdf = write_rdf(folder, stem, trajectory)
    if rdf:
        figures.append(("Radial distribution functions of all pairs", *rdf))
    own_page.write(written[4], [result], fitted=None, figures=figures)
    return written


def write_rdf(folder: Path, stem: str, trajectory: Trajectory) -> tuple[Path, dict] | None:
    """RDFs of all pairs as CSV and PNG beside the result, and their zoomable chart; None where the atoms were not recorded."""
    if trajectory.atoms is None:
        return None
    from dlmd.base.files import write_table
    from dlmd.base.plot_style import save
    from dlmd.report.charts import rdf as rdf_chart
    from dlmd.trajectory import rdf
    from dlmd.transport.plots import rdf_panels

    found = {"MD": rdf.rdfs(trajectory.atoms.positions, trajectory.atoms.symbols, cell=trajectory.cell)}
    columns, rows = rdf.table(found)
    write_table(folder / f"{stem}.rdf.csv", columns, rows)
    save(rdf_panels(found), [folder / f"{stem}.rdf.png"])
    return folder / f"{stem}.rdf.png", rdf_chart(folder / f"{stem}.rdf.csv")


def report(result: Mapping, trajectories: Sequence) -> str:
    """The result as text: what was read, what was done about it, the verdict, and the numbers with their units."""
    from dlmd.cli import carriers

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
    return "\n".join([*lines, *carriers.report(result)])


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
        f"as is found in print, MSD / 6t at one lag ({paper['lag_ps']:.3g} ps) and D_total / H_R, which counts the correlation "
        f"twice, give {number(paper['conductivity_eq11_ms_per_cm'])} mS/cm",
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
    value, low, high = known(estimate)
    return value, f"[{low}, {high}]"
