import numpy as np
import pytest

from dlmd.transport import spectrum


def brownian(rng, n_frames=400, tensor=None, n_ions=7):
    """Sum of positions whose diffusion tensor, per ion, is `tensor` (default: identity)."""
    root = np.linalg.cholesky(np.eye(3) if tensor is None else tensor)
    steps = rng.standard_normal((n_frames - 1, 3)) @ root.T * np.sqrt(2 * 0.5 * n_ions)
    return np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])


def test_sine_modes_hold_all_of_the_steps():
    path = brownian(np.random.default_rng(0), n_frames=402)
    frequency, modes = spectrum.sine_modes(path, frame_interval_ps=0.5, n_ions=7)
    assert frequency[0] == pytest.approx(1 / (2 * 402 * 0.5)) and len(frequency) == 401
    # the transform is orthogonal: mean square step, as a diffusion tensor
    steps = np.diff(path, axis=0)
    np.testing.assert_allclose(modes.T @ modes, steps.T @ steps / (2 * 0.5 * 7), rtol=1e-10)


def test_bounded_motion_leaks_nothing_into_low_frequencies():
    """White positions: the modes' powers rise as f² from nothing, where a periodogram has the displacement of the ends."""
    rng = np.random.default_rng(7)
    powers = []
    for _ in range(200):
        frequency, modes = spectrum.sine_modes(rng.standard_normal((400, 3)), frame_interval_ps=0.5, n_ions=7)
        powers.append(np.sum(modes[:4] ** 2, axis=1) / 3)
    exact = (2 - 2 * np.cos(2 * np.pi * frequency[:4] * 0.5)) / (2 * 0.5 * 7)
    np.testing.assert_allclose(np.mean(powers, axis=0), exact, rtol=0.25)


def fit_of(tensors_root, frequency, *, onset_ps=1.0):
    return spectrum.SpectralFit(
        tensors_root,
        (frequency * onset_ps) ** 2,
        spectrum._rises(frequency, onset_ps * np.geomspace(0.02, 0.5, 10)),
        (0.0, 2.0),
    )


def test_tensor_and_scalar_agree():
    rng = np.random.default_rng(1)
    tensor = np.array([[4.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 0.5]])
    frequency, modes = spectrum.sine_modes(brownian(rng, 20_000, tensor), frame_interval_ps=0.5, n_ions=7)
    fit = fit_of(modes, frequency)
    value = fit.interval(0.95)
    assert value.value == pytest.approx(np.trace(fit.tensor()) / 3)
    np.testing.assert_allclose(fit.tensor(), tensor, atol=0.2)


@pytest.mark.parametrize(("n", "rise"), [(12, 0.0), (12, 2.0), (160, 2.0)])
def test_intervals_cover(n, rise):
    """Normal modes of a known spectrum 1 + rise * h, at twelve and at 160 frequencies; few are taken for zero."""
    rng = np.random.default_rng(2)
    frequency = np.arange(1, n + 1) / n / 2
    held = {"scalar": [], "axis": []}
    bounds = 0
    for _ in range(200):
        modes = rng.standard_normal((n, 3)) * np.sqrt(1 + rise * (2 * frequency) ** 2)[:, None]
        fit = fit_of(modes, frequency)
        for name, direction in (("scalar", None), ("axis", np.array([0.0, 1.0, 0.0]))):
            one = fit.interval(0.95, direction)
            held[name].append(one.low <= 1 <= one.high)
            bounds += one.bound and name == "scalar"
    assert 0.9 <= np.mean(held["scalar"]) <= 0.995
    assert 0.9 <= np.mean(held["axis"]) <= 1.0
    # with a dozen frequencies a spectrum that rises is told from one that rises from zero less often
    assert bounds <= {(12, 0.0): 14, (12, 2.0): 40, (160, 2.0): 1}[n, rise]


