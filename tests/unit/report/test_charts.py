"""Charts of the report: the numbers of the files, published values where they belong, nothing where there is nothing."""

import json

import numpy as np
import pytest

from dlmd.config.published import PublishedPoint
from dlmd.report import charts
from dlmd.transport.arrhenius import fit


def result(t, sigma, code="ok"):
    lags = np.linspace(0, 10, 501)
    estimate = {"value": sigma, "low": sigma / 1.2, "high": sigma * 1.2}
    values = {} if code != "ok" else {"conductivity_ms_per_cm": estimate}
    for key in ("d_self_cm2_per_s", "d_total_cm2_per_s"):
        if code == "ok":
            values[key] = {"value": 1e-6 * sigma, "low": 1e-6 * sigma / 1.2, "high": 1.2e-6 * sigma}
    verdict = {"code": code, "message": "", "gates": []}
    return {
        "temperature_k": float(t),
        "verdict": verdict,
        "mobile": "Li",
        "confidence": 0.95,
        "msd": {"lags_ps": lags.tolist(), "self_a2": (6 * lags).tolist(), "total_a2": (-lags).tolist()},
        **values,
    }


@pytest.fixture
def temperatures():
    return [result(t, 1e5 * np.exp(-3000 / t)) for t in (500, 600, 700)] + [
        result(800, 0, code="host_molten")
    ]


def named(figure):
    return {trace["name"]: trace for trace in figure["data"]}


def test_arrhenius_has_the_points_with_their_intervals_and_the_published_value(temperatures):
    fitted = fit(temperatures, predict_k=[300.0], confidence=0.95)
    figure = charts.arrhenius(temperatures, fitted, {"experiment": PublishedPoint(298.15, 1.04, 0.32)})
    traces = named(figure)
    run = traces["this run"]
    assert run["x"] == pytest.approx([2.0, 1000 / 600, 1000 / 700], rel=1e-3)
    assert run["y"][0] == pytest.approx(500 * 1e5 * np.exp(-6), rel=1e-3)
    assert run["error_y"]["array"][0] == pytest.approx(0.2 * run["y"][0], rel=1e-3)
    assert traces["experiment"]["y"] == pytest.approx([1.04 * 298.15], rel=1e-3)
    ends = traces["line of experiment"]
    assert ends["x"] == pytest.approx([1000 / 298.15, 1000 / 800], rel=1e-3)
    warmer = 1.04 * 298.15 * np.exp(-0.32 / 8.617333262e-5 * (1 / 800 - 1 / 298.15))
    assert ends["y"] == pytest.approx([1.04 * 298.15, warmer], rel=1e-3)
    # the axis ends near the least and the greatest that is drawn, whatever the band does
    low, high = figure["layout"]["yaxis"]["range"]
    assert low == pytest.approx(np.log10(1.04 * 298.15) - 0.5, abs=0.3) and high > np.log10(warmer)
    json.dumps(figure, allow_nan=False)


def test_the_line_goes_to_where_a_value_is_given_and_not_to_where_it_is_withheld(temperatures):
    fitted = fit(temperatures, predict_k=[300.0], confidence=0.95)
    (prediction,) = fitted["fits"]["conductivity"]["predictions"]
    found = {}
    for shown in ("value", "withheld"):
        prediction["shown"] = shown
        found[shown] = named(charts.arrhenius(temperatures, fitted, {}))
    line = found["value"]["extrapolation"]
    assert max(line["x"]) == pytest.approx(1000 / 300, rel=1e-3) and line["line"]["dash"] == "dash"
    assert "extrapolation" not in found["withheld"]
    # the band says how little is known there
    band = "95% interval of the fit"
    assert max(found["withheld"][band]["x"]) == pytest.approx(max(found["value"][band]["x"]))


