"""What the GPU benchmark makes of its measurements, and what becomes of a model that cannot be made: without DeePMD-kit."""

import importlib.util
import json
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

from dlmd.base.errors import DlmdError  # noqa: E402
from dlmd.config.reading import load  # noqa: E402
from dlmd.run import estimates, gpu_rates  # noqa: E402


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


def measured(benchmark, tmp_path, monkeypatch, *, device="cuda"):
    """gpu.json as the script writes it, with numbers in the place of measurements."""
    (tmp_path / "model.pb").touch()
    speeds = {"demo, tensorflow, float32, compressed": 3.0e6, "demo, tensorflow, float64": 1.0e6}
    speeds |= {"paper, tensorflow, float64, compressed": 2.0e6, "paper, pytorch, float64, compressed": 9.0e6}
    made = []
    for name in speeds:
        network, backend, precision, *compressed = name.split(", ")
        made.append(Variant(network, backend, precision, bool(compressed), tmp_path / "model.pb"))
    monkeypatch.setattr(benchmark.gpu_models, "variants", lambda *_, **__: [made.pop(0), made.pop(0)])
    monkeypatch.setattr(
        benchmark.gpu_models, "paper_model", lambda *_: Source("paper", tmp_path, "float64", tmp_path)
    )
    monkeypatch.setattr(benchmark, "agreement", lambda *_, **__: [])
    monkeypatch.setattr(
        benchmark.gpu_models, "dp", lambda *_, **__: "total wall time = 9 s\ntotal wall time = 0.5 s"
    )
    monkeypatch.setattr(
        benchmark,
        "_speed",
        lambda one, frame, *_, **__: Speed(
            "LAMMPS", 1000, int(frame.stem) * 1000 / speeds[one.name], int(frame.stem), 1.0
        ),
    )
    out = tmp_path / "gpu.json"
    monkeypatch.setattr(
        sys,
        "argv",
        [
            "run.py",
            str(tmp_path / "model.pb"),
            "--device",
            device,
            "--sizes",
            "160",
            "1280",
            "--out",
            str(out),
        ],
    )
    benchmark.main()
    return out


def test_the_plan_takes_what_the_script_writes(benchmark, tmp_path, monkeypatch):
    monkeypatch.chdir(FOLDER.parents[1])
    out = measured(benchmark, tmp_path, monkeypatch)
    paper, demo = load("config/li3ticl6.yaml"), load("config/demo.yaml", {"launch": {"accelerator": "cuda"}})
    rates = gpu_rates.read(out, paper, atoms=20_000)
    # the paper's network by the backend of production, at the size that is nearest
    assert "paper, tensorflow, float64, compressed; 1,280 atoms, through LAMMPS" in rates.sentence()
    job = estimates.md(paper, atoms=20_000, mobile=6_000, steps=1000, rates=rates)
    assert job.wall_s == pytest.approx(20_000 * 1000 / 2.0e6) and not job.assumed
    rates = gpu_rates.read(out, demo, atoms=160)
    assert estimates.md(demo, atoms=160, mobile=48, steps=1000, rates=rates).wall_s == pytest.approx(
        160_000 / 3.0e6
    )
    # 50 steps in half a second
    atoms = json.loads(out.read_text())["training"][1]["atoms"]
    trained = estimates.training(demo, atoms=atoms, rates=rates)
    assert trained.wall_s == pytest.approx(demo.training.steps / 100) and not trained.assumed
    guess = estimates.md(demo, atoms=160, mobile=48, steps=1000)
    assert guess.assumed and "a guess" in estimates.GUESSED.sentence()


def test_rates_of_a_cpu_or_of_nothing_are_refused(benchmark, tmp_path, monkeypatch):
    monkeypatch.chdir(FOLDER.parents[1])
    cfg = load("config/demo.yaml")
    with pytest.raises(DlmdError, match="measured on a CPU"):
        gpu_rates.read(measured(benchmark, tmp_path, monkeypatch, device="cpu"), cfg, atoms=160)
    path = tmp_path / "rates.json"
    with pytest.raises(DlmdError, match="no such file"):
        gpu_rates.read(path, cfg, atoms=160)
    path.write_text('{"run": "demo"}')
    with pytest.raises(DlmdError, match="no rates of a GPU"):
        gpu_rates.read(path, cfg, atoms=160)
    speed = [{"atoms": 160, "variant": "demo, tensorflow, float32", "reason": "out of memory"}]
    path.write_text(
        json.dumps({"machine": {"device": "cuda"}, "networks": {}, "training": [], "speed": speed})
    )
    with pytest.raises(DlmdError, match="no network ran there: out of memory"):
        gpu_rates.read(path, cfg, atoms=160)