def test_zero_is_an_answer():
    rng = np.random.default_rng(5)
    frequency = np.arange(1, 17) / 32
    found = [
        fit_of(rng.standard_normal((16, 3)) * frequency[:, None], frequency).interval(0.95) for _ in range(60)
    ]
    assert np.mean([one.bound for one in found]) > 0.9
    assert all(one.low == 0 for one in found if one.bound)


@pytest.mark.parametrize(("shape", "expected"), [((1, 1, 1), 3), ((1, 1, 0), 2), ((1, 0, 0), 1)])
def test_degrees_of_freedom_follow_the_dimension(shape, expected):
    rng = np.random.default_rng(3)
    frequency, modes = spectrum.sine_modes(
        brownian(rng, 4000) * np.array(shape), frame_interval_ps=0.5, n_ions=7
    )
    assert fit_of(modes, frequency).degrees_of_freedom == pytest.approx(expected, abs=0.1)


OWN_PS = np.array([1.5, 3.0, 6.0])


def of_slow_sum(rng, strength, *, own, starts=None, n=160):
    """Modes of a spectrum 1 + strength h, h of 6 ps, at 160 frequencies up to 1/(2 t*), t* = 1 ps, of 160 ps."""
    frequency = np.arange(1, n + 1) / n / 2
    modes = (
        rng.standard_normal((n, 3)) * np.sqrt(1 + strength * spectrum._rises(frequency, OWN_PS)[2])[:, None]
    )
    fit = fit_of(modes, frequency)
    rises = spectrum._rises(frequency, OWN_PS) if own else None
    return spectrum.SpectralFit(modes, fit.rise, fit.bounded, fit.prior, rises, starts)


# what returns, what nearly all returns, and what goes on the same way
@pytest.mark.parametrize(("strength", "least"), [(1.5, 0.8), (10.0, 0.8), (-0.5, 0.7)])
def test_the_sum_may_remember_for_longer_than_single_ions(strength, least):
    rng = np.random.default_rng(11)
    held = {True: [], False: []}
    for _ in range(60):
        state = rng.bit_generator.state
        for own in held:
            rng.bit_generator.state = state
            one = of_slow_sum(rng, strength, own=own).interval(0.95)
            held[own].append(one.low <= 1 <= one.high)
    assert np.mean(held[True]) > least and np.mean(held[False]) < 0.1


def test_what_is_thought_of_a_memory_beforehand_widens_the_interval_and_moves_no_value():
    level = of_slow_sum(np.random.default_rng(12), 0.0, own=True).level()
    low, value, high = level.interval(0.95)
    thought = np.array([level.quantiles((0.025, 0.5, 0.975), weight) for weight in level.weights])
    assert len(thought) == 3
    assert value == pytest.approx(thought[0, 1])
    assert (low, high) == pytest.approx((thought[:, 0].min(), thought[:, 2].max()))
    assert high / low > 1.1 * thought[0, 2] / thought[0, 0]


def test_a_sum_without_a_memory_keeps_its_value_and_pays_in_width_alone():
    found = {
        own: [of_slow_sum(np.random.default_rng([12, n]), 0.0, own=own).interval(0.95) for n in range(40)]
        for own in (True, False)
    }
    value, width = (
        {own: np.array([f(one) for one in each]) for own, each in found.items()}
        for f in (lambda one: np.log(one.value), lambda one: np.log(one.high / one.low))
    )
    assert abs(value[True].mean()) < 0.04
    assert value[True].std() < 1.15 * value[False].std() + 0.01
    # of 480 degrees of freedom, which a memory would leave a tenth of
    assert width[True].mean() < 2.8 * width[False].mean()


def test_bins_of_frequencies_change_nothing():
    frequency = np.arange(1, 161) / 320
    starts = spectrum._starts(frequency)
    assert len(starts) < 100 and starts[0] == 0
    one, other = (
        of_slow_sum(np.random.default_rng(13), 1.0, own=True, starts=s).level().quantiles([0.025, 0.5, 0.975])
        for s in (None, starts)
    )
    np.testing.assert_allclose(other, one, rtol=0.02)
