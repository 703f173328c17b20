"""What the report says of how far a potential and its answer can be trusted: gate, committee, error budget."""

from __future__ import annotations

from collections.abc import Mapping

from dlmd.run.results import LevelResults

COMPONENTS = ("statistics", "potential", "ordering")


def gate(results: LevelResults) -> list[dict]:
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
    def shown(estimate: Mapping[str, float]) -> str:
        return f"{estimate['value']:.3g} ({estimate['low']:.3g} to {estimate['high']:.3g})"

    def share(part: Mapping | None) -> str:
        if part is None:
            return "not varied"
        one = part["share"]
        return f"{one['value']:.0%} ({one['low']:.0%} to {one['high']:.0%})"

    values = [
        f"{row['quantity']} ({row['unit']})",
        shown(row["mean"]),
        shown(row["mean_statistics_only"]),
        *(share(row["components"][name]) for name in COMPONENTS),
    ]
    return dict(zip(_budget_keys(), values, strict=True))
