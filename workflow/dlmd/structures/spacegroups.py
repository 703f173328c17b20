"""The symmetry operations that a CIF means: its own list, else its Hall symbol or its name in any common spelling.

Names are looked up in spglib's table of 530 settings. A name that is not understood is refused: it is never P 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.structures.symmetry import Keys, Symmetry

if TYPE_CHECKING:
    from pymatgen.core.operations import SymmOp

OPERATION_TAGS = (
    "_space_group_symop_operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
    "_space_group_symop_magn_operation_xyz",
)
NAME_TAGS = (
    "_symmetry_space_group_name_h-m",
    "_space_group_name_h-m_alt",
    "_space_group_name_h-m",
    "_space_group_name_h-m_full",
    "_space_group_name_h-m_ref",
)
HALL_TAGS = ("_symmetry_space_group_name_hall", "_space_group_name_hall")
NUMBER_TAGS = ("_space_group_it_number", "_symmetry_int_tables_number")
SETTING_TAG = "_space_group_it_coordinate_system_code"  # such as '2', 'h' or 'cab'
AS_LISTED = "(_space_group_symop_operation_xyz, as VESTA exports them)"
CENTRING_TAG = "_space_group_symop_magn_centering_xyz"  # magnetic files list centrings apart
CENTRINGS = {
    "p": [(0, 0, 0)],
    "a": [(0, 0, 0), (0, 0.5, 0.5)],
    "b": [(0, 0, 0), (0.5, 0, 0.5)],
    "c": [(0, 0, 0), (0.5, 0.5, 0)],
    "i": [(0, 0, 0), (0.5, 0.5, 0.5)],
    "f": [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)],
}
# words of settings at the end of a name -> spglib's choice of it
SETTINGS = {"1": "1", "2": "2", "s": "1", "z": "2", "o1": "1", "o2": "2", "h": "H", "r": "R", "hr": "H"}


def symmetries(tags: Mapping[str, Any], lattice: np.ndarray, *, where: str) -> list[Symmetry]:
    """What the tags (lower case) of a CIF can mean: one group, or several to be told apart by multiplicities and formula.

    `lattice` is (3, 3), vectors as rows.

    Raises
    ------
    DlmdError
        where no group is stated, a name is not understood, or operations are no group or do not fit the cell.
    """
    own, named = listed(tags, where), _named(tags, lattice, where, strict=_texts(tags) == [])
    if own is not None:
        if not own.fits(lattice):
            raise DlmdError(
                f"the {len(own)} symmetry operations do not fit the cell's lengths and angles",
                where=where,
                remedy="correct the _cell_ tags or the operations",
            )
        smaller = [s for s in named if len(s) > len(own) and own.keys < s.keys]
        return [own, *smaller]
    if not named:
        raise DlmdError(
            "no space group and no symmetry operations are stated",
            where=where,
            remedy="add _space_group_name_H-M_alt ('P 1' where the file lists every atom of the cell)",
        )
    fitting = [s for s in named if s.fits(lattice)]
    if not fitting:
        raise DlmdError(
            f"space group {named[0].name} does not fit the cell's lengths and angles",
            where=where,
            remedy="correct the _cell_ tags, or the space group and its setting",
        )
    return fitting


def stated_name(tags: Mapping[str, Any], symmetry: Symmetry) -> str:
    """The space group's name as printed, else its number in the International Tables, by the operations if need be."""
    printed = first(tags, NAME_TAGS) or first(tags, HALL_TAGS)
    if printed:
        return printed
    number = first(tags, NUMBER_TAGS) or number_of(symmetry)
    return f"number {number} of the International Tables" if number else f"{len(symmetry)} operations"


