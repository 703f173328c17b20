"""Traps of other people's files: each is either read as it is meant, with a note, or refused with a way out."""

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.trajectory import readers
from dlmd.trajectory.names import element_of, elements_of_masses
from positions_read import displacements, relative_to_host

LI, CL, CELL_A = 12, 20, 14.0
SYMBOLS = ["Li"] * LI + ["Cl"] * CL
D_A2_PER_PS, INTERVAL_PS = 0.05, 0.5


def crystal(frames=200, *, seed=1, cell_a=CELL_A, host_a=0.15):
    """(frames, atoms, 3) unwrapped Å: Li walks with a known D every 0.5 ps, Cl vibrates about its places as at 600 K."""
    rng = np.random.default_rng(seed)
    start = rng.random((LI + CL, 3)) * cell_a
    steps = rng.normal(0, np.sqrt(2 * D_A2_PER_PS * INTERVAL_PS), (frames, LI, 3))
    steps[0] = 0
    return start + np.concatenate([steps.cumsum(axis=0), rng.normal(0, host_a, (frames, CL, 3))], axis=1)


FRAMES = crystal()


def dump(
    positions=FRAMES,
    *,
    first=0,
    every=500,
    columns="id type xu yu zu",
    names=None,
    cell=CELL_A,
    units=None,
    time=None,
    low=0.0,
):
    """A LAMMPS text dump of a cubic cell; `cell` and `low` may have one value per frame, `time` is that of one step."""
    cells, lows = np.broadcast_to(cell, len(positions)), np.broadcast_to(low, len(positions))
    names = names or ["1" if s == "Li" else "2" for s in SYMBOLS]
    lines = ["ITEM: UNITS", units] if units else []
    for number, frame in enumerate(positions):
        step = first + number * every
        lines += ["ITEM: TIME", f"{step * time}"] if time else []
        lines += ["ITEM: TIMESTEP", str(step), "ITEM: NUMBER OF ATOMS", str(len(frame))]
        lines += ["ITEM: BOX BOUNDS pp pp pp", *[f"{lows[number]} {lows[number] + cells[number]}"] * 3]
        lines += [f"ITEM: ATOMS {columns}"]
        lines += [f"{i + 1} {names[i]} " + " ".join(f"{x:.7f}" for x in xyz) for i, xyz in enumerate(frame)]
    return "\n".join(lines) + "\n"


def save(path, text):
    path.write_text(text)
    return path


def read(paths, **options):
    paths = paths if isinstance(paths, list) else [paths]
    given = {"mobile": "Li", "species": ["Li", "Cl"], "time_step_fs": 1.0, "temperature_k": 600.0, **options}
    return readers.read(paths, **given)


def truth(positions=FRAMES):
    return relative_to_host(positions, LI)


# --- restarts ---------------------------------------------------------------------------------------------------


def diverged(positions, at, *, seed=5):
    """The run again from frame `at` on, as a restart gives it: the same state, then another future."""
    other = crystal(len(positions) - at + 40, seed=seed)
    return positions[at] + other - other[0]


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("one_file", [False, True])
def test_a_restart_that_repeats_steps_counts_them_once_and_as_the_restart_has_them(tmp_path, one_file, wrap):
    second = diverged(FRAMES, 150)
    expected = np.concatenate([FRAMES[:150], second])
    written, again = (p % CELL_A if wrap else p for p in (FRAMES, second))
    columns = "id type x y z" if wrap else "id type xu yu zu"
    parts = dump(written, columns=columns), dump(again, first=150 * 500, columns=columns)
    if one_file:
        paths = save(tmp_path / "a.dump", "".join(parts))
    else:
        paths = [save(tmp_path / f"{n}.dump", text) for n, text in enumerate(parts)]
    trajectory = read(paths)
    assert trajectory.n_frames == 150 + len(second)
    assert displacements(trajectory) == pytest.approx(truth(expected), abs=1e-4)
    assert any(
        "steps 75000 to 99500 are there twice" in note and "50 frames" in note for note in trajectory.notes
    )


def test_a_counter_that_begins_anew_is_no_repetition(tmp_path):
    paths = [save(tmp_path / "1.dump", dump(FRAMES[:100])), save(tmp_path / "2.dump", dump(FRAMES[99:]))]
    trajectory = read(paths)
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-4)
    assert not any("twice" in note for note in trajectory.notes)
    # and a restart within the second part is still found
    paths.append(save(tmp_path / "3.dump", dump(FRAMES[180:], first=81 * 500)))
    assert read(paths).n_frames == 200


