"""Traps of frames that come twice, in another order, or not at all: restarts, torn frames, files of single frames."""

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.trajectory import readers
from positions_read import displacements
from trap_files import (
    CELL_A,
    FRAMES,
    SHORT,
    SYMBOLS,
    crystal,
    diverged,
    dump,
    dump_with,
    read,
    read_dump,
    restarted,
    save,
    truth,
    write_h5md,
    xyz,
)


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
    trajectory = read_dump(paths)
    assert trajectory.n_frames == 150 + len(second)
    assert displacements(trajectory) == pytest.approx(truth(expected), abs=1e-4)
    assert any(
        "steps 75000 to 99500 are there twice" in note and "50 frames" in note for note in trajectory.notes
    )


def test_a_counter_that_begins_anew_is_no_repetition(tmp_path):
    paths = [save(tmp_path / "1.dump", dump(FRAMES[:100])), save(tmp_path / "2.dump", dump(FRAMES[99:]))]
    trajectory = read_dump(paths)
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-4)
    assert not any("twice" in note for note in trajectory.notes)
    # and a restart within the second part is still found
    paths.append(save(tmp_path / "3.dump", dump(FRAMES[180:], first=81 * 500)))
    assert read_dump(paths).n_frames == 200


def test_two_runs_are_not_one(tmp_path):
    paths = [save(tmp_path / "1.dump", dump()), save(tmp_path / "2.dump", dump(crystal(seed=8)))]
    with pytest.raises(DlmdError, match="another run") as error:
        read_dump(paths)
    assert "--replicas" in error.value.remedy


def test_a_frame_torn_by_the_kill_and_appended_to(tmp_path):
    head = dump(FRAMES[:101]).splitlines(keepends=True)
    torn = "".join(head[:-7]) + head[-7][:9]
    trajectory = read_dump(save(tmp_path / "a.dump", torn + dump(FRAMES[90:], first=90 * 500)))
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-4)
    assert any("breaks off" in note for note in trajectory.notes)


def test_one_file_per_frame_in_the_order_of_the_shell(tmp_path):
    for number in range(30):
        save(tmp_path / f"dump.{number * 500}", dump(FRAMES[number : number + 1], first=number * 500))
    trajectory = read_dump(sorted(tmp_path.glob("dump.*"), key=str))
    assert displacements(trajectory) == pytest.approx(truth(FRAMES[:30]), abs=1e-4)
    assert any("in the order of their numbers" in note for note in trajectory.notes)


@pytest.mark.parametrize("one_file", [True, False])
def test_times_tell_a_restart_that_went_another_way(tmp_path, one_file):
    second, whole = restarted(80)
    parts = [
        xyz(SHORT, [f"time_fs={500 * n}" for n in range(120)]),
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
        save(tmp_path / "0.xyz", xyz(SHORT[:60], [f"time_fs={500 * n}" for n in range(60)])),
        save(tmp_path / "1.xyz", xyz(SHORT[60:], [f"time_fs={500 * (n + 1)}" for n in range(60)])),
    ]
    assert displacements(read(paths, time_step_fs=None)) == pytest.approx(truth(SHORT), abs=1e-4)


def test_steps_of_h5md_tell_restarts_and_gaps(tmp_path):
    second, whole = restarted(80)
    steps = [500 * n for n in range(120)] + [500 * (80 + n) for n in range(60)]
    trajectory = read(
        write_h5md(tmp_path / "a.h5md", np.concatenate([SHORT, second]), steps), time_step_fs=None
    )
    assert displacements(trajectory) == pytest.approx(truth(whole), abs=1e-3)
    path = write_h5md(tmp_path / "b.h5md", np.delete(SHORT, 50, axis=0), np.delete(500 * np.arange(120), 50))
    with pytest.raises(DlmdError, match="missing frames"):
        read(path, time_step_fs=None)
    with pytest.raises(DlmdError, match="--stride 50, but frames are 500 steps apart"):
        read(write_h5md(tmp_path / "c.h5md", SHORT, 500 * np.arange(120)), stride=50)


def test_frames_in_no_order_are_refused(tmp_path):
    path = save(tmp_path / "a.dump", dump_with(SHORT[::-1], steps=500 * np.arange(120)[::-1]))
    for stride in (None, 500):
        with pytest.raises(DlmdError, match="frames in no order"):
            read_dump(path, stride=stride)


