"""The learning curve survives restarts."""

import pytest

from dlmd.base.errors import DlmdError
from dlmd.training.curve import parse_lcurve

LCURVE = """\
#  step      rmse_val    rmse_trn    rmse_e_val  rmse_e_trn    rmse_f_val  rmse_f_trn         lr
# If there is no available reference data, rmse_*_{val,trn} will print nan
      0      2.0e+00    1.0e+00      2.0e-01    1.0e-01      4.0e-01    3.0e-01    1.0e-03
    100      2.0e+00    1.0e+00      2.1e-01    1.1e-01      4.1e-01    3.1e-01    1.0e-03
    200      2.0e+00    1.0e+00      9.9e-01    9.9e-01      9.9e-01    9.9e-01    1.0e-03
    300      2.0e+00    1.0
#  step      rmse_val    rmse_trn    rmse_e_val  rmse_e_trn    rmse_f_val  rmse_f_trn         lr
    200      2.0e+00    1.0e+00      2.2e-01    1.2e-01      4.2e-01    3.2e-01    5.0e-04
    300      2.0e+00    1.0e+00      2.3e-01    1.3e-01      4.3e-01    3.3e-01    5.0e-04
"""


def test_curve_joins_restarts_without_repeats(tmp_path):
    rows = parse_lcurve(LCURVE)
    assert [row["step"] for row in rows] == [0, 100, 200, 300]
    # the killed run's step 200 and its half line do not count
    assert rows[2]["energy_rmse_valid_ev_per_atom"] == 0.22
    assert rows[3]["force_rmse_train_ev_per_a"] == 0.33


def test_curve_without_validation_and_without_rows():
    text = "#  step      rmse_trn    rmse_e_trn   rmse_f_trn         lr\n      0      2.0e+00   2.0e-01   4.0e-01    1.0e-03\n"
    assert parse_lcurve(text)[0] == {
        "step": 0,
        "energy_rmse_train_ev_per_atom": 0.2,
        "force_rmse_train_ev_per_a": 0.4,
        "learning_rate": 1e-3,
    }
    with pytest.raises(DlmdError, match="learning curve is empty"):
        parse_lcurve("#  step rmse lr\n")
