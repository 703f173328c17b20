"""How much longer a run has to be, from its own statistics and times."""

import pytest

from dlmd.config.reading import load
from dlmd.run import longer
from dlmd.run.estimates import JobCost


class Model:
    """An hour on two cores for every segment."""

    def cost(self, job):
        assert job.rule == "md_segment" and job.output.startswith("results/")
        return JobCost(wall_s=3600.0, cores=2), "measured"


def fitted(times, shown="magnitude", times_elsewhere=4.0):
    prediction = {"temperature_k": 298.15, "shown": shown, "times_longer": times_elsewhere}
    aim = {"half_width_ev": 0.03, "times_longer": times}
    return {"fits": {"conductivity": {"to_reach": aim, "predictions": [prediction]}}}


@pytest.fixture
def cfg():
    return load("config/demo.yaml")


def test_segments_and_hours_are_those_of_all_temperatures_and_runs(cfg):
    said = longer.advice(cfg, "chgnet", fitted(2.2), Model())
    segments = -(-cfg.md.segments * 22 // 10)
    hours = (
        2 * (segments - cfg.md.segments) * len(cfg.md.temperatures_k) * cfg.md.replicas * cfg.md.potentials
    )
    assert said[0].startswith(
        f"E_a to ±0.03 eV needs `md.segments: {segments}` (now {cfg.md.segments}), {hours:.2g} core"
    )
    assert f"`md.segments: {4 * cfg.md.segments}`" in said[1]


def test_nothing_is_said_where_nothing_is_needed(cfg):
    assert longer.advice(cfg, "chgnet", fitted(1.0, shown="value"), Model()) == []
    assert longer.advice(cfg, "chgnet", {"fits": {}}, Model()) == []


def test_no_longer_run_helps_what_is_too_far_away(cfg):
    said = longer.advice(cfg, "chgnet", fitted(1.0, shown="withheld", times_elsewhere=None), Model())
    assert said == [
        "σ at 298.15 K needs a temperature nearer to it in `md.temperatures_k`: longer runs at these would not give it"
    ]
