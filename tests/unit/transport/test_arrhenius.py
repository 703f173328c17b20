import json

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.base.units import BOLTZMANN_EV_PER_K
from dlmd.transport import arrhenius, selection
from dlmd.transport.analysis import analyse
from exact_lines import ENERGY, PREFACTOR, TEMPERATURES, result


def test_exact_line():
    out = arrhenius.fit([result(t, error=0.01) for t in TEMPERATURES], predict_k=[298.15, 520.0])
    found = out["fits"]["conductivity"]
    assert found["activation_energy_ev"]["value"] == pytest.approx(ENERGY, rel=1e-3)
    assert found["prefactor_ms_per_cm_k"]["value"] == pytest.approx(PREFACTOR, rel=1e-6)
    assert found["reduced_chi_squared"] == pytest.approx(0.0, abs=1e-12)
    cold, inside = found["predictions"]
    expected = PREFACTOR * np.exp(-ENERGY / (BOLTZMANN_EV_PER_K * 298.15)) / 298.15
    assert cold["value_ms_per_cm"]["value"] == pytest.approx(expected, rel=0.05) and cold["shown"] == "value"
    assert cold["extrapolated"] and cold["beyond_range_k"] == pytest.approx(151.85)
    assert not inside["extrapolated"] and inside["beyond_range_k"] == 0
    assert out["fits"]["d_self"]["prefactor_cm2_per_s"]["value"] == pytest.approx(1e-9 * PREFACTOR, rel=1e-6)
    # d ln(sigma) / d(1/T) lacks the k_B T of d ln(sigma T) / d(1/T)
    paper = out["fits"]["conductivity_paper_convention"]["activation_energy_ev"]["value"]
    assert ENERGY - paper == pytest.approx(BOLTZMANN_EV_PER_K * 555, rel=0.05)
    json.dumps(out, allow_nan=False)


def test_interval_of_the_slope_is_little_wider_than_the_textbook_one():
    found = arrhenius.fit([result(t, error=0.1) for t in TEMPERATURES])["fits"]["conductivity"]
    x = 1 / (BOLTZMANN_EV_PER_K * np.array(TEMPERATURES))
    expected = 1.959964 * 0.1 / np.sqrt(np.sum((x - x.mean()) ** 2))
    energy = found["activation_energy_ev"]
    assert expected < energy["high"] - energy["value"] < 1.1 * expected
    assert expected < energy["value"] - energy["low"] < 1.1 * expected


def test_uncertain_points_weigh_less():
    results = [result(t) for t in TEMPERATURES[1:]] + [result(450.0, error=5.0, noise=3.0)]
    energy = arrhenius.fit(results)["fits"]["conductivity"]["activation_energy_ev"]["value"]
    assert energy == pytest.approx(ENERGY, abs=0.01)


def test_coverage():
    rng = np.random.default_rng(4)
    held = []
    for _ in range(80):
        fits = arrhenius.fit(
            [result(t, error=0.15, noise=0.15 * rng.standard_normal()) for t in TEMPERATURES]
        )["fits"]
        for quantity in ("conductivity", "d_self"):
            energy = fits[quantity]["activation_energy_ev"]
            held.append(energy["low"] <= ENERGY <= energy["high"])
    assert 0.9 <= np.mean(held) <= 0.99


def test_gated_temperatures_are_left_out_with_the_reason():
    results = [result(t) for t in TEMPERATURES[1:]] + [result(450.0, code="too_short")]
    out = arrhenius.fit(results)
    assert out["left_out"] == [{"temperature_k": 450.0, "code": "too_short", "reason": "said why"}]
    assert out["temperatures_k"] == list(TEMPERATURES[1:]) and out["verdict"]["code"] == "ok"


def test_fewer_than_three_temperatures_give_a_verdict():
    out = arrhenius.fit([result(450.0), result(500.0), result(500.0), result(550.0, code="host_molten")])
    assert out["verdict"]["code"] == "too_few_temperatures" and out["fits"] == {}
    assert "2 usable" in out["verdict"]["message"]


def test_a_cold_temperature_that_passes_where_a_hotter_one_does_not_is_too_cold():
    out = arrhenius.fit([result(t, code="not_diffusive" if t == 500.0 else "ok") for t in TEMPERATURES])
    assert out["temperatures_k"] == [550.0, 600.0, 650.0, 700.0]
    assert {row["temperature_k"]: row["code"] for row in out["left_out"]} == {
        450.0: "too_cold",
        500.0: "not_diffusive",
    }
    # a molten host says nothing of the colder ones
    molten = arrhenius.fit([result(t, code="host_molten" if t == 500.0 else "ok") for t in TEMPERATURES])
    assert 450.0 in molten["temperatures_k"]


