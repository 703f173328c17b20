"""The second cell of production: that it exists, is another one, and is run where production is."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dlmd.base.errors import did_you_mean
from dlmd.config.model import RunFields

Found = Iterator[tuple[str, str, str]]


def problems(cfg: RunFields) -> Found:
    """Yield (key path, what is wrong, remedy) for `md.size_check`."""
    md, structures = cfg.md, cfg.structures
    check = md.size_check
    if check is None:
        return
    if check.cell not in structures.cells:
        yield (
            "md.size_check.cell",
            f"no cell named '{check.cell}'",
            did_you_mean(check.cell, structures.cells),
        )
    elif md.cell in structures.cells and prod(structures.cells[check.cell]) == prod(
        structures.cells[md.cell]
    ):
        yield (
            "md.size_check.cell",
            f"'{check.cell}' has as many unit cells as production's '{md.cell}'",
            "name a cell of another size, best one of twice as many unit cells or more",
        )
    for t in check.temperatures_k:
        if t not in md.temperatures_k:
            yield (
                "md.size_check.temperatures_k",
                f"{t:g} K is not among md.temperatures_k, so that there is nothing to compare with",
                did_you_mean(f"{t:g}", [f"{known:g}" for known in md.temperatures_k]),
            )
    if len(set(check.temperatures_k)) != len(check.temperatures_k):
        yield (
            "md.size_check.temperatures_k",
            f"a temperature is repeated: {check.temperatures_k}",
            "name each once",
        )
    if check.replicas > structures.orderings:
        yield (
            "md.size_check.replicas",
            f"{check.replicas} replicas but {structures.orderings} orderings",
            "raise structures.orderings",
        )
