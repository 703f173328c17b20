"""Errors are those of their definitions, matched to the right trajectory, element and axis."""

from dataclasses import replace

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.validation import errors
from dlmd.validation.errors import Prediction

SPECIES = ["Li", "Cl"]


def prediction(source="a", *, force_error=None, frames=2, moments_in_range=None):
    """Two atoms; reference forces of 0.3 eV/Å in every component unless said otherwise."""
    reference = np.full((frames, 2, 3), 0.3)
    error = np.zeros_like(reference) if force_error is None else force_error
    energy = np.linspace(-4.0, -3.9, frames)
    return Prediction(
        source=source,
        elements=np.array(["Li", "Cl"]),
        energy_reference=energy,
        energy_predicted=energy + np.resize([0.001, -0.003], frames),
        force_reference=reference,
        force_predicted=reference + error,
        virial_reference=np.zeros((frames, 9)),
        virial_predicted=np.full((frames, 9), 0.002),
        volume=np.full(frames, 20.0),
        moments_in_range=np.full(frames, np.nan) if moments_in_range is None else np.array(moments_in_range),
    )


def test_definitions():
    error = np.zeros((2, 2, 3))
    error[:, 0, 1] = 0.06  # Li, y
    found = errors.summarise([prediction(force_error=error)], species=SPECIES)
    assert found["energy_mae_mev_per_atom"] == pytest.approx(2.0)
    assert found["energy_rmse_mev_per_atom"] == pytest.approx(np.sqrt(5.0))
    assert found["virial_rmse_mev_per_atom"] == pytest.approx(2.0)
    assert found["force_rms_mev_per_a"] == pytest.approx(300.0)
    assert found["force_mae_mev_per_a"] == pytest.approx(10.0)
    assert found["force_rmse_mev_per_a"] == pytest.approx(60 / np.sqrt(6))
    assert found["relative_force_rmse"] == pytest.approx(0.2 / np.sqrt(6))
    assert found["force_by_element"]["Cl"]["force_rmse_mev_per_a"] == 0
    assert found["force_by_element"]["Li"]["y"]["force_rmse_mev_per_a"] == pytest.approx(60.0)
    assert found["force_by_element"]["Li"]["x"]["force_rmse_mev_per_a"] == 0
    assert found["force_by_axis"]["y"]["force_rmse_mev_per_a"] == pytest.approx(60 / np.sqrt(2))


def test_trajectories_apart_and_together():
    good, bad = prediction("good"), prediction("bad", force_error=np.full((2, 2, 3), 0.1))
    found = errors.summarise([good, bad], species=SPECIES)
    assert found["trajectories"]["good"]["force_rmse_mev_per_a"] == pytest.approx(0.0, abs=1e-9)
    assert found["trajectories"]["bad"]["force_rmse_mev_per_a"] == pytest.approx(100.0)
    assert found["force_rmse_mev_per_a"] == pytest.approx(100 / np.sqrt(2))
    assert found["frames"] == 4


def walk(slope, *, frames, noise=0.0, offset=0.3, seed=0):
    """A trajectory whose energies are correlated in time, and predictions that are too steep, with an error as correlated."""
    rng = np.random.default_rng(seed)
    energy, error = (np.convolve(rng.normal(size=frames + 4), np.ones(5), "valid") for _ in range(2))
    return replace(
        prediction(frames=frames),
        energy_reference=0.01 * energy - 4.0,
        energy_predicted=0.01 * (slope * energy + noise * error) + offset,
    )


def test_the_slope_of_energies_is_blind_to_an_offset():
    found = errors.energy_slope(walk(1.05, frames=100))
    assert [found[k] for k in ("value", "low", "high")] == pytest.approx([1.05] * 3)
    assert errors.energy_slope(walk(1.05, frames=19)) is None


def test_the_interval_of_the_slope_knows_that_frames_are_correlated():
    hit = 0
    for seed in range(300):
        found = errors.energy_slope(walk(1.05, frames=200, noise=0.3, seed=seed))
        hit += found["low"] <= 1.05 <= found["high"]
    assert 0.9 <= hit / 300 <= 0.98


