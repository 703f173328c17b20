"""Cells of production that no label has are said, from labels and cells of known volumes."""

import numpy as np
import pytest

from dlmd.base.files import write_json
from dlmd.report import coverage
from dlmd.run import tree
from dlmd.run.results import RunResults

# production: 2 x 1 x 1 unit cells of 4 atoms
CELL = {"types": [1, 1, 1, 1, 2, 2, 2, 2], "masses_amu": {"Li": 6.94, "Cl": 35.45}, "repeat": [2, 1, 1]}


@pytest.fixture
def level(tmp_path):
    return RunResults(tmp_path).level("u4")


def write(level, pattern, data, **wildcards):
    path = level.path(pattern, **wildcards)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, data)


def labels(level, volumes, *, types=(0, 0, 1, 1), name="a"):
    """Labels of unit cells with these volumes (Å³); their species are in another order than production's."""
    system = level.path(tree.TRAIN) / name
    (system / "set.000").mkdir(parents=True)
    (system / "type_map.raw").write_text("Cl\nLi\n")
    np.savetxt(system / "type.raw", types, fmt="%d")
    edges = np.cbrt(np.array(volumes) * len(types) / 4)
    np.save(system / "set.000/box.npy", edges[:, None] * np.eye(3).reshape(1, 9))
    return f"../../../../dataset/u4/train/{name}"


def training(level, *systems):
    write(level, tree.TRAINING_INPUT, {"training": {"training_data": {"systems": systems}}}, m=0)


def beyond(level):
    """What is said of the files as they are now: a reader keeps what it has read."""
    return coverage.beyond_labels(RunResults(level.run.folder).level(level.name))


def production(level, volume, **by_temperature):
    write(level, tree.PRODUCTION_CELL, CELL | {"unit_cell": {"volume": volume}}, k=0)
    if by_temperature:
        rows = [
            {"temperature_k": float(t[1:]), "unit_cell": {"volume": v}} for t, v in by_temperature.items()
        ]
        write(level, tree.EXPANSION, {"temperatures": rows})


def test_cells_beyond_the_labels_are_named(level):
    training(level, labels(level, [100.0, 110.0]))
    production(level, 105.0, T300=98.0, T500=110.9, T600=121.0)
    (said,) = beyond(level)
    assert "(100.0 to 110.0 Å³ per unit cell)" in said
    assert "2.0% smaller than the smallest at 300 K; 10.0% larger than the largest at 600 K" in said
    assert "500 K" not in said


def test_the_relaxed_cell_is_judged_where_production_has_it(level):
    training(level, labels(level, [100.0, 110.0]))
    production(level, 115.5)
    assert "5.0% larger than the largest. The" in beyond(level)[0]
    production(level, 109.0)
    assert beyond(level) == []


def test_labels_of_another_composition_do_not_count(level):
    other = labels(level, [200.0], types=(0, 0, 0, 1), name="b")
    production(level, 150.0)
    training(level, other)
    assert beyond(level) == []
    training(level, other, labels(level, [100.0]))
    assert "50.0% larger" in beyond(level)[0]
    # eight atoms of one cell are two cells of four
    training(level, labels(level, [150.0], types=(0, 0, 1, 1, 0, 0, 1, 1), name="c"))
    assert beyond(level) == []


def test_nothing_is_said_of_a_potential_of_ones_own(level):
    production(level, 150.0)
    assert beyond(level) == []


def explored(level, number, frames, met=0, *, passed_over=False):
    found = {"round": number, "frames": frames, "passed_over": passed_over} | (
        {"anions_met": met} if met else {}
    )
    write(level, tree.SELECTED, found, i=number)


def test_the_share_of_explored_frames_with_a_broken_host_is_said_by_round(level):
    assert coverage.met_anions(level) == []
    explored(level, 0, 1386, 360)
    (said,) = coverage.met_anions(level)
    assert "360 of 1386 in round 1." in said and "No later round" in said and "max_met_anions" in said
    explored(level, 1, 1400)
    # one that settled before has the counts of the round before it
    explored(level, 2, 1400, passed_over=True)
    (said,) = coverage.met_anions(level)
    assert "360 of 1386 in round 1, 0 of 1400 in round 2. " in said and "Later rounds" in said


def test_whole_explorations_need_no_words(level):
    explored(level, 0, 1386)
    assert coverage.met_anions(level) == []
