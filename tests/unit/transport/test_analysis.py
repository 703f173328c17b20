import json

import numpy as np
import pytest

import hard_conductors
import synthetic
from dlmd.base.errors import DlmdError
from dlmd.base.intervals import Estimate
from dlmd.base.units import conductivity_ms_per_cm
from dlmd.trajectory.host import HostHealth
from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport import analysis, gates, judgement, msd

CUBE = 20.0 * np.eye(3)


def walk(rng, n_frames=2000, n_ions=40, step=0.3):
    return np.cumsum(step * rng.standard_normal((n_frames, n_ions, 3)), axis=0)


def trajectory(positions, *, cell=CUBE, interval=0.1, **settings):
    settings = {"temperature_k": 600.0, **settings}
    return Trajectory.from_arrays(positions, frame_interval_ps=interval, cell=cell, **settings)


def analyse(positions, *, charge=1.0, **settings):
    return analysis.analyse([trajectory(positions)], charge=charge, **settings).to_dict()


def holds(interval, truth):
    return interval["low"] <= truth <= interval["high"]


def test_free_walk():
    result = analyse(walk(np.random.default_rng(0)))
    assert result["verdict"]["code"] == "ok"
    # D = step² / (2 interval) = 0.45 Å²/ps
    assert holds(result["d_self_cm2_per_s"], 0.45e-4) and holds(result["d_total_cm2_per_s"], 0.45e-4)
    assert holds(result["haven_ratio"], 1.0) and holds(result["d_distinct_cm2_per_s"], 0.0)
    expected = conductivity_ms_per_cm(
        diffusion_a2_per_ps=0.45, n_ions=40, charge_e=1, volume_angstrom3=8000.0, temperature_k=600.0
    )
    assert holds(result["conductivity_ms_per_cm"], expected)
    value = result["d_self_cm2_per_s"]
    assert value["value"] == pytest.approx(0.45e-4, rel=0.05) and value["high"] < 1.1 * value["value"]


def test_conductivity_goes_with_the_square_of_the_charge():
    positions = walk(np.random.default_rng(0))
    one, two = analyse(positions), analyse(positions, charge=2.0)
    ratio = two["conductivity_ms_per_cm"]["value"] / one["conductivity_ms_per_cm"]["value"]
    assert ratio == pytest.approx(4.0)


def test_rigid_pairs():
    pairs = np.repeat(walk(np.random.default_rng(2), n_ions=20), 2, axis=1)
    result = analyse(pairs)
    assert holds(result["haven_ratio"], 0.5) and not holds(result["haven_ratio"], 1.0)
    msd = result["msd"]
    np.testing.assert_allclose(np.add(msd["self_a2"], msd["distinct_a2"]), msd["total_a2"], atol=1e-9)


def test_drifting_frame_is_taken_out():
    rng = np.random.default_rng(3)
    positions = walk(rng)
    drift = np.cumsum(0.05 * rng.standard_normal((len(positions), 3)), axis=0)
    still = analysis.analyse([trajectory(positions)], charge=1.0).to_dict()
    moved = analysis.analyse([trajectory(positions + drift[:, None], host_com=drift)], charge=1.0).to_dict()
    left_in = analysis.analyse([trajectory(positions + drift[:, None])], charge=1.0).to_dict()
    assert moved["d_total_cm2_per_s"]["value"] == pytest.approx(still["d_total_cm2_per_s"]["value"], rel=1e-6)
    # left in, the walk of the frame adds N times its own D: (0.05/0.3)² * 40 = 1.1 of D
    assert left_in["d_total_cm2_per_s"]["value"] > 1.5 * still["d_total_cm2_per_s"]["value"]


@pytest.mark.parametrize("hop", [2.0, 5.0])
def test_two_state_cage_is_gated(hop):
    rng = np.random.default_rng(4)
    state = np.cumsum(rng.random((3000, 40)) < 0.02, axis=0) % 2
    positions = 0.1 * rng.standard_normal((3000, 40, 3))
    positions[..., 0] += hop * state
    result = analyse(positions)
    assert result["verdict"]["code"] == "not_diffusive"
    for key in ("conductivity_ms_per_cm", "d_self_cm2_per_s", "haven_ratio", "axes", "paper_reading"):
        assert result[key] is None


