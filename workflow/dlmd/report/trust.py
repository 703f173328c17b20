"""What the report says of how far a potential and its answer can be trusted: acceptance, committee, error budget."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict

from dlmd.base.formatting import interval
from dlmd.run.results import LevelResults
from dlmd.validation.acceptance import SINGLE_POINTS, Measured, measured

COMPONENTS = ("statistics", "potential", "ordering")
# bound of the config -> what a number that is held against it counts
UNITS = {
    "max_relative_force_rmse": "of the RMS force",
    "max_trajectory_force_rmse": "of the RMS force",
    "max_relative_deviation": "of the RMS force",
    "max_energy_drift_mev_per_atom_ps": "meV per atom and ps",
    "max_temperature_error": "of the target",
    "min_host_coordination": "whole",
    "max_met_anions": "of the frames",
}


def acceptance(results: LevelResults) -> list[dict]:
    """Rows of all checks before production; where a check counts only what lies beyond an interval, that interval."""
    intervals = measured(results.errors, results.few_labels)
    return [_check_row(check, intervals.get(check["name"])) for check in results.accepted["checks"]]


def frames_in_words(text: str) -> str:
    """A text in which the data set's systems of given frames (given0_test_Cl24Li12Ti4) are named in words."""
    return re.sub(r"given(\d+)_(\w+?)_(\w+)", _frames, text)


def _frames(system: re.Match[str]) -> str:
    part, split, formula = system.groups()
    kind = {"test": "held-out", "valid": "validation", "train": "training"}.get(split, split)
    return f"given {kind} frames of {formula}" + (f" ({int(part) + 1})" if int(part) else "")


def _check_row(check: Mapping, found: Measured | None) -> dict:
    kept = "kept" if check["ok"] else "not kept"
    if found is None:
        return {
            "check before production": frames_in_words(check["name"]),
            "found": f"{check['value']:.3g} {UNITS.get(check.get('key', ''), '')}".rstrip(),
            "bound": f"{check['bound']:g}",
            "": kept,
        }
    remark = found.undecided(check["bound"])
    return {
        "check before production": frames_in_words(check["name"]),
        "found": interval(asdict(found), ".2f", unit=found.unit),
        "bound": f"{found.ideal:g} ± {check['bound']:g}",
        "": f"{kept}, but {remark}" if remark else kept,
    }


def undecided(results: LevelResults) -> list[str]:
    """In words, what the potential was accepted with although the held-out frames do not decide it."""
    intervals = measured(results.errors, results.few_labels)
    open_ones = [
        (check, found)
        for check in results.accepted.get("checks", ())
        if (found := intervals.get(check["name"])) and found.undecided(check["bound"])
    ]
    # all single points together say what a source of them says, better
    together = {found.kind for _, found in open_ones if found.subject == SINGLE_POINTS}
    rows = [
        _check_row(check, found)
        for check, found in open_ones
        if found.subject == SINGLE_POINTS or found.kind not in together
    ]
    return [
        f"{row['check before production']}: {row['found']} where {row['bound']} is asked for. It is {row['']}: hold out more."
        for row in rows
    ]


def committee(results: LevelResults) -> str | None:
    """Whether the disagreement of the potentials predicts their error, in words; None for a single potential."""
    return results.committee["verdict"]["message"] if results.committee else None


def budget(results: LevelResults) -> list[dict]:
    """Rows of the error budget; none where production was one run per temperature."""
    found = results.error_budget
    rows = [_budget_row(row) for row in found.get("rows", ())]
    return rows + [
        {**dict.fromkeys(_budget_keys(), "–"), "quantity": left["quantity"], "this run": left["reason"]}
        for left in found.get("left_out", ())
    ]


def _budget_keys() -> list[str]:
    return ["quantity", "this run", "statistics alone", *(f"share of {name}" for name in COMPONENTS)]


def _budget_row(row: Mapping) -> dict:
    def share(part: Mapping | None) -> str:
        return "not varied" if part is None else interval(part["share"], ".0%")

    values = [
        f"{row['quantity']} ({row['unit']})",
        interval(row["mean"]),
        interval(row["mean_statistics_only"]),
        *(share(row["components"][name]) for name in COMPONENTS),
    ]
    return dict(zip(_budget_keys(), values, strict=True))
