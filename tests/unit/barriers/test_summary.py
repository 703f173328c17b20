import pytest

from barrier_records import FITTED, record
from dlmd.barriers import summary
from dlmd.barriers.bands import ENDPOINT_COLLAPSED, UNCONVERGED


def summarise(bands, published=None, fitted=FITTED):
    return summary.summarise(bands, level="u4", fitted=fitted, published=published or {})


def test_median_and_range_are_of_converged_bands_alone():
    bands = [
        record(number=0, forward=0.30, backward=0.10),
        record(number=1, forward=0.50, backward=0.40),
        record(number=2, forward=0.31, backward=0.20),
        record(number=3, status=UNCONVERGED, forward=9.0),
        record(number=4, status=ENDPOINT_COLLAPSED, forward=0.0),
        record(hop="101", forward=0.7),
    ]
    data = summarise(bands, published={"[110]": 0.30})
    first, second = data["hops"]
    assert (first["label"], first["asked"], first["counted"]) == ("[110]", 5, 3)
    assert first["barrier_forward_ev"] == {"median": 0.31, "low": 0.30, "high": 0.50}
    assert first["barrier_backward_ev"] == {"median": 0.20, "low": 0.10, "high": 0.40}
    assert first["statuses"] == {"converged": 3, UNCONVERGED: 1, ENDPOINT_COLLAPSED: 1}
    assert first["published_ev"] == 0.30 and second["published_ev"] is None
    assert data["activation_energy_ev"]["conductivity"]["value"] == 0.25
    assert len(data["bands"]) == 6


def test_a_hop_without_a_converged_band_has_no_barrier():
    data = summarise([record(status=UNCONVERGED)], fitted={"fits": None})
    assert data["hops"][0]["barrier_forward_ev"] is None and data["hops"][0]["counted"] == 0
    assert data["activation_energy_ev"] == {"conductivity": None, "d_self": None}


def test_potential_and_engine_are_apart_and_compared_on_the_same_paths():
    bands = [
        record(number=0, forward=0.30),
        record(number=1, forward=0.60),
        record(number=2, status=UNCONVERGED),
        record(number=1, method="engine", forward=0.55),
        record(number=2, method="engine", forward=0.20),
    ]
    data = summarise(bands)
    assert [(h["method"], h["asked"]) for h in data["hops"]] == [("potential", 3), ("engine", 2)]
    (row,) = data["engine_comparison"]
    assert row["number"] == 1
    assert row["barrier_forward_potential_ev"] == pytest.approx(0.60)
    assert row["barrier_forward_engine_ev"] == pytest.approx(0.55)


def test_the_table_has_a_row_per_band_and_no_barrier_for_what_does_not_count():
    rows = summary.rows(summarise([record(), record(number=1, status=ENDPOINT_COLLAPSED)]))
    assert [row["barrier_forward_ev"] for row in rows] == ["0.3000", ""]
    assert rows[1]["residual_ev_per_angstrom"] == "" and rows[1]["status"] == ENDPOINT_COLLAPSED
    assert rows[0]["host_neighbours"] == 4 and rows[0]["direction"] == "[110]"
