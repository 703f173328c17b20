"""The scorecard: what was computed beside what was measured, from the records that run.py has left.

    python benchmarks/experiment/scorecard.py

writes scorecard.csv, scorecard.md and scorecard.png beside itself. Materials that failed or whose conductivity is withheld keep
their row, with the reason.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from math import exp, inf, log
from pathlib import Path
from statistics import median
from typing import Any

import drawing
import given_labels
import measured_lines
import outcome
from materials import Material, Spread, chosen

from dlmd.base import plot_style
from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json, write_csv, write_text
from dlmd.base.formatting import interval
from dlmd.base.formatting import number as written

HERE = Path(__file__).parent
NONE = "–"
# the aim of the project
AIM_FACTOR, AIM_EV = 3.0, 0.05
CELLS = {"relaxed": "relaxed at 0 K", "thermal": "thermal"}


def row(material: Material, record: Mapping[str, Any]) -> dict[str, Any]:
    """One material's numbers; None where there is none.

    `factor` is how far the two conductivities at 298 K are apart, either way, and 1 or more. `factor_coldest` is the same at the
    coldest temperature that has a value, where the experiment is extrapolated: to the middle of its samples' lines.
    `overlaps_coldest` says whether the interval there has anything in common with the range of these lines.
    """
    sigma, energy = material.spread("sigma_ms_per_cm"), material.spread("activation_energy_ev")
    room = record.get("sigma_298")
    computed = room["value_ms_per_cm"] if room and room["shown"] != "withheld" else None
    fitted = record.get("activation_energy_ev")
    usable = [t for t in record.get("temperatures", ()) if t["verdict"] == "ok" and t["sigma_ms_per_cm"]]
    cold = min(usable, key=lambda t: t["temperature_k"], default=None)
    lattice = record.get("lattice")
    found: dict[str, Any] = {
        "material": material.name,
        "family": material.family,
        "teacher": record.get("teacher"),
        "state": record["state"],
        "measured_ms_per_cm": sigma,
        "computed_ms_per_cm": computed,
        "factor": apart(computed["value"], sigma.value) if computed else None,
        "holds_sigma": holds(computed, sigma),
        "measured_ev": energy,
        "computed_ev": fitted,
        "difference_ev": fitted["value"] - energy.value if fitted and energy else None,
        "holds_energy": holds(fitted, energy),
        "coldest_k": cold["temperature_k"] if cold else None,
        "coldest_ms_per_cm": cold["sigma_ms_per_cm"] if cold else None,
        **_beside_line(material, cold),
        "haven_ratio": cold["haven_ratio"] if cold else None,
        "lattice_error": lattice["error"] if lattice else None,
        "lattice_kind": record.get("lattice_kind"),
        "relative_force_rmse": record.get("relative_force_rmse"),
        "ions": cold["n_ions"] if cold else None,
        "length_ps": record.get("length_ps"),
        "core_hours": record.get("core_hours"),
        "label_hours": given_labels.hours(material),
        "verdicts": ", ".join(
            f"{t['temperature_k']:g} K {t['verdict']}" for t in record.get("temperatures", ())
        ),
        "verdict": record.get("verdict", {}).get("code"),
        "reason": record.get("reason", ""),
        "apart": material.apart,
    }
    return found


def _beside_line(material: Material, cold: Mapping[str, Any] | None) -> dict[str, Any]:
    """The measured lines at the coldest temperature that has a value, and how far it is from their middle."""
    there = measured_lines.at(material, cold["temperature_k"]) if cold else None
    if cold is None or there is None:
        names = ("line", "line_bar", "lines", "line_of_one_sample", "factor_coldest", "overlaps_coldest")
        return dict.fromkeys(names)
    computed = cold["sigma_ms_per_cm"]
    return {
        "line": there.middle,
        "line_bar": there.bar,
        "lines": there.each,
        "line_of_one_sample": there.of_one_sample,
        "factor_coldest": apart(computed["value"], there.middle.value),
        "overlaps_coldest": holds(computed, there.middle),
    }


def apart(one: float, other: float) -> float:
    """By what factor two positive numbers differ; infinite where one of them is not."""
    return exp(abs(log(one / other))) if one > 0 and other > 0 else inf


def holds(computed: Mapping[str, float] | None, measured: Any) -> bool | None:
    """Whether a computed interval and the measured values have anything in common; None where one is missing."""
    if computed is None or measured is None:
        return None
    return bool(computed["low"] <= measured.high and measured.low <= computed["high"])


def summary(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Median and worst over all materials, and by teacher."""
    teachers = list(dict.fromkeys(r["teacher"] for r in rows if r["teacher"]))
    groups = [("all", list(rows)), *((t, [r for r in rows if r["teacher"] == t]) for t in teachers)]
    return [{"teacher": name, **_of_group(group)} for name, group in groups]


