"""Occupancies of all supercells of a run, gathered from their summaries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dlmd.base.files import read_json, write_csv

SITE_COLUMNS = ("site", "wyckoff", "species", "positions", "atoms")
OCCUPANCY_COLUMNS = (
    *("occupancy", "cell", "atoms_in_cell", *SITE_COLUMNS),
    *("requested_occupancy", "realised_occupancy", "orderings"),
)


def occupancies(summaries: Sequence[str], table: str) -> None:
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
    write_csv(table, rows, OCCUPANCY_COLUMNS)
