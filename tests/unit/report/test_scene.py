"""The cell in space: sites inside the cell, hops to the image that the ion went to, nothing where there are no sites."""

import json

import numpy as np
import pytest

from dlmd.report.scene import connections, scene, wrapped

CELL = np.array([[10.0, 0.0, 0.0], [0.0, 10.0, 0.0], [-2.0, 0.0, 10.0]])
HEADER = "run,ion,time_ps,from_site,to_site,from_type,to_type,class,direction,dx_a,dy_a,dz_a\n"


@pytest.fixture
def hops(tmp_path):
    path = tmp_path / "500K.hops.csv"
    # from the site near one face over it to the other, and back; and one in another run's cell
    path.write_text(
        HEADER
        + "0,0,1.0,0,1,a,b,x,y,-2.000,0.000,0.000\n"
        + "0,0,2.0,1,0,b,a,x,y,2.000,0.000,0.000\n"
        + "0,1,3.0,1,2,b,c,x,y,0.000,0.000,5.000\n"
        + "1,1,3.0,0,2,b,c,x,y,1.000,0.000,5.000\n"
    )
    return path


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return {
        "unit_cell_a": CELL,
        "density_per_a3": rng.random((40, 40, 40)).astype(np.float32),
        "trace0_positions_a": np.cumsum(rng.normal(size=(1000, 3)), axis=0) - 20.0,
        "trace0_cell_a": CELL,
        # the first one a cell away from where it is drawn
        "trace0_sites_a": np.array([[11.0, 5.0, 0.0], [9.0, 5.0, 0.0], [8.0, 5.0, 5.0]]),
        "trace0_layers": np.array([0, 0, 1]),
        "trace0_host_a": np.array([[5.0, 5.0, 5.0], [25.0, 5.0, 5.0]]),
        "trace0_host_species": np.array(["Ti", "Cl"]),
    }


def test_wrapped_positions_are_in_the_cell_and_the_same_sites():
    points = np.array([[11.0, -3.0, 25.0], [-1e-9, 0.0, 0.0]])
    inside = wrapped(points, CELL)
    fractional = np.linalg.solve(CELL.T, inside.T).T
    assert ((fractional >= 0) & (fractional < 1)).all()
    shift = np.linalg.solve(CELL.T, (inside - points).T).T
    assert np.allclose(shift, np.round(shift), atol=1e-5)
    # on the face, not opposite to it
    assert np.allclose(inside[1], 0.0, atol=1e-4)


def test_both_directions_of_a_connection_are_one_and_other_runs_are_left_out(hops):
    assert connections(hops) == {(0, 1, -2.0, 0.0, 0.0): 2, (1, 2, 0.0, 0.0, 5.0): 1}


def test_hops_are_drawn_to_the_image_and_apart_by_layer(hops, arrays):
    figure = scene(arrays, hops=hops, mobile="Li", anions={"Cl"}, traces=[{"kind": "within a layer"}])
    by_name = {d["name"]: d for d in figure["data"]}
    within = by_name["hops within a layer, seen 2 to 3 times"]
    # the first site is drawn at x = 1, and the ion went over the face to x = -1, not through the cell to x = 9
    assert within["x"] == [1.0, -1.0, None]
    assert by_name["hops between layers, seen 1 times"]["z"] == [0.0, 5.0, None]


def test_scene_is_json_of_a_size_for_a_page(hops, arrays):
    figure = scene(arrays, hops=hops, mobile="Li", anions={"Cl"}, traces=[{"kind": "within a layer"}])
    text = json.dumps(figure, allow_nan=False)
    assert len(text) < 2_000_000
    density = next(d for d in figure["data"] if d["type"] == "isosurface")
    assert len(density["value"]) == len(density["x"]) <= 40_000
    assert density["visible"] == "legendonly"


def test_no_scene_without_sites(hops):
    assert scene({}, hops=hops, mobile="Li", anions={"Cl"}, traces=[]) is None