def test_two_runs_are_not_one(tmp_path):
    paths = [save(tmp_path / "1.dump", dump()), save(tmp_path / "2.dump", dump(crystal(seed=8)))]
    with pytest.raises(DlmdError, match="another run") as error:
        read(paths)
    assert "--replicas" in error.value.remedy


def test_a_frame_torn_by_the_kill_and_appended_to(tmp_path):
    head = dump(FRAMES[:101]).splitlines(keepends=True)
    torn = "".join(head[:-7]) + head[-7][:9]
    trajectory = read(save(tmp_path / "a.dump", torn + dump(FRAMES[90:], first=90 * 500)))
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-4)
    assert any("breaks off" in note for note in trajectory.notes)


def test_one_file_per_frame_in_the_order_of_the_shell(tmp_path):
    for number in range(30):
        save(tmp_path / f"dump.{number * 500}", dump(FRAMES[number : number + 1], first=number * 500))
    trajectory = read(sorted(tmp_path.glob("dump.*"), key=str))
    assert displacements(trajectory) == pytest.approx(truth(FRAMES[:30]), abs=1e-4)
    assert any("in the order of their numbers" in note for note in trajectory.notes)


# --- times, temperature -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "interval"),
    [
        ({"units": "metal", "time": 0.001}, 0.5),
        ({"units": "real", "time": 1.0}, 0.5),
        ({"time": 0.001}, 0.5),
        ({"time": 1.0}, 0.5),
        ({"units": "metal", "time": 0.002}, 1.0),
    ],
)
def test_times_of_dumps_are_used_and_held_against_the_options(tmp_path, options, interval):
    path = save(tmp_path / "a.dump", dump(FRAMES[:20], **options))
    assert read(path, time_step_fs=None).frame_interval_ps == pytest.approx(interval)
    with pytest.raises(DlmdError, match=r"the file says"):
        read(path, time_step_fs=5.0)
    trusted = read(path, time_step_fs=5.0, trust_options=True)
    assert trusted.frame_interval_ps == pytest.approx(2.5)
    assert any("as given" in note for note in trusted.notes)


def test_lengths_of_dumps_in_other_units(tmp_path):
    path = save(tmp_path / "a.dump", dump(FRAMES[:20] / 10, cell=CELL_A / 10, units="nano"))
    trajectory = read(path)
    assert displacements(trajectory) == pytest.approx(truth(FRAMES[:20]), abs=1e-4)
    with pytest.raises(DlmdError, match="units lj"):
        read(save(tmp_path / "b.dump", dump(FRAMES[:20], units="lj")))


def write_xtc(path, positions, *, time_ps):
    import chemfiles

    with chemfiles.Trajectory(str(path), "w") as file:
        for number, xyz in enumerate(positions):
            frame = chemfiles.Frame()
            for symbol, place in zip(SYMBOLS, xyz, strict=True):
                frame.add_atom(chemfiles.Atom(symbol), place)
            frame.cell = chemfiles.UnitCell([CELL_A] * 3)
            frame.step = number * 500
            frame["time"] = number * time_ps
            file.write(frame)
    return path


def test_times_of_xtc(tmp_path):
    path, species = write_xtc(tmp_path / "a.xtc", FRAMES[:30], time_ps=0.5), ["12*Li", "20*Cl"]
    assert read(path, time_step_fs=None, species=species).frame_interval_ps == pytest.approx(0.5)
    with pytest.raises(DlmdError, match=r"give 5 ps between frames, the file says 0\.5 ps"):
        read(path, time_step_fs=10.0, species=species)


def write_dcd(path, positions, *, stride, first=0):
    import struct

    control = np.zeros(20, dtype="<i4")
    control[[0, 1, 2, 10, 19]] = len(positions), first, stride, 1, 24
    records = [
        b"CORD" + control.tobytes(),
        struct.pack("<i", 1) + b"x".ljust(80),
        struct.pack("<i", len(SYMBOLS)),
    ]
    for frame in positions:
        records.append(struct.pack("<6d", CELL_A, 0, CELL_A, 0, 0, CELL_A))
        records += [frame[:, axis].astype("<f4").tobytes() for axis in range(3)]
    path.write_bytes(b"".join(struct.pack("<i", len(r)) + r + struct.pack("<i", len(r)) for r in records))
    return path


