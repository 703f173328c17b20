"""Traps of lengths and cells: units, vacuum, cells that breathe or flip."""

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from positions_read import displacements
from trap_files import CELL_A, CL, FRAMES, LI, SHORT, SYMBOLS, dump, read, read_dump, save, truth, write_h5md


def test_lengths_of_dumps_in_other_units(tmp_path):
    path = save(tmp_path / "a.dump", dump(FRAMES[:20] / 10, cell=CELL_A / 10, units="nano"))
    trajectory = read_dump(path)
    assert displacements(trajectory) == pytest.approx(truth(FRAMES[:20]), abs=1e-4)
    with pytest.raises(DlmdError, match="units lj"):
        read_dump(save(tmp_path / "b.dump", dump(FRAMES[:20], units="lj")))


def test_one_number_is_no_cell(tmp_path):
    with pytest.raises(DlmdError, match="one number") as error:
        read_dump(save(tmp_path / "a.dump", dump()), cell=["12"])
    assert "--cell 12 12 12" in error.value.remedy


def test_a_slab_is_asked_for_its_volume(tmp_path):
    text = dump(FRAMES).replace("0.0 14.0\n0.0 14.0\n0.0 14.0", "0.0 14.0\n0.0 14.0\n-10.0 44.0")
    path = save(tmp_path / "a.dump", text)
    with pytest.raises(DlmdError, match=r"no atom of the host is ever found in .* along c: a slab") as error:
        read_dump(path)
    assert "--volume" in error.value.remedy
    # an ion that has left the slab is no material
    gone = FRAMES.copy()
    gone[:, 0, 2] = np.linspace(7.0, 35.0, len(gone))
    text = dump(gone).replace("0.0 14.0\n0.0 14.0\n0.0 14.0", "0.0 14.0\n0.0 14.0\n-10.0 44.0")
    with pytest.raises(DlmdError, match="along c: a slab"):
        read_dump(save(tmp_path / "gone.dump", text))
    assert read_dump(path, volume_a3=14.0**3).volume == pytest.approx(14.0**3)


BREATH = CELL_A * (1 + 0.01 * np.sin(np.arange(200) / 7.0))


def breathing(style):
    """FRAMES as fractions of the mean cell, in a cell that breathes about its middle, and the exact displacements of Li."""
    mean = BREATH.mean()
    fractions = FRAMES / CELL_A
    low = -BREATH / 2
    inside = fractions % 1.0
    images = np.floor(fractions).astype(int)
    exact = truth(fractions * mean)
    if style == "xs ys zs":
        return inside, low, exact
    if style == "xsu ysu zsu":
        return fractions, low, exact
    wide = BREATH[:, None, None]
    if style == "xu yu zu":
        return low[:, None, None] + fractions * wide, low, exact
    cartesian = low[:, None, None] + inside * wide
    return (np.concatenate([cartesian, images], axis=2) if "ix" in style else cartesian), low, exact


@pytest.mark.parametrize("style", ["xs ys zs", "xsu ysu zsu", "xu yu zu", "x y z", "x y z ix iy iz"])
def test_a_breathing_cell_moves_no_ion(tmp_path, style):
    """LAMMPS' trap: an ion n cells away seems to move by n times the change of the cell, with image flags and in xu alike."""
    positions, low, exact = breathing(style)
    path = save(tmp_path / "a.dump", dump(positions, columns=f"id type {style}", cell=BREATH, low=low))
    trajectory = read_dump(path)
    assert displacements(trajectory) == pytest.approx(exact, abs=2e-4)
    assert trajectory.volume == pytest.approx((BREATH**3).mean())
    assert trajectory.cell == pytest.approx(np.eye(3) * BREATH.mean())
    assert any("constant pressure" in note for note in trajectory.notes)
    assert trajectory.cell_spread == pytest.approx(0.007, abs=0.001) and trajectory.cell_trend < 0.003


def test_a_far_ion_at_rest_stays_at_rest(tmp_path):
    """Fractional coordinate 5.3 in a breathing cell: 70 Å from the corner, whose cell changes by 1 %."""
    fractions = np.broadcast_to(FRAMES[0] / CELL_A, (60, 32, 3)).copy()
    fractions[:, 0] += 5.0
    breath = BREATH[:60]
    text = dump(fractions * breath[:, None, None], cell=breath)
    trajectory = read_dump(save(tmp_path / "a.dump", text), temperature_k=None)
    assert np.abs(displacements(trajectory)).max() < 1e-4
    naive = (fractions * breath[:, None, None])[:, 0]
    assert np.ptp(naive, axis=0).max() > 1.0


