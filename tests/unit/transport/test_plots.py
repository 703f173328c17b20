"""What the figures show is what the numbers say."""

import numpy as np
import pytest

from dlmd.base import plot_style
from dlmd.config.published import PublishedPoint
from dlmd.trajectory import rdf
from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport import analysis, arrhenius_plots, plots
from dlmd.transport.arrhenius import fit


def result(temperature_k, *, step_a=0.3, seed=0):
    rng = np.random.default_rng(seed)
    positions = rng.normal(0, step_a, (1000, 20, 3)).cumsum(axis=0)
    trajectory = Trajectory.from_arrays(
        positions, frame_interval_ps=0.02, cell=np.eye(3) * 10, temperature_k=temperature_k
    )
    return analysis.analyse([trajectory], charge=1, lag_start_ps=0.2, lag_end_ps=1.0).to_dict()


@pytest.fixture(scope="module")
def results():
    return [result(t, step_a=0.3 * t / 700, seed=t) for t in (500, 600, 700)]


def lines(ax):
    return {line.get_label(): line.get_xydata() for line in ax.get_lines()}


def test_msd_shows_the_curves_and_the_window(results):
    fig = plots.msd(results[0])
    linear, loglog = fig.axes
    shown = lines(linear)
    lags = np.array(results[0]["msd"]["lags_ps"])
    for kind in ("self", "total", "distinct"):
        assert shown[kind][:, 1] == pytest.approx(
            np.array(results[0]["msd"][f"{kind}_a2"])[: len(shown[kind])]
        )
    assert shown["self"][-1, 0] <= lags[-1] / 2
    window = next(p for p in linear.patches if p.get_label() == "fit window")
    assert window.get_x() == pytest.approx(0.2) and window.get_width() == pytest.approx(0.8)
    assert loglog.get_xscale() == loglog.get_yscale() == "log"


def test_panels_name_what_is_gated(results):
    gated = result(400, step_a=1e-3)
    assert gated["verdict"]["code"] == "not_diffusive"
    labels = lines(plots.msd_panels([*results, gated]).axes[0])
    assert {"500 K", "700 K", "400 K (not diffusive)"} <= labels.keys()


def test_arrhenius_shows_points_line_and_references(results):
    gated = result(400, step_a=1e-3)
    fitted = fit([*results, gated])
    fig = arrhenius_plots.arrhenius(
        [*results, gated], fitted, reference={"experiment": PublishedPoint(298.15, 1.04, 0.32)}
    )
    shown = lines(fig.axes[0])
    sigma = results[2]["conductivity_ms_per_cm"]["value"]
    points = fig.axes[0].containers[0].lines[0].get_xydata()
    assert points[2] == pytest.approx([1000 / 700, np.log(sigma * 700)])
    assert shown["experiment"][0] == pytest.approx([1000 / 298.15, np.log(1.04 * 298.15)])
    # its line to the hottest run: 0.32 eV
    (xy,) = (one.get_xydata() for one in fig.axes[0].lines if one.get_linestyle() == "-.")
    assert xy[:, 0] == pytest.approx([1000 / 298.15, 1000 / 700])
    assert (xy[0, 1] - xy[1, 1]) / (xy[0, 0] - xy[1, 0]) * 1000 * -8.617333262e-5 == pytest.approx(0.32)
    assert shown["no value: not diffusive"][:, 0] == pytest.approx([2.5])
    # the line has the slope of the fit
    line = next(xy for label, xy in shown.items() if label.startswith("$E_a$"))
    slope = (line[-1, 1] - line[0, 1]) / (line[-1, 0] - line[0, 0]) * 1000
    assert -slope * 8.617333262e-5 == pytest.approx(
        fitted["fits"]["conductivity"]["activation_energy_ev"]["value"], rel=0.01
    )
    # to 298 K where the line says something there; its band alone where that is withheld
    (prediction,) = fitted["fits"]["conductivity"]["predictions"]
    for told in ("value", "withheld"):
        prediction["shown"] = told
        shown = lines(arrhenius_plots.arrhenius([*results, gated], fitted).axes[0])
        reach = shown["extrapolation"][:, 0].max() if "extrapolation" in shown else 0.0
        assert reach == pytest.approx(1000 / 298.15 if told == "value" else 0.0)


