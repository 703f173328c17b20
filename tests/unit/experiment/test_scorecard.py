"""The scorecard's numbers from made-up records: exact factors, intervals that hold or miss, rows of runs without an answer."""

import csv
import json
import sys
from math import inf, radians, sin
from pathlib import Path

import pytest

from dlmd.base.errors import DlmdError
from dlmd.structures.crystal import read_cif

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "benchmarks/experiment"))

import crystals  # noqa: E402
import drawing  # noqa: E402
import materials  # noqa: E402
import outcome  # noqa: E402
import scorecard  # noqa: E402

from scorecard_records import between, material, record  # noqa: E402

LISTED = ROOT / "benchmarks/experiment/materials.yaml"


def test_a_row_has_the_factors_and_differences_of_its_numbers():
    found = scorecard.row(material(), record())
    assert found["factor"] == pytest.approx(2.0)
    assert found["factor_coldest"] == pytest.approx(2.0)
    assert (found["coldest_k"], found["haven_ratio"]["value"]) == (500, 0.5)
    assert found["difference_ev"] == pytest.approx(-0.04)
    assert found["holds_sigma"] and found["holds_energy"]


@pytest.mark.parametrize("sigma", [0.5, 8.0])
def test_a_factor_is_the_same_either_way(sigma):
    assert scorecard.row(material(), record(sigma=sigma))["factor"] == pytest.approx(4.0)


def test_an_interval_that_misses_the_experiment_is_told():
    found = scorecard.row(
        material(), record(sigma=20.0, factor=2.0, activation_energy_ev=between(0.2, 0.15, 0.25))
    )
    assert (found["holds_sigma"], found["holds_energy"]) == (False, False)
    measured = ({"sigma_ms_per_cm": 2.0, "source": "a"}, {"sigma_ms_per_cm": 11.0, "source": "b"})
    assert scorecard.row(material(measured=measured), record(sigma=20.0, factor=2.0))["holds_sigma"]


def test_what_is_withheld_is_no_number():
    found = scorecard.row(material(), record(shown="withheld"))
    assert found["computed_ms_per_cm"] is None and found["factor"] is None and found["holds_sigma"] is None
    assert found["factor_coldest"] == pytest.approx(2.0)
    assert scorecard.shown(found)["computed"] == "withheld"


def test_without_a_measured_activation_energy_nothing_is_compared_with_it():
    found = scorecard.row(material(measured=({"sigma_ms_per_cm": 2.0, "source": "a"},)), record())
    assert (found["difference_ev"], found["factor_coldest"], found["holds_energy"]) == (None, None, None)


def test_a_conductivity_of_nothing_is_infinitely_wrong():
    assert scorecard.apart(0.0, 2.0) == inf


def test_median_and_worst_count_those_that_have_a_number_and_go_by_teacher():
    rows = [
        scorecard.row(material("A"), record(sigma=4.0)),
        scorecard.row(material("B"), record(sigma=12.0)),
        scorecard.row(material("C"), record(sigma=0.2, teacher="two", lattice=None)),
        scorecard.row(material("D"), {"state": outcome.FAILED, "reason": "it exploded", "teacher": "two"}),
    ]
    whole, one, two = scorecard.summary(rows)
    assert whole["factor of σ(298 K): median, worst (n)"] == "6, 10 (3)"
    assert whole["answered"] == "3 of 4"
    assert whole["σ intervals that hold it"] == "1 of 3"
    assert one["factor of σ(298 K): median, worst (n)"] == "4, 6 (2)"
    assert two["factor of σ(298 K): median, worst (n)"] == "10, 10 (1)"
    assert two["error of the volume (%)"] == scorecard.NONE


def test_the_table_keeps_failures_with_their_reason_and_what_was_not_run(tmp_path):
    listed = [material("A"), material("B"), material("C")]
    (tmp_path / "outcomes").mkdir()
    outcome.path(tmp_path, listed[0]).write_text(json.dumps(record()))
    failed = {"state": outcome.REFUSED, "reason": "force error 40 %, the limit is 18 %", "teacher": "one"}
    outcome.path(tmp_path, listed[1]).write_text(json.dumps(failed))
    rows = scorecard.collect(listed, tmp_path)
    text = scorecard.page(rows, listed)
    assert "force error 40 %" in text and "| C | halide | 2 | not run |" in text
    scorecard.write_csv(tmp_path / "s.csv", [scorecard.flat(r) for r in rows])
    saved = list(csv.DictReader((tmp_path / "s.csv").open(encoding="utf-8")))
    assert [r["state"] for r in saved] == ["answered", "refused", "not run"]
    assert float(saved[0]["computed_ms_per_cm_high"]) == pytest.approx(12.0)
    assert saved[1]["computed_ms_per_cm_high"] == "" and float(saved[1]["measured_ms_per_cm_value"]) == 2.0


def test_the_figure_is_drawn_with_and_without_numbers(tmp_path):
    from dlmd.base import plot_style

    rows = [scorecard.row(material("A"), record()), scorecard.row(material("B"), {"state": outcome.NOT_RUN})]
    for number, some in enumerate((rows, rows[1:])):
        plot_style.save(drawing.figure(some), [tmp_path / f"{number}.png"])
        assert (tmp_path / f"{number}.png").stat().st_size > 1000


