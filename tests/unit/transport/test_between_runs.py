"""Runs of different orderings: their scatter is part of the interval of the line's height and slope."""

import numpy as np
import pytest

from dlmd.base.units import BOLTZMANN_EV_PER_K
from dlmd.transport import arrhenius, between_runs
from exact_lines import ENERGY, PREFACTOR, TEMPERATURES, result

AT_ROOM = PREFACTOR * np.exp(-ENERGY / (BOLTZMANN_EV_PER_K * 550)) / 550


def runs_of(rng, *, scatter, orderings=4, error=0.05):
    """Results of all temperatures of each ordering, whose conductivity is off by its own factor."""
    shift = scatter * rng.standard_normal(orderings)
    return [
        {
            "potential": 0,
            "ordering": n,
            "temperatures": [
                result(t, error=error, noise=shift[n] + error * rng.standard_normal()) for t in TEMPERATURES
            ],
        }
        for n in range(orderings)
    ]


def pooled(runs, error=0.05):
    """What all runs together give at each temperature: the mean, with the error of the statistics alone."""
    out = []
    for k, t in enumerate(TEMPERATURES):
        values = [run["temperatures"][k]["conductivity_ms_per_cm"]["value"] for run in runs]
        off = np.mean(np.log(values)) - np.log(PREFACTOR * np.exp(-ENERGY / (BOLTZMANN_EV_PER_K * t)) / t)
        out.append(result(t, error=error / len(runs) ** 0.5, noise=off))
    return out


def covered(drawn, **more):
    fit = arrhenius.fit(pooled(drawn), predict_k=[550.0], **more)["fits"]["conductivity"]
    found = fit["predictions"][0]["value_ms_per_cm"]
    return found["low"] <= AT_ROOM <= found["high"]


def test_scatter_of_orderings_is_in_the_interval():
    """30 % between orderings, of which four were run: without their scatter, intervals hold the truth in few cases."""
    rng = np.random.default_rng(5)
    drawn = [runs_of(rng, scatter=0.3) for _ in range(40)]
    assert np.mean([covered(each) for each in drawn]) < 0.6
    assert np.mean([covered(each, runs=each) for each in drawn]) >= 0.88


def test_orderings_that_agree_add_little():
    rng = np.random.default_rng(6)
    many = runs_of(rng, scatter=0.0, orderings=8, error=0.02)
    found = between_runs.effects(many, "conductivity_ms_per_cm").to_dict()
    assert found["runs"] == 8 and found["sd_of_mean_ln"] < 0.01


def test_the_scatter_of_the_slopes_is_that_of_the_activation_energy():
    rng = np.random.default_rng(7)
    runs = []
    for n, off in enumerate(rng.normal(0, 0.05, 12)):
        tilt = [
            -off / BOLTZMANN_EV_PER_K * (1 / t - np.mean(1 / np.array(TEMPERATURES))) for t in TEMPERATURES
        ]
        temperatures = [result(t, error=0.02, noise=x) for t, x in zip(TEMPERATURES, tilt, strict=True)]
        runs.append({"potential": 0, "ordering": n, "temperatures": temperatures})
    found = between_runs.effects(runs, "conductivity_ms_per_cm").to_dict()
    assert found["sd_of_mean_slope_ev"] == pytest.approx(0.05 / 12**0.5, rel=0.4)


def test_the_scatter_of_orderings_is_counted_once():
    """Each temperature's interval holds the scatter of the orderings, and so does the line: it must be no wider for both."""
    rng = np.random.default_rng(8)
    scatter, error = 0.3, 0.05
    held = []
    for _ in range(16):
        runs = runs_of(rng, scatter=scatter, error=error)
        sharp = pooled(runs, error)
        key = "conductivity_ms_per_cm"
        wide = [one | {key: widened(one[key], np.hypot(error, scatter) / 2)} for one in sharp]
        once, twice = (
            arrhenius.fit(given, runs=runs)["fits"]["conductivity"]["activation_energy_ev"]
            for given in (sharp, wide)
        )
        assert twice == pytest.approx(once, rel=1e-6)
        held.append(twice["low"] <= ENERGY <= twice["high"])
    assert np.mean(held) >= 0.88


def test_where_one_run_has_no_value_the_interval_stays():
    rng = np.random.default_rng(9)
    runs = runs_of(rng, scatter=0.1)
    runs[2]["temperatures"][0] = result(TEMPERATURES[0], code="too_short")
    found = between_runs.own_errors(runs, "conductivity_ms_per_cm", np.array(TEMPERATURES), np.full(6, 0.4))
    assert found == pytest.approx([0.4, *[0.05 / 4**0.5] * 5])


def widened(estimate, error):
    reach = np.exp(1.959964 * error)
    return {
        "value": estimate["value"],
        "low": estimate["value"] / reach,
        "high": estimate["value"] * reach,
    }


def test_one_run_has_no_scatter():
    assert (
        between_runs.effects(runs_of(np.random.default_rng(1), scatter=0.3, orderings=1), "d_self_cm2_per_s")
        is None
    )


def test_the_job_reads_the_single_runs(tmp_path):
    from dlmd.base.files import read_json, write_json
    from dlmd.transport import jobs

    def write(name, results):
        paths = []
        for one in results:
            extra = {"haven_ratio": None, "onset_ps": None, "n_ions": 48}
            paths.append(str(tmp_path / f"{name}{one['temperature_k']:g}K.json"))
            write_json(tmp_path / f"{name}{one['temperature_k']:g}K.json", one | extra)
        return paths

    runs = runs_of(np.random.default_rng(2), scatter=0.4)
    together = write("all", pooled(runs))
    apart = [path for run in runs for path in write(f"r{run['ordering']}_", run["temperatures"])]
    energies = {}
    for name, of_runs, labels in (("one", [], []), ("four", apart, [(0, n) for n in range(4)])):
        jobs.arrhenius(
            together,
            of_runs=of_runs,
            runs=labels,
            reference=None,
            size_check=None,
            result=str(tmp_path / f"{name}.json"),
            table=str(tmp_path / f"{name}.csv"),
            figures=[str(tmp_path / f"{name}.png")],
            predict_k=[550.0],
            confidence=0.95,
        )
        energies[name] = read_json(tmp_path / f"{name}.json")["fits"]["conductivity"]
    assert energies["one"]["between_runs"] is None and energies["four"]["between_runs"]["runs"] == 4
    width = {
        name: np.log(p["value_ms_per_cm"]["high"] / p["value_ms_per_cm"]["low"])
        for name, fit in energies.items()
        for p in fit["predictions"]
    }
    assert width["four"] > 2 * width["one"]


def test_results_of_one_temperature_and_run_are_one():
    """Two that lie evenly about those of the other run are that run's mean, in either order; the last alone counted."""

    def run(ordering, *noises, error):
        made = [result(t, noise=noise, error=error) for noise in noises for t in TEMPERATURES]
        return {"potential": 0, "ordering": ordering, "temperatures": made}

    other = run(1, 0.5, error=0.1)
    # the mean of two has their error over the root of two
    same = between_runs.effects([run(0, 0.5, error=0.1 / 2**0.5), other], "conductivity_ms_per_cm")
    for noises in ((0.0, 1.0), (1.0, 0.0)):
        found = between_runs.effects([run(0, *noises, error=0.1), other], "conductivity_ms_per_cm")
        assert found.height == pytest.approx(same.height) and found.slope == pytest.approx(same.slope)