def test_anisotropic_walk_and_its_tensor():
    positions = walk(np.random.default_rng(5)) * np.array([1.0, 2.0, 0.5])
    result = analyse(positions)
    truth = {"a": 0.45, "b": 1.8, "c_star": 0.1125}
    for axis, value in truth.items():
        assert holds(result["axes"][axis]["d_self_cm2_per_s"], value * 1e-4)
        assert holds(result["axes"][axis]["d_total_cm2_per_s"], value * 1e-4)
    tensor = np.array(result["d_self_tensor_cm2_per_s"])
    assert np.trace(tensor) / 3 == pytest.approx(result["d_self_cm2_per_s"]["value"])
    np.testing.assert_allclose(np.diag(tensor) * 1e4, list(truth.values()), rtol=0.08)


def test_axes_of_a_triclinic_cell():
    cell = np.array([[18.0, 0.0, 0.0], [5.0, 17.0, 0.0], [-4.0, 3.0, 16.0]])
    b = cell[1] / np.linalg.norm(cell[1])
    rng = np.random.default_rng(6)
    # motion along b alone: its projection on a is b_x² of it, that on c* nothing
    positions = (0.5 * rng.standard_normal((2000, 40))).cumsum(axis=0)[..., None] * b
    result = analysis.analyse([trajectory(positions, cell=cell)], charge=1.0, confidence=0.95)
    found = result.to_dict()
    along_b = found["axes"]["b"]["d_self_cm2_per_s"]["value"]
    assert along_b == pytest.approx(1.25e-4, rel=0.1) and holds(
        found["axes"]["b"]["d_self_cm2_per_s"], 1.25e-4
    )
    # which is asked of later windows, for ions move on by less along a
    along_a = found["axes"]["a"]["d_self_cm2_per_s"]
    assert along_a["value"] == pytest.approx(b[0] ** 2 * along_b, rel=0.15) and holds(
        along_a, b[0] ** 2 * 1.25e-4
    )
    assert found["volume_a3"] == pytest.approx(18 * 17 * 16)
    np.testing.assert_allclose(found["msd"]["c_star"]["self_a2"], 0.0, atol=1e-9)
    np.testing.assert_allclose(found["msd"]["b"]["self_a2"], found["msd"]["self_a2"], rtol=1e-9)


def vibration(rng, shape, *, correlation):
    """Positions (frames, ions) of overdamped oscillators in equilibrium, of variance 1."""
    noise = np.sqrt(1 - correlation**2) * rng.standard_normal(shape)
    noise[0] /= np.sqrt(1 - correlation**2)
    for now, before in zip(noise[1:], noise, strict=False):
        now += correlation * before
    return noise


def test_an_axis_along_which_ions_only_vibrate_has_bounds():
    rng = np.random.default_rng(21)
    # hops along a so quick that the fit window lies where the vibration (0.3 Å, 3 ps) along b and c still rises
    positions = 0.3 * np.stack(
        [vibration(rng, (1500, 40), correlation=np.exp(-1 / 30)) for _ in range(3)], -1
    )
    positions[..., 0] += walk(rng, n_frames=1500)[..., 0] * 2
    result = analyse(positions)
    assert result["verdict"]["code"] == "ok"
    assert result["axes"]["a"]["d_self_cm2_per_s"]["value"] > 1e-4
    for axis in ("b", "c_star"):
        own, total = (result["axes"][axis][f"d_{kind}_cm2_per_s"] for kind in ("self", "total"))
        assert own["bound"] and own["value"] == 0 and own["high"] < 2e-6
        # at most all ions move as one
        assert total["bound"] and own["high"] <= total["high"] <= 40.001 * own["high"]
        assert result["axes"][axis]["haven_ratio"] is None


def test_a_slow_axis_has_its_value_behind_its_vibration():
    rng = np.random.default_rng(22)
    positions = 0.3 * np.stack(
        [vibration(rng, (4000, 40), correlation=np.exp(-1 / 30)) for _ in range(3)], -1
    )
    positions += walk(rng, n_frames=4000) * np.array([2.0, 0.2, 0.2])
    result = analyse(positions)
    for axis in ("b", "c_star"):
        assert holds(result["axes"][axis]["d_self_cm2_per_s"], 0.45e-4 * 0.04)


