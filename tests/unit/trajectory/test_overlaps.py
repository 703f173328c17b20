"""Frames of text formats that are there twice, seams of files, and the times that comments and titles hold."""

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.trajectory import readers
from positions_read import displacements, relative_to_host

LI, CL, CELL_A, INTERVAL_PS = 12, 20, 14.0, 0.5
SYMBOLS = ["Li"] * LI + ["Cl"] * CL


def crystal(frames=200, *, seed=1):
    """(frames, atoms, 3) unwrapped Å: Li walks, Cl vibrates about its places as at 600 K; 0.5 ps between frames."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, np.sqrt(2 * 0.05 * INTERVAL_PS), (frames, LI, 3))
    steps[0] = 0
    start = rng.random((LI + CL, 3)) * CELL_A
    return start + np.concatenate([steps.cumsum(axis=0), rng.normal(0, 0.15, (frames, CL, 3))], axis=1)


FRAMES = crystal()


def diverged(positions, at):
    """The run again from frame `at` on, as a restart gives it: the same state, then another future."""
    other = crystal(len(positions) - at + 40, seed=5)
    return positions[at] + other - other[0]


def save(path, text):
    path.write_text(text)
    return path


def truth(positions=FRAMES):
    return relative_to_host(positions, LI)


def xyz(positions, said=lambda number: ""):
    """Extended XYZ; `said(frame)` is added to the comment."""
    lattice = f'Lattice="{CELL_A} 0 0 0 {CELL_A} 0 0 0 {CELL_A}"'
    lines = []
    for number, frame in enumerate(positions):
        lines += [str(len(frame)), f"{lattice} Properties=species:S:1:pos:R:3 {said(number)}".strip()]
        lines += [f"{s} " + " ".join(f"{x:.7f}" for x in at) for s, at in zip(SYMBOLS, frame, strict=True)]
    return "\n".join(lines) + "\n"


def xdatcar(positions):
    lines = [
        "run",
        "1.0",
        f"{CELL_A} 0 0",
        f"0 {CELL_A} 0",
        f"0 0 {CELL_A}",
        "Li Cl",
        f"{LI} {len(SYMBOLS) - LI}",
    ]
    for number, frame in enumerate(positions):
        lines += [f"Direct configuration= {number + 1:5d}"]
        lines += [" ".join(f"{x:.9f}" for x in at / CELL_A) for at in frame]
    return "\n".join(lines) + "\n"


def read_xyz(paths, **options):
    given = {"mobile": "Li", "time_step_fs": 1.0, "stride": 500, "temperature_k": 600.0, **options}
    return readers.read(paths if isinstance(paths, list) else [paths], **given)


@pytest.mark.parametrize("one_file", [False, True])
@pytest.mark.parametrize("kind", ["xyz", "xdatcar"])
def test_repeated_frames_without_steps_count_once(tmp_path, kind, one_file):
    write = {"xyz": xyz, "xdatcar": xdatcar}[kind]
    ending = ".xyz" if kind == "xyz" else ".XDATCAR"
    parts = write(FRAMES[:140]), write(FRAMES[100:])
    if one_file:
        paths = [save(tmp_path / f"all{ending}", "".join(parts))]
    else:
        paths = [save(tmp_path / f"{n}{ending}", part) for n, part in enumerate(parts)]
    found = read_xyz(paths)
    assert found.n_frames == len(FRAMES)
    assert "frames 100 to 139 are there twice" in " ".join(found.notes)
    np.testing.assert_allclose(displacements(found), truth(), atol=1e-4)


def test_a_restart_without_steps_that_goes_another_way(tmp_path):
    second = diverged(FRAMES, 150)
    second[:10] = FRAMES[150:160]
    second[10:] += FRAMES[160] - second[10]
    paths = [save(tmp_path / "1.xyz", xyz(FRAMES)), save(tmp_path / "2.xyz", xyz(second))]
    found = read_xyz(paths)
    assert found.n_frames == 150 + len(second)
    assert "frames 150 to 160 are there twice (a restart): counted once, 39 frames" in " ".join(found.notes)
    np.testing.assert_allclose(displacements(found), truth(np.concatenate([FRAMES[:150], second])), atol=1e-4)


@pytest.mark.parametrize("said", [lambda n: f"Step={500 * n} Time={500.0 * n}", lambda n: ""])
def test_a_file_given_twice_is_refused(tmp_path, said):
    path = save(tmp_path / "run.xyz", xyz(FRAMES, said))
    with pytest.raises(DlmdError, match="repeats"):
        read_xyz([path, path])


def test_steps_in_comments_tell_a_restart(tmp_path):
    first = save(tmp_path / "1.xyz", xyz(FRAMES, lambda n: f"Step={500 * n}"))
    again = diverged(FRAMES, 150)
    second = save(tmp_path / "2.xyz", xyz(again, lambda n: f"Step={500 * (150 + n)}"))
    found = read_xyz([first, second])
    assert found.n_frames == 150 + len(again)
    assert "steps 75000 to 99500 are there twice" in " ".join(found.notes)


@pytest.mark.parametrize("write", [xyz, xdatcar])
def test_a_jump_at_the_seam_is_named(tmp_path, write):
    ending = ".xyz" if write is xyz else ".XDATCAR"
    paths = [save(tmp_path / f"{n}{ending}", write(run)) for n, run in enumerate([FRAMES, crystal(seed=9)])]
    with pytest.raises(DlmdError, match="does not continue the file before it: ions jump") as refused:
        read_xyz(paths)
    assert f"1{ending}, frame 0" in refused.value.where and "--replicas" in refused.value.remedy


def test_ions_that_hop_on_a_rigid_lattice_may_come_back(tmp_path):
    places = crystal(1)[0]
    run = np.repeat(places[None], 60, axis=0)
    run[::2, 0] += [2.0, 0, 0]
    run[:, 1, 1] += 0.001 * (np.arange(60) // 3)
    assert read_xyz(save(tmp_path / "kmc.xyz", xyz(run)), temperature_k=None).n_frames == 60


@pytest.mark.parametrize(
    ("said", "stride", "problem"),
    [
        (lambda n: f"Step={500 * n}", 500, None),
        (lambda n: f"Step={500 * n}", 100, "frames are 500 steps apart"),
        (lambda n: f"Timestep={500 * n} Time={0.5 * n}", None, None),
        (lambda n: f"Time={0.5 * n}", 500, None),
        (lambda n: f"time={500.0 * n}", 500, None),
        (lambda n: f"Time={0.5 * n}", 100, "the file's times differ by 0.5"),
        (lambda n: f"Step={n}", 500, None),
        (lambda n: f"Step={n} Time={100.0 * n}", 500, "the file's times differ by 100"),
    ],
)
def test_steps_and_times_of_comments_are_held_against_the_options(tmp_path, said, stride, problem):
    path = save(tmp_path / "run.xyz", xyz(FRAMES, said))
    if problem is None:
        assert read_xyz(path, stride=stride).frame_interval_ps == pytest.approx(INTERVAL_PS)
        return
    with pytest.raises(DlmdError, match=problem):
        read_xyz(path, stride=stride)
    assert read_xyz(path, stride=stride, trust_options=True).frame_interval_ps == pytest.approx(stride / 1000)


def gro(positions, title):
    lines = []
    for number, frame in enumerate(positions):
        lines += [title(number), str(len(frame))]
        lines += [
            f"{1:5d}{'MOL':<5}{s:>5}{i + 1:5d}" + "".join(f"{x / 10:8.3f}" for x in at)
            for i, (s, at) in enumerate(zip(SYMBOLS, frame, strict=True))
        ]
        lines += [f"{CELL_A / 10:10.5f}" * 3]
    return "\n".join(lines) + "\n"


def test_times_of_gro(tmp_path):
    path = save(tmp_path / "run.gro", gro(FRAMES, lambda n: f"crystal t= {0.5 * n:.5f} step= {500 * n}"))
    assert read_xyz(path, stride=None, time_step_fs=None).frame_interval_ps == pytest.approx(0.5)
    with pytest.raises(DlmdError, match="frames are 500 steps apart"):
        read_xyz(path, stride=100)
    path = save(tmp_path / "run.gro", gro(FRAMES, lambda n: f"crystal t= {0.5 * n:.5f}"))
    with pytest.raises(DlmdError, match=r"the file says 0\.5 ps"):
        read_xyz(path, stride=100)
