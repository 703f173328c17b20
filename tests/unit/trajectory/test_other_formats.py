"""The same walk through the formats of ASE, chemfiles, CP2K and h5py, compressed text, and as objects of other libraries."""

import bz2
import lzma

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.trajectory import readers

LI, CL, CELL_A = 4, 8, 12.0
SYMBOLS = ["Li"] * LI + ["Cl"] * CL


def walk(frames=40):
    rng = np.random.default_rng(6)
    start = rng.random((LI + CL, 3)) * CELL_A
    li = rng.normal(0, 0.2, (frames, LI, 3)).cumsum(axis=0)
    return start + np.concatenate([li, rng.normal(0, 0.1, (frames, CL, 3))], axis=1)


FRAMES = walk()
WRAPPED = FRAMES % CELL_A


def truth():
    relative = FRAMES[:, :LI] - FRAMES[:, LI:].mean(axis=1)[:, None]
    return relative - relative[0]


def displacements(trajectory):
    positions = np.concatenate(list(trajectory.blocks()), axis=1)
    return positions - positions[0]


def read(source, **options):
    return readers.read(source, **{"mobile": "Li", "time_step_fs": 2.0, "stride": 10, **options})


def atoms(frame):
    import ase

    return ase.Atoms(SYMBOLS, positions=frame, cell=[CELL_A] * 3, pbc=True)


def write_chemfiles(path, name):
    import chemfiles

    with chemfiles.Trajectory(str(path), "w", name) as file:
        for number, xyz in enumerate(WRAPPED):
            frame = chemfiles.Frame()
            for symbol, place in zip(SYMBOLS, xyz, strict=True):
                frame.add_atom(chemfiles.Atom(symbol), place)
            frame.cell = chemfiles.UnitCell([CELL_A] * 3)
            frame.step = number * 10
            frame["time"] = 0.02 * number
            file.write(frame)
    return path


@pytest.mark.parametrize(
    ("ending", "name", "error_a"), [("trr", "TRR", 1e-4), ("gro", "GRO", 0.03), ("nc", "Amber NetCDF", 1e-4)]
)
def test_formats_by_chemfiles(tmp_path, ending, name, error_a):
    path = write_chemfiles(tmp_path / f"a.{ending}", name)
    species = None if ending == "gro" else ["4*Li", "8*Cl"]
    trajectory = read(path, species=species, wrapped=True)
    assert displacements(trajectory) == pytest.approx(truth(), abs=error_a)
    assert trajectory.frame_interval_ps == pytest.approx(0.02)
    if ending == "trr":
        assert read(path, species=species, time_step_fs=None, stride=None).frame_interval_ps == pytest.approx(
            0.02
        )
        with pytest.raises(DlmdError, match="the file says"):
            read(path, species=species, time_step_fs=1.0)


def test_ase_trajectory_and_lists_of_atoms(tmp_path):
    from ase.io.trajectory import Trajectory

    images = [atoms(frame) for frame in WRAPPED]
    with Trajectory(str(tmp_path / "a.traj"), "w") as file:
        for image in images:
            file.write(image)
    for source in (tmp_path / "a.traj", images, Trajectory(str(tmp_path / "a.traj"))):
        assert displacements(read(source)) == pytest.approx(truth(), abs=1e-4)


def test_pymatgen_trajectory_and_structures():
    from pymatgen.core import Lattice, Structure
    from pymatgen.core.trajectory import Trajectory

    structures = [
        Structure(Lattice.cubic(CELL_A), SYMBOLS, frame, coords_are_cartesian=True) for frame in WRAPPED
    ]
    for source in (structures, Trajectory.from_structures(structures, constant_lattice=True)):
        assert displacements(read(source)) == pytest.approx(truth(), abs=1e-4)


def test_an_mdanalysis_universe():
    """By a stand-in with the names of MDAnalysis; the real one is tried where it is installed."""
    try:
        import MDAnalysis
        from MDAnalysis.coordinates.memory import MemoryReader

        universe = MDAnalysis.Universe.empty(LI + CL, trajectory=True)
        universe.add_TopologyAttr("elements", SYMBOLS)
        dimensions = np.tile([CELL_A] * 3 + [90.0] * 3, (len(WRAPPED), 1))
        universe.load_new(WRAPPED.astype("f4"), format=MemoryReader, dimensions=dimensions)
    except ImportError:
        universe = StandIn()
    assert displacements(read(universe)) == pytest.approx(truth(), abs=1e-3)


class StandIn:
    """Universe, AtomGroup, reader and time step in one."""

    elements, format = SYMBOLS, "MEMORY"
    triclinic_dimensions, time = CELL_A * np.eye(3), 1.0

    @property
    def atoms(self):
        return self

    universe = trajectory = atoms

    def __iter__(self):
        for self.positions in WRAPPED:
            yield self


def test_arrays_of_all_atoms():
    trajectory = read(WRAPPED, species=SYMBOLS, cell=[CELL_A] * 3)
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-4)
    with pytest.raises(DlmdError, match="no cell"):
        read(WRAPPED, species=SYMBOLS)


def test_things_that_are_no_trajectory():
    for wrong in (3.0, [1, 2, 3]):
        with pytest.raises(DlmdError, match="a trajectory of type") as error:
            read(wrong)
        assert "from_arrays" in error.value.remedy


def cp2k(positions=WRAPPED):
    lines = []
    for number, frame in enumerate(positions):
        lines += [str(LI + CL), f" i = {10 * number:8d}, time = {20.0 * number:12.3f}, E = -17.1"]
        lines += [f"{s} {x:.8f} {y:.8f} {z:.8f}" for s, (x, y, z) in zip(SYMBOLS, frame, strict=True)]
    return "\n".join(lines) + "\n"


