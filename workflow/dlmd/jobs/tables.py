"""Tables gathered from the results of many jobs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

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
        summary = json.loads(path.read_text())
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
        info = json.loads(path.read_text())
        occupancy, cell, ordering = path.parts[-4:-1]
        rows.append(
            {
                "occupancy": occupancy,
                "cell": cell,
                "ordering": ordering,
                **{
                    key: f"{info['unit_cell'][key]:.4f}"
                    for key in ("a", "b", "c", "alpha", "beta", "gamma", "volume")
                },
                "energy_ev_per_atom": f"{info['energy_ev_per_atom']:.5f}",
                "fmax_ev_per_a": f"{info['fmax_ev_per_a']:.4f}",
                "converged": info["converged"],
                "steps": info["steps"],
            }
        )
    write_csv(out, rows)
