"""Numbers with their intervals, as text."""

from dlmd.base.formatting import how_known, interval, number, predicted

SPREAD = {"value": 0.12345, "median": 0.2, "low": 0.1, "high": 0.3}


def test_interval():
    assert interval(SPREAD) == "0.123 (0.1 to 0.3)"
    assert interval(SPREAD, ".2f", unit="eV") == "0.12 eV (0.10 to 0.30)"
    assert interval(SPREAD, ".0f", scale=100, unit="%") == "12 % (10 to 30)"
    assert interval(SPREAD, ".1f", middle="median") == "0.2 (0.1 to 0.3)"


def test_thousands_are_written_out():
    assert [number(v) for v in (1.2e-5, 999.4, 1139.0, 13_200.0, -2465.0)] == [
        "1.2e-05",
        "999",
        "1,140",
        "13,200",
        "-2,460",
    ]
    assert number(3.4e7) == "3.4e+07" and number(1139.0, ".2f") == "1139.00"
    assert interval({"value": 675.0, "low": 401.0, "high": 1139.0}) == "675 (401 to 1,140)"


def test_upper_bound():
    assert (
        interval({"value": 0.0, "low": 0.0, "high": 0.25, "bound": True}, ".2f", unit="mS/cm")
        == "below 0.25 mS/cm"
    )


def test_conductivities_elsewhere_are_shown_as_far_as_they_are_known():
    estimate = {"value": 104.0, "low": 0.67, "high": 961.0}
    known = {
        "temperature_k": 298.15,
        "value_ms_per_cm": estimate,
        "extrapolated": True,
        "beyond_range_k": 152.0,
    }
    assert predicted(known) == "104 (0.67 to 961)" and how_known(known) == "extrapolated by 152 K"
    rough = known | {"shown": "magnitude", "factor_either_way": 149.3, "times_longer": 32.0}
    assert predicted(rough) == "about 100 (0.7 to 1000)"
    assert how_known(rough).endswith("known to a factor of 150; runs 32 times as long would give it")
    none = known | {
        "shown": "withheld",
        "value_ms_per_cm": None,
        "factor_either_way": 1e9,
        "times_longer": None,
    }
    assert predicted(none) == "withheld" and how_known(none).endswith("run a temperature nearer to 298.15 K")
