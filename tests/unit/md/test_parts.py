"""Where the next attempt at a segment goes on."""

from dlmd.md import parts
from dlmd.md.inputs import Strides


def test_both_trajectories_count_where_their_strides_are_equal(tmp_path, monkeypatch):
    (tmp_path / "000000000000.dcd").touch()
    (tmp_path / "000000000000.host.txt").write_text("".join(f"{s} 0\n" for s in range(0, 1001, 100)))
    (tmp_path / "000000000000.thermo.csv").write_text("".join(f"{s},0\n" for s in range(0, 1001, 100)))
    for step in (500, 1000):
        (tmp_path / f"restart.{step}").write_bytes(parts.RESTART_MAGIC)
    monkeypatch.setattr(parts.binary, "whole_dcd_frames", lambda path: 6)
    monkeypatch.setattr(parts.binary, "xtc_offsets", lambda path: list(range(12)))
    strides = Strides(positions=100, all_atoms=100, thermo=100, restart=500)
    # the last positions on the disk are those of step 500, though all atoms reach to step 1000
    assert parts.resume_point(tmp_path, strides, 2000) == (500, tmp_path / "restart.500")
