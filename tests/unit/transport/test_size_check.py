"""Two cells of one material: what the ratio of their transport says, against ratios that are put in."""

import csv
import json
from math import log

import pytest

from dlmd.base.errors import DlmdError
from dlmd.transport import size_check
from exact_lines import result


def in_cell(n_ions, *, factor=1.0, error=0.04, temperature=600.0, **given):
    """A transport result in a cell of that many ions, its conductivity and D times `factor`."""
    one = result(temperature, error=error, noise=log(factor), **given)
    usable = one["verdict"]["code"] == "ok"
    haven = {"value": 0.5, "low": 0.4, "high": 0.6} if usable else None
    return one | {"n_ions": n_ions, "n_host_atoms": 3 * n_ions, "length_ps": 100.0, "haven_ratio": haven}


def judged(second, *, production=None, max_difference=0.25):
    production = production or [in_cell(48)]
    return size_check.compare(production, second, max_difference=max_difference, confidence=0.95)


@pytest.mark.parametrize(
    ("factor", "error", "code"),
    [
        (1.05, 0.04, "ok"),
        (1.6, 0.04, "size_dependent"),
        (0.6, 0.04, "size_dependent"),
        # different for sure, but by less than is accepted
        (1.12, 0.02, "ok"),
        # neither seen nor excluded
        (1.0, 0.4, "size_unknown"),
        (1.5, 0.4, "size_unknown"),
    ],
)
def test_verdict_on_a_known_ratio(factor, error, code):
    found = judged([in_cell(384, factor=factor, error=error)], production=[in_cell(48, error=error)])
    assert found["verdict"]["code"] == code
    ratio = found["ratios"]["d_self_cm2_per_s"]
    assert ratio["value"] == pytest.approx(factor)
    assert log(ratio["high"] / factor) == pytest.approx(1.959964 * 2**0.5 * error, rel=1e-5)
    assert found["ratios"]["haven_ratio"]["value"] == pytest.approx(1.0)


def test_ratio_is_that_of_the_larger_over_the_smaller_cell_whichever_is_production():
    found = judged([in_cell(24, factor=0.5)], production=[in_cell(48)])
    assert found["n_ions"] == [24, 48]
    assert found["ratios"]["conductivity_ms_per_cm"]["value"] == pytest.approx(2.0)
    assert "size_dependent" == found["verdict"]["code"] and "md.cell" in found["verdict"]["message"]


def test_a_cell_without_a_value_leaves_the_question_open():
    found = judged([in_cell(384, code="too_short")])
    assert found["verdict"]["code"] == "size_unknown" and not any(found["ratios"].values())
    assert [one["verdict"]["code"] for one in found["temperatures"]] == ["ok", "too_short"]


def test_two_temperatures_are_averaged():
    one = judged([in_cell(384, error=0.1)], production=[in_cell(48, error=0.1)])
    two = judged(
        [in_cell(384, error=0.1, temperature=t) for t in (600.0, 650.0)],
        production=[in_cell(48, error=0.1, temperature=t) for t in (600.0, 650.0)],
    )
    width = [log(f["ratios"]["d_self_cm2_per_s"]["high"]) for f in (one, two)]
    assert width[1] == pytest.approx(width[0] / 2**0.5)


def test_it_is_the_verdict_of_a_line_without_another_fault():
    differs, agrees = judged([in_cell(384, factor=2.0)]), judged([in_cell(384)])
    straight, bent = (
        {"verdict": {"code": code, "message": ""}, "fits": {1: 2}} for code in ("ok", "not_arrhenius")
    )
    assert size_check.overrule(straight, agrees) == straight
    assert size_check.overrule(bent, differs) == bent
    said = size_check.overrule(straight, differs)
    assert said["verdict"]["code"] == "size_dependent" and said["fits"] == straight["fits"]


def test_cells_of_one_size_are_refused():
    with pytest.raises(DlmdError, match="not two cells of different sizes"):
        judged([in_cell(48)])


def test_files(tmp_path):
    for name, one in (("a", in_cell(48)), ("b", in_cell(384, factor=1.5))):
        (tmp_path / f"{name}.json").write_text(json.dumps(one))
    size_check.check(
        [str(tmp_path / "a.json")],
        [str(tmp_path / "b.json")],
        result=str(tmp_path / "size.json"),
        table=str(tmp_path / "size.csv"),
        max_difference=0.25,
        confidence=0.95,
    )
    assert json.loads((tmp_path / "size.json").read_text())["verdict"]["code"] == "size_dependent"
    with (tmp_path / "size.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["cell"] for row in rows] == ["production", "second", "larger over smaller"]
    assert float(rows[2]["d_self_cm2_per_s"]) == pytest.approx(1.5)
    assert float(rows[2]["d_self_cm2_per_s_low"]) > 1.25
