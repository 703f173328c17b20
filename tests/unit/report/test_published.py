"""The table against published values: deviations in error bars with known answers."""

import csv

import numpy as np
import pytest

from dlmd.base.files import write_json
from dlmd.report import answer, published, tables
from dlmd.run.results import RunResults

OK = {"code": "ok"}
PUBLISHED = {
    "conductivity_ms_per_cm": {"temperature_k": 298.15, "values": {"experiment": 1.0}},
    "activation_energy_ev": {"experiment": 0.34},
    "haven_ratio": {"paper": 0.5},
    "lattice": [
        {"label": "experiment", "occupancy": "0.750", "a": 6.4, "beta": 110.0},
        {"label": "another occupancy", "occupancy": "0.875", "a": 6.3},
    ],
    "neb_barriers_ev": {"[110]": 0.3, "[100]": 1.14},
    "potential_errors": {"force_rmse_mev_per_a": 8.0},
    "rdf_first_peak_a": {"Ti-Cl": 2.5, "other pairs": 3.5},
}


@pytest.fixture
def run(tmp_path):
    for folder in ("transport/u4", "labels", "validation/u4", "barriers/u4"):
        (tmp_path / folder).mkdir(parents=True)
    predictions = [
        {
            "temperature_k": 298.15,
            "value_ms_per_cm": {"value": 10.0, "low": 1.0, "high": 100.0},
            "extrapolated": True,
            "beyond_range_k": 100.0,
        }
    ]
    energy = {"value": 0.30, "low": 0.28, "high": 0.32}
    fit = {"conductivity": {"activation_energy_ev": energy, "predictions": predictions}}
    write_json(tmp_path / "transport/u4/arrhenius.json", {"fits": fit})
    (tmp_path / "labels/lattice.csv").write_text(
        "occupancy,source,a,b,c,beta\n0.750,u4,6.40,11,6.4,110.5\n0.750,u4,6.528,11,6.4,110.5\n0.750,u0,9,9,9,90\n"
    )
    write_json(tmp_path / "validation/u4/errors.json", {"force_rmse_mev_per_a": 16.0})
    write_json(tmp_path / "validation/u4/rdf.json", {"first_peak_a": {"potential": {"Cl-Ti": 2.4}}})
    spread = {"low": 0.25, "median": 0.4, "high": 0.5}
    hop = {"label": "[110]", "method": "potential", "counted": 3, "barrier_forward_ev": spread}
    write_json(tmp_path / "barriers/u4/barriers.json", {"hops": [hop]})
    return tmp_path


def rows(run, temperatures=()):
    level = RunResults(run).level("u4")
    found = published.rows(level, PUBLISHED, temperatures=temperatures, confidence=0.95)
    return {row["quantity"]: row for row in found}


def test_conductivity_deviates_in_its_logarithm(run):
    row = rows(run)["σ at 298.15 K (mS/cm), extrapolated by 100 K"]
    # one decade is the reach of the interval, which is 1.96 standard errors
    assert row["in error bars"] == "+2.0"
    assert row["deviation"] == "× 10"
    assert row["in words"] == "within the interval"


def test_activation_energy_deviates_in_its_value(run):
    row = rows(run)["E_a of ln(σT) (eV)"]
    assert (row["deviation"], row["in error bars"]) == ("-0.040", "-3.9")
    assert row["in words"] == "outside the interval"


def test_the_side_towards_the_published_value_counts():
    skew = {"value": 1.0, "low": 0.5, "high": 3.0}
    above = published.deviation(skew, 2.0, confidence=0.95, logarithmic=False)
    below = published.deviation(skew, 0.0, confidence=0.95, logarithmic=False)
    assert above == pytest.approx(-0.5 * 1.96, abs=1e-3)
    assert below == pytest.approx(2.0 * 1.96, abs=1e-3)


def test_no_logarithm_of_zero():
    estimate = {"value": 1.0, "low": 0.0, "high": 3.0}
    assert published.deviation(estimate, 0.5, confidence=0.95, logarithmic=True) is None