def test_a_published_value_without_an_activation_energy_is_a_point_alone(results):
    fig = arrhenius_plots.arrhenius(
        results, fit(results), reference={"experiment": PublishedPoint(298.15, 1.04)}
    )
    assert lines(fig.axes[0])["experiment"][0] == pytest.approx([1000 / 298.15, np.log(1.04 * 298.15)])
    assert [one for one in fig.axes[0].lines if one.get_linestyle() == "-."] == []


def test_a_source_keeps_its_colour_wherever_it_stands_in_the_file(results):
    """The demo's figure had experiment and paper in each other's colours when their order changed."""
    sources = {
        "DLMD, U = 4 eV (paper)": PublishedPoint(298.15, 1.06, 0.29),
        "experiment": PublishedPoint(298.15, 1.04, 0.32),
    }
    styles = []
    for order in (list(sources), list(sources)[::-1], ["experiment"]):
        reference = {label: sources[label] for label in order}
        drawn = arrhenius_plots.arrhenius(results, fit(results), reference=reference).axes[0].lines
        styles.append({one.get_label(): (one.get_color(), one.get_marker()) for one in drawn})
    assert [found["experiment"] for found in styles] == [(plot_style.ORANGE, "*")] * 3
    assert (
        styles[0]["DLMD, U = 4 eV (paper)"] == styles[1]["DLMD, U = 4 eV (paper)"] == (plot_style.GREEN, "D")
    )


def test_the_axis_holds_points_and_lines_and_cuts_a_band_that_says_nothing(results):
    fitted = fit(results, predict_k=[298.15])
    curve = fitted["fits"]["conductivity"]["curve"]
    curve["low"] = [
        low * 1e-30 if t < 400 else low for t, low in zip(curve["temperature_k"], curve["low"], strict=True)
    ]
    ax = arrhenius_plots.arrhenius(results, fitted).axes[0]
    low, high = ax.get_ylim()
    drawn = np.concatenate([one.get_ydata() for one in ax.lines if one.get_transform() == ax.transData])
    assert low < drawn.min() and drawn.max() < high
    assert drawn.min() - low < 5
    bars = [s[:, 1] for s in ax.containers[0].lines[2][0].get_segments()]
    assert low < np.min(bars) and np.max(bars) < high


def test_arrhenius_without_a_fit(results):
    fig = arrhenius_plots.arrhenius(results[:2], fit(results[:2]))
    assert not any(label.startswith("$E_a$") for label in lines(fig.axes[0]))
    assert len(fig.axes[0].containers) == 1


def test_rdf_panels_have_one_axis_per_pair():
    r = np.arange(5) * 0.1
    sets = {
        name: rdf.RdfSet(
            r_a=r, g={p: r * k for p in ("A-A", "A-B", "B-B", "B-C")}, coordination={}, n_frames=1
        )
        for k, name in enumerate(("MD", "AIMD"), start=1)
    }
    fig = plots.rdf_panels(sets)
    visible = [ax for ax in fig.axes if ax.get_visible()]
    assert [ax.get_title(loc="left") for ax in visible] == ["A-A", "A-B", "B-B", "B-C"]
    assert lines(visible[3])["AIMD"][:, 1] == pytest.approx(2 * r)


def test_files_are_written(results, tmp_path):
    paths = [tmp_path / "msd.png", tmp_path / "msd.pdf"]
    plots.save(plots.msd(results[0]), paths)
    assert paths[0].read_bytes()[:4] == b"\x89PNG" and paths[1].read_bytes()[:4] == b"%PDF"
