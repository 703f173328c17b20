import json

import pytest

from dlmd.mechanism.numbers import collect, refused
from dlmd.mechanism.summary import summarise
from dlmd.report import mechanism as section
from li3ticl6_jumps import analysed, run


@pytest.fixture(scope="module")
def result():
    trajectory, *_ = run(1, within=0.02, between=0.02, length_ps=60.0)
    msd = {"value": 4e-5, "low": 1e-6, "high": 4e-3}
    return json.loads(json.dumps(collect(analysed(trajectory, window_ps=(2.0, 6.0), d_self=msd))))


def test_sentences_say_what_the_numbers_say(result):
    text = " ".join(section.sentences(result, summarise([result], {"fits": {}}, confidence=0.95)))
    between = sum(c["events"] for c in result["classes"] if c["name"].startswith("between"))
    assert f"Hops between layers are {between / result['hops']['events']:.0%} of all hops" in text
    assert "they agree" in text
    # one temperature has no activation energy
    assert "activation energy" not in text
    data = {**result, "diffusion": {**result["diffusion"], "agree": False}}
    assert "they DISAGREE" in " ".join(
        section.sentences(data, summarise([result], {"fits": {}}, confidence=0.95))
    )


def test_rows_of_classes_saddles_and_temperatures(result):
    assert [row["hops"] for row in section.classes(result)] == [c["name"] for c in result["classes"]]
    assert len(section.saddles(result)) == len(result["profiles"])
    molten = refused("melted", temperature_k=700.0, mobile="Li")
    rows = section.temperatures([result, molten])
    assert rows[0]["hops seen"] == result["hops"]["events"]
    assert rows[1]["per ion and ns"] == "–"
    assert section.classes(molten) == section.saddles(molten) == []


@pytest.mark.parametrize(
    ("verdicts", "shown"),
    [
        (["ok", "ok", "ok", "ok"], 2),
        (["ok", "ok", "no_sites", "ok"], 1),
        (["ok", "no_sites", "no_sites", "no_sites"], 0),
        (["no_sites", "no_sites", "no_sites"], 1),
    ],
)
def test_the_middle_temperature_with_sites_is_shown(verdicts, shown):
    results = [{"number": i, "verdict": {"code": code}} for i, code in enumerate(verdicts)]
    assert section.representative(results)["number"] == shown


def test_an_imbalance_over_all_temperatures_is_a_warning():
    balance = {"layers": ["A layer", "B layer"], "there": 70, "back": 35, "balanced": False}
    (text,) = section.imbalance({"balance": balance})
    assert "70 hops from A layer to B layer, 35 back" in text
    assert section.imbalance({"balance": {**balance, "balanced": True}}) == []
    assert section.imbalance({"balance": None}) == []


def test_few_hops_have_an_upper_bound_in_the_table(result):
    few = {
        "name": "between layers, direct",
        "events": 2,
        "below_per_ps": 0.001,
        "share_of_hops": {"value": 0.1, "low": 0.0, "high": 0.2},
        "mean_length_a": 3.7,
    }
    assert section.classes({**result, "classes": [few]})[0]["per ion and ns"] == "below 1"