def test_stride_and_steps_of_a_dcd_header(tmp_path):
    species = ["12*Li", "20*Cl"]
    path = write_dcd(tmp_path / "a.dcd", FRAMES, stride=500)
    with pytest.raises(DlmdError, match="--stride 50, but frames are 500 steps apart"):
        read(path, species=species, stride=50)
    assert read(path, species=species).frame_interval_ps == pytest.approx(0.5)
    # a stride of one is what programs leave that write frames again
    again = write_dcd(tmp_path / "b.dcd", FRAMES, stride=1)
    assert read(again, species=species, stride=500).frame_interval_ps == pytest.approx(0.5)
    leg = write_dcd(tmp_path / "c.dcd", diverged(FRAMES, 150), stride=500, first=150 * 500)
    assert any("twice" in note for note in read([path, leg], species=species).notes)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"time_step_fs": 0.001}, "no MD of atoms has such a step"),
        ({"time_step_fs": 1000.0, "stride": 500}, "no MD of atoms has such a step"),
        ({"time_step_fs": 0.02}, "the atoms move at least as at"),
        ({"temperature_k": 25.0}, "takes at least"),
        ({"temperature_k": 1e6}, "takes at most"),
    ],
)
def test_the_atoms_thermal_motion_says_no(tmp_path, wrong, says):
    path = save(tmp_path / "a.dump", dump())
    with pytest.raises(DlmdError, match=says) as error:
        read(path, **wrong)
    assert "--trust-options" in error.value.remedy
    assert read(path, trust_options=True, **wrong).n_frames == 200
    assert read(path).n_frames == 200


@pytest.mark.parametrize(("factor", "refused"), [(1.0, False), (0.5, True), (2.0, True), (10.0, True)])
def test_free_flight_shows_the_time_step(tmp_path, factor, refused):
    """Frames every 2 fs: atoms fly freely between them, so that a time step that is too long is seen as well."""
    rng = np.random.default_rng(2)
    masses = np.array([6.94] * LI + [35.45] * CL)
    rate = 2 * np.pi * 6.0 * rng.uniform(0.8, 1.2, LI + CL)  # 1/ps, 6 THz
    amplitude = np.sqrt(2 * 0.83145 * 600.0 / masses) / rate
    phase = rng.uniform(0, 2 * np.pi, (LI + CL, 3))
    t = np.arange(300)[:, None, None] * 0.002
    positions = FRAMES[0] + amplitude[:, None] * np.cos(rate[:, None] * t + phase)
    path = save(tmp_path / "a.dump", dump(positions, every=1))
    if refused:
        with pytest.raises(DlmdError, match=r"the atoms move (about|at least) as at"):
            read(path, time_step_fs=2.0 * factor)
    else:
        assert read(path, time_step_fs=2.0).n_frames == 300


@pytest.mark.parametrize("frame_fs", [10.0, 25.0, 40.0])
@pytest.mark.parametrize(("factor", "refused"), [(1.0, False), (2.5, True), (10.0, True)])
def test_vibrations_with_memory_show_a_time_step_that_is_too_long(tmp_path, frame_fs, factor, refused):
    """No velocities, no times, no free flight: a crystal of many modes up to 5 THz, in frames well below their period."""
    rng = np.random.default_rng(5)
    n, modes = LI + CL, 6
    masses = np.array([6.94] * LI + [35.45] * CL)
    rate = 2 * np.pi * 5.0 * rng.uniform(0, 1, (modes, n, 3)) ** (1 / 3)  # Debye's density of states
    amplitude = np.sqrt(2 * 0.83145 * 600.0 / modes / masses)[:, None] / rate
    t = np.arange(120)[:, None, None, None] * frame_fs / 1000
    moved = (amplitude * np.cos(rate * t + rng.uniform(0, 2 * np.pi, (modes, n, 3)))).sum(axis=1)
    path = save(tmp_path / "a.dump", dump(FRAMES[0] + moved, every=1))
    if refused:
        with pytest.raises(DlmdError, match="the atoms move about as at"):
            read(path, time_step_fs=frame_fs * factor, stride=1, trust_options=False)
    else:
        assert read(path, time_step_fs=frame_fs, stride=1).n_frames == 120


