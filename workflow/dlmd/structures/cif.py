"""The text of a CIF: its one data block with atom sites, and the rows of the sites as numbers.

Spellings of the common sources are understood: SHELXL, ICSD, COD, AMCSD, Pauling File, ASE, pymatgen and VESTA.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.structures import cif_text, species, vacancies

CELL_TAGS = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
MULTIPLICITY_TAGS = ("_atom_site_symmetry_multiplicity", "_atom_site_site_symmetry_multiplicity")
NOTHING = ("", ".", "?")


@dataclass
class Row:
    """One species of one row of the atom-site loop.

    Attributes
    ----------
    uncertainty
        (3,) half a unit of the last printed digit, 0 where the number can be meant exactly.
    charge
        Oxidation state that the file states, in e.
    multiplicity
        As printed; programs mean different things by it.
    isotope
        Whether it is hydrogen that the file names deuterium or tritium.
    """

    label: str
    species: str
    position: np.ndarray
    uncertainty: np.ndarray
    printed: tuple[str, ...]
    occupancy: float
    multiplicity: int | None
    letter: str | None
    charge: float | None = None
    order: int | None = None
    isotope: bool = False


@dataclass
class Block:
    """The data block of a CIF: tags in lower case, and what had to be understood in reading it."""

    path: Path
    tags: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    def number(self, tag: str) -> float:
        """A number that has to be there. Raises DlmdError where it is missing or none."""
        if tag not in self.tags:
            raise DlmdError(f"{tag} is missing", where=str(self.path), remedy=f"add {tag}")
        value = self.tags[tag]
        return to_float(value[0] if isinstance(value, list) and len(value) == 1 else value, tag, self.path)


def _refuse_missing(path: Path) -> NoReturn:
    """A path that is no file: what is there instead."""
    folder = path if path.is_dir() else path.parent
    if not folder.is_dir():
        raise DlmdError(
            f"no such file: {path}; there is no folder {folder}",
            remedy="give the path of a CIF as seen from this folder",
        )
    names = sorted(p.name for p in folder.iterdir() if p.suffix.lower() == ".cif")
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "") if names else "none"
    if path.is_dir():
        raise DlmdError(f"{path} is a folder", remedy=f"give one of its CIFs: {shown}")
    near = did_you_mean(path.name, names) if names else f"{folder} has no CIFs"
    raise DlmdError(f"no such file: {path}", remedy=f"give the path of a CIF; {near}")


def read_block(path: Path) -> Block:
    """The one data block with atom sites.

    Raises
    ------
    DlmdError
        for a file that is missing or no CIF, and for several structures in one file.
    """
    if not path.is_file():
        _refuse_missing(path)
    try:
        blocks = [block for block in cif_text.data_blocks(path) if _has_sites(block[1])]
    except DlmdError:
        raise
    except Exception as error:
        uneven = re.search("not a multiple|zip[(]", str(error))  # words for the values of a loop
        raise DlmdError(
            "unreadable CIF: the values of a loop do not fill whole rows"
            if uneven
            else f"unreadable CIF: {error}",
            where=str(path),
            remedy="give each row of every loop one value for each column: '.' where there is none, quotes round blanks"
            if uneven
            else "open it in a viewer such as VESTA and export it again",
        ) from error
    if not blocks:
        raise DlmdError(
            "no atom sites with fractional coordinates",
            where=str(path),
            remedy="add _atom_site_fract_x, _y and _z",
        )
    if len(blocks) > 1:
        raise DlmdError(
            f"{len(blocks)} structures in one file: data blocks {', '.join(repr(name) for name, _ in blocks)}",
            where=str(path),
            remedy="keep the data block that is meant, and the others in files of their own",
        )
    tags = blocks[0][1]
    modulated = "_cell_wave_vector_seq_id" in tags or str(tags.get("_cell_modulation_dimension", "")) not in (
        *NOTHING,
        "0",
    )
    notes = ["a modulated structure: its average is read, without the waves"] if modulated else []
    return Block(path, tags, notes)


def _has_sites(tags: Mapping[str, Any]) -> bool:
    values = tags.get("_atom_site_fract_x")
    values = [values] if isinstance(values, str) else values or []
    return any(str(v).strip() not in NOTHING for v in values)


def to_float(text: object, tag: str, path: Path) -> float:
    """A CIF number, its standard uncertainty in brackets dropped. Raises DlmdError where it is none."""
    try:
        plain = re.sub(r"\(\d*\)", "", str(text)).strip()
        value = float(Fraction(plain)) if re.fullmatch(r"[+-]?\d+/[1-9]\d*", plain) else float(plain)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        comma = re.fullmatch(r"[+-]?\d*,\d+(?:\(\d+\))?", str(text).strip())
        remedy = f"write {str(text).replace(',', '.')}, with a point" if comma else f"correct {tag}"
        raise DlmdError(f"{tag} is '{text}', not a number", where=str(path), remedy=remedy)
    return value


def formula(tags: Mapping[str, Any]) -> dict[str, float]:
    """Element -> number of atoms in `_chemical_formula_sum`; empty where there is none."""
    from ase.data import atomic_numbers

    text = str(tags.get("_chemical_formula_sum") or "")
    found: dict[str, float] = {}
    for symbol, number in re.findall(r"([A-Z][a-z]?)\s*(\d*\.?\d*)", re.sub(r"\(\d+\)", "", text)):
        if symbol in species.HYDROGEN:
            symbol = "H"
        if symbol not in atomic_numbers or number == ".":
            return {}
        found[symbol] = found.get(symbol, 0.0) + float(number or 1)
    return found


def formula_units(tags: Mapping[str, Any]) -> float | None:
    """The printed number of formula units in the cell."""
    text = str(tags.get("_cell_formula_units_z") or "")
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) and float(text) > 0 else None


def atom_rows(block: Block) -> list[Row]:
    """The species of the atom-site loop, one row each, every label once.

    Raises
    ------
    DlmdError
        for a species that is no element, and a coordinate or an occupancy that is no number.
    """
    tags, path = block.tags, block.path
    table = _Columns(tags)
    labels, known = _labels(table), set(formula(tags))
    shouting = not any(c.islower() for text in table.symbols for c in text.strip("'\""))
    charges = _stated_charges(tags)
    rows: list[Row] = []
    for i in range(table.count):
        where = f"of site {labels[i]}"
        coordinates = [str(table.column(f"_atom_site_fract_{x}", "?")[i]) for x in "xyz"]
        if str(table.column("_atom_site_calc_flag", "")[i]).lower() == "dum":
            continue
        if vacancies.is_vacant(
            table.symbols[i], labels[i], known, typed=table.typed, where=f"{path}, site {labels[i]}"
        ):
            if _occupancy(table.column("_atom_site_occupancy", "1"), i, where, path) > 0.999:
                raise DlmdError(
                    f"'{table.symbols[i]}' is not a chemical element, and its site is full",
                    where=f"{path}, site {labels[i]}",
                    remedy="delete the row if the site is vacant, else correct _atom_site_type_symbol",
                )
            block.notes.append(f"{labels[i]} ('{table.symbols[i]}') is taken as vacant, not as an atom")
            continue
        if all(text.strip() in NOTHING for text in coordinates):
            raise DlmdError(
                f"site {labels[i]} has no coordinates",
                where=str(path),
                remedy="add its coordinates, or delete the row and correct the composition",
            )
        position = np.array(
            [
                to_float(text, f"_atom_site_fract_{x} {where}", path)
                for x, text in zip("xyz", coordinates, strict=True)
            ]
        )
        occupancy = _occupancy(table.column("_atom_site_occupancy", "1"), i, where, path)
        letter = re.sub(r"[\d.?]", "", str(table.column("_atom_site_wyckoff_symbol", "")[i] or ""))
        contents = species.contents(
            table.symbols[i], occupancy, known, shouting, typed=table.typed, where=f"{path}, site {labels[i]}"
        )
        for k, (element, part, charge) in enumerate(contents):
            rows.append(
                Row(
                    label=labels[i] if len(contents) == 1 else _free(f"{labels[i]}_{element}", labels),
                    species=element,
                    position=position,
                    uncertainty=np.array([_half_unit(text) for text in coordinates]),
                    printed=tuple(coordinates),
                    occupancy=part,
                    multiplicity=table.whole(MULTIPLICITY_TAGS, i),
                    letter=letter or None,
                    charge=charges.get(str(table.symbols[i]), charge),
                    order=table.whole(("_atom_site_site_symmetry_order",), i),
                    isotope=element == "H" and species.ISOTOPE.search(table.symbols[i]) is not None,
                )
            )
            if k:
                rows[-1].letter = rows[-2].letter
    block.notes += _hydrogen_left_out(rows, typed=table.typed) + _isotopes(rows)
    return rows


def _hydrogen_left_out(rows: Sequence[Row], *, typed: bool) -> list[str]:
    wet = [row.label for row in rows if row.species == "O" and species.HYDROUS.match(row.label)]
    if not wet or typed or any(row.species == "H" for row in rows):
        return []
    return [f"{', '.join(wet)} taken as oxygen: hydrogen is named there, but not listed"]


def _isotopes(rows: Sequence[Row]) -> list[str]:
    heavy = [row.label for row in rows if row.isotope]
    if not heavy:
        return []
    return [
        f"{', '.join(heavy)} taken as H, with hydrogen's mass: deuterium or tritium moves more slowly than here"
    ]


class _Columns:
    """The columns of the atom-site loop; a lone value is a loop of one row."""

    def __init__(self, tags: Mapping[str, Any]):
        self.tags = tags
        first = tags["_atom_site_fract_x"]
        self.count = len(first) if isinstance(first, list) else 1
        self.typed = any(str(v).strip() not in NOTHING for v in self.column("_atom_site_type_symbol", ""))
        labels = self.column("_atom_site_label", "")
        types = self.column("_atom_site_type_symbol", "")
        self.symbols = [
            str(t) if str(t).strip() not in NOTHING else str(label)
            for t, label in zip(types, labels, strict=True)
        ]

    def column(self, tag: str, default: object) -> list[Any]:
        values = self.tags.get(tag, default)
        values = values if isinstance(values, list) else [values] * self.count
        return values if len(values) == self.count else [default] * self.count

    def whole(self, names: Sequence[str], i: int) -> int | None:
        for tag in names:
            text = str(self.column(tag, "")[i]).strip()
            if text.isdigit() and int(text) > 0:
                return int(text)
        return None


def _labels(table: _Columns) -> list[str]:
    """Every row's own label; repeated ones get the row's number, or a longer name where that is another row's."""
    given = table.column("_atom_site_label", "")
    labels = [
        (str(symbol) if str(text).strip() in NOTHING else str(text).strip()).replace("/", "_")
        for text, symbol in zip(given, table.symbols, strict=True)
    ]
    repeated = {label for label in labels if labels.count(label) > 1}
    taken = set(labels)
    for i, label in enumerate(labels):  # CIFs with labels like 'Cl' for every chlorine
        if label in repeated:
            labels[i] = _free(f"{label}{i}", taken)
            taken.add(labels[i])
    return labels


