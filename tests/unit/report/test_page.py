"""Rows of the report: numbers with intervals, published values beside, and nothing where there is a verdict."""

import json
from pathlib import Path

from dlmd.base.formatting import interval
from dlmd.config.reading import load
from dlmd.report import page, tables
from dlmd.report.answer import headline, worth
from dlmd.report.answer import table as answer
from dlmd.run.plan import CostModel
from dlmd.run.results import RunResults
from dlmd.transport import arrhenius as line
from exact_lines import TEMPERATURES, result

ROOT = Path(__file__).parents[3]
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
    assert interval(ESTIMATE) == "1.2 (0.5 to 3.0)"


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
    (card,) = [card for card in headline(given, [], {}) if card["title"] == "activation energy of σT"]
    assert card["note"] == "3 temperatures; χ² per degree of freedom 1.2"


def simulated(kelvin, code="ok", **estimate):
    sigma = {"value": 500.0, "low": 250.0, "high": 1000.0} | estimate
    return {"temperature_k": kelvin, "verdict": {"code": code}, "conductivity_ms_per_cm": sigma}


def test_the_first_card_is_what_was_simulated_where_all_else_is_extrapolated():
    bound = simulated(350, "upper_bound", bound=True)
    temperatures = [bound, simulated(400), simulated(500), simulated(600)]
    first, second, *_ = headline(fitted([298.15]) | {"verdict": OK}, temperatures, PUBLISHED)
    assert (first["title"], first["value"], first["range"]) == ("σ at 400 K", "500", "250 to 1,000")
    # along the source's own activation energy: ln(1.04 · 298.15 / 400) + 0.32 eV / k_B · (1/298.15 − 1/400)
    assert first["note"].endswith("experiment 18.5")
    assert second["title"] == "σ at 298.15 K"
    within = headline(fitted([500]) | {"verdict": OK}, temperatures, PUBLISHED)
    assert [card["title"] for card in within] == ["σ at 500 K", "activation energy of σT"]


def test_what_the_answer_is_worth_is_said_in_one_line():
    temperatures = [simulated(350, "too_short"), simulated(400), simulated(500), simulated(600)]
    few = {"lowest_temperature_k": 400, "after": {"energy_slope": {"value": 1.0, "low": 0.9, "high": 1.1}}}
    said = worth(fitted([298.15]), temperatures, few)
    assert said.startswith(
        "σ has a value at 3 of 4 temperatures, 400 to 600 K; E_a is known to ±1.8 eV; σ at 298.15 K is known"
    )
    # barriers of 0.3 eV that are a tenth off: exp(0.03 eV / k_B 400 K) = 2.4
    assert said.endswith("may besides put D at 400 K off by a factor of 0.42 to 2.4.")
    assert "what the potential and its labels are off by is not in them" in worth(
        fitted([]), temperatures, {}
    )
    withheld = fitted([298.15])
    withheld["fits"]["conductivity"]["predictions"][0] |= {"shown": "withheld", "value_ms_per_cm": None}
    assert "σ at 298.15 K is not known" in worth(withheld, temperatures, {})
    assert worth(fitted([]), temperatures[:1], {}) == ""


def test_the_papers_conventions_stand_beside_its_own_values_only():
    rows = {row["quantity"] for row in answer(fitted([]), [], PUBLISHED)}
    beside = {row["quantity"] for row in answer(fitted([]), [], PUBLISHED | {"haven_ratio": {"paper": 14}})}
    assert {row for row in beside - rows if "paper's convention" in row} == beside - rows != set()


def test_right_angles_are_left_out_of_the_lattice():
    cell = {"a": 6.0, "b": 11.0, "c": 6.0, "alpha": 90.0, "beta": 110.5, "gamma": 90.0, "volume": 450.0}
    rows = {
        "relaxed": cell,
        "temperatures": [{"temperature_k": 500, "lattice": "thermal", "unit_cell": cell}],
    }
    shown = tables.lattice_of_production(rows, [{"temperature_k": 500}])
    assert "beta" in shown[1] and not {"alpha", "gamma"} & set(shown[1])
    rows["relaxed"] = cell | {"gamma": 90.4}
    assert "gamma" in tables.lattice_of_production(rows, [{"temperature_k": 500}])[0]


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


def test_all_that_speaks_against_an_answer_is_said(tmp_path):
    left = {"temperature_k": 400, "reason": "too short"}
    verdict = {"code": "shows_the_way", "message": "E_a is known to ±0.4 eV only"}
    given = {"left_out": [left], "verdict": verdict, "fits": {}}
    hopped = {"temperature_k": 500, "verdict": OK, "host_hopped": {"Cl": 3}}
    level = RunResults(tmp_path).level("u4")
    said = page._warnings(load(ROOT / "config/demo.yaml"), level, given, [hopped], model=None)
    assert said[:2] == ["400 K is left out of the fit: too short", "E_a is known to ±0.4 eV only"]
    assert said[-1].startswith("500 K: 3 Cl of the host at rest")


def test_what_the_answer_needs_is_said_once(tmp_path):
    cfg = load(ROOT / "config/demo.yaml")
    points = [result(t, error=0.6) | {"host_hopped": {}, "haven_ratio": None} for t in TEMPERATURES]
    fitted = line.fit(points, predict_k=[298.15])
    assert fitted["verdict"]["code"] == "shows_the_way"
    level = RunResults(tmp_path).level("u4")
    said = page._warnings(cfg, level, fitted, points, CostModel(cfg, []))
    rows = answer(fitted, points, {})
    text = " ".join([*said, *(f"{row['this run']} {row['how']}" for row in rows)])
    assert text.count("E_a to ±0.03 eV") == 1 and text.count("σ at 298.15 K within a factor of ten") == 1
    assert text.count("±0.03") == 1 and text.count("not the value") == 1 and "times as long" not in text