def test_atoms_that_are_held_show_no_temperature(tmp_path):
    """The lower 70 % of a slab is fixed: the others fly as at 600 K."""
    rng = np.random.default_rng(2)
    rate = 2 * np.pi * 6.0 * rng.uniform(0.8, 1.2, LI + CL)
    amplitude = np.sqrt(2 * 0.83145 * 600.0 / np.array([6.94] * LI + [35.45] * CL)) / rate
    amplitude[LI - 2 : LI + CL - 4] = 0.0
    t = np.arange(100)[:, None, None] * 0.002
    moved = amplitude[:, None] * np.cos(rate[:, None] * t + rng.uniform(0, 2 * np.pi, (LI + CL, 3)))
    path = save(tmp_path / "a.dump", dump(FRAMES[0] + moved, every=1))
    assert read(path, time_step_fs=2.0).n_frames == 100


def test_a_time_that_nothing_confirms_is_said(tmp_path):
    assert any(
        "between frames, as given: the file has no times" in note
        for note in read(save(tmp_path / "a", dump())).notes
    )
    timed = read(save(tmp_path / "b", dump(units="real", time=1.0)))
    assert not any("between frames, as given" in note for note in timed.notes)


def extxyz(path, positions, comment):
    lines = []
    for number, frame in enumerate(positions):
        lines += [str(len(frame)), f'Lattice="{CELL_A} 0 0 0 {CELL_A} 0 0 0 {CELL_A}" {comment(number)}']
        lines += [f"{s} {x:.6f} {y:.6f} {z:.6f}" for s, (x, y, z) in zip(SYMBOLS, frame, strict=True)]
    return save(path, "\n".join(lines) + "\n")


def test_a_time_alone_in_extended_xyz(tmp_path):
    bare = {"species": None, "time_step_fs": None}
    with pytest.raises(DlmdError, match="times are 500 apart, without a unit") as error:
        read(extxyz(tmp_path / "a.xyz", FRAMES, lambda k: f"Time={500.0 * k}"), **bare)
    assert "--time-step 500 --stride 1 where these are fs" in error.value.remedy
    found = read(tmp_path / "a.xyz", species=None, time_step_fs=500.0, stride=1)
    assert found.frame_interval_ps == pytest.approx(0.5)
    for number, name in enumerate(("time_fs", "t_fs")):
        path = extxyz(tmp_path / f"{number}.xyz", FRAMES, lambda k, name=name: f"{name}={500.0 * k}")
        assert read(path, **bare).frame_interval_ps == pytest.approx(0.5)
    assert (
        read(extxyz(tmp_path / "c.xyz", FRAMES, lambda k: f"time_ps={0.5 * k}"), **bare).frame_interval_ps
        == 0.5
    )


def test_one_number_is_no_cell(tmp_path):
    with pytest.raises(DlmdError, match="one number") as error:
        read(save(tmp_path / "a.dump", dump()), cell=["12"])
    assert "--cell 12 12 12" in error.value.remedy


# --- elements ---------------------------------------------------------------------------------------------------

DATA = """made

32 atoms
2 atom types

0.0 14.0 xlo xhi
0.0 14.0 ylo yhi
0.0 14.0 zlo zhi
{masses}
Atoms # atomic

{atoms}
"""


def data_file(path, masses):
    atoms = "\n".join(
        f"{i + 1} {1 if s == 'Li' else 2} {x:.4f} {y:.4f} {z:.4f}"
        for i, (s, (x, y, z)) in enumerate(zip(SYMBOLS, FRAMES[0] % CELL_A, strict=True))
    )
    return save(path, DATA.format(masses=masses, atoms=atoms))


@pytest.mark.parametrize(
    ("masses", "problem"),
    [
        ("", "types without Masses"),
        ("\nMasses\n\n1 1.0\n2 1.0\n", "those of no element"),
        ("\nMasses\n\n1 6.94\n2 0.5\n", "those of no element"),
        ("\nMasses\n\n1 6.94\n2 35.45\n", None),
        ("\nMasses\n\n1 7.0 # Li+\n2 1.0 # Cl\n", None),
    ],
)
def test_lammps_data_as_topology(tmp_path, masses, problem):
    path = write_dcd(tmp_path / "a.dcd", FRAMES, stride=500)
    topology = data_file(tmp_path / "cell.data", masses)
    if problem is None:
        trajectory = read(path, topology=topology, species=None)
        assert trajectory.composition == {"Li": LI, "Cl": CL}
        return
    with pytest.raises(DlmdError, match=problem) as error:
        read(path, topology=topology, species=None)
    assert "--species" in error.value.remedy
    assert read(path, topology=topology).n_ions == LI


