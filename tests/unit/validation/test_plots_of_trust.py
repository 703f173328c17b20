"""Figures of committee, learning loop, trial run and error budget: drawn from saved numbers, also where there are few."""

import numpy as np
import pytest

from dlmd.learning import plots
from dlmd.transport import error_budget_plots
from dlmd.transport.error_budget import decompose
from dlmd.validation import committee, committee_plots, trial_plots


@pytest.fixture
def figure(tmp_path):
    """Path of a figure, and a check that it was drawn."""
    path = tmp_path / "figure.png"

    def drawn():
        return path.read_bytes()[1:4] == b"PNG" and path.stat().st_size > 5000

    return [str(path)], drawn


def test_calibration(figure):
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(10, 6, 3))
    forces = reference + 0.05 * rng.normal(size=(2, 10, 6, 3))
    committee_plots.calibration(committee.calibrate([committee.judge(forces, reference)]), figure[0])
    assert figure[1]()


def test_along_runs(figure):
    run = {"time_ps": np.arange(5.0), "largest_mev_per_a": np.array([100.0, 120, 90, 400, 110])}
    committee_plots.along_runs({450: run, 500: run}, 95.0, figure[0])
    assert figure[1]()


def test_one_round_and_several(figure):
    row = {
        "frames": 10,
        "accurate": 5,
        "candidate": 4,
        "failed": 1,
        "labelled": 3,
        "valid_force_rmse_mev_per_a": 90.0,
    }
    for count in (1, 4):
        plots.rounds([row | {"round": k} for k in range(count)], figure[0])
        assert figure[1]()


@pytest.mark.parametrize(
    "rows", ["", "nvt,0.02,650,-100\nnvt,0.04,660,-100\n", "nvt,0.02,650,-100\nnve,1.0,640,-99.9\n"]
)
def test_a_trial_that_died_anywhere(figure, tmp_path, rows):
    table = tmp_path / "trial.csv"
    table.write_text("part,time_ps,temperature_k,total_energy_ev\n" + rows)
    trial_plots.trial(str(table), n_atoms=20, temperature_k=650, figures=figure[0])
    assert figure[1]()


def test_budget_with_and_without_rows(figure):
    result = decompose([1.0, 1.2], [0.1, 0.1], potentials=[0, 1], orderings=[0, 0], scale=0.5)
    error_budget_plots.shares([{"quantity": "conductivity at 500 K"} | result], figure[0])
    assert figure[1]()
    error_budget_plots.shares([], figure[0])
    assert figure[1]()