def test_the_pressure_is_a_third_of_the_trace_by_the_volume():
    # 0.002 eV of each diagonal component in 20 Å³ are 1e-4 eV/Å³
    found = errors.summarise([prediction(frames=6)], species=SPECIES)["trajectories"]["a"][
        "pressure_error_gpa"
    ]
    assert [found[key] for key in ("value", "low", "high")] == pytest.approx([1e-4 * 160.2177] * 3, rel=1e-5)
    noisy = prediction(frames=400)
    noise = np.random.default_rng(1).normal(scale=0.02, size=noisy.virial_predicted.shape)
    found = errors.pressure_error_gpa(replace(noisy, virial_predicted=noisy.virial_predicted + noise))
    width = 2 * 1.966 * 0.02 / 3**0.5 / 20 / 400**0.5 * 160.2177
    assert found["high"] - found["low"] == pytest.approx(width, rel=0.25)
    assert errors.pressure_error_gpa(prediction(frames=3)) is None
    assert errors.pressure_error_gpa(replace(noisy, volume=np.full(400, np.nan))) is None


def test_parity_points_are_pairs_of_the_data():
    rng = np.random.default_rng(3)
    p = prediction(force_error=rng.normal(size=(2, 2, 3)))
    everything = errors.parity_points([p], species=SPECIES)
    assert everything["force_reference"].shape == (4, 3)
    assert list(everything["force_element"]) == ["Li", "Cl", "Li", "Cl"]
    np.testing.assert_array_equal(everything["force_predicted"], p.force_predicted.reshape(-1, 3))

    some = errors.parity_points([p], species=SPECIES, max_points=3)
    assert len(some["force_reference"]) == len(some["force_element"]) == 3 and some["force_total"] == 4
    for predicted, element in zip(some["force_predicted"], some["force_element"], strict=True):
        row = np.flatnonzero((everything["force_predicted"] == predicted).all(axis=1))
        assert len(row) == 1 and everything["force_element"][row[0]] == element


def test_frames_whose_moments_left_their_state_are_counted_apart():
    error = np.zeros((2, 2, 3))
    error[1] = 0.1
    mixed = prediction("mixed", force_error=error, moments_in_range=[1, 0])
    unjudged = prediction("unjudged", force_error=np.full((2, 2, 3), 0.2))
    found = errors.summarise([mixed, unjudged], species=SPECIES)
    moments = found["moments"]
    assert moments["frames_not_judged"] == 2
    assert moments["in_range"]["frames"] == 1 and moments["left_their_state"]["frames"] == 1
    assert moments["in_range"]["force_rmse_mev_per_a"] == pytest.approx(0, abs=1e-9)
    assert moments["in_range"]["energy_rmse_mev_per_atom"] == pytest.approx(1.0)
    assert moments["left_their_state"]["force_rmse_mev_per_a"] == pytest.approx(100)
    assert moments["left_their_state"]["energy_rmse_mev_per_atom"] == pytest.approx(3.0)
    assert found["frames"] == 4  # acceptance's numbers are of all of them

    points = errors.parity_points([mixed, unjudged], species=SPECIES)
    flags = points["force_moments_in_range"]
    np.testing.assert_array_equal(flags, [1, 1, 0, 0, np.nan, np.nan, np.nan, np.nan])
    differences = (points["force_predicted"] - points["force_reference"])[flags == 0]
    np.testing.assert_allclose(differences, 0.1)
    np.testing.assert_array_equal(points["energy_moments_in_range"], [1, 0, np.nan, np.nan])
    np.testing.assert_array_equal(points["virial_moments_in_range"][:18], [1] * 9 + [0] * 9)

    good = errors.summarise([prediction(moments_in_range=[1, 1])], species=SPECIES)
    assert good["moments"]["left_their_state"] == {"frames": 0}


