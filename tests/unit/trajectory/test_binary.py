"""Joining DCD and XTC parts by bytes, on files written by other programs' libraries or by hand."""

import struct

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.trajectory import binary


def write_dcd(path, frames):
    """A CHARMM DCD with unit cell as LAMMPS writes it, from (frames, atoms, 3)."""
    frames = np.asarray(frames, "<f4")
    n_atoms = frames.shape[1]
    head = bytearray(84)
    head[:4] = b"CORD"
    struct.pack_into("<i", head, 4, len(frames))
    struct.pack_into("<i", head, 44, 1)  # unit cell
    struct.pack_into("<i", head, 80, 24)

    def record(data):
        return struct.pack("<i", len(data)) + data + struct.pack("<i", len(data))

    blob = (
        record(bytes(head)) + record(struct.pack("<i", 2) + b" " * 160) + record(struct.pack("<i", n_atoms))
    )
    for frame in frames:
        blob += record(struct.pack("<6d", 10, 0, 10, 0, 0, 10))
        for axis in range(3):
            blob += record(np.ascontiguousarray(frame[:, axis]).tobytes())
    path.write_bytes(blob)


def read_positions(path):
    atoms, header, frame = binary.dcd_layout(path)
    raw = path.read_bytes()[header:]
    out = []
    for i in range(len(raw) // frame):
        block = raw[i * frame + 56 : (i + 1) * frame]
        out.append(
            np.stack([np.frombuffer(block, "<f4", atoms, 4 + k * (4 * atoms + 8)) for k in range(3)], axis=1)
        )
    return np.array(out)


def test_dcd_parts_join_to_the_frames_asked_for(tmp_path):
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(7, 5, 3)), rng.normal(size=(4, 5, 3))
    write_dcd(tmp_path / "a.dcd", first)
    write_dcd(tmp_path / "b.dcd", second)
    total = binary.join_dcd([(tmp_path / "a.dcd", 3), (tmp_path / "b.dcd", 4)], tmp_path / "out.dcd")
    assert total == binary.dcd_frames(tmp_path / "out.dcd") == 7
    expected = np.concatenate([first[:3], second]).astype(np.float32)
    np.testing.assert_array_equal(read_positions(tmp_path / "out.dcd"), expected)
    # the header's count, which other programs read
    assert struct.unpack_from("<i", (tmp_path / "out.dcd").read_bytes(), 8)[0] == 7


def test_truncated_dcd_holds_its_whole_frames_only(tmp_path):
    path = tmp_path / "a.dcd"
    write_dcd(path, np.zeros((6, 4, 3)))
    path.write_bytes(path.read_bytes()[:-10])
    assert binary.dcd_frames(path) == 5
    with pytest.raises(DlmdError, match="5 frames where 6 were written"):
        binary.join_dcd([(path, 6)], tmp_path / "out.dcd")


def test_parts_of_different_systems_are_not_joined(tmp_path):
    write_dcd(tmp_path / "a.dcd", np.zeros((2, 4, 3)))
    write_dcd(tmp_path / "b.dcd", np.zeros((2, 5, 3)))
    with pytest.raises(DlmdError, match="5 atoms, but 4"):
        binary.join_dcd([(tmp_path / "a.dcd", 2), (tmp_path / "b.dcd", 2)], tmp_path / "out.dcd")


def test_no_dcd_is_named(tmp_path):
    (tmp_path / "x.dcd").write_bytes(b"\0" * 200)
    with pytest.raises(DlmdError, match="no DCD header") as caught:
        binary.dcd_layout(tmp_path / "x.dcd")
    assert "x.dcd" in str(caught.value)


@pytest.mark.parametrize("n_atoms", [5, 30])  # up to nine atoms are stored uncompressed
def test_xtc_parts_join_and_torn_frames_do_not_count(tmp_path, n_atoms):
    import chemfiles

    rng = np.random.default_rng(1)
    positions = rng.uniform(0, 20, size=(6, n_atoms, 3))
    path = tmp_path / "a.xtc"
    with chemfiles.Trajectory(str(path), "w") as file:
        for frame_positions in positions:
            frame = chemfiles.Frame()
            frame.resize(n_atoms)
            frame.positions[:] = frame_positions
            file.write(frame)
    offsets = binary.xtc_offsets(path)
    assert len(offsets) - 1 == 6 and offsets[-1] == path.stat().st_size

    assert binary.join_xtc([(path, 4), (path, 6)], tmp_path / "out.xtc") == 10
    with chemfiles.Trajectory(str(tmp_path / "out.xtc")) as file:
        assert file.nsteps == 10
        fifth = file.read_step(4)  # keeps the memory that its positions point into
        np.testing.assert_allclose(fifth.positions, positions[0], atol=0.02)

    torn = tmp_path / "torn.xtc"
    torn.write_bytes(path.read_bytes()[:-3])
    assert len(binary.xtc_offsets(torn)) - 1 == 5
    with pytest.raises(DlmdError, match="5 frames where 6"):
        binary.join_xtc([(torn, 6)], tmp_path / "out.xtc")
