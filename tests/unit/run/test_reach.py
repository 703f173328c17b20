"""What low temperatures take, of conductors whose D is put in."""

import numpy as np
import pytest

from dlmd.base.units import BOLTZMANN_EV_PER_K
from dlmd.config.reading import load
from dlmd.run import reach
from dlmd.run.estimates import JobCost
from dlmd.transport import arrhenius
from dlmd.transport.gates import Limits
from exact_lines import ENERGY, TEMPERATURES, result

COLD = (298.15, 373.15)


class Model:
    """An hour on two cores for every segment."""

    def cost(self, job):
        assert job.rule == "md_segment"
        return JobCost(wall_s=3600.0, cores=2), "measured"


@pytest.fixture
def cfg():
    return load("config/demo.yaml")


def results(onset_ps):
    return [result(t, error=0.02) | {"onset_ps": onset_ps} for t in TEMPERATURES]


def test_d_of_the_run_is_on_its_line():
    found = results(4.0)
    known = reach.of_run(arrhenius.fit(found), found, COLD)
    d = found[0]["d_self_cm2_per_s"]["value"]
    for i, t in enumerate(COLD):
        wanted = d * np.exp(-ENERGY / BOLTZMANN_EV_PER_K * (1 / t - 1 / TEMPERATURES[0]))
        # the curve is stored at 32 temperatures
        assert known.value[i] == pytest.approx(wanted, rel=0.05)
        assert known.low[i] < known.value[i] < known.high[i]
    assert known.onset == pytest.approx(4.0 * np.median([r["d_self_cm2_per_s"]["value"] for r in found]))
    assert reach.of_run({"fits": {}}, found, COLD) is None


def test_a_run_is_long_enough_for_the_gates():
    limits = Limits(hop_length_angstrom=3.0)
    d = np.array([1e-8])  # 1e-4 Å²/ps
    known = reach.Known(np.array([300.0]), d, d, d, None, "")
    (length,) = reach.lengths_ps(known, d, limits=limits)
    assert 6 * 1e-4 * length == pytest.approx(limits.hops_per_run * 9.0)
    # an onset that is long for its D asks for more
    (longer,) = reach.lengths_ps(
        reach.Known(known.temperature_k, d, d, d, 20_000.0 * d[0], ""), d, limits=limits
    )
    assert longer == pytest.approx(8 * 20_000.0)


def test_hours_are_those_of_all_runs_at_the_speed_of_a_segment(cfg):
    d = np.array([1e-7])
    (row,) = reach.rows(cfg, "u4", reach.Known(np.array([300.0]), d, d, d, None, ""), Model())
    ps = (30 / 7) * cfg.transport.hop_length_angstrom**2 / (6 * 1e-3)
    assert float(row["ns"]) == pytest.approx(ps / 1000, rel=0.05)
    assert float(row["core hours"]) == pytest.approx(2 * ps / cfg.md.segment_ps, rel=0.05)
    d = d * np.array([0.1])
    spread = reach.Known(np.array([300.0]), 10 * d, d, 100 * d, None, "")
    assert reach.rows(cfg, "u4", spread, Model())[0]["ns"].count("to") == 1


def test_d_of_a_given_conductivity(cfg):
    known = reach.of_conductivity(cfg, ms_per_cm=1.06, at_k=298.15, energy_ev=0.3, temperatures_k=COLD)
    # DESIGN.md: 1.06 mS/cm at 298 K are a D_total of 1.2e-8 cm²/s
    assert known.value[0] / reach.HAVEN_RATIO == pytest.approx(1.2e-8, rel=0.05)
    ratio = np.exp(0.3 / BOLTZMANN_EV_PER_K * (1 / COLD[0] - 1 / COLD[1]))
    assert known.value[1] / known.value[0] == pytest.approx(ratio)
