"""A crystal with partially occupied sites, as read from a CIF: its sites, their positions and occupancies."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.structures import cif, sites, spacegroups, statements
from dlmd.structures.sites import OCCUPANCY_ROUNDING, Group
from dlmd.structures.symmetry import Symmetry

__all__ = ["OCCUPANCY_ROUNDING", "Crystal", "Site", "formula_difference", "read_cif"]

LETTER_PRECISIONS_A = (sites.SAME_POSITION_A, sites.SAME_POSITION_A / 10)
FORMULA_TOLERANCE = 0.03  # of an element's share, relative: refined occupancies have errors
SHORTEST_CELL_A = 1.8  # no crystal repeats within less along all three axes
SHARE_TOLERANCE = 0.02  # of all atoms: two meanings of a space group are told apart by more


@dataclass(frozen=True)
class Site:
    """One crystallographic site: all its symmetry-equivalent positions and what sits there.

    Attributes
    ----------
    label
        Atom-site label of the CIF; labels of species that share the site are joined, as in 'Li3/Y4'.
    wyckoff
        Multiplicity and Wyckoff letter, such as '4g': the CIF's where it prints them for all sites, else those of spglib,
        whose origin need not be the CIF's (16c and 16d of a spinel trade names with it).
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
    def place(self) -> str:
        """Coordinates of its first position, as '0.5 0.5 0.5'."""
        return " ".join(f"{x:.4g}" for x in self.positions[0])

    @property
    def labels(self) -> tuple[str, ...]:
        """The CIF's atom-site labels that name this site."""
        return tuple(self.label.split("/"))