def test_every_listed_material_has_a_crystal_and_sources():
    found = materials.load(LISTED)
    assert len(found) >= 8 and len({m.family for m in found}) >= 5
    for one in found:
        assert one.written in crystals.CRYSTALS if one.written else (ROOT / one.crystal).exists()
        assert all(value["source"] for value in one.measured)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            "- {name: A, family: b, crystal: c, apart: d, measured: [{sigma_ms_per_cm: 1}]}",
            "without its source",
        ),
        (
            "- {name: A, family: b, apart: d, measured: [{sigma_ms_per_cm: 1, source: e}]}",
            "one of crystal and written",
        ),
        ("- {name: A, family: b, crystal: c, sigma: 2, apart: d}", "sigma"),
    ],
)
def test_an_entry_that_says_too_little_is_refused(tmp_path, entry, said):
    (tmp_path / "list.yaml").write_text(entry)
    with pytest.raises(DlmdError, match=said):
        materials.load(tmp_path / "list.yaml")


def test_a_name_that_is_not_listed_is_refused():
    with pytest.raises(DlmdError, match="no such material"):
        materials.chosen(["Li3XCl6"], LISTED)


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """A folder with the results of the toy run, made up: 2x1x2 cells whose volume is that of the CIF and a tenth more."""
    monkeypatch.chdir(tmp_path)
    for name in ("config/toy.yaml", "structures/Li3TiCl6.cif", "config/reference/Li3TiCl6.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    a, b, c, _, beta, _ = read_cif("structures/Li3TiCl6.cif").cell_parameters
    volume = 1.1 * 4 * a * b * c * sin(radians(beta))
    one = {"n_ions": 24, "volume_a3": volume, "haven_ratio": between(0.5, 0.3, 0.8)}
    level = {
        "verdict": {"code": "ok", "message": "fine"},
        "activation_energy_ev": {"conductivity": between(0.3, 0.2, 0.4)},
        "predictions": [record()["sigma_298"]],
        "temperatures": [
            one
            | {"temperature_k": 500.0, "verdict": {"code": "ok"}, "conductivity_ms_per_cm": between(9, 8, 10)}
        ],
    }
    for path, content in (
        ("result.json", {"levels": {"chgnet": level}}),
        ("md/chgnet/cells/r0.json", {"repeat": [2, 1, 2]}),
        ("validation/chgnet/accepted.json", {"accepted": True, "checks": []}),
    ):
        (tmp_path / "results/toy" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "results/toy" / path).write_text(json.dumps(content))
    return tmp_path / "results/toy"


TOY = {"config": "config/toy.yaml"}


def test_the_record_of_a_finished_run_has_its_answer_and_lattice(finished):
    found = outcome.of(material(**TOY), config="config/toy.yaml", code=0, printed="")
    assert (found["state"], found["reason"]) == (outcome.ANSWERED, "")
    assert found["lattice"]["error"] == pytest.approx(0.1, abs=1e-6)
    assert found["sigma_298"]["value_ms_per_cm"]["value"] == 4.0
    assert found["temperatures"][0]["sigma_ms_per_cm"] == between(9, 8, 10)


def test_a_result_from_before_a_failure_is_no_answer(finished):
    found = outcome.of(material(**TOY), config="config/toy.yaml", code=1, printed="LAMMPS died")
    assert (found["state"], found["reason"]) == (outcome.FAILED, "LAMMPS died") and "sigma_298" not in found
    error = "the potential is not stable at 800 K\n  in:  results/toy/md\n  fix: add labels\n"
    found = outcome.of(
        material(**TOY), config="config/toy.yaml", code=1, printed=f"much\n{error}more\n{error}Exiting\n"
    )
    assert found["reason"] == "the potential is not stable at 800 K"


def test_the_record_of_a_refused_potential_says_what_it_missed(finished):
    (finished / "result.json").unlink()
    checks = [{"ok": False, "text": "force error 40 %"}, {"ok": True, "text": "survived"}]
    (finished / "validation/chgnet/accepted.json").write_text(
        json.dumps({"accepted": False, "checks": checks})
    )
    found = outcome.of(material(**TOY), config="config/toy.yaml", code=1, printed="much\n")
    assert (found["state"], found["reason"]) == (outcome.REFUSED, "force error 40 %")


def test_the_record_of_a_failure_has_the_end_of_what_was_printed(finished):
    (finished / "result.json").unlink()
    found = outcome.of(material(**TOY), config="config/toy.yaml", code=1, printed="x" * 9999 + "no disk left")
    assert found["state"] == outcome.FAILED and found["reason"].endswith("no disk left")
    found = outcome.of(material(**TOY), config=None, code=0, printed="")
    assert found["state"] == outcome.NOT_RUN


@pytest.mark.parametrize("name", crystals.CRYSTALS)
def test_written_crystals_are_read_and_neutral(tmp_path, name):
    path = crystals.write(name, tmp_path)
    crystal, conductor = read_cif(path), crystals.CRYSTALS[name].conductor
    total = sum(crystal.composition.values())
    charge = sum(n * conductor.charges[element] for element, n in crystal.composition.items())
    assert abs(charge) < 0.005 * total
    before = path.stat().st_mtime_ns
    assert crystals.write(name, tmp_path).stat().st_mtime_ns == before