def test_type_labels_and_names_with_charges(tmp_path):
    for names in (["Li", "Cl"], ["Li+", "Cl-"], ["Li_sv", "Cl"], ["LI", "CL"]):
        column = [names[s == "Cl"] for s in SYMBOLS]
        path = save(tmp_path / "a.dump", dump(FRAMES[:20], names=column))
        for species in (None, ["Li", "Cl"]) if names == ["Li", "Cl"] else (None,):
            assert read(path, species=species).n_ions == LI


def test_lammps_default_elements(tmp_path):
    path = save(tmp_path / "a.dump", dump(FRAMES[:20], columns="id element x y z", names=["C"] * 32))
    with pytest.raises(DlmdError, match="LAMMPS' default") as error:
        read(path)
    assert "--topology" in error.value.remedy
    with pytest.raises(DlmdError, match="there are C 32") as error:
        read(path, species=None)
    assert "--topology" in error.value.remedy
    topology = data_file(tmp_path / "cell.data", "\nMasses\n\n1 6.94\n2 35.45\n")
    assert read(path, species=None, topology=topology).n_ions == LI
    assert read(path, species=["12*Li", "20*Cl"]).n_ions == LI
    # with types beside them, --species decides
    text = dump(
        FRAMES[:20], names=[f"C {1 if s == 'Li' else 2}" for s in SYMBOLS], columns="id element type x y z"
    )
    assert read(save(tmp_path / "c.dump", text)).n_ions == LI


def test_id_column_of_extended_xyz(tmp_path):
    rng = np.random.default_rng(0)
    lines = []
    for frame in FRAMES:
        lines += [
            str(LI + CL),
            f'Lattice="{CELL_A} 0 0 0 {CELL_A} 0 0 0 {CELL_A}" Properties=id:I:1:species:S:1:pos:R:3',
        ]
        for i in rng.permutation(LI + CL):
            lines.append(f"{i + 1} {SYMBOLS[i]} " + " ".join(f"{x:.6f}" for x in frame[i]))
    trajectory = read(save(tmp_path / "a.extxyz", "\n".join(lines) + "\n"), species=None, stride=500)
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-4)


# --- the host ---------------------------------------------------------------------------------------------------


def test_turning_groups_are_no_melt_and_a_melt_is(tmp_path):
    rng = np.random.default_rng(4)
    frames = 200
    centres = np.array([[3.5, 3.5, 3.5], [10.5, 3.5, 10.5], [3.5, 10.5, 10.5], [10.5, 10.5, 3.5]])
    tetrahedron = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 1.18
    corners = np.array([centre + tetrahedron for centre in centres])
    host = np.empty((frames, 4, 5, 3))
    for number in range(frames):
        if number == 90:
            corners = corners[:, [1, 2, 3, 0]]
        host[number] = np.concatenate([centres[:, None], corners], axis=1)
    host += rng.normal(0, 0.1, host.shape)
    symbols = ["Li"] * LI + ["P", "S", "S", "S", "S"] * 4
    positions = np.concatenate([crystal(frames)[:, :LI], host.reshape(frames, 20, 3)], axis=1)
    names = [str({"Li": 1, "P": 2, "S": 3}[s]) for s in symbols]
    text = dump(positions, names=names)
    trajectory = read(save(tmp_path / "a.dump", text), species=["Li", "P", "S"])
    assert trajectory.host.turned == {"S": 16}
    assert trajectory.host.msd_a2["S"] < 0.1 and trajectory.host.hopped == {"P": 0, "S": 0}
    assert any("turning about an atom that rests" in note for note in trajectory.notes)
    # the same corners without their bonds kept on the way
    positions[40, LI:].reshape(4, 5, 3)[:, 1:] += 2.0
    broken = read(save(tmp_path / "b.dump", dump(positions, names=names)), species=["Li", "P", "S"])
    assert broken.host.turned == {} and broken.host.msd_a2["S"] > 3.0


