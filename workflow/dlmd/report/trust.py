"""What the report says of how far a potential and its answer can be trusted: acceptance, committee, error budget."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dlmd.base.files import read_json
from dlmd.base.formatting import interval

COMPONENTS = ("statistics", "potential", "ordering")


def acceptance(validation: Path) -> list[dict]:
    """Rows of all checks before production, from accepted.json."""
    return [
        {
            "check before production": check["name"],
            "found": f"{check['value']:.3g}",
            "bound": f"{check['bound']:g}",
            "": "kept" if check["ok"] else "not kept",
        }
        for check in read_json(validation / "accepted.json")["checks"]
    ]


def committee(validation: Path) -> str | None:
    """Whether the disagreement of the potentials predicts their error, in words; None for a single potential."""
    path = validation / "committee.json"
    return read_json(path)["verdict"]["message"] if path.exists() else None


def budget(transport: Path) -> list[dict]:
    """Rows of the error budget; none where production was one run per temperature."""
    path = transport / "error_budget.json"
    if not path.exists():
        return []
    found = read_json(path)
    rows = [_budget_row(row) for row in found["rows"]]
    return rows + [
        {**dict.fromkeys(_budget_keys(), "–"), "quantity": left["quantity"], "this run": left["reason"]}
        for left in found["left_out"]
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
