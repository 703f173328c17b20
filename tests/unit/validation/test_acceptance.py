"""Acceptance: bounds that are kept pass with all numbers, and every one that is not appears in one message."""

import copy
import json

import pytest

from dlmd.base.errors import DlmdError
from dlmd.config.validation import Validation
from dlmd.validation import acceptance, jobs

BOUNDS = Validation().model_dump()
ERRORS = {
    "relative_force_rmse": 0.18,
    "force_rmse_mev_per_a": 60.0,
    "trajectories": {
        # too few frames
        "a": {"frames": 12, "relative_force_rmse": 0.15, "energy_slope": None, "pressure_error_gpa": None},
        "b": {
            "frames": 40,
            "relative_force_rmse": 0.2,
            "energy_slope": {"value": 1.05, "low": 1.01, "high": 1.09},
            "pressure_error_gpa": {"value": 0.4, "low": 0.28, "high": 0.52},
        },
    },
}
TRIAL = {
    "potential": 0,
    "temperature_k": 650.0,
    "ended": "",
    "energy_drift_mev_per_atom_ps": -0.01,
    "temperature_error": -0.02,
    "host_coordination": {"Ti-Cl": {"start": 6.0, "kept": 0.99}},
    "rdf": {"difference": 0.05, "worst": "Ti-Ti"},
    "relative_deviation": 0.1,
}
COMMITTEE = {"relative_force_rmse": [0.18, 0.17]}


def judge(path=(), value=None, *, what="trial", committee=None, trials=1):
    """All checks after one number of the trial, the errors or the committee was changed."""
    parts = {"errors": copy.deepcopy(ERRORS), "trial": copy.deepcopy(TRIAL), "committee": committee}
    place = parts[what]
    for key in path[:-1]:
        place = place[key]
    if path:
        place[path[-1]] = value
    several = [parts["trial"] | {"potential": m} for m in range(trials)]
    return acceptance.checks(parts["errors"], several, parts["committee"], BOUNDS)


def test_all_kept():
    found = acceptance.require(judge(), where="validation")
    assert found["accepted"]
    assert len(found["checks"]) == 11
    # what is kept does not read like what failed
    assert not [
        c["text"] for c in found["checks"] if any(w in c["text"] for w in ("died", "only", "wrong", "weigh"))
    ]
    assert {check["value"] for check in found["checks"]} >= {
        0.18,
        0.15,
        0.2,
        0.28,
        0.01,
        0.02,
        0.99,
        0.05,
        0.1,
    }


@pytest.mark.parametrize(
    ("what", "path", "value", "message", "figure"),
    [
        ("errors", ("relative_force_rmse",), 0.1801, "the limit is 18 %", "parity.png"),
        ("errors", ("relative_force_rmse",), float("nan"), "the limit is 18 %", "parity.png"),
        (
            "errors",
            ("trajectories", "b", "relative_force_rmse"),
            0.3,
            "on trajectory b it is 30.0 %",
            "parity",
        ),
        (
            "errors",
            ("trajectories", "b", "energy_slope"),
            {"value": 1.3, "low": 1.101, "high": 1.5},
            "energies of trajectory b vary 1.30 (1.10 to 1.50) times",
            "parity.png",
        ),
        (
            "errors",
            ("trajectories", "b", "energy_slope"),
            {"value": 0.7, "low": 0.6, "high": 0.89},
            "the limit is 10 %",
            "parity.png",
        ),
        (
            "errors",
            ("trajectories", "b", "pressure_error_gpa"),
            {"value": -0.5, "low": -0.6, "high": -0.4},
            "the pressure on b is -0.50 (-0.60 to -0.40) GPa off the engine's",
            "parity.png",
        ),
        ("trial", ("ended",), "exit code 1", "died: exit code 1", "trial/0.png"),
        ("trial", ("energy_drift_mev_per_atom_ps",), -5.0, "drifts by 5 meV", "trial/0.png"),
        ("trial", ("energy_drift_mev_per_atom_ps",), float("nan"), "drifts by nan", "trial/0.png"),
        ("trial", ("temperature_error",), -0.5, "leaves 650 K by 50 %", "trial/0.png"),
        ("trial", ("host_coordination", "Ti-Cl", "kept"), 0.5, "50 % of the Ti-Cl bonds", "trial/0.png"),
        ("trial", ("rdf", "difference"), 0.4, "most Ti-Ti", "trial/0.png"),
        ("trial", ("relative_deviation",), 0.6, "disagrees by 60 %", "trial/0.png"),
    ],
)
def test_each_bound_stops_by_itself(what, path, value, message, figure):
    found = judge(path, value, what=what)
    assert sum(not check.ok for check in found) == 1
    with pytest.raises(DlmdError) as caught:
        acceptance.require(found, where="validation")
    assert message in caught.value.what
    assert figure in caught.value.where