def test_result_is_json_without_nan_and_saves_few_lags():
    result = analyse(walk(np.random.default_rng(7), n_frames=5000, n_ions=5))
    again = json.loads(json.dumps(result, allow_nan=False))
    assert again == result
    assert len(result["msd"]["lags_ps"]) <= 2000
    assert result["n_frames"] == 5000 and result["length_ps"] == pytest.approx(499.9)
    assert result["replicas"] == 1 and result["n_ions"] == 5


def test_given_window_overrides_the_onset():
    positions = walk(np.random.default_rng(8))
    result = analyse(positions, lag_start_ps=2.0, lag_end_ps=5.0)
    assert result["onset_ps"] == 2.0 and result["fit_window_ps"] == [2.0, 5.0]
    lags, curve = np.array(result["msd"]["lags_ps"]), np.array(result["msd"]["self_a2"])
    inside = slice(20, 51)
    slope = np.polyfit(lags[inside], curve[inside], 1)[0]
    assert result["d_self_cm2_per_s"]["value"] == pytest.approx(slope / 6 * 1e-4)
    assert analyse(positions, lag_start_ps=2.0)["fit_window_ps"] == [2.0, 6.0]


def test_replicas_narrow_the_interval():
    rng = np.random.default_rng(19)
    runs = [trajectory(walk(rng)) for _ in range(4)]
    widths = {}
    for count in (1, 4):
        found = analysis.analyse(runs[:count], charge=1.0).to_dict()["d_total_cm2_per_s"]
        widths[count] = np.log(found["high"] / found["low"])
        assert holds(found, 0.45e-4)
    # half of it, and what four runs cannot exclude of differences between them
    assert 0.4 < widths[4] / widths[1] < 0.8


def test_runs_that_differ_widen_the_interval():
    """Four orderings whose D scatters by 30 %: their mean, and an interval that knows it."""
    rng = np.random.default_rng(23)
    held = {"d_self_cm2_per_s": 0, "d_total_cm2_per_s": 0}
    series = 20
    for _ in range(series):
        factors = np.exp(0.3 * rng.standard_normal(4))
        runs = [trajectory(walk(rng, n_frames=700, n_ions=20, step=0.3 * f**0.5)) for f in factors]
        found = analysis.analyse(runs, charge=1.0, hop_length_angstrom=1.0).to_dict()
        assert found["d_self_cm2_per_s"], found["verdict"]["message"]
        for key in held:
            held[key] += holds(found[key], 0.45e-4)
    # of 20 at 95 %, fewer than 16 has a probability of 0.3 %
    assert min(held.values()) >= 16


def test_ions_that_trade_places_have_an_upper_bound():
    run, truth = hard_conductors.MODELS["trading_places"](np.random.default_rng(3))
    result = analysis.analyse([run], charge=1.0).to_dict()
    assert result["verdict"]["code"] == "upper_bound"
    part = result["d_total_cm2_per_s"]["high"] / result["d_self_cm2_per_s"]["value"]
    assert f"D_total is below {part:.2g} times D_self" in result["verdict"]["message"]
    assert holds(result["d_self_cm2_per_s"], truth.d_self * 1e-4) and result["haven_ratio"] is None
    for key in ("d_total_cm2_per_s", "conductivity_ms_per_cm"):
        bound = result[key]
        assert bound["bound"] and bound["value"] == bound["low"] == 0 < bound["high"]
    assert result["d_total_cm2_per_s"]["high"] < 1e-2 * result["d_self_cm2_per_s"]["value"]
    assert result["paper_reading"] is None and result["d_total_tensor_cm2_per_s"] is None


