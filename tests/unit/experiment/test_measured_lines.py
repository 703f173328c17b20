"""What the scorecard sets computed conductivities beside: lines of measured samples, the cost of given labels, and bars."""

import sys
from math import exp, sqrt
from pathlib import Path

import pytest

from dlmd.base.units import BOLTZMANN_EV_PER_K

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "benchmarks/experiment"))

import drawing  # noqa: E402
import given_labels  # noqa: E402
import materials  # noqa: E402
import measured_lines  # noqa: E402
import scorecard  # noqa: E402

from scorecard_records import between, material, record, sample, warmed  # noqa: E402

LISTED = ROOT / "benchmarks/experiment/materials.yaml"


def test_each_sample_has_its_own_line_and_the_middle_is_geometric():
    one, two = warmed(2.0, 0.3, 500), warmed(1.0, 0.4, 500)
    measured = (sample(2.0, 0.3), sample(1.0, 0.4), sample(sigma=50.0), sample(energy=0.9))
    found = measured_lines.at(material(measured=measured), 500)
    assert found.each == pytest.approx((one, two)) and found.of_one_sample
    assert vars(found.middle) == pytest.approx({"value": sqrt(one * two), "low": one, "high": two})
    assert found.bar == found.middle


def test_the_middle_of_three_lines_is_one_of_them_whatever_the_medians_are():
    """The median conductivity and the median activation energy are those of different samples."""
    measured = (sample(1.0, 0.5), sample(2.0, 0.1), sample(3.0, 0.3))
    found = measured_lines.at(material(measured=measured), 600)
    assert found.middle.value == pytest.approx(warmed(3.0, 0.3, 600))
    assert (found.middle.low, found.middle.high) == pytest.approx(
        (warmed(2.0, 0.1, 600), warmed(1.0, 0.5, 600))
    )


def test_a_single_line_has_the_bar_of_its_activation_energy():
    found = measured_lines.at(material(), 500)
    there = warmed(2.0, 0.3, 500)
    assert found.middle.value == pytest.approx(there)
    # to the last digit: no interval may hold one and not the other
    assert found.middle.low == found.middle.value == found.middle.high
    either_way = exp(0.05 / BOLTZMANN_EV_PER_K * (1 / 298.15 - 1 / 500))
    assert vars(found.bar) == pytest.approx(
        {"value": there, "low": there / either_way, "high": there * either_way}
    )
    # below room temperature the larger activation energy is the lower end
    cold = measured_lines.at(material(), 250).bar
    assert cold.low == pytest.approx(warmed(2.0, 0.35, 250)) and cold.low < cold.value < cold.high


def test_a_line_of_different_samples_is_said_to_be_one():
    mixed = material(measured=(sample(sigma=1.0), sample(sigma=3.0), sample(energy=0.3)))
    found = measured_lines.at(mixed, 500)
    assert found.each == pytest.approx((warmed(2.0, 0.3, 500),)) and not found.of_one_sample
    row = scorecard.row(mixed, record())
    assert row["factor_coldest"] == pytest.approx(2.0)
    assert "No sample has both σ and E_a" in scorecard.page([row], [mixed])
    own = scorecard.row(material(), record())
    assert "No sample has both" not in scorecard.page([own], [material()])
    assert measured_lines.at(material(measured=(sample(sigma=1.0),)), 500) is None


def test_lines_of_the_list():
    listed = {one.name: one for one in materials.load(LISTED)}
    argyrodite = measured_lines.at(listed["Li6PS5Cl"], 530)
    assert [round(x) for x in argyrodite.each] == [2536, 202] and round(argyrodite.middle.value) == 715
    lgps = measured_lines.at(listed["Li10GeP2S12"], 450)
    assert [round(x) for x in lgps.each] == [212, 596, 329] and round(lgps.middle.value) == 329


@pytest.mark.parametrize(
    ("low", "high", "overlaps"), [(0.9, 1.1, False), (0.7, 1.1, True), (1.9, 2.1, False)]
)
def test_an_interval_overlaps_the_range_of_the_lines_or_not(low, high, overlaps):
    """Two lines, 0.5 and 0.75 times that of the material; the interval in the same unit."""
    line = warmed(2.0, 0.3, 500)
    measured = (sample(1.0, 0.3), sample(1.5, 0.3))
    coldest = {
        "temperature_k": 500,
        "verdict": "ok",
        "n_ions": 48,
        "sigma_ms_per_cm": between(line, low * line, high * line),
        "haven_ratio": None,
    }
    found = scorecard.row(material(measured=measured), record(temperatures=[coldest]))
    assert found["overlaps_coldest"] is overlaps
    assert found["factor_coldest"] == pytest.approx(1 / sqrt(0.5 * 0.75))
    assert scorecard.shown(found)["overlap there"] == ("yes" if overlaps else "no")
    assert scorecard.summary([found])[0]["at the coldest run: that overlap the lines"] == f"{overlaps:d} of 1"


