"""What a study takes for a run, in which order, and what it writes over."""

import json
import shlex

import pytest

from dlmd.base.errors import DlmdError
from dlmd.cli import main, study
from dlmd.trajectory.temperatures import temperature_of
from trap_files import FRAMES, SHORT, crystal, dump, save

OPTIONS = "--mobile Li --species Li Cl --time-step 1 --hop-length 1"


def call(capsys, command):
    code = main.main(shlex.split(command))
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def folder(path, text):
    path.mkdir(parents=True)
    return save(path / "md.dump", text)


def test_parts_of_a_run_are_counted_as_people_do(tmp_path, capsys):
    """Parts 1, 2 and 10 give the same as the whole; they were taken as 1, 10, 2."""
    folder(tmp_path / "whole/600K", dump(FRAMES))
    (tmp_path / "parts/600K").mkdir(parents=True)
    for name, first, end in (("1", 0, 90), ("2", 80, 150), ("10", 150, 200)):
        save(tmp_path / f"parts/600K/md.{name}.dump", dump(FRAMES[first:end], first=500 * first))
    for kind in ("whole", "parts"):
        code, _, error = call(capsys, f"study {tmp_path}/{kind}/600K {OPTIONS} -o {tmp_path}/out-{kind}")
        assert code == 3, error
    whole, parts = (
        json.loads((tmp_path / f"out-{kind}/600K.json").read_text()) for kind in ("whole", "parts")
    )
    assert parts["n_frames"] == whole["n_frames"] == 200
    assert parts["msd"]["self_a2"] == pytest.approx(whole["msd"]["self_a2"])
    assert [p.name for p in study.files_of(tmp_path / "parts/600K")] == [
        "md.1.dump",
        "md.2.dump",
        "md.10.dump",
    ]


def test_the_temperature_of_the_folder_above_counts_where_nothing_else_has_one(tmp_path):
    folder(tmp_path / "600K/run1", dump(SHORT))
    assert temperature_of(tmp_path / "600K/run1").temperature_k == 600.0
    (tmp_path / "600K/run1/INCAR").write_text("TEBEG = 700\n")
    assert temperature_of(tmp_path / "600K/run1").temperature_k == 700.0


def test_folders_without_a_trajectory(tmp_path):
    """What is said leads on: to the empty file, or to the folders within."""
    folder(tmp_path / "600K/run1", dump(SHORT))
    with pytest.raises(DlmdError, match="but folders") as refused:
        study.files_of(tmp_path / "600K")
    assert str(tmp_path / "600K/run1") in refused.value.remedy
    folder(tmp_path / "700K", "")
    with pytest.raises(DlmdError, match=r"md\.dump is empty"):
        study.files_of(tmp_path / "700K")
    # one that is not read beside those that are would be missed in silence
    save(tmp_path / "600K/run1/more.xtc.gz", "\x1f")
    with pytest.raises(DlmdError):
        study.files_of(tmp_path / "600K/run1")


def test_a_study_of_other_runs_does_not_write_over_the_first(tmp_path, capsys):
    for temperature, seed in ((500, 1), (600, 2), (700, 3)):
        folder(tmp_path / f"{temperature}K", dump(crystal(seed=seed)))
    command = f"study {tmp_path}/500K {tmp_path}/600K {OPTIONS} -o {tmp_path}/out"
    assert call(capsys, command)[0] == 3
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    code, _, error = call(capsys, f"study {tmp_path}/700K {OPTIONS} -o {tmp_path}/out")
    assert code == 1 and "arrhenius.json is the result of other files" in error and "-o DIR" in error
    code, _, error = call(capsys, f"arrhenius {tmp_path}/out/500K.json -o {tmp_path}/line")
    assert code == 3, error
    code, _, error = call(capsys, f"arrhenius {tmp_path}/out/600K.json -o {tmp_path}/line")
    assert code == 1 and "other files" in error
    assert before == {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    # a temperature more is the same study
    assert call(capsys, command.replace("study ", f"study {tmp_path}/700K ", 1))[0] == 3


def test_what_was_written_before_an_error_is_named(tmp_path, capsys):
    folder(tmp_path / "500K", dump(crystal()))
    folder(tmp_path / "600K", dump(crystal()[:1]))
    code, _, error = call(capsys, f"study {tmp_path}/500K {tmp_path}/600K {OPTIONS} -o {tmp_path}/out")
    assert code == 1 and f"written before the error: {tmp_path}/out/500K.json\n" in error
    assert "1 frame(s), at least 2" in error and not (tmp_path / "out/arrhenius.json").exists()
