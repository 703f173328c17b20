"""Lattice parameters of relaxed cells, gathered from many relaxations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dlmd.base.files import read_csv, read_json, write_csv

CELL_COLUMNS = ("a", "b", "c", "alpha", "beta", "gamma", "volume")
COMPARISON_COLUMNS = ("occupancy", "source", "cell", "ordering", *CELL_COLUMNS, "energy_ev_per_atom")


def lattice(infos: Sequence[str], table: str) -> None:
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
    write_csv(table, rows)


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
    from dlmd.config.published import read

    published = read(reference)
    rows: dict[str, list[dict]] = {}  # by occupancy
    for of_one_cell in zip(
        *(read_csv(path, columns=("occupancy",)) for path in tables.values()), strict=True
    ):
        for level, row in zip(tables, of_one_cell, strict=True):
            rows.setdefault(row["occupancy"], []).append({**row, "source": level})
    for row in published.get("lattice", []):
        rows.setdefault(row["occupancy"], []).append({**row, "source": row["label"]})
    chosen = [{k: row.get(k, "") for k in COMPARISON_COLUMNS} for group in rows.values() for row in group]
    write_csv(out, chosen, COMPARISON_COLUMNS)
