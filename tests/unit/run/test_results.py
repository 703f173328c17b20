"""The reader of a run: what is there is read once, what is not is empty, and a damaged file is named."""

import pytest

from dlmd.base.errors import DlmdError
from dlmd.base.files import write_json
from dlmd.run import tree
from dlmd.run.results import RunResults


@pytest.fixture
def run(tmp_path):
    return RunResults(tmp_path)


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, data)


def test_what_is_absent_is_empty(run):
    level = run.level("u4")
    assert run.answered == run.models == run.lattice == run.costs == level.dataset == level.bands == []
    assert level.arrhenius == level.errors == level.transport(500) == level.production_cell() == {}
    assert level.temperatures_k == []


def test_temperatures_are_found_by_number(run):
    level = run.level("u4")
    write(level.path(tree.TRANSPORT, T=500), {"marker": 1})
    write(level.path(tree.MECHANISM, T=500), {"marker": 2})
    assert level.transport(500) == level.transport(500.0) == {"marker": 1}
    assert level.mechanism(500.0) == {"marker": 2}
    assert level.transport(550) == {}
    # a file is read once
    level.path(tree.TRANSPORT, T=500).unlink()
    assert level.transport(500) == {"marker": 1}


def test_levels_with_an_answer_and_its_temperatures(run):
    answer = {"temperatures_k": [600, 500], "left_out": [{"temperature_k": 298}]}
    for name in ("u4", "u0"):
        write(run.level(name).path(tree.ARRHENIUS), answer)
    write(run.level("unfinished").path(tree.TRANSPORT, T=500), {})
    assert run.answered == ["u0", "u4"]
    assert run.level("u4").temperatures_k == [298, 500, 600]


def test_bands_come_without_the_list_of_paths(run):
    level = run.level("u4")
    write(level.path(tree.BARRIER_PATHS, hop="101"), {"paths": []})
    for number in (1, 0):
        write(level.path(tree.BAND, hop="101", number=number), {"number": number})
    assert [band["number"] for band in level.bands] == [0, 1]


def test_a_damaged_file_is_named(run):
    path = run.level("u4").path(tree.ERRORS)
    path.parent.mkdir(parents=True)
    path.write_text('{"force')
    with pytest.raises(DlmdError, match="no valid JSON"):
        _ = run.level("u4").errors
