"""CIF -> supercells of one occupancy and cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlmd.base.files import write_csv


def build(
    cif: str,
    *,
    cif_files: Sequence[str],
    summary_file: str,
    repeat: Sequence[int],
    occupancies: Mapping[str, Any],
    charges: Mapping[str, float],
    sampling: str,
    min_distance: float,
    tolerance: float,
    seed: int,
) -> None:
    """Write one ordering per name in `cif_files` (the .extxyz beside it), and their summary."""
    from dlmd.structures import cells as structures
    from dlmd.structures.crystal import read_cif
    from dlmd.structures.occupancy import apportion
    from dlmd.structures.ordering import orderings

    crystal = read_cif(cif)
    counts = apportion(crystal, repeat=repeat, occupancies=occupancies, charges=charges, tolerance=tolerance)
    cells = orderings(
        crystal, counts, n=len(cif_files), seed=seed, method=sampling, min_distance=min_distance
    )
    for atoms, path in zip(cells, cif_files, strict=True):
        structures.write(atoms, Path(path).with_suffix(""))
    structures.write_summary(structures.summary(counts, cells), summary_file)


def draw(structure: str, figures: Sequence[str], *, charges: Mapping[str, float], title: str) -> None:
    """Cation layers of one ordering, as in the paper's Fig. 2."""
    import ase.io

    from dlmd.base import plot_style
    from dlmd.structures import plots

    plot_style.save(plots.layers(ase.io.read(structure), charges=charges, title=title), figures)


def powder(patterns: Mapping[str, str], figures: Sequence[str], *, table: str) -> None:
    """Simulated powder diffraction of several structures (name -> extxyz), and its lines as CSV."""
    import ase.io

    from dlmd.base import plot_style
    from dlmd.structures import plots

    lines = {name: plots.powder_pattern(ase.io.read(path)) for name, path in patterns.items()}
    write_csv(
        table,
        [
            {"structure": name, **dict(zip(pattern, values, strict=True))}
            for name, pattern in lines.items()
            for values in zip(*pattern.values(), strict=True)
        ],
    )
    plot_style.save(plots.powder_figure(lines), figures)