def test_across_layers_there_is_an_upper_bound_and_along_them_a_value():
    """A layered conductor like `layers`, with other settings: that model is kept for judging."""
    rng = np.random.default_rng(4)
    plane = walk(rng, n_frames=3000, n_ions=60)
    plane[..., 2] = 2.0 * (np.cumsum(rng.random((3000, 60)) < 0.02, axis=0) % 2)
    result = analyse(plane + 0.2 * rng.standard_normal(plane.shape))
    assert result["verdict"]["code"] == "ok"
    across, along = (result["axes"][axis]["d_total_cm2_per_s"] for axis in ("c_star", "a"))
    assert across["bound"] and across["high"] < 0.15 * 0.45e-4
    assert "bound" not in along and holds(along, 0.45e-4)


@pytest.mark.parametrize(("model", "code"), [("waiting", "not_stationary"), ("ageing", "not_stationary")])
def test_motion_that_slows_down_with_time_has_no_coefficient(model, code):
    run, _ = hard_conductors.MODELS[model](np.random.default_rng(5))
    assert analysis.analyse([run], charge=1.0).verdict["code"] == code


def test_subdiffusion_is_seldom_taken_for_diffusion():
    accepted = 0
    for n in range(8):
        run, _ = hard_conductors.MODELS["fractional"](np.random.default_rng([6, n]))
        accepted += analysis.analyse([run], charge=1.0).ok
    assert accepted <= 3


def test_temperature_off_its_set_point_widens_the_interval():
    positions = walk(np.random.default_rng(16))
    found = {}
    for offset in (0.0, 12.0):
        thermo = {"time_ps": np.linspace(0, 199.9, 500), "temperature_k": np.full(500, 600.0 + offset)}
        result = analysis.analyse([trajectory(positions, thermo=thermo)], charge=1.0).to_dict()
        found[offset] = result["d_self_cm2_per_s"], " ".join(result["notes"])
    width = {offset: np.log(e["high"] / e["low"]) / 2 for offset, (e, _) in found.items()}
    # 2 % of the temperature at 0.4 eV are 15 % of D
    assert width[12.0] > 0.15 > width[0.0]
    assert "+12.0 K off 600 K" in found[12.0][1] and "off" not in found[0.0][1]


def test_papers_reading_is_labelled_and_divides_by_haven_once_more():
    pairs = np.repeat(walk(np.random.default_rng(10), n_ions=20), 2, axis=1)
    result = analyse(pairs)
    paper = result["paper_reading"]
    i = result["msd"]["lags_ps"].index(paper["lag_ps"])
    expected = result["msd"]["self_a2"][i] / (6 * paper["lag_ps"]) * 1e-4
    assert paper["d_self_eq9_cm2_per_s"] == pytest.approx(expected)
    once = result["conductivity_ms_per_cm"]["value"] / result["d_total_cm2_per_s"]["value"]
    assert paper["conductivity_eq11_ms_per_cm"] == pytest.approx(
        once * paper["d_total_eq9_cm2_per_s"] / paper["haven_ratio_eq10"]
    )


def test_too_short_a_run_is_gated():
    result = analyse(walk(np.random.default_rng(11), n_frames=40, step=2.0), lag_start_ps=0.7)
    assert [gate["code"] for gate in result["verdict"]["gates"]] == ["too_short"]
    assert result["conductivity_ms_per_cm"] is None and result["msd"]["self_a2"][5] > 0


def test_a_few_long_flights_are_too_short_a_run():
    """Six ions of forty fly once each, by 30 Å; all vibrate. A given window is the user's affair."""
    rng = np.random.default_rng(4)
    steps = np.zeros((1000, 40, 3))
    steps[rng.integers(100, 900, 6), np.arange(6), 0] = 30.0
    positions = steps.cumsum(axis=0) + 0.2 * rng.standard_normal(steps.shape)
    run = Trajectory.from_arrays(positions, frame_interval_ps=0.1, cell=20 * np.eye(3), temperature_k=600.0)
    verdict = analysis.analyse([run], charge=1.0).verdict
    assert any("few displacements carry the motion" in gate["message"] for gate in verdict["gates"])
    given = analysis.analyse([run], charge=1.0, lag_start_ps=2.0, lag_end_ps=6.0).verdict
    assert not any("few displacements" in gate["message"] for gate in given["gates"])


