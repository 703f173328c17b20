"""A crystal with partially occupied sites, as read from a CIF: its sites, their positions and occupancies."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError, did_you_mean

SAME_POSITION_A = 0.05  # images of a site nearer than this are the same position (CIFs print 3-5 digits)
OVERLAP_A = 0.6  # shorter than any bond: two positions this near cannot both be filled
OCCUPANCY_ROUNDING = 1e-3  # sums of printed occupancies may exceed 1 by this much


@dataclass(frozen=True)
class Site:
    """One crystallographic site: all its symmetry-equivalent positions and what sits there.

    Attributes
    ----------
    label
        Atom-site label of the CIF; labels of species that share the site are joined, as in 'Li3/Y4'.
    wyckoff
        Multiplicity and Wyckoff letter in the CIF's conventional cell, such as '4g'.
    occupancy
        Species -> occupancy; what is missing to 1 is vacant.
    positions
        (multiplicity, 3) fractional coordinates in [0, 1).
    """

    label: str
    wyckoff: str
    occupancy: Mapping[str, float]
    positions: np.ndarray

    @property
    def multiplicity(self) -> int:
        return len(self.positions)

    @property
    def labels(self) -> tuple[str, ...]:
        """The CIF's atom-site labels that name this site."""
        return tuple(self.label.split("/"))


@dataclass(frozen=True)
class Crystal:
    """The conventional cell of a CIF, its sites and its symmetry.

    Attributes
    ----------
    lattice
        (3, 3) lattice vectors as rows, in Å; a along x, b in the xy plane.
    cell_parameters
        a, b, c in Å, alpha, beta, gamma in degrees, as printed in the CIF.
    rotations, translations
        (n, 3, 3) and (n, 3): symmetry operations on fractional coordinates, centring included.
    """

    name: str
    source: str
    spacegroup: str
    cell_parameters: tuple[float, ...]
    lattice: np.ndarray
    sites: tuple[Site, ...]
    rotations: np.ndarray
    translations: np.ndarray

    @property
    def species(self) -> tuple[str, ...]:
        """All species on any site, in order of first appearance."""
        return tuple(dict.fromkeys(name for site in self.sites for name in site.occupancy))

    def site(self, key: str, *, where: str | None = None) -> Site:
        """The site named by an atom-site label or by a Wyckoff label that only one site has.

        Raises DlmdError for a name that fits no site, or several.
        """
        named = [site for site in self.sites if key == site.label or key in site.labels]
        named = named or [site for site in self.sites if key == site.wyckoff]
        if len(named) == 1:
            return named[0]
        names = [label for site in self.sites for label in site.labels]
        if named:
            raise DlmdError(
                f"'{key}' names {len(named)} sites of {self.name}",
                where=where or self.source,
                remedy=f"name the site by its label: {', '.join(site.label for site in named)}",
            )
        raise DlmdError(
            f"{self.name} has no site '{key}'",
            where=where or self.source,
            remedy=f"{did_you_mean(key, [*names, *(site.wyckoff for site in self.sites)])} "
            f"(sites: {', '.join(f'{site.label} on {site.wyckoff}' for site in self.sites)})",
        )


def read_cif(path: str | Path) -> Crystal:
    """Read the first structure of a CIF; occupancies and the conventional cell are kept as printed.

    Coordinates within 0.05 Å of a special position are moved onto it. Wyckoff letters come from
    `_atom_site_wyckoff_symbol` where the CIF has it, else from spglib.

    Raises
    ------
    DlmdError
        Missing or unreadable file, a tag missing or not a number, an occupancy outside (0, 1] or a sum above
        1, two positions closer than 0.6 Å that would both have to be filled, a multiplicity that the
        symmetry operations do not give.
    """
    path = Path(path)
    tags, rotations, translations = _parse(path)

    parameters = tuple(_number(tags, f"_cell_{kind}", path) for kind in _CELL_TAGS)
    lattice = _lattice(parameters, path)
    rows = _atom_site_rows(tags, path)

    grouped: list[dict[str, Any]] = []
    for row in rows:
        positions = _orbit(row["position"], rotations, translations, lattice)
        expected = row["multiplicity"]
        if expected is not None and expected != len(positions):
            raise DlmdError(
                f"site {row['label']}: multiplicity {expected} is printed, the symmetry operations give "
                f"{len(positions)}",
                where=str(path),
                remedy="correct _atom_site_symmetry_multiplicity, the coordinates or the symmetry operations",
            )
        for group in grouped:
            if (
                len(group["positions"]) == len(positions)
                and _shortest(group["positions"], positions[:1], lattice) < 2 * SAME_POSITION_A
            ):
                break
        else:
            group = {"positions": positions, "labels": [], "occupancy": {}, "letter": row["letter"]}
            grouped.append(group)
        group["labels"].append(row["label"])
        group["occupancy"][row["species"]] = group["occupancy"].get(row["species"], 0.0) + row["occupancy"]

    _check_occupancies(grouped, path)
    letters = [group["letter"] for group in grouped]
    if not all(letters):
        letters = _wyckoff_letters(grouped, lattice)
    sites = tuple(
        Site(
            label="/".join(group["labels"]),
            wyckoff=f"{len(group['positions'])}{letter}",
            occupancy=group["occupancy"],
            positions=group["positions"],
        )
        for group, letter in zip(grouped, letters, strict=True)
    )
    _check_overlaps(sites, lattice, path)
    return Crystal(
        name=path.stem,
        source=str(path),
        spacegroup=_spacegroup(tags),
        cell_parameters=parameters,
        lattice=lattice,
        sites=sites,
        rotations=rotations,
        translations=translations,
    )