def test_changing_cells_of_xdatcar_and_extended_xyz(tmp_path):
    positions, _, exact = breathing("xs ys zs")
    lines, xyz = [], []
    for number, (frame, a) in enumerate(zip(positions, BREATH, strict=True), start=1):
        lines += ["made", "1.0", f"{a} 0 0", f"0 {a} 0", f"0 0 {a}", "Li Cl", f"{LI} {CL}"]
        lines += [f"Direct configuration= {number}", *(" ".join(f"{x:.8f}" for x in row) for row in frame)]
        xyz += [str(LI + CL), f'Lattice="{a} 0 0 0 {a} 0 0 0 {a}"']
        xyz += [
            f"{s} " + " ".join(f"{x:.7f}" for x in a * row) for s, row in zip(SYMBOLS, frame, strict=True)
        ]
    for name, text in (("XDATCAR", lines), ("a.extxyz", xyz)):
        trajectory = read_dump(save(tmp_path / name, "\n".join(text) + "\n"), species=None, stride=500)
        assert displacements(trajectory) == pytest.approx(exact, abs=2e-4)
        assert trajectory.volume == pytest.approx((BREATH**3).mean(), rel=1e-5)


def test_a_flipped_box_is_the_same_lattice(tmp_path):
    """`fix npt tri` flips a tilt beyond half the cell: the vectors jump, the crystal does not."""
    tilt = np.linspace(6.6, 7.4, 200)
    flipped = np.where(tilt > 7.0, tilt - CELL_A, tilt)
    lines = []
    for number, frame in enumerate(FRAMES / CELL_A):
        cell = np.array([[CELL_A, 0, 0], [tilt[number], CELL_A, 0], [0, 0, CELL_A]])
        box = np.array([[CELL_A, 0, 0], [flipped[number], CELL_A, 0], [0, 0, CELL_A]])
        wrapped = (frame @ cell @ np.linalg.inv(box) % 1.0) @ box
        low, high = min(0, flipped[number]), CELL_A + max(0, flipped[number])
        lines += ["ITEM: TIMESTEP", str(500 * number), "ITEM: NUMBER OF ATOMS", str(LI + CL)]
        lines += ["ITEM: BOX BOUNDS xy xz yz pp pp pp", f"{low} {high} {flipped[number]}"]
        lines += [f"0 {CELL_A} 0", f"0 {CELL_A} 0", "ITEM: ATOMS id type x y z"]
        lines += [
            f"{i + 1} {1 if i < LI else 2} {x:.7f} {y:.7f} {z:.7f}" for i, (x, y, z) in enumerate(wrapped)
        ]
    trajectory = read_dump(save(tmp_path / "a.dump", "\n".join(lines) + "\n"))
    mean = np.array([[CELL_A, 0, 0], [tilt.mean(), CELL_A, 0], [0, 0, CELL_A]])
    assert displacements(trajectory) == pytest.approx(truth(FRAMES / CELL_A @ mean), abs=1e-3)
    assert trajectory.cell_trend == pytest.approx(0.023, abs=0.004)


def test_a_volume_that_no_material_in_this_cell_has_is_refused(tmp_path):
    """A slab of 14 Å in a cell of 42 Å: 2744 Å³ of material in 8232 Å³."""
    lines, seen = [], 0
    for line in dump().splitlines():
        seen = 0 if line.startswith("ITEM: BOX") else seen + 1
        lines.append("0.0 42.0" if seen == 3 and line == f"0.0 {CELL_A}" else line)
    path = save(tmp_path / "slab.dump", "\n".join(lines) + "\n")
    for wrong in (27440.0, 900.0):
        with pytest.raises(DlmdError, match=f"--volume {wrong:g} Å³, but the cell has 8232") as error:
            read_dump(path, volume_a3=wrong)
        assert "without its vacuum" in error.value.remedy
    assert read_dump(path, volume_a3=2744.0).volume == 2744.0
    assert read_dump(path, volume_a3=27440.0, trust_options=True).volume == 27440.0


@pytest.mark.parametrize("apart", [1, 2])
def test_boxes_of_h5md_go_by_their_steps_and_have_their_own_unit(tmp_path, apart):
    """A box twice as often as positions, which breathes: an ion that stays in its place of the cell does not move."""
    h5py = pytest.importorskip("h5py")
    edges = CELL_A * (1 + 0.01 * np.sin(np.arange(240)))
    breathing = (SHORT / CELL_A % 1) * edges[::2, None, None]
    path = write_h5md(tmp_path / "run.h5md", SHORT, 500 * np.arange(120))
    with h5py.File(path, "r+") as file:
        group = file["particles/all"]
        group["position/value"][...] = breathing / 10
        del group["box/edges"]
        group["box/edges/value"] = edges[:: 3 - apart, None] * np.ones(3)
        group["box/edges/value"].attrs["unit"] = "Angstrom"
        group["box/edges/step"] = 250 * (3 - apart) * np.arange(120 * apart)
    found = read(path, time_step_fs=None)
    assert displacements(found) == pytest.approx(truth(SHORT) * edges[::2].mean() / CELL_A, abs=2e-3)
    with h5py.File(path, "r+") as file:
        del file["particles/all/box/edges/step"]
        file["particles/all/box/edges/step"] = 250 * np.arange(120 * apart) + 1
    with pytest.raises(DlmdError, match="step 0 has positions and no box"):
        read(path, time_step_fs=None)