def test_all_failures_in_one_message_with_the_keys_of_their_bounds():
    errors = ERRORS | {"relative_force_rmse": 0.5}
    trial = TRIAL | {"temperature_error": 0.9, "rdf": {"difference": 0.9, "worst": "Li-Li"}}
    with pytest.raises(DlmdError) as caught:
        acceptance.require(acceptance.checks(errors, [trial], None, BOUNDS), where="validation")
    assert caught.value.what.count("the limit is") == 3
    assert "max_relative_force_rmse, max_temperature_error, max_rdf_difference" in caught.value.remedy
    assert "parity.png, trial/0.png" in caught.value.where


@pytest.mark.parametrize(("low", "high"), [(0.5, 1.5), (1.09, 1.5), (0.5, 0.91)])
def test_a_slope_is_refused_only_beyond_its_statistical_error(low, high):
    assert all(
        check.ok
        for check in judge(
            ("trajectories", "b", "energy_slope"),
            {"value": (low + high) / 2, "low": low, "high": high},
            what="errors",
        )
    )


def text_of(found, name):
    return next(check.text for check in found if check.name == name)


@pytest.mark.parametrize(
    ("low", "high", "decided"), [(0.95, 1.09, True), (0.75, 1.29, False), (1.03, 1.11, False)]
)
def test_an_interval_that_reaches_beyond_the_bound_is_said_to_decide_nothing(low, high, decided):
    slope = {"value": 1.02, "low": low, "high": high}
    found = judge(("trajectories", "b", "energy_slope"), slope, what="errors")
    text = text_of(found, "energy slope of b")
    assert all(check.ok for check in found) and f"1.02 ({low:.2f} to {high:.2f})" in text
    assert ("not decided by 40 held-out frames" in text) is not decided


def test_a_pressure_that_nothing_decides_is_told_too():
    pressure = {"value": 0.4, "low": -0.4, "high": 1.2}
    found = judge(("trajectories", "b", "pressure_error_gpa"), pressure, what="errors")
    assert "+0.40 (-0.40 to +1.20) GPa" in text_of(found, "pressure error of b")
    assert "not decided by 40" in text_of(found, "pressure error of b")
    # what is refused is decided
    beyond = {"value": 3.0, "low": 2.0, "high": 4.0}
    refused = judge(("trajectories", "b", "pressure_error_gpa"), beyond, what="errors")
    assert "not decided" not in text_of(refused, "pressure error of b")


def test_every_potential_of_production_is_judged():
    committee = {"relative_force_rmse": [0.1, 0.5]}
    names = [check.name for check in judge(committee=committee, trials=2) if not check.ok]
    assert names == ["force error of potential 1"]
    # a member that production does not use may be bad
    assert all(check.ok for check in judge(committee=committee, trials=1))


def test_nothing_is_written_for_a_refused_potential(tmp_path):
    paths = {}
    for name, data in (("errors", ERRORS), ("trial", TRIAL | {"ended": "dead"}), ("committee", COMMITTEE)):
        paths[name] = tmp_path / f"{name}.json"
        paths[name].write_text(json.dumps(data))
    accepted = tmp_path / "accepted.json"
    arguments = (str(paths["errors"]), [str(paths["trial"])], str(paths["committee"]))
    with pytest.raises(DlmdError, match="died: dead"):
        jobs.accept(*arguments, accepted=str(accepted), bounds=BOUNDS, hottest_k=600.0)
    assert not accepted.exists()
    paths["trial"].write_text(json.dumps(TRIAL))
    jobs.accept(*arguments, accepted=str(accepted), bounds=BOUNDS, hottest_k=600.0)
    assert json.loads(accepted.read_text())["accepted"]


def test_the_pressure_is_judged_where_there_is_a_bound_alone():
    bounds = {key: value for key, value in BOUNDS.items() if key != "max_pressure_error_gpa"}
    names = [check.name for check in acceptance.checks(ERRORS, [TRIAL], None, bounds)]
    assert not any("pressure" in name for name in names)
