"""Traps of times and strides: those that a file has, and those that options say."""

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from positions_read import displacements
from trap_files import (
    CELL_A,
    CL,
    FRAMES,
    LI,
    SHORT,
    SYMBOLS,
    TYPES,
    diverged,
    dump,
    dump_with,
    read,
    read_dump,
    restarted,
    save,
    truth,
    write_dcd,
    xyz,
)


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
    assert read_dump(path, time_step_fs=None).frame_interval_ps == pytest.approx(interval)
    with pytest.raises(DlmdError, match=r"the file says"):
        read_dump(path, time_step_fs=5.0)
    trusted = read_dump(path, time_step_fs=5.0, trust_options=True)
    assert trusted.frame_interval_ps == pytest.approx(2.5)
    assert any("as given" in note for note in trusted.notes)


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
    assert read_dump(path, time_step_fs=None, species=species).frame_interval_ps == pytest.approx(0.5)
    with pytest.raises(DlmdError, match=r"give 5 ps between frames, the file says 0\.5 ps"):
        read_dump(path, time_step_fs=10.0, species=species)


def test_stride_and_steps_of_a_dcd_header(tmp_path):
    species = ["12*Li", "20*Cl"]
    path = write_dcd(tmp_path / "a.dcd", FRAMES, stride=500)
    with pytest.raises(DlmdError, match="--stride 50, but frames are 500 steps apart"):
        read_dump(path, species=species, stride=50)
    assert read_dump(path, species=species).frame_interval_ps == pytest.approx(0.5)
    # a stride of one is what programs leave that write frames again
    again = write_dcd(tmp_path / "b.dcd", FRAMES, stride=1)
    assert read_dump(again, species=species, stride=500).frame_interval_ps == pytest.approx(0.5)
    leg = write_dcd(tmp_path / "c.dcd", diverged(FRAMES, 150), stride=500, first=150 * 500)
    assert any("twice" in note for note in read_dump([path, leg], species=species).notes)


def test_a_time_that_nothing_confirms_is_said(tmp_path):
    assert any(
        "between frames, as given: the file has no times" in note
        for note in read_dump(save(tmp_path / "a", dump())).notes
    )
    timed = read_dump(save(tmp_path / "b", dump(units="real", time=1.0)))
    assert not any("between frames, as given" in note for note in timed.notes)


@pytest.mark.parametrize(("step", "stride", "asked"), [(20.0, 50, True), (2.0, 50, False), (100.0, 1, False)])
def test_a_long_time_step_that_nothing_confirms_is_asked_about(tmp_path, step, stride, asked):
    # with a stride of 1 it is the time between frames
    found = read_dump(save(tmp_path / "a", dump()), time_step_fs=step, stride=stride, trust_options=True)
    assert any("longer than MD of all atoms usually has" in note for note in found.notes) == asked


def extxyz(path, positions, comment):
    lines = []
    for number, frame in enumerate(positions):
        lines += [str(len(frame)), f'Lattice="{CELL_A} 0 0 0 {CELL_A} 0 0 0 {CELL_A}" {comment(number)}']
        lines += [f"{s} {x:.6f} {y:.6f} {z:.6f}" for s, (x, y, z) in zip(SYMBOLS, frame, strict=True)]
    return save(path, "\n".join(lines) + "\n")


def test_a_time_alone_in_extended_xyz(tmp_path):
    bare = {"species": None, "time_step_fs": None}
    with pytest.raises(DlmdError, match="times are 500 apart, without a unit") as error:
        read_dump(extxyz(tmp_path / "a.xyz", FRAMES, lambda k: f"Time={500.0 * k}"), **bare)
    assert "--time-step 500 --stride 1 where these are fs" in error.value.remedy
    found = read_dump(tmp_path / "a.xyz", species=None, time_step_fs=500.0, stride=1)
    assert found.frame_interval_ps == pytest.approx(0.5)
    for number, name in enumerate(("time_fs", "t_fs")):
        path = extxyz(tmp_path / f"{number}.xyz", FRAMES, lambda k, name=name: f"{name}={500.0 * k}")
        assert read_dump(path, **bare).frame_interval_ps == pytest.approx(0.5)
    assert (
        read_dump(
            extxyz(tmp_path / "c.xyz", FRAMES, lambda k: f"time_ps={0.5 * k}"), **bare
        ).frame_interval_ps
        == 0.5
    )