def test_single_frames_without_steps_in_the_order_of_a_shell(tmp_path):
    for number in range(30):
        save(tmp_path / f"{number}.xyz", xyz(SHORT[number : number + 1], [""]))
    paths = sorted(tmp_path.glob("*.xyz"), key=str)
    trajectory = read(paths, stride=500)
    assert displacements(trajectory) == pytest.approx(truth(SHORT[:30]), abs=1e-4)
    assert any("in the order of their numbers" in note for note in trajectory.notes)
    # an order of the user's own stays
    backwards = sorted(paths, key=lambda path: -int(path.stem))
    assert not any("numbers" in note for note in read(backwards, stride=500).notes)


@pytest.mark.parametrize("write", [dump, lambda part, first: xyz(part, [""] * len(part))])
def test_parts_of_a_run_in_the_order_of_a_shell(tmp_path, write):
    """1, 10, 2, as a shell lists them; the last number of a name need not be that of the part."""
    names = ["md.1.300K", "md.2.300K", "md.10.2K"]
    for n, name in enumerate(names):
        path = tmp_path / (name + (".dump" if write is dump else ".xyz"))
        save(path, write(SHORT[40 * n : 40 * n + 40], first=40 * n * 500))
    listed = sorted(tmp_path.iterdir(), key=str)
    assert [path.name[:5] for path in listed] == ["md.1.", "md.10", "md.2."]
    trajectory = read_dump(listed) if write is dump else read(listed, stride=500)
    assert displacements(trajectory) == pytest.approx(truth(SHORT), abs=1e-4)
    assert any("3 files taken in the order of their numbers" in note for note in trajectory.notes)


def test_a_frame_written_twice_by_a_restart_counts_once(tmp_path):
    twice = np.insert(SHORT, 70, SHORT[70], axis=0)
    trajectory = read(save(tmp_path / "a.xyz", xyz(twice, [""] * 121)), stride=500)
    assert displacements(trajectory) == pytest.approx(truth(SHORT), abs=1e-4)
    assert any("1 repeated frame(s)" in note for note in trajectory.notes)
    # but ions that hop on a rigid lattice rest for whole frames, which count
    rigid = np.repeat(SHORT[:1], 30, axis=0)
    rigid[10:, 0, 0] += 1.0
    with pytest.raises(DlmdError, match="repeats the frame before it"):
        read(save(tmp_path / "b.xyz", xyz(rigid, [""] * 30)), stride=500, trust_options=True)


def test_an_exploded_end_is_left_out(tmp_path):
    exploded = SHORT.copy()
    exploded[100:, 3] = np.nan
    path = save(tmp_path / "a.dump", dump_with(exploded))
    with pytest.raises(DlmdError, match="NaN") as error:
        read_dump(path)
    assert "--end" in error.value.remedy
    trajectory = read_dump(path, end_ps=49.5)
    assert displacements(trajectory) == pytest.approx(truth(SHORT[:100]), abs=1e-4)
    assert any("what comes after 49.5 ps is left out" in note for note in trajectory.notes)
    assert read_dump(path, end_ps=49.4).n_frames == 99
    whole = read_dump(save(tmp_path / "b.dump", dump_with(SHORT)), end_ps=1000.0)
    assert whole.n_frames == 120 and not any("left out" in note for note in whole.notes)


def test_parts_of_a_trajectory_keep_their_atoms():
    trajectory = readers.read(
        SHORT,
        species=SYMBOLS,
        cell=[CELL_A] * 3,
        mobile="Li",
        time_step_fs=1.0,
        stride=500,
        temperature_k=600.0,
    )
    part = trajectory.after(10.0).until(30.0)
    assert part.n_frames == 61
    assert displacements(part) == pytest.approx(truth(SHORT[20:81]), abs=1e-4)
    assert part.collective().shape == (61, 3)
    for row, number in enumerate(part.atoms.frames):
        assert part.atoms.positions[row] == pytest.approx(SHORT[20 + number], abs=1e-4)
    with pytest.raises(DlmdError, match="hold one"):
        trajectory.until(0.2)
