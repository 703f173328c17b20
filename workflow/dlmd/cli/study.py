"""All temperatures of one crystal at once: transport of each, the Arrhenius fit, and one page.

Every RUN is a trajectory file, or a folder with the files of one run (or with segments of this package). Its temperature comes
from its name (600K, T600), from VASP's INCAR, or from the thermostat or thermo in LAMMPS' log beside it; all of these must agree,
and they are shown before anything is read. Two runs of one temperature are replicas.

examples:
  dlmd study md/*K --mobile Li --time-step 2 --topology cell.data
  dlmd study XDATCAR_500K XDATCAR_600K.gz XDATCAR_700K --mobile Li --time-step 2 --stride 10 -o li6ps5cl

Writes DIR/study.html, arrhenius.json, .csv, .png and .pdf, and for each temperature what `dlmd transport` writes.
Units: ps, Å, K, eV, cm²/s, mS/cm; the time step alone is in fs. Exit code 3 where there is a verdict in place of the fit.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from dlmd.base.errors import DlmdError
from dlmd.cli.arguments import add_common
from dlmd.cli.exit_codes import VERDICT

ROOM_TEMPERATURE_K = 298.15
# Names of files in a run's folder that are no trajectories, though a format would claim them.
_NOT_TRAJECTORIES = ("vasprun.xml", "contcar", "poscar")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dlmd study`."""
    from dlmd.cli.own_trajectory import add_system, positive
    from dlmd.cli.transport import add_analysis

    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="trajectory files or folders, one per temperature or replica"
    )
    add_system(parser, temperature=False)
    analysis = add_analysis(parser, replicas=False)
    parser.add_argument(
        "--predict",
        nargs="+",
        type=positive,
        default=[ROOM_TEMPERATURE_K],
        metavar="K",
        help="temperatures to predict in K; default: 298.15",
    )
    parser.add_argument("--json", action="store_true", help="print the fit as JSON instead of text")
    parser.add_argument(
        "--show", action="store_true", help="show temperatures and files, and stop before anything is read"
    )
    add_common(parser, analysis)


def run(args: argparse.Namespace) -> int:
    """Analyse all runs and fit them."""
    import json
    import sys

    from dlmd.cli import own_settings
    from dlmd.cli.same_runs import refuse_same_files

    found = grouped(args.runs)
    for temperature_k, runs in found.items():
        for files, sources in runs:
            names = ", ".join(str(f) for f in files)
            print(f"{temperature_k:g} K (by {', '.join(sources)}): {names}", file=sys.stderr)
    if args.show:
        return 0
    refuse_same_files([files for runs in found.values() for files, _ in runs])
    folder = Path(args.output)
    for temperature_k, runs in found.items():
        own_settings.require_free(_result(folder, temperature_k), [f for files, _ in runs for f in files])
    own_settings.require_free(folder / "arrhenius.json", [_result(folder, t) for t in found])
    results: list[dict[str, Any]] = []
    for temperature_k, runs in found.items():
        try:
            results.append(analysed(args, temperature_k, runs, folder))
        except DlmdError:
            done = ", ".join(str(_result(folder, one["temperature_k"])) for one in results)
            if done:
                print(f"written before the error: {done}", file=sys.stderr)
            raise
    fitted = conclude(args, results, folder)
    if args.json:
        print(json.dumps(fitted, indent=1, ensure_ascii=False))
    else:
        from dlmd.cli.arrhenius import report

        print(report(results, fitted))
        print(f"\nwritten: {folder / 'study.html'} and the files beside it")
    return 0 if fitted["verdict"]["code"] == "ok" else VERDICT


def grouped(runs: list[str]) -> dict[float, list[tuple[list[Path], tuple[str, ...]]]]:
    """Files and sources of the temperature of every run, by temperature in K, ascending.

    Raises
    ------
    DlmdError
        for runs without files or temperature.
    """
    from dlmd.cli.own_trajectory import require_there
    from dlmd.trajectory.temperatures import Found, temperature_of

    out: dict[float, list[tuple[list[Path], tuple[str, ...]]]] = {}
    for name in runs:
        path = Path(name)
        require_there([path])
        files = files_of(path)
        if files[0].suffix == ".json":
            found = Found(_segment_temperature(files[0]), ("segments",))
        else:
            found = temperature_of(path)
        temperature_k, sources = found.temperature_k, found.sources
        out.setdefault(temperature_k, []).append((files, sources))
    return dict(sorted(out.items()))


