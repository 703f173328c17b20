"""A job reads what the run has written, or is refused: damage between two jobs does not go unnoticed."""

import random

import pytest

from dlmd.base.errors import DlmdError
from dlmd.run import binding, checksums, tree
from dlmd.run.binding import Given, Job


@pytest.fixture
def two_jobs(tmp_path, monkeypatch):
    """Rules `make` and `use` in a run `r`: the first writes a table and a folder, the second sums the table up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checksums, "READ_AGAIN_S", (0.01,))

    def make(own: str, *, table: str, folder: str) -> None:
        from pathlib import Path

        Path(folder).mkdir(parents=True)
        (Path(folder) / "set.npy").write_bytes(b"0123")
        Path(table).write_text("1\n2\n3\n")

    def use(table: str, folder: str, *, total: str) -> None:
        from pathlib import Path

        Path(total).write_text(str(sum(map(int, Path(table).read_text().split()))))

    functions = {"make": make, "use": use}
    monkeypatch.setattr(Job, "function", lambda job: functions[job.target])
    monkeypatch.setattr(binding, "JOBS", {name: Job(name) for name in functions})
    home = tree.home("r")
    files = {"table": f"{home}/data/table.txt", "folder": f"{home}/data/train"}

    def do(rule, **changes):
        inputs, outputs = {
            "make": ({"own": "own.cif"}, files),
            "use": (files, {"total": f"{home}/total.txt"}),
        }[rule]
        given = {
            "inputs": inputs,
            "outputs": outputs,
            "params": {},
            "wildcards": {},
            "threads": 1,
            "log": "log",
        }
        binding.run(rule, Given(**(given | {"config": {"run": "r"}} | changes)))
        return tmp_path / home

    (tmp_path / "own.cif").write_text("of the user")
    do("make")
    return do


def test_what_is_as_it_was_is_read(two_jobs):
    run = two_jobs("use")
    assert (run / "total.txt").read_text() == "6"
    assert (run / ".checksums/data/table.txt.sha256").is_file()


def test_a_changed_digit_is_refused_and_the_remedy_works(two_jobs, tmp_path):
    run = two_jobs("use")
    (run / "data/table.txt").write_text("1\n2\n4\n")
    with pytest.raises(DlmdError, match="checksum") as error:
        two_jobs("use")
    assert str(error.value).count("\n") == 2 and "data/table.txt" in error.value.where
    record = tmp_path / error.value.remedy.split("delete ")[-1]
    record.unlink()
    two_jobs("use")
    assert (run / "total.txt").read_text() == "7"


@pytest.mark.parametrize("seed", range(20))
def test_every_bit_counts(two_jobs, seed):
    run, rng = two_jobs("use"), random.Random(seed)
    path = rng.choice([run / "data/table.txt", run / "data/train/set.npy"])
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(rng.choice([bytes(data), data[:-1], bytes(len(data)), b""]))
    with pytest.raises(DlmdError, match="checksum"):
        two_jobs("use")


def test_a_file_too_many_or_too_few_in_a_folder(two_jobs):
    run = two_jobs("use")
    (run / "data/train/set.npy").rename(run / "data/train/other.npy")
    with pytest.raises(DlmdError, match="checksum") as error:
        two_jobs("use")
    assert error.value.where.endswith("data/train/other.npy")


def test_made_anew_is_recorded_anew(two_jobs):
    run = two_jobs("use")
    (run / "data/table.txt").write_text("damaged")
    (run / "data/train/set.npy").unlink()
    (run / "data/train").rmdir()
    two_jobs("make")
    assert (two_jobs("use") / "total.txt").read_text() == "6"


def test_a_job_that_fails_leaves_no_record(two_jobs, monkeypatch):
    run = two_jobs("use")

    def fail(own: str, *, table: str, folder: str) -> None:
        from pathlib import Path

        Path(table).write_text("half")
        raise RuntimeError

    monkeypatch.setattr(Job, "function", lambda job: fail)
    with pytest.raises(RuntimeError):
        two_jobs("make")
    assert not (run / ".checksums/data/table.txt.sha256").exists()


def test_files_of_the_user_and_of_older_runs_are_read_unchecked(two_jobs, tmp_path):
    (tmp_path / "own.cif").write_text("changed by its user")
    record = tmp_path / "results/r/.checksums/data/table.txt.sha256"
    record.unlink()
    (tmp_path / "results/r/data/table.txt").write_text("7\n")
    assert (two_jobs("use") / "total.txt").read_text() == "7"


def test_a_moved_run_is_the_same_run(two_jobs, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "results").rename(tmp_path / "elsewhere/results")
    monkeypatch.chdir(tmp_path / "elsewhere")
    two_jobs("use")
    assert (tmp_path / "elsewhere/results/r/total.txt").read_text() == "6"


def test_the_time_stamp_that_snakemake_adds_to_a_folder_is_no_change(two_jobs, tmp_path):
    (tmp_path / tree.home("r") / "data/train/.snakemake_timestamp").touch()
    assert (two_jobs("use") / "total.txt").read_text() == "6"


def test_trajectories_with_a_sidecar_have_no_second_record(tmp_path):
    import json

    home = tmp_path / "r"
    (home / "md").mkdir(parents=True)
    files = [home / "md" / f"0001.{ending}" for ending in ("dcd", "xtc", "host.txt", "json")]
    for file in files:
        file.write_bytes(b"0123")
    sidecar = {
        "dcd": "0001.dcd",
        "xtc": "0001.xtc",
        "host": "0001.host.txt",
        "sha256": {"dcd": "a", "host": "b"},
    }
    files[-1].write_text(json.dumps(sidecar))
    checksums.remember(map(str, files), home=home)
    # the sidecar has no checksum of the XTC here, and the text is short
    names = {path.name for path in (home / ".checksums/md").iterdir()}
    assert names == {f"0001.{ending}.sha256" for ending in ("xtc", "host.txt", "json")}
    checksums.remember(map(str, files[:3]), home=home)
    assert (home / ".checksums/md/0001.dcd.sha256").is_file()
