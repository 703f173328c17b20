"""Rows of the report: numbers with intervals, published values beside, and nothing where there is a verdict."""

import json

from dlmd.base.formatting import interval
from dlmd.report import tables
from dlmd.report.answer import headline
from dlmd.report.answer import table as answer
from dlmd.run.results import RunResults

ESTIMATE = {"value": 1.234567, "low": 0.5, "high": 3.0}
OK = {"code": "ok", "message": ""}
PUBLISHED = {
    "conductivity_ms_per_cm": {"temperature_k": 298.15, "values": {"experiment": 1.04}},
    "activation_energy_ev": {"experiment": 0.32},
}


def fitted(predict_k):
    fit = {
        "activation_energy_ev": ESTIMATE,
        "points": [{"temperature_k": t} for t in (400, 500, 600)],
        "bounds": [],
        "predictions": [
            {
                "temperature_k": t,
                "value_ms_per_cm": ESTIMATE,
                "extrapolated": t < 400,
                "beyond_range_k": max(0.0, 400 - t),
            }
            for t in predict_k
        ],
    }
    return {
        "temperatures_k": [400, 500, 600],
        "fits": {"conductivity": fit, "conductivity_paper_convention": fit, "d_self": fit},
    }


def test_interval_is_value_low_and_high():
    assert interval(ESTIMATE) == "1.23 (0.5 to 3)"


def test_extrapolation_is_said_and_published_values_stand_beside_their_temperature_only():
    temperatures = [{"temperature_k": 400, "verdict": OK, "haven_ratio": ESTIMATE}]
    rows = {row["quantity"]: row for row in answer(fitted([298.15, 500]), temperatures, PUBLISHED)}
    room = rows["conductivity at 298.15 K (mS/cm)"]
    assert room["how"] == "extrapolated by 102 K"
    assert room["published"] == "experiment 1.04"
    assert rows["conductivity at 500 K (mS/cm)"]["how"] == "within the range"
    assert rows["conductivity at 500 K (mS/cm)"]["published"] == ""
    assert rows["activation energy, ln(σT) against 1/T (eV)"]["published"] == "experiment 0.32"


def test_the_card_of_the_activation_energy_says_how_well_the_line_fits():
    given = fitted([298.15]) | {"verdict": OK}
    given["fits"]["conductivity"]["reduced_chi_squared"] = 1.234
    (card,) = [card for card in headline(given, []) if card["title"] == "activation energy of σT"]
    assert card["note"] == "3 temperatures; χ² per degree of freedom 1.2"


def test_without_a_fit_and_with_verdicts_only_there_is_no_number():
    gated = [
        {"temperature_k": 400, "verdict": {"code": "not_diffusive", "message": "..."}, "haven_ratio": None}
    ]
    assert answer({"temperatures_k": [], "fits": {}}, gated, PUBLISHED) == []


def test_what_given_labels_do_not_say_stands_in_the_report(tmp_path):
    for number, record in enumerate(
        ({"taken_for_granted": {"kpoint_mesh": [1, 1, 1]}}, {"taken_for_granted": {}}, {})
    ):
        path = tmp_path / f"labels/u4/given/{number}/given.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"file": {"path": f"{number}.extxyz"}} | record))
    (sentence,) = tables.given(RunResults(tmp_path).level("u4").given)
    assert sentence.startswith("0.extxyz does not say all") and sentence.endswith(
        "level's: kpoint_mesh [1, 1, 1]."
    )