def first(tags: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """The first of the tags that says anything, None where none does."""
    for name in names:
        value = tags.get(name)
        text = str(value[0] if isinstance(value, list) and value else value or "").strip()
        if text not in ("", ".", "?", "[]"):
            return text
    return None


def _texts(tags: Mapping[str, Any], names: Sequence[str] = OPERATION_TAGS) -> list[str]:
    for name in names:
        value = tags.get(name)
        texts = [value] if isinstance(value, str) else list(value or [])
        texts = [t for t in texts if t.strip() not in ("", ".", "?")]
        if texts:
            return texts
    return []


def listed(tags: Mapping[str, Any], where: str) -> Symmetry | None:
    """The operations that the file lists, None without any. Raises DlmdError where they are no group or not understood."""
    texts = _texts(tags)
    if not texts:
        return None
    found = _operations(texts, where)
    centrings = _operations(_texts(tags, [CENTRING_TAG]), where)
    if centrings:
        found = [centring * op for centring in centrings for op in found]
    rotations = np.array([op.rotation_matrix for op in found])
    symmetry = Symmetry(
        f"{len(found)} operations", rotations, np.array([op.translation_vector for op in found])
    )
    keys = symmetry.keys
    if len(keys) < len(found):  # repeated ones
        first = {k: i for i, k in reversed(list(enumerate(map(tuple, _key_rows(symmetry)))))}
        rows = sorted(first.values())
        symmetry = Symmetry(symmetry.name, rotations[rows], symmetry.translations[rows])
    if not _is_group(symmetry):
        raise DlmdError(
            f"the {len(found)} symmetry operations are no group: products of two of them are missing",
            where=where,
            remedy="list all operations, the identity 'x, y, z' and centrings included",
        )
    return symmetry


def _operations(texts: Sequence[str], where: str) -> list[SymmOp]:
    from pymatgen.core.operations import SymmOp

    found = []
    for text in texts:
        try:
            # magnetic files add the sign of time
            parts = text.strip(" '\"").split(",")[:3]
            if not all(re.fullmatch(r"(?=.*[xyz])[xyz\d\s./+-]+", part.lower()) for part in parts):
                raise ValueError(text)
            if any(
                re.search(r"[xyz]\s*[xyz\d]", part.lower()) for part in parts
            ):  # 'zz', 'x1/2': a sign is missing
                raise ValueError(text)
            found.append(SymmOp.from_xyz_str(",".join(parts)))
            if abs(round(float(np.linalg.det(found[-1].rotation_matrix)), 6)) != 1:
                raise ValueError(text)
        except (ValueError, IndexError, ZeroDivisionError) as error:
            raise DlmdError(
                f"symmetry operation '{text}' is not understood",
                where=where,
                remedy="write it as in 'x, -y+1/2, z'",
            ) from error
    return found


def _key_rows(symmetry: Symmetry) -> list[list[int]]:
    one = [Symmetry("", symmetry.rotations[[i]], symmetry.translations[[i]]) for i in range(len(symmetry))]
    return [list(next(iter(s.keys))) for s in one]


def _is_group(symmetry: Symmetry) -> bool:
    keys = symmetry.keys
    if (1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0) not in keys:
        return False
    # closed under products with a few of its members (all of them for small groups)
    for rotation, translation in zip(symmetry.rotations[:24], symmetry.translations[:24], strict=True):
        product = Symmetry(
            "", rotation @ symmetry.rotations, symmetry.translations @ rotation.T + translation
        )
        if not product.keys <= keys:
            return False
    return True


def _named(tags: Mapping[str, Any], lattice: np.ndarray, where: str, *, strict: bool) -> list[Symmetry]:
    """The groups that the names can mean; with `strict` a name that is not understood is refused."""
    hall, name, number = first(tags, HALL_TAGS), first(tags, NAME_TAGS), first(tags, NUMBER_TAGS)
    if hall is not None and _hall_key(hall) in _halls():
        return [_of_hall_number(_halls()[_hall_key(hall)])]
    if strict and hall is not None and "(" in hall:
        what = f"the change of basis in '{hall}' is not understood"
        raise DlmdError(what, where=where, remedy=f"list the operations {AS_LISTED}")
    code = first(tags, [SETTING_TAG])
    coded = _by_code(name, number, code, where) if strict and code is not None else []
    if coded:
        return coded
    if name is not None:
        found = _by_name(name, lattice)
        if found:
            return found
    elif hall is None and number is not None and number.isdigit() and 1 <= int(number) <= 230:
        fits = [s for s in map(_of_hall_number, _standard(int(number))) if s.fits(lattice)]
        return fits or [_of_hall_number(_standard(int(number))[0])]
    if strict and (name is not None or hall is not None):
        text = name if name is not None else hall
        raise DlmdError(
            f"space group '{text}' is not understood",
            where=where,
            remedy=f"list the operations {AS_LISTED}, or correct the name; {_near(str(text))}",
        )
    return []


def _by_code(name: str | None, number: str | None, code: str, where: str) -> list[Symmetry]:
    """The setting that a code of the Tables names, of the group of a name or a number; none where no group is known.

    Raises DlmdError for a code that this group has not, and where the name is that of another setting.
    """
    named = _numbers(name)[1] if name is not None else []
    groups = {_table()[n].number for n in named}
    if name is None and number is not None and number.isdigit():
        groups = {int(number)}
    if len(groups) != 1:
        return []
    wanted = code.lower().removesuffix("abc")
    settings = {n: kind for n, kind in _table().items() if kind.number in groups}
    coded = [n for n, kind in settings.items() if kind.choice.lower() == wanted]
    usual = not named or set(named) & {*_standard(groups.pop())}
    found = [n for n in coded if n in named] or (coded if usual else [])
    if not found:
        known = ", ".join(repr(kind.choice or "abc") for kind in settings.values())
        raise DlmdError(
            f"{SETTING_TAG} '{code}' is no setting of {name or f'space group {number}'}",
            where=where,
            remedy=f"correct it ({known}), or delete it and name the setting (_space_group_name_H-M_alt)",
        )
    return [_of_hall_number(n) for n in found]


def _near(text: str) -> str:
    key = name_key(text)[0]
    spelled = {key: info[0] for key, info in _spelled().items()}
    near = did_you_mean(key, spelled)
    for k, full in spelled.items():
        if f"'{k}'" in near:
            return f"did you mean '{full}'?"
    return "names are those of the International Tables, such as 'C 1 2/m 1' or 'R -3 c :H'"


def name_key(name: str) -> tuple[str, str | None]:
    """A Hermann-Mauguin name without blanks, case and other matters of spelling; and its setting, where one is stated."""
    text = name.strip().strip("'\"").lower().replace("_", "").replace("−", "-").replace("–", "-")
    text = re.sub(r"\(?\s*no\.?\s*\d+\s*\)?$|\(\s*\d{2,3}\s*\)$", "", text)
    text = re.sub(r"(origin|org)\s*(choice|at)?\s*([12])", r":\3", text)
    text = re.sub(r"(?:rhombohedral|\brhomb?\b)\.?(?:\s*axes)?", ":r", text)
    text = re.sub(r"(?:hexagonal|\bhex\b)\.?(?:\s*axes)?", ":h", text)
    text = re.sub(r"\\?bar\s*\{?(\d)\}?", r"-\1", text)
    setting = None
    # a colon, or a last word that only names a setting
    match = re.match(r"^(.*?)\s*:\s*([12szhr]|o1|o2|hr)\W*$", text) or re.match(
        r"^(\S+\s.*?\S)\s+([szhr]|o1|o2|hr)\s*$", text
    )
    if match is None:
        match = re.match(r"^(r\s*-?3\S*)\s*([hr])$", text)
    if match and not re.match(r"^r\s*-?3\s*$", match.group(2)):
        text, setting = match.group(1), SETTINGS[match.group(2)]
    text = re.sub(r"\((\d)\)", r"\1", text)
    return re.sub(r"[\s()]", "", text), setting


def _hall_key(hall: str) -> str:
    # blanks tell 'P 32' from 'P 3 2', quotes 'P 3 2' from 'P 3 2"'
    return re.sub(r"[\s_]+", " ", hall.strip().strip("'").strip().lower())


def _by_name(name: str, lattice: np.ndarray) -> list[Symmetry]:
    """All settings that a name can mean: by the cell where it tells them apart, else several."""
    key, numbers = _numbers(name)
    if key[1:] in ("1", "-1") and key[0] in CENTRINGS:
        return [_triclinic(key)]
    found = [_of_hall_number(n) for n in numbers]
    fitting = [s for s in found if s.fits(lattice)] or found[:1]
    # the axis b where a short monoclinic name says nothing and all angles are 90 degrees
    if fitting:
        kind = _table()[numbers[found.index(fitting[0])]]
        if 3 <= kind.number <= 15 and kind.choice.startswith(("b", "-b")):
            fitting = fitting[:1]
    return fitting


def _numbers(name: str) -> tuple[str, list[int]]:
    """The key of a name, and the Hall numbers that it can mean in any cell."""
    key, setting = name_key(name)
    numbers = _spelled().get(key, ("", []))[1]
    if not numbers and key[-1:] in (
        "s",
        "z",
    ):  # the origin as ICSD has it, without a blank: 'F d -3 m S', 'Fd-3mZ'
        setting = setting or SETTINGS[key[-1]]
        numbers = _spelled().get(key[:-1], ("", []))[1]
    if not numbers:  # the bar behind its number: 'Fm3-m'
        numbers = _spelled().get(re.sub(r"([1346])-(?!\d*$)", r"-\1", key), ("", []))[1]
    kinds = [_table()[n] for n in numbers]
    if setting is not None:
        numbers = [n for n, kind in zip(numbers, kinds, strict=True) if kind.choice == setting]
    return key, numbers


def meanings(text: str, *, hall: bool) -> tuple[int, frozenset[Keys]]:
    """Number in the Tables, and the operations of every setting that a name or Hall symbol can mean; (0, none) if unknown."""
    if hall:
        key, numbers = "", [_halls()[_hall_key(text)]] if _hall_key(text) in _halls() else []
    else:
        key, numbers = _numbers(text)
    if key[1:] in ("1", "-1") and key[0] in CENTRINGS:
        return (1 if key[1:] == "1" else 2), frozenset({_triclinic(key).keys})
    kinds = {_table()[n].number for n in numbers}
    if len(kinds) != 1:
        return 0, frozenset()
    return kinds.pop(), frozenset(_of_hall_number(n).keys for n in numbers)


def number_of(symmetry: Symmetry) -> int:
    """Number in the Tables of a group of operations, 0 where spglib does not find it."""
    import spglib

    found = spglib.get_spacegroup_type_from_symmetry(symmetry.rotations.astype(int), symmetry.translations)
    return 0 if found is None else int(found.number)


def _triclinic(key: str) -> Symmetry:
    centring = np.array(CENTRINGS[key[0]], float)
    turns = [np.eye(3), -np.eye(3)] if key[1:] == "-1" else [np.eye(3)]
    rotations = np.repeat(np.array(turns), len(centring), axis=0)
    return Symmetry(key[0].upper() + " " + key[1:], rotations, np.tile(centring, (len(turns), 1)))


@cache
def _table() -> dict[int, Any]:
    import spglib

    return {number: spglib.get_spacegroup_type(number) for number in range(1, 531)}


@cache
def _halls() -> dict[str, int]:
    halls: dict[str, int] = {}
    for number, kind in _table().items():
        halls.setdefault(_hall_key(kind.hall_symbol), number)
    return halls


@cache
def _of_hall_number(number: int) -> Symmetry:
    import spglib

    found = spglib.get_symmetry_from_database(number)
    kind = _table()[number]
    name = kind.international.split("=")[-1].strip() + (
        f" :{kind.choice}" if kind.choice in ("1", "2", "H", "R") else ""
    )
    return Symmetry(name, np.array(found["rotations"], float), np.array(found["translations"], float))


def _standard(number: int) -> list[int]:
    """Hall numbers of a group's standard setting; two where it has two origins or two kinds of axes."""
    kinds = [(n, kind) for n, kind in _table().items() if kind.number == number]
    special = [n for n, kind in kinds if kind.choice in ("1", "2", "H", "R")]
    return special or [kinds[0][0]]


@cache
def _spelled() -> dict[str, tuple[str, list[int]]]:
    """Spelling of a name -> the name, and the Hall numbers that it can mean, the usual one first."""
    spelled: dict[str, tuple[str, list[int]]] = {}

    def add(text: str, number: int) -> None:
        _, numbers = spelled.setdefault(name_key(text)[0], (text, []))
        if number not in numbers:
            numbers.append(number)

    for number, kind in _table().items():
        name = kind.international.split("=")[-1].strip()
        names = [name, kind.international_full]
        if 3 <= kind.number <= 15:  # 'C 2/m' for 'C 1 2/m 1'
            parts = name.split()
            names.append(" ".join([parts[0], *(p for p in parts[1:] if p != "1")]))
        if 200 <= kind.number <= 206 or kind.number >= 221:  # 'F m 3 m', before 1983
            names += [n.replace("-3", "3") for n in names]
        for text in names:
            add(text, number)
    for key, (text, numbers) in list(spelled.items()):  # the glide e had other letters before 1992
        if "e" in key:
            for letter in "abc":
                older = key.replace("e", letter)
                if older not in spelled:
                    spelled[older] = (text, numbers)
    return spelled
