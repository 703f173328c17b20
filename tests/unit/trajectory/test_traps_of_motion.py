"""Traps of how atoms move: a temperature, a time step or a unit that their motion contradicts; rotors, drift and melts."""

import gzip

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.trajectory import readers
from positions_read import displacements
from trap_files import (
    CELL_A,
    CL,
    FRAMES,
    LI,
    SHORT,
    SYMBOLS,
    crystal,
    dump,
    dump_with,
    read,
    read_dump,
    save,
    thermal,
    truth,
    write_h5md,
)


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
        read_dump(path, **wrong)
    assert "--trust-options" in error.value.remedy
    assert read_dump(path, trust_options=True, **wrong).n_frames == 200
    assert read_dump(path).n_frames == 200


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
            read_dump(path, time_step_fs=2.0 * factor)
    else:
        assert read_dump(path, time_step_fs=2.0).n_frames == 300


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
            read_dump(path, time_step_fs=frame_fs * factor, stride=1, trust_options=False)
    else:
        assert read_dump(path, time_step_fs=frame_fs, stride=1).n_frames == 120


def test_atoms_that_are_held_show_no_temperature(tmp_path):
    """The lower 70 % of a slab is fixed: the others fly as at 600 K."""
    rng = np.random.default_rng(2)
    rate = 2 * np.pi * 6.0 * rng.uniform(0.8, 1.2, LI + CL)
    amplitude = np.sqrt(2 * 0.83145 * 600.0 / np.array([6.94] * LI + [35.45] * CL)) / rate
    amplitude[LI - 2 : LI + CL - 4] = 0.0
    t = np.arange(100)[:, None, None] * 0.002
    moved = amplitude[:, None] * np.cos(rate[:, None] * t + rng.uniform(0, 2 * np.pi, (LI + CL, 3)))
    path = save(tmp_path / "a.dump", dump(FRAMES[0] + moved, every=1))
    assert read_dump(path, time_step_fs=2.0).n_frames == 100


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
    trajectory = read_dump(save(tmp_path / "a.dump", text), species=["Li", "P", "S"])
    assert trajectory.host.turned == {"S": 16}
    assert trajectory.host.msd_a2["S"] < 0.1 and trajectory.host.hopped == {"P": 0, "S": 0}
    assert any("turning about an atom that rests" in note for note in trajectory.notes)
    # the same corners without their bonds kept on the way
    positions[40, LI:].reshape(4, 5, 3)[:, 1:] += 2.0
    broken = read_dump(save(tmp_path / "b.dump", dump(positions, names=names)), species=["Li", "P", "S"])
    assert broken.host.turned == {} and broken.host.msd_a2["S"] > 3.0


def test_a_slow_drift_of_the_whole_is_allowed(tmp_path):
    flying = FRAMES + np.arange(200)[:, None, None] * np.array([0.1, 0, 0])
    trajectory = read_dump(save(tmp_path / "a.dump", dump(flying)))
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-4)
    assert 19.9 == pytest.approx(trajectory.host.drift_a, abs=0.5)
    assert trajectory.host_drift_allowed_angstrom > 19.9
    assert any("drifted by" in note for note in trajectory.notes)


@pytest.mark.parametrize("scale", [1.0, 1e-3])
@pytest.mark.parametrize("units", [None, "said"])
def test_velocities_of_a_dump_are_held_against_the_temperature(tmp_path, scale, units):
    """300 K passed as 600 K, in Å/ps (metal) and in Å/fs (real), whether the file says which or not."""
    head = f"ITEM: UNITS\n{'metal' if scale == 1.0 else 'real'}" if units else ""
    text = dump_with(SHORT, "id type x y z vx vy vz", more=scale * thermal(300.0), head=head)
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
        for place, velocity in zip(SHORT, thermal(temperature_k), strict=True):
            atoms = ase.Atoms(SYMBOLS, positions=place, cell=[CELL_A] * 3, pbc=True)
            atoms.set_velocities(scale * velocity / (1000 * fs))
            yield atoms

    options = {"mobile": "Li", "time_step_fs": 1.0, "stride": 500, "temperature_k": 600.0}
    assert readers.read(list(frames(600.0)), **options).n_frames == 120
    with pytest.raises(DlmdError, match="the velocities in the file are those of 30"):
        readers.read(list(frames(300.0)), **options)


def test_velocities_in_an_unknown_unit_are_noted(tmp_path):
    path = save(tmp_path / "a.dump", dump_with(SHORT, "id type x y z vx vy vz", more=47.0 * thermal(600.0)))
    assert any("another unit, so that they say nothing" in note for note in read_dump(path).notes)


def test_velocities_of_other_formats(tmp_path):
    cold = thermal(300.0)
    with pytest.raises(DlmdError, match="the velocities in the file"):
        read(write_h5md(tmp_path / "a.h5md", SHORT, 500 * np.arange(120), velocities=cold), time_step_fs=None)
    gro = []
    for number, frame in enumerate(SHORT % CELL_A):
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
    assert displacements(trajectory) == pytest.approx(truth(SHORT), abs=0.03)
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