_CELL_TAGS = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")


def _parse(path: Path) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """Lower-case tags of the first data block with atom sites, and its symmetry operations."""
    from pymatgen.io.cif import CifFile, CifParser

    if not path.is_file():
        near = (
            did_you_mean(path.name, [p.name for p in path.parent.glob("*.cif")])
            if path.parent.is_dir()
            else ""
        )
        raise DlmdError(f"no such file: {path}", remedy=f"give the path of a CIF; {near}" if near else None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            blocks = [b for b in CifFile.from_file(path).data.values() if _has_sites(b.data)]
            operations = CifParser(path).get_symops(blocks[0]) if blocks else []
    except Exception as error:
        raise DlmdError(
            f"unreadable CIF: {error}",
            where=str(path),
            remedy="open it in a viewer such as VESTA and export it again",
        ) from error
    if not blocks:
        raise DlmdError(
            "no atom sites with fractional coordinates",
            where=str(path),
            remedy="add _atom_site_fract_x, _y and _z",
        )
    tags = {key.lower(): value for key, value in blocks[0].data.items()}
    rotations = np.array([op.rotation_matrix for op in operations])
    translations = np.array([op.translation_vector for op in operations])
    return tags, rotations, translations


def _has_sites(tags: dict[str, Any]) -> bool:
    return any(tag.lower() == "_atom_site_fract_x" for tag in tags)


def _number(tags: dict[str, Any], tag: str, path: Path) -> float:
    if tag not in tags:
        raise DlmdError(f"{tag} is missing", where=str(path), remedy=f"add {tag}")
    return _to_float(tags[tag], tag, path)


def _to_float(text: object, tag: str, path: Path) -> float:
    """A CIF number, its standard uncertainty in brackets dropped."""
    try:
        value = float(re.sub(r"\(\d*\)", "", str(text)))
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise DlmdError(f"{tag} is '{text}', not a number", where=str(path), remedy=f"correct {tag}")
    return value


def _lattice(parameters: tuple[float, ...], path: Path) -> np.ndarray:
    from ase.geometry import cellpar_to_cell

    try:
        lattice = cellpar_to_cell(parameters)
        volume = np.linalg.det(lattice)
    except (AssertionError, ValueError):
        volume = np.nan
    if not volume > 1e-3:
        raise DlmdError(
            f"cell parameters {parameters} span no volume", where=str(path), remedy="correct the _cell_ tags"
        )
    return lattice


def _atom_site_rows(tags: dict[str, Any], path: Path) -> list[dict[str, Any]]:
    """The rows of the atom-site loop: label, species, position, occupancy, multiplicity, Wyckoff letter."""
    from ase.data import atomic_numbers

    def column(tag: str, default: object) -> list[Any]:
        values = tags.get(tag, default)
        if not isinstance(values, list):
            values = [values] * count
        return values

    count = len(tags["_atom_site_fract_x"])
    symbols = column("_atom_site_type_symbol", tags.get("_atom_site_label"))
    labels = column("_atom_site_label", symbols)
    occupancies = column("_atom_site_occupancy", "1")
    multiplicities = column(
        "_atom_site_symmetry_multiplicity", column("_atom_site_site_symmetry_multiplicity", None)
    )
    letters = column("_atom_site_wyckoff_symbol", None)
    rows = []
    for i in range(count):
        match = re.match(r"[A-Z][a-z]?", str(symbols[i]))
        species = match.group() if match else str(symbols[i])
        if species not in atomic_numbers:
            raise DlmdError(
                f"'{symbols[i]}' is not a chemical element",
                where=f"{path}, site {labels[i]}",
                remedy="correct _atom_site_type_symbol",
            )
        where = f"of site {labels[i]}"
        letter = re.sub(r"[\d.?]", "", str(letters[i] or ""))
        multiplicity = re.sub(r"[.?]", "", str(multiplicities[i] or ""))
        rows.append(
            {
                "label": str(labels[i]).replace("/", "_"),
                "species": species,
                "position": np.array(
                    [
                        _to_float(tags[f"_atom_site_fract_{x}"][i], f"_atom_site_fract_{x} {where}", path)
                        for x in "xyz"
                    ]
                ),
                "occupancy": _to_float(occupancies[i], f"_atom_site_occupancy {where}", path),
                "multiplicity": int(multiplicity) if multiplicity.isdigit() else None,
                "letter": letter or None,
            }
        )
    repeated = {row["label"] for row in rows if sum(row["label"] == other["label"] for other in rows) > 1}
    for i, row in enumerate(rows):  # CIFs with labels like 'Cl' for every chlorine
        if row["label"] in repeated:
            row["label"] = f"{row['label']}{i}"
    return rows


def _orbit(
    position: np.ndarray, rotations: np.ndarray, translations: np.ndarray, lattice: np.ndarray
) -> np.ndarray:
    """All images of a position, each once, with special positions met exactly: (m, 3) in [0, 1)."""
    images = (rotations @ position + translations) % 1.0
    # The average over all operations that map the position onto itself is the special position.
    shift = images - position
    shift -= np.round(shift)
    own = np.linalg.norm(shift @ lattice, axis=1) < SAME_POSITION_A
    position = position + shift[own].mean(axis=0)
    images = rotations @ position + translations
    images -= np.floor(images + 1e-9)
    images[np.abs(images) < 1e-9] = 0.0
    distinct: list[np.ndarray] = []
    for image in images:
        if not distinct or _shortest(np.array(distinct), image[None], lattice) > SAME_POSITION_A:
            distinct.append(image)
    return np.array(distinct)


def _shortest(first: np.ndarray, second: np.ndarray, lattice: np.ndarray) -> float:
    """The shortest distance (Å) between two sets of fractional positions lying near each other."""
    difference = first[:, None] - second[None]
    difference -= np.round(difference)
    return float(np.linalg.norm(difference @ lattice, axis=2).min())


def _check_occupancies(grouped: list[dict[str, Any]], path: Path) -> None:
    for group in grouped:
        name = "/".join(group["labels"])
        for species, value in group["occupancy"].items():
            if not 0 < value <= 1 + OCCUPANCY_ROUNDING:
                raise DlmdError(
                    f"site {name}: occupancy {value:g} of {species} is not in (0, 1]",
                    where=str(path),
                    remedy="correct _atom_site_occupancy",
                )
        total = sum(group["occupancy"].values())
        if total > 1 + OCCUPANCY_ROUNDING:
            raise DlmdError(
                f"site {name}: occupancies add up to {total:g}, above 1",
                where=str(path),
                remedy="correct _atom_site_occupancy of the species that share the site",
            )
        if abs(total - 1) <= OCCUPANCY_ROUNDING and total != 1:  # printed digits of a full site
            group["occupancy"] = {species: value / total for species, value in group["occupancy"].items()}


def _check_overlaps(sites: tuple[Site, ...], lattice: np.ndarray, path: Path) -> None:
    """Positions too near for two atoms must belong to sites that are split, not full."""
    from ase.neighborlist import primitive_neighbor_list

    positions = np.concatenate([site.positions for site in sites])
    owner = np.repeat(np.arange(len(sites)), [site.multiplicity for site in sites])
    filled = np.array([sum(site.occupancy.values()) for site in sites])[owner]
    i, j, d = primitive_neighbor_list("ijd", [True] * 3, lattice, positions @ lattice, OVERLAP_A)
    bad = np.flatnonzero(filled[i] + filled[j] > 1 + OCCUPANCY_ROUNDING)
    if len(bad):
        worst = bad[np.argmin(d[bad])]
        first, second = sites[owner[i[worst]]], sites[owner[j[worst]]]
        raise DlmdError(
            f"overlapping sites: {first.label} and {second.label} are {d[worst]:.2f} Å apart, occupancies "
            f"{filled[i[worst]]:g} + {filled[j[worst]]:g} > 1",
            where=str(path),
            remedy="lower the occupancies (split positions hold one atom together), or delete the repeat",
        )


def _wyckoff_letters(grouped: list[dict[str, Any]], lattice: np.ndarray) -> list[str]:
    """Wyckoff letters by spglib, every site taken as a kind of its own."""
    import spglib

    positions = np.concatenate([group["positions"] for group in grouped])
    owner = np.repeat(np.arange(len(grouped)), [len(group["positions"]) for group in grouped])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on the wording of its own errors
        dataset = spglib.get_symmetry_dataset((lattice, positions, owner + 1), symprec=SAME_POSITION_A)
    if dataset is None:
        return ["?"] * len(grouped)
    return [dataset.wyckoffs[int(np.flatnonzero(owner == i)[0])] for i in range(len(grouped))]


def _spacegroup(tags: dict[str, Any]) -> str:
    for tag in ("_symmetry_space_group_name_h-m", "_space_group_name_h-m_alt", "_space_group_name_h-m"):
        if tags.get(tag):
            return str(tags[tag])
    return "not stated"