def test_a_slow_drift_of_the_whole_is_allowed(tmp_path):
    flying = FRAMES + np.arange(200)[:, None, None] * np.array([0.1, 0, 0])
    trajectory = read(save(tmp_path / "a.dump", dump(flying)))
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-4)
    assert 19.9 == pytest.approx(trajectory.host.drift_a, abs=0.5)
    assert trajectory.host_drift_allowed_angstrom > 19.9
    assert any("drifted by" in note for note in trajectory.notes)


def test_a_slab_is_asked_for_its_volume(tmp_path):
    text = dump(FRAMES).replace("0.0 14.0\n0.0 14.0\n0.0 14.0", "0.0 14.0\n0.0 14.0\n-10.0 44.0")
    path = save(tmp_path / "a.dump", text)
    with pytest.raises(DlmdError, match=r"no atom of the host is ever found in .* along c: a slab") as error:
        read(path)
    assert "--volume" in error.value.remedy
    # an ion that has left the slab is no material
    gone = FRAMES.copy()
    gone[:, 0, 2] = np.linspace(7.0, 35.0, len(gone))
    text = dump(gone).replace("0.0 14.0\n0.0 14.0\n0.0 14.0", "0.0 14.0\n0.0 14.0\n-10.0 44.0")
    with pytest.raises(DlmdError, match="along c: a slab"):
        read(save(tmp_path / "gone.dump", text))
    assert read(path, volume_a3=14.0**3).volume == pytest.approx(14.0**3)


# --- constant pressure ------------------------------------------------------------------------------------------

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
    trajectory = read(path)
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
    trajectory = read(save(tmp_path / "a.dump", text), temperature_k=None)
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
        trajectory = read(save(tmp_path / name, "\n".join(text) + "\n"), species=None, stride=500)
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
    trajectory = read(save(tmp_path / "a.dump", "\n".join(lines) + "\n"))
    mean = np.array([[CELL_A, 0, 0], [tilt.mean(), CELL_A, 0], [0, 0, CELL_A]])
    assert displacements(trajectory) == pytest.approx(truth(FRAMES / CELL_A @ mean), abs=1e-3)
    assert trajectory.cell_trend == pytest.approx(0.023, abs=0.004)


def test_species_that_no_atom_is_of_are_said(tmp_path):
    found = read(save(tmp_path / "a.dump", dump()), species=["Li", "Cl", "Br"])
    assert "no atom is of --species Br (type 3)" in found.notes


@pytest.mark.parametrize(("li", "cl"), [("7Li", "35Cl"), ("Li7", "Cl37"), ("Li+", "Cl-"), ("6Li", "Cl")])
def test_isotopes_and_charges_are_their_elements(tmp_path, li, cl):
    names = [li if s == "Li" else cl for s in SYMBOLS]
    found = read(save(tmp_path / "a.dump", dump(names=names, columns="id element xu yu zu")), species=None)
    assert found.composition == {"Cl": CL, "Li": LI}


@pytest.mark.parametrize(
    ("masses", "found"),
    [
        ((6.015, 35.45), ["Li", "Cl"]),
        ((7.016, 34.969), ["Li", "Cl"]),
        ((2.014, 17.999), ["H", "O"]),
        ((10.013, 11.009), ["B", "B"]),
        ((4.0026, 18.998), ["He", "F"]),
        ((5.0, 35.45), [None, "Cl"]),
    ],
)
def test_masses_of_isotopes(masses, found):
    assert elements_of_masses(masses) == found


def test_deuterium_is_hydrogen():
    assert [element_of(name) for name in ("D", "T", "D2O", "Dy", "Tl")] == ["H", "H", None, "Dy", "Tl"]


def test_a_volume_that_no_material_in_this_cell_has_is_refused(tmp_path):
    """A slab of 14 Å in a cell of 42 Å: 2744 Å³ of material in 8232 Å³."""
    lines, seen = [], 0
    for line in dump().splitlines():
        seen = 0 if line.startswith("ITEM: BOX") else seen + 1
        lines.append("0.0 42.0" if seen == 3 and line == f"0.0 {CELL_A}" else line)
    path = save(tmp_path / "slab.dump", "\n".join(lines) + "\n")
    for wrong in (27440.0, 900.0):
        with pytest.raises(DlmdError, match=f"--volume {wrong:g} Å³, but the cell has 8232") as error:
            read(path, volume_a3=wrong)
        assert "without its vacuum" in error.value.remedy
    assert read(path, volume_a3=2744.0).volume == 2744.0
    assert read(path, volume_a3=27440.0, trust_options=True).volume == 27440.0
