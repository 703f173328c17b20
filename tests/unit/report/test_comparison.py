"""Runs side by side: known ratios and differences, and what is said where something is missing."""

import json

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.base.files import write_json
from dlmd.base.intervals import Estimate
from dlmd.cli.main import main
from dlmd.report import comparison
from dlmd.report.comparison import row


def around(value, factor):
    return {"value": value, "low": value / factor, "high": value * factor}


def make_run(
    folder, *, level="chgnet", scale=1.0, energy=0.3, temperatures=(500, 600), errors=None, gated=()
):
    """A run whose conductivity is `scale` times a fixed one, each value within a factor of 1.2."""
    home = folder / "transport" / level
    home.mkdir(parents=True)
    usable = [t for t in temperatures if t not in gated]
    for t in temperatures:
        ok = t not in gated
        estimates = {
            "conductivity_ms_per_cm": around(scale * t, 1.2),
            "d_self_cm2_per_s": around(scale * 1e-5, 1.2),
            "d_total_cm2_per_s": around(scale * 2e-5, 1.2),
            "haven_ratio": around(0.5, 1.2),
        }
        verdict = {"code": "ok" if ok else "not_diffusive"}
        result = {
            "temperature_k": float(t),
            "verdict": verdict,
            "mobile": "Li",
            "n_ions": 48,
            "n_host_atoms": 112,
        }
        write_json(home / f"{t}K.json", result | (estimates if ok else {}))
    fit = {
        "activation_energy_ev": {"value": energy, "low": energy - 0.01, "high": energy + 0.01},
        "predictions": [
            {"temperature_k": 298.15, "extrapolated": True, "value_ms_per_cm": around(scale, 2.0)},
        ],
    }
    fitted = {
        "temperatures_k": [float(t) for t in usable],
        "left_out": [{"temperature_k": float(t), "reason": "not diffusive"} for t in gated],
        "verdict": {"code": "ok", "message": ""},
        "confidence": 0.95,
        "fits": {"conductivity": fit, "d_self": fit},
    }
    write_json(home / "arrhenius.json", fitted)
    if errors is not None:
        (folder / "validation" / level).mkdir(parents=True)
        write_json(folder / "validation" / level / "errors.json", {"force_rmse_mev_per_a": errors})
    return folder


def by_name(rows):
    return {r.quantity: r for r in rows}


def test_ratio_of_conductivities_is_that_of_the_runs(tmp_path):
    runs = [make_run(tmp_path / "a"), make_run(tmp_path / "b", scale=3.0)]
    rows = by_name(comparison.rows(comparison.subjects(runs)))
    found = rows["σ at 500 K (mS/cm)"]
    assert found.against[0].value == pytest.approx(3.0)
    # two independent factors of 1.2
    assert found.against[0].low == pytest.approx(3.0 * np.exp(-np.sqrt(2) * np.log(1.2)))
    assert found.words(0) == "differs"
    assert rows["Haven ratio at 500 K"].words(0) == "no difference seen"
    # a factor of three within an interval of two each
    assert rows["σ at 298.15 K (mS/cm), extrapolated"].words(0) == "differs"


def test_difference_of_activation_energies(tmp_path):
    runs = [make_run(tmp_path / "a", energy=0.30), make_run(tmp_path / "b", energy=0.31)]
    found = by_name(comparison.rows(comparison.subjects(runs)))["E_a of ln(σT) (eV)"]
    assert found.against[0].value == pytest.approx(0.01)
    assert found.against[0].high == pytest.approx(0.01 + np.hypot(0.01, 0.01))
    assert found.words(0) == "no difference seen"


def test_levels_of_one_run(tmp_path):
    make_run(tmp_path / "a", level="u0")
    make_run(tmp_path / "a", level="u4", scale=0.5)
    assert [s.label for s in comparison.subjects([tmp_path / "a"])] == ["a/u0", "a/u4"]
    assert [s.label for s in comparison.subjects([f"{tmp_path / 'a'}:u4", f"{tmp_path / 'a'}:u0"])] == [
        "a/u4",
        "a/u0",
    ]


def test_runs_of_one_name_keep_their_folders(tmp_path):
    runs = [make_run(tmp_path / "x/a"), make_run(tmp_path / "y/a")]
    assert len({s.label for s in comparison.subjects(runs)}) == 2


def test_temperature_with_a_verdict_has_no_value_and_is_named(tmp_path):
    runs = [make_run(tmp_path / "a"), make_run(tmp_path / "b", gated=[500])]
    found = comparison.subjects(runs)
    rows = by_name(comparison.rows(found))
    assert rows["σ at 500 K (mS/cm)"].values[1] is None
    assert rows["σ at 500 K (mS/cm)"].against == (None,)
    assert any("500 K is left out: not diffusive" in note for note in comparison.notes(found))


def test_values_without_intervals_are_not_judged(tmp_path):
    runs = [make_run(tmp_path / "a", errors=60.0), make_run(tmp_path / "b", errors=30.0)]
    found = by_name(comparison.rows(comparison.subjects(runs)))["force RMSE, held out (meV/Å)"]
    assert found.values == (60.0, 30.0)
    assert found.words(0) == ""


def test_missing_files_are_named(tmp_path):
    runs = [make_run(tmp_path / "a", errors=60.0), make_run(tmp_path / "b")]
    notes = comparison.notes(comparison.subjects(runs))
    assert any("b/chgnet lacks" in n and "validation/chgnet/errors.json" in n for n in notes)


def test_no_run_an_unfinished_one_and_a_single_one_are_refused(tmp_path):
    with pytest.raises(DlmdError, match="no such folder"):
        comparison.subjects([tmp_path / "nowhere"])
    (tmp_path / "new").mkdir()
    with pytest.raises(DlmdError, match="no answer yet"):
        comparison.subjects([tmp_path / "new"])
    run = make_run(tmp_path / "a")
    with pytest.raises(DlmdError, match="nothing to compare"):
        comparison.subjects([run])
    with pytest.raises(DlmdError, match="no answer of a level 'u4'"):
        comparison.subjects([f"{run}:u4", run])


def test_ratio_to_a_value_that_may_be_zero_is_not_given():
    assert row("x", "ratio", [Estimate(1.0, 0.0, 2.0), Estimate(1.0, 0.5, 2.0)]).against == (None,)


def test_command_prints_json(tmp_path, capsys):
    runs = [make_run(tmp_path / "a"), make_run(tmp_path / "b", scale=3.0)]
    assert main(["compare", *map(str, runs), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["subjects"] == ["a/chgnet", "b/chgnet"]
    assert data["rows"][0]["quantity"] == "E_a of ln(σT) (eV)"