def test_nothing_is_said_of_moments_that_nobody_judged():
    assert "moments" not in errors.summarise([prediction()], species=SPECIES)
    assert not any("moments" in key for key in errors.parity_points([prediction()], species=SPECIES))


def write_details(work, tables):
    """What `dp test -d detail` writes: all systems one after the other, with the first one's name as header."""
    names = {
        "e": "data_e pred_e",
        "f": "data_fx data_fy data_fz pred_fx pred_fy pred_fz",
        "v": "data_vxx pred_vxx",
    }
    for kind, columns in names.items():
        rows = np.concatenate([table[kind] for table in tables])
        np.savetxt(work / f"detail.{kind}.out", rows, header=f"/of/the/first: {columns}")


@pytest.fixture
def details(tmp_path):
    """Two systems of 2 atoms (Cl, Li) with 1 and 2 frames, and dp's tables for them."""
    found, tables = [], []
    for name, frames in (("one", 1), ("two", 2)):
        folder = tmp_path / "test" / name
        (folder / "set.000").mkdir(parents=True)
        (folder / "type.raw").write_text("1\n0\n")
        found.append(folder)
        energy = np.arange(2.0 * frames).reshape(frames, 2) + 10 * frames
        np.save(folder / "set.000" / "energy.npy", energy[:, :1])
        tables.append(
            {
                "e": energy,
                "f": np.arange(12.0 * frames).reshape(2 * frames, 6) + 100 * frames,
                "v": np.arange(18.0 * frames).reshape(frames, 18),
            }
        )
    return tmp_path, found, tables


def test_details_are_matched_to_their_system(details):
    work, found, tables = details
    write_details(work, tables)
    one, two = errors.read_details(work, found, species=SPECIES)
    assert (one.source, two.source) == ("one", "two")
    assert list(one.elements) == ["Cl", "Li"]
    np.testing.assert_allclose(one.energy_reference, tables[0]["e"][:, 0] / 2)
    np.testing.assert_allclose(two.energy_predicted, tables[1]["e"][:, 1] / 2)
    np.testing.assert_allclose(two.force_predicted[1, 0], tables[1]["f"][2, 3:])
    np.testing.assert_allclose(two.virial_reference, tables[1]["v"][:, :9] / 2)


def test_flags_are_read_with_their_frames(details):
    work, found, tables = details
    np.save(found[1] / "set.000" / "moments_in_range.npy", [1.0, 0.0])
    write_details(work, tables)
    one, two = errors.read_details(work, found, species=SPECIES)
    np.testing.assert_array_equal(one.moments_in_range, [np.nan])
    np.testing.assert_array_equal(two.moments_in_range, [1, 0])
    np.save(found[1] / "set.000" / "moments_in_range.npy", [1.0])
    with pytest.raises(DlmdError, match="1 flags of moments for 2 frames"):
        errors.read_details(work, found, species=SPECIES)


def test_foreign_or_missing_details_are_errors(details):
    work, found, tables = details
    write_details(work, tables[::-1])
    with pytest.raises(DlmdError, match="not the 1 frames of one"):
        errors.read_details(work, found, species=SPECIES)
    write_details(work, tables[:1])
    with pytest.raises(DlmdError, match="not the 2 frames of two"):
        errors.read_details(work, found, species=SPECIES)
    write_details(work, [tables[0], tables[1] | {"f": tables[1]["f"][:-1]}])
    with pytest.raises(DlmdError, match="not the 2 frames of two"):
        errors.read_details(work, found, species=SPECIES)
    write_details(work, [*tables, tables[0]])
    with pytest.raises(DlmdError, match="wrote 4 frames, the held-out trajectories have 3"):
        errors.read_details(work, found, species=SPECIES)


def test_nothing_held_out_is_an_error(tmp_path):
    with pytest.raises(DlmdError, match="no trajectory is held out"):
        errors.test_errors(
            "model.pb",
            tmp_path,
            errors=tmp_path / "e.json",
            parity=tmp_path / "p.npz",
            species=SPECIES,
            threads=1,
            log=tmp_path / "log",
        )
