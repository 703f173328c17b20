"""What the GPU benchmark makes of its measurements, and what becomes of a model that cannot be made: without DeePMD-kit."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[3] / "benchmarks/gpu"
sys.path.insert(0, str(FOLDER))

import gpu_agreement  # noqa: E402
import gpu_dynamics  # noqa: E402
import gpu_models  # noqa: E402
from gpu_dynamics import Speed  # noqa: E402
from gpu_models import Failed, Source, Variant  # noqa: E402


@pytest.fixture(scope="module")
def benchmark():
    """The script, under a name of its own: there are several run.py."""
    spec = importlib.util.spec_from_file_location("gpu_benchmark", FOLDER / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_speeds_are_per_second_and_day():
    speed = Speed("LAMMPS", steps=1000, seconds=10.0, atoms=160, memory_mib=None)
    assert speed.atom_steps_per_s == 16_000
    assert speed.ns_per_day(2.0) == pytest.approx(86400 * 100 * 2e-6)


def test_memory_per_atom_is_the_slope_from_the_smallest_to_the_largest(benchmark):
    rows = [
        {"variant": "a", "atoms": 160, "memory_mib": 500.0},
        {"variant": "a", "atoms": 1280, "memory_mib": 570.0},
        {"variant": "a", "atoms": 10240, "reason": "out of memory"},
        {"variant": "b", "atoms": 160, "memory_mib": None},
    ]
    assert benchmark.memory_per_atom(rows) == {"a": pytest.approx(1024 * 70 / 1120)}


def test_hours_of_the_paper_need_its_network_at_its_size(benchmark):
    rows = [
        {"variant": "paper, pytorch, float64", "atoms": 20000, "atom_steps_per_s": 1e6},
        {"variant": "paper, tensorflow, float64", "atoms": 20000, "reason": "no time left"},
        {"variant": "paper, pytorch, float64", "atoms": 160, "atom_steps_per_s": 1e5},
        {"variant": "demo, pytorch, float32", "atoms": 20000, "atom_steps_per_s": 1e7},
    ]
    hours = 20_000 * 6 * 2 * 5.55e6 / 1e6 / 3600
    assert benchmark.paper_hours(rows) == {"paper, pytorch, float64": pytest.approx(hours)}


def test_networks_change_their_precision_and_nothing_else():
    data = {
        "model": {
            "precision": "float32",
            "w": np.ones(2, np.float32),
            "n": np.arange(3),
            "list": [np.zeros(1, np.float32)],
        },
        "type": "float32",
    }
    made = gpu_models.with_precision(data, "float64")
    assert made["model"]["precision"] == "float64" and made["type"] == "float32"
    assert made["model"]["w"].dtype == made["model"]["list"][0].dtype == np.float64
    assert made["model"]["n"].dtype == data["model"]["n"].dtype


def test_differences_are_per_atom_and_judged_by_the_precision():
    one = {"energy": np.float64(-10.0), "forces": np.zeros((4, 3)), "virial": np.zeros((3, 3))}
    other = {**one, "energy": np.float64(-10.00002), "forces": np.full((4, 3), 5e-4)}
    found = gpu_agreement.differences(one, other)
    assert found["energy_mev_per_atom"] == pytest.approx(0.005)
    assert found["force_max_mev_per_a"] == pytest.approx(0.5)
    assert gpu_agreement.agrees(found, "float32") and not gpu_agreement.agrees(found, "float64")


@pytest.mark.parametrize(("left", "asked"), [(100.0, [2, 100]), (9.0, [2, 75])])
def test_a_case_fills_its_time_and_no_more(left, asked):
    runs = []

    def run(steps, _left):
        runs.append(steps)
        return Speed("ASE", steps, 0.04 * steps, 160, None)

    gpu_dynamics.measure(run, seconds=4.0, left_s=lambda: left)
    assert runs == asked


def test_nothing_begins_without_time():
    with pytest.raises(Failed, match="no time left"):
        gpu_dynamics.measure(lambda *_: None, seconds=4.0, left_s=lambda: 3.0)


def test_what_cannot_be_made_stays_with_its_reason(tmp_path, monkeypatch):
    def convert(_source, target, precision):
        if target.suffix == ".pth":
            raise Failed("PyTorch 2.11.0 is needed")
        target.write_text(precision)

    def compress(*_arguments, cwd):
        raise Failed("no training script")

    monkeypatch.setattr(gpu_models, "convert", convert)
    monkeypatch.setattr(gpu_models, "dp", compress)
    (tmp_path / "model.pb").write_text("the model")
    source = Source("demo", tmp_path / "model.pb", "float32", tmp_path / "input.json")
    made = gpu_models.variants(
        source, tmp_path / "made", backends=["pytorch", "tensorflow"], precisions=["float32", "float64"]
    )
    assert len(made) == 8
    by_name = {one.name: one for one in made}
    assert "PyTorch 2.11.0" in by_name["demo, pytorch, float32"].reason
    assert by_name["demo, tensorflow, float32"].path.read_text() == "the model"
    assert by_name["demo, tensorflow, float64"].path.read_text() == "float64"
    assert by_name["demo, tensorflow, float32, compressed"] == Variant(
        "demo", "tensorflow", "float32", True, None, "not compressed: no training script"
    )


def test_a_line_of_the_table_has_numbers_or_a_reason(benchmark):
    assert benchmark.shown({"atoms": 1280, "variant": "a", "reason": "more than 74 s"}).endswith(
        "| more than 74 s |"
    )
    row = {
        "atoms": 160,
        "variant": "a",
        "atom_steps_per_s": 7123.0,
        "ns_per_day_2fs": 7.69,
        "memory_mib": None,
        "through": "ASE",
    }
    assert benchmark.shown(row) == "| 160 | a | 7,123 | 7.69 | – | ASE |"


def test_the_line_that_counts_is_found_among_the_noise_of_libraries():
    printed = 'I0000 a GPU is missing\n{"steps": 20, "seconds": 4.5}\nimplib-gen: libcudart.so.12: failed\n'
    assert gpu_dynamics.told_of(printed) == {"steps": 20, "seconds": 4.5}
    with pytest.raises(Failed, match="no such model"):
        gpu_dynamics.told_of("RuntimeError: no such model\n")