def _of_group(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    def told(key: str, form: str) -> str:
        values = [abs(r[key]) for r in rows if r[key] is not None]
        return (
            f"{format(median(values), form)}, {format(max(values), form)} ({len(values)})" if values else NONE
        )

    def held(key: str) -> str:
        judged = [r[key] for r in rows if r[key] is not None]
        return f"{sum(judged)} of {len(judged)}" if judged else NONE

    return {
        "answered": f"{sum(r['state'] == outcome.ANSWERED for r in rows)} of {len(rows)}",
        "factor of σ(298 K): median, worst (n)": told("factor", ".3g"),
        "factor at the coldest run": told("factor_coldest", ".3g"),
        "difference of E_a (eV)": told("difference_ev", ".3f"),
        "σ intervals that hold it": held("holds_sigma"),
        "at the coldest run: that overlap the lines": held("overlaps_coldest"),
        "error of the volume (%)": told_percent([r["lattice_error"] for r in rows]),
    }


def told_percent(values: Sequence[float | None]) -> str:
    """Median and worst of the sizes of parts, in percent."""
    known = [100 * abs(v) for v in values if v is not None]
    return f"{median(known):.1f}, {max(known):.1f} ({len(known)})" if known else NONE


def shown(found: Mapping[str, Any]) -> dict[str, str]:
    """A row as people read it."""

    def number(key: str, form: str, scale: float = 1.0) -> str:
        return NONE if found[key] is None else format(scale * found[key], form)

    def both(key: str) -> str:
        return interval(found[key]) if found[key] else NONE

    return {
        "material": found["material"],
        "family": found["family"],
        "σ(298 K) measured (mS/cm)": spread(found["measured_ms_per_cm"]),
        "computed": both("computed_ms_per_cm") if found["state"] == outcome.ANSWERED else found["state"],
        "factor": number("factor", ".3g"),
        "E_a measured (eV)": spread(found["measured_ev"]),
        "E_a computed": both("computed_ev"),
        "coldest run (K)": number("coldest_k", "g"),
        "cell": CELLS.get(found["lattice_kind"], NONE),
        "σ there (mS/cm)": both("coldest_ms_per_cm"),
        "the line there (mS/cm)": spread(found["line"]),
        f"the line, with E_a ±{measured_lines.LABORATORIES_EV:g} eV": spread(
            found["line_bar"] if _single(found) else None
        ),
        "factor there": number("factor_coldest", ".3g"),
        "overlap there": {None: NONE, True: "yes", False: "no"}[found["overlaps_coldest"]],
        "Haven ratio there": both("haven_ratio"),
        "volume (%)": NONE if found["lattice_error"] is None else f"{100 * found['lattice_error']:+.1f}",
        "force error (%)": number("relative_force_rmse", ".1f", 100),
        "ions × ps": NONE if found["ions"] is None else f"{found['ions']} × {found['length_ps']:g}",
        "core hours": number("core_hours", ".2f"),
        "beside: labels (h)": of_labels(found["label_hours"]),
        "teacher": found["teacher"] or NONE,
    }


def spread(of: Spread | None) -> str:
    """A measured value, with its range where that is one."""
    if of is None:
        return NONE
    value, low, high = (written(x, ".3g") for x in (of.value, of.low, of.high))
    return value if of.low == of.high else f"{value} ({low} to {high})"


def of_labels(hours: tuple[float, float] | None) -> str:
    """What given labels cost, with two digits where only a range is known."""
    if hours is None:
        return NONE
    low, high = hours
    return f"{low:.2f}" if low == high else f"{low:.1f} to {high:.1f}"


def _single(found: Mapping[str, Any]) -> bool:
    """Whether what was measured is one line."""
    return found["lines"] is not None and len(found["lines"]) == 1


def markdown(rows: Sequence[Mapping[str, str]]) -> str:
    """A table."""
    if not rows:
        return ""
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + " --- |" * len(rows[0])]
    return "\n".join([*lines, *("| " + " | ".join(map(str, r.values())) + " |" for r in rows)])


