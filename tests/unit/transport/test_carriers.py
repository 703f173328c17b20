"""Several mobile elements through the pipeline's analysis: the conductivity of all of them is known exactly."""

import numpy as np
import pytest

from dlmd.base.units import conductivity_ms_per_cm
from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport.analysis import analyse
from dlmd.transport.carriers import analyse_all

CELL, INTERVAL_PS, TEMPERATURE_K = np.diag([20.0, 20, 20]), 0.5, 600.0
COUNTS = {"Li": 8, "Mg": 6}
OWN, SHARED = {"Li": 0.6, "Mg": 0.5}, 0.2


def walk(seed, *, frames=1500, drift=0.0):
    """Free steps of every ion, and one that all share; the host is drifting, by `drift` Å per frame."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, SHARED, (frames, 1, 3))
    steps = [rng.normal(0, OWN[name], (frames, n, 3)) + shared for name, n in COUNTS.items()]
    centre = np.arange(frames)[:, None] * np.full(3, drift)
    positions = np.concatenate(steps, axis=1).cumsum(axis=0) + centre[:, None]
    found = Trajectory.from_arrays(
        positions,
        frame_interval_ps=INTERVAL_PS,
        cell=CELL,
        mobile="Li,Mg",
        temperature_k=TEMPERATURE_K,
        host_com=centre,
    )
    found.carriers = dict(COUNTS)
    return found


def exact(charges):
    """mS/cm: growth per axis and frame of the mean square of the sum of z_i r_i."""
    growth = sum(n * (charges[name] * OWN[name]) ** 2 for name, n in COUNTS.items())
    growth += (SHARED * sum(n * charges[name] for name, n in COUNTS.items())) ** 2
    return (
        growth
        / (2 * INTERVAL_PS)
        * conductivity_ms_per_cm(
            diffusion_a2_per_ps=1.0,
            n_ions=1,
            charge_e=1.0,
            volume_angstrom3=8000.0,
            temperature_k=TEMPERATURE_K,
        )
    )


@pytest.mark.parametrize("charges", [{"Li": 1, "Mg": 2}, {"Li": 1.0, "Mg": -1.0}])
def test_conductivity_of_all_carriers_is_exact(charges):
    inside = []
    for seed in range(4):
        result = analyse_all([walk(seed)], charges=charges, lag_start_ps=1.0, lag_end_ps=5.0)
        # a gate may refuse a run of few ions; what is told must hold
        if result["verdict"]["code"] in ("ok", "upper_bound"):
            found, sigma = result, result["conductivity_ms_per_cm"]
            inside.append(sigma["low"] < exact(charges) < sigma["high"])
    assert len(inside) >= 3 and sum(inside) >= len(inside) - 1
    assert found["mobile"] == "Li,Mg" and found["n_ions"] == 14
    mg = found["carriers"]["Mg"]
    assert mg["charge_e"] == charges["Mg"] and mg["n_ions"] == 6
    truth = (OWN["Mg"] ** 2 + SHARED**2) / (2 * INTERVAL_PS) * 1e-4
    assert mg["d_self_cm2_per_s"]["low"] < truth < mg["d_self_cm2_per_s"]["high"]
    assert any("count by their charges" in note for note in found["notes"]) == (charges["Mg"] == 2)


def test_one_charge_for_all_is_the_analysis_of_all_ions_as_one():
    trajectory = walk(3)
    options = {"lag_start_ps": 1.0, "lag_end_ps": 5.0}
    found = analyse_all([trajectory], charges={"Li": 1, "Mg": 1}, **options)
    plain = analyse([trajectory], charge=1.0, **options).to_dict()
    assert {key: found[key] for key in plain} == plain
    total = sum(
        (1 if a == b else 2) * found["together"]["matrix_ms_per_cm"][f"{a}-{b}"]["value"]
        for a, b in (("Li", "Li"), ("Li", "Mg"), ("Mg", "Mg"))
    )
    sigma = found["conductivity_ms_per_cm"]
    assert sigma["low"] < total < sigma["high"]
    assert sum(one["value"] for one in found["together"]["transference"].values()) == pytest.approx(1.0)


def test_scaling_is_about_the_host_and_keeps_its_drift():
    still, drifting = walk(5, frames=300), walk(5, frames=300, drift=0.05)
    factors = {"Li": 0.5, "Mg": 2.0}
    one, other = still.scaled(factors), drifting.scaled(factors)
    assert np.allclose(one.collective(), other.collective(), atol=1e-3)
    block = next(iter(one.blocks()))
    assert np.allclose(block[:, :8], 0.5 * next(iter(still.blocks()))[:, :8])
    assert np.allclose(block[:, 8:], 2.0 * next(iter(still.blocks()))[:, 8:])
    assert np.allclose(other.host_centre, drifting.host_centre)


def test_refused_is_refused_in_its_parts():
    rng = np.random.default_rng(0)
    trajectory = Trajectory.from_arrays(
        rng.normal(0, 0.1, (2000, 14, 3)),
        frame_interval_ps=INTERVAL_PS,
        cell=CELL,
        temperature_k=TEMPERATURE_K,
    )
    trajectory.mobile, trajectory.carriers = "Li,Mg", dict(COUNTS)
    found = analyse_all([trajectory], charges={"Li": 1, "Mg": 2}, lag_start_ps=1.0, lag_end_ps=5.0)
    assert found["verdict"]["code"] not in ("ok", "upper_bound")
    assert found["conductivity_ms_per_cm"] is None
    assert (
        set(found["together"]) == {"version", "verdict"}
        and found["together"]["verdict"]["code"] == found["verdict"]["code"]
    )
