"""Two kinds of carriers with a correlation that is known exactly."""

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.base.units import conductivity_ms_per_cm
from dlmd.transport.onsager import onsager

INTERVAL_PS, VOLUME_A3, TEMPERATURE_K = 0.1, 1000.0, 600.0
CHARGES = {"Li": 1.0, "Cu": 0.8}


def currents(seed, *, frames=20000, correlation=0.6, spread=(1.0, 0.5), rattle=0.3):
    """Sums of positions of two kinds: Gaussian steps with a known covariance per axis, and a rattling that does not grow."""
    rng = np.random.default_rng(seed)
    a, b = spread
    covariance = np.array([[a * a, correlation * a * b], [correlation * a * b, b * b]])
    steps = rng.multivariate_normal([0, 0], covariance, size=(frames, 3))
    walk = steps.cumsum(axis=0) + rng.normal(0, rattle, (frames, 3, 2))
    return {"Li": [walk[:, :, 0]], "Cu": [walk[:, :, 1]]}, covariance


def truth(covariance):
    """(2, 2) mS/cm: <dR_a dR_b> per axis grows by the covariance in each step."""
    z = np.array(list(CHARGES.values()))
    unit = conductivity_ms_per_cm(
        diffusion_a2_per_ps=1.0,
        n_ions=1,
        charge_e=1.0,
        volume_angstrom3=VOLUME_A3,
        temperature_k=TEMPERATURE_K,
    )
    return np.outer(z, z) * covariance / (2 * INTERVAL_PS) * unit


def found(collective, **options):
    given = {"window_ps": (1.0, 3.0), "volume_a3": VOLUME_A3, "temperature_k": TEMPERATURE_K, **options}
    return onsager(collective, charges=CHARGES, frame_interval_ps=INTERVAL_PS, **given)


@pytest.mark.parametrize("correlation", [-0.7, 0.0, 0.6])
def test_intervals_hold_the_exact_matrix(correlation):
    inside = {name: [] for name in ("Li-Li", "Li-Cu", "Cu-Cu", "sum", "t", "r")}
    for seed in range(40):
        collective, covariance = currents(seed, frames=6000, correlation=correlation)
        sigma, result = truth(covariance), found(collective)
        checks = {
            "Li-Li": (result["matrix_ms_per_cm"]["Li-Li"], sigma[0, 0]),
            "Li-Cu": (result["matrix_ms_per_cm"]["Li-Cu"], sigma[0, 1]),
            "Cu-Cu": (result["matrix_ms_per_cm"]["Cu-Cu"], sigma[1, 1]),
            "sum": (result["conductivity_ms_per_cm"], sigma.sum()),
            "t": (result["transference"]["Li"], sigma[0].sum() / sigma.sum()),
            "r": (result["correlation"]["Li-Cu"], correlation),
        }
        for name, (estimate, exact) in checks.items():
            inside[name].append(estimate["low"] < exact < estimate["high"])
    assert all(np.mean(values) >= 0.85 for values in inside.values()), {
        k: np.mean(v) for k, v in inside.items()
    }


def test_transference_numbers_sum_to_one_and_may_exceed_it():
    result = found(currents(1, correlation=-0.9)[0])
    numbers = result["transference"]
    assert numbers["Li"]["value"] + numbers["Cu"]["value"] == pytest.approx(1.0)
    assert numbers["Li"]["low"] > 1.0 and numbers["Cu"]["high"] < 0.0


def test_currents_that_cancel_are_a_bound():
    collective, _ = currents(2)
    opposite = {
        "Li": collective["Li"],
        "Cu": [
            -x / CHARGES["Cu"] + np.random.default_rng(0).normal(0, 0.1, x.shape) for x in collective["Li"]
        ],
    }
    result = found(opposite)
    assert result["verdict"]["code"] == "upper_bound" and result["conductivity_ms_per_cm"]["bound"]
    assert result["transference"] == {"Li": None, "Cu": None}


def test_short_runs_and_missing_charges():
    collective, _ = currents(3, frames=200)
    assert found(collective)["verdict"]["code"] == "too_short"
    with pytest.raises(DlmdError, match="no charge of Na"):
        found({**collective, "Na": collective["Li"]})
    with pytest.raises(DlmdError, match="no window"):
        found(collective, window_ps=(1.0, 1.0))