def page(rows: Sequence[Mapping[str, Any]], listed: Sequence[Material]) -> str:
    """scorecard.md."""
    told = []
    for found in rows:
        verdicts = f" Runs: {found['verdicts']}." if found["verdicts"] else ""
        said = f" {found['reason'].rstrip('.')}." if found["reason"] else ""
        sources = "; ".join(
            value["source"] for one in listed if one.name == found["material"] for value in one.measured
        )
        told.append(
            f"- **{found['material']}**: {found['state']}.{said}{verdicts} Apart: {found['apart']}. Measured: {sources}."
            + _lines(found)
        )
    parts = [
        "# Computed against measured",
        "Made by scorecard.py; do not edit it by hand. Intervals are 95 %. What the columns mean is in README.md.",
        markdown([shown(r) for r in rows]),
        "## Median and worst",
        f"The aim: a median factor of {AIM_FACTOR:g} in σ(298 K), {AIM_EV:g} eV in E_a, and every interval holding the "
        "experiment or a stated reason why not.",
        markdown(summary(rows)),
        "## One by one",
        "\n".join(told),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _lines(found: Mapping[str, Any]) -> str:
    """The lines of the samples at the coldest run with a value."""
    if found["lines"] is None:
        return ""
    where = f"at {found['coldest_k']:g} K: {'; '.join(written(x, '.3g') for x in found['lines'])} mS/cm."
    if not found["line_of_one_sample"]:
        return f" No sample has both σ and E_a: the line is that of the medians of different ones, {where}"
    return f" Own lines of the samples with both σ and E_a, {where}"


def flat(found: Mapping[str, Any]) -> dict[str, Any]:
    """A row for the CSV: intervals in three columns."""
    out: dict[str, Any] = {}
    for key, value in found.items():
        if key in ("measured_ms_per_cm", "measured_ev", "line", "line_bar"):
            value = vars(value) if value else dict.fromkeys(("value", "low", "high"))
        elif key in ("computed_ms_per_cm", "computed_ev", "coldest_ms_per_cm", "haven_ratio"):
            value = {k: value[k] if value else None for k in ("value", "low", "high")}
        elif key == "label_hours":
            value = dict(zip(("low", "high"), value or (None, None), strict=True))
        elif key == "lines":
            value = "; ".join(f"{x:.4g}" for x in value or ())
        out |= {f"{key}_{k}": v for k, v in value.items()} if isinstance(value, dict) else {key: value}
    return out


def collect(listed: Sequence[Material], folder: Path) -> list[dict[str, Any]]:
    """The rows of all materials; one without a record has not been run."""
    rows = []
    for material in listed:
        path = outcome.path(folder, material)
        record = read_json(path) if path.exists() else {"state": outcome.NOT_RUN}
        rows.append(row(material, record))
    return rows


def main() -> None:
    """Write the table and the figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--folder", type=Path, default=HERE, help="where outcomes/ is and the table goes; default: here"
    )
    args = parser.parse_args()
    try:
        listed = chosen([])
        rows = collect(listed, args.folder)
    except DlmdError as error:
        sys.exit(str(error))
    write_csv(args.folder / "scorecard.csv", [flat(r) for r in rows], line_end="\n")
    write_text(args.folder / "scorecard.md", page(rows, listed))
    plot_style.save(drawing.figure(rows), [args.folder / "scorecard.png"])
    print(markdown([shown(r) for r in rows]), markdown(summary(rows)), sep="\n\n")


if __name__ == "__main__":
    main()
