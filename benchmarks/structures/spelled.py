"""CIFs of further conductors from published facts, as databases and programs spell them: `spelled.py FOLDER`.

Families that neither `tests/support/conductors.py` nor `published.py` has. Each is written as one of fifteen sources writes its
files: COD, ICSD, SHELXL, FullProf, GSAS, VESTA, Materials Studio, pymatgen and the American Mineralogist's database here, and
those of `programs.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from listed_crystals import CRYSTALS, Crystal
from programs import PROGRAMS
from spelled_parts import full_list, head, ion, kind, loop, multiplicities, occupancy, operations, spaced


def cod(name: str, c: Crystal) -> list[str]:
    rows = [
        f"{label} {e} {x:g} {y:g} {z:g} {occupancy(n, '(4)')} Uiso 0.0200" for label, e, x, y, z, n in c.sites
    ]
    return [
        "#" * 40,
        "# This file is available in the Crystallography Open Database (COD)",
        "data_7000000",
        f"_chemical_name_systematic '{name}'",
        f"_space_group_IT_number {kind(c).number}",
        f"_symmetry_space_group_name_Hall '{kind(c).hall_symbol}'",
        f"_symmetry_space_group_name_H-M '{spaced(c)}'",
        *head(c, "(2)"),
        "loop_",
        "_symmetry_equiv_pos_as_xyz",
        *operations(c),
        *loop(
            "label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy", "adp_type", "U_iso_or_equiv"
        ),
        *rows,
    ]


def icsd(name: str, c: Crystal) -> list[str]:
    types = [f"{ion(c, e)} {c.charges[e]}" for e in c.charges]
    rows = [
        f"{label} {ion(c, e)} {x:g} {y:g} {z:g} . {occupancy(n, '(2)')} 0" for label, e, x, y, z, n in c.sites
    ]
    setting = " H" if c.group[1] == "H" else " S" if c.group[1] == "1" else " Z" if c.group[1] == "2" else ""
    return [
        "#(C) 2021 by FIZ Karlsruhe",
        "data_100000-ICSD",
        "_database_code_ICSD 100000",
        f"_chemical_name_structured '{name}'",
        *head(c, "(1)"),
        f"_symmetry_space_group_name_H-M '{spaced(c)}{setting}'",
        f"_symmetry_Int_Tables_number {kind(c).number}",
        "loop_",
        "_symmetry_equiv_pos_site_id",
        "_symmetry_equiv_pos_as_xyz",
        *(f"{k} '{o.replace(',', ', ')}'" for k, o in enumerate(operations(c), 1)),
        "loop_",
        "_atom_type_symbol",
        "_atom_type_oxidation_number",
        *types,
        *loop(
            "label",
            "type_symbol",
            "fract_x",
            "fract_y",
            "fract_z",
            "B_iso_or_equiv",
            "occupancy",
            "attached_hydrogens",
        ),
        *rows,
        f"#End of data_{name}",
    ]


def shelxl(name: str, c: Crystal) -> list[str]:
    seen: dict[tuple, int] = {}
    rows = []
    order = [len(operations(c)) // n for n in multiplicities(c)]
    for (label, e, x, y, z, n), same in zip(c.sites, order, strict=True):
        group = seen.setdefault((x, y, z), len(seen))
        shared = sum(s[2:5] == (x, y, z) for s in c.sites) > 1
        rows.append(
            f"{label} {e} {x:.4f} {y:.4f} {z:.4f} 0.0213(5) Uani {n:.4g} {same} d "
            f"{'S' * (same > 1) + 'P' if n < 1 else '.'} {'P' if n < 1 else '.'} {-1 - group if shared else '.'}"
        )
    return [
        f"data_{name}",
        "_audit_creation_method 'SHELXL-2018/3'",
        "_chemical_formula_weight ?",
        f"_space_group_crystal_system '{'cubic' if kind(c).number > 194 else 'other'}'",
        f"_space_group_IT_number {kind(c).number}",
        f"_space_group_name_H-M_alt '{spaced(c)}{':' + c.group[1] if c.group[1] in ('H', '1', '2') else ''}'",
        f"_space_group_name_Hall '{kind(c).hall_symbol}'",
        "loop_",
        " _space_group_symop_operation_xyz",
        *(f" '{o.replace(',', ', ')}'" for o in operations(c)),
        *head(c, "(3)"),
        "_cell_measurement_temperature 293(2)",
        *loop(
            "label",
            "type_symbol",
            "fract_x",
            "fract_y",
            "fract_z",
            "U_iso_or_equiv",
            "adp_type",
            "occupancy",
            "site_symmetry_order",
            "calc_flag",
            "refinement_flags_posn",
            "refinement_flags_occupancy",
            "disorder_group",
        ),
        *rows,
    ]


def fullprof(name: str, c: Crystal) -> list[str]:
    rows = [
        f"{label} {x:.5f} {y:.5f} {z:.5f} 0.01000 {n:.5f} Uiso {e.upper()}"
        for label, e, x, y, z, n in c.sites
    ]
    return [
        "# FULLPROF generated CIF",
        f"data_{name}",
        f"_pd_block_id '{name}'",
        *head(c, "(5)"),
        f"_symmetry_space_group_name_H-M '{spaced(c)}'",
        "loop_",
        "    _symmetry_equiv_pos_as_xyz   #<--must include 'x,y,z'",
        *(f"'{o}'" for o in operations(c)),
        *loop(
            "label", "fract_x", "fract_y", "fract_z", "U_iso_or_equiv", "occupancy", "adp_type", "type_symbol"
        ),
        *rows,
    ]


def gsas(name: str, c: Crystal) -> list[str]:
    rows = [
        f"{label} {e} {x:g} {y:g} {z:g} {occupancy(n, '(7)')} Uiso 0.0100(3) {mult}"
        for (label, e, x, y, z, n), mult in zip(c.sites, multiplicities(c), strict=True)
    ]
    return [
        f"data_{name}_publ",
        f"_pd_block_id 2020-01-01T00:00|{name}|author",
        f"data_{name}_phase_1",
        *head(c, "(4)"),
        f"_symmetry_cell_setting {'cubic' if kind(c).number > 194 else 'other'}",
        f'_symmetry_space_group_name_H-M "{spaced(c)}"',
        "loop_ _symmetry_equiv_pos_site_id _symmetry_equiv_pos_as_xyz",
        *(f"{k} {o}" for k, o in enumerate(operations(c, "+x,+y,+z"), 1)),
        *loop(
            "label",
            "type_symbol",
            "fract_x",
            "fract_y",
            "fract_z",
            "occupancy",
            "thermal_displace_type",
            "U_iso_or_equiv",
            "symmetry_multiplicity",
        ),
        *rows,
    ]


def vesta(name: str, c: Crystal) -> list[str]:
    rows = [
        f"   {label:10} {n:.4f}  {x:.6f} {y:.6f} {z:.6f} Biso  1.000000 {e}"
        for label, e, x, y, z, n in c.sites
    ]
    return [
        "#======================================================================",
        "# CRYSTAL DATA",
        "data_VESTA_phase_1",
        f"_chemical_name_common                  '{name}'",
        *head(c, "(1)"),
        f"_space_group_name_H-M_alt              '{spaced(c)}'",
        f"_space_group_IT_number                 {kind(c).number}",
        "loop_",
        "_space_group_symop_operation_xyz",
        *(f"   '{o.replace(',', ', ')}'" for o in operations(c)),
        "loop_",
        *(
            f"   _atom_site_{t}"
            for t in (
                "label",
                "occupancy",
                "fract_x",
                "fract_y",
                "fract_z",
                "adp_type",
                "B_iso_or_equiv",
                "type_symbol",
            )
        ),
        *rows,
    ]


def studio(name: str, c: Crystal) -> list[str]:
    rows = [
        f"{label} {e} {x:.5f} {y:.5f} {z:.5f} 0.00000 Uiso {n:.2f}"
        if round(n, 2) == n
        else f"{label} {e} {x:.5f} {y:.5f} {z:.5f} 0.00000 Uiso {n:.4f}"
        for label, e, x, y, z, n in c.sites
    ]
    return [
        f"data_{name}",
        "_audit_creation_method 'Materials Studio'",
        f"_symmetry_space_group_name_H-M '{spaced(c).replace(' ', '').upper()}'",
        f"_symmetry_Int_Tables_number {kind(c).number}",
        f"_symmetry_cell_setting {'cubic' if kind(c).number > 194 else 'other'}",
        "loop_",
        "_symmetry_equiv_pos_as_xyz",
        *(f"  {o}" for o in operations(c)),
        *head(c),
        *loop(
            "label", "type_symbol", "fract_x", "fract_y", "fract_z", "U_iso_or_equiv", "adp_type", "occupancy"
        ),
        *rows,
    ]


def pymatgen(name: str, c: Crystal) -> list[str]:
    rows = [
        f"  {ion(c, e)}  {e}{k}  1  {x:.8f}  {y:.8f}  {z:.8f}  {n:g}"
        for k, (_, e, x, y, z, n) in enumerate(full_list(c))
    ]
    return [
        "# generated using pymatgen",
        f"data_{name}",
        "_symmetry_space_group_name_H-M   'P 1'",
        *head(c),
        "_symmetry_Int_Tables_number   1",
        "loop_",
        " _symmetry_equiv_pos_site_id",
        " _symmetry_equiv_pos_as_xyz",
        "  1  'x, y, z'",
        "loop_",
        " _atom_type_symbol",
        " _atom_type_oxidation_number",
        *(f"  {e}{abs(q)}{'+' if q > 0 else '-'}  {q:.1f}" for e, q in c.charges.items()),
        "loop_",
        *(
            f" _atom_site_{t}"
            for t in (
                "type_symbol",
                "label",
                "symmetry_multiplicity",
                "fract_x",
                "fract_y",
                "fract_z",
                "occupancy",
            )
        ),
        *rows,
    ]


def amcsd(name: str, c: Crystal) -> list[str]:
    rows = [f"{label} {x:.5f} {y:.5f} {z:.5f} {n:.5f} 0.01000" for label, e, x, y, z, n in c.sites]
    return [
        "data_global",
        f"_chemical_name_mineral '{name}'",
        "loop_",
        "_publ_author_name",
        "'Author A'",
        "_journal_year 1999",
        *head(c),
        f"_symmetry_space_group_name_H-M '{spaced(c)}'",
        "_exptl_crystal_density_diffrn      3.000",
        "loop_",
        "_space_group_symop_operation_xyz",
        *(f"  '{o}'" for o in operations(c, "front")),
        *loop("label", "fract_x", "fract_y", "fract_z", "occupancy", "U_iso_or_equiv"),
        *rows,
    ]


WRITERS: dict[str, Callable[[str, Crystal], list[str]]] = {
    "cod": cod,
    "icsd": icsd,
    "shelxl": shelxl,
    "fullprof": fullprof,
    "gsas": gsas,
    "vesta": vesta,
    "studio": studio,
    "pymatgen": pymatgen,
    "amcsd": amcsd,
    **PROGRAMS,
}


def main() -> None:
    """Write all of them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, crystal in CRYSTALS.items():
        text = "\n".join(WRITERS[crystal.source](name, crystal)) + "\n"
        (folder / f"{name}.cif").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
