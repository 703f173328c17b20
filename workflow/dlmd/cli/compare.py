"""Runs, or the levels of one run, side by side: do they differ, and by how much.

Each quantity is given as a ratio (σ, D, Haven ratio) or a difference (energies, lengths) to the first one named, with an
interval. Quantities without intervals (lattice, force errors, barriers) are only set side by side.

examples:
  dlmd compare results/li3ticl6                         # its levels u0 and u4
  dlmd compare results/demo results/li3incl6 -o beside
  dlmd compare results/li3ticl6:u4 results/demo

With -o writes DIR/comparison.csv, .json, .html and the Arrhenius lines over each other as .png and .pdf.
Units: eV, K, mS/cm, cm²/s, Å.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlmd.report.comparison import Row, Subject


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dlmd compare`."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folder of a run, or RUN:LEVEL")
    parser.add_argument(
        "-o", "--output", metavar="DIR", help="folder for tables, figure and page; default: print only"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")


def run(args: argparse.Namespace) -> None:
    """Print the comparison, and write it where asked to."""
    import json

    from dlmd.report import comparison

    found = comparison.subjects(args.runs)
    rows, notes = comparison.rows(found), comparison.notes(found)
    data = as_dict(found, rows, notes)
    if args.output:
        write(Path(args.output), found, data)
    print(json.dumps(data, indent=1, ensure_ascii=False) if args.json else text(data))


def as_dict(found: Sequence[Subject], rows: Sequence[Row], notes: Sequence[str]) -> dict:
    """Content of comparison.json."""
    from dataclasses import asdict

    from dlmd.base.intervals import Estimate

    def plain(value):
        return asdict(value) if isinstance(value, Estimate) else value

    return {
        "format": "dlmd-comparison",
        "version": 1,
        "subjects": [s.label for s in found],
        "rows": [
            {
                "quantity": r.quantity,
                "kind": r.kind,
                "values": [plain(v) for v in r.values],
                "against_first": [plain(v) for v in r.against],
                "verdicts": [r.words(k) for k in range(len(r.against))],
            }
            for r in rows
        ],
        "notes": list(notes),
    }


def table(data: dict) -> list[dict]:
    """Rows of text: the quantity, every subject, and each against the first."""
    first, *others = data["subjects"]
    out = []
    for r in data["rows"]:
        line = {"quantity": r["quantity"]}
        line |= {label: _shown(v) for label, v in zip(data["subjects"], r["values"], strict=True)}
        for label, found, words in zip(others, r["against_first"], r["verdicts"], strict=True):
            sign = "/" if r["kind"] == "ratio" else "−"
            line[f"{label} {sign} {first}"] = f"{_shown(found)} {words}".strip() if found else ""
        # one column per pair, whichever kind the row is of
        out.append({k.replace(" − ", " against ").replace(" / ", " against "): v for k, v in line.items()})
    return out


def text(data: dict) -> str:
    """The table and the notes for a terminal."""
    from dlmd.base.formatting import aligned

    return "\n".join([*aligned(table(data)), "", *(f"! {note}" for note in data["notes"])])


def write(folder: Path, found: Sequence[Subject], data: dict) -> None:
    """comparison.csv, .json, .html and arrhenius.png, .pdf."""
    from dlmd.base import plot_style
    from dlmd.base.files import write_csv, write_json, write_text
    from dlmd.report import pages
    from dlmd.transport import arrhenius_plots

    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "comparison.json", data)
    shown = table(data)
    write_csv(folder / "comparison.csv", shown)
    figure = arrhenius_plots.arrhenius_overlay({s.label: (s.temperatures, s.fitted) for s in found})
    plot_style.save(figure, [str(folder / "arrhenius.png"), str(folder / "arrhenius.pdf")])
    html = pages.render(
        "comparison.html.j2",
        subjects=data["subjects"],
        rows=shown,
        notes=data["notes"],
        figure=pages.embedded(folder / "arrhenius.png"),
    )
    write_text(folder / "comparison.html", html)


def _shown(value: dict | float | None) -> str:
    from dlmd.base.formatting import interval

    if value is None:
        return "–"
    return interval(value) if isinstance(value, dict) else f"{value:.4g}"
