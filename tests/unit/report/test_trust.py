import pytest

from dlmd.base.files import write_json
from dlmd.report import trust
from dlmd.run import tree
from dlmd.run.results import RunResults


@pytest.fixture
def level(tmp_path):
    return RunResults(tmp_path).level("u4")


def write(level, pattern, data):
    path = level.path(pattern)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, data)


def test_acceptance_rows(level):
    checks = [{"name": "force error", "value": 0.1545, "bound": 0.18, "ok": True}]
    write(level, tree.ACCEPTED, {"checks": checks})
    assert trust.acceptance(level) == [
        {"check before production": "force error", "found": "0.154", "bound": "0.18", "": "kept"}
    ]


def test_given_frames_are_named_in_words():
    assert (
        trust.frames_in_words("pressure error of given0_test_Cl24Li12Ti4")
        == "pressure error of given held-out frames of Cl24Li12Ti4"
    )
    assert (
        trust.frames_in_words("force error of given1_valid_LiCl")
        == "force error of given validation frames of LiCl (2)"
    )
    assert trust.frames_in_words("force error of hot_0_600K") == "force error of hot_0_600K"


def test_a_slope_is_shown_with_its_interval_and_what_that_decides(level):
    checks = [
        {"name": f"energy slope of {name}", "value": 0.0, "bound": 0.1, "ok": True}
        for name in ("hot", "cold")
    ]
    write(level, tree.ACCEPTED, {"checks": checks})
    slopes = {"hot": (1.02, 0.75, 1.29), "cold": (1.01, 0.98, 1.04)}
    each = {
        name: {
            "frames": 26,
            "energy_slope": dict(zip(("value", "low", "high"), s, strict=True)),
            "pressure_error_gpa": None,
        }
        for name, s in slopes.items()
    }
    write(level, tree.ERRORS, {"trajectories": each})
    hot, cold = trust.acceptance(level)
    assert (hot["found"], hot["bound"]) == ("1.02 (0.75 to 1.29)", "1 ± 0.1")
    assert hot[""] == "kept, but not decided by 26 held-out frames" and cold[""] == "kept"
    (note,) = trust.undecided(level)
    assert note.startswith("energy slope of hot: 1.02 (0.75 to 1.29)") and "26 held-out frames" in note


def test_single_points_are_not_named_twice(level):
    checks = [
        {"name": f"{kind} of {name}", "value": 0.0, "bound": 0.1, "ok": True}
        for kind, name in (
            ("energy slope", "given0"),
            ("pressure error", "given0"),
            ("energy slope", "single points"),
        )
    ]
    write(level, tree.ACCEPTED, {"checks": checks})
    open_one = dict(zip(("value", "low", "high"), (1.02, 0.75, 1.29), strict=True))
    pressure = dict(zip(("value", "low", "high"), (0.1, -0.3, 0.4), strict=True))
    own = {"frames": 8, "energy_slope": open_one, "pressure_error_gpa": pressure}
    write(level, tree.ERRORS, {"trajectories": {"given0": own}})
    write(level, tree.FEW_LABELS, {"after": {"frames": 8, "energy_slope": open_one, "force_slope": None}})
    assert [text.split(":")[0] for text in trust.undecided(level)] == [
        "pressure error of given0",
        "energy slope of single points",
    ]


def test_numbers_of_checks_have_their_units(level):
    check = {"name": "energy drift, potential 0", "key": "max_energy_drift_mev_per_atom_ps", "value": 0.0207}
    write(level, tree.ACCEPTED, {"checks": [check | {"bound": 0.5, "ok": True}]})
    assert trust.acceptance(level)[0]["found"] == "0.0207 meV per atom and ps"


def test_a_single_potential_and_run_have_neither_committee_nor_budget(level):
    assert trust.committee(level) is None
    assert trust.budget(level) == []


def test_budget_rows_say_what_was_not_varied_and_left_out(level):
    estimate = {"value": 10.0, "low": 5.0, "high": 20.0}
    share = {"share": {"value": 0.75, "low": 0.5, "high": 0.9}, "sd": {"value": 0.3}}
    row = {
        "quantity": "conductivity at 500 K",
        "unit": "mS/cm",
        "mean": estimate,
        "mean_statistics_only": estimate | {"low": 8.0, "high": 12.0},
        "components": {"statistics": share, "potential": share, "ordering": None},
    }
    left = {"quantity": "activation energy", "reason": "1 of 4 runs give it"}
    write(level, tree.ERROR_BUDGET, {"rows": [row], "left_out": [left]})
    first, second = trust.budget(level)
    assert list(first.values()) == [
        "conductivity at 500 K (mS/cm)",
        "10.0 (5.0 to 20.0)",
        "10.0 (8.0 to 12.0)",
        "75% (50% to 90%)",
        "75% (50% to 90%)",
        "not varied",
    ]
    assert list(second) == list(first)
    assert second["this run"] == "1 of 4 runs give it"
