"""What the report says of how far a potential and its answer can be trusted: acceptance, committee, error budget."""

from __future__ import annotations

from collections.abc import Mapping

from dlmd.base.formatting import interval
from dlmd.run.results import LevelResults

COMPONENTS = ("statistics", "potential", "ordering")


def acceptance(results: LevelResults) -> list[dict]:
    """Rows of all checks before production."""
    return [
        {
            "check before production": check["name"],
            "found": f"{check['value']:.3g}",
            "bound": f"{check['bound']:g}",
            "": "kept" if check["ok"] else "not kept",
        }
        for check in results.accepted["checks"]
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
