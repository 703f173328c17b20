"""CIF -> supercells of one occupancy and cell."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlmd.base.files import write_csv

if TYPE_CHECKING:
    from dlmd.structures.occupancy import Apportionment

LARGE_ATOMS = 5000


def build(
    cif: str,
    *,
    cifs: Sequence[str],
    summary: str,
    repeat: Sequence[int],
    occupancies: Mapping[str, Any],
    charges: Mapping[str, float],
    sampling: str,
    min_distance_angstrom: float | Mapping[str, float],
    tolerance: float,
    seed: int,
) -> None:
    """Write one ordering per name in `cifs` (the .extxyz beside it), and their summary."""
    from dlmd.structures import cells as structures
    from dlmd.structures.occupancy import of_cif
    from dlmd.structures.ordering import orderings

    counts = of_cif(
        cif,
        repeat=repeat,
        occupancies=occupancies,
        charges=charges,
        tolerance=tolerance,
        min_distance_angstrom=min_distance_angstrom,
    )
    if counts.n_atoms >= LARGE_ATOMS:
        print(f"{counts.n_atoms:,} atoms, {sampling}: minutes for an ordering", file=sys.stderr, flush=True)
    cells = orderings(
        counts.crystal, counts, n=len(cifs), seed=seed, method=sampling, after_each=_say(counts)
    )
    for atoms, path in zip(cells, cifs, strict=True):
        structures.write(atoms, Path(path).with_suffix(""))
    structures.write_summary(structures.summary(counts, cells), summary)


def _say(counts: Apportionment) -> Callable[[int, float], None] | None:
    """What says that an ordering of a large cell is made; small ones take seconds."""
    if counts.n_atoms < LARGE_ATOMS:
        return None
    return lambda n, seconds: print(f"ordering {n} after {seconds:.0f} s", file=sys.stderr, flush=True)


def draw(structure: str, *, figures: Sequence[str], charges: Mapping[str, float], title: str) -> None:
    """Cation layers of one ordering, as in the paper's Fig. 2."""
    import ase.io

    from dlmd.base import plot_style
    from dlmd.structures import plots

    plot_style.save(plots.layers(ase.io.read(structure), charges=charges, title=title), figures)


def powder(structures: Sequence[str], *, names: Sequence[str], figures: Sequence[str], table: str) -> None:
    """Simulated powder diffraction of several structures with their names, and its lines as CSV."""
    import ase.io

    from dlmd.base import plot_style
    from dlmd.structures import plots

    lines = {
        name: plots.powder_pattern(ase.io.read(path)) for name, path in zip(names, structures, strict=True)
    }
    write_csv(
        table,
        [
            {"structure": name, **dict(zip(pattern, values, strict=True))}
            for name, pattern in lines.items()
            for values in zip(*pattern.values(), strict=True)
        ],
    )
    plot_style.save(plots.powder_figure(lines), figures)
