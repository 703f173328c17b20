from barrier_records import FITTED, record
from dlmd.barriers import summary
from dlmd.barriers.bands import UNCONVERGED
from dlmd.base.files import write_json
from dlmd.report import barriers
from dlmd.run import tree
from dlmd.run.results import RunResults


def test_rows_and_notes_say_what_counts_and_what_not(tmp_path):
    bands = [
        record(number=0, forward=0.30, backward=0.2),
        record(number=1, forward=0.40, backward=0.2),
        record(hop="101", status=UNCONVERGED, mechanism="empty site"),
        record(number=1, method="engine", forward=0.5),
    ]
    data = summary.summarise(bands, level="u4", fitted=FITTED, published={"[110]": 0.3})
    level = RunResults(tmp_path).level("u4")
    path = level.path(tree.BARRIERS)
    path.parent.mkdir(parents=True)
    write_json(path, data)
    section = barriers.section(level)
    first, second, engine = section["rows"]
    assert first["barrier forward (eV)"] == "0.350 (0.300 to 0.400)" and first["published (eV)"] == "0.3"
    assert first["barrier backward (eV)"] == "0.200"
    assert second["barrier forward (eV)"] == "–" and second["converged bands"] == "0 of 1"
    assert engine["by"] == "label engine"
    text = " ".join(section["notes"])
    assert "0.250 eV (0.200 to 0.300)" in text
    assert "Not counted: [101] number 0: unconverged" in text
    assert "one mobile ion fewer" in text
    assert "converged by both: 1; forward barriers differ by 0.100 eV on average" in text


def test_without_vacancies_and_fit_nothing_is_said_of_them():
    data = summary.summarise(
        [record(mechanism="empty site")], level="u4", fitted={"fits": None}, published={}
    )
    assert barriers.notes(data) == []
