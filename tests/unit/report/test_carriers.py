"""Several carriers on the page and in result.json."""

import json

from dlmd.report import answer, result, tables
from dlmd.transport import jobs
from exact_lines import TEMPERATURES
from exact_lines import result as on_a_line


def several(temperature):
    """A transport result of Li and Na, each on a line."""
    known = {"n_ions": 8, "charge_e": 1.0, "haven_ratio": {"value": 2.0, "low": 1.5, "high": 2.5}}
    number = {"value": 0.75, "low": 0.7, "high": 0.8}
    return {
        **on_a_line(temperature, mobile="Li,Na"),
        **known,
        "n_ions": 16,
        "carriers": {name: {**on_a_line(temperature, mobile=name), **known} for name in ("Li", "Na")},
        "together": {
            "verdict": {"code": "ok", "message": ""},
            "transference": {"Li": number, "Na": None},
            "correlation": {"Li-Na": number},
            "matrix_ms_per_cm": {"Li-Li": number, "Li-Na": number, "Na-Na": number},
        },
    }


def test_rows_of_carriers_and_of_their_matrix():
    shown = tables.several_carriers([several(500.0)])
    li, na = shown["carriers"]
    assert li["ion"] == "8 Li (+1 e)" and li["transference number"].startswith("0.75")
    assert na["transference number"] == tables.NONE and na["Haven ratio"].startswith("2")
    assert [row["pair"] for row in shown["matrix"]] == ["Li-Li", "Li-Na", "Na-Na"]
    assert shown["matrix"][0]["correlation"] == tables.NONE and shown["matrix"][1]["correlation"].startswith(
        "0.75"
    )
    one = {**several(500.0), "together": None}
    assert (
        tables.several_carriers([one])["matrix"] == []
        and len(tables.several_carriers([one])["carriers"]) == 2
    )
    assert tables.several_carriers([on_a_line(500.0)]) == {"carriers": [], "matrix": []}


def test_result_json_has_each_carrier_and_the_matrix():
    found = result._temperature(several(500.0))
    assert set(found["carriers"]) == {"Li", "Na"} and found["carriers"]["Na"]["n_ions"] == 8
    assert found["together"]["matrix_ms_per_cm"]["Li-Na"]["value"] == 0.75
    assert "carriers" not in result._temperature(on_a_line(500.0))


def test_each_carrier_has_a_line_of_its_own(tmp_path):
    files = []
    for t in TEMPERATURES:
        files.append(tmp_path / f"{t:g}K.json")
        files[-1].write_text(json.dumps(several(t)))
    jobs.arrhenius(
        [str(f) for f in files],
        of_runs=[],
        runs=[],
        reference=None,
        size_check=None,
        result=str(tmp_path / "arrhenius.json"),
        table=str(tmp_path / "arrhenius.csv"),
        figures=[str(tmp_path / "arrhenius.png")],
        predict_k=[298.15],
        confidence=0.95,
    )
    fitted = json.loads((tmp_path / "arrhenius.json").read_text())
    energy = fitted["carriers"]["Na"]["fits"]["d_self"]["activation_energy_ev"]
    assert energy["low"] < 0.3 < energy["high"]
    rows = answer.table(fitted, [several(t) for t in TEMPERATURES], {})
    assert any(row["quantity"] == "activation energy of self-diffusion of Na (eV)" for row in rows)