def moved(one, limits, *, length_ps=200.0, interval=0.2, replicas=1):
    """The result with an MSD_self, and a D_self where it is ok, of `limits` times the least 6 D t (4.3 hops of 3 Å squared)."""
    reach = limits * 30 / 7 * 9
    lags = np.linspace(0, length_ps / 2, 101)
    # in the middle of its interval
    d = reach / (6 * length_ps) * 1e-4
    estimate = {"value": d, "low": d * np.exp(-interval), "high": d * np.exp(interval)}
    return one | {
        "length_ps": length_ps * replicas,
        "replicas": replicas,
        "msd": {"lags_ps": lags.tolist(), "self_a2": (1.0 + reach * lags / length_ps).tolist()},
        "d_self_cm2_per_s": estimate if one["verdict"]["code"] == "ok" else None,
    }


def too_cold(*, refused, motion):
    """Temperatures that are too cold where those of `refused` are, at motions in limits by temperature."""
    results = [
        moved(result(t, code="not_diffusive" if t in refused else "ok"), motion[i], replicas=3)
        for i, t in enumerate(TEMPERATURES)
    ]
    rows = arrhenius.fit(results)["left_out"]
    return {row["temperature_k"]: row["reason"] for row in rows if row["code"] == "too_cold"}


def test_a_chance_refusal_of_ions_that_moved_far_takes_no_colder_temperature_with_it():
    """550 K moved on by 5 limits and was refused for the shape of its MSD; 500 K surely moved by one, 450 K not."""
    motion = [1.1, 2.5, 5.0, 10.0, 20.0, 40.0]
    found = too_cold(refused=[550.0], motion=motion)
    assert set(found) == {450.0}
    assert "at 550 K, which is hotter, ions moved far but not as diffusion does" in found[450.0]
    assert "by 0.9 of the motion that is needed" in found[450.0] and "lucky" not in found[450.0]
    assert not too_cold(refused=[550.0], motion=[1.3, *motion[1:]])


def test_two_refusals_or_one_of_too_little_motion_leave_all_colder_ones_out():
    motion = [2.5, 2.5, 5.0, 10.0, 20.0, 40.0]
    found = too_cold(refused=[550.0, 600.0], motion=motion)
    assert set(found) == {450.0, 500.0} and "at 550 K and 600 K, which are hotter" in found[450.0]
    found = too_cold(refused=[550.0], motion=[2.5, 2.5, 1.9, 10.0, 20.0, 40.0])
    assert set(found) == {450.0, 500.0} and "this run was lucky" in found[500.0]
    # results without their MSD tell nothing
    bare = [moved(result(t), 3.0) if t != 550.0 else result(t, code="too_short") for t in TEMPERATURES]
    assert {row["code"] for row in arrhenius.fit(bare)["left_out"]} == {"too_cold", "too_short"}


def test_motion_is_told_from_what_an_analysis_writes():
    """A hopping conductor with D known: 6 D t of a run over the limit, of two runs and of a hop of another length."""
    from synthetic import MODELS

    runs, truth = zip(*(MODELS["strings"](np.random.default_rng(n)) for n in (1, 2)), strict=True)
    for hop_a in (3.0, 2.0):
        found = analyse(runs, charge=1.0, hop_length_angstrom=hop_a).to_dict()
        expected = 6 * truth[0].d_self * runs[0].length_ps / (30 / 7 * hop_a**2)
        assert selection._moved_in_limits(found) == pytest.approx(expected, rel=0.15)
        assert 0.7 * expected < selection._surely_moved_in_limits(found) < expected


def test_a_temperature_at_which_only_some_runs_pass_is_too_cold():
    """Runs that pass by luck would make the cold end too fast, and E_a too low."""
    lucky = [result(450.0, noise=1.0), result(450.0, code="not_diffusive"), result(450.0, code="too_short")]
    out = arrhenius.fit([*lucky, *(result(t) for t in TEMPERATURES[1:])])
    assert out["fits"]["conductivity"]["activation_energy_ev"]["value"] == pytest.approx(ENERGY, abs=0.002)
    assert "only 1 of 3 runs" in next(row["reason"] for row in out["left_out"] if row["code"] == "too_cold")


def bounded(temperature, high):
    """A result whose conductivity may be zero."""
    out = result(temperature)
    estimate = {"value": 0.0, "low": 0.0, "high": high, "bound": True}
    zero = {"conductivity_ms_per_cm": estimate, "d_total_cm2_per_s": {**estimate, "high": 1e-9 * high}}
    return out | zero | {"verdict": {"code": "upper_bound", "message": "may be zero"}}


