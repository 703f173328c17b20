"""The second cell of `md.size_check` against production's: what both give, the ratios, and whether the size matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json, write_csv, write_json
from dlmd.base.formatting import interval
from dlmd.base.verdicts import Verdict
from dlmd.transport import cells
from dlmd.transport.tables import ESTIMATES

VERSION = 1

CELLS = ("production", "second")
SYSTEM = ("n_ions", "n_host_atoms", "volume_a3", "replicas", "length_ps", "pressure_gpa", "verdict")
# Quantities that decide, and how they are called. D_total is the conductivity, and the Haven ratio follows.
DECIDING = {"d_self_cm2_per_s": "D_self", "conductivity_ms_per_cm": "the conductivity"}


def check(
    production: Sequence[str],
    second: Sequence[str],
    *,
    result: str,
    table: str,
    max_difference: float,
    confidence: float,
) -> None:
    """Compare transport results of the two cells, and write all numbers (`compare`) and a table of them."""
    found = compare(
        [read_json(path) for path in production],
        [read_json(path) for path in second],
        max_difference=max_difference,
        confidence=confidence,
    )
    write_json(Path(result), found)
    write_csv(table, list(_rows(found)))


def compare(
    production: Sequence[Mapping[str, Any]],
    second: Sequence[Mapping[str, Any]],
    *,
    max_difference: float,
    confidence: float,
) -> dict[str, Any]:
    """JSON-ready: per temperature what both cells give, the ratios of the larger over the smaller one, and the verdict.

    Parameters
    ----------
    production, second
        Transport results of both cells at the same temperatures; several of one temperature are runs of their own.
    max_difference
        Largest part by which D_self and the conductivity may differ.

    Raises
    ------
    DlmdError
        where the two cells have the same number of mobile ions.
    """
    sizes = [{int(one["n_ions"]) for one in each} for each in (production, second)]
    if any(len(size) != 1 for size in sizes) or sizes[0] == sizes[1]:
        raise DlmdError(
            f"cells of {sorted(sizes[0])} and {sorted(sizes[1])} mobile ions are not two cells of different sizes",
            remedy="name another cell in md.size_check.cell",
        )
    both = [*production, *second]
    ratios = cells.ratios(both, ESTIMATES, confidence=confidence)
    at = [
        {key: one.get(key) for key in ("temperature_k", *SYSTEM, *ESTIMATES)} | {"cell": name}
        for name, each in zip(CELLS, (production, second), strict=True)
        for one in each
    ]
    return {
        "format": "dlmd-size-check",
        "version": VERSION,
        "confidence": confidence,
        "max_difference": max_difference,
        "n_ions": sorted(sizes[0] | sizes[1]),
        "temperatures": at,
        "ratios": ratios,
        "verdict": judge(ratios, max_difference=max_difference, runs=[len(production), len(second)])
        | {"n_ions_of_production": sizes[0].pop()},
    }


def judge(
    ratios: Mapping[str, Mapping[str, Any] | None], *, max_difference: float, runs: Sequence[int] = ()
) -> dict[str, Any]:
    """Verdict on the ratios: `size_dependent` where an interval lies beyond the accepted difference, `ok` where that of D_self
    lies within it, `size_unknown` else."""
    lowest, highest = 1 / (1 + max_difference), 1 + max_difference
    known = {key: ratios[key] for key in DECIDING if ratios.get(key)}
    beyond = [key for key, one in known.items() if one and (one["low"] > highest or one["high"] < lowest)]
    told = "; ".join(f"{DECIDING[key]} {interval(one)}" for key, one in known.items() if one)
    bound = f"{max_difference:.0%} is accepted"
    if beyond:
        return {
            "code": Verdict.SIZE_DEPENDENT.value,
            "message": f"the larger cell has {told} times that of the smaller one, {bound}. Take the larger cell for "
            "production (md.cell), and check that one against a still larger one. Where one ordering was run in each cell "
            "(md.replicas, md.size_check.replicas), the orderings may be what differs.",
        }
    if not known:
        return {
            "code": Verdict.SIZE_UNKNOWN.value,
            "message": "the two cells have no temperature in common at which both give a value. Run longer (md.segments), or "
            "compare at a hotter temperature (md.size_check.temperatures_k).",
        }
    d_self = known.get("d_self_cm2_per_s")
    if d_self and lowest <= d_self["low"] and d_self["high"] <= highest:
        return {
            "code": Verdict.OK.value,
            "message": f"no difference beyond the accepted one: larger over smaller cell, {told}; {bound}",
        }
    return {
        "code": Verdict.SIZE_UNKNOWN.value,
        "message": f"a difference can neither be seen nor excluded: larger over smaller cell, {told}; {bound}. Run longer "
        "(md.segments), or with more orderings of both cells.",
    }


def overrule(fitted: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """An Arrhenius fit, whose verdict is that of the two cells where the size matters and the fit has no other fault."""
    seen = found["verdict"]
    if seen["code"] != Verdict.SIZE_DEPENDENT or fitted["verdict"]["code"] != Verdict.OK:
        return dict(fitted)
    return {**fitted, "verdict": {key: seen[key] for key in ("code", "message")}}


def _rows(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One line per cell and temperature, and one of the ratios."""
    for one in found["temperatures"]:
        row = {key: one[key] for key in ("cell", "temperature_k", "n_ions", "length_ps")}
        yield row | {"verdict": one["verdict"]["code"]} | _cells({key: one[key] for key in ESTIMATES})
    empty = dict.fromkeys(("temperature_k", "n_ions", "length_ps"), "")
    yield {"cell": "larger over smaller", **empty, "verdict": found["verdict"]["code"]} | _cells(
        found["ratios"]
    )


def _cells(estimates: Mapping[str, Mapping[str, float] | None]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for key, one in estimates.items():
        row |= {key: (one or {}).get("value", ""), f"{key}_low": (one or {}).get("low", "")}
        row[f"{key}_high"] = (one or {}).get("high", "")
    return row
