"""A crystal as the text of a CIF that reads as the same crystal: every symmetry operation and every site listed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dlmd.structures.cif import CELL_TAGS

if TYPE_CHECKING:
    from dlmd.structures.crystal import Crystal, Site

COLUMNS = (
    "label",
    "type_symbol",
    "symmetry_multiplicity",
    "Wyckoff_symbol",
    "fract_x",
    "fract_y",
    "fract_z",
    "occupancy",
)


def text(crystal: Crystal, *, comments: Sequence[str] = ()) -> str:
    """The CIF, with `comments` at its head. Charges and the names of the space group are left out."""
    lines = [*(f"# {line}" for line in comments), f"data_{re.sub(r'[^A-Za-z0-9._-]+', '_', crystal.name)}"]
    lines += [f"_cell_{tag} {x:.10g}" for tag, x in zip(CELL_TAGS, crystal.cell_parameters, strict=True)]
    if crystal.formula:
        formula = " ".join(f"{s}{n:.8g}" for s, n in crystal.formula.items())
        lines.append(f"_chemical_formula_sum '{formula}'")
    lines += ["loop_", "_space_group_symop_operation_xyz", *_operations(crystal)]
    lines += ["loop_", *(f"_atom_site_{column}" for column in COLUMNS)]
    lines += [row for site in crystal.sites for row in _rows(site)]
    return "\n".join(lines) + "\n"


def _operations(crystal: Crystal) -> list[str]:
    from pymatgen.core import SymmOp

    return [
        f"'{SymmOp.from_rotation_and_translation(r, t).as_xyz_str()}'"
        for r, t in zip(crystal.rotations, crystal.translations, strict=True)
    ]


def _rows(site: Site) -> list[str]:
    """One row for every label of the site; labels beyond its species repeat the last one, with nothing on it."""
    species = list(site.occupancy)
    place = " ".join(f"{x:.8f}" for x in site.positions[0])
    letter = re.sub(r"\d", "", site.wyckoff)
    rows = []
    for i, label in enumerate(site.labels):
        s = species[min(i, len(species) - 1)]
        x = site.occupancy[s] if i < len(species) else 0.0
        rows.append(f'"{label}" {s} {site.multiplicity} {letter} {place} {x:.6f}')
    return rows
