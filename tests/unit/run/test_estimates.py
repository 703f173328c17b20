"""Sizes and costs of jobs from the config alone."""

from pathlib import Path

import pytest

from dlmd.config.reading import load
from dlmd.run import estimates, targets

ROOT = Path(__file__).parents[3]


@pytest.fixture
def config(monkeypatch):
    monkeypatch.chdir(ROOT)
    return lambda name, **overrides: load(f"config/{name}.yaml", overrides=overrides)


def test_atoms_of_the_published_production_cell(config):
    cells = estimates.compositions(config("li3ticl6"))
    assert cells["0.754", "20000"] == {"Li": 6000, "Ti": 2000, "Cl": 12000}
    assert cells["0.750", "160"] == {"Li": 48, "Ti": 16, "Cl": 96}


def test_disk_of_the_published_production_run(config):
    """6,000 Li, 55,000 frames: 4 GB per temperature (DCD), and 20,000 atoms, 1,100 frames in XTC."""
    run = estimates.md(config("li3ticl6"), atoms=20_000, mobile=6_000, steps=5_500_000)
    assert run.disk_bytes == 55_000 * 6_000 * 12 + 1_100 * 20_000 * 5
    assert (run.gpus, run.assumed) == (1, True)


def test_rates_are_those_measured(config):
    """The demo's network: 8.8 ms per MD step of 160 atoms and 16 to 20 ms per training step of 80, on one core."""
    cfg = config("demo")
    md = estimates.md(cfg, atoms=160, mobile=48, steps=1000)
    assert md.wall_s == pytest.approx(8.8, rel=0.3)
    assert estimates.training(cfg, atoms=80).wall_s == pytest.approx(0.018 * cfg.training.steps, rel=0.4)
    # the paper's: 37 ms per MD step, 0.25 to 0.5 s per training step
    paper = config("li3ticl6", launch={"accelerator": "cpu"})
    assert estimates.md(paper, atoms=160, mobile=48, steps=1000).wall_s == pytest.approx(37, rel=0.5)
    assert 0.25 / 2 < estimates.training_step_s(paper) * 160 < 0.5 * 2


def test_the_mechanism_of_the_published_run_has_its_time(config):
    """6,000 Li, 55,000 frames: at most 1.5 core hours; the walltime is three times that, and small runs keep an hour."""
    cost = estimates.mechanism(config("li3ticl6"), mobile=6000)
    assert cost.wall_s == pytest.approx(1.5 * 3600, rel=0.1)
    assert cost.minutes > 240 and estimates.mechanism(config("demo"), mobile=48).minutes == 60


def test_walltimes_grow_with_size_within_bounds(config):
    cfg = config("demo")
    source = targets.aimd_sources(cfg)[0]
    assert estimates.aimd(cfg, "chgnet", source, atoms=80).minutes == estimates.SHORTEST_MIN
    large = config("li3ticl6")
    source = targets.aimd_sources(large)[0]
    assert estimates.aimd(large, "u4", source, atoms=160).minutes == estimates.LONGEST_MIN
    one, two = (estimates.md(cfg, atoms=160, mobile=48, steps=n).minutes for n in (500_000, 1_000_000))
    assert estimates.SHORTEST_MIN < one < two <= 2 * one < estimates.LONGEST_MIN
