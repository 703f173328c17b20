"""What `dlmd status` says of files as running jobs leave them, and that it writes nothing."""

import json
import os
import subprocess
import sys
import time

import pytest

from dlmd.base.errors import DlmdError
from dlmd.cli.main import main
from dlmd.process import ownership
from dlmd.process.ownership import owned
from dlmd.run import status
from running_config import toy_config


@pytest.fixture
def cfg(tmp_path, monkeypatch):
    return toy_config(tmp_path, monkeypatch)


@pytest.fixture
def run(tmp_path, cfg):
    folder = tmp_path / "results" / cfg.run
    folder.mkdir(parents=True)
    return folder


def test_config_is_found_from_the_folder_of_the_run(cfg):
    assert status.find_config(f"results/{cfg.run}") == "config/toy.yaml"
    assert status.find_config("config/toy.yaml") == "config/toy.yaml"
    with pytest.raises(DlmdError, match="no config of a run 'other'"):
        status.find_config("results/other")


def test_owner_alive_and_dead(run, cfg):
    folder = run / "md/chgnet/500K/r0"
    with owned(folder):
        (found,) = status.active(run, cfg)
        assert (found.folder, found.owner["state"], found.owner["pid"]) == (
            "md/chgnet/500K/r0",
            "alive",
            os.getpid(),
        )
        kept = (folder / ownership.OWNER).read_text()
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
    )
    record = json.loads(kept) | {"pid": int(gone.stdout)}
    (folder / ownership.OWNER).write_text(json.dumps(record))
    assert status.active(run, cfg)[0].owner["state"] == "dead"


def test_owner_elsewhere_is_judged_by_its_silence(run, cfg):
    folder = run / "training/chgnet/0"
    with owned(folder):
        record = json.loads((folder / ownership.OWNER).read_text()) | {"machine": "another", "job": "17"}
    path = folder / ownership.OWNER
    path.write_text(json.dumps(record))
    assert ownership.look(path)["state"] == "alive"
    long_ago = time.time() - 1000
    os.utime(path, (long_ago, long_ago))
    assert ownership.look(path)["state"] == "silent for 1000 s"


def test_training_shows_its_step_and_error(run, cfg):
    folder = run / "training/chgnet/0"
    with owned(folder):
        (folder / "work").mkdir()
        (folder / "input.json").write_text(json.dumps({"training": {"numb_steps": 1000}}))
        curve = folder / "work/lcurve.out"
        assert status.active(run, cfg)[0].progress == "step 0 of 1000"
        curve.write_text(
            "#  step  rmse_val  rmse_f_val  lr\n 100 1.0 0.25 1e-3\n 200 0.9 0.125 1e-3\n 300 0.8"
        )
        # half a line is no line
        assert status.active(run, cfg)[0].progress == "step 200 of 1000, force RMSE 125 meV/Å"


def test_labels_show_their_counter(run, cfg):
    with owned(run / "labels/chgnet/aimd/0.750/80/0/500K/+0.000"):
        log = run / "logs/labels/chgnet/aimd/0.750_80_0_500K_+0.000.log"
        log.parent.mkdir(parents=True)
        log.write_text("MD 500 K:  10%|# | 10/100 [00:01<00:09]\nMD 500 K:  20%|## | 20/100 [00:02<00:08]\n")
        assert status.active(run, cfg)[0].progress == "step 20 of 100"


def test_running_segment_gives_speed_and_remaining_time(run, cfg):
    t = cfg.md.temperatures_k[0]
    folder = run / f"md/chgnet/{t}K/r0"
    parts = folder / "0002.parts"
    parts.mkdir(parents=True)
    (folder / "0001.json").write_text("{}")
    first = cfg.md.steps(1000 * cfg.md.segment_ps)
    begun, last = first + 10, first + 30
    (parts / f"{begun:012d}.in").write_text("run")
    table = parts / f"{begun:012d}.thermo.csv"
    table.write_text(f"step,temperature_k\n{begun},500\n{last},500\n{last + 10}")
    os.utime(parts / f"{begun:012d}.in", (1000, 1000))
    os.utime(table, (1060, 1060))
    found = status.dynamics(run, cfg)[0]
    ps = cfg.md.time_step_fs / 1000
    # half a row is no row
    assert found.done_ps == pytest.approx(cfg.md.segment_ps + 30 * ps)
    assert found.ns_per_day == pytest.approx(20 * ps / 1000 / 60 * 86400)
    assert found.hours_left == pytest.approx((found.asked_ps - found.done_ps) / 1000 / found.ns_per_day * 24)


def test_segments_count_up_to_the_first_gap_and_failures_are_told(run, cfg):
    t = cfg.md.temperatures_k[0]
    folder = run / f"md/chgnet/{t}K/r0"
    (folder / "0001.parts").mkdir(parents=True)
    (folder / "0002.json").write_text("{}")
    (folder / "0001.parts/failed.txt").write_text("the temperature ran away")
    found = status.dynamics(run, cfg)[0]
    assert found.done_ps == 0.0
    assert found.failed == "the temperature ran away"


def test_final_results_come_from_their_files(run, cfg):
    t = cfg.md.temperatures_k[0]
    home = run / "transport/chgnet"
    home.mkdir(parents=True)
    (home / f"{t}K.json").write_text(json.dumps({"marker": 1}))
    first, *others = status.estimates(run, cfg)
    assert first["final"] and first["result"] == {"marker": 1}
    assert all(row["result"] is None and row["segments"] == 0 for row in others)


def test_command_reads_only(run, cfg, capsys):
    (run / "md").mkdir()
    before = sorted(run.rglob("*"))
    assert main(["status", "config/toy.yaml", "--fast", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"] == cfg.run
    assert main(["status", f"results/{cfg.run}", "--fast"]) == 0
    assert "nothing runs" in capsys.readouterr().out
    assert sorted(run.rglob("*")) == before
