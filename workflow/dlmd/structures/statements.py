"""Whether a CIF's statements of its space group agree: Hermann-Mauguin names, Hall symbols and numbers of the Tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from dlmd.base.errors import DlmdError
from dlmd.structures import spacegroups
from dlmd.structures.spacegroups import HALL_TAGS, NAME_TAGS, NUMBER_TAGS
from dlmd.structures.symmetry import Keys


@dataclass(frozen=True)
class Statement:
    """One tag's space group: its number in the Tables, and the operations that it can mean (None: any setting)."""

    tag: str
    text: str
    number: int
    meanings: frozenset[Keys] | None

    def contradicts(self, other: Statement) -> bool:
        """Whether both cannot be true."""
        if self.number != other.number:
            return True
        return bool(self.meanings and other.meanings and not self.meanings & other.meanings)


def agreeing(tags: Mapping[str, Any], *, where: str) -> tuple[dict[str, Any], list[str]]:
    """The tags (lower case) without statements that the file's own operations show to be wrong, and notes on them.

    Raises
    ------
    DlmdError
        where two statements contradict each other and no operations decide between them.
    """
    made = _statements(tags)
    listed = spacegroups.listed(tags, where)
    for i, first in enumerate(made):
        for second in made[:i]:
            if listed is None and second.contradicts(first):
                _refuse(second, first, where)
    if listed is None or len({s.number for s in made}) < 2:
        return dict(tags), []
    number = spacegroups.number_of(listed)
    wrong = [s for s in made if s.number != number]
    if len(wrong) == len(made):
        _refuse(made[0], next(s for s in made if s.number != made[0].number), where)
    names = ", ".join(f"{s.tag} '{s.text}'" for s in wrong)
    note = f"{names} contradicts the {len(listed)} listed operations (space group {number}), which are taken"
    return {tag: value for tag, value in tags.items() if tag not in {s.tag for s in wrong}}, [note]


def _statements(tags: Mapping[str, Any]) -> list[Statement]:
    found = []
    for tag in (*NAME_TAGS, *HALL_TAGS, *NUMBER_TAGS):
        text = spacegroups.first(tags, [tag])
        if text is None:
            continue
        if tag in NUMBER_TAGS:
            if text.isdigit() and 1 <= int(text) <= 230:
                found.append(Statement(tag, text, int(text), None))
            continue
        number, meanings = spacegroups.meanings(text, hall=tag in HALL_TAGS)
        if number:  # _ref names the group in its reference setting, whatever the file's is
            found.append(Statement(tag, text, number, None if tag.endswith("_ref") else meanings))
    return found


def _refuse(first: Statement, second: Statement, where: str) -> NoReturn:
    raise DlmdError(
        f"the space group is stated twice, differently: {first.tag} '{first.text}' and {second.tag} '{second.text}'",
        where=where,
        remedy="delete the wrong one, or list all operations (_space_group_symop_operation_xyz)",
    )
