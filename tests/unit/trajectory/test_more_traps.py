"""More traps of other people's files: times without steps, velocities, masses, names, an end to leave out, repeated frames."""

import gzip

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.trajectory import readers
from dlmd.trajectory.names import element_of
from positions_read import displacements, relative_to_host

LI, CL, CELL_A = 12, 20, 14.0
SYMBOLS = ["Li"] * LI + ["Cl"] * CL
TYPES = [1] * LI + [2] * CL
MASSES = np.array([6.94] * LI + [35.45] * CL)
# u Å²/ps²/K
BOLTZMANN = 0.831446


def crystal(frames=120, *, seed=1):
    """(frames, atoms, 3) unwrapped Å: Li walks, 0.05 Å²/ps, a frame every 0.5 ps; Cl vibrates about its places."""
    rng = np.random.default_rng(seed)
    start = rng.random((LI + CL, 3)) * CELL_A
    steps = rng.normal(0, np.sqrt(0.05), (frames, LI, 3))
    steps[0] = 0
    moved = start + np.concatenate([steps.cumsum(axis=0), rng.normal(0, 0.15, (frames, CL, 3))], axis=1)
    # the digits of the files, so that a restart has them too
    return np.round(moved, 6)


FRAMES = crystal()


def restarted(at, *, seed=5):
    """What a restart from frame `at` gives: the same state, then another future; and the whole as it counts."""
    other = crystal(60, seed=seed)
    second = np.round(FRAMES[at] + other - other[0], 6)
    return second, np.concatenate([FRAMES[:at], second])


def xyz(positions, comments, names=SYMBOLS):
    lattice = f'Lattice="{CELL_A} 0 0 0 {CELL_A} 0 0 0 {CELL_A}"'
    lines = []
    for frame, comment in zip(positions % CELL_A, comments, strict=True):
        lines += [str(len(frame)), f"{lattice} {comment}"]
        lines += [f"{n} {x:.6f} {y:.6f} {z:.6f}" for n, (x, y, z) in zip(names, frame, strict=True)]
    return "\n".join(lines) + "\n"