@pytest.mark.parametrize("n_frames", [2, 3, 5, 9])
def test_a_few_frames_give_a_verdict_and_no_crash(n_frames):
    result = analyse(walk(np.random.default_rng(12), n_frames=n_frames))
    assert result["verdict"]["code"] != "ok"
    json.dumps(result, allow_nan=False)


def test_frame_of_the_ions_themselves_is_gated():
    positions = walk(np.random.default_rng(15))
    result = analyse(positions - positions.mean(axis=1, keepdims=True))
    assert result["verdict"]["code"] == "sum_at_rest" and result["conductivity_ms_per_cm"] is None


def test_frozen_ions_give_a_verdict():
    result = analyse(np.zeros((500, 10, 3)))
    assert result["verdict"]["code"] == "not_diffusive"
    json.dumps(result, allow_nan=False)


def test_ions_that_a_field_drives_have_no_conductivity_of_equilibrium():
    still = walk(np.random.default_rng(16))
    drift = np.arange(len(still))[:, None, None] * np.array([0.05, 0.0, 0.0])
    assert analyse(still)["verdict"]["code"] == "ok"
    result = analyse(still + drift)
    assert "ions_drifting" in [gate["code"] for gate in result["verdict"]["gates"]]
    assert result["conductivity_ms_per_cm"] is None


def test_few_runs_without_a_drift_seem_to_have_one():
    rng = np.random.default_rng(17)
    runs = [msd.displacements(trajectory(walk(rng, n_frames=200, n_ions=8))) for _ in range(200)]
    assert all(judgement.no_drift([run], gates.Limits()) is None for run in runs)
    assert judgement.no_drift(runs[:8], gates.Limits()) is None


@pytest.mark.parametrize(
    "code", ["host_molten", "host_transformed", "host_drifting", "temperature_drift", "energy_drift"]
)
def test_sick_runs_are_gated_with_their_own_code(code):
    positions = walk(np.random.default_rng(13))
    time = np.linspace(0, 199.9, 500)
    host = HostHealth(msd_a2={"Cl": 0.1}, drift_a=0.2, hopped={"Cl": 1})
    thermo = {
        "time_ps": time,
        "temperature_k": np.full(500, 600.0),
        "conserved_ev": np.full(500, -100.0),
    }
    healthy = {"host": host, "thermo": thermo, "n_host_atoms": 60}
    well = analysis.analyse([trajectory(positions, **healthy)], charge=1.0)
    # a single atom that has hopped is told, and is no verdict
    assert well.ok and "1 Cl of the host at rest more than 1 Å" in " ".join(well.notes)
    sick = {
        "host_molten": {"host": HostHealth({"Cl": 9.0}, 0.2)},
        "host_transformed": {"host": HostHealth({"Cl": 1.0}, 0.2, {"Cl": 0.9}, {"Cl": 20})},
        "host_drifting": {"host": HostHealth({"Cl": 0.1}, 30.0)},
        "temperature_drift": {"thermo": {**thermo, "temperature_k": 600 + time}},
        "energy_drift": {"thermo": {**thermo, "conserved_ev": -100 + 0.1 * time}},
    }[code]
    result = analysis.analyse([trajectory(positions, **{**healthy, **sick})], charge=1.0).to_dict()
    assert result["verdict"]["code"] == code
    assert [gate["code"] for gate in result["verdict"]["gates"]] == [code]
    assert result["conductivity_ms_per_cm"] is None


def test_bad_input():
    rng = np.random.default_rng(14)
    one = trajectory(walk(rng, n_frames=50))
    with pytest.raises(DlmdError, match="no trajectory"):
        analysis.analyse([], charge=1.0)
    with pytest.raises(DlmdError, match="charge"):
        analysis.analyse([one], charge=0.0)
    with pytest.raises(DlmdError, match="temperature"):
        analysis.analyse([trajectory(walk(rng, n_frames=50), temperature_k=None)], charge=1.0)
    with pytest.raises(DlmdError, match=r"500.0, 600.0"):
        analysis.analyse([one, trajectory(walk(rng, n_frames=50), temperature_k=500.0)], charge=1.0)
    with pytest.raises(DlmdError, match="replicas differ"):
        analysis.analyse([one, trajectory(walk(rng, n_frames=50), cell=2 * CUBE)], charge=1.0)
    with pytest.raises(DlmdError, match="fit window"):
        analysis.analyse([one], charge=1.0, lag_start_ps=3.0, lag_end_ps=2.0)
    with pytest.raises(DlmdError, match="fit window"):
        analysis.analyse([one], charge=1.0, lag_start_ps=3.0)
    with pytest.raises(DlmdError, match="without lag_start"):
        analysis.analyse([one], charge=1.0, lag_end_ps=3.0)
    with pytest.raises(DlmdError, match="n_ions"):
        analysis.analyse([one, trajectory(walk(rng, n_frames=50, n_ions=41))], charge=1.0)


