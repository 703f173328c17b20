"""Variance components of synthetic runs with known components."""

import numpy as np
import pytest

from dlmd.transport import error_budget
from dlmd.transport.error_budget import budget, decompose

SCALE = 0.5


def runs(rng, n_potentials, n_orderings, *, tau_p, tau_o, s, mu=2.0):
    """Values, errors, potentials and orderings of a full design."""
    p, o = tau_p * rng.standard_normal(n_potentials), tau_o * rng.standard_normal(n_orderings)
    m, n = (a.ravel() for a in np.meshgrid(range(n_potentials), range(n_orderings), indexing="ij"))
    values = mu + p[m] + o[n] + s * rng.standard_normal(len(m))
    return values, np.full(len(m), s), m.tolist(), n.tolist()


def result(rng, *design, **components):
    values, errors, m, n = runs(rng, *design, **components)
    return decompose(values, errors, potentials=m, orderings=n, scale=SCALE)


def test_many_levels_give_the_true_components():
    found = result(np.random.default_rng(1), 8, 8, tau_p=0.3, tau_o=0.1, s=0.05)["components"]
    assert found["potential"]["sd"]["low"] < 0.3 < found["potential"]["sd"]["high"]
    assert found["ordering"]["sd"]["low"] < 0.1 < found["ordering"]["sd"]["high"]
    assert found["potential"]["sd"]["high"] / found["potential"]["sd"]["low"] < 4
    # of the mean's variance 0.3²/8, 0.1²/8 and 0.05²/64 the potential has 90 %, and statistics 0.2 %
    assert found["potential"]["share"]["low"] < 0.9 < found["potential"]["share"]["high"]
    assert found["statistics"]["share"]["high"] < 0.02


def test_intervals_of_small_designs_hold_the_truth():
    """Four potentials and three orderings, as one would really run; 95 % intervals over 40 data sets."""
    rng = np.random.default_rng(7)
    held = {"mean": 0, "potential": 0, "ordering": 0, "statistics_only": 0}
    for _ in range(40):
        found = result(rng, 4, 3, tau_p=0.4, tau_o=0.2, s=0.1)
        parts = found["components"]
        held["mean"] += found["mean"]["low"] < 2.0 < found["mean"]["high"]
        held["potential"] += parts["potential"]["sd"]["low"] < 0.4 < parts["potential"]["sd"]["high"]
        held["ordering"] += parts["ordering"]["sd"]["low"] < 0.2 < parts["ordering"]["sd"]["high"]
        held["statistics_only"] += (
            found["mean_statistics_only"]["low"] < 2.0 < found["mean_statistics_only"]["high"]
        )
    assert held["mean"] >= 35
    assert held["potential"] >= 35
    assert held["ordering"] >= 35
    # what the budget is for: statistics alone are far too sure
    assert held["statistics_only"] < 20


def test_runs_that_agree_leave_the_error_to_statistics():
    rng = np.random.default_rng(3)
    found = result(rng, 4, 4, tau_p=0.0, tau_o=0.0, s=0.5)["components"]
    assert found["potential"]["sd"]["low"] < 0.1
    shares = [found[name]["share"]["value"] for name in ("statistics", "potential", "ordering")]
    assert found["statistics"]["share"]["high"] > 0.6
    assert shares[0] > max(shares[1:])


def test_statistics_of_equal_runs_is_the_standard_error_of_the_mean():
    found = decompose([1.0, 1.2, 0.8], [0.1] * 3, potentials=[0, 0, 0], orderings=[0, 0, 0], scale=SCALE)
    assert found["components"]["potential"] is None
    assert found["components"]["ordering"] is None
    assert found["components"]["statistics"]["share"]["value"] == 1.0
    reach = 1.96 * 0.1 / np.sqrt(3)
    assert found["mean_statistics_only"]["high"] == pytest.approx(1.0 + reach, rel=1e-3)
    assert found["mean"]["value"] == pytest.approx(1.0, abs=0.01)
    assert found["mean"]["high"] == pytest.approx(1.0 + reach, abs=0.01)


