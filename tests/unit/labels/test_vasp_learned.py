"""Runs with ML_LMLFF give the frames of their DFT steps and no others, at their true steps."""

import json

import ase.io
import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.labels.vasp import collect, continuation, output, stage
from dlmd.labels.vasp.run import run_step
from vasp_bench import LAUNCH, crystal, library, settings

LEARNED = [3, 4, 6, 7, 8, 10]


def computed(folder, monkeypatch, **tricks):
    s = settings(library(folder / "lib"))
    stage.stage_aimd(
        crystal(), folder / "job", settings=s, level="u4", cell="toy", source="o_toy_0", temperature_k=300.0,
        strain=0.0, steps=12, time_step_fs=1.0, seed=5,
    )  # fmt: skip
    monkeypatch.setenv("FAKE_VASP", json.dumps(tricks))
    if "learned" in tricks:
        incar = folder / "job/seg000/inputs/INCAR"
        incar.write_text(incar.read_text() + "ML_LMLFF = .TRUE.\nML_ISTART = 0\n")
    run_step(folder / "job", "seg000", settings=s, launch=LAUNCH)
    return folder / "job"


def gathered(folder, stride=1):
    told = collect.collect_aimd(
        folder,
        stride=stride,
        max_rejected_fraction=0.05,
        frames=folder / "f.extxyz",
        record=folder / "f.json",
    )
    return told, ase.io.read(folder / "f.extxyz", ":")


def leave(folder, name):
    for other in {"OUTCAR.gz", "vasprun.xml.gz"} - {name}:
        (folder / "seg000/run00" / other).unlink()


@pytest.mark.parametrize("name", ["OUTCAR.gz", "vasprun.xml.gz"])
def test_frames_are_those_of_dft_at_their_true_steps(tmp_path, monkeypatch, name):
    mixed = computed(tmp_path / "mixed", monkeypatch, learned=LEARNED)
    plain = computed(tmp_path / "plain", monkeypatch)
    for folder in (mixed, plain):
        leave(folder, name)
    run = output.read_run(mixed / "seg000/run00")
    assert [f.step for f in run.frames] == list(range(1, 13))
    assert [f.step for f in run.frames if f.learned] == LEARNED
    told, frames = gathered(mixed)
    _, every = gathered(plain)
    assert told["machine_learned_steps"] == 6 and told["frames_rejected"] == 0 and told["steps"] == 12
    assert [a.info["step"] for a in frames] == [0, 1, 4, 8, 10, 11]
    for atoms in frames:
        same = every[atoms.info["step"]]
        np.testing.assert_allclose(atoms.get_forces(), same.get_forces(), atol=1e-6)
        assert atoms.get_potential_energy() == pytest.approx(same.get_potential_energy(), abs=1e-7)
        assert atoms.info["kinetic_temperature_k"] == pytest.approx(
            same.info["kinetic_temperature_k"], abs=0.02
        )
    assert "machine-learned" in " ".join(told["notes"])


def test_dft_steps_are_taken_a_stride_apart(tmp_path, monkeypatch):
    folder = computed(tmp_path, monkeypatch, learned=LEARNED)
    told, frames = gathered(folder, stride=3)
    assert [a.info["step"] for a in frames] == [0, 4, 8, 11] and told["frames_kept"] == 4


def test_without_any_dft_step_there_is_no_label(tmp_path, monkeypatch):
    folder = computed(tmp_path, monkeypatch, learned=list(range(1, 13)))
    with pytest.raises(DlmdError, match="there is no DFT frame") as told:
        gathered(folder)
    assert "without ML_ tags" in told.value.remedy


@pytest.mark.parametrize("name", ["OUTCAR", "vasprun.xml"])
def test_a_cut_file_gives_no_frame_that_the_whole_one_has_not(tmp_path, monkeypatch, name):
    folder = computed(tmp_path, monkeypatch, learned=LEARNED)
    leave(folder, f"{name}.gz")
    path = folder / "seg000/run00" / name
    text = output.read_text(path.with_suffix(path.suffix + ".gz"))
    parse = output.parse_outcar if name == "OUTCAR" else output.parse_vasprun
    whole = {f.step: f for f in parse(text, path).frames}
    for end in np.linspace(len(text) // 8, len(text) - 1, 25).astype(int):
        try:
            frames = parse(text[:end], path).frames
        except DlmdError:
            continue
        for frame in frames:
            if frame.whole:
                assert frame.learned == whole[frame.step].learned
                np.testing.assert_allclose(frame.positions, whole[frame.step].positions)
                np.testing.assert_allclose(frame.forces, whole[frame.step].forces)
                assert frame.energy == whole[frame.step].energy


def test_predictions_that_were_not_all_printed_are_left_out(tmp_path, monkeypatch):
    folder = computed(tmp_path, monkeypatch, learned=LEARNED)
    text = output.read_text(folder / "seg000/run00/OUTCAR.gz")
    pieces = text.split("  ML FORCE on cell")
    run = output.parse_outcar("  ML FORCE on cell".join(pieces[:4] + pieces[5:]), folder)
    assert [f.step for f in run.frames] == [1, 2, 5, 9, 11, 12] and not any(f.learned for f in run.frames)
    assert continuation.step_done("produce", run)
