"""Segments joined as they were written; every way in which they can be wrong has its own message."""

import json

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.base.provenance import file_sha256
from dlmd.trajectory import segments
from segment_files import CELL, MASSES, motion, write_dcd, write_segments


@pytest.fixture
def run(tmp_path):
    return write_segments(tmp_path)


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_join_gives_back_the_motion(run):
    sidecars, positions = run
    trajectory = segments.join(reversed(sidecars))
    masses = np.array([MASSES["Ti"]] * 2 + [MASSES["Cl"]] * 6)
    centre = np.einsum("fai,a->fi", positions[:, 4:], masses / masses.sum())
    expected = positions[:, :4] - centre[:, None]
    assert (trajectory.n_frames, trajectory.n_ions, trajectory.n_host_atoms) == (21, 4, 8)
    assert np.concatenate(list(trajectory.blocks()), axis=1) == pytest.approx(expected, abs=1e-5)
    assert trajectory.collective() == pytest.approx(expected.sum(axis=1), abs=1e-5)
    assert trajectory.frame_interval_ps == pytest.approx(0.02)
    assert trajectory.temperature_k == 300
    assert np.array_equal(trajectory.cell, CELL)
    assert "1 shared boundary frame" in trajectory.notes[0]


def test_thermo_is_joined_without_the_shared_row(run):
    thermo = segments.join(run[0]).thermo
    assert thermo["step"].tolist() == list(range(0, 201, 20))
    assert thermo["time_ps"][-1] == pytest.approx(0.4)
    assert set(thermo) == {
        "step",
        "time_ps",
        "temperature_k",
        "potential_energy_ev",
        "pressure_bar",
        "conserved_ev",
    }


def test_host_health_is_relative_to_its_centre(run):
    host = segments.join(run[0]).host
    assert host.drift_a == pytest.approx(20 * np.linalg.norm([0.02, 0.01, -0.01]), rel=0.3)
    assert set(host.msd_a2) == {"Ti", "Cl"}
    assert max(host.msd_a2.values()) < 0.2


def test_all_atoms_of_all_segments(run):
    sidecars, positions = run
    found = segments.all_atoms(sidecars)
    assert found.steps.tolist() == [0, 50, 100, 150, 200]
    assert found.positions == pytest.approx(positions[::5], abs=0.011)
    assert found.symbols == ["Li"] * 4 + ["Ti"] * 2 + ["Cl"] * 6
    assert segments.all_atoms(sidecars, max_frames=3).steps.tolist() == [0, 100, 200]


def test_one_segment_of_a_later_part_is_noted(run):
    trajectory = segments.join(run[0][1:])
    assert trajectory.n_frames == 11
    assert any("earlier segments are left out" in note for note in trajectory.notes)


def test_truncated_dcd(run):
    dcd = run[0][1].with_suffix(".dcd")
    dcd.write_bytes(dcd.read_bytes()[:-100])
    with pytest.raises(DlmdError, match=r"10 whole frames and .* bytes; the sidecar says 11"):
        segments.join(run[0])


def test_dcd_short_by_whole_frames(run):
    sidecars, positions = run
    write_dcd(sidecars[0].with_suffix(".dcd"), positions[:9, :4])
    with pytest.raises(DlmdError, match="9 whole frames"):
        segments.join(sidecars)


def test_sidecar_that_agrees_with_a_short_file_but_not_with_its_steps(run):
    sidecars, positions = run
    write_dcd(sidecars[0].with_suffix(".dcd"), positions[:9, :4])
    change(sidecars[0], dcd_frames=9)
    with pytest.raises(DlmdError, match="steps and stride 11"):
        segments.join(sidecars)


def test_truncated_xtc(run):
    xtc = run[0][0].with_suffix(".xtc")
    xtc.write_bytes(xtc.read_bytes()[:-20])
    with pytest.raises(DlmdError, match="2 whole frames"):
        segments.join(run[0])


def test_other_number_of_ions(run):
    write_dcd(run[0][0].with_suffix(".dcd"), run[1][:11, :3])
    with pytest.raises(DlmdError, match="3 ions, but the sidecar has 4 ids"):
        segments.join(run[0])


def test_host_steps_that_are_not_those_of_the_frames(run):
    host = run[0][0].parent / "0002.host.txt"
    lines = host.read_text().splitlines()
    host.write_text("\n".join(lines[:5] + lines[6:]) + "\n")
    with pytest.raises(DlmdError, match="10 rows whose steps"):
        segments.join(run[0])


def test_shared_frame_that_differs(tmp_path):
    sidecars, positions = write_segments(tmp_path)
    moved = positions[10:, :4] + 0.01
    write_dcd(sidecars[1].with_suffix(".dcd"), moved)
    with pytest.raises(DlmdError, match=r"first frame differs .* by up to 0\.01 Å"):
        segments.join(sidecars)


