"""Blocks and the collective coordinate, in memory and from files, against the positions they were made of."""

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.base.geometry import cell_widths
from dlmd.trajectory.binary import dcd_frames, dcd_layout
from dlmd.trajectory.frame_sources import JoinedFrames, MappedFrames
from dlmd.trajectory.host import host_health
from dlmd.trajectory.trajectory import Trajectory
from segment_files import CELL, write_dcd

RNG = np.random.default_rng(0)


def walk(frames=150, ions=7):
    return RNG.normal(size=(frames, ions, 3)).cumsum(axis=0)


def in_memory(positions, **options):
    return Trajectory.from_arrays(positions, **{"frame_interval_ps": 0.1, "cell": CELL, **options})


def test_blocks_are_host_relative_and_cover_all_ions():
    positions, host = walk(), walk(ions=1)[:, 0]
    trajectory = in_memory(positions, host_com=host)
    blocks = list(trajectory.blocks(max_bytes=2 * 150 * 3 * 8))
    assert [b.shape for b in blocks] == [(150, 2, 3)] * 3 + [(150, 1, 3)]
    assert np.concatenate(blocks, axis=1) == pytest.approx(positions - host[:, None])
    assert trajectory.collective() == pytest.approx((positions - host[:, None]).sum(axis=1))


def test_collective_without_a_pass_over_the_blocks():
    positions, host = walk(), walk(ions=1)[:, 0]
    assert in_memory(positions, host_com=host).collective() == pytest.approx(
        (positions - host[:, None]).sum(axis=1)
    )


def test_time_is_contiguous_in_a_block():
    block = next(in_memory(walk()).blocks())
    assert block.strides[0] == block.itemsize


def test_attributes():
    trajectory = in_memory(walk(), temperature_k=500)
    assert (trajectory.n_frames, trajectory.n_ions, trajectory.mobile) == (150, 7, "Li")
    assert trajectory.volume == pytest.approx(12 * 13 * 14)
    assert trajectory.length_ps == pytest.approx(14.9)
    assert trajectory.host is None


def test_widths_of_a_sheared_cell():
    # area 12 x 13 in the xy plane, so that the third width is exactly 14
    assert cell_widths(CELL)[2] == pytest.approx(14)
    assert cell_widths(np.array([[2.0, 0, 0], [2, 2, 0], [0, 0, 5]])) == pytest.approx([np.sqrt(2), 2, 5])


def mapped(path):
    n_ions, header, record = dcd_layout(path)
    return MappedFrames(
        path, n_ions=n_ions, n_frames=dcd_frames(path), offset=header, record_bytes=record, lead=56 + 4, gap=8
    )


def test_joined_dcd_files_give_back_what_was_written(tmp_path):
    positions = walk(frames=301).astype(np.float32)
    for name, part in (("a", positions[:101]), ("b", positions[100:202]), ("c", positions[201:])):
        write_dcd(tmp_path / f"{name}.dcd", part)
    source = JoinedFrames([mapped(tmp_path / f"{n}.dcd") for n in "abc"], [0, 1, 1])
    assert source.n_frames == 301
    assert np.array_equal(source.planes(90, 250, 2, 5), positions[90:250, 2:5].transpose(0, 2, 1))
    trajectory = Trajectory(source=source, frame_interval_ps=0.1, cell=CELL, mobile="Li")
    assert np.array_equal(np.concatenate(list(trajectory.blocks(5000)), axis=1), positions)
    assert trajectory.collective() == pytest.approx(positions.sum(axis=1, dtype=float))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_is_refused_with_its_frame(value):
    positions = walk()
    positions[77, 3, 1] = value
    with pytest.raises(DlmdError, match="frame 77"):
        list(in_memory(positions).blocks())
    with pytest.raises(DlmdError, match="frame 77"):
        in_memory(positions).collective()


def test_jump_over_half_the_cell_is_refused():
    positions = RNG.normal(0, 0.01, (50, 3, 3)).cumsum(axis=0)
    positions[20:, 1, 2] += 7.5
    trajectory = in_memory(positions)
    trajectory.step_limit_angstrom = 0.5 * cell_widths(CELL).min()
    with pytest.raises(DlmdError, match=r"ion 2 moves 7\.[45]\d Å between frames 19 and 20"):
        list(trajectory.blocks())


@pytest.mark.parametrize(
    ("positions", "options", "message"),
    [
        (np.zeros((5, 3)), {}, "shape"),
        (np.zeros((5, 0, 3)), {}, "no Li"),
        (np.zeros((1, 2, 3)), {}, "at least 2"),
        (np.zeros((5, 2, 3)), {"cell": np.ones((3, 3))}, "independent"),
        (np.zeros((5, 2, 3)), {"host_com": np.zeros((4, 3))}, "centre of mass has shape"),
        (np.zeros((5, 2, 3)), {"host_com": np.full((5, 3), np.nan)}, "NaN"),
        (np.zeros((5, 2, 3)), {"frame_interval_ps": 0.0}, "frame interval"),
    ],
)
def test_bad_arrays_are_refused(positions, options, message):
    with pytest.raises(DlmdError, match=message):
        in_memory(positions, **options)


def test_host_health_tells_vibration_from_flow():
    n = 100
    vibrating = RNG.normal(0, 0.3, (n, 20, 3))
    flowing = (
        np.linspace(0, 5, n)[:, None, None]
        * np.where(np.arange(20) % 2, 1, -1)[:, None]
        * np.array([1.0, 0, 0])
    )
    drift = np.linspace(0, 3, n)[:, None] * np.array([0, 0, 1.0])
    positions = np.concatenate([vibrating, flowing], axis=1) + drift[:, None]
    health = host_health(positions, drift, ["Cl"] * 20 + ["Ti"] * 20)
    assert health.msd_a2["Cl"] < 0.05
    # early and late fifth are 80 frames apart
    assert health.msd_a2["Ti"] == pytest.approx((80 * 5 / 99) ** 2)
    assert health.drift_a == pytest.approx(3)


def test_leaving_out_the_beginning():
    positions, host = walk(), walk(ions=1)[:, 0]
    thermo = {"time_ps": np.arange(0, 15, 0.5), "temperature_k": np.arange(30.0)}
    whole = in_memory(positions, host_com=host, thermo=thermo)
    whole.collective()
    part = whole.after(2.45)
    assert part.n_frames == 125
    assert np.concatenate(list(part.blocks()), axis=1) == pytest.approx((positions - host[:, None])[25:])
    assert part.collective() == pytest.approx((positions - host[:, None]).sum(axis=1)[25:])
    assert part.thermo["temperature_k"].tolist() == list(range(5, 30))
    assert "25 frames (2.5 ps) are left out" in part.notes[-1]
    with pytest.raises(DlmdError, match=r"cannot leave out 14.9 ps of 14.9 ps"):
        whole.after(14.9)
