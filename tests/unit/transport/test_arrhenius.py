import json

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.base.units import BOLTZMANN_EV_PER_K
from dlmd.transport import arrhenius

TEMPERATURES = (450.0, 500.0, 550.0, 600.0, 650.0, 700.0)
ENERGY, PREFACTOR = 0.3, 2.0e7


def result(temperature, *, error=0.1, noise=0.0, code="ok", mobile="Li"):
    """A transport result on the line ln(sigma T) = ln A - E_a / k_B T, off by `noise` in the logarithm."""
    sigma_t = PREFACTOR * np.exp(-ENERGY / (BOLTZMANN_EV_PER_K * temperature))

    def interval(value):
        middle = value * np.exp(noise)
        return {
            "value": middle,
            "low": middle * np.exp(-1.959964 * error),
            "high": middle * np.exp(1.959964 * error),
        }

    return {
        "mobile": mobile,
        "temperature_k": temperature,
        "confidence": 0.95,
        "verdict": {"code": code, "message": "said why"},
        "conductivity_ms_per_cm": interval(sigma_t / temperature) if code == "ok" else None,
        "d_self_cm2_per_s": interval(1e-9 * sigma_t) if code == "ok" else None,
        "d_total_cm2_per_s": interval(2e-9 * sigma_t) if code == "ok" else None,
    }


def test_exact_line():
    out = arrhenius.fit([result(t) for t in TEMPERATURES], predict_k=[298.15, 520.0])
    found = out["fits"]["conductivity"]
    assert found["activation_energy_ev"]["value"] == pytest.approx(ENERGY, rel=1e-9)
    assert found["prefactor_ms_per_cm_k"]["value"] == pytest.approx(PREFACTOR, rel=1e-9)
    assert found["reduced_chi_squared"] == pytest.approx(0.0, abs=1e-12)
    cold, inside = found["predictions"]
    expected = PREFACTOR * np.exp(-ENERGY / (BOLTZMANN_EV_PER_K * 298.15)) / 298.15
    assert cold["value_ms_per_cm"]["value"] == pytest.approx(expected, rel=1e-9)
    assert cold["extrapolated"] and cold["beyond_range_k"] == pytest.approx(151.85)
    assert not inside["extrapolated"] and inside["beyond_range_k"] == 0
    assert out["fits"]["d_self"]["prefactor_cm2_per_s"]["value"] == pytest.approx(1e-9 * PREFACTOR)
    # d ln(sigma) / d(1/T) lacks the k_B T of d ln(sigma T) / d(1/T)
    paper = out["fits"]["conductivity_paper_convention"]["activation_energy_ev"]["value"]
    assert ENERGY - paper == pytest.approx(BOLTZMANN_EV_PER_K * 555, rel=0.05)
    json.dumps(out, allow_nan=False)


def test_interval_of_the_slope_is_the_textbook_one():
    found = arrhenius.fit([result(t, error=0.1) for t in TEMPERATURES])["fits"]["conductivity"]
    x = 1 / (BOLTZMANN_EV_PER_K * np.array(TEMPERATURES))
    expected = 1.959964 * 0.1 / np.sqrt(np.sum((x - x.mean()) ** 2))
    energy = found["activation_energy_ev"]
    assert energy["high"] - energy["value"] == pytest.approx(expected, rel=1e-5)
    assert energy["value"] - energy["low"] == pytest.approx(expected, rel=1e-5)


def test_uncertain_points_weigh_less():
    results = [result(t) for t in TEMPERATURES[1:]] + [result(450.0, error=5.0, noise=3.0)]
    energy = arrhenius.fit(results)["fits"]["conductivity"]["activation_energy_ev"]["value"]
    assert energy == pytest.approx(ENERGY, abs=0.01)


@pytest.mark.parametrize("quantity", ["conductivity", "d_self"])
def test_coverage(quantity):
    rng = np.random.default_rng(4)
    held = []
    for _ in range(400):
        fits = arrhenius.fit(
            [result(t, error=0.15, noise=0.15 * rng.standard_normal()) for t in TEMPERATURES]
        )["fits"]
        energy = fits[quantity]["activation_energy_ev"]
        held.append(energy["low"] <= ENERGY <= energy["high"])
    assert 0.92 <= np.mean(held) <= 0.99


def test_gated_temperatures_are_left_out_with_the_reason():
    results = [result(t) for t in TEMPERATURES[1:]] + [result(450.0, code="too_short")]
    out = arrhenius.fit(results)
    assert out["left_out"] == [{"temperature_k": 450.0, "code": "too_short", "reason": "said why"}]
    assert out["temperatures_k"] == list(TEMPERATURES[1:]) and out["verdict"]["code"] == "ok"


def test_fewer_than_three_temperatures_give_a_verdict():
    out = arrhenius.fit([result(450.0), result(500.0), result(500.0), result(550.0, code="too_short")])
    assert out["verdict"]["code"] == "too_few_temperatures" and out["fits"] == {}
    assert "2 usable" in out["verdict"]["message"]


def test_bad_input():
    with pytest.raises(DlmdError, match="result 2 is no transport result"):
        arrhenius.fit([result(450.0), {"a": 1}])
    with pytest.raises(DlmdError, match="different mobile"):
        arrhenius.fit([result(450.0), result(500.0, mobile="Na")])
    with pytest.raises(DlmdError, match="-3"):
        arrhenius.fit([result(t) for t in TEMPERATURES], predict_k=[-3.0])