def _free(name: str, taken: Container[str]) -> str:
    """The name, or a longer one where it is another's."""
    while name in taken:
        name += "_"
    return name


def _occupancy(column: Sequence[Any], i: int, where: str, path: Path) -> float:
    text = str(column[i]).strip()
    if text in (".", ""):
        return 1.0  # the dictionary's default
    if text == "?" and all(str(other).strip() == "?" for other in column):
        return 1.0
    return to_float(text, f"_atom_site_occupancy {where}", path)


def _half_unit(text: str) -> float:
    """Half a unit of the last of two or three printed digits; 0 where the number may be meant exactly."""
    match = re.fullmatch(r"[+-]?\d*\.(\d+)", text.strip())
    if match is None or not 2 <= len(match.group(1)) <= 3 or float(text) * 8 % 1 == 0:
        return 0.0
    return float(0.5 * 10.0 ** -len(match.group(1)))


def _stated_charges(tags: Mapping[str, Any]) -> dict[str, float]:
    """Type symbol -> oxidation number of the loop of atom types."""
    symbols, numbers = tags.get("_atom_type_symbol"), tags.get("_atom_type_oxidation_number")
    if not isinstance(symbols, list) or not isinstance(numbers, list):
        return {}
    found = {}
    for symbol, number in zip(symbols, numbers, strict=False):
        try:
            found[str(symbol)] = float(re.sub(r"\(\d*\)", "", str(number)))
        except ValueError:
            continue
    return found
