"""Keywords of a DFT program that a level hands on: `keywords` (GPAW), `input_data` (Quantum ESPRESSO), `input` (CP2K).

What decides a level of theory has a key of its own; everything else that the program can do is set by the program's own names.
A keyword with a key of its own is refused, because two places for one number would let them disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Value = bool | int | float | str | list[int] | list[float] | list[str]
Path = tuple[str, ...]


@dataclass(frozen=True)
class Handed:
    """What is known about the keywords of one program.

    Parameters
    ----------
    key
        Key of the level that has them.
    defaults
        Keywords that the engine sets where the level does not.
    own_key
        Keyword (or section) -> key of the level that sets it.
    fixed
        Keyword (or section) -> why it cannot be set.
    no_theory
        Keywords and sections that say how the electrons get to their ground state, and not which one that is.
    search
        Those of them that leave what is found alone: iterations, mixing, first guesses. A run's launch may set these as well,
        since no finished result depends on them.
    recorded
        Keyword -> its name in what rules record. Results made before the keywords were handed on were recorded with these names;
        Snakemake compares the records, and would compute every label again if a name or its place had changed.
    """

    key: str
    defaults: Mapping[str, Any]
    own_key: Mapping[Path, str]
    fixed: Mapping[Path, str]
    no_theory: tuple[Path, ...]
    search: tuple[Path, ...] = ()
    recorded: Mapping[Path, Path] = field(default_factory=dict)

    def refuse(self, given: Mapping[str, Any]) -> None:
        """ValueError for a keyword that has a key of its own or cannot be set."""
        for path, _ in leaves(given):
            shown = ".".join(path)
            for n in range(1, len(path) + 1):
                if path[:n] in self.own_key:
                    raise ValueError(f"{shown} has a key of its own; set {self.own_key[path[:n]]} instead")
                if path[:n] in self.fixed:
                    raise ValueError(f"{shown} cannot be set: {self.fixed[path[:n]]}")

    def whole(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The keywords with the defaults of those not given."""
        return merged(self.defaults, given)

    def theory(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The given keywords that are part of the level of theory, under the level's key; empty without any."""
        kept = [(p, v) for p, v in leaves(given) if not any(p[: len(q)] == q for q in self.no_theory)]
        return {self.key: nested(kept)} if kept else {}

    def record(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """`settings` of a level (JSON types) as rules record them."""
        record: dict[str, Any] = {}
        for name, value in settings.items():
            if name != self.key:
                record[name] = value
                continue
            whole = dict(leaves(self.whole(value)))
            names = {
                name: type(get(self.defaults, path))(whole[path]) for path, name in self.recorded.items()
            }
            record |= nested(names.items())
            rest = [(path, v) for path, v in leaves(value) if path not in self.recorded]
            if rest:
                record[self.key] = nested(rest)
        return record

    def from_record(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Settings of a level from what `record` made of them; settings that are none are returned as they are."""
        settings, given = dict(record), []
        for path, name in self.recorded.items():
            value = get(record, name)
            if value is not None:
                settings.pop(name[0], None)
                given.append((path, value))
        if given:
            settings[self.key] = merged(settings.get(self.key, {}), nested(given))
        return settings


def numbers(given: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords with texts such as 1e-6 as numbers: YAML reads only 1.0e-6 as one."""

    def number(value: Any) -> Any:
        if isinstance(value, Mapping):
            return numbers(value)
        if isinstance(value, list):
            return [number(v) for v in value]
        if not isinstance(value, str) or not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+", value):
            return value
        return float(value)

    return {name: number(value) for name, value in given.items()}


def leaves(given: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """(path, value) of every keyword in nested sections; a section without keywords is one itself."""
    for name, value in given.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*above, name))
        else:
            yield (*above, name), value


def nested(items: Any) -> dict[str, Any]:
    """Sections from (path, value)."""
    whole: dict[str, Any] = {}
    for path, value in items:
        place = whole
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = value
    return whole


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` with what `above` has replaced or added, section by section."""
    both = dict(below)
    for name, value in above.items():
        sections = isinstance(value, Mapping) and isinstance(both.get(name), Mapping)
        both[name] = merged(both[name], value) if sections else value
    return both


def get(given: Mapping[str, Any], path: Path) -> Any:
    """The value at a path; None where there is none."""
    place: Any = given
    for part in path:
        if not isinstance(place, Mapping) or part not in place:
            return None
        place = place[part]
    return place