def test_gap_in_the_chain(tmp_path):
    sidecars, _ = write_segments(tmp_path, lengths=(100, 100, 100))
    with pytest.raises(DlmdError, match=r"does not follow 0001\.json"):
        segments.join([sidecars[0], sidecars[2]])
    with pytest.raises(DlmdError, match=r"does not follow 0002\.json"):
        segments.join([sidecars[0], sidecars[1], sidecars[1]])


def test_steps_that_do_not_continue(run):
    change(run[0][1], first_step=110, last_step=210)
    with pytest.raises(DlmdError, match=r"starts at step 110, but 0001\.json ends at step 100"):
        segments.join(run[0])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("temperature_k", 400.0),
        ("ids", [1, 2, 3, 5]),
        ("dcd_stride", 20),
        ("time_step_fs", 1.0),
        ("cell_angstrom", np.eye(3).tolist()),
    ],
)
def test_segments_of_different_runs(run, key, value):
    change(run[0][1], **{key: value})
    with pytest.raises(DlmdError, match=f"differ in '{key}'"):
        segments.join(run[0])


def test_files_that_are_no_sidecar(run, tmp_path):
    with pytest.raises(DlmdError, match="no such file"):
        segments.join([tmp_path / "0009.json"])
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(DlmdError, match="no valid JSON"):
        segments.join([tmp_path / "x.json"])
    (tmp_path / "x.json").write_text('{"format": "other"}')
    with pytest.raises(DlmdError, match="no segment"):
        segments.join([tmp_path / "x.json"])
    data = json.loads(run[0][0].read_text())
    del data["host"]
    (tmp_path / "x.json").write_text(json.dumps(data))
    with pytest.raises(DlmdError, match="lacks host"):
        segments.join([tmp_path / "x.json"])
    with pytest.raises(DlmdError, match="no segments"):
        segments.join([])


def test_nan_and_wrapped_ions_are_refused_while_reading(tmp_path):
    for name, message in (("nan", "NaN"), ("wrapped", "over half the cell")):
        positions = motion(21)
        positions[15:, 2] += np.nan if name == "nan" else CELL[2]
        (tmp_path / name).mkdir()
        sidecars, _ = write_segments(tmp_path / name, all_positions=positions)
        trajectory = segments.join(sidecars)
        with pytest.raises(DlmdError, match=message):
            list(trajectory.blocks())


def test_thermo_with_a_missing_field(run):
    thermo = run[0][0].parent / "0001.thermo.csv"
    thermo.write_text(thermo.read_text().replace("-9.0", "", 1))
    with pytest.raises(DlmdError, match="NaN or an empty field"):
        segments.join(run[0])


def test_thermo_of_half_the_segment(run):
    thermo = run[0][1].parent / "0002.thermo.csv"
    thermo.write_text("".join(thermo.read_text().splitlines(keepends=True)[:4]))
    with pytest.raises(
        DlmdError, match=r"3 rows whose steps are not those of the segment \(100 to 200 by 20: 6\)"
    ):
        segments.join(run[0])


@pytest.mark.parametrize("key", ["dcd", "host", "thermo", "xtc"])
def test_a_file_that_has_changed_since_it_was_written(run, key):
    sidecar = run[0][1]
    file = sidecar.parent / json.loads(sidecar.read_text())[key]
    change(sidecar, sha256={key: file_sha256(file)})
    segments.join(run[0])
    damaged = bytearray(file.read_bytes())
    damaged[-8] ^= 1  # one bit, of a coordinate or a digit
    file.write_bytes(bytes(damaged))
    with pytest.raises(DlmdError, match="its checksum is another one") as error:
        segments.join(run[0])
    assert error.value.where == str(file)


def test_several_mobile_elements_come_element_by_element(run):
    sidecars, positions = run
    for path in sidecars:
        change(path, mobile="Li,Ti", types=[1, 2, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3])
    trajectory = segments.join(sidecars)
    assert trajectory.mobile == "Li,Ti" and trajectory.carriers == {"Li": 2, "Ti": 2}
    masses = np.array([MASSES["Ti"]] * 2 + [MASSES["Cl"]] * 6)
    relative = positions[:, :4] - np.einsum("fai,a->fi", positions[:, 4:], masses / masses.sum())[:, None]
    for name, atoms in (("Li", [0, 2]), ("Ti", [1, 3])):
        one = trajectory.of_carrier(name)
        assert np.concatenate(list(one.blocks(1)), axis=1) == pytest.approx(relative[:, atoms], abs=1e-5)
        assert one.mobile == name and one.n_host_atoms == 8