def cells(factors):
    head = "#   Step   Time [fs]   Ax [Angstrom] ...\n"
    rows = [
        f"{10 * n} {20.0 * n} {CELL_A * f} 0 0 0 {CELL_A * f} 0 0 0 {CELL_A * f} {(CELL_A * f) ** 3}"
        for n, f in enumerate(factors)
    ]
    return head + "\n".join(rows) + "\n"


def test_cp2k_xyz_with_its_file_of_cells(tmp_path):
    path = tmp_path / "li-pos-1.xyz"
    path.write_text(cp2k())
    with pytest.raises(DlmdError, match="no cell") as error:
        read(path)
    assert "--cell" in error.value.remedy
    assert displacements(read(path, cell=[CELL_A] * 3)) == pytest.approx(truth(), abs=1e-4)
    # beside it, found by itself; times are CP2K's
    (tmp_path / "li-1.cell").write_text(cells(np.ones(40)))
    assert read(path, time_step_fs=None, stride=None).frame_interval_ps == pytest.approx(0.02)
    # constant pressure
    breath = 1 + 0.01 * np.sin(np.arange(40) / 5)
    path.write_text(cp2k(WRAPPED * breath[:, None, None]))
    (tmp_path / "li-1.cell").write_text(cells(breath))
    trajectory = read(path)
    assert displacements(trajectory) == pytest.approx(truth() * breath.mean(), abs=1e-3)
    for wrong in ([1.0, 2.0], "nothing.cell"):
        with pytest.raises(DlmdError, match="--cell"):
            read(path, cell=wrong)


def test_dl_poly_history(tmp_path):
    lines = ["made", f"{0:10d}{1:10d}{LI + CL:10d}{len(FRAMES):10d}{0:10d}"]
    for number, frame in enumerate(WRAPPED):
        lines.append(
            f"timestep{10 * number:10d}{LI + CL:10d}{0:10d}{1:10d}{0.002:14.6f}{0.02 * number:14.6f}"
        )
        lines += [
            f"{CELL_A:20.8f}{0:20.8f}{0:20.8f}",
            f"{0:20.8f}{CELL_A:20.8f}{0:20.8f}",
            f"{0:20.8f}{0:20.8f}{CELL_A:20.8f}",
        ]
        for i, (symbol, xyz) in enumerate(zip(SYMBOLS, frame, strict=True)):
            lines.append(f"{symbol:8s}{i + 1:10d}{1.0:12.6f}{0.0:12.6f}{0.0:12.6f}")
            lines.append("".join(f"{x:20.8f}" for x in xyz))
    path = tmp_path / "HISTORY"
    path.write_text("\n".join(lines) + "\n")
    trajectory = read(path, time_step_fs=None, stride=None)
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-4)
    assert trajectory.frame_interval_ps == pytest.approx(0.02)
    # two files in one, each with its header
    each = 1 + 3 + 2 * (LI + CL)
    path.write_text("\n".join([*lines[: 2 + 25 * each], *lines[:2], *lines[2 + 25 * each :]]) + "\n")
    assert displacements(read(path, time_step_fs=None, stride=None)) == pytest.approx(truth(), abs=1e-4)
    path.write_text("\n".join([*lines[: 2 + 25 * each + 1], "not", "this"]) + "\n")
    assert read(path, time_step_fs=None, stride=None).n_frames == 25
    path.write_text("\n".join([*lines[: 2 + 25 * each], "not", "this", ""]))
    with pytest.raises(DlmdError, match="frame 25: expected 'timestep', found 'not'"):
        read(path, time_step_fs=None, stride=None)


def test_h5md(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "a.h5md"
    with h5py.File(path, "w") as file:
        group = file.create_group("particles/all")
        group["position/value"] = WRAPPED / 10
        group["position/value"].attrs["unit"] = "nm"
        group["position/time"] = 0.02 * np.arange(40)
        group["position/time"].attrs["unit"] = "ps"
        group["box/edges/value"] = np.tile(CELL_A / 10 * np.ones(3), (40, 1))
        group["species"] = [3] * LI + [17] * CL
    trajectory = read(path, time_step_fs=None, stride=None)
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-4)
    assert trajectory.frame_interval_ps == pytest.approx(0.02)


@pytest.mark.parametrize(("ending", "pack"), [("bz2", bz2.compress), ("xz", lzma.compress)])
def test_compressed_text(tmp_path, ending, pack):
    path = tmp_path / f"li-pos-1.xyz.{ending}"
    path.write_bytes(pack(cp2k().encode()))
    assert displacements(read(path, cell=[CELL_A] * 3)) == pytest.approx(truth(), abs=1e-4)
    if ending == "bz2":  # whose blocks are larger than this file
        return
    path.write_bytes(pack(cp2k().encode())[:-400])
    assert any("damaged compression" in n for n in read(path, cell=[CELL_A] * 3).notes)


def test_a_cut_trr_gives_its_whole_frames_and_says_so(tmp_path):
    path = write_chemfiles(tmp_path / "a.trr", "TRR")
    whole, species = path.read_bytes(), ["4*Li", "8*Cl"]
    frame = len(whole) // len(WRAPPED)
    assert len(whole) == frame * len(WRAPPED)
    path.write_bytes(whole[: 30 * frame + 100])
    trajectory = read(path, species=species, wrapped=True)
    assert displacements(trajectory) == pytest.approx(truth()[:30], abs=1e-4)
    assert any("its 30 whole frames are used" in note for note in trajectory.notes)
    path.write_bytes(whole[: 5 * frame] + bytes(frame) + whole[6 * frame :])
    with pytest.raises(DlmdError, match="no TRR frame"):
        read(path, species=species, wrapped=True)
