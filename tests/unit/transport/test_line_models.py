"""Intervals of extrapolations and of E_a on curves that are known exactly, straight and not."""

import numpy as np
import pytest

from dlmd.transport import line_models, line_tests

TEMPERATURES = np.array([450.0, 500.0, 540.0, 570.0, 600.0, 650.0])
TAILS = np.array([0.025, 0.5, 0.975])
ROOM = 298.15


def straight(t):
    return -0.3 * line_models.inverse(t)


def kinked(t):
    """0.25 eV above 540 K, 0.45 eV below."""
    x = line_models.inverse(t)
    return -0.25 * x - 0.2 * np.clip(x - line_models.inverse(540.0), 0, None)


def vogel(t):
    return -0.08 * line_models.inverse(np.asarray(t) - 180.0)


def coverage(truth, error, *, runs=80, seed=3):
    """Shares of runs whose intervals hold ln sigma(298 K) and the mean E, and the median factor at 298 K."""
    rng = np.random.default_rng(seed)
    exact, at_room = truth(TEMPERATURES), float(truth(np.array([ROOM]))[0])
    energy = (exact[-1] - exact[0]) / np.ptp(line_models.inverse(TEMPERATURES))
    held, held_energy, factors = [], [], []
    for _ in range(runs):
        own = error * np.exp(0.3 * rng.standard_normal(len(exact)))
        found = line_models.posterior(TEMPERATURES, exact + own * rng.standard_normal(len(exact)), own)
        low, _, high = found.height(np.array([ROOM]), TAILS)[0]
        held.append(low <= at_room <= high)
        factors.append(np.exp((high - low) / 2))
        low, _, high = found.mean_energy(TAILS)
        held_energy.append(low <= energy <= high)
    return np.mean(held), np.mean(held_energy), np.median(factors)


@pytest.mark.parametrize("truth", [straight, kinked, vogel])
@pytest.mark.parametrize("error", [0.05, 0.2])
def test_intervals_hold_whatever_the_shape(truth, error):
    room, energy, _ = coverage(truth, error)
    assert room >= 0.88
    assert energy >= 0.88


def test_a_straight_line_alone_would_not():
    """What a line's own error says of 298 K holds neither the kink nor the Vogel curve."""
    x, at = line_models.inverse(TEMPERATURES), line_models.inverse(ROOM)
    centred = x - x.mean()
    error = 0.05 * np.sqrt(1 / 6 + (at - x.mean()) ** 2 / np.sum(centred**2))
    for truth in (kinked, vogel):
        y = truth(TEMPERATURES)
        height = y.mean() + centred @ y / np.sum(centred**2) * (at - x.mean())
        assert abs(height - truth(np.array([ROOM]))[0]) > 3 * error


def test_precise_straight_points_extrapolate_well():
    assert coverage(straight, 0.02, runs=20)[2] < 2.0


def test_energy_is_as_sharp_as_the_line_s():
    found = line_models.posterior(TEMPERATURES, straight(TEMPERATURES), np.full(6, 0.1))
    low, middle, high = found.mean_energy(TAILS)
    x = line_models.inverse(TEMPERATURES)
    textbook = 1.959964 * 0.1 / np.sqrt(np.sum((x - x.mean()) ** 2))
    assert middle == pytest.approx(0.3, abs=1e-3)
    assert (high - low) / 2 == pytest.approx(textbook, rel=0.1)


@pytest.mark.parametrize("at_k", [455.0, 540.0, 640.0])
def test_beyond_a_jump_the_line_goes_on_from_the_near_side(at_k):
    """A transition of first order: 20 times more above it. No line, bend or kink goes through both branches."""
    assert (TEMPERATURES < at_k).any() and (TEMPERATURES > at_k).any()
    error, held, off = np.full(6, 0.1), [], []
    for seed in range(12):
        noise = error * np.random.default_rng([21, seed]).standard_normal(6)
        y = straight(TEMPERATURES) + noise + np.where(TEMPERATURES > at_k, 3.0, 0.0)
        ((low, middle, high),) = line_models.posterior(TEMPERATURES, y, error).height(np.array([ROOM]), TAILS)
        held.append(low <= straight(np.array([ROOM]))[0] <= high)
        off.append(middle - straight(np.array([ROOM]))[0])
    assert sum(held) >= 10
    assert abs(np.median(off)) < 1.0


