"""What is no result of a transport analysis is refused before a line goes through it."""

import json
import shlex

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.cli import main
from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport import arrhenius, own_run
from dlmd.transport.analysis import analyse
from exact_lines import TEMPERATURES, result

NAN, INF = float("nan"), float("inf")


def estimate(value, low, high):
    return {"conductivity_ms_per_cm": {"value": value, "low": low, "high": high}}


BAD = {
    "a value that is NaN": (estimate(NAN, 1.0, 3.0), "conductivity_ms_per_cm at 550 K"),
    # was fitted as an upper bound
    "a lower end that is NaN": (estimate(2.0, NAN, 3.0), "finite numbers"),
    "an upper end that is infinite": (estimate(2.0, 1.0, INF), "finite numbers"),
    "a negative value": (estimate(-2.0, 1.0, 3.0), "low <= value <= high"),
    "ends the wrong way round": (estimate(2.0, 3.0, 1.0), "low <= value <= high"),
    "no error": (estimate(2.0, 2.0, 2.0), "without width"),
    "text with a decimal comma": (estimate("2,0", 1.0, 3.0), "finite numbers"),
    "a number alone": ({"conductivity_ms_per_cm": 2.0}, "value, low and high"),
    "a value alone": ({"d_self_cm2_per_s": {"value": 1e-6}}, "d_self_cm2_per_s at 550 K"),
    "a temperature with its unit": ({"temperature_k": "550 K"}, "a positive number in K"),
    "no temperature": ({"temperature_k": None}, "a positive number in K"),
    "a temperature that is NaN": ({"temperature_k": NAN}, "a positive number in K"),
    "a negative temperature": ({"temperature_k": -550.0}, "a positive number in K"),
    "a level in percent": ({"confidence": 95}, "between 0 and 1"),
    "a verdict that is a word": ({"verdict": "ok"}, "code and message"),
    "an unknown verdict": ({"verdict": {"code": "fine", "message": ""}}, "unknown verdict 'fine'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_result_is_refused_and_named(name, tmp_path, capsys):
    changed, said = BAD[name]
    results = [result(t) | (changed if t == 550.0 else {}) for t in TEMPERATURES]
    with pytest.raises(DlmdError) as refused:
        arrhenius.fit(results)
    assert said in str(refused.value) and "result 3 of 6" in str(refused.value)
    paths = [tmp_path / f"{t:g}.json" for t in TEMPERATURES]
    for path, one in zip(paths, results, strict=True):
        path.write_text(json.dumps(one | {"format": "dlmd-transport"}))
    code = main.main(shlex.split(f"arrhenius {' '.join(map(str, paths))} -o {tmp_path}/out"))
    error = capsys.readouterr().err
    assert code == 1 and said in error and str(paths[2]) in error and not (tmp_path / "out").exists()


def test_what_a_result_may_lack(tmp_path, capsys):
    """A quantity, and a conductivity, whose error may have no finite value."""
    paths = [tmp_path / f"{t:g}.json" for t in TEMPERATURES]
    for path, t in zip(paths, TEMPERATURES, strict=True):
        one = result(t) | {"format": "dlmd-transport"}
        if t == 550.0:
            one["conductivity_ms_per_cm"] = None
            del one["d_total_cm2_per_s"]
        path.write_text(json.dumps(one))
    code = main.main(shlex.split(f"arrhenius {' '.join(map(str, paths))} -o {tmp_path}/out"))
    printed = capsys.readouterr()
    assert code == 0, printed.err
    fitted = json.loads((tmp_path / "out/arrhenius.json").read_text())
    assert fitted["temperatures_k"] == [450.0, 500.0, 600.0, 650.0, 700.0]
    assert fitted["fits"]["conductivity"]["activation_energy_ev"]["value"] == pytest.approx(0.3, abs=1e-3)
    assert "left out: 550 K, no conductivity_ms_per_cm" in printed.out


@pytest.mark.parametrize("confidence", [95, 0, 1.0, NAN])
def test_a_level_that_cannot_be(confidence):
    with pytest.raises(DlmdError, match="between 0 and 1"):
        arrhenius.fit([result(t) for t in TEMPERATURES], confidence=confidence)
    with pytest.raises(DlmdError, match="between 0 and 1"):
        analyse([walk(1)], charge=1.0, confidence=confidence)


def walk(seed, **settings):
    steps = np.random.default_rng(seed).normal(0.0, 0.3, (200, 8, 3)).cumsum(axis=0)
    given = {"frame_interval_ps": 0.1, "cell": 12.0 * np.eye(3), "temperature_k": 600.0, **settings}
    return Trajectory.from_arrays(steps, **given)


def test_what_no_analysis_can_be_made_of():
    for runs, said in (
        ([], "no trajectory given"),
        (walk(1), "a list of runs"),
        ([walk(1), walk(1)], "same run twice"),
        (["md.dcd"], "a run of type str"),
    ):
        for made in (own_run.transport_of, lambda runs: analyse(runs, charge=1.0)):
            with pytest.raises(DlmdError, match=said):
                made(runs)
    assert own_run.transport_of(iter([walk(1), walk(2)]), hop_length_angstrom=1.0)["replicas"] == 2
    with pytest.raises(DlmdError, match="Li alone is mobile"):
        own_run.carriers_of([walk(1)], charges={"Li": 1.0})
    for name, value in (("hop_length_angstrom", -1.0), ("temperature_k", INF)):
        with pytest.raises(DlmdError, match=r"hop length|temperature inf"):
            analyse([walk(1)], charge=1.0, **{name: value})
    for name, value in (("temperature_k", -5.0), ("temperature_k", INF), ("frame_interval_ps", INF)):
        with pytest.raises(DlmdError, match=r"temperature|frame interval"):
            walk(1, **{name: value})
