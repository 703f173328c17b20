"""Numbers with their intervals, as text."""

from dlmd.base.formatting import interval

SPREAD = {"value": 0.12345, "median": 0.2, "low": 0.1, "high": 0.3}


def test_interval():
    assert interval(SPREAD) == "0.123 (0.1 to 0.3)"
    assert interval(SPREAD, ".2f", unit="eV") == "0.12 eV (0.10 to 0.30)"
    assert interval(SPREAD, ".0f", scale=100, unit="%") == "12 % (10 to 30)"
    assert interval(SPREAD, ".1f", middle="median") == "0.2 (0.1 to 0.3)"


def test_upper_bound():
    assert (
        interval({"value": 0.0, "low": 0.0, "high": 0.25, "bound": True}, ".2f", unit="mS/cm")
        == "below 0.25 mS/cm"
    )