@dataclass(frozen=True, eq=False)  # equal and hashed as an object: what follows from it can be kept
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
    notes
        What was read otherwise than it is printed, for the user to agree with.
    formula
        Element -> number in `_chemical_formula_sum`; empty where the file has none.
    oxidation
        Species -> mean oxidation state that the file states (e).
    site_oxidation
        (site label, species) -> that of species whose state differs between sites, as the file states it.
    """

    name: str
    source: str
    spacegroup: str
    cell_parameters: tuple[float, ...]
    lattice: np.ndarray
    sites: tuple[Site, ...]
    rotations: np.ndarray
    translations: np.ndarray
    notes: tuple[str, ...] = ()
    formula: Mapping[str, float] = field(default_factory=dict)
    oxidation: Mapping[str, float] = field(default_factory=dict)
    site_oxidation: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def composition(self) -> dict[str, float]:
        """Mean number of atoms of each species in the cell, by the refined occupancies."""
        found = dict.fromkeys(self.species, 0.0)
        for site in self.sites:
            for name, x in site.occupancy.items():
                found[name] += x * site.multiplicity
        return found

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
            f"(sites: {', '.join(f'{site.label} on {site.wyckoff} at {site.place}' for site in self.sites)})",
        )


def read_cif(path: str | Path) -> Crystal:
    """Read the structure of a CIF; occupancies and the conventional cell are kept as printed.

    Coordinates within 0.05 Å of a special position are moved onto it, and those whose two or three printed digits can
    mean it (0.33 for 1/3). The latter, like everything else that is read otherwise than printed, is said in `notes`.
    Wyckoff letters come from `_atom_site_wyckoff_symbol` where the CIF has it, else from spglib. The multiplicity may be
    the order of the site's symmetry, as SHELXL-97 prints it.

    Raises
    ------
    DlmdError
        Missing or unreadable file, several structures in it, a tag missing or not a number, a space group that is not
        understood or has two settings that fit, an occupancy outside [0, 1] or a sum above 1, two positions closer than
        0.6 Å that would both have to be filled, a multiplicity that the symmetry operations do not give.
    """
    path = Path(path)
    block = cif.read_block(path)
    a, b, c, alpha, beta, gamma = (block.number(f"_cell_{kind}") for kind in cif.CELL_TAGS)
    parameters = (a, b, c, alpha, beta, gamma)
    lattice = _lattice(parameters, path)
    rows = cif.atom_rows(block)
    tags, notes = statements.agreeing(block.tags, where=str(path))
    meanings = spacegroups.symmetries(tags, lattice, where=str(path))
    symmetry, grouped = _choose(meanings, rows, block, lattice)

    printed = [group.letter for group in grouped]
    letters = [letter for letter in printed if letter]
    if len(letters) < len(grouped):
        letters = wyckoff_letters([group.positions for group in grouped], lattice)
    found = tuple(
        Site(
            label=group.name,
            wyckoff=f"{len(group.positions)}{letter}",
            occupancy=group.occupancy,
            positions=group.positions,
        )
        for group, letter in zip(grouped, letters, strict=True)
    )
    crystal = Crystal(
        name=path.stem,
        source=str(path),
        spacegroup=spacegroups.stated_name(tags, symmetry),
        cell_parameters=parameters,
        lattice=lattice,
        sites=found,
        rotations=symmetry.rotations,
        translations=symmetry.translations,
        notes=(*block.notes, *notes, *(note for group in grouped for note in group.notes)),
        formula=cif.formula(block.tags),
        oxidation=sites.oxidation(grouped),
        site_oxidation=sites.site_oxidation(grouped),
    )
    off = formula_difference(crystal)
    if off:
        crystal = replace(crystal, notes=(*crystal.notes, f"the sites hold {off} of _chemical_formula_sum"))
    return crystal


def formula_difference(crystal: Crystal) -> str:
    """Elements whose share in the sites is not that of the stated formula, as 'Li 5.4 for 6'; empty where they agree."""
    if not crystal.formula:
        return ""
    content = crystal.composition
    names = [s for s in {**content, **crystal.formula} if s != "H"]
    stated = np.array([crystal.formula.get(s, 0.0) for s in names])
    found = np.array([content.get(s, 0.0) for s in names])
    if not stated.any() or not found.any():
        return ""
    # the number of formula units: the median of what the elements say, so that one wrong site does not shift all
    units = float(np.median(found[stated > 0] / stated[stated > 0])) or 1.0
    off = np.abs(found / units - stated) > FORMULA_TOLERANCE * np.maximum(stated, 1.0)
    return ", ".join(
        f"{s} {x / units:.4g} for {y:.4g}"
        for s, x, y, bad in zip(names, found, stated, off, strict=True)
        if bad
    )


def _choose(
    meanings: Sequence[Symmetry], rows: Sequence[cif.Row], block: cif.Block, lattice: np.ndarray
) -> tuple[Symmetry, list[Group]]:
    """The one meaning of the space group that fits multiplicities, overlaps and the formula."""
    read, refused = [], []
    for symmetry in meanings:
        try:
            read.append((symmetry, sites.groups(rows, symmetry, lattice, block.path)))
        except DlmdError as error:
            refused.append(error)
    if not read:
        raise refused[0]
    formula = cif.formula(block.tags)
    if len(read) > 1 and formula:
        far = [sites.far_from_formula(groups, formula, cif.formula_units(block.tags)) for _, groups in read]
        read = [item for item, off in zip(read, far, strict=True) if off <= min(far) + SHARE_TOLERANCE]
    if len(read) > 1:
        names = " or ".join(f"{symmetry.name} ({len(symmetry)})" for symmetry, _ in read)
        raise DlmdError(
            f"the symmetry can be that of {names}: both fit what is printed",
            where=str(block.path),
            remedy="list all operations (_space_group_symop_operation_xyz), or add the setting to the name, as ':2'",
        )
    return read[0]


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
    if max(parameters[:3]) < SHORTEST_CELL_A:
        raise DlmdError(
            f"no edge of the cell is longer than {max(parameters[:3]):g} Å",
            where=str(path),
            remedy="give the _cell_length_ tags in Å (these may be nm)",
        )
    return lattice


def wyckoff_letters(orbits: Sequence[np.ndarray], lattice: np.ndarray) -> list[str]:
    """Wyckoff letters by spglib of sites given by their positions (n, 3), every site taken as a kind of its own."""
    dataset, owner = _dataset(orbits, lattice)
    if dataset is None:
        return ["?"] * len(orbits)
    return [dataset.wyckoffs[int(np.flatnonzero(owner == i)[0])] for i in range(len(orbits))]


def letters_of_another_origin(crystal: Crystal) -> bool:
    """Whether spglib's letters are by an origin that is not the CIF's, so that those of the literature may differ."""
    dataset, _ = _dataset([site.positions for site in crystal.sites], crystal.lattice)
    if dataset is None:
        return False
    shift = np.asarray(dataset.origin_shift)
    return bool((np.abs(shift - np.round(shift)) > 1e-3).any())


def _dataset(orbits: Sequence[np.ndarray], lattice: np.ndarray) -> tuple[Any, np.ndarray]:
    """What spglib knows of the sites, None where nothing; and the site of every position."""
    import spglib

    positions = np.concatenate(orbits)
    owner = np.repeat(np.arange(len(orbits)), [len(own) for own in orbits])
    dataset = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on the wording of its own errors
        for nearest in LETTER_PRECISIONS_A:  # positions nearer than the precision are none to spglib
            dataset = dataset or spglib.get_symmetry_dataset((lattice, positions, owner + 1), symprec=nearest)
    return dataset, owner
