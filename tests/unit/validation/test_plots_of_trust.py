"""Figures of committee, learning loop, trial run and error budget: they draw what the saved numbers say, however few."""

import matplotlib.image
import numpy as np
import pytest

from dlmd.base import plot_style as style
from dlmd.learning import plots
from dlmd.transport import error_budget_plots
from dlmd.transport.error_budget import decompose
from dlmd.validation import committee, committee_plots, trial_plots
from drawn import labels, legend, lines, unnamed_lines, watch


@pytest.fixture
def draw(tmp_path, monkeypatch):
    """A function that lets a plot write a PNG and gives the axes of what it has drawn."""
    figures = watch(monkeypatch)

    def drawn(plot, *args, **kwargs):
        path = tmp_path / "figure.png"
        plot(*args, **kwargs, figures=[str(path)])
        figure = figures.pop()
        width, height = figure.get_size_inches() * style.DPI
        assert matplotlib.image.imread(path).shape[:2] == pytest.approx((height, width), abs=1)
        return figure.axes

    return drawn


def test_calibration(draw):
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(10, 6, 3))
    forces = reference + 0.05 * rng.normal(size=(2, 10, 6, 3))
    found = committee.calibrate([committee.judge(forces, reference)])
    (ax,) = draw(committee_plots.calibration, found)

    shown = lines(ax)
    bins = [[b["spread_mev_per_a"], b["error_mev_per_a"]] for b in found["bins"]]
    assert len(bins) > 2
    np.testing.assert_allclose(shown["held-out trajectories"], bins)
    diagonal = shown["errors that are not shared"]
    np.testing.assert_allclose(diagonal[:, 1], found["independent_factor"] * diagonal[:, 0])
    assert set(legend(ax)) == set(shown)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert labels(ax) == ("deviation of the committee (meV/Å)", "RMS error of an atom's force (meV/Å)")
    # no bin lies outside of the axes
    for values, (low, high) in zip(np.transpose(bins), (ax.get_xlim(), ax.get_ylim()), strict=True):
        assert low < values.min() and values.max() < high


def test_along_runs(draw):
    runs = {
        t: {"time_ps": np.arange(5.0), "largest_mev_per_a": np.array([100.0, 120, 90, peak, 110])}
        for t, peak in ((500, 400), (450, 300))
    }
    (ax,) = draw(committee_plots.along_runs, runs, 95.0)
    shown = lines(ax)
    assert list(shown) == ["450 K", "500 K", "held-out frames, median"] == legend(ax)
    for t, run in runs.items():
        np.testing.assert_array_equal(shown[f"{t} K"], np.column_stack([*run.values()]))
    assert set(shown["held-out frames, median"][:, 1]) == {95.0}
    assert ax.get_yscale() == "log"
    assert labels(ax) == ("time (ps)", "largest deviation of a frame (meV/Å)")


@pytest.mark.parametrize("count", [1, 4])
def test_one_round_and_several(draw, count):
    rows = [
        {
            "round": k,
            "frames": 10 + k,
            "accurate": 5 + k,
            "candidate": 4,
            "failed": 1,
            "labelled": 3 + k,
            "valid_force_rmse_mev_per_a": 90.0 - 10 * k,
        }
        for k in range(count)
    ]
    left, right = draw(plots.rounds, rows)

    assert legend(left) == ["accurate", "candidate", "failed"]
    bottom = np.zeros(count)
    for bars in left.containers:
        share = [100 * row[bars.get_label()] / row["frames"] for row in rows]
        np.testing.assert_allclose([bar.get_height() for bar in bars], share)
        np.testing.assert_allclose([bar.get_y() for bar in bars], bottom)
        np.testing.assert_allclose([bar.get_x() + bar.get_width() / 2 for bar in bars], range(count))
        bottom += share
    np.testing.assert_allclose(bottom, 100)
    assert [t.get_text() for t in left.texts] == [f"{3 + k} labelled" for k in range(count)]
    (errors,) = unnamed_lines(right)
    np.testing.assert_allclose(errors, [[k, 90.0 - 10 * k] for k in range(count)])
    assert right.get_ylim() == pytest.approx((0, 1.15 * 90))
    for ax, what in ((left, "explored frames (%)"), (right, "force RMSE, validation split (meV/Å)")):
        assert labels(ax) == ("round", what)
        assert list(ax.get_xticks()) == list(range(count))


NVT = [[0.02, 650], [0.04, 660]]
NVE = [[1.0, 640], [2.0, 645]]


@pytest.mark.parametrize(
    ("rows", "parts"),
    [
        ("", {}),
        ("nvt,0.02,650,-100\nnvt,0.04,660,-100\n", {"NVT": NVT}),
        (
            "nvt,0.02,650,-100\nnvt,0.04,660,-100\nnve,1.0,640,-99.9\nnve,2.0,645,-99.86\n",
            {"NVT": NVT, "NVE": NVE},
        ),
    ],
)
def test_a_trial_that_died_anywhere(draw, tmp_path, rows, parts):
    table = tmp_path / "trial.csv"
    table.write_text("part,time_ps,temperature_k,total_energy_ev\n" + rows)
    left, right = draw(trial_plots.trial, str(table), n_atoms=20, temperature_k=650)

    assert lines(left).keys() == parts.keys() and legend(left) == list(parts)
    for part, points in parts.items():
        np.testing.assert_allclose(lines(left)[part], points)
    (set_point,) = unnamed_lines(left)
    assert set(set_point[:, 1]) == {650}
    # 40 meV of 20 atoms; the other line is the zero
    energy = [line.tolist() for line in unnamed_lines(right) if set(line[:, 1]) != {0.0}]
    assert energy == ([[[1.0, 0.0], [2.0, pytest.approx(2.0)]]] if "NVE" in parts else [])
    low, high = right.get_ylim()
    assert low == -high and high >= trial_plots.LEAST_RANGE_MEV
    assert labels(left) == ("time (ps)", "temperature (K)")
    assert labels(right) == ("time (ps)", "energy − start, NVE (meV/atom)")


def test_budget_with_and_without_rows(draw):
    rows = [
        {"quantity": f"conductivity at {t} K"}
        | decompose([1.0, 1.2], [0.1, 0.1], potentials=[0, 1], orderings=[0, 0], scale=scale)
        for t, scale in ((500, 0.5), (600, 0.05))
    ]
    (ax,) = draw(error_budget_plots.shares, rows)
    # one ordering alone has no share
    assert rows[0]["components"]["ordering"] is None
    assert legend(ax) == ["statistics", "potential"] == [bar.get_label() for bar in ax.containers]
    assert [t.get_text() for t in ax.get_yticklabels()] == [row["quantity"] for row in rows]
    for bar in ax.containers:
        shares = [row["components"][bar.get_label()]["share"] for row in rows]
        points, _, (reach,) = bar.lines
        np.testing.assert_allclose(points.get_xdata(), [100 * share["value"] for share in shares])
        # each at the height of its quantity
        assert [round(y) for y in points.get_ydata()] == [1, 0] == list(ax.get_yticks())
        ends = [segment[:, 0] for segment in reach.get_segments()]
        np.testing.assert_allclose(ends, [[100 * share["low"], 100 * share["high"]] for share in shares])
    assert ax.get_xlabel() == "share of the variance of the mean (%)"

    (ax,) = draw(error_budget_plots.shares, [])
    assert (list(ax.containers), legend(ax), list(ax.get_yticks())) == ([], [], [])
