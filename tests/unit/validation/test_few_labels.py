"""What few labels brought: slopes, learning curve and words, from frames whose answer is known."""

import numpy as np
import pytest

from dlmd.training.systems import read_system
from dlmd.validation import acceptance, few_labels

BOUNDS = {"max_force_slope_error": 0.1, "max_energy_slope_error": 0.1}


def compared(softness=1.0, noise=0.0, frames=12, pressure=0.0):
    rng = np.random.default_rng(1)
    forces = rng.normal(size=(frames, 40, 3))
    predicted = softness * forces + noise * rng.normal(size=forces.shape)
    energy = rng.normal(size=frames)
    energy -= energy.mean()
    return few_labels.Compared(
        force_cross=(forces * predicted).sum(axis=(1, 2)),
        force_square=(forces**2).sum(axis=(1, 2)),
        force_error=((predicted - forces) ** 2).sum(axis=(1, 2)),
        components=np.full(frames, 120),
        energy_reference=energy,
        energy_predicted=softness * energy,
        pressure_error_gpa=pressure + 0.1 * rng.normal(size=frames),
    )


def test_softening_is_the_slope_of_forces_and_energies():
    found = few_labels.numbers(compared(softness=0.8, noise=0.1, pressure=-1.0))
    slope = found["force_slope"]
    assert slope["low"] < 0.8 < slope["high"] and slope["high"] - slope["low"] < 0.05
    assert found["energy_slope"]["value"] == pytest.approx(0.8)
    assert found["relative_force_rmse"] == pytest.approx(np.hypot(0.2, 0.1), rel=0.05)
    assert found["pressure_error_gpa"]["low"] < -1.0 < found["pressure_error_gpa"]["high"]


def test_too_few_frames_give_no_slope():
    found = few_labels.numbers(compared(frames=3))
    assert found["force_slope"] is found["energy_slope"] is found["pressure_error_gpa"] is None


def test_learning_curve_with_and_without_a_floor():
    labels = [10, 20, 40]
    free = few_labels.learning_curve(labels, [0.6 / np.sqrt(n) for n in labels])
    assert free["floor"] == pytest.approx(0.0, abs=1e-6)
    # a quarter of the square takes four times the labels
    assert free["labels_to_halve"] in (160, 161)
    bound = few_labels.learning_curve(labels, [np.hypot(0.13, 0.1 / np.sqrt(n)) for n in labels])
    assert bound["floor"] == pytest.approx(0.13) and bound["labels_to_halve"] is None


def test_a_soft_surface_makes_ions_too_fast():
    assert few_labels.d_factor(0.8, 300) == pytest.approx(np.exp(0.2 * 0.3 / (8.617e-5 * 300)), rel=1e-3)
    assert few_labels.d_factor(1.0, 300) == 1.0


def record(softness):
    after = few_labels.numbers(compared(softness=softness, noise=0.05))
    before = few_labels.numbers(compared(softness=0.5, noise=0.3))
    curve = few_labels.learning_curve([10, 20, 40], [0.3, 0.22, 0.16])
    return {
        "labels": 40,
        "before": before,
        "after": after,
        "curve": [0, 0, 0],
        "relation": curve,
        "lowest_temperature_k": 450,
    }


def test_the_words_have_the_numbers():
    text = " ".join(few_labels.sentences(record(1.0)))
    assert "40 labels and 12 held-out single points" in text
    assert "labels would halve the force error" in text and "at 450 K" in text


@pytest.mark.parametrize(("trained", "said"), [(0.8, True), (0.6, False)])
def test_an_error_that_the_trained_frames_show_too_calls_for_longer_training(trained, said):
    found = record(1.0)
    error = found["after"]["relative_force_rmse"]
    lines = few_labels.sentences(found | {"trained_relative_force_rmse": trained * error})
    assert any("training.fine_tuning.steps" in line for line in lines) is said
    assert not any("training.fine_tuning.steps" in line for line in few_labels.sentences(found))


def test_the_gate_refuses_a_soft_potential():
    checks = {c.name: c.ok for c in acceptance.checks(None, [], None, BOUNDS, few=record(0.8))}
    assert checks == {"force slope of single points": False, "energy slope of single points": False}
    assert all(c.ok for c in acceptance.checks(None, [], None, BOUNDS, few=record(0.95)))


def test_parts_of_the_labels_lie_in_each_other(tmp_path):
    for name, frames in (("one", 6), ("two", 4)):
        part = tmp_path / "train" / name / "set.000"
        part.mkdir(parents=True)
        (part.parent / "type.raw").write_text("0\n1\n")
        energy = np.arange(frames) + (100 if name == "two" else 0)
        np.save(part / "energy.npy", energy.astype(float))
        for key, width in (("coord", 6), ("force", 6), ("box", 9), ("virial", 9)):
            np.save(part / f"{key}.npy", np.zeros((frames, width)))
    taken = {}
    for share in (0.3, 0.6):
        target = tmp_path / f"part{share}"
        assert few_labels.take_part(tmp_path / "train", target, share, seed=1) == round(10 * share)
        taken[share] = {e for f in few_labels.systems(target) for e in read_system(f).energies}
    assert len(taken[0.6]) == 6 and taken[0.3] < taken[0.6]
