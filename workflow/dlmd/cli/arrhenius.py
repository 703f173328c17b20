"""Activation energies and conductivity at other temperatures from several results of `dlmd transport`.

Fits ln(sigma T) against 1/T (Nernst-Einstein) and, beside it, ln(sigma) against 1/T, D_self and D_total. Temperatures
with a verdict are left out and listed with the reason; extrapolations are marked as such, and are as uncertain as a bend of the
line that the points do not exclude. Results in different folders are of different runs (orderings, cells): their scatter is
part of the intervals, and cells of different sizes are compared.

examples:
  dlmd arrhenius transport/*K.json
  dlmd arrhenius ordering0/*K.json ordering1/*K.json ordering2/*K.json
  dlmd arrhenius transport/*K.json --predict 298.15 373 --reference "experiment:298.15:1.04:0.32" -o results

Writes DIR/arrhenius.json (all numbers), .csv (one line per temperature), .png and .pdf. Units: eV, K, mS/cm, cm²/s.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from dlmd.base.errors import DlmdError
from dlmd.base.formatting import how_known, known, number, predicted, rounded
from dlmd.cli.arguments import add_common
from dlmd.cli.exit_codes import VERDICT
from dlmd.cli.own_trajectory import positive

if TYPE_CHECKING:
    from dlmd.config.published import PublishedPoint

ROOM_TEMPERATURE_K = 298.15
PERCENT = 100.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results", nargs="+", metavar="RESULT.json", help="results of `dlmd transport`, one per temperature"
    )
    parser.add_argument(
        "--predict",
        nargs="+",
        type=positive,
        default=[ROOM_TEMPERATURE_K],
        metavar="K",
        help="temperatures to predict in K; default: 298.15",
    )
    parser.add_argument(
        "--reference",
        nargs="+",
        type=_reference,
        default=[],
        metavar="LABEL:K:MS_PER_CM[:EV]",
        help="published conductivities in mS/cm to draw beside, with their temperature in K, and their line where an activation "
        "energy in eV is given",
    )
    parser.add_argument("--json", action="store_true", help="print the fit as JSON instead of text")
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    import json

    from dlmd.base.files import write_json
    from dlmd.base.plot_style import save
    from dlmd.base.provenance import provenance
    from dlmd.cli import carriers
    from dlmd.cli.own_settings import require_free
    from dlmd.cli.same_runs import refuse_same_results
    from dlmd.transport.arrhenius_plots import arrhenius as arrhenius_figure
    from dlmd.transport.tables import write_temperatures

    folder = Path(args.output)
    results = [read_result(Path(path)) for path in args.results]
    require_one_system(results, args.results)
    refuse_same_results(results, args.results)
    require_free(folder / "arrhenius.json", args.results)
    fitted = carriers.fit(
        results, predict_k=args.predict, confidence=args.confidence, runs=by_folder(args.results, results)
    )
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"arrhenius.{ending}" for ending in ("json", "csv", "png", "pdf")]
    fitted = {**fitted, "provenance": provenance(args.results, command=args.argv)}
    write_json(written[0], fitted)
    write_temperatures(written[1], results)
    save(arrhenius_figure(results, fitted, reference=dict(args.reference)), written[2:])
    if args.json:
        print(json.dumps(fitted, indent=1, ensure_ascii=False))
        return 0 if fitted["verdict"]["code"] == "ok" else VERDICT
    print(report(results, fitted))
    print(f"\nwritten: {', '.join(map(str, written))}")
    return 0 if fitted["verdict"]["code"] == "ok" else VERDICT


def require_one_system(results: Sequence[Mapping], names: Sequence[str | Path]) -> None:
    """Raises DlmdError where results belong to different crystals (other compositions, or other numbers of host atoms per ion),
    or are of different mobile ions."""
    mobile = {str(result.get("mobile", "")): str(name) for result, name in zip(results, names, strict=True)}
    if len(mobile) > 1:
        first, second = list(mobile.items())[:2]
        raise DlmdError(
            f"results of different mobile ions: {first[0]} ({first[1]}) and {second[0]} ({second[1]})",
            remedy="fit those of the same ions",
        )

    def system(result: Mapping) -> str:
        if result.get("composition"):
            from pymatgen.core import Composition

            return Composition(result["composition"]).reduced_formula
        if result.get("n_ions") and "n_host_atoms" in result:
            return f"{result['n_host_atoms'] / result['n_ions']:.6g} host atoms per ion"
        return ""

    found = [(system(result), str(name)) for result, name in zip(results, names, strict=True)]
    # a result without a formula can be compared by its atoms per ion only
    for kind in ("host atoms", ""):
        known = {what: name for what, name in found if what and ("host atoms" in what) == bool(kind)}
        if len(known) > 1:
            first, second = list(known.items())[:2]
            raise DlmdError(
                f"results of different crystals: {first[0]} ({first[1]}) and {second[0]} ({second[1]})",
                remedy="fit each crystal by itself",
            )


def by_folder(paths: Sequence[str], results: Sequence[Mapping]) -> list[dict]:
    """Results of one folder are of one run, with its own ordering; none where all are in one."""
    runs: dict[Path, list[Mapping]] = {}
    for path, result in zip(paths, results, strict=True):
        runs.setdefault(Path(path).resolve().parent, []).append(result)
    if len(runs) < 2:
        return []
    return [{"potential": 0, "ordering": n, "temperatures": own} for n, own in enumerate(runs.values())]


def read_result(path: Path) -> dict:
    """A result of `dlmd transport`.

    Raises
    ------
    DlmdError
        for a missing file, or one that is no such result or a damaged one.
    """
    from dlmd.base.files import read_json
    from dlmd.trajectory.frame_readers import require
    from dlmd.transport.result_checks import require_result

    remedy = "give the <temperature>K.json that `dlmd transport` writes"
    require(path)
    data = read_json(path, remedy=remedy)
    if isinstance(data, dict) and data.get("format") == "dlmd-carriers":
        raise DlmdError(
            f"a result of several carriers of an earlier version: {', '.join(data.get('carriers', ()))}",
            where=str(path),
            remedy="run `dlmd transport` again",
        )
    if not isinstance(data, dict) or data.get("format") != "dlmd-transport":
        raise DlmdError(
            "no result of `dlmd transport`",
            where=str(path),
            remedy=remedy,
        )
    require_result(data, str(path))
    return data


def report(results: Sequence[Mapping], fitted: Mapping) -> str:
    """The fit as text."""
    from dlmd.transport import cells, line_tests

    level = f"{PERCENT * fitted['confidence']:g} % interval"
    lines = [
        f"{'T (K)':>7}  {'conductivity (mS/cm)':>32}  {'D_self (cm²/s)':>34}  {'Haven ratio':>24}  verdict"
    ]
    for result in sorted(results, key=lambda r: r["temperature_k"]):
        shown = [
            _interval(result.get(key))
            for key in ("conductivity_ms_per_cm", "d_self_cm2_per_s", "haven_ratio")
        ]
        code = result["verdict"]["code"].replace("_", " ")
        lines.append(f"{result['temperature_k']:>7g}  {shown[0]:>32}  {shown[1]:>34}  {shown[2]:>24}  {code}")
    lines += [f"left out: {gone['temperature_k']:g} K, {gone['reason']}" for gone in fitted["left_out"]]
    lines += ["", f"verdict: {fitted['verdict']['code'].replace('_', ' ')} ({fitted['verdict']['message']})"]
    for name, one in fitted.get("carriers", {}).items():
        found = one["fits"].get("d_self") if one["fits"] else None
        told = (
            f"E_a of {found['quantity']} {_interval(found['activation_energy_ev'])} eV"
            if found
            else one["verdict"]["message"]
        )
        lines.append(f"{name} by itself: {told}")
    if not fitted["fits"]:
        return "\n".join(lines)
    lines += [
        f"straightness of ln(sigma T): {line_tests.sentence(fitted['fits']['conductivity']['straightness'])}"
    ]
    scatter = fitted["fits"]["conductivity"]["between_runs"]
    if scatter:
        lines.append(
            f"{scatter['runs']} runs (folders) scatter: their choice adds {PERCENT * scatter['sd_of_mean_ln']:.0f} % to the "
            "error of their mean conductivity, which is in the intervals"
        )
    if fitted["cells"]:
        lines.append(cells.sentence(fitted["cells"]))
    lines += ["", f"activation energy (eV, {level})"]
    for name, fit in fitted["fits"].items():
        what = f"{name.replace('_', ' ')}, {fit['quantity']}"
        lines.append(f"  {what:<58} {_interval(fit['activation_energy_ev'])}")
    lines += ["", f"conductivity (mS/cm, {level})"]
    for prediction in fitted["fits"]["conductivity"]["predictions"]:
        lines.append(
            f"  at {prediction['temperature_k']:g} K: {predicted(prediction)}, {how_known(prediction)}"
        )
    times = fitted["fits"]["conductivity"]["to_reach"]["times_longer"]
    if times > 1:
        aim = fitted["fits"]["conductivity"]["to_reach"]["half_width_ev"]
        lines.append(f"E_a to ±{aim:g} eV needs runs {rounded(times, 2)} times as long")
    return "\n".join(lines)


def _interval(estimate: Mapping | None) -> str:
    if estimate is None:
        return "-"
    if estimate.get("bound"):
        return f"< {number(estimate['high'])}"
    value, low, high = known(estimate)
    return f"{value} [{low}, {high}]"


def _reference(text: str) -> tuple[str, PublishedPoint]:
    from dlmd.config.published import PublishedPoint

    try:
        label, *numbers = text.split(":")
        point = PublishedPoint(*map(float, numbers))
        good = bool(label) and all(0 < n < inf for n in point if n is not None)
    except (TypeError, ValueError):
        good = False
    if not good:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not LABEL:K:MS_PER_CM or LABEL:K:MS_PER_CM:EV, such as experiment:298.15:1.04:0.32"
        )
    return label, point
