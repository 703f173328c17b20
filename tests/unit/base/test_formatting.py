"""Numbers with their intervals, as text."""

import pytest

from dlmd.base.formatting import how_known, interval, number, predicted, spread

SPREAD = {"value": 0.12345, "median": 0.2, "low": 0.1, "high": 0.3}


def test_interval():
    assert interval(SPREAD) == "0.12 (0.10 to 0.30)"
    assert interval(SPREAD, ".2f", unit="eV") == "0.12 eV (0.10 to 0.30)"
    assert interval(SPREAD, ".0f", scale=100, unit="%") == "12 % (10 to 30)"
    # each of several barriers is known to the last digit, whatever lies between them
    assert spread(SPREAD, ".3f") == "0.200 (0.100 to 0.300)"


@pytest.mark.parametrize(
    ("value", "low", "high", "form", "shown"),
    [
        # across zero all have two digits of the half-width, or of the distance of an end that is much nearer
        (0.474, -0.0187, 1.16, ".3f", "0.47 (-0.02 to 1.16)"),
        (0.474, -0.0187, 1.16, ".3g", "0.47 (-0.02 to 1.16)"),
        (0.05, -0.004, 5.0, ".3g", "0.050 (-0.004 to 5.0)"),
        # on one side of it numbers below the half-width one of their own
        (428, 216, 850, ".3g", "430 (220 to 850)"),
        (145.3, 42.4, 8660, ".3g", "150 (40 to 8,700)"),
        (104, 0.67, 961, ".3g", "100 (0.7 to 960)"),
        (0.2711, 0.0931, 0.4492, ".3f", "0.27 (0.09 to 0.45)"),
        (-104, -961, -0.67, ".3g", "-100 (-960 to -0.7)"),
        (2.07e-5, 1.1e-5, 5.57e-5, ".3g", "2.1e-05 (1.1e-05 to 5.6e-05)"),
        # never more than the format has
        (0.3524, 0.3521, 0.3527, ".3f", "0.352 (0.352 to 0.353)"),
        (0.3524, 0.3521, 0.3527, ".3g", "0.352 (0.352 to 0.353)"),
        (2.55e-5, 2.18e-5, 2.96e-5, ".3g", "2.55e-05 (2.18e-05 to 2.96e-05)"),
        (0.15, -0.05, 0.35, "+.2f", "+0.15 (-0.05 to +0.35)"),
        # digits are kept where they are zeros, and no zero has a sign
        (99.6, 90.2, 110.3, ".3g", "100 (90 to 110)"),
        (9.996, 9.0, 11.0, ".3g", "10.0 (9.0 to 11.0)"),
        (0.0996, 0.09, 0.11, ".3g", "0.100 (0.090 to 0.110)"),
        (0.02, -0.001, 0.03, ".0%", "2% (0% to 3%)"),
        (5, -1e-18, 11, ".1f", "5.0 (0.0 to 11.0)"),
        # what has no width, or no end
        (5.0, 5.0, 5.0, ".3g", "5 (5 to 5)"),
        (5.0, 1.0, float("inf"), ".3g", "5 (1 to inf)"),
    ],
)
def test_an_interval_shows_the_digits_that_it_knows(value, low, high, form, shown):
    assert interval({"value": value, "low": low, "high": high}, form) == shown


def test_thousands_are_written_out():
    assert [number(v) for v in (1.2e-5, 999.4, 1139.0, 13_200.0, -2465.0)] == [
        "1.2e-05",
        "999",
        "1,140",
        "13,200",
        "-2,460",
    ]
    assert number(3.4e7) == "3.4e+07" and number(1139.0, ".2f") == "1139.00"
    assert interval({"value": 675.0, "low": 401.0, "high": 1139.0}) == "680 (400 to 1,140)"


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
    assert predicted(known) == "100 (0.7 to 960)" and how_known(known) == "extrapolated by 152 K"
    rough = known | {"shown": "magnitude", "factor_either_way": 149.3, "times_longer": 32.0}
    assert predicted(rough) == "about 100 (0.7 to 1000)"
    assert how_known(rough).endswith("known to a factor of 150; runs 32 times as long would give it")
    assert how_known(rough, remedy=False) == "extrapolated by 152 K, known to a factor of 150"
    none = known | {
        "shown": "withheld",
        "value_ms_per_cm": None,
        "factor_either_way": 1e9,
        "times_longer": None,
    }
    assert predicted(none) == "withheld" and how_known(none).endswith("run a temperature nearer to 298.15 K")