def test_one_way_where_only_the_ordering_varies():
    rng = np.random.default_rng(5)
    found = result(rng, 1, 12, tau_p=0.0, tau_o=0.5, s=0.05)["components"]
    assert found["potential"] is None
    assert found["ordering"]["sd"]["low"] < 0.5 < found["ordering"]["sd"]["high"]
    assert found["ordering"]["share"]["value"] > 0.95


def test_crossed_effects_are_told_apart():
    """A difference that follows the potential through all orderings is not the ordering's."""
    values = [0.0, 0.01, -0.01, 1.0, 1.01, 0.99]
    found = decompose(
        values, [0.02] * 6, potentials=[0, 0, 0, 1, 1, 1], orderings=[0, 1, 2, 0, 1, 2], scale=SCALE
    )
    assert found["components"]["potential"]["share"]["low"] > 0.9
    assert found["components"]["ordering"]["sd"]["high"] < 0.2


def transport(temperature_k, energy_ev, *, factor=1.0, code="ok"):
    """A transport result on an exact Arrhenius line sigma T = A exp(-E_a/kT), with an interval of 10 %."""
    sigma = factor * 1e7 / temperature_k * np.exp(-energy_ev / (8.617333e-5 * temperature_k))
    estimate = {"value": sigma, "low": sigma / 1.1, "high": sigma * 1.1}
    quantities = ("conductivity_ms_per_cm", "d_self_cm2_per_s", "d_total_cm2_per_s")
    return {
        "temperature_k": temperature_k,
        "mobile": "Li",
        "verdict": {"code": code, "message": code},
        **dict.fromkeys(quantities, estimate if code == "ok" else None),
    }


def test_budget_of_exact_lines():
    temperatures = (400.0, 500.0, 600.0)
    energies = {(0, 0): 0.30, (0, 1): 0.30, (1, 0): 0.34, (1, 1): 0.34}
    given = [
        {"potential": m, "ordering": n, "temperatures": [transport(t, e) for t in temperatures]}
        for (m, n), e in energies.items()
    ]
    rows, left_out = budget(given, predict_k=[300.0])
    assert not left_out
    assert [row["quantity"] for row in rows] == [
        "conductivity at 400 K",
        "conductivity at 500 K",
        "conductivity at 600 K",
        "activation energy",
        "conductivity at 300 K, from the fit",
    ]
    energy = rows[3]
    assert energy["mean"]["value"] == pytest.approx(0.32, abs=0.004)
    assert energy["mean"]["low"] < 0.30 < energy["mean_statistics_only"]["low"]
    assert energy["components"]["potential"]["sd"]["value"] > 0.01
    assert energy["components"]["ordering"]["share"]["value"] < 0.1


def test_budget_without_the_runs_that_failed():
    given = [
        {
            "potential": m,
            "ordering": 0,
            "temperatures": [transport(400.0, 0.3, code=c), transport(500.0, 0.3)],
        }
        for m, c in enumerate(("ok", "host_molten", "host_molten"))
    ]
    rows, left_out = budget(given, predict_k=[])
    assert [row["quantity"] for row in rows] == ["conductivity at 500 K"]
    assert rows[0]["runs"] == 3
    assert left_out[0] == {"quantity": "conductivity at 400 K", "reason": "1 of 3 runs give it"}
    assert left_out[1]["quantity"] == "activation energy"


def test_standard_error_of_an_interval():
    estimate = {"value": 10.0, "low": 10.0 / 1.5, "high": 15.0}
    found = error_budget.standard_error(estimate, confidence=0.95, logarithm=True)
    assert found == pytest.approx(np.log(1.5) / 1.96, rel=1e-3)
    assert error_budget.standard_error(
        {"low": 0.1, "high": 0.3}, confidence=0.95, logarithm=False
    ) == pytest.approx(0.1 / 1.96, rel=1e-3)