@pytest.mark.parametrize("model", ["strings", "exchanges", "small_cell"])
def test_truth(model):
    """A small truth suite: bias and coverage with the onset found by the code. The full one is in benchmarks/truth."""
    replicas, accepted = 16, 0
    held = {"self": [], "total": [], "haven": []}
    errors = {"self": [], "total": []}
    for replica in range(replicas):
        run, truth = synthetic.MODELS[model](np.random.default_rng([77, replica]))
        # in 50 ps these ions move on by three hops; a shorter hop length opens the gate
        opened = {"hop_length_angstrom": 1.0} if model == "small_cell" else {}
        result = analysis.analyse([run], charge=1.0, **opened)
        if not result.ok:
            continue
        accepted += 1
        found = result.estimates.scalar
        exact = {"self": truth.d_self, "total": truth.d_total, "haven": truth.haven}
        for key in held:
            held[key].append(found[key].low <= exact[key] <= found[key].high)
        for key in errors:
            errors[key].append(found[key].value / exact[key] - 1)
    assert accepted >= 14
    for key in held:
        # of 16 at 95 %, more than 3 beside the interval have a probability of 0.1 %
        assert sum(held[key]) >= accepted - 3
    assert abs(np.mean(errors["self"])) < 0.03 + 2 * np.std(errors["self"]) / replicas**0.5
    assert abs(np.mean(errors["total"])) < 0.06 + 2 * np.std(errors["total"]) / replicas**0.5
    # all-uncertain intervals would cover too: they must also be tight
    assert np.sqrt(np.mean(np.square(errors["total"]))) < 0.3


@pytest.mark.parametrize("vibration", [0.0, 0.3])
def test_along_an_axis_without_hops_there_are_bounds_of_both(vibration):
    """Nobody saw a hop in the run: at the level of confidence, fewer than three go unseen."""
    rng = np.random.default_rng(20)
    plane = walk(rng, n_frames=3000)
    plane[..., 2] = vibration * rng.standard_normal(plane.shape[:2])
    result = analyse(plane)
    assert result["verdict"]["code"] == "ok" and not result["notes"]
    unseen = -np.log(0.05) * 3.0**2 / (2 * 40 * 2999 * 0.1) * 1e-4
    for key in ("d_self_cm2_per_s", "d_total_cm2_per_s"):
        bound = result["axes"]["c_star"][key]
        assert bound["bound"] and bound["value"] == bound["low"] == 0
        assert bound["high"] == pytest.approx(unseen) if vibration == 0 else bound["high"] >= 0.999 * unseen
        assert "bound" not in result["axes"]["a"][key]
    assert result["axes"]["c_star"]["haven_ratio"] is None
    json.dumps(result, allow_nan=False)


def test_what_is_no_number_is_null_and_named():
    nothing = Estimate(np.nan, np.nan, np.nan)
    assert analysis._json(nothing) is None
    axes = {"c_star": {"d_self_cm2_per_s": None, "d_total_cm2_per_s": {"value": 1.0}}}
    assert analysis._missing(axes) == ["no D_self along c*: its error has no finite value"]


def test_d_self_that_may_be_zero_is_too_short_a_run():
    assert gates.ions_diffuse(Estimate(0.0, 0.0, 1.0, bound=True), 5.0).code == "too_short"
    assert gates.ions_diffuse(Estimate(1.0, 0.5, 2.0), 5.0) is None