def test_upper_bounds_are_in_the_fit_as_bounds():
    plain = [result(t, error=0.3) for t in TEMPERATURES]
    sigma = PREFACTOR * np.exp(-ENERGY / (BOLTZMANN_EV_PER_K * 350)) / 350
    free = arrhenius.fit(plain)["fits"]["conductivity"]["activation_energy_ev"]
    out = arrhenius.fit([*plain, bounded(350.0, 0.02 * sigma)])
    assert out["bounds"] == [{"temperature_k": 350.0, "high": pytest.approx(0.02 * sigma)}]
    assert 350.0 not in out["temperatures_k"] and not out["left_out"]
    held = out["fits"]["conductivity"]["activation_energy_ev"]
    assert held["value"] > free["value"] + 0.02
    # D_self of the same temperature is a value
    assert 350.0 in [p["temperature_k"] for p in out["fits"]["d_self"]["points"]]
    loose = arrhenius.fit([*plain, bounded(350.0, 100 * sigma)])["fits"]["conductivity"][
        "activation_energy_ev"
    ]
    assert loose["value"] == pytest.approx(free["value"], abs=0.002)
    json.dumps(out, allow_nan=False)


def test_bounds_alone_are_no_line():
    out = arrhenius.fit([bounded(t, 1.0) for t in TEMPERATURES])
    assert (
        out["verdict"]["code"] == "too_few_temperatures"
        and "6 with an upper bound" in out["verdict"]["message"]
    )


def test_what_is_not_known_is_not_shown_as_a_value():
    shown = {
        error: arrhenius.fit([result(t, error=error) for t in TEMPERATURES])["fits"]["conductivity"][
            "predictions"
        ][0]
        for error in (0.02, 0.15, 1.0)
    }
    assert [p["shown"] for p in shown.values()] == ["value", "magnitude", "withheld"]
    assert shown[1.0]["value_ms_per_cm"] is None
    # the statement is that of a run with errors so much smaller
    times = shown[0.15]["times_longer"]
    again = arrhenius.fit([result(t, error=0.15 / times**0.5) for t in TEMPERATURES])["fits"]["conductivity"]
    assert again["predictions"][0]["shown"] == "value"


def test_verdicts_of_the_line():
    rough = arrhenius.fit([result(t, error=0.6) for t in TEMPERATURES])
    assert rough["verdict"]["code"] == "shows_the_way" and "not the value" in rough["verdict"]["message"]
    # how much longer is said by what knows the run, once
    assert "times as long" not in rough["verdict"]["message"]
    reach = rough["fits"]["conductivity"]["activation_energy_ev"]
    reach = (reach["high"] - reach["low"]) / 2
    assert rough["fits"]["conductivity"]["to_reach"]["times_longer"] == pytest.approx((reach / 0.03) ** 2)
    kink = 1 / (BOLTZMANN_EV_PER_K * 550)
    bent = [
        result(t, error=0.05, noise=-0.2 * max(1 / (BOLTZMANN_EV_PER_K * t) - kink, 0.0))
        for t in TEMPERATURES
    ]
    out = arrhenius.fit(bent)
    assert out["verdict"]["code"] == "not_arrhenius" and "kink" in out["verdict"]["message"]
    assert arrhenius.fit([result(t) for t in TEMPERATURES])["verdict"]["code"] == "ok"


def test_curve_is_that_of_the_predictions():
    out = arrhenius.fit([result(t) for t in TEMPERATURES], predict_k=[520.0])
    curve = out["fits"]["conductivity"]["curve"]
    asked = out["fits"]["conductivity"]["predictions"][0]["value_ms_per_cm"]
    for key in ("value", "low", "high"):
        x = 1 / np.array(curve["temperature_k"])
        assert np.exp(np.interp(1 / 520.0, x, np.log(curve[key]))) == pytest.approx(asked[key], rel=0.02)


def test_two_cells_are_compared():
    small = [result(t, noise=0.0) | {"n_ions": 48} for t in TEMPERATURES]
    large = [result(t, noise=0.2) | {"n_ions": 384} for t in TEMPERATURES]
    found = arrhenius.fit([*small, *large])["cells"]
    assert found["n_ions"] == [48, 384]
    ratio = found["conductivity_ratio"]
    assert ratio["value"] == pytest.approx(np.exp(0.2))
    assert np.log(ratio["high"] / ratio["low"]) / 2 == pytest.approx(1.96 * 0.1 * np.sqrt(2 / 6), rel=1e-3)
    assert ratio["differs"] and ratio["temperatures_k"] == list(TEMPERATURES)
    assert arrhenius.fit(small)["cells"] is None


def test_bad_input():
    with pytest.raises(DlmdError, match=r"no transport result(.|\n)*result 2 of 2"):
        arrhenius.fit([result(450.0), {"a": 1}])
    with pytest.raises(DlmdError, match="different mobile"):
        arrhenius.fit([result(450.0), result(500.0, mobile="Na")])
    with pytest.raises(DlmdError, match="-3"):
        arrhenius.fit([result(t) for t in TEMPERATURES], predict_k=[-3.0])