def test_a_gap_in_the_times_is_missing_frames(tmp_path):
    numbers = [n for n in range(120) if not 50 <= n < 53]
    path = save(tmp_path / "a.xyz", xyz(SHORT[numbers], [f"time_fs={500 * n}" for n in numbers]))
    with pytest.raises(
        DlmdError, match="time 26500 follows time 24500, but frames are 500 apart: missing"
    ) as error:
        read(path, time_step_fs=None)
    assert "frame 50" in error.value.where
    # the user's word counts where it is said to
    assert read(path, time_step_fs=1.0, stride=500, trust_options=True).n_frames == 117


def test_rounded_times_are_no_times(tmp_path):
    # 5 fs between frames, written in ps with two digits
    path = save(tmp_path / "a.xyz", xyz(SHORT, [f"time_ps={int(n * 0.5) * 0.01:.2f}" for n in range(120)]))
    with pytest.raises(DlmdError, match=r"unknown|uneven"):
        read(path, time_step_fs=None, temperature_k=None)
    times = [0.0, 0.01, 0.02, *(0.025 + 0.01 * n for n in range(117))]
    path = save(tmp_path / "b.xyz", xyz(SHORT, [f"time_ps={t:.4f}" for t in times]))
    with pytest.raises(DlmdError, match="uneven, or rounded") as error:
        read(path, time_step_fs=None, temperature_k=None)
    assert "frame 3" in error.value.where and "--trust-options" in error.value.remedy


def test_rounding_of_the_first_interval_does_not_add_up(tmp_path):
    path = save(tmp_path / "a.xyz", xyz(SHORT, [f"time_fs={500 * n / 3:.0f}" for n in range(120)]))
    assert read(path, time_step_fs=None, temperature_k=None).n_frames == 120


def test_steps_that_are_all_the_same_count_nothing(tmp_path):
    """XTC written by programs that keep times alone."""
    import chemfiles

    second, whole = restarted(80)
    path = tmp_path / "a.xtc"
    times = [0.5 * n for n in range(120)] + [0.5 * (80 + n) for n in range(60)]
    with chemfiles.Trajectory(str(path), "w", "XTC") as file:
        for time, xyz_a in zip(times, np.concatenate([SHORT, second]) % CELL_A, strict=True):
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
        file.createVariable("coordinates", "f", ("frame", "atom", "spatial"))[:] = SHORT % CELL_A
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
    lines = xyz(SHORT, [""] * 120, names=[str(t) for t in TYPES]).splitlines()
    for number in range(120):
        lines[number * (LI + CL + 2) + 1] = f"Atoms. Timestep: {500 * number}"
    options = {"species": ["Li", "Cl"], "cell": [CELL_A] * 3}
    whole = read(save(tmp_path / "a.xyz", "\n".join(lines) + "\n"), **options)
    assert displacements(whole) == pytest.approx(truth(SHORT), abs=1e-4)
    assert whole.frame_interval_ps == pytest.approx(0.5)
    del lines[50 * (LI + CL + 2) : 53 * (LI + CL + 2)]
    with pytest.raises(DlmdError, match="step 26500 follows step 24500"):
        read(save(tmp_path / "b.xyz", "\n".join(lines) + "\n"), **options)


@pytest.mark.parametrize(("time_ps", "step_fs"), [(500.0, 1000), (5e-4, 0.001)])
def test_times_in_the_file_that_make_no_md(tmp_path, time_ps, step_fs):
    comments = [f"step={500 * n} time_ps={time_ps * n}" for n in range(120)]
    path = save(tmp_path / "a.xyz", xyz(SHORT, comments))
    with pytest.raises(DlmdError, match=f"make a time step of {step_fs:g}") as error:
        read(path, time_step_fs=None)
    assert "--trust-options" in error.value.remedy
    trusted = read(path, time_step_fs=1.0, stride=500, trust_options=True)
    assert trusted.frame_interval_ps == pytest.approx(0.5)


@pytest.mark.parametrize("step_fs", [1000.0, 100.0])
def test_a_time_step_of_picoseconds_with_the_strides_of_the_file(tmp_path, step_fs):
    path = save(tmp_path / "a.dump", dump_with(SHORT))
    with pytest.raises(DlmdError, match=f"--time-step {step_fs:g} fs with 500 steps between frames") as error:
        read_dump(path, time_step_fs=step_fs)
    assert str(path) in error.value.where