def dump(positions, columns="id type x y z", *, more=None, steps=None, head=""):
    """A LAMMPS text dump of wrapped coordinates; `more` has (frames, atoms, n) further columns."""
    lines = [head] if head else []
    for number, frame in enumerate(positions):
        step = 500 * number if steps is None else steps[number]
        lines += [f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{len(frame)}\nITEM: BOX BOUNDS pp pp pp"]
        lines += [f"0 {CELL_A}"] * 3 + [f"ITEM: ATOMS {columns}"]
        for i, place in enumerate(frame % CELL_A):
            words = [i + 1, TYPES[i], *place, *([] if more is None else more[number][i])]
            lines.append(" ".join(map(str, words)))
    return "\n".join(lines) + "\n"


def save(path, text):
    path.write_text(text)
    return path


def read(paths, **options):
    given = {"mobile": "Li", "time_step_fs": 1.0, "temperature_k": 600.0, **options}
    return readers.read(paths if isinstance(paths, list) else [paths], **given)


def read_dump(paths, **options):
    return read(paths, **{"species": ["Li", "Cl"], **options})


def truth(positions=FRAMES):
    return relative_to_host(positions, LI)


def thermal(temperature_k, frames=120, *, seed=3):
    """(frames, atoms, 3) velocities in Å/ps."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, (frames, LI + CL, 3)) * np.sqrt(BOLTZMANN * temperature_k / MASSES)[None, :, None]


# --- times of frames that count no steps --------------------------------------------------------------------------


def test_a_gap_in_the_times_is_missing_frames(tmp_path):
    numbers = [n for n in range(120) if not 50 <= n < 53]
    path = save(tmp_path / "a.xyz", xyz(FRAMES[numbers], [f"time_fs={500 * n}" for n in numbers]))
    with pytest.raises(
        DlmdError, match="time 26500 follows time 24500, but frames are 500 apart: missing"
    ) as error:
        read(path, time_step_fs=None)
    assert "frame 50" in error.value.where
    # the user's word counts where it is said to
    assert read(path, time_step_fs=1.0, stride=500, trust_options=True).n_frames == 117


@pytest.mark.parametrize("one_file", [True, False])
def test_times_tell_a_restart_that_went_another_way(tmp_path, one_file):
    second, whole = restarted(80)
    parts = [
        xyz(FRAMES, [f"time_fs={500 * n}" for n in range(120)]),
        # not to the digit as before
        xyz(second + 1e-5, [f"time_fs={500 * (80 + n)}" for n in range(60)]),
    ]
    paths = [save(tmp_path / "0.xyz", "".join(parts))]
    if not one_file:
        paths = [save(tmp_path / f"{n}.xyz", part) for n, part in enumerate(parts)]
    trajectory = read(paths, time_step_fs=None)
    assert trajectory.n_frames == 140
    assert displacements(trajectory) == pytest.approx(truth(whole), abs=1e-3)
    assert any("frames 80 to 119 are there twice (a restart)" in note for note in trajectory.notes)


def test_times_that_begin_anew_are_no_repetition(tmp_path):
    paths = [
        save(tmp_path / "0.xyz", xyz(FRAMES[:60], [f"time_fs={500 * n}" for n in range(60)])),
        save(tmp_path / "1.xyz", xyz(FRAMES[60:], [f"time_fs={500 * (n + 1)}" for n in range(60)])),
    ]
    assert displacements(read(paths, time_step_fs=None)) == pytest.approx(truth(), abs=1e-4)


def test_rounded_times_are_no_times(tmp_path):
    # 5 fs between frames, written in ps with two digits
    path = save(tmp_path / "a.xyz", xyz(FRAMES, [f"time_ps={int(n * 0.5) * 0.01:.2f}" for n in range(120)]))
    with pytest.raises(DlmdError, match=r"unknown|uneven"):
        read(path, time_step_fs=None, temperature_k=None)
    times = [0.0, 0.01, 0.02, *(0.025 + 0.01 * n for n in range(117))]
    path = save(tmp_path / "b.xyz", xyz(FRAMES, [f"time_ps={t:.4f}" for t in times]))
    with pytest.raises(DlmdError, match="uneven, or rounded") as error:
        read(path, time_step_fs=None, temperature_k=None)
    assert "frame 3" in error.value.where and "--trust-options" in error.value.remedy


def test_rounding_of_the_first_interval_does_not_add_up(tmp_path):
    path = save(tmp_path / "a.xyz", xyz(FRAMES, [f"time_fs={500 * n / 3:.0f}" for n in range(120)]))
    assert read(path, time_step_fs=None, temperature_k=None).n_frames == 120


def write_h5md(path, positions, steps, *, velocities=None):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        group = file.create_group("particles/all")
        group["position/value"], group["position/step"] = positions % CELL_A / 10, steps
        group["position/value"].attrs["unit"] = "nm"
        group["position/time"] = 0.001 * np.asarray(steps)
        group["position/time"].attrs["unit"] = "ps"
        group["box/edges"] = CELL_A / 10 * np.ones(3)
        group["species"] = [3] * LI + [17] * CL
        if velocities is not None:
            group["velocity/value"] = velocities / 10
            group["velocity/value"].attrs["unit"] = "nm ps-1"
    return path


def test_steps_of_h5md_tell_restarts_and_gaps(tmp_path):
    second, whole = restarted(80)
    steps = [500 * n for n in range(120)] + [500 * (80 + n) for n in range(60)]
    trajectory = read(
        write_h5md(tmp_path / "a.h5md", np.concatenate([FRAMES, second]), steps), time_step_fs=None
    )
    assert displacements(trajectory) == pytest.approx(truth(whole), abs=1e-3)
    path = write_h5md(tmp_path / "b.h5md", np.delete(FRAMES, 50, axis=0), np.delete(500 * np.arange(120), 50))
    with pytest.raises(DlmdError, match="missing frames"):
        read(path, time_step_fs=None)
    with pytest.raises(DlmdError, match="--stride 50, but frames are 500 steps apart"):
        read(write_h5md(tmp_path / "c.h5md", FRAMES, 500 * np.arange(120)), stride=50)


def test_steps_that_are_all_the_same_count_nothing(tmp_path):
    """XTC written by programs that keep times alone."""
    import chemfiles

    second, whole = restarted(80)
    path = tmp_path / "a.xtc"
    times = [0.5 * n for n in range(120)] + [0.5 * (80 + n) for n in range(60)]
    with chemfiles.Trajectory(str(path), "w", "XTC") as file:
        for time, xyz_a in zip(times, np.concatenate([FRAMES, second]) % CELL_A, strict=True):
            frame = chemfiles.Frame()
            for symbol, place in zip(SYMBOLS, xyz_a, strict=True):
                frame.add_atom(chemfiles.Atom(symbol), place)
            frame.cell, frame.step = chemfiles.UnitCell([CELL_A] * 3), 0
            frame["time"] = time
            file.write(frame)
    trajectory = read(path, species=["12*Li", "20*Cl"], time_step_fs=None)
    assert displacements(trajectory) == pytest.approx(truth(whole), abs=0.03)
    assert trajectory.frame_interval_ps == pytest.approx(0.5)


def test_times_of_amber_netcdf(tmp_path):
    from scipy.io import netcdf_file

    path = tmp_path / "a.nc"
    with netcdf_file(str(path), "w", version=2) as file:
        file.Conventions, file.ConventionVersion = "AMBER", "1.0"
        for name, size in (("frame", None), ("atom", LI + CL), ("spatial", 3), ("cell_spatial", 3)):
            file.createDimension(name, size)
        file.createDimension("cell_angular", 3)
        file.createVariable("coordinates", "f", ("frame", "atom", "spatial"))[:] = FRAMES % CELL_A
        file.variables["coordinates"].units = "angstrom"
        file.createVariable("time", "d", ("frame",))[:] = 500.0 * np.arange(120)
        file.variables["time"].units, file.variables["time"].scale_factor = "femtosecond", 1.0
        for name, kind, value in (("cell_lengths", "angstrom", CELL_A), ("cell_angles", "degree", 90.0)):
            dimension = "cell_spatial" if name == "cell_lengths" else "cell_angular"
            file.createVariable(name, "d", ("frame", dimension))[:] = np.full((120, 3), value)
            file.variables[name].units = kind
    options = {"species": ["12*Li", "20*Cl"]}
    assert read(path, **options, time_step_fs=None).frame_interval_ps == pytest.approx(0.5)
    with pytest.raises(DlmdError, match=r"give 5 ps between frames, the file says 0\.5 ps"):
        read(path, **options, time_step_fs=10.0, stride=500)


def test_steps_in_the_comments_of_lammps(tmp_path):
    """`dump xyz`, which has types for names and no cell."""
    lines = xyz(FRAMES, [""] * 120, names=[str(t) for t in TYPES]).splitlines()
    for number in range(120):
        lines[number * (LI + CL + 2) + 1] = f"Atoms. Timestep: {500 * number}"
    options = {"species": ["Li", "Cl"], "cell": [CELL_A] * 3}
    whole = read(save(tmp_path / "a.xyz", "\n".join(lines) + "\n"), **options)
    assert displacements(whole) == pytest.approx(truth(), abs=1e-4)
    assert whole.frame_interval_ps == pytest.approx(0.5)
    del lines[50 * (LI + CL + 2) : 53 * (LI + CL + 2)]
    with pytest.raises(DlmdError, match="step 26500 follows step 24500"):
        read(save(tmp_path / "b.xyz", "\n".join(lines) + "\n"), **options)


@pytest.mark.parametrize(("time_ps", "step_fs"), [(500.0, 1000), (5e-4, 0.001)])
def test_times_in_the_file_that_make_no_md(tmp_path, time_ps, step_fs):
    comments = [f"step={500 * n} time_ps={time_ps * n}" for n in range(120)]
    path = save(tmp_path / "a.xyz", xyz(FRAMES, comments))
    with pytest.raises(DlmdError, match=f"make a time step of {step_fs:g}") as error:
        read(path, time_step_fs=None)
    assert "--trust-options" in error.value.remedy
    trusted = read(path, time_step_fs=1.0, stride=500, trust_options=True)
    assert trusted.frame_interval_ps == pytest.approx(0.5)


@pytest.mark.parametrize("step_fs", [1000.0, 100.0])
def test_a_time_step_of_picoseconds_with_the_strides_of_the_file(tmp_path, step_fs):
    path = save(tmp_path / "a.dump", dump(FRAMES))
    with pytest.raises(DlmdError, match=f"--time-step {step_fs:g} fs with 500 steps between frames") as error:
        read_dump(path, time_step_fs=step_fs)
    assert str(path) in error.value.where


# --- order, repetition, end ---------------------------------------------------------------------------------------


def test_frames_in_no_order_are_refused(tmp_path):
    path = save(tmp_path / "a.dump", dump(FRAMES[::-1], steps=500 * np.arange(120)[::-1]))
    for stride in (None, 500):
        with pytest.raises(DlmdError, match="frames in no order"):
            read_dump(path, stride=stride)


def test_single_frames_without_steps_in_the_order_of_a_shell(tmp_path):
    for number in range(30):
        save(tmp_path / f"{number}.xyz", xyz(FRAMES[number : number + 1], [""]))
    paths = sorted(tmp_path.glob("*.xyz"), key=str)
    trajectory = read(paths, stride=500)
    assert displacements(trajectory) == pytest.approx(truth(FRAMES[:30]), abs=1e-4)
    assert any("in the order of their numbers" in note for note in trajectory.notes)
    # an order of the user's own stays
    backwards = sorted(paths, key=lambda path: -int(path.stem))
    assert not any("numbers" in note for note in read(backwards, stride=500).notes)


def test_a_frame_written_twice_by_a_restart_counts_once(tmp_path):
    twice = np.insert(FRAMES, 70, FRAMES[70], axis=0)
    trajectory = read(save(tmp_path / "a.xyz", xyz(twice, [""] * 121)), stride=500)
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-4)
    assert any("1 repeated frame(s)" in note for note in trajectory.notes)
    # but ions that hop on a rigid lattice rest for whole frames, which count
    rigid = np.repeat(FRAMES[:1], 30, axis=0)
    rigid[10:, 0, 0] += 1.0
    with pytest.raises(DlmdError, match="repeats the frame before it"):
        read(save(tmp_path / "b.xyz", xyz(rigid, [""] * 30)), stride=500, trust_options=True)


def test_an_exploded_end_is_left_out(tmp_path):
    exploded = FRAMES.copy()
    exploded[100:, 3] = np.nan
    path = save(tmp_path / "a.dump", dump(exploded))
    with pytest.raises(DlmdError, match="NaN") as error:
        read_dump(path)
    assert "--end" in error.value.remedy
    trajectory = read_dump(path, end_ps=49.5)
    assert displacements(trajectory) == pytest.approx(truth(FRAMES[:100]), abs=1e-4)
    assert any("what comes after 49.5 ps is left out" in note for note in trajectory.notes)
    assert read_dump(path, end_ps=49.4).n_frames == 99
    whole = read_dump(save(tmp_path / "b.dump", dump(FRAMES)), end_ps=1000.0)
    assert whole.n_frames == 120 and not any("left out" in note for note in whole.notes)


def test_parts_of_a_trajectory_keep_their_atoms():
    trajectory = readers.read(
        FRAMES,
        species=SYMBOLS,
        cell=[CELL_A] * 3,
        mobile="Li",
        time_step_fs=1.0,
        stride=500,
        temperature_k=600.0,
    )
    part = trajectory.after(10.0).until(30.0)
    assert part.n_frames == 61
    assert displacements(part) == pytest.approx(truth(FRAMES[20:81]), abs=1e-4)
    assert part.collective().shape == (61, 3)
    for row, number in enumerate(part.atoms.frames):
        assert part.atoms.positions[row] == pytest.approx(FRAMES[20 + number], abs=1e-4)
    with pytest.raises(DlmdError, match="hold one"):
        trajectory.until(0.2)


# --- velocities and set points ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 1e-3])
@pytest.mark.parametrize("units", [None, "said"])
def test_velocities_of_a_dump_are_held_against_the_temperature(tmp_path, scale, units):
    """300 K passed as 600 K, in Å/ps (metal) and in Å/fs (real), whether the file says which or not."""
    head = f"ITEM: UNITS\n{'metal' if scale == 1.0 else 'real'}" if units else ""
    text = dump(FRAMES, "id type x y z vx vy vz", more=scale * thermal(300.0), head=head)
    path = save(tmp_path / "a.dump", text)
    with pytest.raises(
        DlmdError, match=r"the velocities in the file are those of (29|30)\d(\.\d)? K; 600 K is given"
    ):
        read_dump(path)
    assert read_dump(path, temperature_k=300.0).n_frames == 120
    assert read_dump(path, trust_options=True).n_frames == 120


@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_velocities_of_ase_may_come_from_a_dump_in_other_units(scale):
    import ase
    from ase.units import fs

    def frames(temperature_k):
        for place, velocity in zip(FRAMES, thermal(temperature_k), strict=True):
            atoms = ase.Atoms(SYMBOLS, positions=place, cell=[CELL_A] * 3, pbc=True)
            atoms.set_velocities(scale * velocity / (1000 * fs))
            yield atoms

    options = {"mobile": "Li", "time_step_fs": 1.0, "stride": 500, "temperature_k": 600.0}
    assert readers.read(list(frames(600.0)), **options).n_frames == 120
    with pytest.raises(DlmdError, match="the velocities in the file are those of 30"):
        readers.read(list(frames(300.0)), **options)


def test_velocities_in_an_unknown_unit_are_noted(tmp_path):
    path = save(tmp_path / "a.dump", dump(FRAMES, "id type x y z vx vy vz", more=47.0 * thermal(600.0)))
    assert any("another unit, so that they say nothing" in note for note in read_dump(path).notes)


def test_velocities_of_other_formats(tmp_path):
    cold = thermal(300.0)
    with pytest.raises(DlmdError, match="the velocities in the file"):
        read(
            write_h5md(tmp_path / "a.h5md", FRAMES, 500 * np.arange(120), velocities=cold), time_step_fs=None
        )
    gro = []
    for number, frame in enumerate(FRAMES % CELL_A):
        gro += [f"made t= {0.5 * number:.5f} step= {500 * number}", str(LI + CL)]
        for i, place in enumerate(frame):
            numbers = "".join(f"{x / 10:8.3f}" for x in place) + "".join(
                f"{v / 10:8.4f}" for v in cold[number][i]
            )
            gro.append(f"{1:5d}{'SALT':5s}{SYMBOLS[i].upper():>5s}{i + 1:5d}{numbers}")
        gro.append(" ".join(f"{CELL_A / 10:.5f}" for _ in range(3)))
    text = "\n".join(gro) + "\n"
    with pytest.raises(DlmdError, match="the velocities in the file are those of 30"):
        read(save(tmp_path / "a.gro", text), time_step_fs=None)
    trajectory = read(tmp_path / "a.gro", time_step_fs=None, temperature_k=300.0)
    assert displacements(trajectory) == pytest.approx(truth(), abs=0.03)
    # a killed run's last frame, and compressed
    (tmp_path / "b.gro.gz").write_bytes(gzip.compress(text[:-600].encode()))
    cut = read(tmp_path / "b.gro.gz", time_step_fs=None, temperature_k=300.0)
    assert cut.n_frames == 119 and any("119 whole frames" in note for note in cut.notes)


@pytest.mark.parametrize(
    ("settings", "held"),
    [
        ({"TEBEG": 300.0, "TEEND": 300.0, "MDALGO": 2}, 300.0),
        ({"TEBEG": 300.0, "TEEND": 300.0, "MDALGO": 0, "SMASS": 0.0}, 300.0),
        ({"TEBEG": 300.0, "TEEND": 900.0, "MDALGO": 2}, None),
        ({"TEBEG": 300.0, "TEEND": 300.0, "MDALGO": 0, "SMASS": -3.0}, None),
        ({}, None),
    ],
)
def test_the_set_point_of_vasp(settings, held):
    from dlmd.trajectory.frame_readers import _held_k
    from dlmd.trajectory.kinetic import check_set_point

    assert _held_k(settings) == held
    if held:
        check_set_point(held, 301.0, "vasprun.xml")
        check_set_point(held, None, "vasprun.xml")
        with pytest.raises(DlmdError, match="its thermostat held 300 K; 600 K is given"):
            check_set_point(held, 600.0, "vasprun.xml")


# --- elements -----------------------------------------------------------------------------------------------------


def test_masses_of_a_dump_are_its_elements(tmp_path):
    masses = np.broadcast_to(MASSES[None, :, None], (120, LI + CL, 1))
    path = save(tmp_path / "a.dump", dump(FRAMES, "id type x y z mass", more=masses))
    trajectory = read(path)
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-4)
    assert "elements by the masses in the file" in trajectory.notes
    assert read_dump(path).n_ions == LI
    with pytest.raises(DlmdError, match=r"atom 1 is Cl by --species, and has a mass of 6\.94 u"):
        read(path, species=["Cl", "Li"])


def test_types_for_names_in_xyz(tmp_path):
    path = save(tmp_path / "a.xyz", xyz(FRAMES, [""] * 120, names=[str(t) for t in TYPES]))
    assert displacements(read(path, species=["Li", "Cl"], stride=500)) == pytest.approx(truth(), abs=1e-4)
    with pytest.raises(DlmdError, match="no elements") as error:
        read(path, stride=500)
    assert "--species" in error.value.remedy


@pytest.mark.parametrize(
    ("name", "element"),
    [
        ("LI+", "Li"),
        ("NA+", "Na"),
        ("CL-", "Cl"),
        ("ZN2+", "Zn"),
        ("Li(1)", "Li"),
        ("CA1", None),
        ("C+", "C"),
    ],
)
def test_names_with_charges_and_labels(name, element):
    assert element_of(name) == element


@pytest.mark.parametrize("name", ["a.xtc.gz", "a.dcd.xz"])
def test_compressed_binaries_are_named(tmp_path, name):
    import lzma

    pack = gzip.compress if name.endswith("gz") else lzma.compress
    (tmp_path / name).write_bytes(pack(b"\0" * 1000))
    with pytest.raises(DlmdError, match="is not read compressed") as error:
        read(tmp_path / name)
    assert name in error.value.remedy and error.value.remedy.startswith("unpack it: ")