def test_upper_bounds_and_what_is_left_out_are_drawn(temperatures):
    fitted = fit(temperatures, predict_k=[300.0], confidence=0.95)
    fitted["bounds"] = [{"temperature_k": 450.0, "high": 20.0}]
    fitted["left_out"] = [{"temperature_k": 500.0, "code": "too_cold", "reason": ""}]
    traces = named(charts.arrhenius(temperatures, fitted, {}))
    bound = traces["upper bound"]
    assert bound["x"] == pytest.approx([1000 / 450], rel=1e-3) and bound["y"] == pytest.approx([9000])
    assert traces["left out of the fit: too cold"]["x"] == pytest.approx([2.0])
    assert len(traces["this run"]["x"]) == 2


def test_no_arrhenius_chart_without_a_usable_temperature(temperatures):
    assert charts.arrhenius(temperatures[-1:], {"fits": {}, "confidence": 0.95}, {}) is None


def test_msd_shows_both_kinds_and_names_verdicts(temperatures):
    traces = named(charts.msd(temperatures))
    curve = traces["500 K, self"]
    assert curve["y"] == pytest.approx(6 * np.array(curve["x"]), rel=1e-3)
    # half of the lags, as in the static figure; a negative MSD_total has no logarithm
    assert max(curve["x"]) < 5.0
    assert traces["500 K, total"]["x"] == []
    assert "800 K (host molten), self" in traces


def test_parity_is_thinned_without_favour(tmp_path):
    rng = np.random.default_rng(1)
    reference = rng.normal(size=(6000, 3))
    np.savez(
        tmp_path / "parity.npz",
        force_reference=reference,
        force_predicted=reference + 0.1,
        force_element=np.array(["Li", "Cl"] * 3000),
    )
    traces = named(charts.parity(tmp_path / "parity.npz"))
    shown = [len(traces[element]["x"]) for element in ("Li", "Cl")]
    assert sum(shown) == 3 * charts.PARITY_POINTS
    assert min(shown) > 0.4 * sum(shown)
    assert np.allclose(np.array(traces["Li"]["y"]) - traces["Li"]["x"], 0.1, atol=2e-3)


def test_learning_curve_and_rdf_read_their_tables(tmp_path):
    (tmp_path / "lcurve.csv").write_text("step,force_rmse_train_ev_per_a\n0,0.4\n100,0.1\n")
    assert named(charts.learning_curve(tmp_path / "lcurve.csv"))["forces, training (eV/Å)"]["y"] == [
        0.4,
        0.1,
    ]
    (tmp_path / "rdf.csv").write_text("r_a,Li-Li potential,Li-Li engine\n1,0,0\n2,1.5,1.25\n")
    traces = named(charts.rdf(tmp_path / "rdf.csv"))
    assert traces["Li-Li engine"]["y"] == [0.0, 1.25]
    assert traces["Li-Li engine"]["line"]["dash"] != traces["Li-Li potential"]["line"]["dash"]


def test_rates_leave_out_classes_without_numbers():
    points = [{"temperature_k": 500.0, "value": 0.01, "low": 0.005, "high": 0.02}]
    rates = {"all hops": {"points": points, "fit": {}}, "rare": {"points": [], "fit": {}}}
    (trace,) = charts.rates({"rates": rates})["data"]
    assert (trace["x"], trace["y"], trace["error_y"]["array"]) == ([2.0], [10.0], [10.0])
    assert charts.rates({"rates": {"rare": rates["rare"]}}) is None


def test_only_converged_bands_are_drawn():
    along = {"distance_angstrom": [0.0, 1.0], "energy_ev": [0.0, 0.3]}
    band = {"label": "[101]", "number": 0, "method": "potential", "images": along, "curve": along}
    bands = [band | {"status": "converged"}, band | {"number": 1, "status": "unconverged"}]
    names = {t["name"] for t in charts.barriers(bands)["data"]}
    assert names == {"[101], environment 0"}
    assert charts.barriers(bands[1:]) is None