def test_the_coldest_conductivity_is_held_against_the_published_line(run):
    """1 mS/cm at 298.15 K and 0.34 eV are 298.15 / 500 exp(0.34 / k_B (1 / 298.15 - 1 / 500)) at 500 K."""
    estimate = {"value": 300.0, "low": 100.0, "high": 450.0}
    temperatures = [
        {"temperature_k": t, "verdict": verdict, "conductivity_ms_per_cm": estimate}
        for t, verdict in ((400, {"code": "too_short"}), (600, OK), (500, OK))
    ]
    row = rows(run, temperatures)["σ at 500 K (mS/cm)"]
    line = 298.15 / 500 * np.exp(0.34 / 8.617333262e-5 * (1 / 298.15 - 1 / 500))
    assert float(row["published"]) == pytest.approx(line, rel=5e-3)
    assert row["source"] == "experiment, along its 0.34 eV"
    assert (
        row["deviation"] == f"× {300 / float(row['published']):.3g}"
        and row["in words"] == "within the interval"
    )


def test_temperatures_have_the_published_lines_beside_them_where_there_are_any():
    result = {
        "temperature_k": 500.0,
        "verdict": {"code": "too_short"},
        "length_ps": 10.0,
        "onset_ps": None,
        "paper_reading": None,
    }
    line = 298.15 / 500 * np.exp(0.34 / 8.617333262e-5 * (1 / 298.15 - 1 / 500))
    assert tables.temperature(result, PUBLISHED)["published lines"] == f"experiment {float(f'{line:.3g}'):g}"
    assert "published lines" not in tables.temperature(result)
    assert "published lines" not in tables.temperature(result, PUBLISHED | {"activation_energy_ev": {}})


def test_a_line_says_its_own_points_and_bounds():
    points = [{"temperature_k": t} for t in (750, 800, 850)]
    assert answer.points_of({"points": points, "bounds": []}) == "3 temperatures"
    bounds = [{"temperature_k": 700.0, "high": 7.0}]
    assert answer.points_of({"points": points, "bounds": bounds}) == "3 temperatures and a bound at 700 K"


def test_haven_ratio_names_its_temperature_and_skips_verdicts(run):
    gated = {"temperature_k": 400, "verdict": {"code": "not_diffusive"}, "haven_ratio": None}
    usable = {"temperature_k": 500, "verdict": OK, "haven_ratio": {"value": 0.5, "low": 0.4, "high": 0.6}}
    assert rows(run, [gated, usable])["Haven ratio, here at 500 K"]["in error bars"] == "+0.0"
    assert not [name for name in rows(run, [gated]) if name.startswith("Haven")]


def test_lattice_is_the_mean_of_the_level_and_has_no_error_bar(run):
    row = rows(run)["a (Å), occupancy 0.750"]
    assert (row["this run"], row["deviation"], row["in error bars"]) == ("6.464", "+1.0 %", "–")
    assert rows(run)["β (°), occupancy 0.750"]["deviation"] == "+0.50°"
    assert not [name for name in rows(run) if "0.875" in name]


def test_barriers_errors_and_peaks(run):
    found = rows(run)
    assert found["barrier [110] (eV)"]["in words"] == "within the environments' range"
    assert "barrier [100] (eV)" not in found
    assert found["force RMSE, held out (meV/Å)"]["deviation"] == "× 2"
    assert found["first peak of g(r), Ti-Cl (Å)"]["deviation"] == "-0.10 Å"


def test_without_published_values_there_are_no_rows(run):
    level = RunResults(run).level("u4")
    assert published.rows(level, {}, temperatures=[], confidence=0.95) == []


def test_table_of_all_levels(run, tmp_path):
    path = tmp_path / "comparison.csv"
    published.write(path, {"u4": list(rows(run).values())})
    with path.open(encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert {row["level"] for row in read} == {"u4"}
    assert len(read) == len(rows(run))
