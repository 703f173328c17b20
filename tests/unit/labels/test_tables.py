"""Tables gathered from jobs: level beside level, published rows below."""

import csv
import json

import pytest

from dlmd.labels import tables

CELL = {"a": 6.4, "b": 11.0, "c": 6.3, "alpha": 90, "beta": 110, "gamma": 90, "volume": 417.0}


def relaxed(folder, level, occupancy, ordering, a):
    path = folder / level / occupancy / "80" / str(ordering) / "relax.json"
    path.parent.mkdir(parents=True)
    path.write_text(
        json.dumps(
            {
                "unit_cell": CELL | {"a": a},
                "energy_ev_per_atom": -4.0,
                "fmax_ev_per_a": 0.01,
                "converged": True,
                "steps": 7,
            }
        )
    )
    return str(path)


@pytest.fixture
def levels(tmp_path):
    """Tables of two levels: occupancy x with two orderings, occupancy y with one."""
    cells = (("x", 0), ("x", 1), ("y", 0))
    found = {}
    for level, longer in (("u0", 0.0), ("u4", 0.5)):
        infos = [relaxed(tmp_path, level, name, n, 6.0 + 0.1 * n + longer) for name, n in cells]
        found[level] = str(tmp_path / f"{level}.csv")
        tables.lattice(infos, found[level])
    return found


def compare(levels, folder, published=None):
    reference = folder / "reference.yaml"
    reference.write_text(json.dumps({"lattice": published or []}))
    tables.lattice_comparison(levels, str(folder / "all.csv"), reference=str(reference))
    with (folder / "all.csv").open() as file:
        return list(csv.DictReader(file))


def test_levels_stand_beside_each_other_and_published_rows_below_their_occupancy(levels, tmp_path):
    published = [
        {"label": "measured", "occupancy": "z", "a": 6.3, "b": 10.9, "c": 6.2, "beta": 110},
        {"label": "paper", "occupancy": "x", "a": 6.2, "b": 10.9, "c": 6.2, "beta": 110},
    ]
    rows = compare(levels, tmp_path, published)
    assert [(r["occupancy"], r["ordering"], r["source"], float(r["a"])) for r in rows] == [
        ("x", "0", "u0", 6.0),
        ("x", "0", "u4", 6.5),
        ("x", "1", "u0", 6.1),
        ("x", "1", "u4", 6.6),
        ("x", "", "paper", 6.2),
        ("y", "0", "u0", 6.0),
        ("y", "0", "u4", 6.5),
        ("z", "", "measured", 6.3),
    ]
    assert rows[0]["volume"] == "417.0000" and rows[4]["volume"] == rows[4]["energy_ev_per_atom"] == ""


def test_without_published_values_there_are_the_levels_alone(levels, tmp_path):
    assert {row["source"] for row in compare(levels, tmp_path)} == {"u0", "u4"}
    tables.lattice_comparison(levels, str(tmp_path / "none.csv"), reference=None)
    assert (tmp_path / "none.csv").read_text() == (tmp_path / "all.csv").read_text()