def test_an_upper_bound_pulls_the_line_down_but_is_no_value():
    y, error = straight(TEMPERATURES), np.full(6, 0.3)
    cold = np.array([350.0])
    free = line_models.posterior(TEMPERATURES, y, error).height(cold, TAILS)[0]

    def bounded(above):
        limit = straight(cold) + above
        return line_models.posterior(TEMPERATURES, y, error, bounds=(cold, limit)).height(cold, TAILS)[0]

    assert bounded(8.0) == pytest.approx(free, abs=0.05)  # a loose bound says nothing
    tight = bounded(-2.0)
    assert tight[1] < free[1] - 0.5
    # a bound has no lower end: the interval goes on below it
    assert tight[0] < straight(cold)[0] - 2.0
    assert tight[2] < straight(cold)[0] + 1.0


def test_a_bound_s_likelihood_is_flat_below_and_falls_beyond():
    """With a known slope the posterior is a one-dimensional integral."""
    t = np.array([400.0, 500.0, 600.0])
    y, error, limit = straight(t), np.array([0.4, 0.4, 0.4]), straight(np.array([500.0])) - 0.5
    found = line_models.posterior(t, y, error, bounds=(np.array([500.0]), limit))
    only = np.array([shape.kind == "line" for shape in found.shapes])[found.shape]
    first = np.flatnonzero(only)[0]  # errors as they are
    x = line_models.inverse(t)
    # at the middle of the points the height has a normal distribution of variance 1 / sum w
    middle = x.mean()
    c = np.linspace(-4, 4, 8001)
    # the slope is integrated out on a grid
    slopes = 0.3 + np.linspace(-0.5, 0.5, 801)
    height = (-0.3 * middle + c)[:, None] - slopes * (x[1] - middle)
    log_p = -0.5 * (
        ((y - ((-0.3 * middle + c)[:, None, None] - slopes[:, None] * (x - middle))) / error) ** 2
    ).sum(-1)
    p = np.exp(log_p - np.exp(line_models.BOUND_POWER * (height - limit[0]))).sum(axis=1)
    exact = (p @ c) / p.sum() - 0.3 * middle
    assert found.mean[first, 0] == pytest.approx(exact, abs=0.05)


def test_no_alarm_on_lines_and_the_power_that_is_stated():
    rng = np.random.default_rng(8)
    error = np.full(6, 0.12)
    alarms = [
        not line_tests.straightness(
            TEMPERATURES, straight(TEMPERATURES) + error * rng.standard_normal(6), error
        )["straight"]
        for _ in range(300)
    ]
    assert np.mean(alarms) < 0.08
    stated = line_tests.straightness(TEMPERATURES, straight(TEMPERATURES), error)["kink"]["seen"]
    promised = {s["energy_change_ev"]: s["how_often"] for s in stated}[0.2]
    found = [
        line_tests.straightness(TEMPERATURES, kinked(TEMPERATURES) + error * rng.standard_normal(6), error)[
            "kink"
        ]
        for _ in range(300)
    ]
    seen = np.mean([one["probability_by_chance"] < line_tests.LEVEL for one in found])
    assert seen == pytest.approx(promised, abs=0.1)


def test_kink_is_placed_and_measured():
    found = line_tests.straightness(TEMPERATURES, kinked(TEMPERATURES), np.full(6, 0.03))
    assert not found["straight"]
    assert found["kink"]["at_k"] == pytest.approx(540, abs=25)
    assert found["kink"]["energy_change_ev"] == pytest.approx(0.2, abs=0.03)
    assert "kink of +0.2" in line_tests.sentence(found)


def test_chi_squared_is_that_of_the_line():
    y = straight(TEMPERATURES) + np.array([0.1, -0.1, 0.1, -0.1, 0.1, -0.1])
    x = line_models.inverse(TEMPERATURES)
    design = np.column_stack([np.ones(6), x])
    residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    found = line_tests.straightness(TEMPERATURES, y, np.full(6, 0.1))["chi_squared"]
    assert (found["value"], found["dof"]) == (pytest.approx(float(residual @ residual) / 0.01), 4)