def test_the_table_shows_the_cell_the_line_and_its_bar():
    measured = (sample(1.0, 0.3), sample(4.0, 0.3))
    one = scorecard.shown(scorecard.row(material(), record(lattice_kind="thermal")))
    two = scorecard.shown(scorecard.row(material(measured=measured), record(lattice_kind="relaxed")))
    assert (one["cell"], two["cell"]) == ("thermal", "relaxed at 0 K")
    line = warmed(2.0, 0.3, 500)
    assert f"{line:.0f}" == "133"
    assert (one["the line there (mS/cm)"], two["the line there (mS/cm)"]) == ("133", "133 (66.5 to 266)")
    assert (one["the line, with E_a ±0.05 eV"], two["the line, with E_a ±0.05 eV"]) == (
        "133 (60.6 to 292)",
        "–",
    )


@pytest.fixture
def with_labels(tmp_path):
    """A function that writes a config with a file of given labels, of which each says its CPU time or None."""

    def write(*seconds):
        (tmp_path / "given.yaml").write_text("labels: {frames: [{file: given.extxyz, level: pbe}]}")
        frames = [
            f'1\nProperties=species:S:1:pos:R:3 {"" if s is None else f"cpu_seconds={s}"} pbc="F F F"\nLi 0 0 0\n'
            for s in seconds
        ]
        (tmp_path / "given.extxyz").write_text("".join(frames))
        return tmp_path

    return write


def test_given_labels_count_by_what_each_frame_says(with_labels):
    root = with_labels(1800.0, 5400.0)
    assert given_labels.hours(material(config="given.yaml"), root) == (2.0, 2.0)
    assert scorecard.of_labels((2.0, 2.0)) == "2.00"


def test_given_labels_without_cpu_time_count_by_the_list_or_not_at_all(with_labels):
    root = with_labels(None, 3600.0, None)
    known = material(config="given.yaml", label_cpu_seconds=(1800, 7200))
    assert given_labels.hours(known, root) == (2.0, 5.0)
    assert scorecard.of_labels((2.0, 5.0)) == "2.0 to 5.0"
    assert given_labels.hours(material(config="given.yaml"), root) is None
    assert scorecard.of_labels(None) == scorecard.NONE


def test_a_run_that_is_given_no_labels_has_none_beside(tmp_path):
    assert given_labels.hours(material()) is None
    (tmp_path / "own.yaml").write_text("labels: {aimd: {steps: 1}}")
    assert given_labels.hours(material(config="own.yaml"), tmp_path) is None


def test_labels_of_the_list():
    """33 frames say 5,635 s of CPU time; 87 of 134 to 148 s and 61 of 50 to 110 s are documented."""
    listed = {one.name: given_labels.hours(one) for one in materials.load(LISTED)}
    assert listed["Li3TiCl6"] == pytest.approx((5634.9 / 3600,) * 2)
    assert listed["Li3InCl6"] == pytest.approx((87 * 134 / 3600, 87 * 148 / 3600))
    assert listed["Li10GeP2S12"] == pytest.approx((61 * 50 / 3600, 61 * 110 / 3600))
    assert listed["Li6PS5Cl"] is None


def markers(axes, kinds):
    return [line.get_marker() for line in axes.lines if line.get_marker() in kinds]


def test_the_axis_of_activation_energies_holds_them_or_an_arrow_says_more():
    inside = scorecard.row(material(), record(activation_energy_ev=between(0.3, -0.01, 1.32)))
    axes = drawing.figure([inside]).axes[-1]
    assert axes.get_xlim() == pytest.approx((-0.1, 1.4)) and markers(axes, "<>") == []
    beyond = scorecard.row(material(), record(activation_energy_ev=between(0.3, -0.8, 2.4)))
    axes = drawing.figure([beyond]).axes[-1]
    assert axes.get_xlim() == pytest.approx((-0.5, 1.5)) and markers(axes, "<>") == ["<", ">"]


def test_the_axis_of_conductivities_holds_bars_or_an_arrow_says_more():
    spread = materials.Spread(20.0, 12.0, 40.0)
    left, right, bottom, top = drawing._limits([({}, spread, between(50.0, 9.0, 2000.0))])
    assert left < 12.0 and right > 40.0 and (bottom, top) == pytest.approx((1.0, 10_000.0))
    # a hundred times beyond the value at most
    there = record()["temperatures"][1] | {"sigma_ms_per_cm": between(50.0, 1e-6, 1e9)}
    axes = drawing.figure([scorecard.row(material(), record(temperatures=[there]))]).axes[1]
    assert axes.get_ylim() == pytest.approx((0.1, 10_000.0)) and markers(axes, "v^") == ["v", "^"]
