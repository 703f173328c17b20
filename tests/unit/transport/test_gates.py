from types import SimpleNamespace

import numpy as np
import pytest

from dlmd.transport import gates, health, judgement
from dlmd.transport.gates import Limits

LIMITS = Limits()
TIME = np.linspace(0, 100, 201)


def displacements(positions):
    """Of (ions, 3, frames), a frame every ps."""
    return SimpleNamespace(stride=1, frame_interval_ps=1.0, thinned=positions)


def test_many_moves_carry_the_motion():
    """Of n equal moves (sum u²)² / sum u⁴ is n."""
    steps = np.zeros((20, 3, 100))
    steps[:11, 0, 5::10] = [1.0, *[0.0] * 9]
    few = displacements(steps.cumsum(axis=2))
    gate = judgement.many_moves([few], 10.0, LIMITS)
    assert (gate.code, gate.limit) == ("too_short", 12.0) and gate.value == pytest.approx(11.0)
    assert judgement.many_moves([few, few], 10.0, LIMITS) is None
    # ions that do not move are another verdict's
    assert judgement.many_moves([displacements(np.zeros((20, 3, 100)))], 10.0, LIMITS) is None


def test_hops():
    assert gates.hops(9.1, LIMITS) is None
    gate = gates.hops(8.9, LIMITS)
    assert (gate.code, gate.value, gate.limit) == ("not_diffusive", 8.9, 9.0)
    assert gates.hops(8.9, Limits(hop_length_angstrom=2.5)) is None


@pytest.mark.parametrize(
    ("power", "offset", "code"),
    [(1.0, 0.0, None), (1.0, 1.0, None), (0.5, 0.0, "cages"), (2.0, 0.0, "drift"), (0.0, 5.0, "cages")],
)
def test_linear(power, offset, code):
    lags = np.arange(400.0)
    gate = gates.linear(0.1 * lags**power + offset, LIMITS, first=5, last=15)
    if code is None:
        assert gate is None
    else:
        assert gate.code == "not_diffusive" and code in gate.message


def test_cage_offset_in_the_window_is_no_reason_to_refuse():
    lags = np.arange(400.0)
    curve = 0.05 * lags + 2.0
    assert np.log(curve[15] / curve[5]) / np.log(3) < 0.7
    assert gates.linear(curve, LIMITS, first=5, last=15) is None


def test_long_enough():
    assert gates.long_enough(80.0, 10.0, LIMITS) is None
    assert gates.long_enough(79.0, 10.0, LIMITS).code == "too_short"
    gate = gates.long_enough(79.0, None, LIMITS)
    assert gate.code == "too_short" and gate.value is None


def test_sum_at_rest():
    assert gates.sum_moves(0.01, 1.0) is None
    assert gates.sum_moves(1e-12, 1.0).code == "sum_at_rest"


def test_host():
    assert health.host_same({"Ti": 0.1, "Cl": 0.4}, LIMITS) is None
    gate = health.host_same({"Ti": 0.1, "Cl": 0.6}, LIMITS)
    assert gate.code == "host_transformed" and gate.value == 0.6 and gate.message.startswith("half of the Cl")
    # groups that turn
    assert health.host_same({"Ti": 0.1, "Cl": 1.4}, Limits(host_shift_angstrom=2.0)) is None
    assert health.host_solid({"Ti": 0.1, "Cl": 2.9}, LIMITS) is None
    gate = health.host_solid({"Ti": 0.1, "Cl": 3.1}, LIMITS)
    assert gate.code == "host_molten" and gate.message.startswith("Cl")
    assert health.host_still(9.0, LIMITS) is None
    assert health.host_still(11.0, LIMITS).code == "host_drifting"


def test_temperature():
    noise = 20 * np.random.default_rng(0).standard_normal(len(TIME))
    assert health.temperature_steady(TIME, 600 + noise, 600.0, LIMITS) is None
    assert health.temperature_steady(TIME, 600 + noise, None, LIMITS) is None
    off = health.temperature_steady(TIME, 640 + noise, 600.0, LIMITS)
    assert off.code == "temperature_drift" and off.value == pytest.approx(40, abs=5)
    drifting = health.temperature_steady(TIME, 570 + 0.6 * TIME + noise, 600.0, LIMITS)
    assert drifting.code == "temperature_drift" and drifting.value == pytest.approx(60, abs=15)


def test_energy():
    # k_B T at 600 K is 51.7 meV; a tenth of it may drift
    def drift(mev_per_atom):
        energy = -500 + 100 * mev_per_atom * 1e-3 * TIME / 100
        return health.energy_conserved(TIME, energy, 100, 600.0, LIMITS)

    assert drift(5.0) is None and drift(-5.0) is None
    gate = drift(-5.4)
    assert gate.code == "energy_drift" and gate.value == pytest.approx(-5.4)


def test_verdict_lists_all_and_names_the_first():
    assert gates.verdict([None, None])["code"] == "ok"
    verdict = gates.verdict([None, gates.hops(1.0, LIMITS), gates.long_enough(10.0, 5.0, LIMITS)])
    assert verdict["code"] == "not_diffusive"
    assert [gate["code"] for gate in verdict["gates"]] == ["not_diffusive", "too_short"]
    assert {"value", "limit", "message", "remedy"} <= set(verdict["gates"][0])


def test_moved_on():
    assert gates.moved_on(5.0, 100.0, 60.0, LIMITS) is None
    gate = gates.moved_on(None, 100.0, 20.0, LIMITS)
    assert gate.code == "too_short" and "20.0 Å²" in gate.message


def test_steadiness():
    assert (
        gates.one_coefficient((0.2, 0.1), LIMITS) is None
        and gates.one_coefficient((0.03, 1e-9), LIMITS) is None
    )
    assert gates.one_coefficient((0.2, 1e-4), LIMITS).code == "not_diffusive"
    assert gates.stationary((-0.5, 0.01), LIMITS) is None and gates.stationary((0.1, 1e-9), LIMITS) is None
    assert gates.stationary((-0.5, 1e-4), LIMITS).code == "not_stationary"


def test_temperature_offset_is_beyond_its_noise():
    noise = 20 * np.random.default_rng(1).standard_normal(200)
    assert abs(judgement.temperature_offset(600 + noise, 600.0)) < 2
    assert judgement.temperature_offset(np.full(50, 606.0), 600.0) == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("value", "reach", "lattice", "broken"),
    [
        (0.1, 0.05, "thermal", False),
        (0.5, 0.05, "thermal", True),
        (-0.5, 0.05, "thermal", True),
        # far from zero, and not known better
        (0.5, 0.4, "thermal", False),
        (1.5, 0.1, "relaxed", False),
        (6.0, 0.1, "relaxed", True),
        (-6.0, 0.1, "measured", True),
    ],
)
def test_a_pressure_that_the_cell_does_not_promise(value, reach, lattice, broken):
    gate = health.no_pressure({"value": value, "low": value - reach, "high": value + reach}, lattice, LIMITS)
    assert (gate is not None) is broken
    if gate is not None:
        assert gate.code == "under_pressure" and gate.value == value and f"{value:+.2f}" in gate.message
    assert health.no_pressure(None, lattice, LIMITS) is None
