"""Tables gathered from the results of many jobs."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from dlmd.files import read_csv, read_json

CELL_COLUMNS = ("a", "b", "c", "alpha", "beta", "gamma", "volume")
COMPARISON_COLUMNS = ("occupancy", "source", "cell", "ordering", *CELL_COLUMNS, "energy_ev_per_atom")
SITE_COLUMNS = ("site", "wyckoff", "species", "positions", "atoms")
OCCUPANCY_COLUMNS = (
    *("occupancy", "cell", "atoms_in_cell", *SITE_COLUMNS),
    *("requested_occupancy", "realised_occupancy", "orderings"),
)


def write_csv(path: str | Path, rows: Sequence[Mapping], columns: Iterable[str] | None = None) -> None:
    """Write rows of equal keys."""
    columns = list(columns or rows[0])
    with Path(path).open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def occupancies(summaries: Sequence[str], out: str) -> None:
    """Requested and realised occupancies of every disordered site in every supercell."""
    rows = []
    for path in map(Path, summaries):
        summary = read_json(path)
        for site in summary["sites"]:
            if 0 < site["requested_occupancy"] < 1:
                rows.append(
                    {
                        "occupancy": path.parent.parent.name,
                        "cell": path.parent.name,
                        "atoms_in_cell": summary["n_atoms"],
                        **{key: site[key] for key in SITE_COLUMNS},
                        "requested_occupancy": f"{site['requested_occupancy']:.4f}",
                        "realised_occupancy": f"{site['realised_occupancy']:.4f}",
                        "orderings": len(summary["orderings"]),
                    }
                )
    write_csv(out, rows, OCCUPANCY_COLUMNS)


def lattice(infos: Sequence[str], out: str) -> None:
    """Lattice parameters per unit cell of every relaxed cell."""
    rows = []
    for path in map(Path, infos):
        info = read_json(path)
        occupancy, cell, ordering = path.parts[-4:-1]
        rows.append(
            {
                "occupancy": occupancy,
                "cell": cell,
                "ordering": ordering,
                **{key: f"{info['unit_cell'][key]:.4f}" for key in CELL_COLUMNS},
                "energy_ev_per_atom": f"{info['energy_ev_per_atom']:.5f}",
                "fmax_ev_per_a": f"{info['fmax_ev_per_a']:.4f}",
                "converged": info["converged"],
                "steps": info["steps"],
            }
        )
    write_csv(out, rows)


def lattice_comparison(tables: Mapping[str, str], out: str, *, reference: str | None) -> None:
    """The relaxed cells of all levels beside each other, and the published ones: Table II of the paper.

    Parameters
    ----------
    tables
        Level -> its `lattice` table; its levels follow each other for every occupancy, cell and ordering.
    out
        CSV with one row per occupancy, cell, ordering and level; then those of the reference's `lattice` with this
        occupancy, whose cell, ordering and energy are empty. Published occupancies that the run lacks come last.
    reference
        YAML with published values, or None.
    """
    import yaml

    published = yaml.safe_load(Path(reference).read_text(encoding="utf-8")) if reference else {}
    rows: dict[str, list[dict]] = {}  # by occupancy
    for of_one_cell in zip(*(read_csv(path) for path in tables.values()), strict=True):
        for level, row in zip(tables, of_one_cell, strict=True):
            rows.setdefault(row["occupancy"], []).append({**row, "source": level})
    for row in published.get("lattice", []):
        rows.setdefault(row["occupancy"], []).append({**row, "source": row["label"]})
    chosen = [{k: row.get(k, "") for k in COMPARISON_COLUMNS} for group in rows.values() for row in group]
    write_csv(out, chosen, COMPARISON_COLUMNS)


def costs(config: str, benchmarks: str, *, stages: str, throughput: str) -> None:
    """Costs per stage and throughput of the dynamics, from the benchmark files of the run's jobs."""
    from dlmd import costs as costs_module
    from dlmd.config_file import load
    from dlmd.estimates import compositions

    cfg = load(config)
    records = costs_module.records(Path(benchmarks))
    write_csv(stages, costs_module.stage_costs(records))
    rows = costs_module.throughput(records, cfg, compositions(cfg))
    write_csv(throughput, rows, costs_module.THROUGHPUT_COLUMNS)
