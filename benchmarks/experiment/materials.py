"""The list of materials: what was measured, and how each is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from dlmd.base.errors import DlmdError

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Spread:
    """The median of measured values, and the lowest and highest of them."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Material:
    """A crystal, what was measured of it, and how it is run.

    Attributes
    ----------
    crystal, written, config
        Path of a CIF, or the name of one in `crystals.CRYSTALS`; a config that is there, in place of one by `dlmd new`.
    new, settings
        Options of `dlmd new`, and what is laid over its config.
    level
        The level that answers; None: the only one.
    measured
        Values with their sources.
    apart
        What sets the sample apart from the crystal that is run.
    label_cpu_seconds
        The least and the most CPU time (s) of a label that the config is given, where its file does not say it.
    """

    name: str
    family: str
    measured: tuple[Mapping[str, Any], ...]
    apart: str
    crystal: str | None = None
    written: str | None = None
    config: str | None = None
    new: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    level: str | None = None
    label_cpu_seconds: tuple[float, float] | None = None

    def spread(self, key: str) -> Spread | None:
        """Of the measured values of one quantity; None where there are none."""
        values = [float(one[key]) for one in self.measured if key in one]
        return Spread(median(values), min(values), max(values)) if values else None

    @property
    def run(self) -> str:
        """Name of its run and of its config."""
        return f"experiment-{self.name.lower()}"


def load(path: Path = HERE / "materials.yaml") -> list[Material]:
    """The materials of a list.

    Raises
    ------
    DlmdError
        for an entry that says too little or what nobody knows.
    """
    found = []
    for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
        where = f"{path}, {entry.get('name', 'an entry without a name')}"
        try:
            one = Material(**{**entry, "measured": tuple(entry.get("measured") or ())})
        except TypeError as error:
            raise DlmdError(
                str(error).split(") ", 1)[-1], where=where, remedy="see the other entries"
            ) from None
        if (one.crystal is None) == (one.written is None):
            raise DlmdError("it needs one of crystal and written", where=where, remedy="give one of the two")
        if any("source" not in value for value in one.measured) or one.spread("sigma_ms_per_cm") is None:
            raise DlmdError(
                "a measured value without its source, or no conductivity", where=where, remedy="add it"
            )
        found.append(one)
    return found


def chosen(names: list[str], path: Path = HERE / "materials.yaml") -> list[Material]:
    """Those of the list with these names, in this order; all without names.

    Raises
    ------
    DlmdError
        for a name that is not in the list.
    """
    listed = {one.name: one for one in load(path)}
    if unknown := [name for name in names if name not in listed]:
        raise DlmdError(
            f"no such material: {unknown[0]}", where=str(path), remedy=f"choose from {', '.join(listed)}"
        )
    return [listed[name] for name in names] if names else list(listed.values())
