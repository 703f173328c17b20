import json

import numpy as np
import pytest

from dlmd.base.units import CM2_PER_S_PER_A2_PER_PS
from dlmd.mechanism.numbers import collect, refused
from dlmd.trajectory.trajectory import Trajectory
from li3ticl6_jumps import CELL, analysed, network, run


@pytest.fixture(scope="module")
def data():
    trajectory, *_ = run(3, within=0.012, between=0.006, length_ps=250.0)
    msd = {"value": 2e-5, "low": 1e-6, "high": 4e-4}
    return json.loads(json.dumps(collect(analysed(trajectory, window_ps=(3.0, 9.0), d_self=msd))))


def test_occupancies_add_up_to_the_ions(data):
    assert sum(s["ions"]["value"] for s in data["sites"]) == pytest.approx(24.0)
    labels = {s["label"]: s for s in data["sites"]}
    assert labels["oct 2a"]["open_sites"] == 0
    assert labels["oct 2a"]["occupancy"] is None
    # all open octahedra are alike to these ions
    for label in ("oct 4g", "oct 2d", "oct 4h"):
        value = labels[label]["occupancy"]
        assert value["low"] - 0.08 < 24 / 40 < value["high"] + 0.08
    assert labels["tet 4i (1)"]["ions"]["value"] < 0.05


def test_residence_times_are_the_inverse_of_the_rates_that_were_put_in(data):
    sites = network()
    for s in data["sites"]:
        if not s["resting"] or "mean_ps" not in s["residence"]:
            continue
        mean = s["residence"]["mean_ps"]
        # neighbours of each open site of this kind, from the geometry
        from dlmd.base.periodic_tree import pairs

        resting = np.flatnonzero(sites.resting)
        i, j, _ = pairs(sites.positions[resting], sites.cell, 4.2)
        across = sites.layer[resting][i] != sites.layer[resting][j]
        rate = np.bincount(i, weights=np.where(across, 0.006, 0.012), minlength=len(resting))
        kind = sites.type_of_site[resting] == sites.labels.index(s["label"])
        assert mean["low"] * 0.97 < 1 / rate[kind].mean() < mean["high"] * 1.03
        median = s["residence"]["kaplan_meier"]["median_ps"]
        assert median == pytest.approx(np.log(2) / rate[kind].mean(), rel=0.45)


def test_transitions_of_hops_are_all_hops(data):
    hops = data["transitions"]["hops"]
    assert np.sum(hops["counts"]) == data["hops"]["events"]
    assert np.sum(hops["time_ps"]) == pytest.approx(data["hops"]["time_at_risk_ps"])
    assert sum(c["events"] for c in data["classes"]) == data["hops"]["events"]
    assert sum(c["share_of_hops"]["value"] for c in data["classes"]) == pytest.approx(1.0)
    assert sum(d["events"] for d in data["directions"]) == data["hops"]["events"]


def test_diffusion_of_hops_is_that_of_the_jumps(data):
    d = data["diffusion"]
    assert sum(s["value"] for s in d["shares_of_d_hop"].values()) == pytest.approx(1.0)
    factor = d["correlation_factor"]
    assert factor["low"] < 1.0 < factor["high"]
    expected = data["hops"]["rate_per_ps"]["value"] * 3.7**2 / 6 * CM2_PER_S_PER_A2_PER_PS
    assert d["d_random_cm2_per_s"] == pytest.approx(expected, rel=0.1)
    assert d["agree"] is True
    assert data["balance"]["balanced"]
    assert data["notes"] == [] or "longer than" in data["notes"][0]


def test_a_diffusion_that_disagrees_is_noted():
    trajectory, *_ = run(3, within=0.02, between=0.02, length_ps=60.0)
    msd = {"value": 1e-3, "low": 0.9e-3, "high": 1.1e-3}
    found = collect(analysed(trajectory, window_ps=(2.0, 6.0), d_self=msd))
    assert found["diffusion"]["agree"] is False
    assert any("do not meet" in note for note in found["notes"])


def test_without_a_window_there_is_no_diffusion():
    trajectory, *_ = run(3, within=0.02, between=0.02, length_ps=40.0)
    found = collect(analysed(trajectory))["diffusion"]
    assert "no diffusive window" in found["verdict"]
    assert "d_hop_cm2_per_s" not in found
    assert found["d_random_cm2_per_s"] > 0


def test_ions_that_all_leave_one_layer_are_out_of_balance():
    sites = network()
    lithium = np.flatnonzero(sites.layer % 2 == 1)[:16]
    titanium = np.flatnonzero(sites.resting & (sites.layer % 2 == 0))
    positions = np.empty((400, len(lithium), 3))
    inverse = np.linalg.inv(CELL)
    for k, site in enumerate(lithium):
        away = (sites.positions[titanium] - sites.positions[site]) @ inverse
        away = (away - np.round(away)) @ CELL
        nearest = away[np.linalg.norm(away, axis=1).argmin()]
        positions[:, k] = sites.positions[site] + (np.arange(400) > 20 * k + 10)[:, None] * nearest
    found = collect(analysed(Trajectory.from_arrays(positions, frame_interval_ps=0.1, cell=CELL)))
    assert found["balance"]["there"] == 16
    assert found["balance"]["back"] == 0
    assert not found["balance"]["balanced"]
    assert any("on their way to equilibrium" in note for note in found["notes"])


def test_leaving_is_counted_by_environment(data):
    rows = data["environment"]
    assert sum(r["events"] for r in rows) == data["hops"]["events"]
    assert sum(r["time_at_risk_ps"] for r in rows) == pytest.approx(data["hops"]["time_at_risk_ps"])
    assert sum(r["sites"] for r in rows) == 40
    assert {r["layer"] for r in rows} == {"Li layer", "Ti layer"}


def test_a_host_off_its_sites_is_a_verdict():
    found = refused("melted", temperature_k=700.0, mobile="Li")
    assert found["verdict"] == {"code": "no_sites", "message": "melted"}