def files_of(path: Path) -> list[Path]:
    """The trajectory files of a run: the file itself; in a folder all of one format, by name, or the segments.

    Raises
    ------
    DlmdError
        for a folder with none, or with files of several formats.
    """
    if path.is_file():
        return [path]
    from dlmd.cli.own_trajectory import production

    segments = production(path)
    if segments:
        return segments
    from dlmd.trajectory.file_order import natural
    from dlmd.trajectory.frame_readers import UnknownFormat, identify

    by_format: dict[str, list[Path]] = {}
    there = [file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")]
    empty = [file.name for file in there if not file.stat().st_size]
    for file in sorted(there, key=natural):
        if file.name.lower() in _NOT_TRAJECTORIES or file.name in empty:
            continue
        try:
            by_format.setdefault(identify(file).name, []).append(file)
        except UnknownFormat:
            continue
    if not by_format and (path / "vasprun.xml").is_file():
        return [path / "vasprun.xml"]
    if not by_format:
        raise _no_trajectory(path, sorted(empty))
    if len(by_format) > 1:
        named = "; ".join(f"{name}: {files[0].name}" for name, files in by_format.items())
        raise DlmdError(
            f"trajectories of several formats ({named})",
            where=str(path),
            remedy="name the trajectory file instead of the folder, or move the others elsewhere",
        )
    return next(iter(by_format.values()))


def _no_trajectory(path: Path, empty: list[str]) -> DlmdError:
    """What to say of a folder without trajectories."""
    inside = sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
    if empty:
        said, remedy = f": {', '.join(empty)} is empty", "look why the run wrote nothing, or leave it out"
    elif inside:
        said, remedy = ", but folders", f"name these instead, such as {inside[0]}"
    else:
        said, remedy = "", "name the folder or the file that has one"
    return DlmdError(f"no trajectory in this folder{said}", where=str(path), remedy=remedy)


def _segment_temperature(sidecar: Path) -> float:
    from dlmd.base.files import read_json

    return float(read_json(sidecar, remedy="name whole segments")["temperature_k"])


def _result(folder: Path, temperature_k: float) -> Path:
    return folder / f"{temperature_k:g}K.json"


def analysed(
    args: argparse.Namespace,
    temperature_k: float,
    runs: list[tuple[list[Path], tuple[str, ...]]],
    folder: Path,
) -> dict[str, Any]:
    """The transport result of one temperature, written."""
    from dlmd.base.provenance import provenance
    from dlmd.cli import carriers, own_settings, transport
    from dlmd.cli.own_trajectory import load

    trajectories, inputs = [], []
    for files, sources in runs:
        segments = sources == ("segments",)
        one = argparse.Namespace(
            **{
                **vars(args),
                "trajectories": [str(f) for f in files],
                "temperature": None if segments else temperature_k,
                "replicas": False,
            }
        )
        check = None if segments else (lambda system, one=one: own_settings.check_charge(one, system))
        found, read = load(one, check=check)
        trajectories += found
        inputs += read
    own_settings.require_same_ions(_result(folder, temperature_k), trajectories[0])
    args.temperature = None
    options = {**own_settings.analysis_options(args), "temperature_k": temperature_k}
    result = carriers.result_of(args, trajectories, **options)
    result["provenance"] = provenance(dict.fromkeys(inputs), command=args.argv)
    transport.write(folder, _result(folder, temperature_k).stem, result, trajectories[0])
    return result


def conclude(args: argparse.Namespace, results: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """The Arrhenius fit, its files and the page."""
    from dlmd.base.files import write_json
    from dlmd.base.plot_style import save
    from dlmd.base.provenance import provenance
    from dlmd.cli import carriers
    from dlmd.cli.arrhenius import require_one_system
    from dlmd.report import charts, own_page
    from dlmd.transport.arrhenius_plots import arrhenius
    from dlmd.transport.plots import msd_panels
    from dlmd.transport.tables import write_temperatures

    paths = [_result(folder, r["temperature_k"]) for r in results]
    require_one_system(results, [path.name for path in paths])
    fitted = carriers.fit(results, predict_k=args.predict, confidence=args.confidence)
    fitted = {**fitted, "provenance": provenance(paths, command=args.argv)}
    write_json(folder / "arrhenius.json", fitted)
    write_temperatures(folder / "arrhenius.csv", results)
    save(arrhenius(results, fitted), [folder / "arrhenius.png", folder / "arrhenius.pdf"])
    save(msd_panels(results), [folder / "msd.png"])
    drawn = charts.arrhenius(results, fitted, {})
    figures: list[tuple[str, Path, dict | None]] = [
        ("Arrhenius plot with intervals and the fit", folder / "arrhenius.png", drawn),
        ("Mean square displacements, fit windows heavy", folder / "msd.png", own_page.msd_chart(results)),
    ]
    own_page.write(folder / "study.html", results, fitted=fitted, figures=figures)
    return fitted
