"""DCD files of CHARMM and NAMD: atoms that are held are in the first frame only; other byte orders and record marks."""

import struct

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.trajectory import binary
from dlmd.trajectory.frame_readers import read_dcd
from dlmd.trajectory.text_frames import CutShort

ATOMS = 9
POSITIONS = np.random.default_rng(4).uniform(0, 12, (40, ATOMS, 3)).astype(np.float32)


def write(path, *, held=(), counted=None, mark="<i", cell=True, cut=0):
    """Positions as a program writes them that holds some atoms."""
    end = mark[0]
    free = np.setdiff1d(np.arange(ATOMS), held)
    control = np.zeros(20, dtype=f"{end}i4")
    control[[0, 2, 8, 10, 19]] = len(POSITIONS) if counted is None else counted, 100, len(held), int(cell), 24
    records = [
        b"CORD" + control.tobytes(),
        struct.pack(f"{end}i", 1) + b"x" * 80,
        struct.pack(f"{end}i", ATOMS),
    ]
    if len(held):
        records.append((free + 1).astype(f"{end}i4").tobytes())
    for number, frame in enumerate(POSITIONS):
        if cell:
            records.append(struct.pack(f"{end}6d", 12, 90, 12, 90, 90, 12))
        here = frame[free] if number else frame
        records += [here[:, axis].astype(f"{end}f4").tobytes() for axis in range(3)]
    data = b"".join(struct.pack(mark, len(r)) + r + struct.pack(mark, len(r)) for r in records)
    path.write_bytes(data[: len(data) - cut])
    return path


def truth(held):
    found = POSITIONS.copy()
    found[:, list(held)] = POSITIONS[0, list(held)]
    return found


@pytest.mark.parametrize("counted", [None, 0])
@pytest.mark.parametrize("cell", [True, False])
@pytest.mark.parametrize("held", [(), (8,), (0, 3, 4), tuple(range(8))])
def test_atoms_that_are_held_stay_where_they_were(tmp_path, held, cell, counted):
    path = write(tmp_path / "a.dcd", held=held, counted=counted, cell=cell)
    frames = list(read_dcd(path))
    assert np.allclose([frame.positions for frame in frames], truth(held), atol=1e-5)
    assert [frame.step for frame in frames] == list(range(0, 4000, 100))


def test_a_cut_file_with_held_atoms_has_its_whole_frames(tmp_path):
    path, found = write(tmp_path / "a.dcd", held=(2, 5), cut=60), []
    with pytest.raises(CutShort, match="39 whole frames"):
        for frame in read_dcd(path):
            found.append(np.array(frame.positions))
    assert np.allclose(found, truth((2, 5))[:39], atol=1e-5)


def test_a_file_without_its_first_frame(tmp_path):
    path = write(tmp_path / "a.dcd", held=(2, 5))
    sizes = binary.dcd_sizes(path)
    path.write_bytes(path.read_bytes()[: sizes.header + sizes.first - 4])
    assert binary.dcd_extent(path) == (0, sizes.first - 4)


@pytest.mark.parametrize(
    ("mark", "what"), [(">i", "big-endian record"), ("<q", "64-bit record"), (">q", "big-endian, 64-bit")]
)
def test_other_byte_orders_and_marks_are_named(tmp_path, mark, what):
    with pytest.raises(DlmdError, match=what) as refused:
        list(read_dcd(write(tmp_path / "a.dcd", mark=mark)))
    assert "MDAnalysis" in refused.value.remedy and "fixed" not in refused.value.remedy


@pytest.mark.parametrize("held", [-1, ATOMS, 2])
def test_a_count_of_held_atoms_that_cannot_be(tmp_path, held):
    path = write(tmp_path / "a.dcd")
    data = bytearray(path.read_bytes())
    struct.pack_into("<i", data, 40, held)
    path.write_bytes(data)
    with pytest.raises(DlmdError, match="unknown form"):
        list(read_dcd(path))


def test_parts_of_a_run_have_no_held_atoms(tmp_path):
    path = write(tmp_path / "a.dcd", held=(1,))
    with pytest.raises(DlmdError, match="1 atoms that are held"):
        binary.join_dcd([(path, 2)], tmp_path / "b.dcd")
