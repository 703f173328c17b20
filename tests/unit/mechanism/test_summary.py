import numpy as np
import pytest

from dlmd.base.units import BOLTZMANN_EV_PER_K
from dlmd.mechanism.summary import summarise, table

ENERGY = 0.2


def result(t, *, classes=("within A layer, direct", "between layers, direct"), few=False):
    """What one temperature gives when all rates follow an Arrhenius law."""
    rate = 5.0 * np.exp(-ENERGY / (BOLTZMANN_EV_PER_K * t))
    found = {"value": rate, "low": 0.9 * rate, "high": 1.1 * rate}
    rows = [{"name": n, "events": 50, "rate_per_ps": found, "share_of_hops": {"value": 0.5}} for n in classes]
    code = "too_few_hops" if few else "ok"
    return {
        "temperature_k": t,
        "verdict": {"code": code, "message": "3 hops"},
        "hops": {"events": 100, "rate_per_ps": found},
        "classes": rows,
        "diffusion": {"shares_of_d_hop": {classes[0]: {"value": 0.4, "low": 0.3, "high": 0.5}}},
    }


TRANSPORT = {"fits": {"d_self": {"activation_energy_ev": {"value": 0.21, "low": 0.2, "high": 0.22}}}}


def test_activation_energies_of_all_hops_and_of_every_class():
    found = summarise([result(t) for t in (450, 500, 600)], TRANSPORT, confidence=0.95)
    assert list(found["rates"]) == ["all hops", "within A layer, direct", "between layers, direct"]
    for entry in found["rates"].values():
        assert entry["fit"]["activation_energy_ev"]["value"] == pytest.approx(ENERGY)
    assert found["transport_activation_energy_ev"] == {"d_self": {"value": 0.21, "low": 0.2, "high": 0.22}}
    assert found["left_out"] == []


def test_a_temperature_with_too_few_hops_is_left_out_and_two_are_no_fit():
    results = [result(450, few=True), result(500), result(600)]
    found = summarise(results, {"fits": {}}, confidence=0.95)
    assert [r["temperature_k"] for r in found["left_out"]] == [450]
    fit = found["rates"]["all hops"]["fit"]
    assert fit == {"verdict": "rates at 2 temperatures, at least 3 are needed"}


def test_a_class_without_a_rate_at_one_temperature_has_fewer_points():
    results = [result(t) for t in (450, 500, 550, 600)]
    del results[0]["classes"][0]["rate_per_ps"]
    found = summarise(results, TRANSPORT, confidence=0.95)
    assert [p["temperature_k"] for p in found["rates"]["within A layer, direct"]["points"]] == [500, 550, 600]


def test_hops_there_and_back_are_added_over_temperatures():
    results = [result(t) for t in (450, 500)]
    for r, (there, back) in zip(results, ((30, 15), (40, 20)), strict=True):
        r["balance"] = {"layers": ["A layer", "B layer"], "there": there, "back": back}
    found = summarise(results, TRANSPORT, confidence=0.95)["balance"]
    assert (found["there"], found["back"]) == (70, 35)
    assert not found["balanced"]
    results[0]["balance"]["back"] = 50
    assert summarise(results, TRANSPORT, confidence=0.95)["balance"]["balanced"]
    assert summarise([result(450)], TRANSPORT, confidence=0.95)["balance"] is None


def test_the_table_has_a_row_per_temperature_and_class():
    molten = {"temperature_k": 700.0, "verdict": {"code": "no_sites", "message": "melted"}}
    columns, rows = table([result(500), molten])
    assert len(rows) == 3
    assert len({*columns}) == len(columns) == len(rows[0])
    assert rows[1][columns.index("share_of_d_hop")] == "0.4"
    assert rows[2][columns.index("share_of_d_hop")] == ""
