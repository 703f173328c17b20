"""CIFs written from a few values, in the spellings of many programs."""

from pathlib import Path

COLUMNS = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")


def cif_text(cell, rows, *, group="P 1", columns=COLUMNS, tags=(), operations=()):
    """`cell`: six numbers; `rows`: one string per row of the atom-site loop; `tags`: further lines."""
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    lines = ["data_drawn", *(f"_cell_{name} {x}" for name, x in zip(names, cell, strict=True)), *tags]
    if group is not None:
        lines.append(f"_symmetry_space_group_name_H-M '{group}'")
    if operations:
        lines += ["loop_", "_symmetry_equiv_pos_as_xyz", *(f"'{text}'" for text in operations)]
    lines += ["loop_", *(f"_atom_site_{name}" for name in columns), *rows, ""]
    return "\n".join(lines)


def write_cif(folder: Path, cell, rows, *, name="drawn", encoding="utf-8", **options) -> Path:
    path = folder / f"{name}.cif"
    path.write_text(cif_text(cell, rows, **options), encoding=encoding)
    return path


def cubic(a):
    return (a, a, a, 90, 90, 90)


def hexagonal(a, c):
    return (a, a, c, 90, 90, 120)
